package reindex

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/sealsql/sealsql/driver"
	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/internal/indexmove"
	"github.com/sealsql/sealsql/lifecycle"
	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/schema"
)

// progress is where a pass goes on.
type progress struct {
	Table string            `json:"table"`
	After []lifecycle.Value `json:"after"`
	Seen  int               `json:"seen"`
}

// saveEvery is how often progress is written down.
const saveEvery = 15 * time.Second

// passed is what a pass over all rows found.
type passed struct {
	seen, written int
	lost          int // rows that somebody changed between reading and writing
	whole         bool
}

// pass compares the next index of every row with its value, and writes those
// that differ. It goes on where the last one was stopped.
func (m *Mover) pass(ctx context.Context) (p passed, err error) {
	if err := m.secrets(ctx); err != nil {
		return p, err
	}
	total := m.count(ctx)
	var from progress
	if len(m.state.Progress) > 0 && json.Unmarshal(m.state.Progress, &from) != nil {
		from = progress{}
	}
	p.whole, p.seen = from.Table == "", from.Seen
	skip := from.Table != ""
	for i := range m.tables {
		t := &m.tables[i]
		if skip && t.quoted != from.Table {
			continue
		}
		after := from.After
		if !skip {
			after = nil
		}
		skip = false
		if len(after) != 0 && len(after) != len(t.key) {
			after, p.whole = nil, true
		}
		if err := m.passTable(ctx, t, after, &p, total); err != nil {
			return p, err
		}
	}
	if skip { // the table is gone
		m.state.Progress = nil
		return m.pass(ctx)
	}
	return p, m.save(ctx, nil, true)
}

func (m *Mover) passTable(ctx context.Context, t *table, after []lifecycle.Value, p *passed, total int) error {
	for {
		began := time.Now()
		rows, err := m.read(ctx, m.DB, t, after, "")
		if err != nil {
			return err
		}
		written, lost, err := m.write(ctx, t, rows)
		if err != nil {
			return err
		}
		p.seen, p.written, p.lost = p.seen+len(rows), p.written+written, p.lost+lost
		if m.Progress != nil {
			m.Progress(p.seen, p.written, total)
		}
		if len(rows) < m.Chunk {
			return nil
		}
		after = after[:0:0]
		for _, k := range rows[len(rows)-1].key {
			after = append(after, lifecycle.Value{V: k})
		}
		if err := m.save(ctx, &progress{t.quoted, after, p.seen}, false); err != nil {
			return err
		}
		if err := m.stop("in a pass"); err != nil {
			return err
		}
		if err := m.throttle(ctx, len(rows), began); err != nil {
			return err
		}
	}
}

// throttle waits so long that the rate is kept.
func (m *Mover) throttle(ctx context.Context, rows int, began time.Time) error {
	wait := m.Pause
	if m.Rate > 0 {
		wait = max(wait, time.Duration(float64(rows)/float64(m.Rate)*float64(time.Second))-time.Since(began))
	}
	return sleep(ctx, wait)
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}

// save writes progress down, from time to time; nil is the end of a pass.
func (m *Mover) save(ctx context.Context, p *progress, end bool) error {
	if end && len(m.state.Progress) == 0 || !end && time.Since(m.saved) < saveEvery || m.state.Seq >= envelope.MaxIndexNotes-100 {
		return nil
	}
	m.saved = time.Now()
	next := indexmove.State{Step: m.state.Step, Since: m.state.Since}
	if p != nil {
		b, err := json.Marshal(p)
		if err != nil {
			return err
		}
		next.Progress = b
	}
	st, err := indexmove.Store(ctx, m.Sealer, m.Move, m.state, next)
	if err != nil {
		return err
	}
	m.state = st
	return nil
}

// count is about how many rows there are; 0 where that cannot be told.
func (m *Mover) count(ctx context.Context) int {
	total := 0
	for i := range m.tables {
		var n int
		if m.DB.QueryRowContext(ctx, "SELECT count(*) FROM "+m.tables[i].quoted).Scan(&n) != nil {
			return 0
		}
		total += n
	}
	return total
}

// cells are those of a row that a pass reads.
type cells struct {
	key, values []any
	driver.StoredRow
}

// querier is a pool, a connection or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// read reads the next rows by their key, or those that a condition chooses.
func (m *Mover) read(ctx context.Context, q querier, t *table, after []lifecycle.Value, where string) (out []cells, err error) {
	cols := append([]string{}, t.key...)
	cols = append(append(cols, m.quotedValues()...), m.to())
	at := len(cols) - 1 // of the index
	extra := map[string]int{}
	for name, column := range map[string]string{"partition": partitionColumn(m.column().Table), "row": m.rowColumn()} {
		if column != "" {
			extra[name] = len(cols)
			cols = append(cols, m.Front.QuoteIdent(column))
		}
	}
	query, args := "SELECT "+strings.Join(cols, ", ")+" FROM "+t.quoted, []any{}
	key := strings.Join(t.key, ", ")
	switch {
	case where != "":
		query += " WHERE " + where
	case len(after) > 0:
		var holders []string
		for _, v := range after {
			args = append(args, v.V)
			holders = append(holders, m.holder(len(args)))
		}
		query += fmt.Sprintf(" WHERE (%s) > (%s)", key, strings.Join(holders, ", "))
	}
	args = append(args, m.Chunk)
	query += " ORDER BY " + key + " LIMIT " + m.holder(len(args))
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		vals := make([]any, len(cols))
		dest := make([]any, len(cols))
		for i := range vals {
			dest[i] = &vals[i]
		}
		if err := rows.Scan(dest...); err != nil {
			return nil, err
		}
		n := len(t.key)
		r := cells{key: vals[:n], values: vals[n:at], StoredRow: driver.StoredRow{Index: vals[at]}}
		if r.Record = vals[n]; m.Move.Kind == "compound" {
			r.Record, r.Parts = nil, r.values
		}
		if at, ok := extra["partition"]; ok {
			r.Partition = vals[at]
		}
		if at, ok := extra["row"]; ok {
			r.Row = vals[at]
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

func partitionColumn(t *schema.Table) string {
	if t.Partition.Kind == schema.PartitionColumn {
		return t.Partition.Column
	}
	return ""
}

// rowColumn is the identity to which a value that is read is bound.
func (m *Mover) rowColumn() string {
	t := m.column().Table
	for _, name := range m.values() {
		if c := t.Column(name); c != nil && c.BindsRow() {
			return t.Row.Column
		}
	}
	return ""
}

func (m *Mover) holder(n int) string {
	if m.is(rewrite.Postgres) {
		return "$" + strconv.Itoa(n)
	}
	return "?"
}

// change is an index that is to be written.
type change struct {
	row  *cells
	want any
}

// write computes the indexes of rows and writes those that are not right, in one
// transaction. A row whose value is another one by then is left alone.
func (m *Mover) write(ctx context.Context, t *table, rows []cells) (written, lost int, err error) {
	var changes []change
	for i := range rows {
		want, right, err := m.compute(ctx, &rows[i])
		if errors.Is(err, envelope.ErrIndexKey) {
			// A program without the next index has made the partition since the
			// pass began.
			if err := m.secrets(ctx); err != nil {
				return 0, 0, err
			}
			want, right, err = m.compute(ctx, &rows[i])
		}
		if err != nil {
			return 0, 0, m.rowFault(t, &rows[i], err)
		}
		if !right {
			changes = append(changes, change{&rows[i], want})
		}
	}
	if len(changes) == 0 {
		return 0, 0, nil
	}
	for try := 0; ; try++ {
		written, lost, err = m.apply(ctx, t, changes)
		if err == nil || try == writeTries || ctx.Err() != nil {
			return written, lost, err
		}
		// A deadlock or a busy database; what it is the next try says.
		if err := sleep(ctx, time.Duration(try+1)*50*time.Millisecond); err != nil {
			return 0, 0, err
		}
	}
}

const writeTries = 5

// compute computes the next index of a row.
func (m *Mover) compute(ctx context.Context, r *cells) (want any, right bool, err error) {
	return m.fill.Index(ctx, r.StoredRow)
}

// rowFault names a row by its key.
func (m *Mover) rowFault(t *table, r *cells, err error) error {
	return fmt.Errorf("%s, row %s: %w", t.rel.ID.Name, keyText(r.key), err)
}

// keyText writes the key of a row for people.
func keyText(key []any) string {
	var parts []string
	for _, k := range key {
		if b, ok := k.([]byte); ok {
			k = fmt.Sprintf("%q", b)
		}
		parts = append(parts, fmt.Sprint(k))
	}
	return "(" + strings.Join(parts, ", ") + ")"
}

func (m *Mover) apply(ctx context.Context, t *table, changes []change) (written, lost int, err error) {
	tx, err := m.DB.BeginTx(ctx, nil)
	if err != nil {
		return 0, 0, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, tx.Rollback())
		}
	}()
	if written, lost, err = m.update(ctx, tx, t, changes); err != nil {
		return 0, 0, err
	}
	if err = m.stop("in a chunk"); err != nil {
		return 0, 0, err
	}
	return written, lost, tx.Commit()
}

func (m *Mover) update(ctx context.Context, q querier, t *table, changes []change) (written, lost int, err error) {
	for _, c := range changes {
		args := []any{c.want}
		query := "UPDATE " + t.quoted + " SET " + m.to() + " = " + m.holder(1)
		for _, k := range t.keep {
			query += ", " + k + " = " + k
		}
		query += " WHERE "
		for i, k := range t.key {
			args = append(args, c.row.key[i])
			query += k + " = " + m.holder(len(args)) + " AND "
		}
		same := m.unchanged(c.row, &args)
		res, err := q.ExecContext(ctx, query+same, args...)
		if err != nil {
			return 0, 0, m.duplicate(t, c.row, err)
		}
		if n, err := res.RowsAffected(); err == nil && n == 0 {
			lost++
			continue
		}
		written++
	}
	return written, lost, nil
}

// unchanged is the condition that a row is as it was read. Columns of a compound
// index may be of types that equal no literal of theirs (FLOAT on MySQL), so that the
// index is compared as well: whoever writes it has changed it then.
func (m *Mover) unchanged(row *cells, args *[]any) string {
	cols, vals := m.quotedValues(), row.values
	if m.Move.Kind == "compound" {
		cols, vals = append(cols, m.to()), append(vals[:len(vals):len(vals)], row.Index)
	}
	var conds []string
	for i, col := range cols {
		switch {
		case vals[i] == nil:
			conds = append(conds, col+" IS NULL")
		case m.unequal(i):
		default:
			*args = append(*args, vals[i])
			conds = append(conds, col+" = "+m.holder(len(*args)))
		}
	}
	return strings.Join(conds, " AND ")
}

// unequal reports a part of a compound index whose values the server does not find
// equal to what it returns of them.
func (m *Mover) unequal(i int) bool {
	x, ok := m.Move.Index().(*schema.Compound)
	return ok && m.is(rewrite.MySQL) && i < len(x.Parts) && x.Parts[i].Of == nil && x.Parts[i].Type.Kind == schema.KindFloat
}

// duplicate keeps the values out of errors of the database: PostgreSQL shows
// them in its details only, which are not in its message.
func (m *Mover) duplicate(t *table, r *cells, err error) error {
	return fmt.Errorf("%s, row %s: the index cannot be written: %w", t.rel.ID.Name, keyText(r.key), err)
}
