package driver

import (
	"errors"

	"github.com/sealsql/sealsql"
)

// DeniedEngine is an Engine that tells a lack of privileges from other errors.
type DeniedEngine interface {
	Engine
	// Denied reports whether an error of the database means that its user may
	// not read what was asked for.
	Denied(err error) bool
}

// catalogError is the database's refusal to show its catalog.
type catalogError struct{ err error }

const catalogHint = "the database's user may not read the catalog, from which the driver knows which statements leave encrypted columns alone; " +
	"grant it to read that, or set catalog: {read: none} and name the tables without encrypted columns under clear_tables"

func (e *catalogError) Error() string {
	return sealsql.ErrCatalog.Error() + ": " + e.err.Error() + "; " + catalogHint
}

func (e *catalogError) Unwrap() error { return e.err }

func (e *catalogError) Is(target error) bool { return target == sealsql.ErrCatalog }

// unreadable says what to do where the catalog was refused; other errors stay
// what they are, for database/sql and programs know them by identity.
func (c *conn) unreadable(err error) error {
	var done *catalogError
	if e, ok := c.cr.engine.(DeniedEngine); ok && err != nil && e.Denied(err) && !errors.As(err, &done) {
		return &catalogError{err}
	}
	return err
}
