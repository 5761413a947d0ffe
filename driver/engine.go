package driver

import (
	"context"
	"database/sql/driver"

	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/schema"
)

// Engine is what differs between the databases. One value serves one connector
// and is used by all its connections at once.
type Engine interface {
	Frontend() rewrite.Frontend

	// Check reports whether the engine knows a logical type.
	Check(t *schema.Type) error

	// Session reads what the connection's state changes about texts and names.
	Session(ctx context.Context, r *Reader) (*Session, error)

	// SessionChanged reports, without asking the server, that the state in s
	// is out of date on this connection.
	SessionChanged(inner driver.Conn, s *Session) bool

	// Snapshot reads the database's catalog. s is the session of the
	// connection that r reads on.
	Snapshot(ctx context.Context, r *Reader, s *Session) (*rewrite.Snapshot, error)

	// Ready reports whether a query can be sent on the connection now: no rows
	// are open that would be in the way, no failed transaction.
	Ready(inner driver.Conn) bool

	// Stale reports whether an error of the database means that the catalog is
	// not what plans were made from (undefined column or table, changed plan).
	Stale(err error) bool

	// Guard returns the name of the guard constraint that err reports, or "".
	Guard(err error) string

	// AlwaysPrepares says that the inner connection answers every ExecContext
	// and QueryContext that has arguments with driver.ErrSkip.
	AlwaysPrepares() bool

	// Limit returns how many bytes (or ASCII characters) a column of the
	// physical type, spelt as in the catalog, holds; 0 for no limit.
	Limit(physical string) int
}

// RebuildingEngine is an Engine of a database whose migrators change a table by
// copying it into a new one, which then takes its name.
type RebuildingEngine interface {
	Engine
	// Rebuilt is the name of the copy of a table.
	Rebuilt(table string) string
}

// OptionEngine is an Engine whose inner driver takes options among the arguments.
type OptionEngine interface {
	Engine
	// Arguments separates what the inner driver takes as options from the
	// arguments proper, and resolves forms that change the text.
	Arguments(ctx context.Context, inner driver.Conn, in Input) (Input, error)
	// Options reports whether there is any of that among the arguments: Arguments
	// would change nothing otherwise.
	Options(args []driver.NamedValue) bool
}

// PreparedEngine is an Engine that stands in front of the inner driver's prepared
// statements.
type PreparedEngine interface {
	Engine
	// Prepared returns the statement that is used for one that the inner driver
	// prepared from query: mostly that one itself.
	Prepared(query string, inner driver.Stmt) driver.Stmt
}

// Input is a statement as the caller gave it.
type Input struct {
	Text string
	// Options are leading arguments that the inner driver takes as options;
	// they go out first, in front of the plan's arguments.
	Options []driver.NamedValue
	// Refuse, when not "", names an option that an edited statement cannot be
	// run with.
	Refuse string
	// Rewritten says that Text and Args are not the caller's own: they are
	// what is sent, even where the statement passes.
	Rewritten bool
	Args      []driver.NamedValue
	// Codec, when not nil, takes the place of the session's: an option chose
	// another way of sending arguments.
	Codec logical.Codec
}

// TransactionEngine is an Engine that can tell whether a transaction is open.
type TransactionEngine interface {
	Engine
	InTransaction(inner driver.Conn) bool
}

// ResettingEngine is an Engine whose inner driver may run code of the application's
// when a connection leaves the pool (driver.SessionResetter), which may change how
// names resolve.
type ResettingEngine interface {
	Engine
	// Resets reports whether it does so on this connection.
	Resets(inner driver.Conn) bool
}

// Session is the state of one connection as far as it concerns plans. It is
// immutable.
type Session struct {
	// Plan is the part that is in the key of plans. Its Namespace fingerprints
	// Names.
	Plan  rewrite.Session
	Names rewrite.Names
	// Scope names the database that the connection sees; connections with
	// equal scopes share catalogs. A database that exists for one connection
	// alone has a scope of its own, with Private set.
	Scope   string
	Private bool
	// Ages: what the names mean depends on what others do (a schema of the search
	// path that is made later, or that the user may use from then on), so that they
	// are read again with the catalog.
	Ages bool
	// Codec converts arguments and results; Prepared does for prepared
	// statements, whose protocol gives other Go types on MySQL.
	Codec, Prepared logical.Codec
	// ASCIILike: ILIKE knows the case of ASCII letters only. ExactLike: LIKE
	// heeds case (SQLite's case_sensitive_like).
	ASCIILike, ExactLike bool
	// Unguarded names a setting under which the server checks no guard; empty for
	// none.
	Unguarded string
}
