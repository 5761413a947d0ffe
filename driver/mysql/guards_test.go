package mysql_test

import (
	"database/sql"
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/sealsql/sealsql"
	"github.com/sealsql/sealsql/driver/mysql"
	"github.com/sealsql/sealsql/internal/testenv"
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
	db, err := sql.Open(mysql.Name, f.dsn+sep+"sealsql_config="+url.QueryEscape(f.cfg))
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { db.Close() })
	return db
}

func TestAGuardThatIsNotEnforcedIsMissing(t *testing.T) {
	f := open(t, nil, guardedYAML)
	if testenv.MariaDB(t, f.plain) {
		t.Log("MariaDB enforces every constraint of a table")
		return
	}
	f.exec("CREATE TABLE guarded (id int PRIMARY KEY, ssn varchar(20))")
	if err := f.db.Ping(); err != nil {
		t.Fatal(err)
	}
	var name string
	if err := f.plain.QueryRow("SELECT CONSTRAINT_NAME FROM information_schema.CHECK_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = DATABASE()").Scan(&name); err != nil {
		t.Fatal(err)
	}
	mustExec(t, f.plain, "ALTER TABLE guarded ALTER CHECK `"+name+"` NOT ENFORCED")
	again := f.reopen()
	if err := again.Ping(); !errors.Is(err, sealsql.ErrSetup) {
		t.Errorf("the guard is not enforced: got %v", err)
	}
	if _, err := again.Exec("INSERT INTO guarded (id, ssn) VALUES (1, '" + canary + "')"); !errors.Is(err, sealsql.ErrSetup) {
		t.Errorf("got %v", err)
	}
}
