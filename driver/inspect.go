package driver

import (
	"context"
	"database/sql/driver"
	"errors"

	"github.com/sealsql/sealsql/rewrite"
)

// Inspection is what a database shows of itself to tools that prepare it for
// encryption: names and definitions, no row.
type Inspection struct {
	// Snapshot is the catalog as statements are planned from it, and Session
	// the state of the connection that it was read on.
	Snapshot *rewrite.Snapshot
	Session  *Session
	// Sources are, on SQLite, the texts of tables of the main file: CREATE
	// TABLE, then the indexes and triggers on the table.
	Sources map[rewrite.RelationID][]string
	// Comments are, on MySQL, the comments of columns by name, for columns that
	// have one.
	Comments map[rewrite.RelationID]map[string]string
	// Views are the clauses of views that CREATE OR REPLACE VIEW has to repeat.
	Views map[rewrite.RelationID]ViewClauses
}

// ViewClauses are what a view is beside its definition, each as it stands in the
// statement that makes it, or empty.
type ViewClauses struct {
	// Before stands in front of VIEW (MySQL: ALGORITHM, DEFINER, SQL SECURITY).
	Before string
	// With stands behind the name (PostgreSQL: WITH (security_barrier=true)).
	With string
	// Behind stands at the end (MySQL: WITH CASCADED CHECK OPTION).
	Behind string
}

// inspector is an Engine that reads more than a Snapshot for Inspect.
type inspector interface {
	Inspect(ctx context.Context, r *Reader, i *Inspection) error
}

// Inspect reads the catalog of the database behind a plain connector, on one
// connection of its own. It changes nothing. Errors are those of the inner
// driver.
func Inspect(ctx context.Context, inner driver.Connector, e Engine) (_ *Inspection, err error) {
	conn, err := inner.Connect(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	r := NewReader(conn)
	i := &Inspection{}
	if i.Session, err = e.Session(ctx, r); err != nil {
		return nil, err
	}
	if unsafe := i.Session.Plan.Unsafe; unsafe != "" {
		return nil, &rewrite.UnsupportedError{
			Column: unsafe, Pos: -1, Reason: rewrite.ReasonSession,
			Hint: "what is read under it may be cut or shown otherwise; connect with the setting changed",
		}
	}
	if i.Snapshot, err = e.Snapshot(ctx, r, i.Session); err != nil {
		return nil, err
	}
	if more, ok := e.(inspector); ok {
		if err := more.Inspect(ctx, r, i); err != nil {
			return nil, err
		}
	}
	return i, nil
}
