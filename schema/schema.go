// Package schema describes which columns of which tables are encrypted.
//
// A Catalog is built by package config from sealsql.yaml, or by hand with New.
// It names no keys and does not look at a database; what the database holds is
// read by the driver and compared with it.
package schema

// Catalog is an immutable set of annotated tables.
type Catalog struct {
	tables []*Table
	byName map[string][]*Table // key: lower-case table name without schema
	clear  map[string]bool     // clear_tables, lower case
}

// Table is an annotated table.
type Table struct {
	// Schema is empty when the configuration names the table without one; the
	// table then matches in every schema, database and attached file (threats T2).
	Schema string
	Name   string
	// Columns are the encrypted columns, in the order of the configuration.
	Columns []*Column
	// Partition says where the partition of a row comes from.
	Partition Partition
	// Relaxed opens records by the partition that they name instead of
	// demanding that it equals the expected one (partition_check: relaxed).
	Relaxed bool
}

// Column is an encrypted column.
type Column struct {
	Table *Table
	Name  string
	// ID is the stable id that is bound into every record: "table.column"
	// unless the configuration gives another (threats T31).
	ID string
	// Type is the logical type.
	Type Type
	// Physical overrides the carrier ("binary" or "text"); empty means binary.
	Carrier Carrier
}

// String returns "table.column".
func (c *Column) String() string { return c.Table.Name + "." + c.Name }

// Carrier says what kind of physical column holds the records.
type Carrier uint8

// The carriers: raw records in bytea, VARBINARY, BLOB; "ss1." armour in text.
const (
	CarrierBinary Carrier = iota
	CarrierText
)

// PartitionKind says where a row's partition comes from.
type PartitionKind uint8

// The sources of a partition.
const (
	PartitionConst PartitionKind = iota
	PartitionContext
	PartitionColumn
)

// Partition is the rule by which rows find their partition.
type Partition struct {
	Kind PartitionKind
	// Const is the id for PartitionConst.
	Const string
	// Column and Type are set for PartitionColumn. Type decides the canonical
	// form that enters keys and associated data (threats T14).
	Column string
	Type   Type
}

// Column returns the annotated column of that name (compared without case), or nil.
func (t *Table) Column(name string) *Column {
	for _, c := range t.Columns {
		if equalFold(c.Name, name) {
			return c
		}
	}
	return nil
}
