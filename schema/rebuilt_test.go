package schema_test

import (
	"testing"

	"github.com/sealsql/sealsql/schema"
)

// The copy of a table that a migrator makes holds the same records.
func TestRebuiltTableHoldsTheSameRecords(t *testing.T) {
	cat, err := schema.New([]*schema.Table{
		{Name: "users", Columns: []*schema.Column{
			{Name: "ssn"},
			{Name: "email", Equality: &schema.Equality{Unique: schema.UniqueExact}, Prefix: &schema.Fragments{Kind: schema.PrefixFragments}},
		}},
		{Name: "orders", Columns: []*schema.Column{{Name: "ssn"}}},
		{Name: "orders__temp", Columns: []*schema.Column{{Name: "other"}}},
	}, schema.Options{})
	if err != nil {
		t.Fatal(err)
	}
	rebuilt := cat.Rebuilt(func(table string) string { return table + "__temp" })
	users, twin := rebuilt.Lookup("", "users"), rebuilt.Lookup("main", "Users__Temp")
	if twin == nil || twin.Rebuilds != users || !twin.SameRecords(users) || !users.SameRecords(twin) {
		t.Fatalf("no copy of users: %v", twin)
	}
	for _, c := range twin.Columns {
		if c.Table != twin || c.ID != users.Column(c.Name).ID || c == users.Column(c.Name) {
			t.Errorf("%s: id %q of %v", c.Name, c.ID, c.Table)
		}
		for _, x := range c.Indexes() {
			if x.Column() != c {
				t.Errorf("%s: the index is of %v", c.Name, x.Column())
			}
		}
	}
	if twin.IndexColumn("email_bidx") == nil {
		t.Error("the copy has no index column")
	}
	if got := rebuilt.Lookup("", "orders__temp"); got.Rebuilds != nil || got.SameRecords(rebuilt.Lookup("", "orders")) {
		t.Error("an annotated table became a copy of another")
	}
	if cat.Mentions("users__temp") {
		t.Error("the catalog itself was changed")
	}
	if (*schema.Catalog)(nil).Rebuilt(nil) != nil || users.SameRecords(nil) {
		t.Error("nothing has a copy")
	}
}

func TestTablesWithOtherRecordsAreTold(t *testing.T) {
	table := func(change func(*schema.Table)) *schema.Table {
		x := &schema.Table{Name: "t", Columns: []*schema.Column{{Name: "c", ID: "id", Equality: &schema.Equality{Group: "g"}}}}
		change(x)
		if _, err := schema.New([]*schema.Table{x}, schema.Options{}); err != nil {
			t.Fatal(err)
		}
		return x
	}
	plain := table(func(*schema.Table) {})
	for name, other := range map[string]*schema.Table{
		"id":        table(func(x *schema.Table) { x.Columns[0].ID = "other" }),
		"carrier":   table(func(x *schema.Table) { x.Columns[0].Carrier = schema.CarrierText }),
		"partition": table(func(x *schema.Table) { x.Partition.Const = "p" }),
		"group":     table(func(x *schema.Table) { x.Columns[0].Equality.Group = "h" }),
		"index":     table(func(x *schema.Table) { x.Columns[0].Equality = nil }),
		"name":      table(func(x *schema.Table) { x.Columns[0].Name = "d" }),
		"columns":   table(func(x *schema.Table) { x.Columns = append(x.Columns, &schema.Column{Name: "d"}) }),
	} {
		if plain.SameRecords(other) || other.SameRecords(plain) {
			t.Errorf("another %s goes unnoticed", name)
		}
	}
}
