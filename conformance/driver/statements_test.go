package drivertest_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	drivertest "github.com/sealsql/sealsql/conformance/driver"
	"github.com/sealsql/sealsql/internal/testenv"
	"github.com/sealsql/sealsql/rewrite"
)

// statementFiles says on which engines the cases of a file are run.
//
// A case is one line and a transaction that is rolled back; only "!" may hold
// what would end it. It begins with what must come of it:
//
//	=            what the plain driver gives, on plain tables
//	! REASON     a refusal for this reason, before anything is sent
//	~            an error of the engine, on both
//
// where "maria" or "mysql" behind it names the only server that knows the
// statement: the other must answer with an error, or it be refused. It
// goes on with the steps of a transaction, divided by ";;". A step is a
// query, or with "exec" before it a statement; arguments stand behind "<-",
// divided by commas. {M} is a value that must not be sent in clear.
var statementFiles = map[string][]engine{
	"sqlite.txt":   {onSQLite},
	"postgres.txt": modesOf(rewrite.Postgres),
	"mysql.txt":    modesOf(rewrite.MySQL),
	"postgres_scripts.txt": {
		{"postgres simple_protocol", rewrite.Postgres, "simple_protocol"},
	},
	"mysql_scripts.txt": {
		{"mysql multiStatements", rewrite.MySQL, "multiStatements=true"},
		{"mysql multiStatements interpolateParams", rewrite.MySQL, "multiStatements=true&interpolateParams=true"},
	},
}

func modesOf(d rewrite.Dialect) (out []engine) {
	for _, e := range allModes {
		if e.dialect == d {
			out = append(out, e)
		}
	}
	return out
}

// TestStatements runs every case on encrypted and on plain tables; a program
// must see no difference unless the statement is refused.
func TestStatements(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/statements/*.txt")
	if err != nil || len(files) != len(statementFiles) {
		t.Fatalf("found %d files of cases, want %d: %v", len(files), len(statementFiles), err)
	}
	for _, f := range files {
		engines := statementFiles[filepath.Base(f)]
		if engines == nil {
			t.Fatalf("%s: no engine is named for it", f)
		}
		for _, e := range testenv.Sample(t, engines, 1) {
			t.Run(strings.ReplaceAll(e.name, " ", "_"), func(t *testing.T) { e.statements(t, f) })
		}
	}
}

type outcome struct {
	results []string
	err     error
}

func (e engine) statements(t *testing.T, file string) {
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	x := e.twins(t)
	x.plain = x.plainTwin(e)
	n := 0
	for i, line := range strings.Split(string(raw), "\n") {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		n++
		want, text, ok := strings.Cut(line, " ")
		want, only := want[:1], want[1:]
		if want == "!" {
			want, text, ok = strings.Cut(text, " | ")
			want = "! " + want
		}
		if only == "maria" && testenv.IsMySQL() || only == "mysql" && !testenv.IsMySQL() {
			want = "-"
		}
		if !ok {
			t.Fatalf("%s:%d: no case", file, i+1)
		}
		x.statement(fmt.Sprintf("%s:%d", filepath.Base(file), i+1), want, text)
	}
	if n == 0 {
		t.Fatalf("%s: no cases", file)
	}
}

// plainTwin opens the plain database with the settings of the encrypted one.
func (x *twins) plainTwin(e engine) *sql.DB {
	db := x.plain
	switch x.w.dialect {
	case rewrite.Postgres:
		db = sql.OpenDB(relayedPostgres(x.t, x.plainDSN, e.params, &drivertest.Sent{}))
	case rewrite.MySQL:
		db = sql.OpenDB(relayedMySQL(x.t, x.plainDSN, e.params, &drivertest.Sent{}))
	}
	if db != x.plain {
		x.t.Cleanup(func() { db.Close() })
	}
	db.SetMaxOpenConns(1)
	return db
}

// statement runs one case. The value that {M} stands for is this run's alone.
func (x *twins) statement(at, want, text string) {
	x.t.Helper()
	mark := canary(x.t)
	steps := strings.Split(strings.ReplaceAll(text, "{M}", mark), ";;")
	var plain outcome
	if !strings.HasPrefix(want, "!") {
		plain = x.outcome(x.plain, steps)
	}
	x.w.sent.Take()
	got := x.outcome(x.w.db, steps)
	if hit := drivertest.Leaked(x.w.sent.Take(), mark); hit != "" {
		x.t.Errorf("%s: %s\nthe value was sent in clear (%s)", at, text, hit)
	}
	if got.err != nil && strings.Contains(fmt.Sprintf("%v %+v", got.err, got.err), mark) && errors.Is(got.err, rewrite.ErrRefused) {
		x.t.Errorf("%s: the refusal holds the value: %v", at, got.err)
	}
	if why := differs(want, got, plain); why != "" {
		x.t.Errorf("%s: %s\n%s", at, text, why)
	}
}

// differs says how an outcome is not the wanted one.
func differs(want string, got, plain outcome) string {
	var u *rewrite.UnsupportedError
	refused := errors.As(got.err, &u)
	switch want {
	case "=":
		if got.err != nil || plain.err != nil {
			return fmt.Sprintf("got error %v, plain %v", got.err, plain.err)
		}
		if !reflect.DeepEqual(got.results, plain.results) {
			return fmt.Sprintf("got  %q\nwant %q", got.results, plain.results)
		}
	case "-":
		if got.err == nil || plain.err == nil {
			return fmt.Sprintf("got error %v, plain %v; want an error on both", got.err, plain.err)
		}
	case "~":
		if got.err == nil || plain.err == nil || refused {
			return fmt.Sprintf("got error %v, plain %v; want one of the engine on both", got.err, plain.err)
		}
	default:
		if reason, _ := strings.CutPrefix(want, "! "); !refused || u.Reason.String() != reason {
			return fmt.Sprintf("got error %v, want the refusal %q", got.err, reason)
		}
	}
	return ""
}

// outcome runs the steps in a transaction that is rolled back, and reads the
// tables before its end.
func (x *twins) outcome(db *sql.DB, steps []string) (out outcome) {
	tx, err := db.Begin()
	if err != nil {
		return outcome{err: err}
	}
	defer tx.Rollback()
	for _, s := range append(steps, "SELECT * FROM users ORDER BY id", "SELECT * FROM orders ORDER BY id", "SELECT * FROM tenants ORDER BY tenant, id") {
		results, err := x.step(tx, strings.TrimSpace(s))
		if err != nil {
			return outcome{err: err}
		}
		out.results = append(out.results, results...)
	}
	return out
}

// step runs one step and returns what a program sees of it.
func (x *twins) step(tx *sql.Tx, s string) ([]string, error) {
	var args []any
	if text, list, ok := strings.Cut(s, " <- "); ok {
		for a := range strings.SplitSeq(list, ",") {
			args = append(args, strings.TrimSpace(a))
		}
		s = text
	}
	if text, ok := strings.CutPrefix(s, "exec "); ok {
		res, err := tx.Exec(text, args...)
		if err != nil {
			return nil, err
		}
		n, err := res.RowsAffected()
		return []string{fmt.Sprint("affected ", n)}, err
	}
	rows, err := tx.QueryContext(context.Background(), s, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []string
	for more := true; more; more = rows.NextResultSet() {
		set, err := readSet(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, set...)
	}
	return out, rows.Err()
}

// readSet reads one result.
func readSet(rows *sql.Rows) ([]string, error) {
	cols, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	out := []string{fmt.Sprint(cols)}
	for rows.Next() {
		row, dest := make([]any, len(cols)), make([]any, len(cols))
		for i := range row {
			dest[i] = &row[i]
		}
		if err := rows.Scan(dest...); err != nil {
			return nil, err
		}
		for i, v := range row {
			if cols[i] == "Cardinality" {
				row[i] = "an estimate"
			}
			if b, ok := v.([]byte); ok {
				row[i] = "bytes " + string(bytes.ToValidUTF8(b, []byte("?")))
			}
		}
		out = append(out, fmt.Sprintf("%#v", row))
	}
	return out, rows.Err()
}
