package lint_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sealsql/sealsql/internal/lint"
	"github.com/sealsql/sealsql/internal/offline"
	"github.com/sealsql/sealsql/internal/script"
	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/rewrite/mysql"
	"github.com/sealsql/sealsql/rewrite/postgres"
	"github.com/sealsql/sealsql/rewrite/sqlite"
)

var frontends = map[string]rewrite.Frontend{"postgres": postgres.New(), "mysql": mysql.New(), "sqlite": sqlite.New()}

// options plans with users.ssn encrypted and catalogs inferred.
func options(t testing.TB, dialect string) lint.Options {
	t.Helper()
	tables, err := offline.ParseAnnotations("users.ssn")
	if err != nil {
		t.Fatal(err)
	}
	w := &offline.World{Known: offline.KnownInferred, Session: rewrite.Session{ModeKnown: true}}
	w.Tables = tables
	return lint.Options{Dialect: dialect, Frontends: frontends, World: w}
}

// run lints files that are written to a directory of the test.
func run(t testing.TB, o lint.Options, files map[string]string) *lint.Report {
	t.Helper()
	dir := t.TempDir()
	for name, data := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	found, err := lint.Find([]string{dir}, false)
	if err != nil {
		t.Fatal(err)
	}
	report, err := lint.Run(found, o)
	if err != nil {
		t.Fatal(err)
	}
	for i := range report.Findings {
		rel, err := filepath.Rel(dir, report.Findings[i].File)
		if err != nil {
			t.Fatal(err)
		}
		report.Findings[i].File = filepath.ToSlash(rel)
	}
	return report
}

// findings writes each as "file:line:column rule".
func findings(r *lint.Report) string {
	var out []string
	for _, f := range r.Findings {
		out = append(out, fmt.Sprintf("%s:%d:%d %s", f.File, f.Line, f.Column, f.Rule))
	}
	return strings.Join(out, "\n")
}

func TestRefusalsAreReportedWhereTheyWereWritten(t *testing.T) {
	for name, c := range map[string]struct {
		dialect, file, data string
		statements          int
		want                string
	}{
		"in a script":                          {"sqlite", "a.sql", "SELECT 1;\n\nSELECT id FROM users\n WHERE ssn = 'CANARY';\n", 2, "a.sql:4:8 predicate"},
		"behind letters of several bytes":      {"sqlite", "a.sql", "SELECT 'äöü', id FROM users WHERE ssn = 'CANARY'", 1, "a.sql:1:35 predicate"},
		"in a routine with its own delimiter":  {"mysql", "a.sql", "DELIMITER //\nCREATE PROCEDURE p() BEGIN SELECT 1; UPDATE users SET id = 1; END//\nDELIMITER ;\nSELECT upper(ssn) FROM users;", 2, "a.sql:2:45 routine\na.sql:4:14 function"},
		"behind a trigger":                     {"sqlite", "a.sql", "CREATE TRIGGER x AFTER INSERT ON t BEGIN SELECT 1; SELECT 2; END;\nSELECT ssn FROM users ORDER BY ssn;", 2, "a.sql:2:32 order"},
		"behind the rows of a dump":            {"postgres", "a.sql", "COPY t (a) FROM stdin;\nit's\n\\.\nSELECT id FROM users ORDER BY ssn;", 2, "a.sql:4:31 order"},
		"in a script that is cut short":        {"sqlite", "a.sql", "SELECT 1;\nSELECT 'CANARY", 2, "a.sql:2:8 syntax"},
		"in a line of JSON":                    {"sqlite", "a.jsonl", `{"sql":"SELECT 1"}` + "\n\n" + `{"kind":"x","sql":"SELECT id FROM users ORDER BY ssn"}`, 2, "a.jsonl:3:50 order"},
		"behind escapes of JSON":               {"sqlite", "a.ndjson", `{"sql":"SELECT\n\u0069d, \"x\", '\ud83d\ude00' FROM users ORDER BY ssn"}`, 1, "a.ndjson:1:68 order"},
		"in the dialect of the line":           {"sqlite", "a.jsonl", `{"dialect":"postgres","sql":"SELECT id FROM users ORDER BY ssn::text"}`, 1, "a.jsonl:1:60 order"},
		"in a literal of Go":                   {"sqlite", "a.go", "package p\nfunc f(db DB) {\n\tdb.Query(\"SELECT id FROM users ORDER BY ssn\")\n}\n", 1, "a.go:3:42 order"},
		"behind escapes of Go":                 {"sqlite", "a.go", "package p\nfunc f(db DB) {\n\tdb.Query(\"SELECT\\tid,\\u00e4 FROM users ORDER BY ssn\")\n}\n", 1, "a.go:3:50 order"},
		"in a raw literal of Go":               {"sqlite", "a.go", "package p\nfunc f(db DB) {\n\tdb.Exec(`\r\n\t\tSELECT id\r\n\t\tFROM users ORDER BY ssn`)\n}\n", 1, "a.go:5:23 order"},
		"in a constant of another file":        {"sqlite", "a.go", "package p\nfunc f(db DB) {\n\tdb.QueryRowContext(ctx, query, 1)\n}\n", 1, "const.go:2:56 order"},
		"in the part of a sum":                 {"sqlite", "a.go", "package p\nconst cols = \"id, name\"\nfunc f(db DB) {\n\tdb.Query(\"SELECT \" + cols +\n\t\t\" FROM users \" + (\"ORDER BY ssn\"))\n}\n", 1, "a.go:5:31 order"},
		"in a variable that does not change":   {"sqlite", "a.go", "package p\nfunc f(db DB) {\n\tq := `SELECT id FROM users ORDER BY ssn`\n\tdb.Query(q)\n}\n", 1, "a.go:3:38 order"},
		"in a variable of the package":         {"sqlite", "a.go", "package p\nvar q = `SELECT id FROM users ORDER BY ssn`\nfunc f(db DB) { db.Query(q) }\n", 1, "a.go:2:40 order"},
		"in the constant that is in scope":     {"sqlite", "a.go", "package p\nconst q = `SELECT id FROM users ORDER BY ssn`\nfunc f(db DB) {\n\tconst q = `SELECT 1`\n\tdb.Query(q)\n}\n", 1, ""},
		"in a conversion":                      {"sqlite", "a.go", "package p\nfunc f(db DB) { db.Query(string(`SELECT id FROM users ORDER BY ssn`)) }\n", 1, "a.go:2:64 order"},
		"in the select of sqlx":                {"sqlite", "a.go", "package p\nfunc f(db DB) { db.SelectContext(ctx, &out, `SELECT id FROM users ORDER BY ssn`) }\n", 1, "a.go:2:76 order"},
		"in a prepared statement of pgx":       {"postgres", "a.go", "package p\nfunc f(c Conn) { c.Prepare(ctx, `name`, `SELECT id FROM users ORDER BY ssn`) }\n", 1, "a.go:2:72 order"},
		"in a batch of pgx":                    {"postgres", "a.go", "package p\nfunc f(b Batch) { b.Queue(`SELECT id FROM users ORDER BY ssn`) }\n", 1, "a.go:2:58 order"},
		"behind names of sqlx":                 {"postgres", "a.go", "package p\nfunc f(db DB) { db.NamedExec(`UPDATE users SET name = :first_name::::text WHERE ssn = :ssn`, u) }\n", 1, "a.go:2:81 predicate"},
		"behind names of pgx":                  {"postgres", "a.go", "package p\nfunc f(c Conn) { c.Query(ctx, `SELECT id FROM users WHERE id = @id AND ssn = @ssn`, pgx.NamedArgs{}) }\n", 1, "a.go:2:72 predicate"},
		"behind question marks":                {"postgres", "a.go", "package p\nfunc f(db DB) { db.Query(db.Rebind(`SELECT id FROM users WHERE id=? AND ssn = ?`), 1, 2) }\n", 1, "a.go:2:73 predicate"},
		"in a query of sqlc":                   {"postgres", "q.sql", "-- name: Find :one\nSELECT id FROM users WHERE id = @id AND x = sqlc.arg(x) AND y = sqlc.narg('y')\n AND ssn = @ssn;\n", 1, "q.sql:3:6 predicate"},
		"in a macro of sqlc for a whole table": {"mysql", "q.sql", "-- name: Find :many\nSELECT sqlc.embed(users) FROM users WHERE id IN (sqlc.slice('ids')) AND ssn = sqlc.arg('ssn');\n", 1, "q.sql:2:73 predicate"},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{c.file: c.data}
			if strings.HasPrefix(c.file, "a.go") {
				files["const.go"] = "package p\nconst query = \"SELECT id\" + \" FROM users ORDER BY \" + `ssn`\n"
			}
			r := run(t, options(t, c.dialect), files)
			if got := findings(r); got != c.want {
				t.Errorf("got %s\nwant %s", got, c.want)
			}
			if r.Summary.Statements != c.statements {
				t.Errorf("%d statements, want %d", r.Summary.Statements, c.statements)
			}
			notInOutput(t, r, "CANARY")
		})
	}
}

// notInOutput searches every form of a report.
func notInOutput(t *testing.T, r *lint.Report, word string) {
	t.Helper()
	var b bytes.Buffer
	for _, err := range []error{r.WriteText(&b), r.WriteJSON(&b), r.WriteSARIF(&b, "")} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if strings.Contains(b.String(), word) {
		t.Errorf("%s is in the output:\n%s", word, b.String())
	}
}

func TestFormsThatArePlannedAreNotReported(t *testing.T) {
	for name, c := range map[string]struct{ dialect, file, data string }{
		"macros of sqlc on PostgreSQL": {"postgres", "q.sql", "-- name: A :exec\nINSERT INTO users (id, ssn) VALUES (@id, sqlc.narg(ssn));\n/* name: B :many */\nSELECT sqlc.embed(users) FROM users WHERE id = @id::int AND name = @id;"},
		"macros of sqlc on MySQL":      {"mysql", "q.sql", "# name: A :exec\nINSERT INTO users (id, ssn) VALUES (sqlc.arg(id), sqlc.narg('ssn'));"},
		"macros of sqlc on SQLite":     {"sqlite", "q.sql", "-- name: A :exec\nINSERT INTO users (id, ssn) VALUES (@id, sqlc.narg('ssn'));"},
		"code that sqlc generates":     {"postgres", "q.sql.go", "package db\nconst a = `-- name: A :one\nSELECT id, ssn FROM users WHERE id = $1\n`\nfunc (q *Queries) A(ctx context.Context, id int) { q.db.QueryRowContext(ctx, a, id) }"},
		"names of sqlx on MySQL":       {"mysql", "a.go", "package p\nfunc f(db DB) { db.NamedExecContext(ctx, `UPDATE users SET ssn = :ssn WHERE id = :id`, u) }"},
		"names of sqlx on SQLite":      {"sqlite", "a.go", "package p\nfunc f(db DB) { db.NamedQuery(`SELECT ssn FROM users WHERE id = :id`, u) }"},
		"question marks in strings":    {"postgres", "a.go", "package p\nfunc f(db DB) { db.Raw(`SELECT ssn FROM users WHERE id = ? AND name = '?'`, 1) }"},
		"names of pgx":                 {"postgres", "a.go", "package p\nfunc f(c Conn) { c.Exec(ctx, `UPDATE users SET ssn=@ssn, tags = tags WHERE id = @id AND tags @> $1`) }"},
	} {
		t.Run(name, func(t *testing.T) {
			r := run(t, options(t, c.dialect), map[string]string{c.file: c.data})
			if !r.Clean() || r.Summary.Planned == 0 || r.Summary.Passed != 0 {
				var b bytes.Buffer
				_ = r.WriteText(&b)
				t.Error(b.String())
			}
		})
	}
}

func TestOtherStringsOfGoAreLeftAlone(t *testing.T) {
	r := run(t, options(t, "sqlite"), map[string]string{"a.go": `package p
import "net/http"
type cache struct{}
func (cache) Get(a, b string) {}
func f(u *url.URL, c cache) {
	http.Get("https://example.com/select")
	u.Query().Get("ssn")
	c.Get("a", "select me")
	exec.Command("psql", "-c", "SELECT 1")
	log.Print("SELECT id FROM users ORDER BY ssn")
	db.Query("cpu_usage{}")
}
`})
	// "select me" looks like SQL to those who cannot see what c is.
	if r.Summary.Statements != 1 || len(r.Variable) != 0 {
		t.Errorf("%+v", r)
	}
}

func TestTextsThatAreNotConstantAreCounted(t *testing.T) {
	r := run(t, options(t, "sqlite"), map[string]string{"a.go": `package p
func f(db DB, where string) {
	db.Query("SELECT id FROM users WHERE " + where)
	db.Exec(fmt.Sprintf("DROP TABLE %s", where))
	q := "SELECT 1"
	q += where
	db.QueryRowContext(ctx, q)
	r := "SELECT 2"
	change(&r)
	db.Query(r)
	db.ExecContext(ctx, build(where))
	for _, s := range []string{"a"} {
		db.Exec(s)
	}
}
func build(s string) string { return s }
`})
	var lines []int
	for _, p := range r.Variable {
		lines = append(lines, p.Line)
	}
	if fmt.Sprint(lines) != "[3 4 7 10 11 13]" || r.Summary.Statements != 0 {
		t.Errorf("lines %v, %d statements", lines, r.Summary.Statements)
	}
}

func TestFilesThatCannotBeReadFailTheRun(t *testing.T) {
	for name, c := range map[string]struct{ file, data, want string }{
		"faulty Go":             {"a.go", "package p\nfunc f( {\n", "2:9 not understood as Go"},
		"a line without SQL":    {"a.jsonl", `{"dialect":"sqlite"}`, `1:1 the object has no string "sql"`},
		"SQL that is a number":  {"a.jsonl", `{"sql": 12345}`, `1:1 the object has no string "sql"`},
		"a line of no object":   {"a.jsonl", "\n\"CANARY\"", "2:1 not an object of JSON in one line"},
		"two objects":           {"a.jsonl", `{"sql":"SELECT 1"} {}`, "1:1 not an object of JSON in one line"},
		"an object cut short":   {"a.jsonl", `{"sql":"CANARY`, "1:1 not an object of JSON in one line"},
		"bytes of no character": {"a.jsonl", "{\"sql\":\"CANARY\xff\"}", "1:1 not valid UTF-8"},
		"an unknown dialect":    {"a.jsonl", `{"dialect":"CANARY","sql":"SELECT 1"}`, "1:28 unknown dialect"},
		"a dialect of objects":  {"a.jsonl", `{"dialect":{},"sql":"SELECT 1"}`, `1:1 the member "dialect" is not a string`},
	} {
		t.Run(name, func(t *testing.T) {
			r := run(t, options(t, "sqlite"), map[string]string{c.file: c.data})
			if len(r.Unreadable) != 1 || r.Clean() {
				t.Fatalf("%+v", r)
			}
			u := r.Unreadable[0]
			if got := fmt.Sprintf("%d:%d %s", u.Line, u.Column, u.Message); got != c.want {
				t.Errorf("got %s\nwant %s", got, c.want)
			}
			notInOutput(t, r, "CANARY")
		})
	}
}

func TestWhatAScriptDefinesIsKnownBehindIt(t *testing.T) {
	o := options(t, "postgres")
	o.World.Known = offline.KnownSchema
	o.World.Schema = offline.New(frontends["postgres"], o.World.Session, o.World.Annotations, "")
	o.World.Schema.Read(script.NewFile("schema.sql", "CREATE TABLE users (id int, name text, ssn text);"))
	r := run(t, o, map[string]string{
		"1.sql":   "CREATE TABLE extra (id int); INSERT INTO extra VALUES (1); SELECT id, nosuch, ssn FROM users;",
		"2.sql":   "SELECT id FROM extra;",
		"3.jsonl": `{"dialect":"mysql","sql":"SELECT 1"}`,
	})
	if got := findings(r); got != "1.sql:1:71 unknown-column\n2.sql:1:16 unknown-relation" {
		t.Error(got)
	}
	if len(r.Unreadable) != 1 || !strings.Contains(r.Unreadable[0].Message, "another dialect") {
		t.Errorf("%+v", r.Unreadable)
	}
}

func TestDirectoriesAreWalkedWithoutOtherPeoplesCode(t *testing.T) {
	files := map[string]string{"a.txt": "SELECT 1"}
	for _, dir := range []string{"", "sub/", "vendor/x/", "node_modules/", "testdata/", ".git/"} {
		files[dir+"q.sql"] = "SELECT 1"
	}
	files["x_test.go"] = "package p\nfunc f(db DB) { db.Query(`SELECT 1`) }\n"
	r := run(t, options(t, "sqlite"), files)
	if r.Summary.Files != 2 || r.Summary.Statements != 2 || r.Summary.Passed != 2 {
		t.Errorf("%+v", r.Summary)
	}
}

func TestEveryNumberOfTheSummaryIsCounted(t *testing.T) {
	r := run(t, options(t, "sqlite"), map[string]string{
		"a.sql": "SELECT ssn FROM users; SELECT 1; SELEC 1; SELEC ssn FROM users; SELECT 1 FROM users WHERE ssn = 1; SELECT 2 FROM users WHERE ssn = 1;",
	})
	s := r.Summary
	if s.Statements != 6 || s.Planned != 1 || s.Passed != 2 || s.Refused != 3 || s.NotUnderstood != 2 {
		t.Errorf("%+v", s)
	}
	if fmt.Sprint(s.Reasons) != "[{predicate comparison of an encrypted column 2} {syntax statement not understood 1}]" {
		t.Errorf("%v", s.Reasons)
	}
}

// The members that the schema of SARIF 2.1.0 requires, and what readers of it
// rest on: every result names a rule that is there.
func TestSARIFHasItsRequiredMembers(t *testing.T) {
	r := run(t, options(t, "sqlite"), map[string]string{"a b.sql": "SELECT id FROM users ORDER BY ssn", "c.go": "package"})
	var b bytes.Buffer
	if err := r.WriteSARIF(&b, "v1.2.3"); err != nil {
		t.Fatal(err)
	}
	var log struct {
		Version string
		Runs    []struct {
			Tool struct {
				Driver struct {
					Name, Version string
					Rules         []struct {
						ID               string
						ShortDescription struct{ Text string }
					}
				}
			}
			ColumnKind  string
			Invocations []struct {
				ExecutionSuccessful        *bool
				ToolExecutionNotifications []struct{ Message struct{ Text string } }
			}
			Results []struct {
				RuleID    string
				RuleIndex *int
				Level     string
				Message   struct{ Text string }
				Locations []struct {
					PhysicalLocation struct {
						ArtifactLocation struct{ URI string }
						Region           struct{ StartLine, StartColumn int }
					}
				}
			}
		}
	}
	if err := json.Unmarshal(b.Bytes(), &log); err != nil {
		t.Fatal(err)
	}
	if log.Version != "2.1.0" || len(log.Runs) != 1 || len(log.Runs[0].Results) != 1 {
		t.Fatalf("%+v", log)
	}
	run := log.Runs[0]
	if run.Tool.Driver.Name != "sealsql" || run.ColumnKind != "unicodeCodePoints" || len(run.Tool.Driver.Rules) != len(rewrite.Reasons()) {
		t.Errorf("%+v", run.Tool)
	}
	for _, rule := range run.Tool.Driver.Rules {
		if rule.ID == "" || rule.ShortDescription.Text == "" {
			t.Errorf("rule %+v", rule)
		}
	}
	if len(run.Invocations) != 1 || run.Invocations[0].ExecutionSuccessful == nil || *run.Invocations[0].ExecutionSuccessful ||
		len(run.Invocations[0].ToolExecutionNotifications) != 1 || run.Invocations[0].ToolExecutionNotifications[0].Message.Text == "" {
		t.Errorf("invocations %+v", run.Invocations)
	}
	res := run.Results[0]
	if res.RuleIndex == nil || run.Tool.Driver.Rules[*res.RuleIndex].ID != res.RuleID || res.Level != "error" || res.Message.Text == "" || len(res.Locations) != 1 {
		t.Fatalf("result %+v", res)
	}
	at := res.Locations[0].PhysicalLocation
	if at.Region.StartLine != 1 || at.Region.StartColumn != 31 || at.ArtifactLocation.URI != "a%20b.sql" {
		t.Errorf("location %+v", at)
	}
}

func TestPathsThatAreNotReadAreErrors(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.txt")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{path, filepath.Join(dir, "nowhere.sql")} {
		if _, err := lint.Find([]string{p}, false); err == nil {
			t.Errorf("%s is listed", p)
		}
	}
	sql := filepath.Join(dir, "a.sql")
	if err := os.WriteFile(sql, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := lint.Find([]string{sql, dir, sql}, false); err != nil || len(got) != 1 {
		t.Errorf("%v, %v", got, err)
	}
}
