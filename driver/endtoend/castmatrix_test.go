package endtoend_test

import (
	"database/sql"
	"errors"
	"fmt"
	"hash/fnv"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/internal/testenv"
	"github.com/sealsql/sealsql/rewrite"
)

// castMatrix is one run of TestExpressionsStoreWhatThePlainDatabaseStores: each
// form is written around each value, as literal and as argument, and stored in a
// column of each type.
type castMatrix struct {
	flavour
	declarations []string
	// forms have %s where the value stands, once or more; the argument is then
	// bound as often.
	forms    []string
	literals []string
	args     []any
	// undone makes each statement a transaction of its own, since an error ends
	// one.
	undone bool
	// sample is the share of the cases that a short run takes, one in so many.
	sample uint32
}

// shapes are the places in which a value is stored. %[1]s is the table, %[2]d the
// id of the row, %[3]s the value.
var shapes = []string{
	"INSERT INTO %[1]s (id, v) VALUES (%[2]d, %[3]s)",
	"INSERT INTO %[1]s (id, v) SELECT %[2]d, %[3]s",
	"UPDATE %[1]s SET v = %[3]s WHERE id = %[2]d",
	"INSERT INTO %[1]s (id, v) VALUES (%[2]d, %[3]s), (-%[2]d, %[3]s)",
}

const updateShape = 2

// castTotals counts what became of a form; lost is the part of what is refused that
// the plain driver stores.
type castTotals struct{ same, failed, refused, lost, differ int }

func (m *castMatrix) run(t *testing.T) {
	var b strings.Builder
	b.WriteString(head + "metastore: memory\nguards: off\ntables:\n")
	for i, decl := range m.declarations {
		fmt.Fprintf(&b, "  %st%d: {columns: {v: {type: %q}}}\n", here, i, decl)
	}
	p := m.open(t, b.String())
	totals := map[string]*castTotals{}
	for i, decl := range m.declarations {
		if only := os.Getenv("CASTS"); only != "" && only != decl {
			continue
		}
		t.Run(decl, func(t *testing.T) {
			table := fmt.Sprintf("t%d", i)
			p.both(t, fmt.Sprintf("CREATE TABLE %s (id int PRIMARY KEY, v %s)", table, decl))
			r := &castRun{castMatrix: m, t: t, p: p, decl: decl, table: table, totals: totals}
			r.all()
		})
	}
	m.report(t, totals)
}

func (m *castMatrix) report(t *testing.T, totals map[string]*castTotals) {
	forms := make([]string, 0, len(totals))
	var sum castTotals
	for f, o := range totals {
		forms = append(forms, f)
		sum.same, sum.failed, sum.refused, sum.lost, sum.differ = sum.same+o.same, sum.failed+o.failed, sum.refused+o.refused, sum.lost+o.lost, sum.differ+o.differ
	}
	slices.Sort(forms)
	for _, f := range forms {
		t.Logf("%-60s %+v", f, *totals[f])
	}
	t.Logf("all: %+v", sum)
	if sum.same == 0 {
		t.Error("nothing was stored: the test compares nothing")
	}
}

// castRun is the part of a matrix for one column.
type castRun struct {
	*castMatrix
	t           *testing.T
	p           *pair
	decl, table string
	totals      map[string]*castTotals
	plain       statements
	sealed      statements
	id          int
	cases       map[int]castCase
}

type statements interface {
	Exec(query string, args ...any) (sql.Result, error)
}

type castCase struct {
	form, text string
	arg        any
}

func (r *castRun) all() {
	r.cases = map[int]castCase{}
	r.plain, r.sealed = r.p.plain, r.p.sealed
	if !r.undone {
		plain, err := r.p.plain.Begin()
		if err != nil {
			r.t.Fatal(err)
		}
		sealed, err := r.p.sealed.Begin()
		if err != nil {
			r.t.Fatal(err)
		}
		defer func() {
			if err := errors.Join(plain.Commit(), sealed.Commit()); err != nil {
				r.t.Fatal(err)
			}
			r.compare()
		}()
		r.plain, r.sealed = plain, sealed
	} else {
		defer r.compare()
	}
	for _, form := range r.forms {
		for _, lit := range r.literals {
			r.one(form, strings.ReplaceAll(form, "%s", lit), nil, 0)
		}
		marks := strings.Count(form, "%s")
		for _, arg := range r.args {
			text := form
			for n := 1; n <= marks; n++ {
				text = strings.Replace(text, "%s", r.mark(n), 1)
			}
			r.one(form, text, arg, marks)
		}
	}
}

// taken chooses the cases of a short run.
func (r *castRun) taken(text string, arg any) bool {
	if testenv.Long() || r.sample <= 1 || os.Getenv("CASTS") != "" {
		return true
	}
	h := fnv.New32a()
	fmt.Fprintf(h, "%s\x00%s\x00%T%v", r.decl, text, arg, arg)
	return h.Sum32()%r.sample == 0
}

func (r *castRun) one(form, text string, arg any, marks int) {
	if !r.taken(text, arg) {
		return
	}
	r.id++
	shape := 0
	if r.id%5 == 0 {
		shape = r.id / 5 % len(shapes)
	}
	var args []any
	for range marks {
		args = append(args, arg)
	}
	query := fmt.Sprintf(shapes[shape], r.table, r.id, text)
	if shape == len(shapes)-1 && marks > 0 {
		query = fmt.Sprintf("INSERT INTO %s (id, v) VALUES (%d, %s), (-%d, NULL)", r.table, r.id, text, r.id)
	}
	if shape == updateShape {
		r.both(fmt.Sprintf("INSERT INTO %s (id) VALUES (%d)", r.table, r.id))
	}
	o := r.totals[form]
	if o == nil {
		o = &castTotals{}
		r.totals[form] = o
	}
	_, plain := r.plain.Exec(query, args...)
	_, sealed := r.sealed.Exec(query, args...)
	r.cases[r.id] = castCase{form, query, arg}
	switch {
	case plain == nil && sealed == nil:
		o.same++
	case sealed != nil && refusal(sealed):
		if o.refused++; plain == nil {
			o.lost++
			if shape == updateShape {
				r.both(fmt.Sprintf("UPDATE %s SET v = NULL WHERE id = %d", r.table, r.id))
			} else if _, err := r.plain.Exec(fmt.Sprintf("DELETE FROM %s WHERE id IN (%d, -%d)", r.table, r.id, r.id)); err != nil {
				r.t.Fatal(err)
			}
		}
	case plain != nil && sealed != nil:
		o.failed++
	case sealed == nil && blanksBehind(plain, arg):
		o.failed++
		r.both(fmt.Sprintf("DELETE FROM %s WHERE id IN (%d, -%d)", r.table, r.id, r.id))
	default:
		o.differ++
		r.t.Errorf("%s with %T(%.60v): plain says %v, sealed says %v", query, arg, arg, plain, sealed)
		r.both(fmt.Sprintf("DELETE FROM %s WHERE id IN (%d, -%d)", r.table, r.id, r.id))
	}
}

// blanksBehind reports blanks behind a number, which MySQL itself takes where the value
// stands alone and not in a form. The driver takes them in both.
func blanksBehind(plain error, arg any) bool {
	const truncated = 1265
	var e *mysql.MySQLError
	text, ok := arg.(string)
	return ok && strings.HasSuffix(text, " ") && errors.As(plain, &e) && e.Number == truncated && testenv.IsMySQL()
}

func (r *castRun) both(query string) {
	for _, x := range []statements{r.plain, r.sealed} {
		if _, err := x.Exec(query); err != nil {
			r.t.Fatalf("%s: %v", query, err)
		}
	}
}

// refusal reports an error that says that the driver did not send the statement.
func refusal(err error) bool {
	var u *rewrite.UnsupportedError
	var te *logical.TypeError
	return errors.As(err, &u) || errors.As(err, &te)
}

// compare reads all rows on both sides.
func (r *castRun) compare() {
	dest := func() any { return new(any) }
	query := func(db *sql.DB) (*sql.Rows, error) {
		return db.Query("SELECT id, v, v FROM " + r.table + " ORDER BY id")
	}
	want, err := read(r.p.plain, dest, query)
	if err != nil {
		r.t.Fatal(err)
	}
	got, err := read(r.p.sealed, dest, query)
	if err != nil {
		r.t.Fatal(err)
	}
	if len(want) != len(got) {
		r.t.Fatalf("%d rows, want %d", len(got), len(want))
	}
	for i := range want {
		w, g := want[i], got[i]
		if w.id == g.id && w.err == g.err && same(w.v[0], g.v[0]) {
			continue
		}
		c := r.cases[int(max(w.id, -w.id))]
		r.totals[c.form].differ++
		r.t.Errorf("%s with %T(%.60v): row %d is %#v %s, want row %d %#v %s", c.text, c.arg, c.arg, g.id, g.v[0], g.err, w.id, w.v[0], w.err)
	}
}
