// Package reindex moves a search index of an encrypted column to another
// definition while programs read and write the column (threats T20, T21).
//
// The next index has a physical column of its own. What is done is written down
// in the metastore step by step (package indexmove), which programs whose
// configuration declares the move follow:
//
//	Announced  the secrets are made, and the column
//	Filling    programs write both indexes; rows are filled
//	Guarded    the server refuses a row that has the value and not the index
//	Verified   every row was compared after all who write the old index alone
//	           have failed or ended
//	Live       programs search the next index
//	Finished   programs do not write the other any more; its column is dropped
//
// An index that is added to stored rows goes the same way until it is live, with no
// other index beside it. One that is dropped has two steps: Guarded, where a mark in
// the table stops programs that search it, and Finished.
//
// Every step can be stopped and repeated.
package reindex

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sealsql/sealsql/driver"
	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/internal/indexmove"
	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/schema"
)

// Mover moves one index.
type Mover struct {
	// DB is a plain pool with the rights to read and change the table, and for
	// DDL. On SQLite it needs a busy timeout.
	DB    *sql.DB
	Front rewrite.Frontend
	// Sealer is of the configuration's keys; Keys may be nil where the metastore
	// cannot list them, and then partitions are found by their rows.
	Sealer *envelope.Sealer
	Keys   *envelope.Keys
	// Annotations is the configuration's catalog, and Move one of its moves.
	Annotations *schema.Catalog
	Move        schema.Move
	// Inspect reads the database's catalog.
	Inspect func(context.Context) (*driver.Inspection, error)

	// Approve is asked before statements of DDL are run; an error ends the step.
	Approve func(statements []string) error
	// Log takes lines for the operator: what was done, what is waited for. They
	// hold names and the keys of rows, no values.
	Log func(format string, args ...any)
	// Progress is called after each chunk with the rows that a pass has seen and
	// has written; total is 0 where it is not known.
	Progress func(seen, written, total int)

	// Chunk is the number of rows that are read and written at once; 500 if zero.
	Chunk int
	// Rate bounds the rows a second, Pause is slept between chunks; zero for
	// neither.
	Rate  int
	Pause time.Duration
	// CatalogAge is the longest time for which a program plans from a catalog
	// that is not the present one (catalog.max_age), and Follow that for which
	// one searches by a step that is not (policy.max_stale and MoveInterval).
	CatalogAge, Follow time.Duration
	// Stop, if set, is called where a step may be interrupted; an error ends it.
	// It is for tests of what a crash leaves behind.
	Stop func(at string) error

	state  *indexmove.State
	tables []table
	insp   *driver.Inspection
	fill   *driver.IndexFill
	saved  time.Time
}

// table is a relation that the annotation matches.
type table struct {
	rel    *rewrite.SnapshotRelation
	quoted string
	key    []string // quoted columns of a unique key without NULL
	keep   []string // columns that the server would change by itself, quoted
}

// catalogGrace is how much longer than its age a program may use a catalog while
// another of its connections reads it, and some more.
const catalogGrace = 6 * time.Second

// ErrNotYet matches the errors of steps whose time has not come.
var ErrNotYet = errors.New("not yet")

// Open reads the state of the move and the tables. The caller closes the Mover.
func (m *Mover) Open(ctx context.Context) error {
	if m.Chunk <= 0 {
		m.Chunk = 500
	}
	if m.Log == nil {
		m.Log = func(string, ...any) {}
	}
	var err error
	if m.state, err = indexmove.Load(ctx, m.Sealer, m.Move); err != nil {
		return err
	}
	return m.look(ctx)
}

// look reads the database's catalog.
func (m *Mover) look(ctx context.Context) (err error) {
	if m.insp, err = m.Inspect(ctx); err != nil {
		return err
	}
	m.tables = nil
	for i := range m.insp.Snapshot.Relations {
		rel := &m.insp.Snapshot.Relations[i]
		if rel.Kind != rewrite.RelTable && rel.Kind != rewrite.RelPartitioned || rel.Temp || m.Annotations.Lookup(rel.ID.Schema, rel.ID.Name) != m.column().Table {
			continue
		}
		if !m.own(rel) || slices.ContainsFunc(m.values(), func(name string) bool { return column(rel, name) == nil }) {
			continue
		}
		t := table{rel: rel, quoted: m.Front.QuoteIdent(rel.ID.Name), key: m.rowKey(rel)}
		if rel.ID.Schema != "" {
			t.quoted = m.Front.QuoteIdent(rel.ID.Schema) + "." + t.quoted
		}
		if t.key == nil {
			return fmt.Errorf("%s has no primary or unique key of integers, texts, uuids or bytes without NULL: its rows cannot be told apart", rel.ID.Name)
		}
		if t.keep, err = m.kept(ctx, rel); err != nil {
			return err
		}
		m.tables = append(m.tables, t)
	}
	if len(m.tables) == 0 {
		return fmt.Errorf("the database has no table %s with the column %s", m.column().Table, m.column().Name)
	}
	if m.fill != nil || m.dropping() {
		return nil
	}
	m.fill, err = driver.NewIndexFill(m.Sealer, m.Front.Dialect(), m.insp.Session.Codec, m.Move.To)
	return err
}

// own leaves out tables of that name in other databases of a MySQL server.
func (m *Mover) own(rel *rewrite.SnapshotRelation) bool {
	path := m.insp.Session.Names.SearchPath
	return m.Front.Dialect() != rewrite.MySQL || m.column().Table.Schema != "" || len(path) == 0 || strings.EqualFold(path[0], rel.ID.Schema)
}

// Close wipes what was opened of values.
func (m *Mover) Close() {
	if m.fill != nil {
		m.fill.Close()
		m.fill = nil
	}
}

// State is how far the move has come.
func (m *Mover) State() indexmove.State { return *m.state }

func (m *Mover) column() *schema.Column { return m.Move.Column() }

// adding and dropping report moves without a present, or a next index.
func (m *Mover) adding() bool   { return m.Move.From == nil }
func (m *Mover) dropping() bool { return m.Move.To == nil }

// to is the quoted physical column of the next index.
func (m *Mover) to() string { return m.Front.QuoteIdent(m.Move.To.Physical()) }

// values are the columns of which the index is: one, or those of a compound one.
func (m *Mover) values() []string {
	x, ok := m.Move.Index().(*schema.Compound)
	if !ok {
		return []string{m.column().Name}
	}
	var out []string
	for i := range x.Parts {
		out = append(out, x.Parts[i].Name)
	}
	return out
}

// quotedValues are these for statements.
func (m *Mover) quotedValues() []string {
	out := m.values()
	for i := range out {
		out[i] = m.Front.QuoteIdent(out[i])
	}
	return out
}

func (m *Mover) is(d rewrite.Dialect) bool { return m.Front.Dialect() == d }

// step writes a step down.
func (m *Mover) step(ctx context.Context, s indexmove.Step) error {
	if err := m.stop("before " + string(s)); err != nil {
		return err
	}
	next, err := indexmove.Store(ctx, m.Sealer, m.Move, m.state, indexmove.State{Step: s, Since: time.Now().Unix()})
	if err != nil {
		return err
	}
	m.state = next
	m.Log("%s: %s", m.name(), s)
	return m.stop("after " + string(s))
}

func (m *Mover) stop(at string) error {
	if m.Stop == nil {
		return nil
	}
	return m.Stop(at)
}

func (m *Mover) name() string { return m.Move.Name() + "." + m.Move.Kind }

// run asks for approval of statements and runs them on one connection.
func (m *Mover) run(ctx context.Context, statements ...string) error {
	if len(statements) == 0 {
		return nil
	}
	if m.Approve != nil {
		if err := m.Approve(statements); err != nil {
			return err
		}
	}
	conn, err := m.DB.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	for _, s := range statements {
		if _, err := conn.ExecContext(ctx, s); err != nil {
			if m.is(rewrite.SQLite) { // the statements may have begun a transaction
				_, _ = conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
			}
			return fmt.Errorf("%s: %w", firstWords(s), err)
		}
	}
	return nil
}

// firstWords names a statement of ours in an error.
func firstWords(s string) string {
	words := strings.Fields(s)
	return strings.Join(words[:min(len(words), 3)], " ")
}

func column(rel *rewrite.SnapshotRelation, name string) *rewrite.CatalogColumn {
	for i := range rel.Columns {
		if schema.EqualNames(rel.Columns[i].Name, name) {
			return &rel.Columns[i]
		}
	}
	return nil
}

// rowKey is the shortest key that tells rows apart, quoted: without NULL, of
// types whose values come back as they are asked for, and not of indexes.
func (m *Mover) rowKey(rel *rewrite.SnapshotRelation) []string {
	var best []string
	for _, key := range rel.Unique {
		var quoted []string
		for _, name := range key {
			c := column(rel, name)
			if c == nil || !pagedType(c.Type) || !c.NotNull && !c.RowID || m.column().Table.IndexColumn(name) != nil || m.column().Table.Column(name) != nil {
				quoted = nil
				break
			}
			quoted = append(quoted, m.Front.QuoteIdent(c.Name))
		}
		if len(quoted) > 0 && (best == nil || len(quoted) < len(best)) {
			best = quoted
		}
	}
	return best
}

// pagedType reports a type whose values come back equal to what was read.
func pagedType(t string) bool {
	t = strings.ToLower(t)
	return slices.ContainsFunc([]string{"int", "bigint", "smallint", "mediumint", "tinyint", "uuid", "text", "varchar", "character varying", "bytea", "varbinary", "binary"},
		func(prefix string) bool { return strings.HasPrefix(t, prefix) })
}

// kept lists the columns that MySQL would set to the time of an UPDATE.
func (m *Mover) kept(ctx context.Context, rel *rewrite.SnapshotRelation) (out []string, err error) {
	if !m.is(rewrite.MySQL) {
		return nil, nil
	}
	rows, err := m.DB.QueryContext(ctx, "SELECT COLUMN_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? AND lower(EXTRA) LIKE '%on update%'", rel.ID.Schema, rel.ID.Name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		out = append(out, m.Front.QuoteIdent(name))
	}
	return out, rows.Err()
}
