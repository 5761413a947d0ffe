package postgres_test

import (
	"database/sql"
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/sealsql/sealsql"
	"github.com/sealsql/sealsql/driver/postgres"
)

const guardedYAML = `version: 1
service: shop
product: orders
kms: {env: SEALSQL_TEST_KEY}
metastore: memory
guards: require
tables: {guarded: {columns: {ssn: encrypted}}}
`

// reopen opens the database once more, as another process would.
func (f *fixture) reopen() *sql.DB {
	f.t.Helper()
	sep := "?"
	if strings.Contains(f.dsn, "?") {
		sep = "&"
	}
	db, err := sql.Open(postgres.Name, f.dsn+sep+"sealsql_config="+url.QueryEscape(f.cfg))
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { db.Close() })
	return db
}

func TestAGuardThatIsNotEnforcedIsMissing(t *testing.T) {
	f := open(t, "", guardedYAML)
	if _, err := f.db.Exec("CREATE TABLE guarded (id int PRIMARY KEY, ssn text)"); err != nil {
		t.Fatal(err)
	}
	if err := f.db.Ping(); err != nil {
		t.Fatal(err)
	}
	var version int
	var name, definition string
	if err := f.plain.QueryRow("SELECT current_setting('server_version_num')::int / 10000, conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'guarded'::regclass AND contype = 'c'").
		Scan(&version, &name, &definition); err != nil {
		t.Fatal(err)
	}
	ends := map[string]error{" NOT VALID": nil} // of rows from before; new ones are checked
	if version >= 18 {
		ends[" NOT ENFORCED"] = sealsql.ErrSetup
	}
	for end, want := range ends {
		if _, err := f.plain.Exec(`ALTER TABLE guarded DROP CONSTRAINT "` + name + `", ADD CONSTRAINT "` + name + `" ` + definition + end); err != nil {
			t.Fatal(err)
		}
		again := f.reopen()
		if err := again.Ping(); !errors.Is(err, want) {
			t.Errorf("%s: got %v", end, err)
		}
		if _, err := again.Exec("INSERT INTO guarded (id, ssn) VALUES (1, '" + canary + "') ON CONFLICT DO NOTHING"); !errors.Is(err, want) {
			t.Errorf("%s: got %v", end, err)
		}
	}
}
