package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	sealdriver "github.com/sealsql/sealsql/driver"
	"github.com/sealsql/sealsql/internal/logical/litevalue"
	"github.com/sealsql/sealsql/rewrite"
)

// beside is the catalog of a file whose table another connection makes anew, again
// and again, while it is read.
type beside struct {
	changes int
	// rows leaves rows of a statement that writes open while the catalog is read.
	rows bool

	snap     *rewrite.Snapshot
	readings int
	// busy counts the changes that found the file locked.
	busy int
}

func (b *beside) read(t *testing.T, mode string) error {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.db")
	ours, theirs := openFile(t, path), openFile(t, path)
	if _, err := theirs.Exec("PRAGMA journal_mode=" + mode + "; CREATE TABLE other (n int)"); err != nil {
		t.Fatal(err)
	}
	change := func() {
		_, err := theirs.Exec(fmt.Sprintf("DROP TABLE IF EXISTS users; CREATE TABLE users (id int, c%d int CHECK (c%d > 0))", b.changes, b.changes))
		if err != nil && strings.Contains(err.Error(), "locked") {
			b.busy++
		} else if err != nil {
			t.Error(err)
		}
	}
	change()
	e := newEngine(litevalue.Options{}, nil)
	e.between = func() {
		b.readings++
		if b.changes > 0 {
			b.changes--
			change()
		}
	}
	conn, err := ours.Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if b.rows {
		rows, err := conn.QueryContext(context.Background(), "CREATE TEMP TABLE own (n int); INSERT INTO own VALUES (1), (2) RETURNING n")
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
	}
	err = conn.Raw(func(c any) error {
		s := &sealdriver.Session{}
		s.Names.SearchPath = []string{"main"}
		var err error
		b.snap, err = e.Snapshot(context.Background(), sealdriver.NewReader(c.(driver.Conn)), s)
		return err
	})
	// Whatever happened, the connection is outside of transactions again.
	if !b.rows {
		if _, err := conn.ExecContext(context.Background(), "BEGIN; ROLLBACK"); err != nil {
			t.Error(err)
		}
	}
	return err
}

func openFile(t *testing.T, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// TestCatalogThatChangesWhileItIsReadIsReadOnceMore: texts and columns are of one
// schema, whatever other connections do in between, and however often.
func TestCatalogThatChangesWhileItIsReadIsReadOnceMore(t *testing.T) {
	for _, mode := range []string{"wal", "delete"} {
		for _, changes := range []int{0, 1, 2, 100} {
			b := &beside{changes: changes}
			if err := b.read(t, mode); err != nil || b.readings != min(changes, 1)+1 {
				t.Fatalf("%s, %d changes: read %d times, %v", mode, changes, b.readings, err)
			}
			if locked := b.busy > 0; locked != (mode == "delete" && changes > 1) {
				t.Errorf("%s, %d changes: %d found the file locked", mode, changes, b.busy)
			}
			users := b.snap.Relations[1]
			if len(users.Columns) != 2 || !strings.Contains(users.Source, users.Columns[1].Name) || users.Columns[1].Name != fmt.Sprintf("c%d", max(changes-1, 0)) {
				t.Errorf("%s, %d changes: columns %v of the text %q", mode, changes, users.Columns, users.Source)
			}
		}
	}
}

// TestCatalogReadBesideOpenRowsIsOfOneSchema: there no savepoint can be opened, and
// none is needed.
func TestCatalogReadBesideOpenRowsIsOfOneSchema(t *testing.T) {
	for _, mode := range []string{"wal", "delete"} {
		b := &beside{changes: 100, rows: true}
		if err := b.read(t, mode); err != nil || b.readings != 1 || b.snap.Relations[1].Columns[1].Name != "c100" {
			t.Errorf("%s: read %d times: %v, %v", mode, b.readings, b.snap, err)
		}
	}
}
