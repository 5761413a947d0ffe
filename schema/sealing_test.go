package schema_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/sealsql/sealsql/schema"
)

func mustType(t *testing.T, text string) schema.Type {
	t.Helper()
	typ, err := schema.ParseType(text)
	if err != nil {
		t.Fatal(err)
	}
	return typ
}

func TestFormsThatMakeNoSenseAreRefusedByField(t *testing.T) {
	uuid, text, float := mustType(t, "uuid"), mustType(t, "text"), mustType(t, "float8")
	for name, c := range map[string]struct {
		field  string
		column schema.Column
		table  schema.Table
	}{
		"unknown suite":             {"algorithm", schema.Column{Sealing: schema.Sealing{Suite: "ROT13"}}, schema.Table{}},
		"threshold too low":         {"compress", schema.Column{Sealing: schema.Sealing{Compress: 15}}, schema.Table{}},
		"threshold negative":        {"compress", schema.Column{Sealing: schema.Sealing{Compress: -1}}, schema.Table{}},
		"padding of 24":             {"pad", schema.Column{Sealing: schema.Sealing{Pad: 24}}, schema.Table{}},
		"padding of 8":              {"pad", schema.Column{Sealing: schema.Sealing{Pad: 8}}, schema.Table{}},
		"padding of -2":             {"pad", schema.Column{Sealing: schema.Sealing{Pad: -2}}, schema.Table{}},
		"unknown form":              {"read", schema.Column{Sealing: schema.Sealing{Read: []string{"anything"}}}, schema.Table{}},
		"unbound where none binds":  {"read", schema.Column{Sealing: schema.Sealing{Read: []string{"unbound"}}}, schema.Table{}},
		"padded Asherah records":    {"format", schema.Column{Carrier: schema.CarrierAsherah, Sealing: schema.Sealing{Pad: 16}}, schema.Table{}},
		"bound Asherah records":     {"format", schema.Column{Carrier: schema.CarrierAsherah}, schema.Table{Row: schema.RowIdentity{Column: "id", Type: uuid}}},
		"encrypted row identity":    {"bind_row.column", schema.Column{}, schema.Table{Row: schema.RowIdentity{Column: "C", Type: uuid}}},
		"row identity of floats":    {"bind_row.type", schema.Column{}, schema.Table{Row: schema.RowIdentity{Column: "id", Type: float}}},
		"row identity without type": {"bind_row.type", schema.Column{}, schema.Table{Row: schema.RowIdentity{Column: "id"}}},
		"type without row identity": {"bind_row", schema.Column{}, schema.Table{Row: schema.RowIdentity{Type: uuid}}},
		"the partition as row": {"bind_row.column", schema.Column{}, schema.Table{
			Row:       schema.RowIdentity{Column: "T", Type: text},
			Partition: schema.Partition{Kind: schema.PartitionColumn, Column: "t", Type: text},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			c.column.Name, c.table.Name = "c", "x"
			c.table.Columns = []*schema.Column{&c.column}
			_, err := schema.New([]*schema.Table{&c.table}, schema.Options{})
			var found schema.Problems
			if !errors.As(err, &found) || found[0].Field != c.field {
				t.Fatalf("%v, want a fault of %s", err, c.field)
			}
		})
	}
}

// What a column reads is what it seals, and what it names.
func TestColumnsReadWhatTheySealAndName(t *testing.T) {
	uuid := mustType(t, "uuid")
	table := &schema.Table{Name: "t", Row: schema.RowIdentity{Column: "id", Type: uuid}, Columns: []*schema.Column{
		{Name: "plain", Unbound: true},
		{Name: "bound"},
		{Name: "all", Sealing: schema.Sealing{
			Suite: schema.SuiteWrapped, Pad: 16, Compress: 100, Read: []string{"AES-256-GCM", "unbound", "unpadded"},
		}},
	}}
	if _, err := schema.New([]*schema.Table{table}, schema.Options{}); err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"AES-256-GCM unbound unpadded", "AES-256-GCM unpadded", "AES-256-GCM AES-256-GCM-wrapped unbound padded unpadded compressed"} {
		var got []string
		for _, word := range schema.ReadWords() {
			if table.Columns[i].Reads(word) {
				got = append(got, word)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s reads %v, want %s", table.Columns[i], got, want)
		}
	}
	plain, bound, all := table.Columns[0], table.Columns[1], table.Columns[2]
	if !all.ReadsAll(plain) || plain.ReadsAll(all) || bound.ReadsAll(plain) || !plain.ReadsAll(bound) || !plain.ReadsAll(plain) {
		t.Error("ReadsAll is wrong")
	}
	if plain.BindsRow() || !bound.BindsRow() || (&schema.Column{}).BindsRow() {
		t.Error("BindsRow is wrong")
	}
}
