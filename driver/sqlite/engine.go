package sqlite

import (
	"database/sql/driver"
	"errors"
	"reflect"
	"strings"
	"sync/atomic"

	"modernc.org/sqlite"

	sealdriver "github.com/sealsql/sealsql/driver"
	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/internal/logical/litevalue"
	"github.com/sealsql/sealsql/rewrite"
	front "github.com/sealsql/sealsql/rewrite/sqlite"
	"github.com/sealsql/sealsql/schema"
)

var _ sealdriver.FreshEngine = (*engine)(nil)

// engine is SQLite behind modernc.org/sqlite.
type engine struct {
	front rewrite.Frontend
	codec logical.Codec
	files *mainFile
	// fresh is the type that Fresh last found to be modernc's: it is asked for
	// every result, and to spell a type's name takes as long as to open a value.
	fresh atomic.Pointer[reflect.Type]
}

func newEngine(o litevalue.Options, files *mainFile) *engine {
	return &engine{front: front.New(), codec: litevalue.New(o), files: files}
}

// Rebuilt is the name that GORM's migrator gives to the copy of a table.
func (*engine) Rebuilt(table string) string { return table + "__temp" }

func (e *engine) Frontend() rewrite.Frontend { return e.front }

func (e *engine) Check(t *schema.Type) error { return e.codec.Check(t) }

// SessionChanged is false: only statements on the connection itself change
// what it has attached.
func (e *engine) SessionChanged(driver.Conn, *sealdriver.Session) bool { return false }

// Ready is true: SQLite runs statements beside open rows.
func (e *engine) Ready(driver.Conn) bool { return true }

func (e *engine) AlwaysPrepares() bool { return false }

// Limit is 0: SQLite enforces no declared length.
func (e *engine) Limit(string) int { return 0 }

// Fresh is true for modernc's connections, which copy each blob out of SQLite's
// memory.
func (e *engine) Fresh(inner driver.Conn) bool { return e.known(inner) }

// Keeps is true for modernc's connections. A statement of SQLite that was reset
// holds no lock, and sqlite3_step compiles it again when the schema, a function or a
// setting that matters to it has changed (sqlite.org/c3ref/prepare.html).
func (e *engine) Keeps(inner driver.Conn) bool { return e.known(inner) }

// known reports whether a connection is modernc's.
func (e *engine) known(inner driver.Conn) bool {
	t := reflect.TypeOf(inner)
	if known := e.fresh.Load(); known != nil && *known == t {
		return true
	}
	if t == nil || t.Kind() != reflect.Pointer || t.Elem().PkgPath() != "modernc.org/sqlite" || t.Elem().Name() != "conn" {
		return false
	}
	e.fresh.Store(&t)
	return true
}

// Result codes of sqlite.org/rescode.html.
const (
	codeError           = 1
	codeSchema          = 17
	codeConstraintCheck = 275
)

// Stale reports errors that name a missing or other table or column. SQLite
// has one code for all that is wrong with a statement, so the words decide.
func (e *engine) Stale(err error) bool {
	var se *sqlite.Error
	if !errors.As(err, &se) {
		return false
	}
	switch se.Code() {
	case codeSchema:
		return true
	case codeError:
		msg := se.Error()
		for _, s := range []string{"no such table", "no such column", "has no column named", "values were supplied", "values for"} {
			if strings.Contains(msg, s) {
				return true
			}
		}
	}
	return false
}

// guardPrefix begins the names of the guards that `sealsql ddl` writes.
const guardPrefix = "sealsql_guard_"

// Guard returns the name of the violated guard.
func (e *engine) Guard(err error) string {
	var se *sqlite.Error
	if !errors.As(err, &se) || se.Code() != codeConstraintCheck {
		return ""
	}
	_, name, ok := strings.Cut(se.Error(), "CHECK constraint failed: ")
	if !ok || !strings.HasPrefix(name, guardPrefix) {
		return ""
	}
	if i := strings.IndexByte(name, ' '); i >= 0 {
		name = name[:i]
	}
	return name
}
