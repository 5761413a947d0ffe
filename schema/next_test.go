package schema_test

import (
	"strings"
	"testing"

	"github.com/sealsql/sealsql/schema"
)

func moving(e, next *schema.Equality) []*schema.Table {
	c := &schema.Column{Name: "mail", Equality: e}
	c.Next.Equality = next
	return []*schema.Table{{Name: "users", Columns: []*schema.Column{c, {Name: "note"}}}}
}

func physicals(xs []schema.Index) string {
	var names []string
	for _, x := range xs {
		names = append(names, x.Physical())
	}
	return strings.Join(names, " ")
}

func TestTheStageDecidesWhichIndexIsSearchedAndWhichAreWritten(t *testing.T) {
	cat, err := schema.New(moving(&schema.Equality{}, &schema.Equality{Name: "mail2", Version: 2}), schema.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for stage, want := range map[schema.Stage]struct{ searched, written, hidden, guarded, unborn string }{
		schema.StageNone:     {"mail_bidx", "mail_bidx", "mail_bidx mail2", "mail_bidx", "mail2"},
		schema.StageFilling:  {"mail_bidx", "mail_bidx mail2", "mail_bidx mail2", "mail_bidx mail2", ""},
		schema.StageLive:     {"mail2", "mail2 mail_bidx", "mail2 mail_bidx", "mail2 mail_bidx", ""},
		schema.StageFinished: {"mail2", "mail2", "mail2 mail_bidx", "mail2 mail_bidx", ""},
		schema.StageAborted:  {"mail_bidx", "mail_bidx", "mail_bidx mail2", "mail_bidx", "mail2"},
	} {
		at := cat.At(func(schema.Move) schema.Stage { return stage })
		for _, at := range []*schema.Catalog{at, at.Rebuilt(func(name string) string { return name + "__temp" })} {
			for _, table := range at.Tables() {
				c := table.Column("mail")
				if c.Equality.Name != want.searched || physicals(c.Indexes()) != want.written || physicals(c.Hidden()) != want.hidden ||
					physicals(c.Guarded()) != want.guarded || physicals(c.Unborn()) != want.unborn {
					t.Errorf("%s, %s: searches %s, writes %s, hides %s, guards %s, unborn %s", stage, table, c.Equality.Name, physicals(c.Indexes()), physicals(c.Hidden()), physicals(c.Guarded()), physicals(c.Unborn()))
				}
				for _, x := range c.Hidden() {
					if x.Column() != c || table.IndexColumn(x.Physical()) != x {
						t.Errorf("%s: %s belongs to another column", stage, x.Physical())
					}
				}
			}
		}
		if at.Lookup("", "users") != at.Tables()[0] {
			t.Error("the table is not found by its name")
		}
	}
	if got := cat.Tables()[0].Column("mail").Next.Equality; got.Group != "users.mail" || got.Bits != 128 {
		t.Errorf("got %+v", got)
	}
}

// An index that is added is searched when it is live, and one that is dropped not
// at all; both are written while any process may search them.
func TestTheStageDecidesWhatBecomesOfAnIndexThatComesOrGoes(t *testing.T) {
	for transit, stages := range map[schema.Transit]map[schema.Stage]struct{ searched, written, guarded, unborn string }{
		schema.Adding: {
			schema.StageNone:     {"", "", "", "mail_bidx"},
			schema.StageFilling:  {"", "mail_bidx", "mail_bidx", ""},
			schema.StageLive:     {"mail_bidx", "mail_bidx", "mail_bidx", ""},
			schema.StageFinished: {"mail_bidx", "mail_bidx", "mail_bidx", ""},
			schema.StageAborted:  {"", "", "", "mail_bidx"},
		},
		schema.Dropping: {
			schema.StageNone:     {"", "mail_bidx", "mail_bidx", ""},
			schema.StageFilling:  {"", "mail_bidx", "mail_bidx", ""},
			schema.StageFinished: {"", "", "mail_bidx", ""},
			schema.StageAborted:  {"", "mail_bidx", "mail_bidx", ""},
		},
	} {
		cat, err := schema.New(moving(&schema.Equality{Transit: transit}, nil), schema.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for stage, want := range stages {
			at := cat.At(func(schema.Move) schema.Stage { return stage })
			for _, at := range []*schema.Catalog{at, at.Rebuilt(func(name string) string { return name + "__temp" })} {
				for _, table := range at.Tables() {
					c := table.Column("mail")
					searched := ""
					if c.Equality != nil {
						searched = c.Equality.Name
					}
					if searched != want.searched || physicals(c.Indexes()) != want.written || physicals(c.Hidden()) != "mail_bidx" ||
						physicals(c.Guarded()) != want.guarded || physicals(c.Unborn()) != want.unborn {
						t.Errorf("%d %s, %s: searches %s, writes %s, hides %s, guards %s, unborn %s", transit, stage, table, searched, physicals(c.Indexes()), physicals(c.Hidden()), physicals(c.Guarded()), physicals(c.Unborn()))
					}
				}
			}
		}
		if moves := cat.Moves(); len(moves) != 1 || moves[0].Name() != "users.mail" || (moves[0].From == nil) != (transit == schema.Adding) || (moves[0].To == nil) != (transit == schema.Dropping) {
			t.Errorf("moves %v", moves)
		}
	}
}

func TestAnIndexThatComesOrGoesIsNotMoved(t *testing.T) {
	for name, tables := range map[string][]*schema.Table{
		"state and next":         moving(&schema.Equality{Transit: schema.Adding}, &schema.Equality{Name: "mail2"}),
		"state of the next one":  moving(&schema.Equality{}, &schema.Equality{Name: "mail2", Transit: schema.Adding}),
		"into a group in motion": append(moving(&schema.Equality{Group: "g"}, &schema.Equality{Name: "mail2", Version: 2}), &schema.Table{Name: "more", Columns: []*schema.Column{{Name: "m", Equality: &schema.Equality{Group: "g", Transit: schema.Adding}}}}),
	} {
		if _, err := schema.New(tables, schema.Options{}); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestACatalogWithoutMovesIsSharedAtEveryStage(t *testing.T) {
	cat, err := schema.New(moving(&schema.Equality{}, nil), schema.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if cat.At(func(schema.Move) schema.Stage { return schema.StageLive }) != cat {
		t.Error("it was copied")
	}
}

func TestAGroupThatIsNotLiveAsAWholeIsSearchedAsBefore(t *testing.T) {
	tables := append(moving(&schema.Equality{Group: "g"}, &schema.Equality{Name: "m2", Version: 2}), moving(&schema.Equality{Group: "g"}, &schema.Equality{Name: "m2", Version: 2})...)
	tables[1].Name = "people"
	cat, err := schema.New(tables, schema.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, second := range []schema.Stage{schema.StageNone, schema.StageFilling, schema.StageAborted, schema.StageLive} {
		at := cat.At(func(m schema.Move) schema.Stage {
			if m.From.Column().Table.Name == "users" {
				return schema.StageFinished
			}
			return second
		})
		a, b := at.Tables()[0].Column("mail"), at.Tables()[1].Column("mail")
		if !a.Equality.Joins(b.Equality) {
			t.Errorf("%s: the columns are searched by indexes that cannot be compared", second)
		}
		if moved := a.Equality.Name == "m2"; moved != (second == schema.StageLive) {
			t.Errorf("%s: searches %s", second, a.Equality.Name)
		}
	}
}

func TestFaultsOfANextIndexAreReported(t *testing.T) {
	for name, c := range map[string]struct {
		tables []*schema.Table
		want   string
	}{
		"no column":            {moving(&schema.Equality{}, &schema.Equality{Version: 2}), "needs a column of its own"},
		"nothing that changes": {moving(&schema.Equality{}, &schema.Equality{Name: "m2"}), "defined as the index beside it"},
		"nothing to be moved":  {moving(nil, &schema.Equality{Name: "m2"}), "no index that could be moved"},
		"an older key":         {moving(&schema.Equality{Version: 3}, &schema.Equality{Name: "m2", Version: 2}), "back to an older key"},
		"the same column":      {moving(&schema.Equality{Name: "m2"}, &schema.Equality{Name: "M2", Version: 2}), "name of another column"},
		"a column of its own":  {moving(&schema.Equality{}, &schema.Equality{Name: "note", Version: 2}), "name of another column"},
		"bits":                 {moving(&schema.Equality{}, &schema.Equality{Name: "m2", Bits: 7}), "search.equality.next.bits"},
		"half a group": {append(moving(&schema.Equality{Group: "g"}, &schema.Equality{Name: "m2", Version: 2}),
			&schema.Table{Name: "people", Columns: []*schema.Column{{Name: "mail", Equality: &schema.Equality{Group: "g"}}}}), "other columns of its group are moved"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := schema.New(c.tables, schema.Options{})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}
