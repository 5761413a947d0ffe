package reindex

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/sealsql/sealsql/internal/physical"
	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/schema"
)

// SQLite adds no constraint to a table and takes none away. Its documentation
// (lang_altertable.html, section 7) has two ways around that: where what is
// stored does not change, the text of the table is edited in sqlite_schema; else
// the table is made anew.

var errDefinition = errors.New("the definition of the table is not understood; change it by hand, as sealsql ddl --db prints it")

// immediate runs f in a write transaction of a connection of its own.
func (m *Mover) immediate(ctx context.Context, f func(*sql.Conn) error) (err error) {
	conn, err := m.DB.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_, _ = conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
		}
	}()
	if err := f(conn); err != nil {
		return err
	}
	_, err = conn.ExecContext(ctx, "COMMIT")
	return err
}

// redefine edits the text of a table whose stored rows stay as they are, within
// a transaction.
func (m *Mover) redefine(ctx context.Context, conn *sql.Conn, t *table, edit func(string) (string, bool)) (err error) {
	var text string
	var version int
	if err := conn.QueryRowContext(ctx, "SELECT sql FROM main.sqlite_schema WHERE type = 'table' AND name = ?", t.rel.ID.Name).Scan(&text); err != nil {
		return err
	}
	now, ok := edit(text)
	if !ok {
		return errDefinition
	}
	if now == text {
		return nil
	}
	if err := conn.QueryRowContext(ctx, "PRAGMA main.schema_version").Scan(&version); err != nil {
		return err
	}
	if _, err := conn.ExecContext(ctx, "PRAGMA writable_schema = ON"); err != nil {
		return err
	}
	defer func() {
		_, off := conn.ExecContext(context.WithoutCancel(ctx), "PRAGMA writable_schema = OFF")
		err = errors.Join(err, off)
	}()
	res, err := conn.ExecContext(ctx, "UPDATE main.sqlite_schema SET sql = ? WHERE type = 'table' AND name = ?", now, t.rel.ID.Name)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n != 1 {
		return errors.Join(err, errors.New("the definition of the table could not be changed"))
	}
	if _, err := conn.ExecContext(ctx, fmt.Sprintf("PRAGMA main.schema_version = %d", version+1)); err != nil {
		return err
	}
	// A definition that does not parse fails here, and everything is rolled back.
	rows, err := conn.QueryContext(ctx, "SELECT 1 FROM "+t.quoted+" LIMIT 1")
	if err != nil {
		return err
	}
	return rows.Close()
}

func (m *Mover) guardSQLite(ctx context.Context, t *table) error {
	return m.immediate(ctx, func(conn *sql.Conn) error {
		if err := m.mend(ctx, conn, t); err != nil {
			return err
		}
		return m.redefine(ctx, conn, t, func(text string) (string, bool) {
			return physical.WithConstraint(m.Front, text, m.guardClause(m.Move.To))
		})
	})
}

// addSQLite adds a constraint that every row meets.
func (m *Mover) addSQLite(ctx context.Context, t *table, alter, clause string) error {
	if m.Approve != nil {
		if err := m.Approve([]string{alter}); err != nil {
			return err
		}
	}
	return m.immediate(ctx, func(conn *sql.Conn) error {
		return m.redefine(ctx, conn, t, func(text string) (string, bool) { return physical.WithConstraint(m.Front, text, clause) })
	})
}

func (m *Mover) dropGuardSQLite(ctx context.Context, t *table, name string) error {
	if sources := m.insp.Sources[t.rel.ID]; len(sources) > 0 {
		if text, ok := physical.WithoutConstraint(m.Front, sources[0], name); ok && text == sources[0] {
			return nil
		}
	}
	if m.Approve != nil {
		if err := m.Approve([]string{"ALTER TABLE " + t.quoted + " DROP CONSTRAINT " + m.Front.QuoteIdent(name)}); err != nil {
			return err
		}
	}
	return m.immediate(ctx, func(conn *sql.Conn) error {
		return m.redefine(ctx, conn, t, func(text string) (string, bool) { return physical.WithoutConstraint(m.Front, text, name) })
	})
}

// dropColumnSQLite makes the table anew without a column. The connection keeps
// the names that other tables, views and triggers have in their texts
// (legacy_alter_table), and does not look at foreign keys meanwhile.
func (m *Mover) dropColumnSQLite(ctx context.Context, t *table, x schema.Index) (err error) {
	sources := m.insp.Sources[t.rel.ID]
	if len(sources) == 0 {
		return errDefinition
	}
	create, ok := physical.WithoutColumn(m.Front, sources[0], x.Physical())
	if !ok {
		return errDefinition
	}
	statements := m.rebuild(t, x, create, sources[1:])
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
	var enforced int
	if err := conn.QueryRowContext(ctx, "PRAGMA foreign_keys").Scan(&enforced); err != nil {
		return err
	}
	for _, s := range []string{"PRAGMA foreign_keys = OFF", "PRAGMA legacy_alter_table = ON", "BEGIN IMMEDIATE"} {
		if _, err := conn.ExecContext(ctx, s); err != nil {
			return err
		}
	}
	defer func() {
		end := "COMMIT"
		if err != nil {
			end = "ROLLBACK"
		}
		for _, s := range []string{end, "PRAGMA legacy_alter_table = OFF", fmt.Sprintf("PRAGMA foreign_keys = %d", enforced)} {
			_, e := conn.ExecContext(context.WithoutCancel(ctx), s)
			err = errors.Join(err, e)
		}
	}()
	var same int
	if err := conn.QueryRowContext(ctx, "SELECT count(*) FROM main.sqlite_schema WHERE type = 'table' AND name = ? AND sql = ?", t.rel.ID.Name, sources[0]).Scan(&same); err != nil {
		return err
	}
	if same != 1 {
		return errors.New("the table was changed meanwhile; run it again")
	}
	for _, s := range statements {
		if _, err := conn.ExecContext(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", firstWords(s), err)
		}
	}
	return m.stop("in a rebuild")
}

// rebuild are the statements that copy a table without a column. Other indexes
// and triggers are made again.
func (m *Mover) rebuild(t *table, x schema.Index, create string, others []string) []string {
	q := m.Front.QuoteIdent
	oldName := t.rel.ID.Name + "_sealsql_old"
	var cols []string
	for i := range t.rel.Columns {
		if c := &t.rel.Columns[i]; !c.Generated && !schema.EqualNames(c.Name, x.Physical()) {
			cols = append(cols, q(c.Name))
		}
	}
	list := strings.Join(cols, ", ")
	out := []string{
		"ALTER TABLE " + q(t.rel.ID.Name) + " RENAME TO " + q(oldName), create,
		"INSERT INTO " + q(t.rel.ID.Name) + " (" + list + ") SELECT " + list + " FROM " + q(oldName),
	}
	if m.counts(create) {
		name := m.Front.StringLiteral(t.rel.ID.Name)
		out = append(out, "DELETE FROM sqlite_sequence WHERE name = "+name,
			"INSERT INTO sqlite_sequence (name, seq) SELECT "+name+", seq FROM sqlite_sequence WHERE name = "+m.Front.StringLiteral(oldName))
	}
	out = append(out, "DROP TABLE "+q(oldName))
	for _, s := range others {
		if !m.names(s, x.Physical()) {
			out = append(out, s)
		}
	}
	return out
}

func (m *Mover) counts(create string) bool {
	s, _ := m.Front.Parse(create, &rewrite.Session{})
	if s == nil {
		return false
	}
	for _, t := range s.Tokens {
		if t.Kind == rewrite.TokWord && strings.EqualFold(t.Text, "AUTOINCREMENT") {
			return true
		}
	}
	return false
}

// names reports a statement that names a column.
func (m *Mover) names(text, column string) bool {
	s, _ := m.Front.Parse(text, &rewrite.Session{})
	if s == nil {
		return strings.Contains(strings.ToLower(text), strings.ToLower(column))
	}
	for _, t := range s.Tokens {
		if schema.EqualNames(t.Text, column) {
			return true
		}
	}
	return false
}
