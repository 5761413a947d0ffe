package endtoend_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/sealsql/sealsql/internal/testenv"
	"github.com/sealsql/sealsql/rewrite"
)

// A foreign key takes a new value on into the partition column, or the row identity, of
// tables that the statement does not name: their values would open for nobody.
func TestForeignKeysDoNotMoveRowsToOtherPartitions(t *testing.T) {
	const configuration = `guards: warn
tables:
  HERE.docs:
    partition: {column: tenant, type: NAME}
    columns: {body: {type: varchar(20)}}
  HERE.profiles:
    bind_row: {column: person, type: bigint}
    columns: {body: {type: varchar(20)}}
`
	for _, f := range []flavour{sqliteFlavour("_pragma=foreign_keys(1)"), postgresFlavour(), mysqlFlavour()} {
		t.Run(f.name, func(t *testing.T) {
			name := map[string]string{"sqlite": "text", "postgres": "text", "mysql": "varchar(20)"}[f.name]
			column := map[string]string{"sqlite": "text", "postgres": "text", "mysql": "varchar(20) CHARACTER SET utf8mb4 COLLATE " + testenv.ByteCollation()}[f.name]
			p := f.open(t, head+"metastore: memory\n"+strings.ReplaceAll(configuration, "NAME", name))
			for _, s := range []string{
				"CREATE TABLE tenants (id COLUMN_ PRIMARY KEY, note varchar(20))",
				"CREATE TABLE offices (id COLUMN_ PRIMARY KEY, FOREIGN KEY (id) REFERENCES tenants (id) ON UPDATE CASCADE)",
				"CREATE TABLE docs (tenant COLUMN_ NOT NULL, id int PRIMARY KEY, body varchar(20), FOREIGN KEY (tenant) REFERENCES offices (id) ON UPDATE CASCADE)",
				"CREATE TABLE people (id bigint PRIMARY KEY, note varchar(20))",
				"CREATE TABLE profiles (person bigint PRIMARY KEY, body varchar(20), FOREIGN KEY (person) REFERENCES people (id) ON UPDATE CASCADE)",
				"CREATE TABLE notes (id int PRIMARY KEY, tenant COLUMN_, FOREIGN KEY (tenant) REFERENCES tenants (id) ON UPDATE CASCADE)",
				"INSERT INTO tenants VALUES ('a', 'n')", "INSERT INTO offices VALUES ('a')", "INSERT INTO docs VALUES ('a', 1, 'of a')",
				"INSERT INTO people VALUES (1, 'n')", "INSERT INTO profiles VALUES (1, 'of 1')",
			} {
				p.both(t, strings.ReplaceAll(s, "COLUMN_", column))
			}
			list := []string{
				"UPDATE tenants SET id = 'b'", "UPDATE tenants SET note = 'x', id = 'b' WHERE id = 'a'", "UPDATE offices SET id = 'b'", "UPDATE people SET id = 2 WHERE id = 1",
			}
			if f.name == "mysql" {
				list = append(list, "INSERT INTO people VALUES (1, 'x') ON DUPLICATE KEY UPDATE id = 2", "UPDATE people p JOIN tenants t ON t.note = p.note SET p.id = 2")
			} else {
				list = append(list, "INSERT INTO people VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET id = 2", "UPDATE people SET (id, note) = (SELECT 2, 'x')", "UPDATE people SET (id, note) = (2, 'x')")
			}
			if f.name == "postgres" {
				list = append(list, "MERGE INTO people p USING tenants t ON t.note = p.note WHEN MATCHED THEN UPDATE SET id = 2")
			}
			for _, s := range list {
				_, err := p.sealed.Exec(s)
				var u *rewrite.UnsupportedError
				if !errors.As(err, &u) || u.Reason != rewrite.ReasonPartitionWrite {
					t.Errorf("%s: %v", s, err)
				}
			}
			for _, s := range []string{"UPDATE tenants SET note = 'x'", "UPDATE tenants SET id = id", "UPDATE people SET note = 'x' WHERE id = 1"} {
				p.both(t, s)
			}
			var body string
			for _, s := range []string{"SELECT body FROM docs WHERE id = 1", "SELECT body FROM profiles WHERE person = 1"} {
				if err := p.sealed.QueryRow(s).Scan(&body); err != nil || !strings.HasPrefix(body, "of ") {
					t.Errorf("%s: %q, %v", s, body, err)
				}
			}
		})
	}
}
