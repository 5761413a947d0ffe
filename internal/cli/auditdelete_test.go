package cli

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sealsql/sealsql"
)

// Rows that go by other ways than DELETE leave lines too: replaced, truncated,
// merged, dropped ones, and those that foreign keys delete. How many there were
// the database does not tell.
func TestRowsThatGoByOtherWaysThanDeleteAreRecorded(t *testing.T) {
	everyEngine(t, func(b *bench) {
		path := filepath.Join(b.t.TempDir(), "audit.jsonl")
		audited(b, "file: "+path).Close()
		text, err := os.ReadFile(b.config)
		if err != nil {
			b.t.Fatal(err)
		}
		text = bytes.Replace(text, []byte("columns: {body: encrypted}"), []byte("columns: {body: {type: text, audit: [write, delete]}}"), 1)
		if err := os.WriteFile(b.config, text, 0o600); err != nil {
			b.t.Fatal(err)
		}
		link := "ALTER TABLE keyholders ADD owner integer REFERENCES owners (id) ON DELETE CASCADE;\n"
		if b.dialect == "mysql" {
			link = "ALTER TABLE keyholders ADD owner integer;\nALTER TABLE keyholders ADD FOREIGN KEY (owner) REFERENCES owners (id) ON DELETE CASCADE;\n"
		}
		b.must("CREATE TABLE houses (id integer PRIMARY KEY);\n" +
			"CREATE TABLE owners (id integer PRIMARY KEY, house integer, FOREIGN KEY (house) REFERENCES houses (id) ON DELETE CASCADE);\n" +
			"CREATE TABLE lodgers (id integer PRIMARY KEY, house integer, FOREIGN KEY (house) REFERENCES houses (id));\n" +
			link +
			"ALTER TABLE keynotes ADD id integer;\nCREATE UNIQUE INDEX keynotes_id ON keynotes (id);\n" +
			"INSERT INTO houses (id) VALUES (1), (2), (3);\nINSERT INTO owners (id, house) VALUES (1, 1), (2, 2), (3, 3);\n" +
			"UPDATE keyholders SET owner = id % 3 + 1 WHERE id < 20;\n")
		db := b.encrypted()
		ctx := sealsql.WithPurpose(sealsql.WithActor(sealsql.WithPartition(context.Background(), "acme"), "ann"), "support")
		var want []string
		run := func(text string, lines ...string) {
			b.t.Helper()
			if _, err := db.ExecContext(ctx, text); err != nil {
				b.t.Fatal(err)
			}
			want = append(want, lines...)
		}
		gone := "delete keyholders ssn"
		run("DELETE FROM lodgers")
		run("DELETE FROM owners WHERE id = 1", gone)
		run("DELETE FROM houses WHERE id = 2", gone)
		if b.dialect == "postgres" {
			run("MERGE INTO keyholders k USING (SELECT 20 AS id) s ON k.id = s.id AND k.tenant = 'acme' WHEN MATCHED THEN DELETE", gone)
			run("TRUNCATE lodgers")
			run("TRUNCATE houses CASCADE", gone)
		} else {
			run("REPLACE INTO lodgers (id) VALUES (1)")
			run("REPLACE INTO owners (id, house) VALUES (3, 3)", gone)
			run("REPLACE INTO keyholders (id, tenant) VALUES (20, 'acme')", gone)
			rows := map[string]string{"mysql": " 2", "sqlite": " 1"}[b.dialect]
			run("INSERT INTO keynotes (id, body) VALUES (1, 'a')", "write keynotes body 1")
			run("REPLACE INTO keynotes (id, body) VALUES (1, 'b')", "write keynotes body"+rows, "delete keynotes body")
		}
		if b.dialect == "sqlite" {
			run("UPDATE OR REPLACE keyholders SET id = 22 WHERE id = 24 AND tenant = 'acme'", gone)
		} else {
			run("TRUNCATE TABLE keyholders", gone)
		}
		run("DROP TABLE keyholders", gone)
		if err := db.Close(); err != nil {
			b.t.Fatal(err)
		}
		trail, err := os.ReadFile(path)
		if err != nil {
			b.t.Fatal(err)
		}
		got := said(b.t, strings.ReplaceAll(string(trail), `"partition":"default"`, `"partition":"acme"`)) // keynotes has but one
		if !slices.Equal(got, want) {
			b.t.Errorf("recorded are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	})
}
