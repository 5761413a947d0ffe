package mysql_test

import (
	"context"
	"database/sql"
	"net"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	mysqldriver "github.com/go-sql-driver/mysql"

	"github.com/sealsql/sealsql/driver/mysql"
)

// metered counts what a client reads and into how much.
type metered struct {
	net.Conn
	widest, written *atomic.Int64
}

func (m metered) Read(p []byte) (int, error) {
	if n := int64(len(p)); n > m.widest.Load() {
		m.widest.Store(n)
	}
	return m.Conn.Read(p)
}

func (m metered) Write(p []byte) (int, error) {
	m.written.Add(int64(len(p)))
	return m.Conn.Write(p)
}

// Rows of records are read in large pieces, on every connection.
func TestRowsAreReadInLargePieces(t *testing.T) {
	f := open(t, ddl[:1], strings.Split(yaml, "  docs:")[0])
	for name, params := range map[string]string{
		"by default":                 "",
		"no long packets are sent":   "maxAllowedPacket=20000",
		"the client writes texts":    "interpolateParams=true",
		"the server's limit is read": "maxAllowedPacket=0",
	} {
		t.Run(name, func(t *testing.T) {
			var widest, written atomic.Int64
			pool := meteredPool(t, f, params, &widest, &written)
			for i := range 3 {
				widest.Store(0)
				written.Store(0)
				c, err := pool.Conn(context.Background())
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close() // at the end: each is another connection
				for range 3 {
					if _, err := c.ExecContext(context.Background(), "UPDATE users SET ssn = ? WHERE id = 0", "1"); err != nil {
						t.Fatal(err)
					}
				}
				if widest.Load() < 30<<10 {
					t.Errorf("connection %d reads into %d bytes", i+1, widest.Load())
				}
				if n := written.Load(); n > 48<<10 {
					t.Errorf("connection %d sent %d bytes: more than one long text", i+1, n)
				}
			}
		})
	}
}

// meteredPool opens the fixture's database through metered connections.
func meteredPool(t *testing.T, f *fixture, params string, widest, written *atomic.Int64) *sql.DB {
	t.Helper()
	mc, err := mysqldriver.ParseDSN(f.dsn)
	if err != nil {
		t.Fatal(err)
	}
	dialed, name := mc.Net, strings.ReplaceAll(t.Name(), "/", "-")
	mysqldriver.RegisterDialContext(name, func(ctx context.Context, addr string) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, dialed, addr)
		return metered{c, widest, written}, err
	})
	t.Cleanup(func() { mysqldriver.DeregisterDialContext(name) })
	mc.Net = name
	dsn := mc.FormatDSN()
	for _, p := range []string{params, "sealsql_config=" + url.QueryEscape(f.cfg)} {
		sep := "?"
		if strings.Contains(dsn, "?") {
			sep = "&"
		}
		dsn += sep + p
	}
	pool, err := sql.Open(mysql.Name, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pool.Close() })
	return pool
}
