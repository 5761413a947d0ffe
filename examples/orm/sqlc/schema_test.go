package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/sealsql/sealsql/examples/orm/tour"
)

var comments = regexp.MustCompile(`--[^\n]*`)

// words are a script without its comments, blanks and the case of its letters.
func words(script string) string {
	return strings.Join(strings.Fields(strings.ToLower(comments.ReplaceAllString(strings.ReplaceAll(script, "(", "( "), ""))), " ")
}

// What sqlc reads is what the program creates.
func TestSchemaIsThatOfTheTables(t *testing.T) {
	for _, e := range []tour.Engine{tour.SQLite, tour.Postgres, tour.MySQL} {
		text, err := os.ReadFile("schema/" + string(e) + ".sql")
		if err != nil {
			t.Fatal(err)
		}
		got, want := words(string(text)), words(strings.Join(e.Tables(), "; ")+";")
		if got != want {
			t.Errorf("%s: sqlc reads\n%s\nand the tables are\n%s", e, got, want)
		}
	}
}
