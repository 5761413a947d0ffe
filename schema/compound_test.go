package schema

import (
	"strings"
	"testing"
)

// TestACompoundIndexIsNotLeftBehindByAMove: when a column's equality is moved to
// another collation, an index over several columns would go on finding rows by
// the one before.
func TestACompoundIndexIsNotLeftBehindByAMove(t *testing.T) {
	for name, c := range map[string]struct {
		next Equality
		want string
	}{
		"to another key":       {Equality{Name: "a2", Version: 2, Collation: CollationBytes}, ""},
		"to another size":      {Equality{Name: "a2", Bits: 256, Collation: CollationBytes}, ""},
		"to another collation": {Equality{Name: "a2", Collation: CollationIgnoreCase}, "a: the column's equality is moved to other steps"},
		"to a normalizer":      {Equality{Name: "a2", Collation: CollationNormalized, Normalize: []Normalizer{Trim}}, "a: the column's equality is moved to other steps"},
	} {
		t.Run(name, func(t *testing.T) {
			a := &Column{Name: "a", Equality: &Equality{Collation: CollationBytes}, Next: Next{Equality: &c.next}}
			_, err := New([]*Table{{
				Name: "t", Columns: []*Column{a, {Name: "b"}},
				Compounds: []*Compound{{Key: "ab", Parts: []Part{{Name: "a"}, {Name: "b"}}}},
			}}, Options{})
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestACopyOfATableHasItsOwnCompoundIndexes: the tables that migrators rebuild,
// and those of a configuration whose indexes are moved, are copies.
func TestACopyOfATableHasItsOwnCompoundIndexes(t *testing.T) {
	typ, err := ParseType("text")
	if err != nil {
		t.Fatal(err)
	}
	moved := &Column{Name: "a", Equality: &Equality{}}
	moved.Next.Equality = &Equality{Name: "a_bidx2", Version: 2}
	cat, err := New([]*Table{{
		Name: "t", Columns: []*Column{moved, {Name: "b"}},
		Compounds: []*Compound{{Key: "ab", Parts: []Part{{Name: "a"}, {Name: "b"}}}, {Key: "cb", Parts: []Part{{Name: "c", Type: typ}, {Name: "b"}}}},
	}}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	catalogs := map[string]*Catalog{"as declared": cat, "rebuilt": cat.Rebuilt(func(n string) string { return n + "__temp" })}
	for _, s := range []Stage{StageFilling, StageLive, StageFinished} {
		catalogs["while "+s.String()] = cat.At(func(Move) Stage { return s })
	}
	for name, c := range catalogs {
		for _, table := range c.Tables() {
			b := table.Column("b")
			if len(b.Indexes()) != 2 || len(b.Own()) != 0 {
				t.Errorf("%s: %s has %d indexes", name, table.Name, len(b.Indexes()))
			}
			for i, x := range table.Compounds {
				if x.In != table || x.Column() != b || b.Indexes()[i] != Index(x) || table.IndexColumn(x.Name) != Index(x) {
					t.Errorf("%s: %s has an index of another table", name, table.Name)
				}
			}
			if a := table.Column("a"); table.Compounds[0].Parts[0].Of != a || table.Compounds[1].Parts[0].Of != nil {
				t.Errorf("%s: %s has parts of another table", name, table.Name)
			}
		}
	}
	twin := catalogs["rebuilt"].Lookup("", "t__temp")
	if twin == nil || !twin.SameRecords(cat.Lookup("", "t")) || !twin.Compounds[0].Copies(cat.Lookup("", "t").Compounds[0]) {
		t.Error("rows cannot be copied into the table that is rebuilt")
	}
}
