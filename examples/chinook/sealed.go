package main

import (
	"fmt"
	"strings"
)

// table is a table with encrypted columns.
type table struct {
	name    string
	columns []column
}

// column is an encrypted column: how many characters it may have, and whether
// its records are stored as text. One column is, to show both.
type column struct {
	name   string
	length int
	text   bool
}

// An invoice repeats the customer's address, so it is encrypted there, too.
var sealedTables = []table{
	{"Customer", []column{
		{name: "FirstName", length: 40},
		{name: "LastName", length: 20},
		{name: "Address", length: 70},
		{name: "Phone", length: 24},
		{name: "Fax", length: 24, text: true},
		{name: "Email", length: 60},
	}},
	{"Employee", []column{
		{name: "FirstName", length: 20},
		{name: "LastName", length: 20},
		{name: "Address", length: 70},
		{name: "Phone", length: 24},
		{name: "Fax", length: 24, text: true},
		{name: "Email", length: 60},
	}},
	{"Invoice", []column{
		{name: "BillingAddress", length: 70},
	}},
}

func sealedColumns() int {
	n := 0
	for _, t := range sealedTables {
		n += len(t.columns)
	}
	return n
}

// partitioning says in words how the rows are parted.
func (e engine) partitioning(partitioned bool) string {
	if !partitioned {
		return "one partition for all rows"
	}
	var by []string
	for _, t := range sealedTables {
		by = append(by, e.spellWord(t.name)+"."+e.spellWord(e.partitions[t.name].column))
	}
	return "partitions by " + strings.Join(by, ", ")
}

// configuration is the sealsql.yaml: the word "partitioned" is the only thing
// that the two encrypted databases differ in.
func (e engine) configuration(keyFile string, partitioned bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "version: 1\nservice: chinook\nproduct: shop\nkms: {file: %q}\nmetastore: {sql: same}\nguards: require\n", keyFile)
	if !partitioned {
		b.WriteString("defaults: {partition: {const: shop}}\n")
	}
	b.WriteString("tables:\n")
	for _, t := range sealedTables {
		fmt.Fprintf(&b, "  %s:\n", e.spellWord(t.name))
		if partitioned {
			p := e.partitions[t.name]
			fmt.Fprintf(&b, "    partition: {column: %s, type: %s}\n", e.spellWord(p.column), p.kind)
		}
		b.WriteString("    columns:\n")
		for _, c := range t.columns {
			carrier := "binary"
			if c.text {
				carrier = "text"
			}
			fmt.Fprintf(&b, "      %s: {type: %s, carrier: %s}\n", e.spellWord(c.name), e.logical(c.length), carrier)
		}
	}
	return b.String()
}
