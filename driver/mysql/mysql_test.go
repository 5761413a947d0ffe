package mysql_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	mysqldriver "github.com/go-sql-driver/mysql"

	"github.com/sealsql/sealsql"
	"github.com/sealsql/sealsql/config"
	"github.com/sealsql/sealsql/driver/mysql"
	"github.com/sealsql/sealsql/envelope/builtin"
	"github.com/sealsql/sealsql/internal/testenv"
)

const canary = "CANARY-51bb0e"

const yaml = `version: 1
service: shop
product: orders
kms: {env: SEALSQL_TEST_KEY}
metastore: {sql: same}
tables:
  users:
    columns:
      ssn: encrypted
      salary: {type: bigint}
      rate: {type: "decimal(10,2)"}
      born: {type: date}
      seen: {type: "datetime(3)"}
      ok: {type: "tinyint(1)"}
      doc: {type: longtext}
      photo: {type: blob}
      note: {type: text, carrier: text}
      short: {type: text, carrier: text}
  docs:
    partition: {column: tenant, type: int}
    columns:
      body: encrypted
`

var ddl = []string{
	"CREATE TABLE users (id int PRIMARY KEY, name text, ssn varbinary(2000), salary varbinary(200), rate varbinary(200), born varbinary(200), seen varbinary(200)," +
		" ok varbinary(200), doc blob, photo mediumblob, note text, short varchar(60))",
	"CREATE TABLE docs (id int PRIMARY KEY, tenant int NOT NULL, body varbinary(500))",
	"CREATE TABLE clear (id int PRIMARY KEY, n text)",
	"CREATE VIEW users_view AS SELECT id, ssn FROM users",
	"CREATE VIEW clear_view AS SELECT id, n FROM clear",
	"CREATE PROCEDURE add_user(v text) INSERT INTO users (id, name) VALUES (99, v)",
	"CREATE FUNCTION twice(v int) RETURNS int DETERMINISTIC RETURN v * 2",
	"CREATE TABLE watched (id int, n text)",
	"CREATE TRIGGER watch BEFORE INSERT ON watched FOR EACH ROW INSERT INTO users (id, name) VALUES (77, NEW.n)",
}

type fixture struct {
	t         *testing.T
	plain, db *sql.DB
	dsn, cfg  string
}

func open(t *testing.T, schema []string, yaml string) *fixture {
	t.Helper()
	return openWith(t, schema, yaml, "")
}

func openWith(t *testing.T, schema []string, yaml, params string) *fixture {
	t.Helper()
	mc, err := mysqldriver.ParseDSN(testenv.MySQL(t))
	if err != nil {
		t.Fatal(err)
	}
	mc.ParseTime = false
	f := &fixture{t: t, dsn: mc.FormatDSN()}
	if params != "" {
		sep := "?"
		if strings.Contains(f.dsn, "?") {
			sep = "&"
		}
		f.dsn += sep + params
	}
	key := make([]byte, 32)
	rand.Read(key)
	t.Setenv("SEALSQL_TEST_KEY", hex.EncodeToString(key))
	f.cfg = filepath.Join(t.TempDir(), "sealsql.yaml")
	if err := os.WriteFile(f.cfg, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	if f.plain, err = sql.Open("mysql", f.dsn); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.plain.Close() })
	store, err := builtin.OpenSQL(f.plain, builtin.MySQL, builtin.SQLOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Init(context.Background()); err != nil {
		t.Fatal(err)
	}
	for _, q := range schema {
		if _, err := f.plain.Exec(q); err != nil {
			t.Fatal(err)
		}
	}
	sep := "?"
	if strings.Contains(f.dsn, "?") {
		sep = "&"
	}
	if f.db, err = sql.Open(mysql.Name, f.dsn+sep+"sealsql_config="+url.QueryEscape(f.cfg)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.db.Close() })
	return f
}

type queryer interface {
	QueryContext(context.Context, string, ...any) (*sql.Rows, error)
}

func all(q queryer, ctx context.Context, text string, args ...any) ([][]any, error) {
	rows, err := q.QueryContext(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	cols, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	var out [][]any
	for rows.Next() {
		row, ptr := make([]any, len(cols)), make([]any, len(cols))
		for i := range row {
			ptr[i] = &row[i]
		}
		if err := rows.Scan(ptr...); err != nil {
			return nil, err
		}
		out = append(out, row)
	}
	return out, rows.Err()
}

func (f *fixture) exec(q string, args ...any) {
	f.t.Helper()
	if _, err := f.db.Exec(q, args...); err != nil {
		f.t.Fatalf("%s: %v", q, err)
	}
}

func (f *fixture) want(want [][]any, q string, args ...any) {
	f.t.Helper()
	got, err := all(f.db, context.Background(), q, args...)
	if err != nil {
		f.t.Errorf("%s: %v", q, err)
	} else if !reflect.DeepEqual(got, want) {
		f.t.Errorf("%s: got %#v, want %#v", q, got, want)
	}
}

func (f *fixture) refused(q string, args ...any) {
	f.t.Helper()
	_, err := f.db.Exec(q, args...)
	if !errors.Is(err, sealsql.ErrRefused) {
		f.t.Errorf("%s: %v", q, err)
	} else if strings.Contains(err.Error(), canary) {
		f.t.Errorf("the message holds the text: %v", err)
	}
}

// noCanary looks into every column of the annotated tables.
func (f *fixture) noCanary() {
	f.t.Helper()
	for _, table := range []string{"users", "docs"} {
		rows, err := all(f.plain, context.Background(), "SELECT * FROM "+table)
		if err != nil {
			f.t.Fatal(err)
		}
		for _, row := range rows {
			for _, v := range row {
				if b, ok := v.([]byte); ok && bytes.Contains(b, []byte(canary)) {
					f.t.Errorf("%s holds the plaintext", table)
				}
			}
		}
	}
}

var vals = []any{
	1, "ann", canary, int64(4200), "12.345", time.Date(1980, 2, 29, 0, 0, 0, 0, time.UTC), time.Date(2020, 1, 2, 3, 4, 5, 678900000, time.UTC),
	true, `{"b": 1}`,
	[]byte{0, 1},
	canary, nil,
}

const sameTable = "CREATE TABLE same (id int PRIMARY KEY, name text, ssn text, salary bigint, rate decimal(10,2), born date, seen datetime(3)," +
	" ok tinyint(1), doc longtext, photo blob, note text, short text)"

const ins = " VALUES (?,?,?,?,?,?,?,?,?,?,?,?)"

func TestValuesOfEveryKindComeBackAsThePlainDriverGivesThem(t *testing.T) {
	for _, params := range []string{"", "parseTime=true", "parseTime=true&loc=Europe%2FBerlin", "interpolateParams=true", "parseTime=true&interpolateParams=true"} {
		t.Run(params, func(t *testing.T) {
			f := openWith(t, ddl, yaml, params)
			if _, err := f.plain.Exec(sameTable); err != nil {
				t.Fatal(err)
			}
			f.exec("INSERT INTO users"+ins, vals...)
			if _, err := f.plain.Exec("INSERT INTO same"+ins, vals...); err != nil {
				t.Fatal(err)
			}
			ctx := context.Background()
			for _, q := range []string{"SELECT * FROM ", "SELECT * FROM "} {
				want, err := all(f.plain, ctx, q+"same")
				if err != nil {
					t.Fatal(err)
				}
				f.want(want, q+"users")
				if want, err = all(f.plain, ctx, q+"same WHERE id = ?", 1); err != nil {
					t.Fatal(err)
				}
				f.want(want, q+"users WHERE id = ?", 1)
			}
			f.noCanary()
		})
	}
}

func TestLiteralsAreSealed(t *testing.T) {
	f := open(t, ddl, yaml)
	f.exec("INSERT INTO users (id, ssn, note, photo) VALUES (7, '" + canary + "', '" + canary + "', X'0102')")
	f.exec(`INSERT INTO users SET id = 8, ssn = "` + canary + `"`)
	f.want([][]any{{[]byte(canary), []byte(canary), []byte{1, 2}}}, "SELECT ssn, note, photo FROM users WHERE id = 7")
	f.want([][]any{{[]byte(canary)}}, "SELECT ssn FROM users WHERE id = 8")
	f.noCanary()
}

func TestRecordTooLongForItsColumnIsNotSent(t *testing.T) {
	f := open(t, ddl, yaml)
	if _, err := f.db.Exec("INSERT IGNORE INTO users (id, short) VALUES (1, ?)", canary); !errors.Is(err, sealsql.ErrTooLong) {
		t.Errorf("got %v", err)
	}
	if _, err := f.db.Exec("INSERT IGNORE INTO docs VALUES (1, 1, ?)", strings.Repeat(canary, 100)); !errors.Is(err, sealsql.ErrTooLong) {
		t.Errorf("got %v", err)
	}
}

func TestRoutesToAnnotatedTablesAreRefused(t *testing.T) {
	f := open(t, ddl, yaml)
	for _, q := range []string{
		"INSERT INTO users_view (id, ssn) VALUES (1, lower('" + canary + "'))",
		"CALL add_user('" + canary + "')",
		"INSERT INTO watched VALUES (1, '" + canary + "')",
		"EXECUTE IMMEDIATE CONCAT('INSERT INTO us', 'ers (id, ssn) VALUES (1, ''" + canary + "'')')",
		"SELECT twice(1)",
		"UPDATE users SET name = 'a' /*!99999999 , ssn = '" + canary + "' */ WHERE id = 1",
		"SELECT * FROM encryption_key",
		"SET STATEMENT sql_mode = '' FOR SELECT 1",
	} {
		f.refused(q)
	}
	f.exec("INSERT INTO clear (id, n) VALUES (1, 'x')")
	f.want([][]any{{int64(1), []byte("x")}}, "SELECT * FROM clear_view")
	f.exec("INSERT INTO users (id) VALUES (50)")
	// What MariaDB runs is a comment to MySQL.
	f.exec("UPDATE users SET name = 'a' /*M! , ssn = '" + canary + "' */ WHERE id = 50")
	computed := "UPDATE users SET name = 'a' /*M! , ssn = concat('" + canary + "') */ WHERE id = 50"
	var ssn any
	if testenv.MariaDB(t, f.plain) {
		f.refused(computed)
		ssn = []byte(canary)
	} else {
		f.exec(computed)
	}
	f.want([][]any{{[]byte("a"), ssn}}, "SELECT name, ssn FROM users WHERE id = 50")
	f.noCanary()
}

func TestSessionStateIsPartOfThePlan(t *testing.T) {
	f := open(t, ddl, yaml)
	ctx := context.Background()
	c, err := f.db.Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	exec := func(q string, refuse bool) {
		t.Helper()
		_, err := c.ExecContext(ctx, q)
		if refuse && !errors.Is(err, sealsql.ErrRefused) || !refuse && err != nil {
			t.Errorf("%s: %v", q, err)
		}
	}
	exec("CREATE TEMPORARY TABLE tmp (id int, n text)", false)
	exec("INSERT INTO tmp VALUES (1, 'x')", false)
	exec("SELECT * FROM tmp", false)
	exec("DROP TEMPORARY TABLE tmp", false)
	exec("INSERT INTO tmp VALUES (1, 'x')", true)
	exec("CREATE TEMPORARY TABLE users (id int, ssn text)", true)
	exec("USE information_schema", false)
	exec("INSERT INTO clear (id) VALUES (9)", true)
}

func TestPartitionColumnIsCanonical(t *testing.T) {
	f := open(t, ddl, yaml)
	f.exec("INSERT INTO docs VALUES (1, ?, ?)", "07", canary)
	f.exec("INSERT INTO docs VALUES (2, 7, '" + canary + "')")
	f.want([][]any{{[]byte(canary)}, {[]byte(canary)}}, "SELECT body FROM docs ORDER BY id")
	f.want([][]any{{[]byte(canary)}, {[]byte(canary)}}, "SELECT body FROM docs WHERE tenant = ?", 7)
	ctx := sealsql.WithPartition(context.Background(), "7")
	if _, err := f.db.ExecContext(ctx, "UPDATE docs SET body = ? WHERE id = ?", canary+"2", 1); err != nil {
		t.Fatal(err)
	}
	f.want([][]any{{[]byte(canary + "2")}}, "SELECT body FROM docs WHERE id = 1")
	res, err := f.db.ExecContext(sealsql.WithPartition(context.Background(), "8"), "UPDATE docs SET body = ? WHERE id = ?", canary, 1)
	if err != nil {
		t.Fatal(err)
	}
	if n, _ := res.RowsAffected(); n != 0 {
		t.Errorf("another tenant's row was written")
	}
	f.noCanary()
}

func TestWrapFindsOutTheConnectorsSettings(t *testing.T) {
	for _, params := range []string{"", "parseTime=true", "interpolateParams=true"} {
		f := openWith(t, ddl, yaml, params)
		cfg, err := config.Load(f.cfg)
		if err != nil {
			t.Fatal(err)
		}
		mc, err := mysqldriver.ParseDSN(f.dsn)
		if err != nil {
			t.Fatal(err)
		}
		inner, err := mysqldriver.NewConnector(mc)
		if err != nil {
			t.Fatal(err)
		}
		c, err := mysql.Wrap(inner, cfg)
		if err != nil {
			t.Fatal(err)
		}
		db := sql.OpenDB(c)
		defer db.Close()
		if _, err := f.plain.Exec(sameTable); err != nil {
			t.Fatal(err)
		}
		if _, err := db.Exec("INSERT INTO users"+ins, vals...); err != nil {
			t.Fatal(err)
		}
		if _, err := f.plain.Exec("INSERT INTO same"+ins, vals...); err != nil {
			t.Fatal(err)
		}
		want, err := all(f.plain, context.Background(), "SELECT * FROM same WHERE id = ?", 1)
		if err != nil {
			t.Fatal(err)
		}
		got, err := all(db, context.Background(), "SELECT * FROM users WHERE id = ?", 1)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %#v, want %#v, %v", params, got, want, err)
		}
	}
}

func TestPathsAsConfigurationNeedNoEscaping(t *testing.T) {
	f := open(t, ddl, yaml)
	sep := "?"
	if strings.Contains(f.dsn, "?") {
		sep = "&"
	}
	db, err := sql.Open(mysql.Name, f.dsn+sep+"sealsql_config="+f.cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Ping(); err != nil {
		t.Error(err)
	}
}
