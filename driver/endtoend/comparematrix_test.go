package endtoend_test

import (
	"database/sql"
	"fmt"
	"hash/fnv"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/sealsql/sealsql/internal/testenv"
)

// compareMatrix is one run of TestComparisonsFindWhatThePlainDatabaseFinds: values
// of each type are compared with each value, written in each form.
type compareMatrix struct {
	castMatrix
	// ordered are the declarations whose second column has a range index.
	ordered []string
	// unindexed have no equality.
	unindexed []string
	// collate is written behind text types of the plain table.
	collate string
	// equality is the configuration of an index over text.
	equality string
}

// comparisons have %[1]s for the expression; v has an equality index, w a range
// index that reveals the order.
var comparisons = []string{"v = %[1]s", "%[1]s = v", "v <> %[1]s", "v IN (%[1]s)", "v NOT IN (%[1]s, NULL)", "NOT v = %[1]s"}

var orderings = []string{"w < %[1]s", "w >= %[1]s", "%[1]s <= w", "w BETWEEN %[1]s AND %[1]s", "w = %[1]s"}

func (m *compareMatrix) isText(decl string) bool {
	return strings.Contains(decl, "char") || strings.Contains(decl, "text")
}

func (m *compareMatrix) run(t *testing.T) {
	var b strings.Builder
	b.WriteString(head + "metastore: memory\nguards: off\ntables:\n")
	for i, decl := range m.declarations {
		equality, order := "equality", ""
		if m.isText(decl) && m.equality != "" {
			equality = m.equality
		}
		if slices.Contains(m.unindexed, decl) {
			continue
		}
		if slices.Contains(m.ordered, decl) {
			order = ", search: {range: {order: revealing}}, accept_leakage: order"
		}
		fmt.Fprintf(&b, "  %st%d: {columns: {v: {type: %q, search: %s}, w: {type: %q%s}}}\n", here, i, decl, equality, decl, order)
	}
	p := m.open(t, b.String())
	totals := map[string]*castTotals{}
	for i, decl := range m.declarations {
		if only := os.Getenv("CASTS"); only != "" && only != decl || slices.Contains(m.unindexed, decl) {
			continue
		}
		t.Run(decl, func(t *testing.T) { m.declaration(t, p, fmt.Sprintf("t%d", i), decl, totals) })
	}
	m.report(t, totals)
}

func (m *compareMatrix) declaration(t *testing.T, p *pair, table, decl string, totals map[string]*castTotals) {
	plain := decl
	if m.isText(decl) {
		plain += m.collate
	}
	for db, typ := range map[*sql.DB]string{p.plain: plain, p.sealed: decl} {
		if _, err := db.Exec(fmt.Sprintf("CREATE TABLE %s (id int PRIMARY KEY, v %s, w %s)", table, typ, typ)); err != nil {
			t.Fatal(err)
		}
	}
	m.fill(t, p, table)
	forms := append(slices.Clone(comparisons), orderings...)
	if !slices.Contains(m.ordered, decl) {
		forms = forms[:len(comparisons)]
	}
	for _, form := range m.forms {
		for _, lit := range m.literals {
			for _, c := range forms {
				m.one(t, p, table, decl, c, form, strings.ReplaceAll(form, "%s", lit), nil, totals)
			}
		}
		for _, arg := range m.args {
			for _, c := range forms {
				m.one(t, p, table, decl, c, form, strings.ReplaceAll(form, "%s", "\x00"), arg, totals)
			}
		}
	}
}

// fill stores every argument that both sides take.
func (m *compareMatrix) fill(t *testing.T, p *pair, table string) {
	insert := fmt.Sprintf("INSERT INTO %s (id, v, w) VALUES (%s, %s, %s)", table, m.mark(1), m.mark(2), m.mark(3))
	for id, arg := range m.args {
		_, plain := p.plain.Exec(insert, id, arg, arg)
		_, sealed := p.sealed.Exec(insert, id, arg, arg)
		if plain == nil && sealed != nil {
			if _, err := p.plain.Exec(fmt.Sprintf("DELETE FROM %s WHERE id = %d", table, id)); err != nil {
				t.Fatal(err)
			}
		}
		if plain != nil && sealed == nil {
			t.Errorf("%T(%.60v) is stored: plain says %v", arg, arg, plain)
		}
	}
}

func (m *compareMatrix) one(t *testing.T, p *pair, table, decl, comparison, form, text string, arg any, totals map[string]*castTotals) {
	h := fnv.New32a()
	fmt.Fprintf(h, "%s\x00%s\x00%s\x00%T%v", decl, comparison, text, arg, arg)
	if m.sample > 1 && h.Sum32()%m.sample != 0 && !testenv.Long() && os.Getenv("CASTS") == "" {
		return
	}
	text = fmt.Sprintf(comparison, text)
	var args []any
	for strings.Contains(text, "\x00") {
		args = append(args, arg)
		text = strings.Replace(text, "\x00", m.mark(len(args)), 1)
	}
	query := "SELECT id FROM " + table + " WHERE " + text + " ORDER BY id"
	o := totals[form]
	if o == nil {
		o = &castTotals{}
		totals[form] = o
	}
	want, plain := ids(p.plain, query, args)
	got, sealed := ids(p.sealed, query, args)
	switch {
	case sealed != nil && refusal(sealed):
		o.refused++
	case plain != nil && sealed != nil:
		o.failed++
	case plain == nil && sealed == nil && reflect.DeepEqual(want, got):
		o.same++
	default:
		o.differ++
		t.Errorf("%s with %T(%.60v): found %s (%v), want %s (%v)", text, arg, arg, m.stored(p.plain, table, got), sealed, m.stored(p.plain, table, want), plain)
	}
}

func ids(db *sql.DB, query string, args []any) (out []int, err error) {
	rows, err := db.Query(query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id int
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		out = append(out, id)
	}
	return out, rows.Err()
}

// stored shows the values of rows.
func (m *compareMatrix) stored(db *sql.DB, table string, list []int) string {
	var b strings.Builder
	for i, id := range list {
		if i == 5 {
			return fmt.Sprintf("%s and %d more", b.String(), len(list)-i)
		}
		var v any
		if err := db.QueryRow(fmt.Sprintf("SELECT v FROM %s WHERE id = %d", table, id)).Scan(&v); err != nil {
			return err.Error()
		}
		if raw, ok := v.([]byte); ok {
			v = string(raw)
		}
		fmt.Fprintf(&b, "%T(%.40v) ", v, v)
	}
	return "[" + b.String() + "]"
}

func compareMatrices() []*compareMatrix {
	all := castMatrices()
	by := map[string]*castMatrix{}
	for _, m := range all {
		by[m.name] = m
	}
	lite := &compareMatrix{castMatrix: *by["sqlite"], ordered: []string{"integer", "real", "bigint", "numeric", "numeric(10,2)"}, unindexed: []string{"json"}}
	lite.forms = append(casts("INTEGER|text|BLOB|REAL|NUMERIC|DATE"), "%s", "(%s)", "-%s", "+%s", "COALESCE(%s, %s)", "CAST(CAST(%s AS TEXT) AS INTEGER)", "CAST(CAST(%s AS INTEGER) AS TEXT)", "%s COLLATE NOCASE")
	lite.sample = 64
	out := []*compareMatrix{lite}
	for _, mode := range []string{"postgres", "postgres simple_protocol"} {
		m := &compareMatrix{castMatrix: *by[mode], unindexed: []string{"json", "jsonb"}, ordered: []string{
			"smallint", "int", "bigint", "real", "double precision", "numeric", "numeric(10,2)", "date", "time", "time(3)", "timestamp", "timestamp(3)", "timestamptz", "timestamptz(0)",
		}}
		m.ordered = slices.DeleteFunc(m.ordered, func(s string) bool { return s == "numeric" })
		m.forms = append(casts("smallint|int|bigint|real|double precision|numeric|numeric(4,1)|text|varchar(3)|char(5)|bytea|boolean|date|time|time(0)|timestamp|timestamp(0)|timestamptz|uuid"), "%s", "%s", "%s", "-%s", "COALESCE(%s, %s)", "%s::text::int", "%s::text::varchar(3)")
		m.sample = 768
		out = append(out, m)
	}
	for _, mode := range []string{"mysql", "mysql interpolateParams=true"} {
		m := &compareMatrix{
			castMatrix: *by[mode], collate: " CHARACTER SET utf8mb4 COLLATE " + testenv.ByteCollation(), equality: "{equality: {collation: binary}}", unindexed: []string{"json"},
			ordered: []string{
				"tinyint", "smallint unsigned", "int", "bigint", "bigint unsigned", "float", "double", "decimal(10,2)", "date", "time", "time(3)", "datetime", "datetime(3)", "timestamp",
			},
		}
		m.forms = append(casts("SIGNED|UNSIGNED|DECIMAL(4,1)|CHAR|CHAR(3)|BINARY|DATE|TIME|DATETIME(3)|DOUBLE"), "%s", "%s", "%s", "-%s", "COALESCE(%s, %s)", "BINARY %s", "%s COLLATE utf8mb4_general_ci")
		m.sample = 512
		out = append(out, m)
	}
	return out
}

func TestComparisonsFindWhatThePlainDatabaseFinds(t *testing.T) {
	for _, m := range testenv.Sample(t, compareMatrices(), 2) {
		t.Run(m.name, m.run)
	}
}
