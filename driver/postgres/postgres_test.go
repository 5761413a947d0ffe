package postgres_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"database/sql/driver"
	"encoding/hex"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/sealsql/sealsql"
	"github.com/sealsql/sealsql/config"
	"github.com/sealsql/sealsql/driver/postgres"
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
      salary: {type: int8}
      rate: {type: "numeric(10,2)"}
      born: {type: date}
      seen: {type: timestamptz}
      ok: {type: bool}
      doc: {type: jsonb}
      ref: {type: uuid}
      photo: {type: bytea}
      note: {type: text, carrier: text}
      short: {type: text, carrier: text}
  docs:
    partition: {column: tenant, type: uuid}
    columns:
      body: encrypted
`

const ddl = `
CREATE TABLE users (id int PRIMARY KEY, name text, ssn bytea, salary bytea, rate bytea, born bytea, seen bytea,
	ok bytea, doc bytea, ref bytea, photo bytea, note text, short varchar(60));
CREATE TABLE docs (id int PRIMARY KEY, tenant uuid NOT NULL, body bytea);
CREATE TABLE clear (id int PRIMARY KEY, n text);
CREATE VIEW users_view AS SELECT id, ssn FROM users;
CREATE VIEW clear_view AS SELECT id, n FROM clear;
CREATE FUNCTION add_user(text) RETURNS void LANGUAGE sql AS 'INSERT INTO users (id, name) VALUES (99, $1)';
CREATE FUNCTION note_clear() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO users (id, name) VALUES (77, NEW.n); RETURN NEW; END';
CREATE TABLE watched (id int, n text);
CREATE TRIGGER watch BEFORE INSERT ON watched FOR EACH ROW EXECUTE FUNCTION note_clear();
CREATE TABLE parts (id int, n text) PARTITION BY LIST (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1);
CREATE SCHEMA other;
CREATE TABLE other.things (id int);
`

type fixture struct {
	t         *testing.T
	plain, db *sql.DB
	dsn, cfg  string
}

// sealed is the data source name of the encrypted driver.
func (f *fixture) sealed() string {
	sep := "?"
	if strings.Contains(f.dsn, "?") {
		sep = "&"
	}
	return f.dsn + sep + "sealsql_config=" + url.QueryEscape(f.cfg)
}

func open(t *testing.T, schema, yaml string) *fixture {
	t.Helper()
	f := &fixture{t: t, dsn: testenv.Postgres(t)}
	key := make([]byte, 32)
	rand.Read(key)
	t.Setenv("SEALSQL_TEST_KEY", hex.EncodeToString(key))
	f.cfg = filepath.Join(t.TempDir(), "sealsql.yaml")
	if err := os.WriteFile(f.cfg, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	var err error
	if f.plain, err = sql.Open("pgx", f.dsn); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.plain.Close() })
	store, err := builtin.OpenSQL(f.plain, builtin.Postgres, builtin.SQLOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Init(context.Background()); err != nil {
		t.Fatal(err)
	}
	if _, err := f.plain.Exec(schema); err != nil {
		t.Fatal(err)
	}
	if f.db, err = sql.Open(postgres.Name, f.sealed()); err != nil {
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

// noCanary looks into every text and bytea column of the database.
func (f *fixture) noCanary() {
	f.t.Helper()
	for _, table := range []string{"users", "docs"} {
		var n int
		if err := f.plain.QueryRow("SELECT count(*) FROM " + table + " AS t WHERE t::text LIKE '%" + hex.EncodeToString([]byte(canary)) + "%' OR t::text LIKE '%" + canary + "%'").Scan(&n); err != nil {
			f.t.Fatal(err)
		}
		if n > 0 {
			f.t.Errorf("%s holds the plaintext in %d rows", table, n)
		}
	}
}

func TestValuesOfEveryKindComeBackAsThePlainDriverGivesThem(t *testing.T) {
	f := open(t, ddl, yaml)
	if _, err := f.plain.Exec(`CREATE TABLE same (id int PRIMARY KEY, name text, ssn text, salary int8, rate numeric(10,2), born date, seen timestamptz,
		ok bool, doc jsonb, ref uuid, photo bytea, note text, short text)`); err != nil {
		t.Fatal(err)
	}
	vals := []any{
		1, "ann", canary, int64(4200), "12.345", time.Date(1980, 2, 29, 0, 0, 0, 0, time.UTC), time.Now().Truncate(time.Microsecond),
		true, `{"b": 1, "a": [1,2]}`, "6F96D4C0-1111-2222-3333-444455556666",
		[]byte{0, 1},
		canary, nil,
	}
	const ins = " VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13)"
	f.exec("INSERT INTO users"+ins, vals...)
	if _, err := f.plain.Exec("INSERT INTO same"+ins, vals...); err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	want, err := all(f.plain, ctx, "SELECT * FROM same")
	if err != nil {
		t.Fatal(err)
	}
	f.want(want, "SELECT * FROM users")
	f.want(want, "SELECT * FROM users WHERE id = $1", 1)
	st, err := f.db.Prepare("SELECT * FROM users WHERE id = $1")
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	var got [13]any
	ptr := make([]any, len(got))
	for i := range got {
		ptr[i] = &got[i]
	}
	if err := st.QueryRow(1).Scan(ptr...); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got[:], want[0]) {
		t.Errorf("prepared: got %#v", got)
	}
	f.noCanary()
}

func TestEveryExecModeSealsParametersAndLiterals(t *testing.T) {
	f := open(t, ddl, yaml)
	id := 0
	for _, mode := range []pgx.QueryExecMode{
		pgx.QueryExecModeCacheStatement, pgx.QueryExecModeCacheDescribe, pgx.QueryExecModeDescribeExec, pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol,
	} {
		id++
		f.exec("INSERT INTO users (id, ssn, note) VALUES ($1, $2, $3)", mode, id, canary, canary)
		f.want([][]any{{canary, canary}}, "SELECT ssn, note FROM users WHERE id = $1", mode, id)
	}
	f.exec("INSERT INTO users (id, ssn, note, photo) VALUES (7, '" + canary + "', E'" + canary + "', '\\x0102')")
	f.want([][]any{{canary, canary, []byte{1, 2}}}, "SELECT ssn, note, photo FROM users WHERE id = 7")
	f.exec("INSERT INTO users (id, ssn) VALUES (@id, @ssn)", pgx.NamedArgs{"id": 8, "ssn": canary})
	f.want([][]any{{canary}}, "SELECT ssn FROM users WHERE id = @id", pgx.NamedArgs{"id": 8})
	f.want([][]any{{int64(5)}}, "SELECT count(*) FROM clear_view UNION ALL SELECT 5 OFFSET 1")
	f.noCanary()
}

// The text of a prepared statement is that by which pgx finds it.
func TestAPreparedStatementIsPreparedOnce(t *testing.T) {
	f, ctx := open(t, ddl, yaml), t.Context()
	if _, err := f.db.Exec("INSERT INTO users (id, ssn, photo) VALUES (1, $1, $2), (2, $3, NULL)", canary, []byte{1, 2}, "b"); err != nil {
		t.Fatal(err)
	}
	c, err := f.db.Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	const text = "SELECT ssn, photo FROM users WHERE id >= $1 ORDER BY id"
	st, err := c.PrepareContext(ctx, text)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	for range 3 {
		rows, err := st.QueryContext(ctx, 1)
		if err != nil {
			t.Fatal(err)
		}
		var got []any
		for rows.Next() {
			var ssn string
			var photo []byte
			if err := rows.Scan(&ssn, &photo); err != nil {
				t.Fatal(err)
			}
			got = append(got, ssn, photo)
		}
		if rows.Err() != nil || !reflect.DeepEqual(got, []any{canary, []byte{1, 2}, "b", []byte(nil)}) {
			t.Fatalf("got %v, %v", got, rows.Err())
		}
	}
	var n int
	if err := c.QueryRowContext(ctx, "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE 'SELECT ssn, photo%'").Scan(&n); err != nil || n != 1 {
		t.Errorf("%d prepared statements, %v; want 1", n, err)
	}
}

// Values of a row may share memory, none of which belongs to two.
func TestValuesOfARowAreApart(t *testing.T) {
	f := open(t, ddl, yaml)
	if _, err := f.db.Exec("INSERT INTO users (id, photo, ssn, ref) VALUES (1, $1, $2, $3)", []byte("photo"), "ssn", "0b3f6d3e-9ad0-4b2a-8d0e-2f6d3c6c1f11"); err != nil {
		t.Fatal(err)
	}
	testenv.Raw(t, postgres.Name, f.sealed(), func(c any) {
		rows, err := c.(driver.QueryerContext).QueryContext(t.Context(), "SELECT photo, ssn, ref, photo AS again FROM users", nil)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		row := make([]driver.Value, 4)
		if err := rows.Next(row); err != nil {
			t.Fatal(err)
		}
		b := row[0].([]byte)
		for range 64 {
			b = append(b, '!')
		}
		if want := []driver.Value{row[0], "ssn", "0b3f6d3e-9ad0-4b2a-8d0e-2f6d3c6c1f11", []byte("photo")}; !reflect.DeepEqual(row, want) || string(row[0].([]byte)) != "photo" {
			t.Errorf("after a value grew the row is %q", row)
		}
	})
}

func TestRecordTooLongForItsColumnIsNotSent(t *testing.T) {
	f := open(t, ddl, yaml)
	if _, err := f.db.Exec("INSERT INTO users (id, short) VALUES (1, $1)", canary); !errors.Is(err, sealsql.ErrTooLong) {
		t.Errorf("got %v", err)
	}
}

func TestRoutesToAnnotatedTablesAreRefused(t *testing.T) {
	f := open(t, ddl, yaml)
	for _, q := range []string{
		"INSERT INTO users_view (id, ssn) VALUES (1, lower('" + canary + "'))",
		"SELECT add_user('" + canary + "')",
		"INSERT INTO watched VALUES (1, '" + canary + "')",
		"DO $$ BEGIN INSERT INTO users (id, ssn) VALUES (1, '" + canary + "'); END $$",
		"SELECT u FROM users u",
		"SELECT * FROM encryption_key",
	} {
		f.refused(q)
	}
	f.exec("INSERT INTO clear (id, n) VALUES (1, 'x')")
	f.want([][]any{{int64(1), "x"}}, "SELECT * FROM clear_view")
	f.exec("INSERT INTO parts VALUES (1, 'x')")
	f.exec("INSERT INTO parts_1 VALUES (1, 'x')")
	f.exec("INSERT INTO other.things VALUES (1)")
	f.refused("INSERT INTO things VALUES (1)")
	f.noCanary()
}

func TestTheRefusalOfCopySaysWhatToDoInstead(t *testing.T) {
	f := open(t, ddl, yaml)
	for text, want := range map[string]string{"COPY users TO STDOUT": "read the values with SELECT", "COPY users (id, ssn) FROM STDIN": "use INSERT or UPDATE"} {
		if _, err := f.db.Exec(text); !errors.Is(err, sealsql.ErrRefused) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want a refusal that says %q", text, err, want)
		}
	}
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
	exec("SET search_path = other", false)
	exec("INSERT INTO things VALUES (2)", false)
	exec("INSERT INTO clear (id) VALUES (2)", true)
	exec("SET search_path = public", false)
	exec("BEGIN", false)
	exec("SET search_path = other", false)
	exec("INSERT INTO things VALUES (3)", false)
	exec("ROLLBACK", false)
	exec("INSERT INTO clear (id) VALUES (3)", false)
	exec("INSERT INTO things VALUES (4)", true)
	exec("CREATE TEMP TABLE clear (id int)", false)
	exec("INSERT INTO clear (id) VALUES (3)", false)
	exec("CREATE TEMP TABLE users (id int, ssn text)", true)
	// A failed transaction must still be left.
	exec("BEGIN", false)
	if _, err := c.ExecContext(ctx, "SELECT 1/0"); err == nil {
		t.Error("no error")
	}
	exec("ROLLBACK", false)
	exec("INSERT INTO clear (id) VALUES (4)", false)
}

func TestPartitionColumnIsCanonical(t *testing.T) {
	f := open(t, ddl, yaml)
	const tenant = "6F96D4C0-1111-2222-3333-444455556666"
	f.exec("INSERT INTO docs VALUES (1, $1, $2)", tenant, canary)
	f.want([][]any{{canary}}, "SELECT body FROM docs")
	f.want([][]any{{canary}}, "SELECT body FROM docs WHERE tenant = $1", strings.ToLower(tenant))
	ctx := sealsql.WithPartition(context.Background(), strings.ToLower(tenant))
	if _, err := f.db.ExecContext(ctx, "UPDATE docs SET body = $1 WHERE id = $2", canary+"2", 1); err != nil {
		t.Fatal(err)
	}
	f.want([][]any{{canary + "2"}}, "SELECT body FROM docs")
	other := sealsql.WithPartition(context.Background(), "00000000-1111-2222-3333-444455556666")
	res, err := f.db.ExecContext(other, "UPDATE docs SET body = $1 WHERE id = $2", canary, 1)
	if err != nil {
		t.Fatal(err)
	}
	if n, _ := res.RowsAffected(); n != 0 {
		t.Errorf("another tenant's row was written")
	}
	f.noCanary()
}

func TestDataSourceNamesOfEveryForm(t *testing.T) {
	f := open(t, ddl, yaml)
	pc, err := pgx.ParseConfig(f.dsn)
	if err != nil {
		t.Fatal(err)
	}
	name := stdlib.RegisterConnConfig(pc)
	defer stdlib.UnregisterConnConfig(name)
	kv := "host=" + pc.Host + " port=" + strconv.Itoa(int(pc.Port)) + " user=" + pc.User + " dbname='" + pc.Database + "' sslmode=disable"
	if pc.Password != "" {
		kv += " password='" + pc.Password + "'"
	}
	t.Setenv("SEALSQL_CONFIG", f.cfg)
	for _, dsn := range []string{kv + " sealsql_config='" + f.cfg + "'", "sealsql_config=" + f.cfg + " " + kv, name} {
		db, err := sql.Open(postgres.Name, dsn)
		if err != nil {
			t.Errorf("open: %v", err)
			continue
		}
		if err := db.Ping(); err != nil {
			t.Errorf("ping: %v", err)
		}
		db.Close()
	}
}

func TestWrapAConnectorOfPgx(t *testing.T) {
	f := open(t, ddl, yaml)
	cfg, err := config.Load(f.cfg)
	if err != nil {
		t.Fatal(err)
	}
	pc, err := pgx.ParseConfig(f.dsn)
	if err != nil {
		t.Fatal(err)
	}
	c, err := postgres.Wrap(stdlib.GetConnector(*pc), cfg)
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(c)
	defer db.Close()
	if _, err := db.Exec("INSERT INTO users (id, ssn) VALUES (1, $1)", canary); err != nil {
		t.Fatal(err)
	}
	f.want([][]any{{canary}}, "SELECT ssn FROM users")
}
