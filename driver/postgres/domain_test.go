package postgres_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/sealsql/sealsql"
	sealdriver "github.com/sealsql/sealsql/driver"
	"github.com/sealsql/sealsql/driver/postgres"
)

const recordDomain = `CREATE DOMAIN sealsql_record AS bytea
	CONSTRAINT sealsql_guard_record CHECK (substring(VALUE FROM 1 FOR 3) = '\xF95351'::bytea);`

const domainYAML = `version: 1
service: shop
product: orders
kms: {env: SEALSQL_TEST_KEY}
metastore: {sql: same}
guards: require
tables: {guarded: {columns: {ssn: {type: varchar(40), search: equality}, born: {type: date}, note: {type: text, carrier: text}}}}
`

const guardedTable = "CREATE TABLE guarded (id int PRIMARY KEY, ssn varchar(40), born date, note text)"

// typesOf are the physical types of the encrypted columns, and how many CHECKs there are.
func (f *fixture) typesOf() (types string, checks int) {
	f.t.Helper()
	if err := f.plain.QueryRow(`SELECT (SELECT string_agg(format_type(atttypid, atttypmod), ' ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'guarded'::regclass AND attname IN ('ssn', 'born', 'note')),
	(SELECT count(*) FROM pg_constraint WHERE conrelid = 'guarded'::regclass AND contype = 'c')`).Scan(&types, &checks); err != nil {
		f.t.Fatal(err)
	}
	return types, checks
}

// keepsPlaintextOut checks that the server refuses anything but records and NULL in ssn.
func (f *fixture) keepsPlaintextOut() {
	f.t.Helper()
	f.exec("INSERT INTO guarded (id, ssn) VALUES (80, $1) ON CONFLICT (id) DO NOTHING", canary)
	for _, q := range []string{
		"INSERT INTO guarded (id, ssn, ssn_bidx) VALUES (90, '" + canary + "', '\\x00')",
		"UPDATE guarded SET ssn = '" + canary + "'",
		"UPDATE guarded SET ssn = convert_to('" + canary + "', 'UTF8')",
		"UPDATE guarded SET ssn = ''",
		"UPDATE guarded SET ssn = '\\xF953'",
		"UPDATE guarded SET ssn = '\\xF95352'",
		"UPDATE guarded SET ssn = '\\x25F95351'",
		"UPDATE guarded SET ssn = '\\x00F95351'",
	} {
		_, err := f.plain.Exec(q)
		var pe *pgconn.PgError
		if !errors.As(err, &pe) || pe.Code != "23514" || !strings.HasPrefix(pe.ConstraintName, "sealsql_guard_") {
			f.t.Errorf("%s: %v", q, err)
		}
	}
}

func TestADomainOfRecordsIsTheGuardOfItsColumns(t *testing.T) {
	f := open(t, recordDomain, domainYAML)
	f.exec(guardedTable)
	if types, checks := f.typesOf(); types != "sealsql_record sealsql_record text" || checks != 2 { // of note and ssn_bidx
		t.Errorf("got %s with %d checks", types, checks)
	}
	again := f.reopen()
	if err := again.Ping(); err != nil {
		t.Error(err)
	}
	f.exec("INSERT INTO guarded (id, ssn, born, note) VALUES ($1, $2, $3, $4), (2, NULL, NULL, NULL), (3, '', '2001-02-03', '')", 1, canary, "2001-02-03", canary)
	f.exec("INSERT INTO guarded (id, ssn) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET ssn = COALESCE(excluded.ssn, guarded.ssn)")
	f.exec("UPDATE guarded SET ssn = COALESCE($1, ssn), note = 'n' WHERE ssn = $2", canary, "x")
	f.want([][]any{{int64(1), canary}, {int64(2), nil}, {int64(3), ""}}, "SELECT id, ssn FROM guarded ORDER BY id")
	f.want([][]any{{int64(1)}}, "SELECT id FROM guarded WHERE ssn = $1", canary)
	f.want([][]any{{canary}, {"k"}, {""}}, "SELECT COALESCE(ssn, 'k') FROM guarded ORDER BY id")
	f.keepsPlaintextOut()
	f.exec("ALTER TABLE guarded ALTER COLUMN ssn TYPE varchar(40)")
	f.exec("ALTER TABLE guarded ALTER COLUMN born DROP NOT NULL")
	if types, _ := f.typesOf(); !strings.HasPrefix(types, "sealsql_record sealsql_record") {
		t.Errorf("the domain is gone: %s", types)
	}
	f.keepsPlaintextOut()
}

func TestPlaintextInAColumnOfADomainIsBlocked(t *testing.T) {
	f := open(t, recordDomain, domainYAML)
	f.exec(guardedTable)
	// A program whose configuration lacks the column.
	f.cfg = filepath.Join(t.TempDir(), "other.yaml")
	if err := os.WriteFile(f.cfg, []byte(strings.Replace(domainYAML, "ssn: {type: varchar(40), search: equality}, ", "", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := f.reopen().Exec("INSERT INTO guarded (id, ssn, ssn_bidx, born) VALUES (1, $1, '\\x00', $2)", []byte(canary), "2001-02-03")
	if !errors.Is(err, sealsql.ErrPlaintextBlocked) || strings.Contains(err.Error(), canary) || strings.Contains(err.Error(), "index") {
		t.Errorf("got %v", err)
	}
}

// Every way in which pgx sends arguments, and COPY.
func TestValuesReachADomainOfRecordsInEveryMode(t *testing.T) {
	f := open(t, recordDomain, domainYAML)
	f.exec(guardedTable)
	modes := []pgx.QueryExecMode{
		pgx.QueryExecModeCacheStatement, pgx.QueryExecModeCacheDescribe, pgx.QueryExecModeDescribeExec,
		pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol,
	}
	for i, mode := range modes {
		f.exec("INSERT INTO guarded (id, ssn, born) VALUES ($1, $2, $3)", mode, i, canary, "2001-02-03")
		f.exec("UPDATE guarded SET ssn = $1 WHERE id = $2", mode, "again", i)
		f.want([][]any{{"again"}}, "SELECT ssn FROM guarded WHERE id = $1", mode, i)
	}
	conn, err := f.db.Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	n, err := postgres.CopyFrom(context.Background(), conn, pgx.Identifier{"guarded"}, []string{"id", "ssn", "note"}, pgx.CopyFromRows([][]any{{10, canary, "n"}, {11, nil, nil}}))
	if n != 2 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	f.want([][]any{{canary}, {nil}}, "SELECT ssn FROM guarded WHERE id >= 10 ORDER BY id")
	err = conn.Raw(func(c any) error {
		inner := c.(sealdriver.Conn).InsecureBypassEncryption().(*stdlib.Conn).Conn()
		var oid uint32
		if err := inner.QueryRow(context.Background(), "SELECT 'sealsql_record'::regtype::oid").Scan(&oid); err != nil {
			return err
		}
		if inner.TypeMap().FormatCodeForOID(oid) != pgx.BinaryFormatCode {
			t.Error("records are sent in hexadecimal")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A domain counts as a guard only if it is one, and stays one.
func TestADomainThatIsNoGuardIsNone(t *testing.T) {
	for _, c := range []struct{ name, domain string }{
		{"no constraint", "CREATE DOMAIN sealsql_record AS bytea"},
		{"another name", strings.Replace(recordDomain, "sealsql_guard_record", "mine", 1)},
		{"another condition", strings.Replace(recordDomain, "F95351", "F95352", 1)},
		{"an alternative", strings.Replace(recordDomain, "'::bytea)", "'::bytea OR length(VALUE) < 9)", 1)},
		{"one more condition", strings.TrimSuffix(recordDomain, ";") + " CHECK (length(VALUE) > 1)"},
		{"not NULL", strings.TrimSuffix(recordDomain, ";") + " NOT NULL"},
		{"a default", strings.Replace(recordDomain, "AS bytea", "AS bytea DEFAULT '\\xF95351'", 1)},
		{"over another type", strings.NewReplacer("bytea\n", "text\n", "substring(VALUE FROM 1 FOR 3)", "substring(VALUE::bytea FROM 1 FOR 3)").Replace(recordDomain)},
		{"in another schema", "CREATE SCHEMA other; SET search_path = other; " + recordDomain + " SET search_path = public"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := open(t, c.domain, domainYAML)
			f.exec(guardedTable)
			if types, checks := f.typesOf(); types != "bytea bytea text" || checks != 4 {
				t.Errorf("got %s with %d checks", types, checks)
			}
			f.keepsPlaintextOut()
		})
	}
}

func TestADomainThatLosesItsConstraintIsReported(t *testing.T) {
	f := open(t, recordDomain, domainYAML)
	f.exec(guardedTable)
	if _, err := f.plain.Exec("ALTER DOMAIN sealsql_record DROP CONSTRAINT sealsql_guard_record"); err != nil {
		t.Fatal(err)
	}
	again := f.reopen()
	if err := again.Ping(); !errors.Is(err, sealsql.ErrSetup) {
		t.Errorf("got %v", err)
	}
	if _, err := again.Exec("INSERT INTO guarded (id, ssn) VALUES (1, $1)", canary); !errors.Is(err, sealsql.ErrRefused) {
		t.Errorf("got %v", err)
	}
}

// What docs/ddl.md tells of a table that has a guard for each column.
func TestATableMovesToADomainOfRecords(t *testing.T) {
	f := open(t, "", domainYAML)
	f.exec(guardedTable)
	f.exec("INSERT INTO guarded (id, ssn, born) VALUES (1, $1, '2001-02-03')", canary)
	if _, err := f.plain.Exec(recordDomain + `ALTER TABLE guarded
		ALTER COLUMN ssn TYPE sealsql_record, DROP CONSTRAINT sealsql_guard_guarded_ssn,
		ALTER COLUMN born TYPE sealsql_record, DROP CONSTRAINT sealsql_guard_guarded_born`); err != nil {
		t.Fatal(err)
	}
	again := f.reopen()
	if err := again.Ping(); err != nil {
		t.Error(err)
	}
	if _, err := again.Exec("UPDATE guarded SET born = $1 WHERE ssn = $2", "2002-02-03", canary); err != nil {
		t.Error(err)
	}
	f.db = again
	f.want([][]any{{canary}}, "SELECT ssn FROM guarded WHERE id = 1")
	f.keepsPlaintextOut()
}

// Both forms of the guard of a column, and values that nearly are records.
func TestGuardsKeepPlaintextOut(t *testing.T) {
	for _, typ := range []string{"varchar(40)", "text"} {
		t.Run(typ, func(t *testing.T) {
			f := open(t, "", strings.Replace(domainYAML, "varchar(40)", typ, 1))
			f.exec(strings.Replace(guardedTable, "varchar(40)", typ, 1))
			f.exec("INSERT INTO guarded (id, ssn) VALUES (1, $1), (2, NULL), (3, '')", canary)
			f.keepsPlaintextOut()
			if err := f.reopen().Ping(); err != nil { // guards: require
				t.Error(err)
			}
		})
	}
}

// Who owns a domain can drop it, and with it the columns of every table.
func TestADomainOfAnotherUserIsNoGuard(t *testing.T) {
	f := open(t, "", domainYAML)
	role := "sealsql_test_owner_" + strconv.Itoa(os.Getpid())
	if _, err := f.plain.Exec("CREATE ROLE " + role + "; " + recordDomain + " ALTER DOMAIN sealsql_record OWNER TO " + role); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.plain.Exec("DROP OWNED BY " + role + " CASCADE; DROP ROLE " + role) })
	f.exec(guardedTable)
	if types, checks := f.typesOf(); types != "bytea bytea text" || checks != 4 {
		t.Errorf("got %s with %d checks", types, checks)
	}
	if _, err := f.plain.Exec("ALTER TABLE guarded ALTER COLUMN ssn TYPE sealsql_record"); err != nil {
		t.Fatal(err)
	}
	if err := f.reopen().Ping(); !errors.Is(err, sealsql.ErrSetup) {
		t.Errorf("got %v", err)
	}
	if _, err := f.plain.Exec("ALTER TABLE guarded OWNER TO " + role); err != nil {
		t.Fatal(err)
	}
	if err := f.reopen().Ping(); err != nil {
		t.Errorf("its owner's table: %v", err)
	}
}
