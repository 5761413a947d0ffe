package sealotel_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
)

// connector opens connections of a plain driver.
type connector struct {
	dsn   string
	plain *sql.DB
}

func (c connector) Connect(context.Context) (driver.Conn, error) { return c.plain.Driver().Open(c.dsn) }
func (c connector) Driver() driver.Driver                        { return c.plain.Driver() }
