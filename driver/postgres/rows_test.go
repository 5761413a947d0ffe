//go:build !go1.27

package postgres

import (
	"bytes"
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"reflect"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/stdlib"

	sealdriver "github.com/sealsql/sealsql/driver"
	"github.com/sealsql/sealsql/internal/testenv"
)

// everyType has a column of each type that pgx's database/sql driver reads in a way of
// its own, and of others, in rows with and without values and at their ends.
const everyType = `SELECT b, by, cid, oid, xid, d, f4, f8, i2, i4, i8, js, jb, ts, tz, x, t, vc, bp, n, vb, u, ar, iv, i2 AS i2
FROM (VALUES
(true, '\x00ff'::bytea, '7'::cid, '4294967295'::oid, '9'::xid, '2024-02-29'::date, 1.5::float4, 'NaN'::float8, 32767::int2, -2147483648::int4, 9223372036854775807::int8,
	'{"a": 1}'::json, '[1, 2]'::jsonb, '2024-02-29 12:34:56.789'::timestamp, '2024-02-29 12:34:56.789+02'::timestamptz, '<a/>'::xml, 'text', 'vc'::varchar(7), 'bp'::char(5),
	12.340::numeric(9,3), B'101'::varbit(9), '0b3f6d3e-9ad0-4b2a-8d0e-2f6d3c6c1f11'::uuid, ARRAY[1, NULL, 3], '1 day 2 hours'::interval),
(NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
(false, '', '0', '0', '0', 'infinity', '-Infinity', -0.0, -32768, 0, 0, 'null', '""', '-infinity', 'infinity', '', '', '', '', 'NaN', B'', '00000000-0000-0000-0000-000000000000', '{}', '0'))
AS v (b, by, cid, oid, xid, d, f4, f8, i2, i4, i8, js, jb, ts, tz, x, t, vc, bp, n, vb, u, ar, iv)`

// shown is what a program can see of a result.
type shown struct {
	names, types, databaseTypes []string
	lengths, sizes              [][3]int64
	rows                        [][]driver.Value
	err                         error
}

func bit(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func show(rows driver.Rows, err error) (s shown) {
	if err != nil {
		s.err = err
		return s
	}
	s.names = rows.Columns()
	for i := range s.names {
		s.types = append(s.types, rows.(driver.RowsColumnTypeScanType).ColumnTypeScanType(i).String())
		s.databaseTypes = append(s.databaseTypes, rows.(driver.RowsColumnTypeDatabaseTypeName).ColumnTypeDatabaseTypeName(i))
		l, ok := rows.(driver.RowsColumnTypeLength).ColumnTypeLength(i)
		s.lengths = append(s.lengths, [3]int64{l, bit(ok)})
		p, sc, ok := rows.(driver.RowsColumnTypePrecisionScale).ColumnTypePrecisionScale(i)
		s.sizes = append(s.sizes, [3]int64{p, sc, bit(ok)})
	}
	for {
		row := make([]driver.Value, len(s.names))
		if err := rows.Next(row); err != nil {
			if !errors.Is(err, io.EOF) {
				s.err = err
			}
			break
		}
		s.rows = append(s.rows, row)
	}
	if err := rows.Close(); s.err == nil {
		s.err = err
	}
	return s
}

func args(values ...any) []driver.NamedValue {
	out := make([]driver.NamedValue, len(values))
	for i, v := range values {
		out[i] = driver.NamedValue{Ordinal: i + 1, Value: v}
	}
	return out
}

// same compares what two results show; values of NaN are equal.
func same(t *testing.T, of string, got, want shown) {
	t.Helper()
	if (got.err == nil) != (want.err == nil) || got.err != nil && (got.err.Error() != want.err.Error() || reflect.TypeOf(got.err) != reflect.TypeOf(want.err)) {
		t.Errorf("%s: error %T %v, pgx has %T %v", of, got.err, got.err, want.err, want.err)
	}
	got.err, want.err = nil, nil
	if len(got.rows) != len(want.rows) {
		t.Fatalf("%s: %d rows, pgx has %d", of, len(got.rows), len(want.rows))
	}
	for i, row := range want.rows {
		for j, v := range row {
			w := got.rows[i][j]
			f, _ := v.(float64)
			g, _ := w.(float64)
			if nan := f != f && g != g; !nan && !reflect.DeepEqual(w, v) {
				t.Errorf("%s: row %d, %s: %T %v, pgx has %T %v", of, i, want.names[j], w, w, v, v)
			}
		}
	}
	got.rows, want.rows = nil, nil
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: %+v\npgx has %+v", of, got, want)
	}
}

func TestRowsOfRecordsAreOtherwiseThoseOfPgx(t *testing.T) {
	e, ctx := newEngine(), context.Background()
	canceled, cancel := context.WithCancel(ctx)
	cancel()
	testenv.Raw(t, "pgx", testenv.Postgres(t), func(c any) {
		inner := c.(*stdlib.Conn)
		for _, q := range []struct {
			of   string
			ctx  context.Context
			text string
			args []driver.NamedValue
		}{
			{"every type", ctx, everyType, nil},
			{"no rows", ctx, everyType + " WHERE false", nil},
			{"an argument", ctx, "SELECT $1::int AS n, $2::text AS t, $3::bytea", args(int64(7), nil, []byte{1})},
			{"exec", ctx, everyType, args(pgx.QueryExecModeExec)},
			{"simple protocol", ctx, everyType, args(pgx.QueryExecModeSimpleProtocol)},
			{"described each time", ctx, everyType, args(pgx.QueryExecModeDescribeExec)},
			{"a syntax error", ctx, "SELEKT", nil},
			{"an error of a later row", ctx, "SELECT 1 / (2 - i) AS n FROM generate_series(1, 3) AS i", nil},
			{"an error of the first row", ctx, "SELECT 1 / (1 - i) AS n FROM generate_series(1, 3) AS i", nil},
			{"a wrong argument", ctx, "SELECT $1::int", args("seven")},
			{"too few arguments", ctx, "SELECT $1::int, $2::int", args(int64(1))},
			{"a type that pgx does not know", ctx, "SELECT '(1,2)'::point, 'a'::\"char\", 'pg_class'::regclass, 1::money, ROW(1, 'a')", nil},
			{"a canceled context", canceled, "SELECT 1", nil},
		} {
			want := show(inner.QueryContext(q.ctx, q.text, q.args))
			rows, ok, err := e.QueryRecords(q.ctx, inner, q.text, q.args)
			if !ok {
				t.Fatalf("%s: no rows of records", q.of)
			}
			same(t, q.of, show(rows, err), want)
		}
	})
}

func TestARecordIsReadWhereItWasReceived(t *testing.T) {
	e := newEngine()
	testenv.Raw(t, "pgx", testenv.Postgres(t), func(c any) {
		inner := c.(*stdlib.Conn)
		const text = `SELECT i, CASE i WHEN 2 THEN NULL WHEN 3 THEN '' ELSE '\x0102'::bytea END AS a, '\x03'::bytea AS b, 'x' AS t FROM generate_series(1, 3) AS i`
		rows, _, err := e.QueryRecords(context.Background(), inner, text, nil)
		if err != nil {
			t.Fatal(err)
		}
		if rows.Records(0) || rows.Records(3) || !rows.Records(1) {
			t.Error("columns of bytea, and these alone, are records")
		}
		row := make([]driver.Value, 4)
		for i, want := range [][]byte{{1, 2}, nil, {}} {
			row[1] = "of the row before"
			if err := rows.Next(row); err != nil {
				t.Fatal(err)
			}
			if got := rows.Record(1); !bytes.Equal(got, want) || (got == nil) != (want == nil) {
				t.Errorf("row %d: record %v, want %v", i, got, want)
			}
			if b, _ := row[2].([]byte); row[1] != nil || row[0] != int64(i+1) || !slices.Equal(b, []byte{3}) || row[3] != "x" {
				t.Errorf("row %d: %v", i, row)
			}
		}
		if rows.Records(2) {
			t.Error("a column is taken for records after its first row")
		}
		if err := rows.Close(); err != nil {
			t.Error(err)
		}
		var simple sealdriver.RecordRows
		if simple, _, err = e.QueryRecords(context.Background(), inner, text, args(pgx.QueryExecModeSimpleProtocol)); err != nil {
			t.Fatal(err)
		}
		defer simple.Close()
		if simple.Records(1) {
			t.Error("bytea in the text format is taken for records")
		}
	})
}

func TestAClosedConnectionIsBadForRecords(t *testing.T) {
	e := newEngine()
	testenv.Raw(t, "pgx", testenv.Postgres(t), func(c any) {
		inner := c.(*stdlib.Conn)
		inner.Conn().Close(context.Background())
		if _, ok, err := e.QueryRecords(context.Background(), inner, "SELECT 1", nil); !ok || err != driver.ErrBadConn { //nolint:errorlint // as pgx
			t.Errorf("got %v, want driver.ErrBadConn itself", err)
		}
		inner.Conn().TypeMap().RegisterType(&pgtype.Type{Name: "bytea", OID: pgtype.ByteaOID, Codec: sharing{}})
		if _, ok, _ := e.QueryRecords(context.Background(), inner, "SELECT 1", nil); ok {
			t.Error("a program's own codec of bytea is passed by")
		}
	})
}
