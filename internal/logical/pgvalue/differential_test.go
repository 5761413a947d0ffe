package pgvalue_test

import (
	"database/sql"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/internal/logical/pgvalue"
	"github.com/sealsql/sealsql/internal/testenv"
	"github.com/sealsql/sealsql/schema"
)

func open(t testing.TB) *sql.DB {
	t.Helper()
	return openMode(t, pgx.QueryExecModeCacheStatement)
}

func openMode(t testing.TB, mode pgx.QueryExecMode) *sql.DB {
	t.Helper()
	cfg, err := pgx.ParseConfig(testenv.Postgres(t))
	if err != nil {
		t.Fatal("the DSN cannot be read")
	}
	cfg.DefaultQueryExecMode = mode
	db := stdlib.OpenDB(*cfg)
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { db.Close() })
	return db
}

func parse(t testing.TB, spelling string) *schema.Type {
	t.Helper()
	typ, err := schema.ParseType(spelling)
	if err != nil {
		t.Fatal(err)
	}
	return &typ
}

// createTable makes a table of a name of its own: pgx keeps statements by text.
func createTable(t testing.TB, db *sql.DB, decl string) (name string) {
	t.Helper()
	name = fmt.Sprintf("%q", decl)
	if _, err := db.Exec("CREATE UNLOGGED TABLE " + name + " (v " + plainType(decl) + ")"); err != nil {
		t.Fatal(err)
	}
	return name
}

// unread reports whether a problem is one of those that the package
// documentation lists as refused although the server takes the text.
func unread(typ *schema.Type, arg any, problem string) bool {
	s, _ := arg.(string)
	_, isTime := arg.(time.Time)
	return strings.Contains(problem, "no offset from UTC") ||
		typ.Kind == schema.KindFloat && (s == "0x00ff" || s == "-nan") ||
		(typ.Kind == schema.KindInt || typ.Kind == schema.KindNumeric) && s == "0x00ff" || // PostgreSQL 16
		typ.Kind == schema.KindArray && s == "{{},{}}" || // PostgreSQL 17
		typ.Kind == schema.KindText && arg == any(bitString) ||
		isTime && problem == logical.ProblemRange ||
		arg == any(pgtype.Time{Microseconds: -1, Valid: true})
}

// forgetful reports slices that pgx converts for arrays or not depending on what
// its connection has sent before: it remembers plans that it did not find
// because they were looked for too deep. One side refused to convert them.
func forgetful(arg any, plainErr error, te *logical.TypeError) bool {
	if reflect.TypeOf(arg) == nil || reflect.TypeOf(arg).Kind() != reflect.Slice {
		return false
	}
	b, isBytes := arg.([]byte)
	return isBytes && len(b) == 0 ||
		plainErr != nil && strings.Contains(plainErr.Error(), "unable to encode") ||
		te != nil && strings.Contains(te.Problem, "cannot convert this Go type")
}

// foreignBytes reports lists of bytes for arrays whose elements are neither bytes
// nor json: pgx takes them for documents, or for numbers in two dimensions,
// depending on the same.
func foreignBytes(typ *schema.Type, arg any) bool {
	r := reflect.TypeOf(arg)
	return typ.Kind == schema.KindArray && typ.Elem != schema.KindBytes && typ.Elem != schema.KindJSON &&
		r != nil && r.Kind() == reflect.Slice && r.Elem().Kind() == reflect.Slice && r.Elem().Elem().Kind() == reflect.Uint8
}

func TestEveryArgumentComesBackAsFromThePlainDriver(t *testing.T) {
	for _, mode := range []pgx.QueryExecMode{pgx.QueryExecModeCacheStatement, pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol} {
		t.Run(mode.String(), func(t *testing.T) {
			compareArguments(t, openMode(t, mode), pgvalue.New(pgvalue.Options{
				TextParameters: mode != pgx.QueryExecModeCacheStatement,
			}))
		})
	}
}

func compareArguments(t *testing.T, db *sql.DB, codec *pgvalue.Codec) {
	for _, decl := range declarations {
		t.Run(decl, func(t *testing.T) {
			typ := parse(t, decl)
			if err := codec.Check(typ); err != nil {
				t.Fatal(err)
			}
			table := createTable(t, db, decl)
			for _, arg := range arguments(typ) {
				if foreignBytes(typ, arg) {
					continue
				}
				var want any
				plainErr := db.QueryRow("INSERT INTO "+table+" VALUES ($1) RETURNING v", arg).Scan(&want)
				got, tag, null, err := codec.Encode([]byte("before"), typ, arg)
				what := fmt.Sprintf("%s <- %T(%.60v)", decl, arg, arg)
				compare(t, codec, typ, arg, what, want, plainErr, got, tag, null, err)
			}
		})
	}
}

// compare checks one value: refused by both or equal in both.
func compare(t *testing.T, codec *pgvalue.Codec, typ *schema.Type, arg any, what string, want any, plainErr error, got []byte, tag logical.Tag, null bool, err error) {
	t.Helper()
	var te *logical.TypeError
	if err != nil && !errors.As(err, &te) {
		t.Errorf("%s: untyped error %v", what, err)
	}
	if err != nil && plainErr == nil && unread(typ, arg, te.Problem) {
		return
	}
	if typ.Kind == schema.KindArray && forgetful(arg, plainErr, te) {
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

// same is reflect.DeepEqual that tells -0 from 0 and knows NaN.
func same(a, b any) bool {
	if x, ok := a.(float64); ok {
		y, ok := b.(float64)
		return ok && (math.Float64bits(x) == math.Float64bits(y) || math.IsNaN(x) && math.IsNaN(y))
	}
	return reflect.DeepEqual(a, b)
}

const bitString = "\x1f"

func TestEveryLiteralIsStoredAsTheServerStoresIt(t *testing.T) {
	db := open(t)
	codec := pgvalue.New(pgvalue.Options{})
	type literal struct {
		sql string
		lit logical.Literal
	}
	literals := []literal{
		{"TRUE", logical.Literal{Kind: logical.LiteralBool, Text: "true"}},
		{"false", logical.Literal{Kind: logical.LiteralBool, Text: "false"}},
		{"X'1F'", logical.Literal{Kind: logical.LiteralBytes, Text: bitString}},
	}
	for _, s := range texts {
		if !strings.Contains(s, "\x00") {
			literals = append(literals, literal{"'" + strings.ReplaceAll(s, "'", "''") + "'", logical.Literal{Kind: logical.LiteralString, Text: s}})
		}
	}
	for _, n := range strings.Fields("0 007 -0 -0.0 0.0 1 -1 12.50 1e3 1E-3 .5 5. -.5e1 32767 32768 -32768 2147483648 -2147483648 9223372036854775807 9223372036854775808 -9223372036854775808 " +
		"-9223372036854775809 1.5 2.5 -2.5 1e400 1e-400 1.005 99999999.995 123456789012345678901 0.30000000000000004 12345 123456") {
		literals = append(literals, literal{n, logical.Literal{Kind: logical.LiteralNumber, Text: n}})
	}
	for _, decl := range declarations {
		t.Run(decl, func(t *testing.T) {
			typ := parse(t, decl)
			table := createTable(t, db, decl)
			literals := literals[:len(literals):len(literals)]
			for _, s := range arraysFor(typ) {
				literals = append(literals, literal{"'" + strings.ReplaceAll(s, "'", "''") + "'", logical.Literal{Kind: logical.LiteralString, Text: s}})
			}
			for _, l := range literals {
				var want any
				plainErr := db.QueryRow("INSERT INTO " + table + " VALUES (" + l.sql + ") RETURNING v").Scan(&want)
				got, tag, err := codec.EncodeLiteral([]byte("before"), typ, l.lit)
				compare(t, codec, typ, l.lit.Text, decl+" <- "+l.sql, want, plainErr, got, tag, false, err)
			}
		})
	}
}

func TestColumnTypesAreThoseOfThePlainDriver(t *testing.T) {
	db := open(t)
	codec := pgvalue.New(pgvalue.Options{})
	for _, decl := range declarations {
		typ := parse(t, decl)
		rows, err := db.Query("SELECT v FROM " + createTable(t, db, decl))
		if err != nil {
			t.Fatal(err)
		}
		types, err := rows.ColumnTypes()
		rows.Close()
		if err != nil {
			t.Fatal(err)
		}
		want, got := types[0], codec.Column(typ)
		length, hasLength := want.Length()
		precision, scale, hasPrecision := want.DecimalSize()
		if want.DatabaseTypeName() != got.DatabaseTypeName || want.ScanType() != got.ScanType ||
			length != got.Length || hasLength != got.HasLength ||
			precision != got.Precision || scale != got.Scale || hasPrecision != got.HasPrecisionScale {
			t.Errorf("%s: want %s %v %d %v (%d,%d) %v, got %+v", decl, want.DatabaseTypeName(), want.ScanType(),
				length, hasLength, precision, scale, hasPrecision, got)
		}
	}
}
