package audit

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"
	"time"

	_ "modernc.org/sqlite"
)

// A commit whose answer was lost has stored the lines: written again they are
// there once, on a pool of one connection as well.
func TestLinesThatATableHasAreNotWrittenTwice(t *testing.T) {
	db, err := sql.Open("sqlite", filepath.Join(t.TempDir(), "audit.db"))
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	ddl, err := TableDDL("sqlite", "trail")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(ddl); err != nil {
		t.Fatal(err)
	}
	sink, err := OpenTable(db, "sqlite", "trail")
	if err != nil {
		t.Fatal(err)
	}
	defer sink.Close()
	all := lines(t, 4)
	for i := range all {
		l, err := ParseLine(all[i].Text)
		if err != nil {
			t.Fatal(err)
		}
		all[i].Record = &l.Record
	}
	ctx, cancel := context.WithTimeout(bg, time.Minute)
	defer cancel()
	for range 2 {
		if err := sink.Write(ctx, all); err != nil {
			t.Fatal(err)
		}
	}
	var n int
	if err := db.QueryRow("SELECT count(*) FROM trail").Scan(&n); err != nil || n != len(all) {
		t.Fatalf("%d lines of %d, %v", n, len(all), err)
	}
	// Other lines under the same numbers are an error, and stay out.
	other := lines(t, 4)
	for i := range other {
		other[i].Record = all[i].Record
	}
	if err := sink.Write(ctx, other); err == nil {
		t.Fatal("lines that are not there count as stored")
	}
}
