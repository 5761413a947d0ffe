package mysql_test

import (
	"context"
	"database/sql"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"

	mysqldriver "github.com/go-sql-driver/mysql"

	"github.com/sealsql/sealsql/driver/mysql"
)

// meter counts what connections read, and keeps what they write.
type meter struct {
	mu      sync.Mutex
	widest  int // the most that a read asked for
	written strings.Builder
}

// take returns what was counted and begins anew.
func (m *meter) take() (widest int, written string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	widest, written = m.widest, m.written.String()
	m.widest = 0
	m.written.Reset()
	return widest, written
}

type metered struct {
	net.Conn
	m *meter
}

func (c metered) Read(p []byte) (int, error) {
	c.m.mu.Lock()
	c.m.widest = max(c.m.widest, len(p))
	c.m.mu.Unlock()
	return c.Conn.Read(p)
}

func (c metered) Write(p []byte) (int, error) {
	c.m.mu.Lock()
	c.m.written.Write(p)
	c.m.mu.Unlock()
	return c.Conn.Write(p)
}

// meteredPool opens the fixture's database through metered connections.
func meteredPool(t *testing.T, f *fixture, params string, m *meter) *sql.DB {
	t.Helper()
	mc, err := mysqldriver.ParseDSN(f.dsn)
	if err != nil {
		t.Fatal(err)
	}
	dialed, name := mc.Net, strings.ReplaceAll(t.Name(), "/", "-")
	mysqldriver.RegisterDialContext(name, func(ctx context.Context, addr string) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, dialed, addr)
		return metered{c, m}, err
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
