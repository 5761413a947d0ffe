package driver

import (
	"database/sql/driver"
	"fmt"
	"io"

	"github.com/sealsql/sealsql"
)

var _ driver.Rows = noColumns{}

// noColumns is what MariaDB answers to a DELETE … RETURNING of which it knows
// beforehand that it finds nothing: a result without columns. There is nothing
// in it to open, and no way on to another result.
type noColumns struct{ inner driver.Rows }

func (r noColumns) Columns() []string { return r.inner.Columns() }

func (r noColumns) Close() error { return r.inner.Close() }

// Next returns io.EOF: a row without columns does not come from the statement
// that was planned.
func (r noColumns) Next([]driver.Value) error {
	switch err := r.inner.Next(nil); err {
	case nil:
		return fmt.Errorf("%w: the result has no columns", sealsql.ErrCatalogChanged)
	case io.EOF:
		return io.EOF
	default:
		return err
	}
}
