package main

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestSplit(t *testing.T) {
	for _, tc := range []struct {
		name, in  string
		backslash bool
		want      []string
	}{
		{"statements lose their semicolon", "A;\nB ;", false, []string{"A", "B"}},
		{"the last one needs none", "A; B", false, []string{"A", "B"}},
		{"empty statements do not count", ";;\n;A;;", false, []string{"A"}},
		{"comments before a statement go", "-- x;y\n/* a;b */ A;", false, []string{"A"}},
		{"an open comment ends the script", "A; /* b; c", false, []string{"A"}},
		{"semicolons in strings stay", "A 'x;''y;' B; C", false, []string{"A 'x;''y;' B", "C"}},
		{"comment marks in strings stay", "A '--' B; C", false, []string{"A '--' B", "C"}},
		{"semicolons in quoted names stay", "A `x;` \";\"; B", false, []string{"A `x;` \";\"", "B"}},
		{"lines for psql go", "\\c chinook;\nA;", false, []string{"A"}},
		{"a backslash is a character", `A '\'; B`, false, []string{`A '\'`, "B"}},
		{"a backslash escapes where it does", `A '\';'; B`, true, []string{`A '\';'`, "B"}},
		{"an open string ends the script", "A 'x; B", false, []string{"A 'x; B"}},
		{"nothing", "", false, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := split(tc.in, tc.backslash); !reflect.DeepEqual(got, tc.want) {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestSpell(t *testing.T) {
	for _, tc := range []struct{ name, engine, in, want string }{
		{
			"PostgreSQL has small names and numbered placeholders", "postgres",
			`SELECT c.FirstName AS given FROM Customer c JOIN InvoiceLine l ON l.InvoiceId = ? WHERE x = ?`,
			`SELECT c.first_name AS given FROM customer c JOIN invoice_line l ON l.invoice_id = $1 WHERE x = $2`,
		},
		{"strings are left alone", "postgres", `SELECT 'InvoiceLine ?' WHERE Name = ?`, `SELECT 'InvoiceLine ?' WHERE name = $1`},
		{"the others take the query as it is", "mysql", `SELECT FirstName FROM Customer WHERE x = ?`, `SELECT FirstName FROM Customer WHERE x = ?`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := engines[tc.engine].spell(tc.in); got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
		})
	}
}

func TestASearchThatFindsNoClearValueIsBlind(t *testing.T) {
	c := canaries{secret: []string{"absent", "5ecre7"}, open: []string{"0pen"}}
	dir := t.TempDir()
	write := func(name, content string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	verdict := func() error {
		f, err := searchFiles("test", dir, c)
		if err != nil {
			t.Fatal(err)
		}
		return f.err()
	}
	write("a", "nothing")
	if verdict() == nil {
		t.Error("neither value is there: want an error")
	}
	write("b", "x 0pen y")
	if err := verdict(); err != nil {
		t.Errorf("only the clear value is there: %v", err)
	}
	write("c", "x 5ecre7 y")
	if verdict() == nil {
		t.Error("the secret is there: want an error")
	}
}

func TestDifferenceNamesThePlaceAndNotTheValue(t *testing.T) {
	base := answer{columns: []string{"a", "b"}, rows: [][]any{{int64(1), "secret"}}}
	for _, tc := range []struct {
		name  string
		other answer
		equal bool
	}{
		{"the same", answer{columns: []string{"a", "b"}, rows: [][]any{{int64(1), "secret"}}}, true},
		{"another label", answer{columns: []string{"a", "c"}, rows: base.rows}, false},
		{"another type", answer{columns: base.columns, rows: [][]any{{int64(1), []byte("secret")}}}, false},
		{"another value", answer{columns: base.columns, rows: [][]any{{int64(1), "other"}}}, false},
		{"NULL", answer{columns: base.columns, rows: [][]any{{int64(1), nil}}}, false},
		{"no row", answer{columns: base.columns}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := difference(base, tc.other)
			if (err == nil) != tc.equal {
				t.Errorf("got %v", err)
			}
			if err != nil && (strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "other")) {
				t.Errorf("%v holds a value", err)
			}
		})
	}
}

func TestFlagsThatCannotWorkAreErrors(t *testing.T) {
	for _, args := range [][]string{
		{},
		{"-data", "x", "-engine", "oracle"},
		{"-data", "x", "-engine", "postgres"},
		{"-data", "x", "-engine", "sqlite", "-dsn", "x"},
	} {
		if err := run(t.Context(), args); err == nil {
			t.Errorf("%q: want an error", args)
		}
	}
	if err := run(t.Context(), []string{"-data", t.TempDir()}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no scripts: got %v", err)
	}
}
