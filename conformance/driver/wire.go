package drivertest

import (
	"bytes"
	"context"
	"database/sql/driver"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
)

// Sent collects what goes out to a database. It is safe for concurrent use.
type Sent struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write appends to what was sent.
func (s *Sent) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.Write(p)
}

// Take returns what was sent since the last call, and forgets it.
func (s *Sent) Take() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := bytes.Clone(s.buf.Bytes())
	s.buf.Reset()
	return out
}

// Wire relays TCP connections to addr and collects what clients send. It ends
// with the test.
func Wire(t testing.TB, addr string, sent *Sent) (relay string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go relayConn(client, addr, sent)
		}
	}()
	return l.Addr().String()
}

func relayConn(client net.Conn, addr string, sent *Sent) {
	defer client.Close()
	server, err := net.Dial("tcp", addr)
	if err != nil {
		return
	}
	defer server.Close()
	go func() {
		_, _ = io.Copy(client, server)
		client.Close()
	}()
	_, _ = io.Copy(io.MultiWriter(server, sent), client)
}

// RecordConn wraps a connector so that texts and arguments handed to it are
// collected. It serves engines without a wire.
func RecordConn(inner driver.Connector, sent *Sent) driver.Connector {
	return recordConnector{inner, sent}
}

type recordConnector struct {
	inner driver.Connector
	sent  *Sent
}

func (c recordConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.inner.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return recordConn{conn, c.sent}, nil
}

func (c recordConnector) Driver() driver.Driver { return c.inner.Driver() }

type recordConn struct {
	driver.Conn
	sent *Sent
}

func (c recordConn) note(query string, args []driver.NamedValue) {
	fmt.Fprintln(c.sent, query)
	for _, a := range args {
		if b, ok := a.Value.([]byte); ok {
			_, _ = c.sent.Write(b)
			continue
		}
		fmt.Fprintln(c.sent, a.Value)
	}
}

func (c recordConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	c.note(query, args)
	return c.Conn.(driver.ExecerContext).ExecContext(ctx, query, args)
}

func (c recordConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	c.note(query, args)
	return c.Conn.(driver.QueryerContext).QueryContext(ctx, query, args)
}

func (c recordConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	c.note(query, nil)
	st, err := c.Conn.(driver.ConnPrepareContext).PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	return recordStmt{st, c}, nil
}

func (c recordConn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	return c.Conn.(driver.ConnBeginTx).BeginTx(ctx, o)
}

type recordStmt struct {
	driver.Stmt
	c recordConn
}

func (s recordStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	s.c.note("", args)
	return s.Stmt.(driver.StmtExecContext).ExecContext(ctx, args)
}

func (s recordStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	s.c.note("", args)
	return s.Stmt.(driver.StmtQueryContext).QueryContext(ctx, args)
}
