package endtoend_test

import (
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"errors"
	"net"
	"net/url"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/sealsql/sealsql"
	sealdriver "github.com/sealsql/sealsql/driver"
)

// gone returns the address of a port on which nothing listens.
func gone(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// With the key store down a program starts, answers health checks and does all
// that needs no key; with eager it does not start.
func TestKeyStoreThatIsDown(t *testing.T) {
	const tables = "guards: off\ntables: {users: {columns: {ssn: encrypted}}}\n"
	t.Run("lazily", func(t *testing.T) {
		t.Setenv("SEALSQL_DOWN", "postgres://nobody@"+gone(t)+"/x?sslmode=disable&connect_timeout=2")
		p := postgresFlavour().open(t, head+"metastore: {sql: {dsn_env: SEALSQL_DOWN}}\n"+tables)
		if _, err := p.sealed.Exec("CREATE TABLE users (id int PRIMARY KEY, ssn text)"); err != nil {
			t.Fatal(err)
		}
		if err := p.sealed.Ping(); err != nil {
			t.Errorf("Ping needs keys: %v", err)
		}
		if _, err := p.sealed.Exec("INSERT INTO users (id) VALUES (1)"); err != nil {
			t.Errorf("a statement that needs no key: %v", err)
		}
		_, err := p.sealed.Exec("INSERT INTO users (id, ssn) VALUES (2, $1)", "x")
		if !sealsql.Unavailable(err) {
			t.Errorf("sealing: %v", err)
		}
		if n := dump(t, p.sealed, "SELECT count(*) FROM users"); n[0][0] != int64(1) {
			t.Errorf("%v rows", n)
		}
	})
	t.Run("eagerly", func(t *testing.T) {
		setMasterKey(t)
		t.Setenv("SEALSQL_DOWN", "postgres://nobody@"+gone(t)+"/x?sslmode=disable&connect_timeout=2")
		f := postgresFlavour()
		config := writeConfig(t, head+"eager: true\nmetastore: {sql: {dsn_env: SEALSQL_DOWN}}\n"+tables)
		db, err := sql.Open(f.sealed, withParameters(f.fresh(t), "sealsql_config="+url.QueryEscape(config)))
		if err == nil {
			db.Close()
		}
		if !sealsql.Unavailable(err) {
			t.Errorf("opened: %v", err)
		}
	})
}

func TestUserWhoMayNotReadTheCatalogIsToldSo(t *testing.T) {
	p := postgresFlavour().open(t, head+"metastore: memory\nguards: off\ntables: {users: {columns: {ssn: encrypted}}}\n")
	b := make([]byte, 6)
	rand.Read(b)
	role := "sealsql_blind_" + hex.EncodeToString(b)
	stored := p.stored(t)
	for _, q := range []string{
		"CREATE TABLE users (id int, ssn bytea)", "CREATE ROLE " + role,
		"GRANT ALL ON users TO " + role, "REVOKE SELECT ON pg_catalog.pg_class FROM PUBLIC",
	} {
		if _, err := stored.Exec(q); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		for _, q := range []string{"DROP OWNED BY " + role, "DROP ROLE " + role} {
			if _, err := stored.Exec(q); err != nil {
				t.Error(err)
			}
		}
	})
	db := openDB(t, p.flavour.sealed, withParameters(p.configured(), "options=-c%20role%3D"+role))
	for name, try := range map[string]func() error{
		"Ping":  db.Ping,
		"Query": func() error { _, err := db.Exec("INSERT INTO users (id, ssn) VALUES (1, $1)", "x"); return err },
	} {
		err := try()
		var pe *pgconn.PgError
		if !errors.Is(err, sealsql.ErrCatalog) || !errors.As(err, &pe) || !strings.Contains(err.Error(), "clear_tables") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestReloadThroughTheDatabase(t *testing.T) {
	for _, f := range []flavour{sqliteFlavour(), postgresFlavour(), mysqlFlavour()} {
		t.Run(f.name, func(t *testing.T) {
			const keys = "guards: off\nmetastore: {sql: {dsn_env: SEALSQL_RELOAD_KEYS}}\n"
			keyDSN := f.fresh(t)
			t.Setenv("SEALSQL_RELOAD_KEYS", keyDSN)
			initialiseKeysOf(t, f, keyDSN)
			p := f.open(t, head+keys+"tables: {HERE.users: {columns: {ssn: encrypted}}}\n")
			for _, q := range []string{"CREATE TABLE users (id int PRIMARY KEY, ssn varchar(40))", "CREATE TABLE docs (id int PRIMARY KEY, body varchar(40))"} {
				p.both(t, q)
			}
			p.both(t, "INSERT INTO users VALUES (1, 'before')")
			// The new table is empty; it gets its physical form from the new
			// configuration.
			if _, err := p.sealed.Exec("DROP TABLE docs"); err != nil {
				t.Fatal(err)
			}
			rewriteConfig(t, p, head+keys+"tables: {HERE.users: {columns: {ssn: encrypted}}, HERE.docs: {columns: {body: {type: varchar(40)}}}}\n")
			if _, err := sealdriver.Reload(t.Context(), p.sealed); err != nil {
				t.Fatal(err)
			}
			if _, err := p.sealed.Exec("CREATE TABLE docs (id int PRIMARY KEY, body varchar(40))"); err != nil {
				t.Fatal(err)
			}
			p.both(t, "INSERT INTO docs VALUES (1, 'new')")
			p.both(t, "INSERT INTO users VALUES (2, 'after')")
			compareDump(t, p, "SELECT id, body FROM docs")
			compareDump(t, p, "SELECT id, ssn FROM users ORDER BY id")
			stored := dump(t, p.stored(t), "SELECT body FROM docs")[0][0]
			if b, ok := stored.([]byte); !ok || len(b) < 60 {
				t.Errorf("not sealed: %T", stored)
			}
		})
	}
}
