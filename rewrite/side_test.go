package rewrite_test

import (
	"strings"
	"testing"

	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/schema"
)

// tokenWorld is a database with a contains index and its table of tokens as
// SideDDL makes them.
func tokenWorld(t *testing.T, front rewrite.Frontend, keys ...string) (*rewrite.Snapshot, *schema.Catalog) {
	t.Helper()
	d := front.Dialect()
	col := &schema.Column{Name: "bio", Contains: &schema.Fragments{}}
	cat, err := schema.New([]*schema.Table{{Name: "people", Columns: []*schema.Column{col}}}, schema.Options{})
	if err != nil {
		t.Fatal(err)
	}
	id := func(name string) rewrite.RelationID { return rewrite.RelationID{Schema: "main", Name: name} }
	main := rewrite.SnapshotRelation{ID: id("people"), Kind: rewrite.RelTable, Unique: [][]string{{"other"}, keys}}
	main.Columns = []rewrite.CatalogColumn{{Name: "bio", Type: rewrite.CarrierType(d, col)}, {Name: "bio_sub", Type: rewrite.IndexType(d, col.Contains)}, {Name: "other", Type: "int"}}
	side := rewrite.SnapshotRelation{ID: id("sealsql_tokens_people_bio_sub"), Kind: rewrite.RelTable}
	names := []string{"token", "k1", "k2"}[:len(keys)+1]
	for _, k := range keys {
		main.Columns = append(main.Columns, rewrite.CatalogColumn{Name: k, Type: "int", NotNull: true, BytewiseEqual: true})
	}
	if d == rewrite.MySQL {
		names = append(names, "filled")
	}
	for _, n := range names {
		side.Columns = append(side.Columns, rewrite.CatalogColumn{Name: n, Type: "int"})
	}
	for _, s := range rewrite.SideDDL(front, &main, col.Contains) {
		head, body, ok := strings.Cut(s, " FOR EACH ROW ")
		if !ok {
			continue
		}
		words := strings.Fields(head)
		tr := rewrite.SnapshotTrigger{Name: strings.Trim(words[2], "\"`"), Words: []string{"*"}, Text: rewrite.TriggerText(s)}
		if d == rewrite.MySQL {
			tr.Text = rewrite.TriggerText(words[3], words[4], body)
		}
		main.Triggers = append(main.Triggers, tr)
	}
	if len(main.Triggers) != 3 {
		t.Fatalf("%d triggers", len(main.Triggers))
	}
	return &rewrite.Snapshot{Relations: []rewrite.SnapshotRelation{main, side}}, cat
}

func TestTablesOfTokensAreAskedOnlyIfComplete(t *testing.T) {
	for _, front := range []rewrite.Frontend{frontends["mysql"], frontends["sqlite"]} {
		d := front.Dialect()
		sess := rewrite.Session{MariaDB: true, Version: 101119, ModeKnown: true}
		for _, c := range []struct {
			name   string
			change func(main, side *rewrite.SnapshotRelation)
			asked  bool
			sound  bool // nothing to report, rows can be written
		}{
			{"all is there", func(*rewrite.SnapshotRelation, *rewrite.SnapshotRelation) {}, true, true},
			{"a trigger is missing", func(main, _ *rewrite.SnapshotRelation) { main.Triggers = main.Triggers[1:] }, false, true},
			{"a trigger does something else", func(main, _ *rewrite.SnapshotRelation) { main.Triggers[1].Text += " " }, false, false},
			{"a trigger has another name", func(main, _ *rewrite.SnapshotRelation) { main.Triggers[2].Name = "x" }, false, false},
			{"there is another trigger", func(main, _ *rewrite.SnapshotRelation) {
				main.Triggers = append(main.Triggers, rewrite.SnapshotTrigger{Name: "audit", Words: []string{"x"}})
			}, true, false},
			{"the table has another name", func(_, side *rewrite.SnapshotRelation) { side.ID.Name = "tokens" }, false, true},
			{"the table is in another schema", func(_, side *rewrite.SnapshotRelation) { side.ID.Schema = "other" }, false, true},
			{"the table is a view", func(_, side *rewrite.SnapshotRelation) { side.Kind = rewrite.RelView }, false, true},
			{"the table lacks a column", func(_, side *rewrite.SnapshotRelation) { side.Columns = side.Columns[:len(side.Columns)-1] }, false, true},
			{"the table has triggers", func(_, side *rewrite.SnapshotRelation) {
				side.Triggers = []rewrite.SnapshotTrigger{{Name: "forget", Words: []string{"x"}}}
			}, false, true},
			{"a foreign key changes another column", func(main, _ *rewrite.SnapshotRelation) {
				main.References = []rewrite.SnapshotReference{{Changes: []rewrite.SnapshotChange{{Column: "other", Of: "id"}}}}
			}, true, true},
			{"a foreign key changes the key", func(main, _ *rewrite.SnapshotRelation) {
				main.References = []rewrite.SnapshotReference{{Changes: []rewrite.SnapshotChange{{Column: "id", Of: "id"}}}}
			}, d == rewrite.SQLite, true}, // which runs triggers for that
			{"the key is gone", func(main, _ *rewrite.SnapshotRelation) { main.Unique = main.Unique[:1] }, false, false},
		} {
			t.Run(d.String()+"/"+strings.ReplaceAll(c.name, " ", "_"), func(t *testing.T) {
				snap, ann := tokenWorld(t, front, "id")
				c.change(&snap.Relations[0], &snap.Relations[1])
				cat := rewrite.NewCatalog(d, snap, rewrite.Names{SearchPath: []string{"main"}}, ann, rewrite.Declarations{})
				p, err := rewrite.PlanOnce(front, "SELECT other FROM people p WHERE p.bio LIKE ?", cat, &sess, rewrite.Options{HasArgs: true})
				if err != nil {
					t.Fatal(err)
				}
				if asked := strings.Contains(p.Text, "sealsql_tokens_people_bio_sub"); asked != c.asked || asked == strings.Contains(p.Text, "instr(") {
					t.Errorf("the text is %s", p.Text)
				}
				_, err = rewrite.PlanOnce(front, "UPDATE people SET bio = ? WHERE id = 1", cat, &sess, rewrite.Options{HasArgs: true})
				if found := rewrite.Findings(d, snap, ann, rewrite.Declarations{}); (err == nil) != c.sound || (len(found) == 0) != c.sound {
					t.Errorf("writing: %v, findings %v", err, found)
				}
			})
		}
	}
}

func TestTablesOfTokensOfRowsWithTwoKeyColumns(t *testing.T) {
	for dialect, want := range map[string]string{
		"sqlite": `(("tenant", "id") IN (SELECT sealsql_t1.k1, sealsql_t1.k2 FROM "main"."sealsql_tokens_people_bio_sub" AS sealsql_t1 WHERE sealsql_t1.token = ?` +
			` AND EXISTS (SELECT 1 FROM "main"."sealsql_tokens_people_bio_sub" AS sealsql_t2 WHERE sealsql_t2.token = ? AND sealsql_t2.k1 = sealsql_t1.k1 AND sealsql_t2.k2 = sealsql_t1.k2)` +
			` AND EXISTS (SELECT 1 FROM "main"."sealsql_tokens_people_bio_sub" AS sealsql_t3 WHERE sealsql_t3.token = ? AND sealsql_t3.k1 = sealsql_t1.k1 AND sealsql_t3.k2 = sealsql_t1.k2)))`,
		"mysql": "((`tenant`, `id`) IN (SELECT sealsql_t0.k1, sealsql_t0.k2 FROM (SELECT DISTINCT sealsql_t1.k1, sealsql_t1.k2 FROM " +
			"`main`.`sealsql_tokens_people_bio_sub` AS sealsql_t1, `main`.`sealsql_tokens_people_bio_sub` AS sealsql_t2, `main`.`sealsql_tokens_people_bio_sub` AS sealsql_t3" +
			" WHERE sealsql_t1.token = ? AND sealsql_t2.token = ? AND sealsql_t2.k1 = sealsql_t1.k1 AND sealsql_t2.k2 = sealsql_t1.k2" +
			" AND sealsql_t3.token = ? AND sealsql_t3.k1 = sealsql_t1.k1 AND sealsql_t3.k2 = sealsql_t1.k2) AS sealsql_t0))",
	} {
		front := frontends[dialect]
		snap, ann := tokenWorld(t, front, "tenant", "id")
		cat := rewrite.NewCatalog(front.Dialect(), snap, rewrite.Names{SearchPath: []string{"main"}}, ann, rewrite.Declarations{})
		sess := rewrite.Session{MariaDB: true, Version: 101119, ModeKnown: true}
		p, err := rewrite.PlanOnce(front, "SELECT other FROM people WHERE bio LIKE ?", cat, &sess, rewrite.Options{HasArgs: true})
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(p.Text, want) {
			t.Errorf("%s\nwant %s", p.Text, want)
		}
		for _, s := range []string{"SELECT * FROM sealsql_tokens_people_bio_sub", "INSERT INTO main.sealsql_tokens_people_bio_sub VALUES (1, 2, 3)", "DELETE FROM sealsql_tokens_people_bio_sub"} {
			if _, err := rewrite.PlanOnce(front, s, cat, &sess, rewrite.Options{}); err == nil {
				t.Errorf("%s: %s is not refused", dialect, s)
			}
		}
	}
}
