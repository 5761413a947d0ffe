package endtoend_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/sealsql/sealsql/internal/testenv"
	"github.com/sealsql/sealsql/rewrite"
)

// Rows conflict under every unique index, also under one of which the catalog does not
// tell the columns alone. A value that was sealed for another partition, or another row,
// must not take the place of the one that is there: it would open for nobody.
func TestUpsertsLookAtEveryUniqueIndex(t *testing.T) {
	const configuration = `guards: warn
tables:
  HERE.docs:
    partition: {column: tenant, type: TEXT}
    columns: {body: {type: varchar(20)}}
  HERE.rows_:
    bind_row: {column: id, type: bigint}
    columns: {body: {type: varchar(20)}}
`
	tenant := map[string]string{"sqlite": "TEXT", "mysql": "varchar(20) CHARACTER SET utf8mb4 COLLATE " + testenv.ByteCollation()}
	indexes := map[string][]string{
		"sqlite": {
			"CREATE UNIQUE INDEX u ON TABLE_ (title) WHERE title IS NOT NULL",
			"CREATE UNIQUE INDEX u ON TABLE_ (lower(title))",
			"CREATE UNIQUE INDEX u ON TABLE_ (KEY_ COLLATE NOCASE, title)",
		},
		"mysql": {"CREATE UNIQUE INDEX u ON TABLE_ (title(3))"},
	}
	upsert := map[string]string{"sqlite": " ON CONFLICT DO UPDATE SET body = excluded.body", "mysql": " ON DUPLICATE KEY UPDATE body = VALUES(body)"}
	for _, f := range []flavour{sqliteFlavour(), mysqlFlavour()} {
		for _, index := range indexes[f.name] {
			t.Run(f.name+" "+index, func(t *testing.T) {
				p := f.open(t, head+"metastore: memory\n"+strings.ReplaceAll(configuration, "TEXT", map[string]string{"sqlite": "text", "mysql": "varchar(20)"}[f.name]))
				p.both(t, "CREATE TABLE docs (tenant "+tenant[f.name]+" NOT NULL, id int NOT NULL, title varchar(20), body varchar(20), PRIMARY KEY (tenant, id))")
				p.both(t, "CREATE TABLE rows_ (id bigint NOT NULL, title varchar(20), body varchar(20), UNIQUE (id))")
				p.both(t, strings.NewReplacer("TABLE_", "docs", "KEY_", "tenant", "INDEX u", "INDEX u_docs").Replace(index))
				p.both(t, strings.NewReplacer("TABLE_", "rows_", "KEY_", "id", "INDEX u", "INDEX u_rows").Replace(index))
				p.both(t, "INSERT INTO docs VALUES ('a', 1, 'same', 'of a')")
				p.both(t, "INSERT INTO rows_ VALUES (1, 'same', 'of 1')")
				refused := func(query string, why rewrite.Reason) {
					t.Helper()
					_, err := p.sealed.Exec(query + upsert[f.name])
					var u *rewrite.UnsupportedError
					if !errors.As(err, &u) || u.Reason != why {
						t.Errorf("%s: %v", query, err)
					}
				}
				refused("INSERT INTO docs VALUES ('A', 9, 'same', 'of A')", rewrite.ReasonPartition)
				if f.name == "sqlite" {
					refused("INSERT INTO docs (rowid, tenant, id, body) VALUES (1, 'b', 9, 'of b')", rewrite.ReasonPartition)
				}
				if !strings.Contains(index, "COLLATE") { // numbers have none
					refused("INSERT INTO rows_ VALUES (9, 'same', 'of 9')", rewrite.ReasonRow)
				}
				var body string
				for _, query := range []string{"SELECT body FROM docs WHERE tenant = 'a'", "SELECT body FROM rows_ WHERE id = 1"} {
					if err := p.sealed.QueryRow(query).Scan(&body); err != nil || !strings.HasPrefix(body, "of ") {
						t.Errorf("%s: %q, %v", query, body, err)
					}
				}
			})
		}
	}
}
