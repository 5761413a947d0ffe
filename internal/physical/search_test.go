package physical_test

import (
	"strings"
	"testing"

	"github.com/sealsql/sealsql/internal/physical"
	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/schema"
)

// A database that was made before search was declared lacks the index column
// and its guard.
func TestCompareAddsSearchIndexes(t *testing.T) {
	for _, d := range []rewrite.Dialect{rewrite.Postgres, rewrite.MySQL, rewrite.SQLite} {
		t.Run(d.String(), func(t *testing.T) {
			front := frontends[d.String()]
			col := &schema.Column{Name: "email", Equality: &schema.Equality{Collation: schema.CollationBytes}}
			cat, err := schema.New([]*schema.Table{{Name: "users", Columns: []*schema.Column{col}}}, schema.Options{})
			if err != nil {
				t.Fatal(err)
			}
			rel := rewrite.SnapshotRelation{ID: rewrite.RelationID{Schema: "app", Name: "users"}, Kind: rewrite.RelTable}
			rel.Columns = []rewrite.CatalogColumn{{Name: "id", Type: "int"}, {Name: "email", Type: rewrite.CarrierType(d, col)}}
			rel.Checks = []string{strings.ToLower(rewrite.Guard(front, col))}
			compare := func() *physical.Report {
				snap := &rewrite.Snapshot{Relations: []rewrite.SnapshotRelation{rel}}
				return physical.Compare(front, &physical.Database{Snapshot: snap, Schema: "app"}, cat, rewrite.Declarations{})
			}
			got := compare().String()
			for _, want := range []string{"ADD COLUMN " + front.QuoteIdent("email_bidx") + " " + rewrite.IndexType(d, col.Equality), rewrite.IndexGuard(front, col.Equality), "state: adding in the configuration, and run sealsql reindex"} {
				if !strings.Contains(got, want) {
					t.Errorf("%q is not in\n%s", want, got)
				}
			}
			rel.Columns = append(rel.Columns, rewrite.CatalogColumn{Name: "email_bidx", Type: rewrite.IndexType(d, col.Equality)})
			rel.Checks = append(rel.Checks, strings.ToLower(rewrite.IndexGuard(front, col.Equality)))
			if r := compare(); !r.Complete() {
				t.Errorf("with everything in place:\n%s", r)
			}
		})
	}
}

// Views carry the indexes of what they show, as those of tables that are made in
// front of them.
func TestViewsOfAScriptCarryIndexes(t *testing.T) {
	col := &schema.Column{Name: "email", Type: schema.Type{Kind: schema.KindText, Declared: "text", Base: "text", Name: "text"}, Equality: &schema.Equality{Collation: schema.CollationBytes}}
	cat, err := schema.New([]*schema.Table{{Name: "users", Columns: []*schema.Column{col}}}, schema.Options{})
	if err != nil {
		t.Fatal(err)
	}
	each(t, func(t *testing.T, front rewrite.Frontend) {
		q := front.QuoteIdent
		out, problems := physical.Script(front, cat, "CREATE TABLE users (id int PRIMARY KEY, email text);\nCREATE VIEW v (a, b) AS SELECT id, email FROM users;\nCREATE VIEW w AS SELECT b AS mail FROM v;\n", physical.Options{Schema: "app"})
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		for _, want := range []string{
			"CREATE VIEW v (a, b , " + q("email_bidx") + ") AS SELECT id, email , " + q("users") + "." + q("email_bidx") + " AS " + q("email_bidx") + "  FROM users;\n",
			"CREATE VIEW w AS SELECT b AS mail , " + q("v") + "." + q("email_bidx") + " AS " + q("email_bidx") + "  FROM v;\n",
		} {
			if !strings.Contains(out, want) {
				t.Errorf("%q is not in\n%s", want, out)
			}
		}
	})
}

// A view that is made anew for its index columns keeps its names: MySQL shows the
// query of CREATE VIEW v (k, m) without the list, MariaDB with the names in it.
func TestViewsThatLackIndexesKeepTheirNames(t *testing.T) {
	front := frontends["mysql"]
	col := &schema.Column{Name: "email", Type: schema.Type{Kind: schema.KindText, Declared: "text", Base: "text", Name: "text"}, Equality: &schema.Equality{Collation: schema.CollationBytes}}
	cat, err := schema.New([]*schema.Table{{Name: "users", Columns: []*schema.Column{col}}}, schema.Options{})
	if err != nil {
		t.Fatal(err)
	}
	users := rewrite.SnapshotRelation{ID: rewrite.RelationID{Schema: "app", Name: "users"}, Kind: rewrite.RelTable, Columns: []rewrite.CatalogColumn{
		{Name: "id", Type: "int"}, {Name: "email", Type: rewrite.CarrierType(rewrite.MySQL, col)}, {Name: "email_bidx", Type: rewrite.IndexType(rewrite.MySQL, col.Equality)},
	}}
	for definition, want := range map[string]string{
		"select `app`.`users`.`id` AS `id`,`app`.`users`.`email` AS `email` from `app`.`users`": "VIEW `app`.`v` (`k`, `m`, `email_bidx`) AS select `app`.`users`.`id` AS `id`,",
		"select `app`.`users`.`id` AS `k`,`app`.`users`.`email` AS `m` from `app`.`users`":      "VIEW `app`.`v` AS select `app`.`users`.`id` AS `k`,",
	} {
		v := rewrite.SnapshotRelation{
			ID: rewrite.RelationID{Schema: "app", Name: "v"}, Kind: rewrite.RelView, Definition: definition, DependsOn: []rewrite.RelationID{users.ID},
			Columns: []rewrite.CatalogColumn{{Name: "k", Type: "int"}, {Name: "m", Type: users.Columns[1].Type}},
		}
		db := &physical.Database{Snapshot: &rewrite.Snapshot{Relations: []rewrite.SnapshotRelation{users, v}}, Schema: "app"}
		r := physical.Compare(front, db, cat, rewrite.Declarations{})
		if len(r.Advice) != 1 || !strings.Contains(r.Advice[0].SQL, want) {
			t.Errorf("no %q in %v", want, r.Advice)
		}
	}
}
