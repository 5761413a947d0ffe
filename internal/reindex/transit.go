package reindex

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sealsql/sealsql/internal/indexmove"
	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/schema"
)

// What differs where an index is added to stored rows, or dropped: the marks of
// package rewrite (FillMark, DropMark) in the table.

// fillMark is what stands behind the column of an index that is added.
func (m *Mover) fillMark() string {
	if !m.adding() {
		return ""
	}
	name, check := rewrite.FillMark(m.Front, m.Move.To)
	clause := "CONSTRAINT " + m.Front.QuoteIdent(name) + " CHECK (" + check + ")"
	if m.is(rewrite.MySQL) {
		return ", ADD " + clause
	}
	return " " + clause
}

// unmark takes that mark away when the index is live.
func (m *Mover) unmark(ctx context.Context) error {
	if !m.adding() || m.state.Step != indexmove.Live {
		return nil
	}
	if err := m.look(ctx); err != nil {
		return err
	}
	name, _ := rewrite.FillMark(m.Front, m.Move.To)
	for i := range m.tables {
		if err := m.dropConstraint(ctx, &m.tables[i], name); err != nil {
			return err
		}
	}
	return m.look(ctx)
}

// gone reports an index that was added and is not there any more.
func (m *Mover) gone() bool {
	if !m.adding() || m.state.Step != indexmove.Live {
		return false
	}
	for i := range m.tables {
		if column(m.tables[i].rel, m.Move.To.Physical()) != nil {
			return false
		}
	}
	return true
}

// forget takes back what another move of the same index has left, in whose state
// programs would believe: that it is live, or that it is not written.
func (m *Mover) forget(ctx context.Context, other schema.Move) error {
	if other.From != nil && other.To != nil || !m.adding() && !m.dropping() {
		return nil
	}
	st, err := indexmove.Load(ctx, m.Sealer, other)
	if err != nil || st.Step == "" || st.Step == indexmove.Aborted {
		return err
	}
	_, err = indexmove.Store(ctx, m.Sealer, other, st, indexmove.State{Step: indexmove.Aborted, Since: time.Now().Unix()})
	return err
}

func isUnique(x schema.Index) bool {
	switch x := x.(type) {
	case *schema.Equality:
		return x.Unique != schema.NotUnique
	case *schema.Compound:
		return x.Unique
	}
	return true
}

// firstKey makes the unique key of an index that is added and is declared unique:
// over the index, with the partition column where that is another for each row.
func (m *Mover) firstKey(ctx context.Context, t *table) (bool, error) {
	switch m.Move.To.(type) {
	case *schema.Equality, *schema.Compound:
	default:
		return false, nil
	}
	if !m.adding() || !isUnique(m.Move.To) {
		return false, nil
	}
	set := []string{m.Move.To.Physical()}
	if in := partitionColumn(m.column().Table); in != "" && !m.Move.To.AllPartitions() {
		set = []string{in, m.Move.To.Physical()}
	}
	if hasKey(t.rel, set) {
		return set[0] == m.Move.To.Physical(), nil
	}
	return set[0] == m.Move.To.Physical(), m.unique(ctx, t, set)
}

// drop drops an index that the configuration declares as being dropped: programs
// that search it are stopped by a mark in the table; then programs stop writing it,
// and when that is certain its column goes.
func (m *Mover) drop(ctx context.Context) error {
	switch m.state.Step {
	case "", indexmove.Aborted, indexmove.Finished:
		there := false
		for i := range m.tables {
			there = there || column(m.tables[i].rel, m.Move.From.Physical()) != nil
		}
		if m.state.Step == indexmove.Finished && (!there || !m.stillGuarded()) {
			return m.dropLater(ctx, m.Move.From)
		}
		if !there {
			return fmt.Errorf("the table has no column %s", m.Move.From.Physical())
		}
		if err := errors.Join(m.movable(ctx), m.mark(ctx)); err != nil {
			return err
		}
		if err := m.step(ctx, indexmove.Guarded); err != nil {
			return err
		}
	}
	if m.state.Step == indexmove.Guarded {
		if err := m.noticed(ctx, "that search the index to notice the mark"); err != nil {
			return err
		}
		if err := m.drain(ctx); err != nil {
			return err
		}
		for i := range m.tables {
			if err := m.dropGuard(ctx, &m.tables[i], m.Move.From); err != nil {
				return err
			}
		}
		if err := m.forget(ctx, schema.Move{Kind: m.Move.Kind, To: m.Move.From}); err != nil {
			return err
		}
		if err := m.step(ctx, indexmove.Finished); err != nil {
			return err
		}
	}
	return m.dropLater(ctx, m.Move.From)
}

// stillGuarded reports that every table has the guard of the index that is dropped.
func (m *Mover) stillGuarded() bool {
	return !slices.ContainsFunc(m.tables, func(t table) bool { return !rewrite.IndexGuarded(t.rel, m.Move.From) })
}

// mysqlMarks are the actions that drop the marks of an index with its column:
// MySQL drops no column that a CHECK names.
func (m *Mover) mysqlMarks(ctx context.Context, t *table, x schema.Index) (out []string, err error) {
	fill, _ := rewrite.FillMark(m.Front, x)
	drop, _ := rewrite.DropMark(m.Front, x)
	for _, name := range []string{fill, drop} {
		there, err := m.hasConstraint(ctx, t, name)
		if err != nil {
			return nil, err
		}
		if there {
			out = append(out, "DROP CONSTRAINT "+m.Front.QuoteIdent(name))
		}
	}
	return out, nil
}

// mark puts the mark of an index that is dropped into its tables.
func (m *Mover) mark(ctx context.Context) error {
	name, check := rewrite.DropMark(m.Front, m.Move.From)
	for i := range m.tables {
		t := &m.tables[i]
		if rewrite.HasMark(t.rel, m.Move.From) {
			continue
		}
		clause := "CONSTRAINT " + m.Front.QuoteIdent(name) + " CHECK (" + check + ")"
		alter := "ALTER TABLE " + t.quoted + " ADD " + clause
		switch m.Front.Dialect() {
		case rewrite.Postgres:
			alter += " NOT VALID"
		case rewrite.SQLite:
			if err := m.addSQLite(ctx, t, alter, clause); err != nil {
				return err
			}
			continue
		}
		if err := m.run(ctx, alter); err != nil {
			return err
		}
	}
	return m.look(ctx)
}

// keep gives dropping up, which is possible until programs stop writing the index.
func (m *Mover) keep(ctx context.Context) error {
	if m.state.Step == indexmove.Finished {
		return errors.New("programs do not write the index any more: finish, then add it again")
	}
	if m.state.Step == indexmove.Guarded && !m.stillGuarded() {
		return errors.New("a table has no guard of the index any more: finish, then add it again")
	}
	name, _ := rewrite.DropMark(m.Front, m.Move.From)
	for i := range m.tables {
		if err := m.dropConstraint(ctx, &m.tables[i], name); err != nil {
			return err
		}
	}
	if m.state.Step == indexmove.Aborted {
		return nil
	}
	return m.step(ctx, indexmove.Aborted)
}
