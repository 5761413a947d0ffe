package fuzzsql_test

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"reflect"
	"runtime/debug"
	"slices"
	"sort"
	"strings"
	"time"

	plainmysql "github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/pgconn"
	plainsqlite "modernc.org/sqlite"

	"github.com/sealsql/sealsql"
	"github.com/sealsql/sealsql/rewrite"
)

// answer is what a program sees of a statement.
type answer struct {
	columns  []string
	rows     [][]any
	affected int64
}

func run(c *sql.Conn, st statement) (*answer, error) {
	// No deadline: drivers watch contexts that end, which costs more than the
	// statement. The watch of the world sees to it.
	ctx := contextOf(st)
	query := func() (*sql.Rows, error) { return c.QueryContext(ctx, st.text, st.args...) }
	exec := func() (sql.Result, error) { return c.ExecContext(ctx, st.text, st.args...) }
	if st.prepared {
		p, err := c.PrepareContext(ctx, st.text)
		if err != nil {
			return nil, err
		}
		defer p.Close()
		query = func() (*sql.Rows, error) { return p.QueryContext(ctx, st.args...) }
		exec = func() (sql.Result, error) { return p.ExecContext(ctx, st.args...) }
	}
	a := &answer{}
	if !st.rows {
		res, err := exec()
		if err != nil {
			return nil, err
		}
		a.affected, err = res.RowsAffected()
		return a, err
	}
	rows, err := query()
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	if a.columns, err = rows.Columns(); err != nil {
		return nil, err
	}
	for rows.Next() {
		row := make([]any, len(a.columns))
		dest := make([]any, len(row))
		for i := range row {
			dest[i] = &row[i]
		}
		if err := rows.Scan(dest...); err != nil {
			return nil, err
		}
		a.rows = append(a.rows, row)
	}
	return a, rows.Err()
}

// verdict of one statement.
type verdict struct {
	executed bool
	refused  rewrite.Reason
	typed    string // another typed error, raised before anything was sent
	diverged bool   // the tables are no longer alike, for a reason that is known
	failed   bool   // the same error on both sides
	problem  string // what is wrong; "" is fine
}

// check runs a statement on the sealed side, and unless it is refused there, on
// the plain side.
func (p *pair) check(st statement) (v verdict) {
	defer func() {
		// database/sql may hold locks for ever now, so nothing can be closed.
		if r := recover(); r != nil {
			fmt.Fprintf(os.Stderr, "panic: %v\n%s\n%v\n%s", r, st.text, st.args, debug.Stack())
			os.Exit(2)
		}
	}()
	if p.unanswered(st) {
		v.typed = "not answered by MySQL"
		return v
	}
	p.running.Store(&started{st, time.Now()})
	defer p.running.Store(nil)
	p.sent.Take()
	got, err := run(p.sealed, st)
	if m := leaked(p.sent.Take()); m != "" {
		v.problem = "the mark " + m + " was sent in clear"
		return v
	}
	if p.misnamed(err) {
		v.typed = "misnamed by MySQL"
		return v
	}
	if err != nil {
		if leaked([]byte(err.Error())) != "" && !fromServer(err) {
			v.problem = "the error holds a value: " + err.Error()
			return v
		}
		if v.own(err, st) {
			return v
		}
	}
	other := st
	if st.plain != nil {
		other = *st.plain
	}
	want, wantErr := run(p.plain, other)
	switch {
	case err != nil && wantErr != nil:
		v.failed = true
		if a, b := class(err), class(wantErr); a != b && !sameFailure(a, b) && !p.tooNarrow(wantErr) && !(strings.Contains(st.text, "MERGE") && sameMerge(a, b)) {
			v.problem = fmt.Sprintf("error %s (%v), the plain driver's is %s (%v)", a, err, b, wantErr)
		}
	case err != nil:
		v.problem = fmt.Sprintf("error where the plain driver has none: %v", err)
	case wantErr != nil && class(wantErr) == "0A000" && strings.Contains(st.text, "FOR UPDATE") && len(got.rows) == 0:
		v.failed = true // the look-up found no rows to lock, and the statement was not sent
	case p.tooNarrow(wantErr):
		v.failed, v.diverged = true, true
	case wantErr != nil:
		v.problem = fmt.Sprintf("no error where the plain driver has one: %v", wantErr)
	default:
		v.executed = true
		v.problem = p.differ(got, want, st)
	}
	return v
}

// own recognises errors of the driver that are raised before anything is sent.
func (v *verdict) own(err error, st statement) bool {
	var u *rewrite.UnsupportedError
	if errors.As(err, &u) {
		v.refused = u.Reason
		if u.Reason == rewrite.ReasonVerify || u.Reason == rewrite.ReasonParser || u.Reason == rewrite.ReasonCatalog {
			v.problem = "refused for a fault of ours: " + err.Error()
		}
		return true
	}
	var c *sealsql.ColumnError
	if errors.As(err, &c) {
		v.typed = c.Op
		// A range takes values of the column's own kind, and SQLite casts to another.
		cast := c.Op == "index" && strings.Contains(st.text, "CAST(")
		// A range answers LIKE for beginnings no longer than its prefix, alone.
		pattern := c.Op == "index" && strings.Contains(st.text, "LIKE")
		if c.Op != "seal" && c.Op != "partition" && !cast && !pattern {
			v.problem = "a value that was stored does not open: " + err.Error()
		}
		return true
	}
	for name, class := range map[string]error{"partition missing": sealsql.ErrPartitionMissing, "partition mismatch": sealsql.ErrPartitionMismatch, "too long": sealsql.ErrTooLong} {
		if errors.Is(err, class) {
			v.typed = name
			return true
		}
	}
	for _, class := range []error{sealsql.ErrCatalogChanged, sealsql.ErrPlaintextBlocked, sealsql.ErrSetup, sealsql.ErrTampered, sealsql.ErrNotSealed} {
		if errors.Is(err, class) {
			v.problem = "error of the driver: " + err.Error()
			return true
		}
	}
	return false
}

func fromServer(err error) bool {
	var pg *pgconn.PgError
	var my *plainmysql.MySQLError
	var lite *plainsqlite.Error
	return errors.As(err, &pg) || errors.As(err, &my) || errors.As(err, &lite)
}

// class is the engine's number of an error.
func class(err error) string {
	var pg *pgconn.PgError
	var my *plainmysql.MySQLError
	var lite *plainsqlite.Error
	switch {
	case errors.As(err, &pg):
		return pg.Code
	case errors.As(err, &my):
		return fmt.Sprint(my.Number)
	case errors.As(err, &lite):
		return fmt.Sprint(lite.Code())
	}
	return "client"
}

// sameFailure forgives two errors of one statement: which of several faults an
// engine meets first is not promised, as among PostgreSQL's class 42. A wrong
// number of values is counted here before PostgreSQL does it (08P01).
func sameFailure(got, want string) bool {
	faulty := func(code string) bool { return len(code) == 5 && code[:2] == "42" }
	return got == "client" && want == "08P01" || faulty(got) && faulty(want)
}

// sameMerge forgives two errors of one MERGE: a source with two rows for one of the
// target, and with one that is there already. PostgreSQL joins the tables in any order.
func sameMerge(got, want string) bool {
	faulty := func(code string) bool { return code == "21000" || code == "23505" }
	return faulty(got) && faulty(want)
}

// differ compares answers.
func (p *pair) differ(got, want *answer, st statement) string {
	if p.w.dialect == rewrite.MySQL && len(want.columns)+len(got.rows) == 0 {
		return "" // MariaDB: RETURNING of a condition that cannot be has no columns
	}
	if !slices.EqualFunc(got.columns, want.columns, p.sameLabel) {
		return fmt.Sprintf("columns %q, want %q", got.columns, want.columns)
	}
	if st.explain {
		return ""
	}
	if got.affected != want.affected && !p.recounted(got, want, st) {
		return fmt.Sprintf("%d rows affected, want %d", got.affected, want.affected)
	}
	if len(got.rows) != len(want.rows) {
		return fmt.Sprintf("%d rows, want %d", len(got.rows), len(want.rows))
	}
	if st.folded {
		fold(got.rows)
		fold(want.rows)
	}
	problem := differentRows(got.rows, want.rows)
	if problem != "" && !st.total {
		problem = differentRows(sorted(got.rows), sorted(want.rows))
	}
	return problem
}

func differentRows(g, w [][]any) string {
	for i := range g {
		for k := range g[i] {
			if !same(g[i][k], w[i][k]) {
				return fmt.Sprintf("row %d, column %d: %s, want %s", i, k, show(g[i][k]), show(w[i][k]))
			}
		}
	}
	return ""
}

// fold writes texts without case.
func fold(rows [][]any) {
	for _, r := range rows {
		for k, v := range r {
			switch x := v.(type) {
			case string:
				r[k] = strings.ToLower(x)
			case []byte:
				r[k] = bytes.ToLower(x)
			}
		}
	}
}

// recounted forgives MySQL's count of an upsert: two for a row that changed, as a
// value that is stored again does behind the encrypting driver, one for others.
func (p *pair) recounted(got, want *answer, st statement) bool {
	return p.w.dialect == rewrite.MySQL && strings.Contains(st.text, "ON DUPLICATE KEY") && want.affected < got.affected && got.affected <= 2*want.affected
}

// sameLabel compares two labels. Where go-sql-driver writes arguments into the
// text, the label of an item that was edited keeps its placeholders.
func (p *pair) sameLabel(got, want string) bool {
	return got == want || strings.Contains(p.mode, "interpolateParams") && strings.Contains(got, "?")
}

func show(v any) string {
	if b, ok := v.([]byte); ok {
		return fmt.Sprintf("[]byte(%q)", b)
	}
	return fmt.Sprintf("%T(%q)", v, fmt.Sprint(v))
}

func same(a, b any) bool {
	if x, ok := a.(time.Time); ok {
		y, ok := b.(time.Time)
		return ok && x.Equal(y) && x.String() == y.String()
	}
	if x, ok := a.([]byte); ok {
		y, ok := b.([]byte)
		return ok && bytes.Equal(x, y) && (x == nil) == (y == nil)
	}
	return reflect.DeepEqual(a, b)
}

func sorted(rows [][]any) [][]any {
	type keyed struct {
		key string
		row []any
	}
	list := make([]keyed, len(rows))
	for i, r := range rows {
		var b strings.Builder
		for _, v := range r {
			b.WriteString(show(v))
			b.WriteByte(0)
		}
		list[i] = keyed{b.String(), r}
	}
	sort.Slice(list, func(i, j int) bool { return list[i].key < list[j].key })
	out := make([][]any, len(rows))
	for i := range list {
		out[i] = list[i].row
	}
	return out
}

// compareTables compares all that is stored, and what indexes find of it.
func (p *pair) compareTables(count func(verdict)) string {
	for _, t := range p.w.tables {
		key := "id"
		if t.tenant {
			key = "tenant, id"
		}
		st := statement{text: "SELECT * FROM " + t.name + " ORDER BY " + key, rows: true, total: true}
		if v := p.check(st); v.problem != "" || !v.executed {
			return fmt.Sprintf("%s: %+v", st.text, v)
		}
	}
	return p.sweep(count)
}
