package postgres

import (
	"context"
	"database/sql/driver"
	"net"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/sealsql/sealsql/internal/readahead"
)

// ahead is pgx's connector of a data source name, on connections that are read in
// longer pieces. Like pgx's own it reads the name, and the files and environment
// that the name leaves things to, for each connection.
type ahead struct {
	driver.Connector
	dsn string
}

func (a ahead) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := pgx.ParseConfig(a.dsn)
	if err != nil {
		return nil, err
	}
	readAhead(c)
	return stdlib.GetConnector(*c).Connect(ctx)
}

func readAhead(c *pgx.ConnConfig) {
	dial := c.DialFunc
	c.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		nc, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return readahead.Conn(nc), nil
	}
}
