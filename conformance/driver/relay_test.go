package drivertest_test

import (
	"database/sql/driver"
	"net"
	"strconv"
	"testing"

	plainmysql "github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	drivertest "github.com/sealsql/sealsql/conformance/driver"
)

// relayedPostgres connects through a relay that collects what is sent, in one
// of pgx's execution modes.
func relayedPostgres(t testing.TB, dsn, mode string, sent *drivertest.Sent, options ...stdlib.OptionOpenDB) driver.Connector {
	t.Helper()
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	if cfg.TLSConfig != nil {
		t.Fatal("the server's DSN asks for TLS; a relay sees nothing then: add sslmode=disable")
	}
	relay := drivertest.Wire(t, net.JoinHostPort(cfg.Host, strconv.Itoa(int(cfg.Port))), sent)
	host, port, err := net.SplitHostPort(relay)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Host, cfg.Port, cfg.Fallbacks = host, uint16(n), nil
	cfg.DefaultQueryExecMode = map[string]pgx.QueryExecMode{
		"":                pgx.QueryExecModeCacheStatement,
		"cache_statement": pgx.QueryExecModeCacheStatement,
		"cache_describe":  pgx.QueryExecModeCacheDescribe,
		"describe_exec":   pgx.QueryExecModeDescribeExec,
		"exec":            pgx.QueryExecModeExec,
		"simple_protocol": pgx.QueryExecModeSimpleProtocol,
	}[mode]
	return stdlib.GetConnector(*cfg, options...)
}

// relayedMySQL connects through a relay that collects what is sent; params are
// added to the DSN.
func relayedMySQL(t testing.TB, dsn, params string, sent *drivertest.Sent) driver.Connector {
	t.Helper()
	if params != "" {
		dsn += sep(dsn) + params
	}
	cfg, err := plainmysql.ParseDSN(dsn)
	if err != nil {
		t.Fatal(err)
	}
	if cfg.TLS != nil || cfg.Net != "tcp" {
		t.Fatal("the server's DSN must be TCP without TLS: a relay sees nothing otherwise")
	}
	cfg.Addr = drivertest.Wire(t, cfg.Addr, sent)
	c, err := plainmysql.NewConnector(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// sep is what stands before another parameter of a DSN.
func sep(dsn string) string {
	for i := len(dsn) - 1; i >= 0; i-- {
		switch dsn[i] {
		case '?':
			return "&"
		case '/':
			return "?"
		}
	}
	return "?"
}
