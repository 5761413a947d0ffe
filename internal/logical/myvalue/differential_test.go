package myvalue_test

import (
	"database/sql"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/internal/logical/myvalue"
	"github.com/sealsql/sealsql/internal/testenv"
	"github.com/sealsql/sealsql/schema"
)

// open connects to a private database with settings and the codec for them.
func open(t testing.TB, settings func(*mysql.Config)) (*plainDB, *myvalue.Codec) {
	t.Helper()
	cfg, err := mysql.ParseDSN(testenv.MySQL(t))
	if err != nil {
		t.Fatal("the DSN cannot be read")
	}
	cfg.Params = map[string]string{"time_zone": "'+00:00'"}
	settings(cfg)
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		t.Fatal("no connector")
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { db.Close() })
	var version, mode string
	if err := db.QueryRow("SELECT VERSION(), @@sql_mode").Scan(&version, &mode); err != nil {
		t.Fatal(err)
	}
	mariaDB := strings.Contains(version, "MariaDB")
	return &plainDB{db, mariaDB}, myvalue.New(myvalue.Options{
		Binary: !cfg.InterpolateParams, ParseTime: cfg.ParseTime, Loc: cfg.Loc,
		MySQL: !mariaDB, RoundFraction: !mariaDB,
		NoZeroDate:   strings.Contains(mode, "NO_ZERO_DATE"),
		NoZeroInDate: strings.Contains(mode, "NO_ZERO_IN_DATE"),
	})
}

// plainDB is the plain driver's database, and what its server is.
type plainDB struct {
	*sql.DB
	mariaDB bool
}

// columns leaves out the type that MySQL does not have.
func (db *plainDB) columns() []string {
	if db.mariaDB {
		return declarations
	}
	return slices.DeleteFunc(slices.Clone(declarations), func(decl string) bool { return decl == "uuid" })
}

func parse(t testing.TB, spelling string) *schema.Type {
	t.Helper()
	typ, err := schema.ParseType(spelling)
	if err != nil {
		t.Fatal(err)
	}
	return &typ
}

func createTable(t testing.TB, db *plainDB, decl string) (name string) {
	t.Helper()
	name = "`" + decl + "`"
	for _, q := range []string{"DROP TABLE IF EXISTS " + name, "CREATE TABLE " + name + " (v " + plainType(decl) + " NULL)"} {
		if _, err := db.Exec(q); err != nil {
			t.Fatal(err)
		}
	}
	return name
}

// begin spares a commit for every value; an error does not end a transaction.
func begin(t testing.TB, db *plainDB) *sql.Tx {
	t.Helper()
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tx.Rollback() })
	return tx
}

// inserter writes one value and returns what the table then holds.
func (db *plainDB) inserter(t testing.TB, tx *sql.Tx, table string, binary bool) func(any) (any, error) {
	t.Helper()
	insert := "INSERT INTO " + table + " VALUES (?)"
	if db.mariaDB {
		query := querier(t, tx, insert+" RETURNING v", binary)
		return func(arg any) (v any, err error) {
			err = query(arg).Scan(&v)
			return v, err
		}
	}
	read, clear := querier(t, tx, "SELECT v FROM "+table, binary), "DELETE FROM "+table
	return func(arg any) (v any, err error) {
		if _, err = tx.Exec(insert, arg); err != nil {
			return nil, err
		}
		if err = read().Scan(&v); err != nil {
			t.Errorf("reading from %s: %v", table, err)
		}
		_, err = tx.Exec(clear)
		return v, err
	}
}

// querier prepares for the binary protocol: once, which spares two thirds of
// its round trips.
func querier(t testing.TB, tx *sql.Tx, query string, binary bool) func(...any) *sql.Row {
	t.Helper()
	if !binary {
		return func(args ...any) *sql.Row { return tx.QueryRow(query, args...) }
	}
	stmt, err := tx.Prepare(query)
	if err != nil {
		t.Fatal(err)
	}
	return func(args ...any) *sql.Row { return stmt.QueryRow(args...) }
}

var berlin = func() *time.Location {
	loc, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		return time.FixedZone("CET", 3600)
	}
	return loc
}()

func TestEveryArgumentComesBackAsFromThePlainDriver(t *testing.T) {
	for name, settings := range map[string]func(*mysql.Config){
		"binary protocol":                 func(*mysql.Config) {},
		"binary protocol with parseTime":  func(c *mysql.Config) { c.ParseTime, c.Loc = true, berlin },
		"text protocol":                   func(c *mysql.Config) { c.InterpolateParams = true },
		"text protocol with parseTime":    func(c *mysql.Config) { c.InterpolateParams, c.ParseTime = true, true },
		"binary protocol, zero dates off": func(c *mysql.Config) { c.Params["sql_mode"] = "'TRADITIONAL'" },
	} {
		t.Run(name, func(t *testing.T) {
			db, codec := open(t, settings)
			columns := db.columns()
			if strings.Contains(name, "Time") || strings.Contains(name, "dates") {
				columns = []string{"text", "bigint unsigned", "date", "time", "time(2)", "datetime", "datetime(3)", "timestamp", "timestamp(3)"}
			}
			for _, decl := range columns {
				typ := parse(t, decl)
				if err := codec.Check(typ); err != nil {
					t.Fatal(err)
				}
				table := createTable(t, db, decl)
				tx := begin(t, db)
				insert := db.inserter(t, tx, table, strings.HasPrefix(name, "binary"))
				for _, arg := range arguments() {
					want, plainErr := insert(arg)
					got, tag, null, err := codec.Encode([]byte("before"), typ, arg)
					what := fmt.Sprintf("%s <- %T(%.60v)", decl, arg, arg)
					compare(t, codec, typ, arg, what, want, plainErr, got, tag, null, err)
				}
				tx.Rollback()
			}
		})
	}
}

// unread reports whether a problem is one of those that the package
// documentation lists as refused although the server takes the value.
func unread(typ *schema.Type, arg any, problem string) bool {
	switch typ.Kind {
	case schema.KindDate, schema.KindTime, schema.KindTimestamp:
		return strings.HasPrefix(problem, "not written as") || strings.HasPrefix(problem, "values of this kind")
	case schema.KindText, schema.KindBytes:
		return arg == "\xed\xa0\x80" || isNumber(arg) && strings.HasPrefix(problem, "too long") || notFinite(arg)
	case schema.KindInt, schema.KindBool, schema.KindNumeric:
		return notFinite(arg) || problem == "too many digits behind the point" || arg == "1e" || arg == "1e+"
	case schema.KindJSON:
		return arg == "5." || arg == "7\x00"
	}
	return false
}

func notFinite(arg any) bool {
	f, ok := arg.(float64)
	return ok && (math.IsNaN(f) || math.IsInf(f, 0))
}

func isNumber(arg any) bool {
	switch arg.(type) {
	case float64, float32, sql.NullFloat64:
		return true
	}
	return false
}

// compare checks one value: refused by both or equal in both.
func compare(t *testing.T, codec *myvalue.Codec, typ *schema.Type, arg any, what string, want any, plainErr error, got []byte, tag logical.Tag, null bool, err error) {
	t.Helper()
	var te *logical.TypeError
	if err != nil && !errors.As(err, &te) {
		t.Errorf("%s: untyped error %v", what, err)
	}
	if err != nil && plainErr == nil && unread(typ, arg, te.Problem) {
		return
	}
	if (err != nil) != (plainErr != nil) {
		t.Errorf("%s: plain driver says %v (%v), codec says %v", what, want, plainErr, err)
		return
	}
	if err != nil {
		return
	}
	if null {
		if want != nil || string(got) != "before" {
			t.Errorf("%s: want %#v, got NULL", what, want)
		}
		return
	}
	value, err := codec.Decode(typ, tag, got[len("before"):])
	if err != nil || !same(value, want) {
		t.Errorf("%s: want %#v, got %#v, %v", what, want, value, err)
	}
}

// same is reflect.DeepEqual that tells -0 from 0.
func same(a, b any) bool {
	if x, ok := a.(float64); ok {
		y, ok := b.(float64)
		return ok && math.Float64bits(x) == math.Float64bits(y)
	}
	return reflect.DeepEqual(a, b)
}

func TestEveryLiteralIsStoredAsTheServerStoresIt(t *testing.T) {
	db, codec := open(t, func(c *mysql.Config) { c.InterpolateParams = true })
	type literal struct {
		sql string
		lit logical.Literal
	}
	literals := []literal{
		{"TRUE", logical.Literal{Kind: logical.LiteralBool, Text: "true"}},
		{"false", logical.Literal{Kind: logical.LiteralBool, Text: "false"}},
		{"X'7b7d'", logical.Literal{Kind: logical.LiteralBytes, Text: "{}"}},
		{"X'ff00'", logical.Literal{Kind: logical.LiteralBytes, Text: "\xff\x00"}},
		{"X'000102030405060708090a0b0c0d0e0f'", logical.Literal{Kind: logical.LiteralBytes, Text: "\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f"}},
	}
	for _, s := range texts {
		quoted := "'" + strings.NewReplacer("'", "''", `\`, `\\`, "\x00", `\0`).Replace(s) + "'"
		literals = append(literals, literal{quoted, logical.Literal{Kind: logical.LiteralString, Text: s}})
	}
	for _, n := range strings.Fields("0 007 -0 -0.0 0.0 1 -1 12.50 1e3 1E-3 .5 5. -.5e1 127 128 255 32768 -32768 2147483648 9223372036854775807 9223372036854775808 -9223372036854775808 18446744073709551615 18446744073709551616 " +
		"-9223372036854775809 1.5 2.5 -2.5 2.5e0 3.5e0 1e400 1e-400 1.005 1.005e0 99999999.995 123456789012345678901 0.30000000000000004 00.10 +5 1e20 1e15 1e-16 -0.4 1e39") {
		literals = append(literals, literal{n, logical.Literal{Kind: logical.LiteralNumber, Text: n}})
	}
	for _, decl := range db.columns() {
		t.Run(decl, func(t *testing.T) {
			typ := parse(t, decl)
			table := createTable(t, db, decl)
			tx := begin(t, db)
			defer tx.Rollback()
			for _, l := range literals {
				want, plainErr := db.insertText(tx, table, l.sql)
				got, tag, err := codec.EncodeLiteral([]byte("before"), typ, l.lit)
				if l.lit.Kind == logical.LiteralBytes && err != nil && isNumeric(typ) {
					continue // hexadecimal constants for numbers are refused
				}
				var arg any = l.lit.Text
				if l.lit.Kind != logical.LiteralString {
					arg = 1.5 // as a number in unread
				}
				compare(t, codec, typ, arg, decl+" <- "+l.sql, want, plainErr, got, tag, false, err)
			}
		})
	}
}

func isNumeric(t *schema.Type) bool {
	switch t.Kind {
	case schema.KindInt, schema.KindBool, schema.KindFloat, schema.KindNumeric:
		return true
	}
	return false
}

// insertText writes a constant and returns what the table then holds.
func (db *plainDB) insertText(tx *sql.Tx, table, constant string) (v any, err error) {
	insert := "INSERT INTO " + table + " VALUES (" + constant + ")"
	if db.mariaDB {
		err = tx.QueryRow(insert + " RETURNING v").Scan(&v)
		return v, err
	}
	if _, err = tx.Exec(insert); err != nil {
		return nil, err
	}
	if err = tx.QueryRow("SELECT v FROM " + table).Scan(&v); err != nil {
		return nil, err
	}
	_, err = tx.Exec("DELETE FROM " + table)
	return v, err
}

func TestColumnTypesAreThoseOfThePlainDriver(t *testing.T) {
	db, codec := open(t, func(*mysql.Config) {})
	for _, decl := range db.columns() {
		typ := parse(t, decl)
		table := createTable(t, db, decl)
		compareColumnType(t, decl, columnType(t, db, table), codec.Column(typ))
		if _, err := db.Exec("ALTER TABLE " + table + " MODIFY v " + plainType(decl) + " NOT NULL"); err != nil {
			t.Fatal(err)
		}
		compareColumnType(t, decl+" NOT NULL", columnType(t, db, table), codec.ColumnNotNull(typ))
	}
}

func columnType(t *testing.T, db *plainDB, table string) *sql.ColumnType {
	t.Helper()
	rows, err := db.Query("SELECT v FROM " + table)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	types, err := rows.ColumnTypes()
	if err != nil {
		t.Fatal(err)
	}
	return types[0]
}

func compareColumnType(t *testing.T, what string, want *sql.ColumnType, got logical.ColumnType) {
	t.Helper()
	length, hasLength := want.Length()
	precision, scale, hasPrecision := want.DecimalSize()
	if want.DatabaseTypeName() != got.DatabaseTypeName || want.ScanType() != got.ScanType ||
		length != got.Length || hasLength != got.HasLength ||
		precision != got.Precision || scale != got.Scale || hasPrecision != got.HasPrecisionScale {
		t.Errorf("%s: want %s %v %d %v (%d,%d) %v, got %+v", what, want.DatabaseTypeName(), want.ScanType(),
			length, hasLength, precision, scale, hasPrecision, got)
	}
}
