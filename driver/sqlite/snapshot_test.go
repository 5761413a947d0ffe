package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	sealdriver "github.com/sealsql/sealsql/driver"
	"github.com/sealsql/sealsql/internal/logical/litevalue"
	"github.com/sealsql/sealsql/rewrite"
)

// snapshotBeside reads the catalog of a file whose table another process makes anew
// while it is read, so many times.
func snapshotBeside(t *testing.T, changes int) (snap *rewrite.Snapshot, readings int, err error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.db")
	ours, theirs := openFile(t, path), openFile(t, path)
	change := func() {
		if _, err := theirs.Exec(fmt.Sprintf("DROP TABLE IF EXISTS users; CREATE TABLE users (id int, c%d int CHECK (c%d > 0))", changes, changes)); err != nil {
			t.Error(err)
		}
	}
	change()
	e := newEngine(litevalue.Options{}, nil)
	e.between = func() {
		readings++
		if changes > 0 {
			changes--
			change()
		}
	}
	conn, err := ours.Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	err = conn.Raw(func(c any) error {
		s := &sealdriver.Session{}
		s.Names.SearchPath = []string{"main"}
		var err error
		snap, err = e.Snapshot(context.Background(), sealdriver.NewReader(c.(driver.Conn)), s)
		return err
	})
	return snap, readings, err
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
// schema, whatever other processes do in between.
func TestCatalogThatChangesWhileItIsReadIsReadOnceMore(t *testing.T) {
	for _, changes := range []int{0, 1, readings - 1} {
		snap, n, err := snapshotBeside(t, changes)
		if err != nil || n != changes+1 {
			t.Fatalf("%d changes: read %d times, %v", changes, n, err)
		}
		users := snap.Relations[0]
		if len(users.Columns) != 2 || !strings.Contains(users.Source, users.Columns[1].Name) || users.Columns[1].Name != "c0" {
			t.Errorf("%d changes: columns %v of the text %q", changes, users.Columns, users.Source)
		}
	}
}

func TestCatalogThatGoesOnChangingIsNotRead(t *testing.T) {
	if snap, n, err := snapshotBeside(t, readings); !errors.Is(err, errChanging) || snap != nil || n != readings {
		t.Errorf("read %d times: %v, %v", n, snap, err)
	}
}
