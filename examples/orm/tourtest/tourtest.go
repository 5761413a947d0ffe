// Package tourtest runs the tours on live databases.
package tourtest

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sealsql/sealsql/config"
	"github.com/sealsql/sealsql/driver/mysql"
	"github.com/sealsql/sealsql/driver/postgres"
	"github.com/sealsql/sealsql/examples/orm/tour"
	"github.com/sealsql/sealsql/internal/testenv"
)

// Run runs an application on the three engines.
func Run(t *testing.T, app tour.App) { RunOn(t, tour.Shop, app) }

// RunOn does so on another schema.
func RunOn(t *testing.T, s tour.Schema, app tour.App) {
	for _, e := range []tour.Engine{tour.SQLite, tour.Postgres, tour.MySQL} {
		t.Run(string(e), func(t *testing.T) { test(t, s, app, e) })
	}
}

func test(t *testing.T, s tour.Schema, app tour.App, e tour.Engine) {
	file := filepath.Join(t.TempDir(), "sealsql.yaml")
	if err := os.WriteFile(file, []byte(s.Config(e)), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(file)
	must(t, err)
	ctx := context.Background()
	dsn := func() string {
		switch e {
		case tour.Postgres:
			return testenv.Postgres(t)
		case tour.MySQL:
			return testenv.MySQL(t) + "?parseTime=true"
		}
		return "file:" + filepath.Join(t.TempDir(), "shop.db") + "?_pragma=foreign_keys(1)&_pragma=busy_timeout(5000)"
	}
	sealedDSN := dsn()
	mark := "?"
	if strings.Contains(sealedDSN, "?") {
		mark = "&"
	}
	connect := func(driver, dsn string, create bool) *sql.DB {
		db, err := sql.Open(driver, dsn)
		if err == nil && create {
			err = s.Create(ctx, db, e)
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() })
		return db
	}
	switch e { // what `sealsql metastore init` does; on SQLite it is not needed
	case tour.Postgres:
		must(t, postgres.InitMetastore(ctx, sealedDSN, cfg.Metastore))
	case tour.MySQL:
		must(t, mysql.InitMetastore(ctx, sealedDSN, cfg.Metastore))
	}
	plain := connect(e.Plain(), dsn(), true)
	sealed := connect(e.Sealed(), sealedDSN+mark+"sealsql_config="+file, true)
	lines, err := tour.Run(ctx, app, e, plain, sealed)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range lines {
		if !l.OK() {
			t.Errorf("%s: %s", l.Step.Name, l.Outcome())
		}
	}
	stored, err := s.Read(ctx, connect(e.Plain(), sealedDSN, false))
	if err != nil {
		t.Fatal(err)
	}
	if stored == "" {
		t.Error("nothing was stored")
	}
	for _, w := range s.Words {
		if strings.Contains(stored, w) {
			t.Errorf("%q was stored in clear", w)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
