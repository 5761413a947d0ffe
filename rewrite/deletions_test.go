package rewrite_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/schema"
)

// familyTree is a database in which rows of people, whose deletion is recorded,
// go with those of houses, by way of owners; pets refer to people in vain,
// strangers have nothing to do with anybody.
func familyTree(t *testing.T, d rewrite.Dialect) (*rewrite.Snapshot, *schema.Catalog) {
	t.Helper()
	col := &schema.Column{Name: "bio", AuditDeletes: true}
	quiet := &schema.Column{Name: "name"}
	cat, err := schema.New([]*schema.Table{{Name: "people", Columns: []*schema.Column{col}}, {Name: "pets", Columns: []*schema.Column{quiet}}}, schema.Options{})
	if err != nil {
		t.Fatal(err)
	}
	table := func(name string, refs ...rewrite.SnapshotReference) rewrite.SnapshotRelation {
		return rewrite.SnapshotRelation{
			ID: rewrite.RelationID{Schema: "main", Name: name}, Kind: rewrite.RelTable, References: refs,
			Columns: []rewrite.CatalogColumn{{Name: "id", Type: "int", NotNull: true, BytewiseEqual: true}},
		}
	}
	to := func(name string, cascades bool) rewrite.SnapshotReference {
		return rewrite.SnapshotReference{To: rewrite.RelationID{Schema: "main", Name: name}, Cascades: cascades}
	}
	people := table("people", to("owners", true), to("registry", false), to("people", true))
	people.Columns = append(people.Columns, rewrite.CatalogColumn{Name: "bio", Type: rewrite.CarrierType(d, col)})
	pets := table("pets", to("people", true))
	pets.Columns = append(pets.Columns, rewrite.CatalogColumn{Name: "name", Type: rewrite.CarrierType(d, quiet)})
	return &rewrite.Snapshot{Relations: []rewrite.SnapshotRelation{
		people, pets, table("owners", to("houses", true)), table("houses"), table("registry"), table("strangers", to("nowhere", true)),
	}}, cat
}

func TestDeletionsThatAreRecordedAreKnown(t *testing.T) {
	const none, counted, uncounted = "", "people", "people?"
	all := []string{"postgres", "mysql", "sqlite"}
	for _, c := range []struct {
		text     string
		want     string
		dialects []string
	}{
		{"DELETE FROM strangers", none, all},
		{"DELETE FROM registry", none, all}, // its key restricts
		{"DELETE FROM pets", none, all},     // nobody asked for a record
		{"DELETE FROM owners WHERE id = 1", uncounted, all},
		{"DELETE FROM houses", uncounted, all},
		{"DELETE FROM people", uncounted, all}, // people go with people
		{"DELETE o FROM owners o JOIN strangers s ON s.id = o.id", uncounted, []string{"mysql"}},
		{"REPLACE INTO people (id) VALUES (1)", uncounted, []string{"mysql", "sqlite"}},
		{"REPLACE INTO houses (id) VALUES (1)", uncounted, []string{"mysql", "sqlite"}},
		{"REPLACE INTO strangers (id) VALUES (1)", none, []string{"mysql", "sqlite"}},
		{"INSERT OR REPLACE INTO people (id) VALUES (1)", uncounted, []string{"sqlite"}},
		{"INSERT OR IGNORE INTO people (id) VALUES (1)", none, []string{"sqlite"}},
		{"UPDATE OR REPLACE people SET id = 2 WHERE id = 1", uncounted, []string{"sqlite"}},
		{"UPDATE people SET id = 2 WHERE id = 1", none, all},
		{"TRUNCATE TABLE people", uncounted, []string{"postgres", "mysql"}},
		{"TRUNCATE strangers", none, []string{"postgres", "mysql"}},
		{"TRUNCATE registry", none, []string{"postgres", "mysql"}}, // the server refuses it
		{"TRUNCATE registry CASCADE", uncounted, []string{"postgres"}},
		{"TRUNCATE registry RESTART IDENTITY CASCADE;", uncounted, []string{"postgres"}},
		{"TRUNCATE strangers, main.people", uncounted, []string{"postgres"}},
		{"DROP TABLE people", uncounted, all},
		{"DROP TABLE houses", none, all},
		{"MERGE INTO people p USING strangers s ON p.id = s.id WHEN MATCHED THEN DELETE", uncounted, []string{"postgres"}},
		{"MERGE INTO people p USING strangers s ON p.id = s.id WHEN MATCHED THEN DO NOTHING", none, []string{"postgres"}},
		{"WITH gone AS (DELETE FROM owners RETURNING id) SELECT id FROM gone", uncounted, []string{"postgres"}},
	} {
		for _, dialect := range c.dialects {
			t.Run(dialect+"/"+strings.ReplaceAll(c.text, " ", "_"), func(t *testing.T) {
				front := frontends[dialect]
				snap, ann := familyTree(t, front.Dialect())
				cat := rewrite.NewCatalog(front.Dialect(), snap, rewrite.Names{SearchPath: []string{"main"}}, ann, rewrite.Declarations{})
				p, err := rewrite.PlanOnce(front, c.text, cat, &rewrite.Session{MariaDB: true, Version: 101119, ModeKnown: true}, rewrite.Options{})
				if err != nil {
					t.Fatal(err)
				}
				got := ""
				for _, d := range p.Deleted {
					if got += d.Table.Name; d.Uncounted {
						got += "?"
					}
				}
				if got != c.want {
					t.Errorf("deleted: %q, want %q", got, c.want)
				}
				if p.Pass != (c.want == none) {
					t.Errorf("passes: %v", p.Pass)
				}
				if !p.Pass && p.Text != c.text {
					t.Errorf("the text is %q", p.Text)
				}
			})
		}
	}
	// Without the keys between people the number is known, also of the rows of
	// their parts.
	snap, ann := familyTree(t, rewrite.Postgres)
	snap.Relations[0].References = nil
	parent := rewrite.RelationID{Schema: "main", Name: "people"}
	part := snap.Relations[0]
	part.ID.Name, part.Parents, part.Relatives, part.DependsOn = "people_1", []rewrite.RelationID{parent}, []rewrite.RelationID{parent}, []rewrite.RelationID{parent}
	snap.Relations[0].Relatives = []rewrite.RelationID{part.ID}
	snap.Relations = append(snap.Relations, part)
	cat := rewrite.NewCatalog(rewrite.Postgres, snap, rewrite.Names{SearchPath: []string{"main"}}, ann, rewrite.Declarations{})
	for _, text := range []string{"DELETE FROM people", "DELETE FROM people_1"} {
		p, err := rewrite.PlanOnce(frontends["postgres"], text, cat, &rewrite.Session{}, rewrite.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(p.Deleted, []rewrite.Deletion{{Table: ann.Lookup("main", "people")}}) {
			t.Errorf("%s: deleted: %v", text, p.Deleted)
		}
	}
}
