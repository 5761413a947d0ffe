package litevalue_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"strconv"
	"strings"
	"testing"

	_ "modernc.org/sqlite"

	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/internal/logical/litevalue"
	"github.com/sealsql/sealsql/schema"
)

// connectionStrings are the settings that change values.
var connectionStrings = []string{
	":memory:",
	"file::memory:?_time_format=sqlite",
	"file::memory:?_time_format=datetime&_timezone=Europe%2FBerlin&_texttotime=1",
	"file::memory:?_time_integer_format=unix&_inttotime=1",
	"file::memory:?_time_integer_format=unix_milli&_inttotime=1&_timezone=America%2FNew_York",
	"file::memory:?_time_integer_format=unix_micro&_inttotime=1",
	"file::memory:?_time_integer_format=unix_nano&_inttotime=1",
}

func open(t testing.TB, dsn string) (*sql.Conn, *litevalue.Codec) {
	t.Helper()
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := db.Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(); db.Close() })
	o, err := litevalue.ParseDSN(dsn)
	if err != nil {
		t.Fatal(err)
	}
	return conn, litevalue.New(o)
}

func parse(t testing.TB, spelling string) *schema.Type {
	t.Helper()
	typ, err := schema.ParseType(spelling)
	if err != nil {
		t.Fatal(err)
	}
	return &typ
}

func TestEveryArgumentComesBackAsFromThePlainDriver(t *testing.T) {
	for _, dsn := range connectionStrings {
		t.Run(dsn, func(t *testing.T) {
			conn, codec := open(t, dsn)
			columns := declarations
			if dsn != ":memory:" { // the settings concern times only
				columns = []string{"text", "bytes", "int", "real", "date", "time", "timestamp", "datetime", "datetime(3)"}
			}
			for _, decl := range columns {
				compareColumn(t, conn, codec, decl)
			}
		})
	}
}

func compareColumn(t *testing.T, conn *sql.Conn, codec *litevalue.Codec, decl string) {
	ctx := context.Background()
	typ := parse(t, decl)
	if err := codec.Check(typ); err != nil {
		t.Fatal(err)
	}
	plain := decl
	if decl == "bytes" {
		plain = "blob"
	}
	if _, err := conn.ExecContext(ctx, "CREATE TABLE t (id INTEGER PRIMARY KEY, v "+plain+")"); err != nil {
		t.Fatal(err)
	}
	insert, err := conn.PrepareContext(ctx, "INSERT OR REPLACE INTO t VALUES (1, ?)")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.ExecContext(ctx, "DROP TABLE t")
	defer insert.Close()
	for _, arg := range arguments() {
		_, insertErr := insert.ExecContext(ctx, arg)
		what := fmt.Sprintf("%s <- %T(%.60v)", decl, arg, arg)
		compareStored(t, conn, codec, typ, what, insertErr, func() ([]byte, logical.Tag, bool, error) {
			return codec.Encode([]byte("before"), typ, arg)
		})
	}
}

// compareStored checks one value: refused by both or equal in both.
func compareStored(t *testing.T, conn *sql.Conn, codec *litevalue.Codec, typ *schema.Type, what string, insertErr error, encode func() ([]byte, logical.Tag, bool, error)) {
	t.Helper()
	got, tag, null, err := encode()
	if (err != nil) != (insertErr != nil) {
		t.Errorf("%s: plain driver says %v, codec says %v", what, insertErr, err)
		return
	}
	if err != nil {
		var te *logical.TypeError
		if !errors.As(err, &te) {
			t.Errorf("%s: untyped error %v", what, err)
		}
		return
	}
	rows, err := conn.QueryContext(context.Background(), "SELECT v FROM t WHERE id = 1")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	types, err := rows.ColumnTypes()
	if err != nil {
		t.Fatal(err)
	}
	var want any
	if !rows.Next() {
		t.Fatal("no row")
	}
	if err := rows.Scan(&want); err != nil {
		t.Fatal(err)
	}
	compareColumnType(t, what, types[0], codec.ColumnOf(typ, tag))
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

func compareColumnType(t *testing.T, what string, want *sql.ColumnType, got logical.ColumnType) {
	t.Helper()
	length, hasLength := want.Length()
	_, _, hasPrecision := want.DecimalSize()
	if want.DatabaseTypeName() != got.DatabaseTypeName || want.ScanType() != got.ScanType ||
		length != got.Length || hasLength != got.HasLength || hasPrecision != got.HasPrecisionScale {
		t.Errorf("%s: column type: want %s %v %d %v, got %+v", what, want.DatabaseTypeName(), want.ScanType(), length, hasLength, got)
	}
}

var literals = []struct {
	sql string
	lit logical.Literal
}{
	{"'text'", logical.Literal{Kind: logical.LiteralString, Text: "text"}},
	{"''", logical.Literal{Kind: logical.LiteralString}},
	{"'007'", logical.Literal{Kind: logical.LiteralString, Text: "007"}},
	{"'1e2'", logical.Literal{Kind: logical.LiteralString, Text: "1e2"}},
	{"'2024-02-29'", logical.Literal{Kind: logical.LiteralString, Text: "2024-02-29"}},
	{"x'00ff'", logical.Literal{Kind: logical.LiteralBytes, Text: "\x00\xff"}},
	{"x''", logical.Literal{Kind: logical.LiteralBytes}},
	{"TRUE", logical.Literal{Kind: logical.LiteralBool, Text: "true"}},
	{"false", logical.Literal{Kind: logical.LiteralBool, Text: "false"}},
}

func init() {
	for _, n := range strings.Fields("0 007 -0 -0.0 0.0 1 -1 +1 12.50 1e3 1E-3 .5 5. -.5e1 9223372036854775807 9223372036854775808 -9223372036854775808 " +
		"-9223372036854775809 1e400 -1e400 1e-400 1_000 1_000.5 1_0e1_0 123456789012345678901 0.30000000000000004") {
		literals = append(literals, struct {
			sql string
			lit logical.Literal
		}{n, logical.Literal{Kind: logical.LiteralNumber, Text: n}})
	}
}

func TestEveryLiteralIsStoredAsTheEngineStoresIt(t *testing.T) {
	conn, codec := open(t, ":memory:")
	ctx := context.Background()
	for _, decl := range declarations {
		typ := parse(t, decl)
		plain := strings.Replace(decl, "bytes", "blob", 1)
		if _, err := conn.ExecContext(ctx, "CREATE TABLE t (id INTEGER PRIMARY KEY, v "+plain+")"); err != nil {
			t.Fatal(err)
		}
		for _, l := range literals {
			_, insertErr := conn.ExecContext(ctx, "INSERT OR REPLACE INTO t VALUES (1, "+l.sql+")")
			compareStored(t, conn, codec, typ, decl+" <- "+l.sql, insertErr, func() ([]byte, logical.Tag, bool, error) {
				p, tag, err := codec.EncodeLiteral([]byte("before"), typ, l.lit)
				return p, tag, false, err
			})
		}
		if _, err := conn.ExecContext(ctx, "DROP TABLE t"); err != nil {
			t.Fatal(err)
		}
	}
}

func TestNumbersConvertAsInTheEngine(t *testing.T) {
	n := 8000
	if testing.Short() {
		n = 2000
	}
	conn, codec := open(t, ":memory:")
	ctx := context.Background()
	if _, err := conn.ExecContext(ctx, "CREATE TABLE t (s text, r real, n numeric)"); err != nil {
		t.Fatal(err)
	}
	text, float, numeric := parse(t, "text"), parse(t, "real"), parse(t, "numeric")
	insert, err := conn.PrepareContext(ctx, "INSERT INTO t VALUES (?1, ?2, ?2) RETURNING s, r, n")
	if err != nil {
		t.Fatal(err)
	}
	defer insert.Close()
	random := rand.New(rand.NewPCG(1, uint64(n)))
	for range n {
		f, s := randomFloat(random), randomNumber(random)
		var gotS, gotR, gotN any
		if err := insert.QueryRowContext(ctx, f, s).Scan(&gotS, &gotR, &gotN); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			typ       *schema.Type
			arg, want any
		}{{text, f, gotS}, {float, s, gotR}, {numeric, s, gotN}} {
			p, tag, _, err := codec.Encode(nil, c.typ, c.arg)
			if err != nil {
				t.Fatal(err)
			}
			if v, err := codec.Decode(c.typ, tag, p); err != nil || !same(v, c.want) {
				t.Errorf("%s <- %v: want %#v, got %#v, %v", c.typ, c.arg, c.want, v, err)
			}
		}
	}
}

// randomFloat returns doubles of every kind: any bits, few digits, near powers
// of ten, whole numbers.
func randomFloat(r *rand.Rand) float64 {
	for {
		var f float64
		switch r.IntN(6) {
		case 0:
			f = math.Float64frombits(r.Uint64())
		case 1:
			f = float64(r.Int64N(1e9)) / math.Pow10(r.IntN(12))
		case 2:
			f = math.Pow10(r.IntN(600) - 300)
			for range r.IntN(3) {
				f = math.Nextafter(f, 0)
			}
		case 3:
			f = math.Ldexp(float64(r.IntN(1000)), r.IntN(200)-100)
		case 4:
			f = float64(r.Uint64() >> r.IntN(64))
		case 5:
			f = r.NormFloat64()
		}
		if !math.IsNaN(f) {
			return f
		}
	}
}

func randomNumber(r *rand.Rand) string {
	digits := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte('0' + r.IntN(10))
		}
		return string(b)
	}
	switch r.IntN(5) {
	case 0:
		return strconv.FormatFloat(randomFloat(r), 'g', -1, 64)
	case 1:
		return digits(1+r.IntN(25)) + "." + digits(r.IntN(25))
	case 2:
		return digits(1 + r.IntN(22))
	case 3:
		return "-" + digits(1+r.IntN(20)) + "e" + strconv.Itoa(r.IntN(700)-350)
	}
	return strconv.FormatInt(int64(r.Uint64()), 10)
}
