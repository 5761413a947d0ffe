package offline_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sealsql/sealsql/internal/offline"
	"github.com/sealsql/sealsql/internal/script"
	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/rewrite/mysql"
	"github.com/sealsql/sealsql/rewrite/postgres"
	"github.com/sealsql/sealsql/rewrite/sqlite"
	"github.com/sealsql/sealsql/schema"
)

var (
	frontends = map[string]rewrite.Frontend{"postgres": postgres.New(), "mysql": mysql.New(), "sqlite": sqlite.New()}
	session   = rewrite.Session{ModeKnown: true}
)

// annotations: users.ssn is encrypted, notes.body under the partition tenant.
func annotations(t testing.TB) offline.Annotations {
	t.Helper()
	text, err := schema.ParseType("text")
	if err != nil {
		t.Fatal(err)
	}
	cat, err := schema.New([]*schema.Table{
		{Name: "users", Columns: []*schema.Column{{Name: "ssn"}}},
		{Name: "notes", Columns: []*schema.Column{{Name: "body"}}, Partition: schema.Partition{Kind: schema.PartitionColumn, Column: "tenant", Type: text}},
	}, schema.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return offline.Annotations{Tables: cat, Declarations: rewrite.Declarations{Metastore: "encryption_key"}}
}

// verdict is what becomes of a statement: "clear", the text that is sent, or
// the name of the reason.
func verdict(f rewrite.Frontend, c rewrite.Catalog, text string) string {
	plan, err := rewrite.PlanOnce(f, text, c, &session, rewrite.Options{})
	var u *rewrite.UnsupportedError
	switch {
	case errors.As(err, &u):
		return "refused: " + u.Reason.Name()
	case err != nil:
		return err.Error()
	case plan.Pass:
		return "passes"
	}
	return "planned"
}

const base = `
CREATE TABLE users (id integer PRIMARY KEY, name varchar(20), ssn text);
CREATE TABLE notes (tenant varbinary(36), id integer, body text, PRIMARY KEY (tenant, id));
CREATE TABLE orders (id integer PRIMARY KEY, user_id integer REFERENCES users (id), note text CHECK (note LIKE 'a%'));
`

func TestScriptsDefineWhatStatementsMean(t *testing.T) {
	all := []string{"postgres", "mysql", "sqlite"}
	for name, c := range map[string]struct {
		dialects  []string
		more      string // statements behind base
		statement string
		want      string
	}{
		"a star over all columns":                  {all, "", "SELECT * FROM users", "planned"},
		"a table that the script does not make":    {all, "", "SELECT * FROM elsewhere", "refused: unknown-relation"},
		"a clear table":                            {all, "", "SELECT note FROM orders", "passes"},
		"columns of a referenced table stay there": {all, "", "SELECT o.id, u.ssn FROM orders o JOIN users u ON u.id = o.user_id WHERE name = 'x'", "planned"},
		"a misspelt column":                        {all, "", "SELECT ssn, nam FROM users", "refused: unknown-column"},
		"an added column":                          {all, "ALTER TABLE users ADD COLUMN age integer;", "SELECT ssn, age FROM users", "planned"},
		"a dropped column":                         {[]string{"postgres", "sqlite"}, "ALTER TABLE users DROP COLUMN name;", "SELECT ssn, name FROM users", "refused: unknown-column"},
		"a renamed column":                         {all, "ALTER TABLE users RENAME COLUMN name TO nick;", "SELECT ssn, nick FROM users", "planned"},
		"a renamed table":                          {all, "ALTER TABLE orders RENAME TO purchases;", "SELECT note FROM purchases", "passes"},
		"the old name of a renamed table":          {all, "ALTER TABLE orders RENAME TO purchases;", "SELECT note FROM orders", "refused: unknown-relation"},
		"a dropped table":                          {all, "DROP TABLE orders;", "SELECT note FROM orders", "refused: unknown-relation"},
		"a view over an annotated table":           {all, "CREATE VIEW v AS SELECT id, ssn FROM users; CREATE VIEW w AS SELECT id FROM v;", "SELECT id FROM w", "passes"},
		"a view that shows an encrypted column":    {all, "CREATE VIEW v (a, b) AS SELECT id, ssn FROM users;", "SELECT b FROM v", "planned"},
		"a view of all columns":                    {all, "CREATE VIEW v AS SELECT * FROM users;", "SELECT ssn FROM v", "planned"},
		"a view that computes":                     {all, "CREATE VIEW v AS SELECT upper(ssn) AS s FROM users;", "SELECT s FROM v", "refused: view"},
		"a view over a clear table":                {all, "CREATE VIEW v AS SELECT id FROM orders;", "SELECT id FROM v", "passes"},
		"a table made of a query":                  {all, "CREATE TABLE copy AS SELECT id AS n, max(note) AS m FROM orders;", "SELECT n, m FROM copy", "passes"},
		"a trigger that names an annotated table": {
			[]string{"sqlite", "mysql"},
			"CREATE TRIGGER x AFTER INSERT ON orders FOR EACH ROW BEGIN UPDATE users SET name = 'x'; DELETE FROM orders; END;",
			"INSERT INTO orders (id) VALUES (1)", "refused: trigger",
		},
		"a trigger that does not": {
			[]string{"sqlite", "mysql"},
			"CREATE TRIGGER x AFTER INSERT ON orders FOR EACH ROW BEGIN DELETE FROM orders; END;",
			"INSERT INTO orders (id) VALUES (1)", "passes",
		},
		"a trigger that executes a routine": {
			[]string{"postgres"},
			"CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE users SET name = 'x'; RETURN NEW; END $$; CREATE TRIGGER x AFTER INSERT ON orders EXECUTE FUNCTION f();",
			"INSERT INTO orders (id) VALUES (1)", "refused: trigger",
		},
		"a trigger whose routine is not known":   {[]string{"postgres"}, "CREATE TRIGGER x AFTER INSERT ON orders EXECUTE FUNCTION elsewhere();", "INSERT INTO orders (id) VALUES (1)", "refused: trigger"},
		"a rule":                                 {[]string{"postgres"}, "CREATE RULE r AS ON INSERT TO orders DO INSTEAD NOTHING;", "INSERT INTO orders (id) VALUES (1)", "refused: trigger"},
		"a routine of the script":                {[]string{"postgres", "mysql"}, "CREATE FUNCTION lower2(x text) RETURNS text RETURN x;", "SELECT lower2(note) FROM orders", "refused: routine"},
		"a partition of an annotated table":      {[]string{"postgres"}, "CREATE TABLE users_1 PARTITION OF users FOR VALUES IN (1);", "INSERT INTO users_1 (id) VALUES (1)", "passes"},
		"a child of an annotated table":          {[]string{"postgres"}, "CREATE TABLE users_1 (x int) INHERITS (users);", "SELECT x FROM users_1", "passes"},
		"a table like another":                   {[]string{"postgres"}, "CREATE TABLE o2 (LIKE orders, z int);", "SELECT o.z, o.note, u.ssn FROM o2 o, users u", "planned"},
		"a default of an encrypted column":       {all, "DROP TABLE users; CREATE TABLE users (id integer, ssn text DEFAULT 'x');", "SELECT id FROM users", "refused: shadowed"},
		"a default of NULL":                      {all, "DROP TABLE users; CREATE TABLE users (id integer, ssn text DEFAULT NULL);", "SELECT id, ssn FROM users", "planned"},
		"a table that exists is not made again":  {all, "CREATE TABLE IF NOT EXISTS users (id integer);", "SELECT name, ssn FROM users", "planned"},
		"a condition on a partition of bytes":    {all, "", "UPDATE notes SET body = 'x' WHERE tenant = 'a' AND id = 1", "planned"},
		"a unique key without the partition":     {[]string{"mysql"}, "CREATE UNIQUE INDEX i ON notes (id);", "INSERT INTO notes (tenant, id, body) VALUES ('a', 1, 'x') ON DUPLICATE KEY UPDATE body = VALUES(body)", "refused: partition"},
		"unique keys with the partition":         {[]string{"mysql"}, "", "INSERT INTO notes (tenant, id, body) VALUES ('a', 1, 'x') ON DUPLICATE KEY UPDATE body = VALUES(body)", "planned"},
		"a partition that is compared by letter": {[]string{"mysql"}, "DROP TABLE notes; CREATE TABLE notes (tenant varchar(9), id int, body text);", "UPDATE notes SET body = 'x' WHERE tenant = 'a'", "refused: partition"},
		"the schema that is in use":              {[]string{"mysql"}, "USE app; CREATE TABLE here (x int);", "SELECT x FROM app.here", "passes"},
		"the search path":                        {[]string{"postgres"}, "SET search_path = app, public; CREATE TABLE here (x int);", "SELECT x FROM app.here JOIN orders USING (id)", "passes"},
		"the key table":                          {all, "CREATE TABLE encryption_key (id integer);", "SELECT id FROM encryption_key", "refused: metastore"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, d := range c.dialects {
				s := offline.New(frontends[d], session, annotations(t), "")
				if lost := s.Read(script.NewFile("x.sql", base+c.more)); len(lost) > 0 {
					t.Errorf("%s: not understood: %v", d, lost)
				}
				if got := verdict(frontends[d], s.Catalog(), c.statement); got != c.want {
					t.Errorf("%s: %s, want %s", d, got, c.want)
				}
			}
		})
	}
}

func TestWhatIsNotUnderstoodIsReportedWithItsPlace(t *testing.T) {
	s := offline.New(frontends["sqlite"], session, annotations(t), "")
	lost := s.Read(script.NewFile("x.sql", "CREATE TABLE a (x);\n CREATE FANCY b;\nCREATE TABLE c (x);\nSELECT 'open"))
	if got := fmt.Sprint(lost); got != "[{x.sql 2 2} {x.sql 4 1}]" {
		t.Errorf("places are %s", got)
	}
	if !s.Known("c") || !s.Known("x") || s.Known("b") {
		t.Error("the statements around are not learnt")
	}
}

func TestACopyGoesOnByItself(t *testing.T) {
	front := frontends["sqlite"]
	s := offline.New(front, session, annotations(t), "")
	s.Read(script.NewFile("x.sql", base))
	copied := s.Clone()
	copied.Learn("CREATE TABLE later (x)")
	copied.Learn("ALTER TABLE orders ADD COLUMN y")
	copied.Learn("CREATE TRIGGER x AFTER INSERT ON users BEGIN SELECT 1; END")
	if s.Known("later") || s.Known("y") || verdict(front, s.Catalog(), "INSERT INTO users (id, ssn) VALUES (1, 'x')") != "planned" {
		t.Error("the original has changed")
	}
	if got := verdict(front, copied.Catalog(), "SELECT x FROM later"); got != "passes" {
		t.Errorf("the copy has not: %s", got)
	}
}

func TestInferredCatalogsHoldWhatTheStatementNames(t *testing.T) {
	for text, want := range map[string]string{
		"SELECT id, ssn FROM users WHERE name = 'x'": "planned",
		"SELECT * FROM users":                        "planned",
		"SELECT note FROM anything":                  "passes",
		"SELECT id FROM users WHERE ssn = 'x'":       "refused: predicate",
		"SELECT o.total, u.ssn FROM orders o JOIN users u ON u.id = o.user_id WHERE paid = 1":   "planned",
		"SELECT ssn AS s FROM users ORDER BY s":                                                 "refused: order",
		"SELECT name AS n, ssn FROM users ORDER BY n":                                           "planned",
		"SELECT ssn AS s, count(*) FROM users GROUP BY s":                                       "refused: group",
		"INSERT INTO users (id, name, ssn) VALUES (1, 'a', 'b')":                                "planned",
		"INSERT INTO elsewhere (a) VALUES (1)":                                                  "passes",
		"INSERT INTO elsewhere (a) SELECT ssn FROM users":                                       "refused: sealed-to-clear",
		"UPDATE users SET name = 'x', ssn = 'y' WHERE id = 1":                                   "planned",
		"WITH users AS (SELECT 1 AS ssn) SELECT ssn FROM users WHERE ssn = 1":                   "passes",
		"SELECT x.s FROM (SELECT ssn AS s FROM users) x WHERE x.s = 'a'":                        "refused: predicate",
		"SELECT body FROM notes WHERE tenant = 'a'":                                             "planned",
		"UPDATE notes SET body = 'x' WHERE id = 1":                                              "refused: partition",
		"INSERT INTO notes (tenant, id, body) VALUES ('a', 1, 'x')":                             "planned",
		"SELECT id FROM encryption_key":                                                         "refused: metastore",
		"DELETE FROM users WHERE id IN (SELECT user_id FROM orders o WHERE o.ssn = users.name)": "planned",
	} {
		for name, front := range frontends {
			parsed, _ := front.Parse(text, &session)
			c := offline.Infer(front, annotations(t), rewrite.Names{}, parsed)
			got := verdict(front, c, text)
			if strings.HasPrefix(text, "DELETE") && got == "passes" {
				got = "planned" // nothing sealed is read or written
			}
			if got != want {
				t.Errorf("%s: %s: %s, want %s", name, text, got, want)
			}
		}
	}
}

func TestAWholeRowIsNotInferredToBeAColumn(t *testing.T) {
	front := frontends["postgres"]
	const text = "SELECT to_jsonb(u) FROM users u"
	parsed, err := front.Parse(text, &session)
	if err != nil {
		t.Fatal(err)
	}
	c := offline.Infer(front, annotations(t), rewrite.Names{}, parsed)
	if got := verdict(front, c, text); got != "refused: whole-row" {
		t.Error(got)
	}
}

func TestInferenceWithoutATreeKnowsTheAnnotations(t *testing.T) {
	c := offline.Infer(frontends["sqlite"], annotations(t), rewrite.Names{}, nil)
	rel := c.Relation([]rewrite.Ident{{Name: "notes"}})
	var names []string
	for _, col := range rel.Columns {
		names = append(names, col.Name)
	}
	if !slices.Equal(names, []string{"body", "tenant"}) {
		t.Errorf("columns are %v", names)
	}
}

func TestSearchIndexesStandBesideTheirColumns(t *testing.T) {
	tables, err := schema.New([]*schema.Table{
		{Name: "users", Columns: []*schema.Column{{Name: "email", Equality: &schema.Equality{Collation: schema.CollationBytes}}}},
	}, schema.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ann := offline.Annotations{Tables: tables}
	for name, front := range frontends {
		for _, c := range []struct{ schema, statement, want string }{
			{"CREATE TABLE users (id int, email varchar(20));", "SELECT * FROM users WHERE email = 'x'", "planned"},
			{"CREATE TABLE users (id int, email varchar(200), email_bidx varchar(9));", "SELECT * FROM users WHERE email = 'x'", "planned"},
			{"CREATE TABLE users (email_bidx varchar(9), id int, email varchar(200));", "SELECT * FROM users WHERE email = 'x'", "planned"},
			{"CREATE TABLE users (id int); ALTER TABLE users ADD COLUMN email varchar(20);", "INSERT INTO users (id, email) VALUES (1, 'x')", "planned"},
			{"CREATE TABLE users (id int, email varchar(20));", "SELECT id FROM users WHERE email_bidx = 'x'", "refused: hidden-column"},
			{"CREATE TABLE users (id int, email varchar(20)); ALTER TABLE users DROP COLUMN email;", "SELECT id FROM users", "passes"},
			{"CREATE TABLE users (id int, email varchar(20)); ALTER TABLE users DROP COLUMN email;", "INSERT INTO users (id) VALUES (1)", "refused: unknown-column"},
		} {
			s := offline.New(front, session, ann, "")
			s.Read(script.NewFile("x.sql", c.schema))
			if got := verdict(front, s.Catalog(), c.statement); got != c.want {
				t.Errorf("%s: %s %s: %s, want %s", name, c.schema, c.statement, got, c.want)
			}
		}
		parsed, _ := front.Parse("SELECT * FROM users WHERE email = 'x'", &session)
		if got := verdict(front, offline.Infer(front, ann, rewrite.Names{}, parsed), "SELECT * FROM users WHERE email = 'x'"); got != "planned" {
			t.Errorf("%s: inferred: %s", name, got)
		}
	}
}

func TestAnnotationsForAQuickLook(t *testing.T) {
	tables, err := offline.ParseAnnotations(" users.ssn, users.pay:numeric(10,2),app.Notes.body:varchar(20) ,")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, table := range tables.Tables() {
		for _, c := range table.Columns {
			got = append(got, fmt.Sprint(table, ".", c.Name, " ", c.Type, " ", table.Partition.Kind))
		}
	}
	if fmt.Sprint(got) != "[users.ssn text const users.pay numeric(10,2) const app.Notes.body varchar(20) const]" {
		t.Error(got)
	}
	for _, faulty := range []string{"", " ", "users", "a.b.c.d", "users.ssn:", "users.ssn:txt", "users.", ".ssn", "users.ssn,users.SSN"} {
		if _, err := offline.ParseAnnotations(faulty); err == nil {
			t.Errorf("%q is read", faulty)
		}
	}
}
