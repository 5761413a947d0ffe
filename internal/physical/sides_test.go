package physical_test

import (
	"strings"
	"testing"

	"github.com/sealsql/sealsql/internal/physical"
	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/schema"
)

// A database that was made before patterns were declared lacks the columns and
// what makes searches quick; one that has the columns lacks the tables of tokens
// where the engine has no index of sets.
func TestCompareAddsIndexesForPatterns(t *testing.T) {
	for _, d := range []rewrite.Dialect{rewrite.Postgres, rewrite.MySQL, rewrite.SQLite} {
		t.Run(d.String(), func(t *testing.T) {
			front := frontends[d.String()]
			col := &schema.Column{Name: "bio", Prefix: &schema.Fragments{}, Contains: &schema.Fragments{}}
			cat, err := schema.New([]*schema.Table{{Name: "people", Columns: []*schema.Column{col}}}, schema.Options{})
			if err != nil {
				t.Fatal(err)
			}
			rel := rewrite.SnapshotRelation{ID: rewrite.RelationID{Schema: "app", Name: "people"}, Kind: rewrite.RelTable, Unique: [][]string{{"id"}}}
			rel.Columns = []rewrite.CatalogColumn{{Name: "id", Type: "int", NotNull: true}, {Name: "bio", Type: rewrite.CarrierType(d, col)}}
			rel.Checks = []string{strings.ToLower(rewrite.Guard(front, col))}
			compare := func() *physical.Report {
				snap := &rewrite.Snapshot{Relations: []rewrite.SnapshotRelation{rel}}
				return physical.Compare(front, &physical.Database{Snapshot: snap, Schema: "app"}, cat, rewrite.Declarations{})
			}
			got := compare().String()
			q := front.QuoteIdent
			want := []string{"ADD COLUMN " + q("bio_pfx"), "ADD COLUMN " + q("bio_sub"), "CREATE INDEX " + q("sealsql_index_people_bio_pfx") + " ON "}
			if d == rewrite.Postgres {
				want = append(want, "CREATE INDEX "+q("sealsql_index_people_bio_sub")+` ON "app"."people" USING gin (`+q("bio_sub")+");")
			} else {
				want = append(want, "has no table of tokens")
			}
			for _, w := range want {
				if !strings.Contains(got, w) {
					t.Errorf("%q is not in\n%s", w, got)
				}
			}
			for _, x := range col.Indexes() {
				rel.Columns = append(rel.Columns, rewrite.CatalogColumn{Name: x.Physical(), Type: rewrite.IndexType(d, x)})
				rel.Checks = append(rel.Checks, strings.ToLower(rewrite.IndexGuard(front, x)))
			}
			r := compare()
			if d == rewrite.Postgres {
				if !r.Complete() {
					t.Errorf("with everything in place:\n%s", r)
				}
				return
			}
			if got = r.String(); len(r.Changes) != 1 || !strings.Contains(got, "CREATE TABLE "+q("sealsql_tokens_people_bio_sub")) || strings.Count(got, "CREATE TRIGGER") != 3 {
				t.Errorf("without the table of tokens:\n%s", got)
			}
			if delimited := strings.Contains(got, "DELIMITER //"); delimited != (d == rewrite.MySQL) {
				t.Errorf("ends of statements:\n%s", got)
			}
			rel.Unique = nil
			if r := compare(); !r.Complete() {
				t.Errorf("a table without a key cannot have one:\n%s", r)
			}
		})
	}
}

// A script's CREATE TABLE is followed by the indexes that have no place in it.
func TestScriptMakesIndexesForPatterns(t *testing.T) {
	for dialect, want := range map[string]string{
		"postgres": `;` + "\n" + `CREATE INDEX IF NOT EXISTS "sealsql_index_people_bio_sub" ON "people" USING gin ("bio_sub");` + "\nSELECT 1;",
		"sqlite":   `;` + "\n" + `CREATE INDEX IF NOT EXISTS "sealsql_index_people_bio_pfx" ON "people" ("bio_pfx");` + "\nSELECT 1;",
		"mysql":    "KEY `sealsql_index_people_bio_pfx` (`bio_pfx`)",
	} {
		col := &schema.Column{Name: "bio", Prefix: &schema.Fragments{}, Contains: &schema.Fragments{}}
		cat, err := schema.New([]*schema.Table{{Name: "people", Columns: []*schema.Column{col}}}, schema.Options{})
		if err != nil {
			t.Fatal(err)
		}
		got, problems := physical.Script(frontends[dialect], cat, "CREATE TABLE people (id int PRIMARY KEY, bio text);\nSELECT 1;", physical.Options{})
		if len(problems) > 0 || !strings.Contains(got, want) {
			t.Errorf("%s: %v\n%s\nlacks %s", dialect, problems, got, want)
		}
	}
}
