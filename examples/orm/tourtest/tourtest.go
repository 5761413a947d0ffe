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
	OnEach(t, func(t *testing.T, e tour.Engine) { test(t, s, app, e) })
}

// OnEach runs a test on the three engines.
func OnEach(t *testing.T, do func(*testing.T, tour.Engine)) {
	for _, e := range []tour.Engine{tour.SQLite, tour.Postgres, tour.MySQL} {
		t.Run(string(e), func(t *testing.T) { do(t, e) })
	}
}

func test(t *testing.T, s tour.Schema, app tour.App, e tour.Engine) {
	ctx := context.Background()
	db := Open(t, s, e)
	lines, err := tour.Run(ctx, app, e, db.Plain, db.Sealed)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range lines {
		if !l.OK() {
			t.Errorf("%s: %s", l.Step.Name, l.Outcome())
		} else if l.Err != nil {
			t.Logf("%s: %v", l.Step.Name, l.Err)
		}
	}
	stored, err := s.Read(ctx, db.Stored)
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

// Databases are a plain and an encrypted one with the tables of a schema.
// Stored is the encrypted one through the plain driver.
type Databases struct{ Plain, Sealed, Stored *sql.DB }

// Open makes them on an engine.
func Open(t *testing.T, s tour.Schema, e tour.Engine) Databases {
	t.Helper()
	file := filepath.Join(t.TempDir(), "sealsql.yaml")
	must(t, os.WriteFile(file, []byte(s.Config(e)), 0o600))
	cfg, err := config.Load(file)
	must(t, err)
	ctx := context.Background()
	connect := func(driver, dsn string, create bool) *sql.DB {
		db, err := sql.Open(driver, dsn)
		must(t, err)
		t.Cleanup(func() { db.Close() })
		if create {
			must(t, s.Create(ctx, db, e))
		}
		return db
	}
	dsn := fresh(t, e)
	switch e { // what `sealsql metastore init` does; on SQLite it is not needed
	case tour.Postgres:
		must(t, postgres.InitMetastore(ctx, dsn, cfg.Metastore))
	case tour.MySQL:
		must(t, mysql.InitMetastore(ctx, dsn, cfg.Metastore))
	}
	mark := "?"
	if strings.Contains(dsn, "?") {
		mark = "&"
	}
	return Databases{
		Plain:  connect(e.Plain(), fresh(t, e), true),
		Sealed: connect(e.Sealed(), dsn+mark+"sealsql_config="+file, true),
		Stored: connect(e.Plain(), dsn, false),
	}
}

// fresh is the data source name of an empty database.
func fresh(t *testing.T, e tour.Engine) string {
	switch e {
	case tour.Postgres:
		return testenv.Postgres(t)
	case tour.MySQL:
		return testenv.MySQL(t) + "?parseTime=true"
	}
	return "file:" + filepath.Join(t.TempDir(), "shop.db") + "?_pragma=foreign_keys(1)&_pragma=busy_timeout(5000)"
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
