package endtoend_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/internal/testenv"
	"github.com/sealsql/sealsql/rewrite"
)

// types is one run of TestEveryTypeComesBackAsFromPlainTables.
type types struct {
	flavour
	declarations []string
	args         []any
	literals     []string
	// stricter reports a value that the encrypted side refuses although the
	// plain one takes it, as the documentation of the engine's codec says.
	stricter func(declaration, problem string, value any) bool
	// unparsed are types that CREATE TABLE through the driver refuses because
	// the engine's parser does not know them.
	unparsed map[string]bool
	// short leaves out some ways of writing and, unless the run may be long,
	// destinations.
	short bool
}

func (x *types) table(i int) string { return "t" + itoa(i) }

func itoa(i int) string { return strconv.Itoa(i) }

// configuration declares for each type a table whose columns v and x hold the
// same values as records and in text armour.
func (x *types) configuration() string {
	var b strings.Builder
	b.WriteString(head + "metastore: memory\nguards: off\ntables:\n")
	for i, decl := range x.declarations {
		fmt.Fprintf(&b, "  %s%s: {columns: {v: {type: %q}, x: {type: %q, carrier: text}}}\n", here, x.table(i), decl, decl)
	}
	return b.String()
}

func TestEveryTypeComesBackAsFromPlainTables(t *testing.T) {
	for _, x := range allTypes() {
		t.Run(x.name, func(t *testing.T) {
			x.declarations = testenv.Sample(t, x.declarations, len(x.declarations)/4)
			p := x.open(t, x.configuration())
			p.plain.SetMaxOpenConns(2)
			p.sealed.SetMaxOpenConns(2)
			for i, decl := range x.declarations {
				t.Run(decl, func(t *testing.T) { x.declaration(t, p, x.table(i), decl) })
			}
		})
	}
}

func (x *types) declaration(t *testing.T, p *pair, table, decl string) {
	x.create(t, p, table, decl)
	compareColumnTypes(t, p, table) // of no row
	w := &writer{t: t, types: x, pair: p, decl: decl, table: table}
	w.all()
	if w.kept == 0 {
		t.Error("no value was kept: the test compares nothing")
	}
	compareReads(t, p, table, x.destinations())
	compareColumnTypes(t, p, table)
	checkSealed(t, p, table)
	if !x.unparsed[decl] {
		checkGuarded(t, p, table)
	}
}

func (x *types) create(t *testing.T, p *pair, table, decl string) {
	t.Helper()
	create := fmt.Sprintf("CREATE TABLE %s (id int PRIMARY KEY, v %s, x %s)", table, decl, decl)
	if !x.unparsed[decl] {
		p.both(t, create)
		return
	}
	var u *rewrite.UnsupportedError
	if _, err := p.sealed.Exec(create); !errors.As(err, &u) {
		t.Errorf("CREATE TABLE with a type that the parser lacks: %v", err)
	}
	if _, err := p.plain.Exec(create); err != nil {
		t.Fatal(err)
	}
	if _, err := p.stored(t).Exec("CREATE TABLE " + table + " (id int PRIMARY KEY, v varbinary(300), x varchar(400) CHARACTER SET ascii COLLATE ascii_bin)"); err != nil {
		t.Fatal(err)
	}
}

// writer writes every value in every way on both sides.
type writer struct {
	t *testing.T
	*types
	pair        *pair
	decl, table string
	id, kept    int
}

func (w *writer) insert() string {
	return fmt.Sprintf("INSERT INTO %s (id, v, x) VALUES (%s, %s, %s)", w.table, w.mark(1), w.mark(2), w.mark(3))
}

func (w *writer) all() {
	ctx := context.Background()
	for _, v := range w.args {
		w.write("ad hoc", v, func(db *sql.DB, id int) error {
			_, err := db.ExecContext(ctx, w.insert(), id, v, v)
			return err
		})
	}
	for _, lit := range w.literals {
		w.write("literal", lit, func(db *sql.DB, id int) error {
			_, err := db.ExecContext(ctx, fmt.Sprintf("INSERT INTO %s (id, v, x) VALUES (%d, %s, %s)", w.table, id, lit, lit))
			return err
		})
	}
	if w.short {
		return
	}
	w.prepared()
	for i, v := range w.args {
		if i%4 != 0 {
			continue // a commit a value, for an error ends a transaction on PostgreSQL
		}
		w.write("in a transaction", v, func(db *sql.DB, id int) error {
			tx, err := db.BeginTx(ctx, nil)
			if err != nil {
				return err
			}
			defer tx.Rollback()
			if _, err := tx.ExecContext(ctx, w.insert(), id, v, v); err != nil {
				return err
			}
			return tx.Commit()
		})
	}
	w.update()
}

func (w *writer) prepared() {
	if w.name == "mysql" && testenv.IsMySQL() {
		w.preparedEach()
		return
	}
	stmts := map[*sql.DB]*sql.Stmt{}
	for _, db := range []*sql.DB{w.pair.plain, w.pair.sealed} {
		st, err := db.Prepare(w.insert())
		if err != nil {
			w.t.Fatal(err)
		}
		defer st.Close()
		stmts[db] = st
	}
	for _, v := range w.args {
		w.write("prepared", v, func(db *sql.DB, id int) error {
			_, err := stmts[db].Exec(id, v, v)
			return err
		})
	}
}

// preparedEach prepares for each value: MySQL converts arguments to the type of
// the statement's first.
func (w *writer) preparedEach() {
	for _, v := range w.args {
		w.write("prepared", v, func(db *sql.DB, id int) error {
			st, err := db.Prepare(w.insert())
			if err != nil {
				return err
			}
			defer st.Close()
			_, err = st.Exec(id, v, v)
			return err
		})
	}
}

// update assigns each value to a row of its own.
func (w *writer) update() {
	for i, v := range w.args {
		if i%4 != 1 {
			continue
		}
		query := fmt.Sprintf("UPDATE %s SET v = %s, x = NULL WHERE id = %s", w.table, w.mark(1), w.mark(2))
		w.id++
		w.pair.both(w.t, fmt.Sprintf("INSERT INTO %s (id) VALUES (%d)", w.table, w.id))
		w.compare("update", v, func(db *sql.DB) error {
			_, err := db.Exec(query, v, w.id)
			return err
		})
	}
}

func (w *writer) write(how string, v any, do func(db *sql.DB, id int) error) {
	w.id++
	id := w.id
	w.compare(how, v, func(db *sql.DB) error { return do(db, id) })
}

// compare runs do on both sides; they agree, or the encrypted side refuses
// what its documentation says. What is refused is taken out on the plain side.
func (w *writer) compare(how string, v any, do func(*sql.DB) error) {
	plain, sealed := do(w.pair.plain), do(w.pair.sealed)
	switch {
	case plain == nil && sealed == nil:
		w.kept++
	case plain != nil && sealed != nil:
		var te *logical.TypeError
		if !errors.As(sealed, &te) && plain.Error() != sealed.Error() {
			w.t.Errorf("%s %T(%.60v): refused with %v, want a *logical.TypeError", how, v, v, sealed)
		}
	default:
		var te *logical.TypeError
		if sealed != nil && errors.As(sealed, &te) && w.stricter != nil && w.stricter(w.decl, te.Problem, v) {
			if _, err := w.pair.plain.Exec(fmt.Sprintf("DELETE FROM %s WHERE id = %d", w.table, w.id)); err != nil {
				w.t.Fatal(err)
			}
			if how == "update" {
				w.pair.both(w.t, fmt.Sprintf("DELETE FROM %s WHERE id = %d", w.table, w.id))
			}
			return
		}
		w.t.Errorf("%s %T(%.60v): plain says %v, sealed says %v", how, v, v, plain, sealed)
		w.pair.both(w.t, fmt.Sprintf("DELETE FROM %s WHERE id = %d", w.table, w.id))
	}
}

// fewDestinations is the number of destinations that a short run takes.
const fewDestinations = 4

// destinations are what values are scanned into.
var destinations = []func() any{
	func() any { return new(any) },
	func() any { return new(sql.NullString) },
	func() any { return new(float64) },
	func() any { return new(time.Time) },
	func() any { return new(string) },
	func() any { return new([]byte) },
	func() any { return new(int64) },
	func() any { return new(int16) },
	func() any { return new(uint64) },
	func() any { return new(float32) },
	func() any { return new(bool) },
	func() any { return new(*string) },
	func() any { return new(*int64) },
	func() any { return new(*time.Time) },
	func() any { return new(sql.NullInt64) },
	func() any { return new(sql.NullFloat64) },
	func() any { return new(sql.NullBool) },
	func() any { return new(sql.NullTime) },
	func() any { return new(sql.Null[[]byte]) },
	func() any { return new(sql.RawBytes) },
}

func (x *types) destinations() []func() any {
	if x.short && !testenv.Long() {
		return destinations[:fewDestinations]
	}
	return destinations
}

// compareReads reads both tables in every way into every destination.
func compareReads(t *testing.T, p *pair, table string, into []func() any) {
	t.Helper()
	for _, dest := range into {
		kind := reflect.TypeOf(dest()).Elem()
		for name, query := range reads(p, table) {
			want, err := read(p.plain, dest, query)
			if err != nil {
				t.Fatalf("plain %s: %v", name, err)
			}
			got, err := read(p.sealed, dest, query)
			if err != nil {
				t.Errorf("%s into %v: %v", name, kind, err)
				continue
			}
			compareRows(t, name+" into "+kind.String(), want, got)
		}
	}
}

type query func(db *sql.DB) (*sql.Rows, error)

func reads(p *pair, table string) map[string]query {
	all := "SELECT id, v, x FROM " + table + " ORDER BY id"
	from := "SELECT id, v, x FROM " + table + " WHERE id >= " + p.mark(1) + " ORDER BY id"
	return map[string]query{
		"without arguments": func(db *sql.DB) (*sql.Rows, error) { return db.Query(all) },
		"with an argument":  func(db *sql.DB) (*sql.Rows, error) { return db.Query(from, 0) },
		"prepared": func(db *sql.DB) (*sql.Rows, error) {
			st, err := db.Prepare(from)
			if err != nil {
				return nil, err
			}
			defer st.Close() // database/sql waits for the rows
			return st.Query(0)
		},
		"star": func(db *sql.DB) (*sql.Rows, error) { return db.Query("SELECT * FROM " + table + " ORDER BY id") },
	}
}

// row is what one row gave: the value or the error of Scan.
type row struct {
	id  int64
	v   [2]any
	err string
}

func read(db *sql.DB, dest func() any, q query) ([]row, error) {
	rows, err := q(db)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []row
	for rows.Next() {
		var r row
		for i, width := range []int{1, 2} {
			v := dest()
			args := []any{&r.id, new(any), new(any)}
			args[width] = v
			if err := rows.Scan(args...); err != nil {
				r.err += err.Error() + "\n"
				continue
			}
			r.v[i] = kept(v)
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

// kept copies what is valid until the next row only.
func kept(v any) any {
	if raw, ok := v.(*sql.RawBytes); ok {
		if *raw == nil {
			return nil
		}
		return "raw " + string(*raw)
	}
	return reflect.ValueOf(v).Elem().Interface()
}

func compareRows(t *testing.T, what string, want, got []row) {
	t.Helper()
	if len(want) != len(got) {
		t.Errorf("%s: %d rows, want %d", what, len(got), len(want))
		return
	}
	for i := range want {
		w, g := want[i], got[i]
		if w.id != g.id || w.err != g.err || !same(w.v[0], g.v[0]) || !same(w.v[1], g.v[1]) {
			t.Errorf("%s: row %d is %#v (%s), want row %d %#v (%s)", what, g.id, g.v, g.err, w.id, w.v, w.err)
			return
		}
	}
}

// same is reflect.DeepEqual that knows NaN, of which there are many, and tells
// -0 from 0.
func same(a, b any) bool {
	if x, ok := a.(float64); ok {
		y, ok := b.(float64)
		return ok && (x != x && y != y || math.Float64bits(x) == math.Float64bits(y))
	}
	if x, ok := a.(sql.NullFloat64); ok {
		y, ok := b.(sql.NullFloat64)
		return ok && x.Valid == y.Valid && same(x.Float64, y.Float64)
	}
	if x, ok := a.(float32); ok {
		y, ok := b.(float32)
		return ok && (x != x && y != y || math.Float32bits(x) == math.Float32bits(y))
	}
	return reflect.DeepEqual(a, b)
}

// compareColumnTypes compares what is said of the result's columns before the
// first row and at some rows: SQLite's driver answers by the current row.
func compareColumnTypes(t *testing.T, p *pair, table string) {
	t.Helper()
	for name, q := range reads(p, table) {
		want, got := columnTypes(t, p.plain, q), columnTypes(t, p.sealed, q)
		for i := range want {
			if i >= len(got) || want[i] != got[i] {
				t.Errorf("%s: column types\n got %s\nwant %s", name, got[min(i, len(got)-1)], want[i])
				break
			}
		}
	}
}

func columnTypes(t *testing.T, db *sql.DB, q query) (out []string) {
	t.Helper()
	rows, err := q(db)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	describe := func() {
		types, err := rows.ColumnTypes()
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range types {
			out = append(out, describeColumn(c))
		}
	}
	describe()
	for n := 0; rows.Next(); n++ {
		if n%7 == 0 {
			describe()
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

func describeColumn(c *sql.ColumnType) string {
	length, hasLength := c.Length()
	precision, scale, hasPrecision := c.DecimalSize()
	nullable, hasNullable := c.Nullable()
	return fmt.Sprintf("%s %s %v length %d %v decimal (%d,%d) %v nullable %v %v", c.Name(), c.DatabaseTypeName(), c.ScanType(),
		length, hasLength, precision, scale, hasPrecision, nullable, hasNullable)
}

// checkSealed looks at the encrypted table through the plain driver: NULL, a
// record or an armoured record in every cell.
func checkSealed(t *testing.T, p *pair, table string) {
	t.Helper()
	rows, err := p.stored(t).Query("SELECT id, v, x FROM " + table)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var id int
		var v, x []byte
		if err := rows.Scan(&id, &v, &x); err != nil {
			t.Fatal(err)
		}
		if v != nil && (len(v) < 60 || v[0] != 0xf9) || x != nil && (len(x) < 80 || string(x[:4]) != "ss1.") {
			t.Errorf("row %d is not sealed", id)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}

// checkGuarded writes past the driver: CREATE TABLE through it made guards.
func checkGuarded(t *testing.T, p *pair, table string) {
	t.Helper()
	db := p.stored(t)
	for _, column := range []string{"v", "x"} {
		if _, err := db.Exec("UPDATE " + table + " SET " + column + " = 'written past the driver, in clear'"); err == nil {
			t.Errorf("%s.%s took plaintext", table, column)
		}
	}
}
