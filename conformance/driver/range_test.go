package drivertest_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sealsql/sealsql"
	"github.com/sealsql/sealsql/internal/testenv"
	"github.com/sealsql/sealsql/rewrite"
)

// rangeConfig indexes the columns for comparisons by order.
const rangeConfig = head + `tables:
  staff:
    columns:
      age: {type: integer, search: {range: {order: revealing}}, accept_leakage: order}
      pay: {type: "numeric(10,2)", search: {range: {order: revealing, group: pay}}, accept_leakage: order}
      bonus: {type: "numeric(10,2)", search: {range: {order: revealing, group: pay}}, accept_leakage: order}
      score: {type: double precision, search: {range: {order: revealing}}, accept_leakage: order}
      born: {type: date, search: {range: {order: revealing}}, accept_leakage: order}
      seen: {type: {WHEN}, search: {range: {order: revealing}}, accept_leakage: order}
      name: {type: varchar(60), search: {range: {order: revealing, prefix: 6, collation: binary}}, accept_leakage: order}
      code: {type: varchar(3), search: {range: {order: revealing, prefix: 12, collation: binary, longer: refuse}}, accept_leakage: order}
  branches:
    partition: {column: tenant, type: text}
    columns:
      points: {type: bigint, search: {range: {order: revealing}}, accept_leakage: order}
      total: {type: bigint, search: {range: {order: revealing, scope: table}}, accept_leakage: order}
`

// ranged is one column with values in and around it.
type ranged struct {
	column string
	values []any
	// texts are numbers and strings as a statement writes them.
	texts []string
}

func rangedColumns(d rewrite.Dialect) []ranged {
	day := func(s string) time.Time {
		v, err := time.Parse("2006-01-02 15:04:05.999999", s)
		if err != nil {
			panic(err)
		}
		return v
	}
	cols := []ranged{
		{column: "age", values: []any{0, -1, 17, 18, 65, 130, math.MaxInt32, math.MinInt32}, texts: []string{"17", "-1", "17.5", "-0.5", "3000000000", "-3000000000", "1e3", "'18'"}},
		{column: "pay", values: []any{"0", "-0.01", "1.5", "99999999.99", "-99999999.99", "1200.50"}, texts: []string{"1.50", "1.505", "0", "-1e-3", "123456789012", "99999999.995"}},
		{column: "score", values: []any{0.0, 0.1, -0.1, 1e300, -1e300, 5e-324, 3.0}, texts: []string{"0.1", "3", "-0.0", "1e300"}},
		{column: "born", values: []any{"2024-02-29", "1999-12-31", "2000-01-01", "0001-01-01", "9999-12-31"}, texts: []string{"'2000-01-01'", "'1999-12-31'"}},
		{column: "seen", values: []any{day("2024-02-29 12:00:00"), day("2024-02-29 12:00:00.000001"), day("2024-02-29 12:00:00.5"), day("1999-12-31 23:59:59"), day("2000-01-01 00:00:00")}},
		{column: "name", values: []any{"", "a", "A", "a ", "ab", "abcdef", "Ada", "é", "日本"}, texts: []string{"'a'", "'Ada'", "''"}},
		{column: "code", values: []any{"", "a", "b", "aé", "日本語"}, texts: []string{"'b'", "'aé'"}},
	}
	if d == rewrite.SQLite {
		cols[0].texts = []string{"17", "-1", "17.5", "-0.5", "3000000000", "1e3", "'18'", "'x'", "x'00'"}
	}
	return cols
}

// hiddenConfig is the same with indexes that hide the order. SQLite keeps times
// as texts, which are too long for that.
func hiddenConfig(d rewrite.Dialect) string {
	text := strings.NewReplacer("order: revealing", "order: hidden", "prefix: 12", "prefix: 9", ", accept_leakage: order", "").Replace(rangeConfig)
	if d == rewrite.SQLite {
		text = strings.Replace(text, "born: {type: date, search: {range: {order: hidden}}}", "born: {type: date, search: {range: {order: hidden, prefix: 10}}}", 1)
		text = strings.Replace(text, "seen: {type: {WHEN}, search: {range: {order: hidden}}}", "seen: {type: {WHEN}}", 1)
	}
	return text
}

func (e engine) rangeTwins(t *testing.T, configuration string) *twins {
	t.Helper()
	when := map[rewrite.Dialect]string{rewrite.Postgres: "timestamp", rewrite.MySQL: "datetime(6)", rewrite.SQLite: "timestamp"}[e.dialect]
	configuration = strings.ReplaceAll(configuration, "{WHEN}", when)
	x := &twins{t: t, w: e.open(t, strings.ReplaceAll(configuration, "guards: off", "guards: require"))}
	x.plain = e.open(t, configuration).plain
	collate := map[rewrite.Dialect]string{rewrite.Postgres: ` COLLATE "C"`, rewrite.MySQL: " CHARACTER SET utf8mb4 COLLATE " + testenv.ByteCollation()}[e.dialect]
	for _, s := range []string{
		"CREATE TABLE staff (id {INT} PRIMARY KEY, dept VARCHAR(20), age INTEGER, pay NUMERIC(10,2), bonus NUMERIC(10,2), score DOUBLE PRECISION, born DATE, seen " + when + ", name VARCHAR(60){C}, code VARCHAR(3){C})",
		"CREATE TABLE branches (id {INT} NOT NULL, tenant {OWNER} NOT NULL, points BIGINT, total BIGINT, PRIMARY KEY (tenant, id))",
	} {
		text := x.w.text(s)
		if _, err := x.plain.Exec(strings.ReplaceAll(text, "{C}", collate)); err != nil {
			t.Fatal(err)
		}
		if _, err := x.w.db.Exec(strings.ReplaceAll(text, "{C}", "")); err != nil {
			t.Fatal(err)
		}
	}
	if strings.Contains(configuration, "revealing") {
		x.both("CREATE INDEX staff_age ON staff (age)")
		x.both("CREATE INDEX staff_dept ON staff (dept, pay)")
	}
	cols := rangedColumns(e.dialect)
	for i := range 24 {
		args := []any{i, []any{"red", "blue", nil}[i%3]}
		text := "INSERT INTO staff (id, dept"
		for k, c := range cols {
			text += ", " + c.column
			v := c.values[(i*(k+1)+k)%len(c.values)]
			if i%7 == k {
				v = nil
			}
			args = append(args, v)
		}
		x.both(text+", bonus) VALUES (?"+strings.Repeat(", ?", len(args))+")", append(args, fmt.Sprintf("%d.25", i-3))...)
		x.both("INSERT INTO branches (id, tenant, points, total) VALUES (?, ?, ?, ?)", i, []string{"a", "b"}[i%2], i*i%17-5, i*i%13)
	}
	return x
}

// TestRangesAnswerAsThePlainDatabase compares every operator on every type.
func TestRangesAnswerAsThePlainDatabase(t *testing.T) {
	t.Parallel()
	for _, e := range testenv.Sample(t, all, 1) {
		t.Run(e.name, func(t *testing.T) {
			x := e.rangeTwins(t, rangeConfig)
			for _, c := range testenv.Sample(t, rangedColumns(e.dialect), 3) {
				for i, v := range append(c.values, nil) {
					for _, op := range []string{"<", "<=", ">", ">=", "=", "<>"} {
						x.ranged("SELECT id, "+c.column+" FROM staff WHERE "+c.column+" "+op+" ? ORDER BY id", v)
					}
					x.ranged("SELECT id FROM staff WHERE ? < "+c.column+" OR NOT ("+c.column+" <= ?) ORDER BY id", v, v)
					other := c.values[(i+2)%len(c.values)]
					x.ranged("SELECT count(*), count("+c.column+") FROM staff WHERE "+c.column+" BETWEEN ? AND ?", v, other)
					x.ranged("SELECT id FROM staff WHERE "+c.column+" NOT BETWEEN ? AND ? AND dept = ? ORDER BY id", other, v, "red")
					if c.column != "name" {
						x.ranged("SELECT id, "+c.column+" FROM staff WHERE ("+c.column+", id) > (?, ?) ORDER BY "+c.column+", id LIMIT 5", v, 7)
						x.ranged("SELECT id FROM staff s WHERE s."+c.column+" < ? OR (s."+c.column+" = ? AND id < ?) ORDER BY s."+c.column+" DESC, id DESC LIMIT 4 OFFSET 1", v, v, 12)
					}
				}
				for _, text := range c.texts {
					for _, op := range []string{"<", "<=", ">", ">=", "=", "<>"} {
						x.ranged("SELECT id FROM staff WHERE " + c.column + " " + op + " " + text + " ORDER BY id")
					}
				}
				if c.column == "name" {
					continue
				}
				for _, s := range []string{
					"SELECT id, {c} FROM staff ORDER BY {c}, id", "SELECT id, {c} FROM staff ORDER BY {c} DESC, id LIMIT 3", "SELECT {c} AS v, id FROM staff ORDER BY v, 2 DESC",
					"SELECT {c}, id FROM staff ORDER BY 1 DESC, 2", "SELECT * FROM staff ORDER BY {c}, id", "SELECT s.id FROM staff s JOIN branches b ON b.id = s.id ORDER BY s.{c}, s.id",
					"SELECT MIN({c}), MAX({c}) FROM staff", "SELECT MIN({c}) AS low, max(s.{c}) AS high FROM staff s WHERE id > 100", "SELECT dept, max({c}), count(*) FROM staff GROUP BY dept ORDER BY dept",
					"SELECT d.m FROM (SELECT dept, min({c}) AS m FROM staff GROUP BY dept) d ORDER BY d.dept", "SELECT id, (SELECT max({c}) FROM staff t WHERE t.dept = s.dept) AS m, (SELECT min({c}) FROM staff) FROM staff s ORDER BY id",
				} {
					x.ranged(strings.ReplaceAll(s, "{c}", c.column))
				}
			}
			x.ranged("SELECT a.id, b.id FROM staff a JOIN staff b ON a.pay < b.bonus AND a.id < b.id ORDER BY a.id, b.id")
			x.ranged("SELECT id, points FROM branches WHERE tenant = ? AND points >= ? ORDER BY points, id", "a", 3)
			x.ranged("SELECT id, tenant FROM branches WHERE total BETWEEN ? AND ? ORDER BY total, tenant, id", 3, 9)
			x.ranged("SELECT tenant, max(points) FROM branches WHERE tenant = ? GROUP BY tenant", "b")
			if e.dialect != rewrite.MySQL {
				x.ranged("SELECT id, age FROM staff ORDER BY age NULLS FIRST, id")
				x.ranged("SELECT id, age FROM staff ORDER BY age DESC NULLS LAST, id")
				x.ranged("SELECT max(age) FILTER (WHERE id > 3) FROM staff")
			}
			for _, s := range []string{
				"UPDATE staff SET dept = 'old' WHERE age > 60", "UPDATE staff SET age = 40, pay = NULL WHERE age < 0", "UPDATE staff SET name = 'abcdefgh' WHERE id = 3",
				"DELETE FROM staff WHERE pay > 1000", "DELETE FROM branches WHERE tenant = 'a' AND points < 0",
			} {
				x.both(s)
				x.ranged("SELECT * FROM staff ORDER BY id")
				x.ranged("SELECT id, dept, age FROM staff WHERE age BETWEEN 18 AND 64 ORDER BY age, id")
			}
		})
	}
}

// TestHiddenRangesAnswerAsThePlainDatabase does so with indexes that hide the
// order.
func TestHiddenRangesAnswerAsThePlainDatabase(t *testing.T) {
	t.Parallel()
	modes := append(slices.Clone(all), engine{"postgres simple_protocol", rewrite.Postgres, "simple_protocol"}, engine{"mysql interpolateParams", rewrite.MySQL, "interpolateParams=true"})
	for _, e := range testenv.Sample(t, modes, 1) {
		t.Run(e.name, func(t *testing.T) {
			e.hiddenRanges(t, hiddenConfig(e.dialect))
		})
	}
	for _, e := range testenv.Sample(t, all, 1) {
		t.Run(e.name+" nodes", func(t *testing.T) {
			e.hiddenRanges(t, strings.ReplaceAll(hiddenConfig(e.dialect), "order: hidden", "order: hidden, form: nodes"))
		})
	}
}

func (e engine) hiddenRanges(t *testing.T, configuration string) {
	x := e.rangeTwins(t, configuration)
	for _, c := range testenv.Sample(t, rangedColumns(e.dialect), 1) {
		if e.dialect == rewrite.SQLite && c.column == "seen" {
			continue
		}
		for i, v := range append(c.values, nil) {
			other := c.values[(i+2)%len(c.values)]
			for _, op := range []string{"<", "<=", ">", ">="} {
				x.ranged("SELECT id, "+c.column+" FROM staff WHERE "+c.column+" "+op+" ? ORDER BY id", v)
			}
			if v != nil {
				x.ranged("SELECT count(*), count("+c.column+") FROM staff WHERE "+c.column+" BETWEEN ? AND ?", v, other)
				x.ranged("SELECT id FROM staff WHERE "+c.column+" NOT BETWEEN ? AND ? AND dept = ? ORDER BY id", other, v, "red")
			}
			x.ranged("SELECT id FROM staff s WHERE s."+c.column+" >= ? AND dept = ? AND ? > s."+c.column+" ORDER BY id", v, "blue", other)
			x.ranged("SELECT id FROM staff WHERE NOT ("+c.column+" > ? AND "+c.column+" < ?) OR ? < "+c.column+" OR id = 1 ORDER BY id", other, v, v)
		}
		for _, text := range c.texts {
			for _, op := range []string{"<", "<=", ">", ">="} {
				x.ranged("SELECT id FROM staff WHERE " + c.column + " " + op + " " + text + " ORDER BY id")
			}
			x.ranged("SELECT id FROM staff WHERE " + c.column + " BETWEEN " + text + " AND " + c.texts[0] + " ORDER BY id")
		}
	}
	x.ranged("SELECT id, points FROM branches WHERE tenant = ? AND points >= ? ORDER BY id", "a", 3)
	x.ranged("SELECT id, tenant FROM branches WHERE total BETWEEN ? AND ? ORDER BY tenant, id", 3, 9)
	for _, s := range []string{"UPDATE staff SET dept = 'old' WHERE age > 60 AND age <= 130", "UPDATE staff SET age = 40, pay = NULL WHERE age < 0", "DELETE FROM staff WHERE pay > 1000"} {
		x.both(s)
		x.ranged("SELECT * FROM staff ORDER BY id")
		x.ranged("SELECT id, dept, age FROM staff WHERE age BETWEEN 18 AND 64 ORDER BY id")
	}
	x.w.refused("SELECT id FROM staff ORDER BY age", rewrite.ReasonOrder)
	x.w.refused("SELECT max(age) FROM staff", rewrite.ReasonFunction)
	x.w.refused("SELECT id FROM branches WHERE points > 3", rewrite.ReasonPartition)
	if _, err := rowsOf(x.w.db.Query(x.w.bind("SELECT id FROM staff WHERE age BETWEEN ? AND ?"), 3, nil)); err == nil {
		t.Error("one end that is NULL was taken")
	}
}

// ranged compares a query. One that the plain database refuses, or that fails
// there for the value, must fail on the other side.
func (x *twins) ranged(text string, args ...any) {
	x.t.Helper()
	bound := x.w.bind(x.w.text(text))
	if _, err := ask(x.plain, bound, 0, args); err != nil {
		if _, got := ask(x.w.db, bound, 0, args); got == nil {
			x.t.Errorf("%s %v: the plain database says %v", text, args, err)
		}
		return
	}
	x.query(text, args...)
}

func TestRangesRefuseWhatTheyCannotTell(t *testing.T) {
	t.Parallel()
	for _, e := range testenv.Sample(t, all, 1) {
		t.Run(e.name, func(t *testing.T) {
			x := e.rangeTwins(t, rangeConfig)
			for _, s := range []string{"SELECT id FROM staff ORDER BY name", "SELECT id, name FROM staff ORDER BY 2"} {
				x.w.refused(s, rewrite.ReasonOrder)
			}
			x.w.refused("SELECT max(name) FROM staff", rewrite.ReasonFunction)
			x.w.refused("SELECT id FROM branches WHERE points > 3", rewrite.ReasonPartition)
			x.w.refused("SELECT id FROM branches ORDER BY points", rewrite.ReasonPartition)
			for _, s := range []string{"SELECT id FROM staff WHERE name < ?", "SELECT id FROM staff WHERE name = ?"} {
				_, err := rowsOf(x.w.db.Query(x.w.bind(s), "abcdefg"))
				var c *sealsql.ColumnError
				if !errors.As(err, &c) || c.Op != "index" || strings.Contains(err.Error(), "abcdefg") {
					t.Errorf("%s: a text longer than the prefix: %v", s, err)
				}
			}
			if _, err := x.w.db.Exec(x.w.bind("UPDATE staff SET code = ? WHERE id = 1"), "abcdefghijklm"); err == nil {
				t.Error("a text longer than the prefix was stored where it is refused")
			}
			if e.dialect == rewrite.SQLite {
				for _, v := range []any{"älter", 17.5, []byte{1}} {
					if _, err := x.w.db.Exec("UPDATE staff SET age = ? WHERE id = 1", v); err == nil || strings.Contains(err.Error(), fmt.Sprint(v)) {
						t.Errorf("age = %v: %v", v, err)
					}
				}
			}
			if _, err := x.w.plain.Exec("UPDATE staff SET age_rng = NULL WHERE id = 1"); err == nil && e.dialect != rewrite.SQLite {
				t.Error("no guard keeps value and index together")
			}
			x.w.silent("a range")
		})
	}
}
