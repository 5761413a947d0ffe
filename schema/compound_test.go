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
			table := func(a *Column, next *Compound) []*Table {
				return []*Table{{
					Name: "t", Columns: []*Column{a, {Name: "b"}},
					Compounds: []*Compound{{Key: "ab", Parts: []Part{{Name: "a"}, {Name: "b"}}, Next: next}},
				}}
			}
			b, next := *a, c.next
			b.Next.Equality = &next
			equality := *a.Equality
			b.Equality = &equality
			_, err := New(table(a, nil), Options{})
			if _, err := New(table(&b, &Compound{Name: "ab2", Version: 2}), Options{}); err != nil {
				t.Errorf("moved together: %v", err)
			}
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

// TestTheStageDecidesWhichCompoundIndexIsSearched: both are written while rows are
// moved from one to the other.
func TestTheStageDecidesWhichCompoundIndexIsSearched(t *testing.T) {
	table := func(x *Compound) []*Table {
		return []*Table{{Name: "t", Columns: []*Column{{Name: "a"}, {Name: "b"}}, Compounds: []*Compound{x}}}
	}
	for name, c := range map[string]struct {
		index *Compound
		want  map[Stage]string // searched; written but not searched; unborn; retired
	}{
		"moved": {&Compound{Key: "ab", Parts: []Part{{Name: "a"}, {Name: "b"}}, Next: &Compound{Name: "ab2", Version: 2}}, map[Stage]string{
			StageNone: "ab_bidx;;ab2;", StageFilling: "ab_bidx;ab2;;", StageLive: "ab2;ab_bidx;;", StageFinished: "ab2;;;ab_bidx", StageAborted: "ab_bidx;;ab2;",
		}},
		"added": {&Compound{Key: "ab", Parts: []Part{{Name: "a"}, {Name: "b"}}, Transit: Adding}, map[Stage]string{
			StageNone: ";;ab_bidx;", StageFilling: ";ab_bidx;;", StageLive: "ab_bidx;;;", StageAborted: ";;ab_bidx;",
		}},
		"dropped": {&Compound{Key: "ab", Parts: []Part{{Name: "a"}, {Name: "b"}}, Transit: Dropping}, map[Stage]string{
			StageNone: ";ab_bidx;;", StageFilling: ";ab_bidx;;", StageFinished: ";;;ab_bidx", StageAborted: ";ab_bidx;;",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			cat, err := New(table(c.index), Options{})
			if err != nil {
				t.Fatal(err)
			}
			if m := cat.Moves(); len(m) != 1 || m[0].Name() != "t.ab" || m[0].Kind != "compound" || IndexVersion(m[0].Index()) != 1 {
				t.Errorf("moves %v", m)
			}
			for stage, want := range c.want {
				at := cat.At(func(Move) Stage { return stage })
				for _, at := range []*Catalog{at, at.Rebuilt(func(n string) string { return n + "__temp" })} {
					for _, table := range at.Tables() {
						b := table.Column("b")
						var searched, written []string
						for _, x := range table.Compounds {
							if x.Searched() != !b.Moving(x) || x.In != table {
								t.Errorf("%s: %s is of another table, or moving", stage, x.Name)
							}
							if x.Searched() {
								searched = append(searched, x.Name)
							} else {
								written = append(written, x.Name)
							}
						}
						names := func(xs []Index) string {
							var out []string
							for _, x := range xs {
								if x.Column() != b {
									t.Errorf("%s: %s is of another column", stage, x.Physical())
								}
								out = append(out, x.Physical())
							}
							return strings.Join(out, " ")
						}
						if got := strings.Join(searched, " ") + ";" + strings.Join(written, " ") + ";" + names(b.unborn) + ";" + names(b.retired); got != want {
							t.Errorf("%s: got %s, want %s", stage, got, want)
						}
						if len(b.Indexes()) != len(table.Compounds) {
							t.Errorf("%s: %d indexes are written", stage, len(b.Indexes()))
						}
					}
				}
			}
		})
	}
}

func TestANextCompoundIndexHasItsFaultsReported(t *testing.T) {
	for want, x := range map[string]*Compound{
		"needs a column of its own":            {Next: &Compound{Version: 2}},
		"defined as the index beside it":       {Next: &Compound{Name: "ab2"}},
		"back to an older key":                 {Version: 3, Next: &Compound{Name: "ab2", Version: 2}},
		"other columns, or another order":      {Next: &Compound{Name: "ab2", Parts: []Part{{Name: "b"}, {Name: "a"}}}},
		"that comes or goes is not moved":      {Transit: Adding, Next: &Compound{Name: "ab2", Version: 2}},
		"the name of another column":           {Next: &Compound{Name: "b", Version: 2}},
		"a compound index has 128 to 256 bits": {Next: &Compound{Name: "ab2", Bits: 64}},
	} {
		x.Key, x.Parts = "ab", []Part{{Name: "a"}, {Name: "b"}}
		_, err := New([]*Table{{Name: "t", Columns: []*Column{{Name: "a"}, {Name: "b"}}, Compounds: []*Compound{x}}}, Options{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", want, err)
		}
	}
}
