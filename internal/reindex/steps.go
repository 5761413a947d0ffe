package reindex

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/internal/indexmove"
	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/schema"
)

// Fill begins the move, where it is not begun, and fills the next index until a
// pass over all rows finds nothing to write. Programs on the old configuration
// may go on writing; what they write after a pass is left to CutOver, and Fill
// ends where passes find no less. Where another process is at work on the index it
// returns ErrBusy, as all steps do.
func (m *Mover) Fill(ctx context.Context) error { return m.alone(ctx, m.filled) }

func (m *Mover) filled(ctx context.Context) error {
	if m.dropping() {
		return errors.New("the index is being dropped: there is nothing to fill; run sealsql reindex --finish")
	}
	if err := m.begin(ctx); err != nil {
		return err
	}
	last := -1
	for n := 1; ; n++ {
		p, err := m.pass(ctx)
		if err != nil {
			return err
		}
		m.Log("%s: pass %d: %d rows, %d written", m.name(), n, p.seen, p.written)
		switch {
		case p.whole && p.written+p.lost == 0:
			return nil
		case p.whole && last >= 0 && p.written+p.lost >= last:
			m.Log("%s: programs that do not write the next index are still running", m.name())
			return nil
		}
		if p.whole {
			last = p.written + p.lost
		}
	}
}

// begin makes secrets and column.
func (m *Mover) begin(ctx context.Context) error {
	switch {
	case m.state.Step == "", m.state.Step == indexmove.Aborted, m.state.Step == indexmove.Finished, m.gone():
		// One that was finished or aborted may be made again: back and forth.
		for i := range m.tables {
			rel := m.tables[i].rel
			if column(rel, m.Move.To.Physical()) != nil || !m.adding() && column(rel, m.Move.From.Physical()) == nil {
				return m.another(rel.ID.Name)
			}
		}
		if err := m.movable(ctx); err != nil {
			return err
		}
		if err := m.forget(ctx, schema.Move{Kind: m.Move.Kind, From: m.Move.To}); err != nil {
			return err
		}
		if err := m.step(ctx, indexmove.Announced); err != nil {
			return err
		}
	}
	if m.state.Step != indexmove.Announced {
		return nil
	}
	if err := m.secrets(ctx); err != nil {
		return err
	}
	var add []string
	for i := range m.tables {
		if column(m.tables[i].rel, m.Move.To.Physical()) == nil {
			add = append(add, "ALTER TABLE "+m.tables[i].quoted+" ADD COLUMN "+m.to()+" "+rewrite.IndexType(m.Front.Dialect(), m.Move.To)+m.fillMark())
		}
	}
	if err := m.run(ctx, add...); err != nil {
		return err
	}
	if err := m.look(ctx); err != nil {
		return err
	}
	return m.step(ctx, indexmove.Filling)
}

// another says why a move cannot begin.
func (m *Mover) another(table string) error {
	switch m.state.Step {
	case indexmove.Aborted:
		return errors.New("the move was aborted: run sealsql reindex --abort again to drop the column that was to be filled")
	case indexmove.Finished:
		return errors.New("the move is finished")
	}
	if m.adding() {
		return fmt.Errorf("%s has a column %s already, and nothing is known of it: drop it, or restore the key table from a backup", table, m.Move.To.Physical())
	}
	return fmt.Errorf("%s has a column %s already, or has no %s, and no move of it is known: drop the one that is to be filled, or restore the key table from a backup", table, m.Move.To.Physical(), m.Move.From.Physical())
}

// secrets makes the version of the key in every scope that it needs: explicitly,
// here and nowhere else (threats T20), and only until all rows were compared.
func (m *Mover) secrets(ctx context.Context) error {
	if !m.state.Step.Before(indexmove.Verified) {
		return nil
	}
	version := schema.IndexVersion(m.Move.To)
	if !m.adding() && version == schema.IndexVersion(m.Move.From) && m.Move.From.AllPartitions() == m.Move.To.AllPartitions() {
		return nil // those of the other index
	}
	create := func(p envelope.Partition) error {
		_, err := m.Sealer.CreateIndexVersion(ctx, p, version)
		if errors.Is(err, envelope.ErrShredded) {
			return nil
		}
		return err
	}
	if m.Move.To.AllPartitions() {
		return create(envelope.Partition{})
	}
	if t := m.column().Table; t.Partition.Kind == schema.PartitionConst {
		p, err := envelope.PartitionID(t.Partition.Const)
		if err != nil {
			return err
		}
		return create(p)
	}
	if m.Keys == nil {
		return errors.New("the metastore cannot list the partitions, each of which needs a secret: use a metastore that can, or scope: table")
	}
	last := ""
	return m.Keys.Each(ctx, func(k *envelope.KeyInfo) error {
		if k.Kind != envelope.KindPartition || k.Meta.ID == last || k.Tombstone {
			return nil
		}
		last = k.Meta.ID
		if k.Hashed() {
			return errors.New("a partition has an id so long that its key does not tell it: make its secret with sealsql index init --partition")
		}
		p, err := envelope.PartitionID(k.Name)
		if err != nil {
			return err
		}
		return create(p)
	})
}

// CutOver makes the next index the one that is searched. From its second step on
// programs on the old configuration fail: those that insert at once, the others
// when they read the catalog next.
func (m *Mover) CutOver(ctx context.Context) error { return m.alone(ctx, m.cutOver) }

func (m *Mover) cutOver(ctx context.Context) error {
	if m.dropping() {
		return errors.New("the index is being dropped: run sealsql reindex --finish")
	}
	if m.state.Step == "" || m.state.Step == indexmove.Announced {
		return fmt.Errorf("%w: nothing is filled; run sealsql reindex without --cut-over first", ErrNotYet)
	}
	if m.state.Step == indexmove.Aborted {
		return errors.New("the move was aborted")
	}
	if m.state.Step == indexmove.Filling {
		if err := m.filled(ctx); err != nil {
			return err
		}
		if err := m.keys(ctx); err != nil {
			return err
		}
		if err := m.sides(ctx); err != nil {
			return err
		}
		// Every program whose configuration has the move writes both by then.
		if err := m.noticed(ctx, "to write both indexes"); err != nil {
			return err
		}
		if err := m.guard(ctx); err != nil {
			return err
		}
		if err := m.step(ctx, indexmove.Guarded); err != nil {
			return err
		}
	}
	if m.state.Step == indexmove.Guarded {
		if err := m.verify(ctx); err != nil {
			return err
		}
		if err := m.step(ctx, indexmove.Verified); err != nil {
			return err
		}
	}
	if m.state.Step == indexmove.Verified {
		if err := m.proven(ctx); err != nil {
			return err
		}
		if err := m.step(ctx, indexmove.Live); err != nil {
			return err
		}
	}
	return m.unmark(ctx)
}

// verify waits until no program plans by a catalog without the guard and no
// transaction that did is open, and compares every row once more. What such a
// program had updated has the index of the value before.
func (m *Mover) verify(ctx context.Context) error {
	if err := m.noticed(ctx, "on the old configuration to notice the guard"); err != nil {
		return err
	}
	if err := m.drain(ctx); err != nil {
		return err
	}
	for {
		p, err := m.pass(ctx)
		if err != nil {
			return err
		}
		m.Log("%s: compared %d rows, %d written", m.name(), p.seen, p.written)
		if p.whole && p.lost == 0 {
			return m.proven(ctx)
		}
	}
}

// noticed waits until programs have read the step, or the catalog, since the
// step was written down.
func (m *Mover) noticed(ctx context.Context, what string) error {
	wait := time.Until(m.state.At().Add(m.CatalogAge + catalogGrace + time.Second))
	if wait <= 0 {
		return nil
	}
	m.Log("%s: waiting %s for programs %s", m.name(), wait.Round(time.Second), what)
	return sleep(ctx, wait)
}

// proven asks the server that no row lacks the next index, and that its guard is
// there.
func (m *Mover) proven(ctx context.Context) error {
	if err := m.look(ctx); err != nil {
		return err
	}
	for i := range m.tables {
		t := &m.tables[i]
		if !m.guarded(t.rel) {
			return fmt.Errorf("%s has no guard %s any more: run sealsql reindex --abort and begin anew", t.rel.ID.Name, rewrite.IndexGuardName(m.Move.To))
		}
		rows, err := m.read(ctx, m.DB, t, nil, m.missing())
		if err != nil {
			return err
		}
		if len(rows) > 0 {
			return fmt.Errorf("%s: rows lack the index in spite of its guard, the first is %s", t.rel.ID.Name, keyText(rows[0].key))
		}
	}
	return nil
}

// missing is the condition of rows in which value and index are not NULL
// together.
func (m *Mover) missing() string {
	return "(" + strings.Join(m.quotedValues(), " IS NULL OR ") + " IS NULL) <> (" + m.to() + " IS NULL)"
}

func (m *Mover) guarded(rel *rewrite.SnapshotRelation) bool {
	alone := *rel
	one := &rewrite.Snapshot{Relations: []rewrite.SnapshotRelation{alone}}
	live := m.Annotations.At(func(schema.Move) schema.Stage { return schema.StageLive })
	for _, x := range rewrite.MissingIndexGuards(one, live) {
		if schema.EqualNames(x.Physical(), m.Move.To.Physical()) && x.Column().ID == m.column().ID {
			return false
		}
	}
	return true
}

// keys makes on the next index the unique keys that the other one has, and the
// database's own index of it.
func (m *Mover) keys(ctx context.Context) error {
	for i := range m.tables {
		t := &m.tables[i]
		unique, err := m.firstKey(ctx, t)
		if err != nil {
			return err
		}
		for _, set := range t.rel.Unique {
			moved, ok := m.moved(set)
			if !ok {
				continue
			}
			if !isUnique(m.Move.To) {
				m.Log("%s: %s has a unique key over the old index; the next one is not unique", m.name(), t.rel.ID.Name)
				continue
			}
			unique = true
			if hasKey(t.rel, moved) {
				continue
			}
			if err := m.unique(ctx, t, moved); err != nil {
				return err
			}
		}
		if err := m.index(ctx, t, unique); err != nil {
			return err
		}
	}
	return m.look(ctx)
}

// moved is a key with the next index in the place of the other; false where that
// is not in it.
func (m *Mover) moved(set []string) ([]string, bool) {
	out, ok := make([]string, len(set)), false
	if m.adding() {
		return out, false
	}
	for i, name := range set {
		if out[i] = name; schema.EqualNames(name, m.Move.From.Physical()) {
			out[i], ok = m.Move.To.Physical(), true
		}
	}
	return out, ok
}

func hasKey(rel *rewrite.SnapshotRelation, want []string) bool {
	for _, set := range rel.Unique {
		same := len(set) == len(want)
		for _, name := range want {
			found := false
			for _, other := range set {
				found = found || schema.EqualNames(name, other)
			}
			same = same && found
		}
		if same {
			return true
		}
	}
	return false
}

// Duplicates are rows whose values are equal under the next definition and must
// not be.
type Duplicates struct {
	Table string
	// Keys are the keys of some of the rows.
	Keys []string
}

func (d *Duplicates) Error() string {
	return fmt.Sprintf("%s: values are equal under the next definition, and its key is unique: rows %s; change or delete some of them and run it again, or --abort", d.Table, strings.Join(d.Keys, ", "))
}

const maxDuplicates = 20

func (m *Mover) unique(ctx context.Context, t *table, set []string) error {
	if err := m.duplicates(ctx, t, set); err != nil {
		return err
	}
	name := m.Front.QuoteIdent(indexName("unique", t.rel.ID.Name, m.Move.To.Physical()))
	how, cols := "CREATE UNIQUE INDEX ", m.list(set)
	if m.is(rewrite.Postgres) && t.rel.Kind == rewrite.RelTable {
		how += "CONCURRENTLY "
		if err := m.run(ctx, "DROP INDEX IF EXISTS "+m.inSchema(t, name)); err != nil { // of a try that failed
			return err
		}
	}
	err := m.run(ctx, how+m.indexOn(t, name)+" ("+cols+")")
	if err == nil {
		return nil
	}
	// Somebody has written equal values meanwhile.
	return errors.Join(m.duplicates(ctx, t, set), err)
}

func (m *Mover) list(set []string) string {
	quoted := make([]string, len(set))
	for i, name := range set {
		quoted[i] = m.Front.QuoteIdent(name)
	}
	return strings.Join(quoted, ", ")
}

func (m *Mover) duplicates(ctx context.Context, t *table, set []string) (err error) {
	cols := m.list(set)
	query := fmt.Sprintf("SELECT %[1]s FROM %[2]s WHERE (%[3]s) IN (SELECT %[3]s FROM %[2]s WHERE %[4]s IS NOT NULL GROUP BY %[3]s HAVING count(*) > 1) ORDER BY %[1]s LIMIT %[5]d",
		strings.Join(t.key, ", "), t.quoted, cols, m.to(), maxDuplicates)
	rows, err := m.DB.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	d := &Duplicates{Table: t.rel.ID.Name}
	for rows.Next() {
		key, dest := make([]any, len(t.key)), make([]any, len(t.key))
		for i := range key {
			dest[i] = &key[i]
		}
		if err := rows.Scan(dest...); err != nil {
			return err
		}
		d.Keys = append(d.Keys, keyText(key))
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if len(d.Keys) > 0 {
		return d
	}
	return nil
}

// Abort gives a move up that is not live: the guard goes, then programs stop
// writing the next index, and when that is certain its column is dropped. Secrets
// stay. It returns ErrNotYet where the time for dropping has not come.
func (m *Mover) Abort(ctx context.Context) error { return m.alone(ctx, m.abort) }

func (m *Mover) abort(ctx context.Context) error {
	switch {
	case m.state.Step == "":
		return errors.New("there is nothing to abort")
	case m.dropping():
		return m.keep(ctx)
	case m.state.Step == indexmove.Live || m.state.Step == indexmove.Finished:
		return errors.New("the next index is in use: finish the move, then move the index again")
	case m.state.Step != indexmove.Aborted:
		for i := range m.tables {
			if err := m.dropGuard(ctx, &m.tables[i], m.Move.To); err != nil {
				return err
			}
		}
		if err := m.step(ctx, indexmove.Aborted); err != nil {
			return err
		}
	}
	return m.dropLater(ctx, m.Move.To)
}

// Finish has programs stop writing the other index, when every one searches the
// next, and drops its column when every one has stopped. It returns ErrNotYet
// where the time for either has not come.
func (m *Mover) Finish(ctx context.Context) error { return m.alone(ctx, m.finish) }

func (m *Mover) finish(ctx context.Context) error {
	switch {
	case m.dropping():
		return m.drop(ctx)
	case m.adding() && m.state.Step == indexmove.Live:
		m.Log("%s: nothing to finish; take state: adding out of every configuration", m.name())
		return nil
	}
	switch m.state.Step {
	case indexmove.Live:
		if err := m.followed(ctx); err != nil {
			return err
		}
		for i := range m.tables {
			if err := m.dropGuard(ctx, &m.tables[i], m.Move.From); err != nil {
				return err
			}
		}
		if err := m.step(ctx, indexmove.Finished); err != nil {
			return err
		}
	case indexmove.Finished:
	default:
		return fmt.Errorf("%w: the next index is not in use; run sealsql reindex --cut-over first", ErrNotYet)
	}
	return m.dropLater(ctx, m.Move.From)
}

// followed sees that all moves of the group are live, and for so long that every
// program knows.
func (m *Mover) followed(ctx context.Context) error {
	for _, o := range m.Annotations.Together(m.Move) {
		st, err := indexmove.Load(ctx, m.Sealer, o)
		if err != nil {
			return err
		}
		if st.Step != indexmove.Live && st.Step != indexmove.Finished {
			return fmt.Errorf("%w: %s is of the same group and not live, so that programs search the old index of both", ErrNotYet, o.From.Column())
		}
		if err := m.waited(st); err != nil {
			return err
		}
	}
	return nil
}

func (m *Mover) waited(st *indexmove.State) error {
	if left := time.Until(st.At().Add(m.Follow)); left > 0 {
		return fmt.Errorf("%w: programs may not have noticed the last step (%s) before %s (%s from now)", ErrNotYet, st.Step, st.At().Add(m.Follow).UTC().Format(time.RFC3339), left.Round(time.Second))
	}
	return nil
}

// dropLater drops the column of an index that no program writes any more.
func (m *Mover) dropLater(ctx context.Context, x schema.Index) error {
	if err := m.look(ctx); err != nil {
		return err
	}
	there := false
	for i := range m.tables {
		there = there || column(m.tables[i].rel, x.Physical()) != nil
	}
	if !there {
		return nil
	}
	if err := m.waited(m.state); err != nil {
		return err
	}
	for i := range m.tables {
		if column(m.tables[i].rel, x.Physical()) == nil {
			continue
		}
		if err := m.dropColumn(ctx, &m.tables[i], x); err != nil {
			return err
		}
	}
	m.Log("%s: the column %s is dropped", m.name(), x.Physical())
	return m.look(ctx)
}
