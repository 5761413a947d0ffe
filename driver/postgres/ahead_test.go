package postgres

import (
	"context"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/sealsql/sealsql/internal/testenv"
)

// counted counts how often its connection is read, by a slow reader: the server has
// sent on meanwhile.
type counted struct {
	net.Conn
	reads *atomic.Int64
}

func (c counted) Read(p []byte) (int, error) {
	c.reads.Add(1)
	time.Sleep(time.Millisecond)
	return c.Conn.Read(p)
}

func TestALongResultIsReadInFewPieces(t *testing.T) {
	ctx, dsn := context.Background(), testenv.Postgres(t)
	read := func(prepare func(*pgx.ConnConfig)) (rows, length int, reads int64) {
		c, err := pgx.ParseConfig(dsn)
		if err != nil {
			t.Fatal(err)
		}
		var count atomic.Int64
		dial := c.DialFunc
		c.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
			nc, err := dial(ctx, network, addr)
			return counted{nc, &count}, err
		}
		prepare(c)
		conn, err := pgx.ConnectConfig(ctx, c)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(ctx)
		for range 3 { // also after an answer that was read ahead to its end
			found, err := conn.Query(ctx, "SELECT repeat('x', i % 3000) FROM generate_series(1, 1000) i")
			if err != nil {
				t.Fatal(err)
			}
			for found.Next() {
				var s string
				if err := found.Scan(&s); err != nil {
					t.Fatal(err)
				}
				rows, length = rows+1, length+len(s)
			}
			if found.Err() != nil {
				t.Fatal(found.Err())
			}
		}
		if err := conn.PgConn().SyncConn(ctx); err != nil {
			t.Error(err)
		}
		return rows, length, count.Load()
	}
	wantRows, wantLength, plain := read(func(*pgx.ConnConfig) {})
	rows, length, ours := read(readAhead)
	if rows != wantRows || length != wantLength {
		t.Errorf("%d rows of %d bytes together, want %d of %d", rows, length, wantRows, wantLength)
	}
	t.Logf("%d reads, plain %d", ours, plain)
	if ours > plain*2/3 { // a quarter, unless the machine keeps the server from sending
		t.Error("that is not few")
	}
}

// TestNamesAreReadForEachConnection holds ahead against what pgx does.
func TestNamesAreReadForEachConnection(t *testing.T) {
	ctx := context.Background()
	a := ahead{dsn: testenv.Postgres(t)}
	for _, name := range []string{"one", "two"} {
		t.Setenv("PGAPPNAME", name)
		conn, err := a.Connect(ctx)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		var got string
		err = conn.(*stdlib.Conn).Conn().QueryRow(ctx, "SHOW application_name").Scan(&got)
		if err != nil || got != name {
			t.Errorf("%q, want %q: %v", got, name, err)
		}
	}
	_, err := discreet{ahead{dsn: "postgres://u:secret@h:bad/"}}.Connect(ctx)
	if err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("error %v", err)
	}
}
