package postgres

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/sealsql/sealsql/internal/testenv"
)

func TestFunctionsThatResetASessionAreTold(t *testing.T) {
	dsn := testenv.Postgres(t)
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	pool, err := pgxpool.New(context.Background(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	opened, err := plain(dsn)
	if err != nil {
		t.Fatal(err)
	}
	own := stdlib.OptionResetSession(func(context.Context, *pgx.Conn) error { return nil })
	for name, x := range map[string]struct {
		from driver.Connector
		want bool
	}{
		"data source name":     {opened, false},
		"connector":            {stdlib.GetConnector(*cfg), false},
		"pool":                 {stdlib.GetPoolConnector(pool), false},
		"connector's function": {stdlib.GetConnector(*cfg, own), true},
		"pool's function":      {stdlib.GetPoolConnector(pool, own), true},
	} {
		db := sql.OpenDB(x.from)
		db.SetMaxIdleConns(0)
		conn, err := db.Conn(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		err = conn.Raw(func(c any) error {
			if got := newEngine().Resets(c.(driver.Conn)); got != x.want {
				t.Errorf("%s: got %v, want %v", name, got, x.want)
			}
			if !newEngine().Resets(wrapping{c.(*stdlib.Conn)}) {
				t.Errorf("%s: a connection that wraps pgx's may reset more", name)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
		db.Close()
	}
}
