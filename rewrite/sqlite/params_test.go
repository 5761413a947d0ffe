package sqlite

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"

	"github.com/sealsql/sealsql/rewrite"

	_ "modernc.org/sqlite"
)

func open(t *testing.T) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// TestOrdinalsAreThoseThatTheDriverBinds runs each text on the engine with
// arguments that say their own ordinal, and compares with Param.N.
func TestOrdinalsAreThoseThatTheDriverBinds(t *testing.T) {
	db := open(t)
	for _, text := range []string{
		"SELECT ?, ?, ?",
		"SELECT ?2, ?, ?1, ?",
		"SELECT $2, $1",
		"SELECT $2, ?1",
		"SELECT $2, ?",
		"SELECT :a, ?1, ?",
		"SELECT :a, @a, $a, ?, :b",
		"SELECT ?, :a, ?2, $5, ?",
		"SELECT ?5, $1, ?, :c",
		"SELECT 1; SELECT ?, ?1, ?3",
		"SELECT ?, ? LIMIT ?1 - 1, ?3 - 2",
	} {
		t.Run(text, func(t *testing.T) {
			s := parse(t, text)
			got := queryRow(t, db, text, arguments(s))
			items := s.Statements[len(s.Statements)-1].(*rewrite.Query).Body.(*rewrite.Select).Items
			for i, it := range items {
				if n := it.Expr.(*rewrite.Param).N; fmt.Sprint(got[i]) != fmt.Sprint(n) {
					t.Errorf("item %d has ordinal %d, the engine took argument %v", i, n, got[i])
				}
			}
		})
	}
}

// arguments are the values 1 to Params, named where the text names them.
// Numbers above Params are parameters that only SQLite counts.
func arguments(s *rewrite.Script) []any {
	names := map[int]string{}
	for _, m := range s.Markers {
		if m.Name != "" {
			names[m.N] = m.Name
		}
	}
	args := make([]any, s.Params+3)
	for i := range args {
		args[i] = i + 1
		if name, ok := names[i+1]; ok {
			args[i] = sql.Named(name, i+1)
		}
	}
	return args
}

func queryRow(t *testing.T, db *sql.DB, text string, args []any) []any {
	t.Helper()
	rows, err := db.Query(text, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	cols, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	out := make([]any, len(cols))
	ptrs := make([]any, len(cols))
	for i := range out {
		ptrs[i] = &out[i]
	}
	if !rows.Next() {
		t.Fatalf("no row: %v", rows.Err())
	}
	if err := rows.Scan(ptrs...); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestScriptsAreNumberedByStatement(t *testing.T) {
	cases := []struct {
		name, text string
		params     int
		noEdit     bool
	}{
		{"each statement counts from one", "SELECT ?; SELECT ?, ?", 2, false},
		{"a high number counts for all", "SELECT ?7; SELECT ?", 7, false},
		{"one name with one ordinal", "SELECT :a; SELECT :a", 1, false},
		{"two names with one ordinal", "SELECT :a; SELECT :b", 1, true},
		{"one name with two ordinals", "SELECT :a; SELECT :b, :a", 2, true},
		{"a name where another statement has none", "SELECT ?; SELECT :a", 1, true},
		{"no parameters", "SELECT 1; SELECT 2", 0, false},
		{"parameters of a module are text", "CREATE VIRTUAL TABLE f USING m(?9)", 0, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := parse(t, c.text)
			checkMarkers(t, s)
			if s.Params != c.params || (s.NoEdit != "") != c.noEdit {
				t.Errorf("Params %d, NoEdit %q", s.Params, s.NoEdit)
			}
		})
	}
}

func TestParametersBeyondTheLimitAreRefused(t *testing.T) {
	if _, err := New().Parse("SELECT $99999", nil); reasonOf(err) != rewrite.ReasonParameters {
		t.Errorf("$99999: %v", err)
	}
	if _, err := New().Parse("SELECT ?"+strings.Repeat(",?", maxVariable), nil); reasonOf(err) != rewrite.ReasonSyntax {
		t.Errorf("too many: %v", err)
	}
	s := parse(t, "SELECT ?"+strings.Repeat(",?", maxVariable-1))
	if s.Params != maxVariable {
		t.Errorf("as many as allowed: %d", s.Params)
	}
}
