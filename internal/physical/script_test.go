package physical_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sealsql/sealsql/internal/physical"
	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/rewrite/mysql"
	"github.com/sealsql/sealsql/rewrite/postgres"
	"github.com/sealsql/sealsql/rewrite/sqlite"
	"github.com/sealsql/sealsql/schema"
)

var frontends = map[string]rewrite.Frontend{
	"postgres": postgres.New(), "mysql": mysql.New(), "sqlite": sqlite.New(),
}

// annotations: users.ssn and users.email are encrypted, tenants' notes.body by
// the column tenant.
func annotations(t testing.TB) *schema.Catalog {
	t.Helper()
	typ := func(s string) schema.Type {
		parsed, err := schema.ParseType(s)
		if err != nil {
			t.Fatal(err)
		}
		return parsed
	}
	cat, err := schema.New([]*schema.Table{
		{Name: "users", Columns: []*schema.Column{{Name: "ssn", Type: typ("text")}, {Name: "email", Type: typ("varchar(60)"), Carrier: schema.CarrierText}}},
		{
			Name: "notes", Columns: []*schema.Column{{Name: "body", Type: typ("text")}},
			Partition: schema.Partition{Kind: schema.PartitionColumn, Column: "tenant", Type: typ("text")},
		},
	}, schema.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return cat
}

const users = "CREATE TABLE users (id int PRIMARY KEY, ssn text NOT NULL, email varchar(60), note text)"

// each runs a test for every dialect.
func each(t *testing.T, f func(t *testing.T, front rewrite.Frontend)) {
	for name, front := range frontends {
		t.Run(name, func(t *testing.T) { f(t, front) })
	}
}

func TestTablesGetCarriersAndGuards(t *testing.T) {
	each(t, func(t *testing.T, front rewrite.Frontend) {
		out, problems := physical.Script(front, annotations(t), users+";", physical.Options{})
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		if strings.Contains(out, "ssn text") || strings.Count(out, "CONSTRAINT") != 2 || !strings.Contains(out, "note text") {
			t.Errorf("got %s", out)
		}
	})
}

func TestEverythingElseIsKeptToTheByte(t *testing.T) {
	scripts := map[string]string{
		"all": "\n-- a comment; with a semicolon\n" + users + " ;;\n/* ; */ CREATE TABLE orders (id int PRIMARY KEY, user_id int REFERENCES users (id), total int DEFAULT 0);\n" +
			"CREATE INDEX orders_user ON orders (user_id);\nCREATE INDEX users_note ON users (note);\n" +
			"CREATE VIEW open_orders AS SELECT o.id, u.note FROM orders o JOIN users u ON u.id = o.user_id WHERE total > 0;\n" +
			"INSERT INTO orders (id, total) VALUES (1, 5), (2, 'a;b');\nCREATE INDEX elsewhere_x ON elsewhere (x)",
		"sqlite": users + ";\nCREATE TRIGGER touch AFTER INSERT ON orders BEGIN UPDATE orders SET total = CASE WHEN total > 1 THEN 1 ELSE 2 END; DELETE FROM log; END;\nPRAGMA user_version = 3;\n",
		"mysql": users + " ENGINE=InnoDB;\nCREATE TRIGGER touch AFTER INSERT ON orders FOR EACH ROW BEGIN IF NEW.total > 1 THEN SET @a = 1; END IF; CASE NEW.total WHEN 1 THEN SET @b = 2; END CASE; END;\n" +
			"ALTER TABLE users ADD KEY users_note (note(10)), MODIFY id int NOT NULL AUTO_INCREMENT;\nALTER TABLE `orders` ADD CONSTRAINT `f` FOREIGN KEY (`user_id`) REFERENCES `users` (`id`) ON DELETE NO ACTION;\n",
		"postgres": users + ";\n\\connect - app\nCREATE FUNCTION one() RETURNS int LANGUAGE sql AS $body$ SELECT 1; $body$;\n" +
			"ALTER TABLE ONLY public.users ADD CONSTRAINT users_key UNIQUE (note);\nALTER TABLE public.users OWNER TO app;\n" +
			"ALTER TABLE ONLY public.users ALTER COLUMN id SET DEFAULT nextval('users_id_seq'::regclass);\n" +
			"ALTER TABLE orders ADD CONSTRAINT f FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE;\nGRANT SELECT ON users TO app;\nCOMMENT ON COLUMN users.ssn IS 'sealed';\n",
	}
	each(t, func(t *testing.T, front rewrite.Frontend) {
		for _, script := range []string{scripts["all"], scripts[front.Dialect().String()]} {
			out, problems := physical.Script(front, annotations(t), script, physical.Options{})
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			table, problems := physical.Script(front, annotations(t), users, physical.Options{})
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			if want := strings.Replace(script, users, table, 1); out != want {
				t.Errorf("got\n%s\nwant\n%s", out, want)
			}
		}
	})
}

func TestProblemsSayWhereAndWhatToDo(t *testing.T) {
	for _, c := range []struct{ name, dialect, script, want string }{
		{"an index over ciphertext", "", users + ";\n\n  CREATE INDEX i ON users (note, ssn);", "3:34: definition of an annotated table (users.ssn)"},
		{"an index over ciphertext of a table made elsewhere", "", "CREATE INDEX i ON users (ssn);", "1:26: definition of an annotated table (users.ssn)"},
		{"a column is counted in characters", "", "SELECT 'äöü'; CREATE INDEX i ON users (ssn)", "1:40: definition of an annotated table (users.ssn)"},
		{"a default", "", "\nCREATE TABLE users (id int, ssn text DEFAULT 'SECRET', email varchar(60))", "2:38: definition of an annotated table (users.ssn)"},
		{"another type", "", "CREATE TABLE users (id int, ssn int, email varchar(60))", "1:33: definition of an annotated table (users.ssn)"},
		{"values in the script", "", users + ";\nINSERT INTO users (id, ssn) VALUES (1, 'SECRET');", "2:1: the statement reads or writes values of encrypted columns (users)"},
		{"values that are read", "", users + ";\nCREATE TABLE copy AS SELECT ssn FROM users", "encrypted value into a clear column (users.ssn)"},
		{"a materialized view of an encrypted column", "postgres", users + ";\nCREATE MATERIALIZED VIEW v AS SELECT ssn FROM users", "(users.ssn)"},
		{"a view of a view that computes", "", users + ";\nCREATE VIEW v AS SELECT id, ssn FROM users;\nCREATE VIEW w AS SELECT upper(ssn) FROM v", "function or operator over an encrypted column (users.ssn)"},
		{"a key over ciphertext", "mysql", users + ";\nALTER TABLE users ADD UNIQUE (email)", "2:31: definition of an annotated table"},
		{"a key that points at ciphertext", "postgres", users + ";\nALTER TABLE orders ADD FOREIGN KEY (e) REFERENCES users (email)", "definition of an annotated table"},
		{"a check", "postgres", users + ";\nALTER TABLE users ADD CONSTRAINT c CHECK (users IS NOT NULL)", "2:43: definition of an annotated table"},
		{"a change of type", "postgres", users + ";\nALTER TABLE users ALTER COLUMN ssn TYPE int", "2:41: definition of an annotated table"},
		{"a default of an encrypted column", "postgres", users + ";\nALTER TABLE users ALTER ssn SET DEFAULT 'SECRET'", "2:29: definition of an annotated table"},
		{"a default of the partition column", "postgres", "ALTER TABLE notes ALTER COLUMN tenant SET DEFAULT 'SECRET'", "1:32: definition of an annotated table"},
		{"a partition column that fills itself", "mysql", "ALTER TABLE notes MODIFY tenant int AUTO_INCREMENT", "1:26: definition of an annotated table"},
		{"two actions of which one is not known", "postgres", users + ";\nALTER TABLE users ADD UNIQUE (note), DISABLE TRIGGER ALL", "2:38: definition of an annotated table"},
		{"a renamed table", "", users + ";\nALTER TABLE orders RENAME TO users", "definition of an annotated table"},
		{"a trigger on an annotated table", "sqlite", "CREATE TRIGGER t AFTER INSERT ON users BEGIN DELETE FROM log; END;", "1:34: routine not known to be clear (users)"},
		{"data in the copy format", "postgres", users + ";\nCOPY users (id, ssn) FROM stdin", "2:6: statement not supported on annotated tables (users)"},
		{"an open string", "", users + ";\nSELECT 'SECRET", "the script cannot be read"},
		{"an executable comment of an unknown server", "mysql", "/*!40101 SET NAMES utf8 */;", "1:1: executable comment; what it means depends on the server"},
		{"a command of the client", "mysql", "DELIMITER //\nSELECT 1//", "1:1: DELIMITER is a command of the mysql client"},
	} {
		for name, front := range frontends {
			if c.dialect != "" && c.dialect != name {
				continue
			}
			t.Run(name+"/"+strings.ReplaceAll(c.name, " ", "_"), func(t *testing.T) {
				out, problems := physical.Script(front, annotations(t), c.script, physical.Options{})
				if len(problems) != 1 {
					t.Fatalf("problems %v of\n%s", problems, out)
				}
				if got := problems[0].Error(); !strings.Contains(got, c.want) || strings.Contains(got, "SECRET") {
					t.Errorf("got %q, want %q", got, c.want)
				}
				if strings.Contains(out, "SECRET") {
					t.Errorf("a refused statement is in the result: %s", out)
				}
			})
		}
	}
}

func TestEveryProblemIsReported(t *testing.T) {
	each(t, func(t *testing.T, front rewrite.Frontend) {
		_, problems := physical.Script(front, annotations(t), "CREATE INDEX a ON users (ssn);\nCREATE INDEX b ON users (email);\nCREATE INDEX c ON users (note);\nCREATE INDEX d ON users (ssn)", physical.Options{})
		var lines []string
		for _, p := range problems {
			lines = append(lines, fmt.Sprint(p.Line))
		}
		if got := strings.Join(lines, " "); got != "1 2 4" {
			t.Errorf("lines %s: %v", got, problems)
		}
	})
}

func TestExecutableCommentsAreResolvedForTheServer(t *testing.T) {
	script := "/*!40101 SET NAMES utf8mb4 */;\n" + users + ";"
	o := physical.Options{Session: rewrite.Session{Version: 80036}}
	out, problems := physical.Script(frontends["mysql"], annotations(t), script, o)
	if len(problems) > 0 || !strings.Contains(out, "SET NAMES utf8mb4") || strings.Contains(out, "/*!") {
		t.Errorf("%v\n%s", problems, out)
	}
}

func TestSchemasOfUnqualifiedNames(t *testing.T) {
	typ, err := schema.ParseType("text")
	if err != nil {
		t.Fatal(err)
	}
	cat, err := schema.New([]*schema.Table{{Schema: "app", Name: "users", Columns: []*schema.Column{{Name: "ssn", Type: typ}}}}, schema.Options{})
	if err != nil {
		t.Fatal(err)
	}
	const create = "CREATE TABLE users (id int, ssn text)"
	for name, c := range map[string]struct {
		dialect, script string
		options         physical.Options
	}{
		"by USE":         {"mysql", "USE app;\n" + create, physical.Options{}},
		"by search_path": {"postgres", "SET search_path = app;\n" + create, physical.Options{}},
		"by option":      {"postgres", create, physical.Options{Schema: "app"}},
		"by name":        {"postgres", strings.Replace(create, "users", "app.users", 1), physical.Options{}},
	} {
		out, problems := physical.Script(frontends[c.dialect], cat, c.script, c.options)
		if len(problems) > 0 || !strings.Contains(out, "sealsql_guard_users_ssn") {
			t.Errorf("%s: %v %s", name, problems, out)
		}
	}
	if _, problems := physical.Script(frontends["postgres"], cat, create, physical.Options{}); len(problems) != 1 {
		t.Errorf("a table of another schema by the name of an annotated one: %v", problems)
	}
}

// FuzzScript: no text makes it panic, and a text without problems stays what it
// was apart from its tables.
func FuzzScript(f *testing.F) {
	for _, s := range []string{users + ";", "CREATE TRIGGER t AFTER INSERT ON o BEGIN SELECT 1; END; SELECT 2", "ALTER TABLE users ADD UNIQUE (note), OWNER TO x", `\c x`, ";;", "DELIMITER", "ALTER TABLE users", "CREATE TABLE users (("} {
		f.Add(s)
	}
	cat := annotations(f)
	f.Fuzz(func(t *testing.T, text string) {
		for _, front := range frontends {
			out, problems := physical.Script(front, cat, text, physical.Options{})
			if len(problems) == 0 && !strings.Contains(strings.ToLower(text), "users") && !strings.Contains(strings.ToLower(text), "notes") && !strings.Contains(text, "/*") && out != text {
				t.Errorf("%s changed %q to %q", front.Dialect(), text, out)
			}
			for _, p := range problems {
				if p.Line < 1 || p.Column < 1 {
					t.Errorf("%s: a problem at %d:%d", front.Dialect(), p.Line, p.Column)
				}
			}
		}
	})
}
