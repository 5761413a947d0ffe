package sqlite_test

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// warm runs statements until they are compiled and kept, on a pool of one connection.
func warm(f *fixture) {
	f.t.Helper()
	f.db.SetMaxOpenConns(1)
	for i := range 4 {
		f.exec("INSERT INTO users (id, name, ssn) VALUES (?, ?, ?)", i, "n", canary)
		f.exec("UPDATE users SET ssn = ? WHERE id = ?", canary, i)
		f.want(i+1, "SELECT id, ssn FROM users")
	}
}

// want reads rows that all hold the canary in their last column.
func (f *fixture) want(n int, query string, args ...any) {
	f.t.Helper()
	got := all(f.t, f.db, context.Background(), query, args...)
	if len(got) != n {
		f.t.Fatalf("%s: %d rows, want %d", query, len(got), n)
	}
	for _, row := range got {
		if row[len(row)-1] != canary {
			f.t.Fatalf("%s: row %v", query, row)
		}
	}
}

// Whatever else happens to the database, compiled statements are in nobody's way and
// mean what their text means.
func TestKeptStatementsAreInNobodysWay(t *testing.T) {
	f := open(t, ddl, yaml)
	warm(f)
	for _, s := range []string{
		"VACUUM",
		"PRAGMA journal_mode = WAL",
		"ATTACH ':memory:' AS aside",
		"DETACH aside",
		"ALTER TABLE users ADD COLUMN more TEXT",
		"CREATE INDEX by_name ON users (name)",
		"ANALYZE",
		"DROP INDEX by_name",
		"PRAGMA foreign_keys = ON",
		"PRAGMA wal_checkpoint(TRUNCATE)",
		"PRAGMA journal_mode = DELETE",
	} {
		f.exec(s)
		f.want(4, "SELECT id, ssn FROM users")
		f.exec("UPDATE users SET ssn = ? WHERE id = ?", canary, 1)
	}
	// Another program changes the table, and puts another one in its place.
	if _, err := f.plain.Exec("ALTER TABLE users ADD COLUMN theirs TEXT"); err != nil {
		t.Fatal(err)
	}
	f.want(4, "SELECT id, ssn FROM users")
	if _, err := f.plain.Exec(`ALTER TABLE users RENAME TO old_users;
		CREATE TABLE users (name TEXT, ssn BLOB, salary BLOB, photo BLOB, born BLOB, id INTEGER PRIMARY KEY);
		INSERT INTO users (id, name, ssn) SELECT id, name, ssn FROM old_users WHERE id < 2; DROP TABLE old_users`); err != nil {
		t.Fatal(err)
	}
	f.want(2, "SELECT id, ssn FROM users")
	f.exec("DELETE FROM users")
	f.exec("DROP TABLE docs")
	f.want(0, "SELECT id, ssn FROM users")
}

func TestKeptStatementsRunInsideOneAnother(t *testing.T) {
	f := open(t, ddl, yaml)
	warm(f)
	tx, err := f.db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	const q = "SELECT id, ssn FROM users WHERE id >= ? ORDER BY id"
	for range 3 {
		rows, err := tx.Query(q, 0)
		if err != nil {
			t.Fatal(err)
		}
		read := 0
		for ; rows.Next(); read++ {
			var id int
			var ssn string
			if err := rows.Scan(&id, &ssn); err != nil || ssn != canary {
				t.Fatalf("%q %v", ssn, err)
			}
			if got := all(t, tx, context.Background(), q, id); len(got) != 4-id {
				t.Fatalf("%d rows from %d on", len(got), id)
			}
			if id == 2 {
				break // and leave the rest unread
			}
		}
		if err := rows.Close(); err != nil || read != 2 {
			t.Fatalf("read %d rows, %v", read, err)
		}
	}
}

// A statement whose last run failed, or was cancelled among its rows, runs again.
func TestAKeptStatementRunsAgainAfterAFailure(t *testing.T) {
	f := open(t, ddl, yaml)
	warm(f)
	const insert = "INSERT INTO users (id, name, ssn) VALUES (?, ?, ?)"
	for range 3 {
		if _, err := f.db.Exec(insert, 1, "n", canary); err == nil {
			t.Fatal("a key was stored twice")
		}
		ctx, cancel := context.WithCancel(context.Background())
		rows, err := f.db.QueryContext(ctx, "SELECT id, ssn FROM users")
		if err != nil || !rows.Next() {
			t.Fatal(err)
		}
		cancel()
		for rows.Next() {
		}
		rows.Close()
		f.want(4, "SELECT id, ssn FROM users")
	}
	f.exec(insert, 9, "n", canary)
	f.want(5, "SELECT id, ssn FROM users")
	f.want(0, "SELECT id, ssn FROM users WHERE id = ?", 77)
}

// SQLite keeps a database open for as long as a statement of it is.
func TestClosingAPoolClosesItsFilesThoughStatementsWereKept(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("open files are counted in /proc")
	}
	f := open(t, ddl, yaml)
	warm(f)
	if openFiles(t, f.path) == 0 {
		t.Fatal("the database is not open")
	}
	f.plain.Close()
	if err := f.db.Close(); err != nil {
		t.Fatal(err)
	}
	if n := openFiles(t, f.path); n != 0 {
		t.Errorf("%d files of the database are still open", n)
	}
}

func openFiles(t *testing.T, path string) (n int) {
	t.Helper()
	fds, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		if to, err := os.Readlink(fd); err == nil && strings.HasPrefix(to, path) {
			n++
		}
	}
	return n
}
