package reindex

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"hash/fnv"
	"strings"
	"time"

	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/schema"
)

// maxName is the length of names on PostgreSQL in bytes, the shortest of all.
const maxName = 63

// indexName names an index of the database's own. It begins as those of
// patterns do, which migrators do not see.
func indexName(kind, table, index string) string {
	name := "sealsql_index_" + strings.ToLower(table) + "_" + strings.ToLower(index)
	if kind == "unique" {
		name += "_key"
	}
	if len(name) <= maxName {
		return name
	}
	h := fnv.New64a()
	h.Write([]byte(name))
	return strings.ToValidUTF8(name[:maxName-17], "") + fmt.Sprintf("_%016x", h.Sum64())
}

// indexOn is "name ON table" of a CREATE INDEX.
func (m *Mover) indexOn(t *table, name string) string {
	if m.is(rewrite.SQLite) {
		return m.inSchema(t, name) + " ON " + m.Front.QuoteIdent(t.rel.ID.Name)
	}
	return name + " ON " + t.quoted
}

// inSchema is the name of an index beside its table.
func (m *Mover) inSchema(t *table, name string) string {
	if t.rel.ID.Schema == "" || m.is(rewrite.MySQL) {
		return name
	}
	return m.Front.QuoteIdent(t.rel.ID.Schema) + "." + name
}

// index makes the database's own index of the next one, unless a unique key does.
func (m *Mover) index(ctx context.Context, t *table, unique bool) error {
	using, name := "", m.Front.QuoteIdent(indexName("", t.rel.ID.Name, m.Move.To.Physical()))
	switch x := m.Move.To.(type) {
	case *schema.Equality, *schema.Compound:
		if unique {
			return nil
		}
	case *schema.Fragments:
		if name = m.Front.QuoteIdent(rewrite.FragmentIndexName(x)); x.Kind == schema.ContainsFragments {
			if !m.is(rewrite.Postgres) {
				return nil // a table of tokens
			}
			using = "USING gin "
		}
	case *schema.Range:
		if x.Order == schema.OrderHidden && !x.Paths() {
			m.Log("%s: make indexes over the levels of %s as the old column has them, before --cut-over goes on: without them the server reads every row", m.name(), x.Name)
			return nil
		}
	}
	there, err := m.hasIndex(ctx, t)
	if err != nil || there {
		return err
	}
	how := "CREATE INDEX "
	if m.is(rewrite.Postgres) && t.rel.Kind == rewrite.RelTable {
		how += "CONCURRENTLY "
		if err := m.run(ctx, "DROP INDEX IF EXISTS "+m.inSchema(t, name)); err != nil {
			return err
		}
	}
	return m.run(ctx, how+m.indexOn(t, name)+" "+using+"("+m.to()+")")
}

// hasIndex reports an index whose first column is the next index.
func (m *Mover) hasIndex(ctx context.Context, t *table) (bool, error) {
	query, args := "", []any{t.rel.ID.Schema, t.rel.ID.Name, m.Move.To.Physical()}
	switch m.Front.Dialect() {
	case rewrite.Postgres:
		query = `SELECT count(*) FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
			JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0] WHERE i.indisvalid AND n.nspname = $1 AND c.relname = $2 AND lower(a.attname) = lower($3)`
	case rewrite.MySQL:
		query = "SELECT count(*) FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? AND lower(COLUMN_NAME) = lower(?) AND SEQ_IN_INDEX = 1"
	default:
		query, args = "SELECT count(*) FROM pragma_index_list(?1, ?3) l JOIN pragma_index_info(l.name, ?3) i ON i.seqno = 0 WHERE lower(i.name) = lower(?2)",
			[]any{t.rel.ID.Name, m.Move.To.Physical(), orMain(t.rel.ID.Schema)}
	}
	n := 0
	err := m.DB.QueryRowContext(ctx, query, args...).Scan(&n)
	return n > 0, err
}

func orMain(schemaName string) string {
	if schemaName == "" {
		return "main"
	}
	return schemaName
}

// sides makes the table of tokens of a contains index, which triggers keep.
func (m *Mover) sides(ctx context.Context) error {
	x, ok := m.Move.To.(*schema.Fragments)
	if !ok {
		return nil
	}
	for i := range m.tables {
		rel := m.tables[i].rel
		for _, missing := range rewrite.MissingSides(m.Front, m.insp.Snapshot, rel, m.column().Table) {
			if missing == x {
				if err := m.run(ctx, rewrite.SideDDL(m.Front, rel, x)...); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (m *Mover) guardClause(x schema.Index) string {
	return "CONSTRAINT " + m.Front.QuoteIdent(rewrite.IndexGuardName(x)) + " CHECK (" + rewrite.IndexGuard(m.Front, x) + ")"
}

// guard makes the server refuse rows without the next index, and fills those
// that were written without since the last pass.
func (m *Mover) guard(ctx context.Context) error {
	for i := range m.tables {
		t := &m.tables[i]
		if m.guarded(t.rel) {
			if err := m.mend(ctx, m.DB, t); err != nil {
				return err
			}
			continue
		}
		alter := "ALTER TABLE " + t.quoted + " ADD " + m.guardClause(m.Move.To)
		if m.is(rewrite.Postgres) {
			alter += " NOT VALID"
		}
		if m.Approve != nil {
			if err := m.Approve([]string{alter}); err != nil {
				return err
			}
		}
		var err error
		switch m.Front.Dialect() {
		case rewrite.Postgres:
			_, err = m.DB.ExecContext(ctx, alter)
		case rewrite.MySQL:
			err = m.guardLocked(ctx, t, alter)
		default:
			err = m.guardSQLite(ctx, t)
		}
		if err == nil {
			err = m.stop("with the guard")
		}
		if err == nil {
			err = m.mend(ctx, m.DB, t)
		}
		if err != nil {
			return err
		}
	}
	if !m.is(rewrite.Postgres) {
		return nil
	}
	for i := range m.tables {
		if err := m.run(ctx, "ALTER TABLE "+m.tables[i].quoted+" VALIDATE CONSTRAINT "+m.Front.QuoteIdent(rewrite.IndexGuardName(m.Move.To))); err != nil {
			return err
		}
	}
	return nil
}

// guardLocked adds the guard while nobody else writes: the server looks at all
// rows, and one without the index would fail it.
func (m *Mover) guardLocked(ctx context.Context, t *table, alter string) (err error) {
	conn, err := m.DB.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	// A table that triggers write is locked with it.
	if _, err := conn.ExecContext(ctx, "LOCK TABLES "+t.quoted+" WRITE"); err != nil {
		return err
	}
	defer func() {
		_, unlocked := conn.ExecContext(context.WithoutCancel(ctx), "UNLOCK TABLES")
		err = errors.Join(err, unlocked)
	}()
	if err := m.mend(ctx, conn, t); err != nil {
		return err
	}
	_, err = conn.ExecContext(ctx, alter)
	return err
}

// mend fills the rows in which value and index are not NULL together.
func (m *Mover) mend(ctx context.Context, q querier, t *table) error {
	if err := m.secrets(ctx); err != nil {
		return err
	}
	for {
		rows, err := m.read(ctx, q, t, nil, m.missing())
		if err != nil || len(rows) == 0 {
			return err
		}
		var changes []change
		for i := range rows {
			want, _, err := m.compute(ctx, &rows[i])
			if err != nil {
				return m.rowFault(t, &rows[i], err)
			}
			changes = append(changes, change{&rows[i], want})
		}
		if _, _, err := m.update(ctx, q, t, changes); err != nil {
			return err
		}
	}
}

// drain waits until every transaction that has written to the tables has ended.
func (m *Mover) drain(ctx context.Context) (err error) {
	if err := m.snapshots(ctx); err != nil {
		return err
	}
	conn, err := m.DB.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	for i := range m.tables {
		var steps []string
		switch m.Front.Dialect() {
		case rewrite.Postgres:
			steps = []string{"BEGIN", "LOCK TABLE " + m.tables[i].quoted + " IN SHARE MODE", "COMMIT"}
		case rewrite.MySQL:
			steps = []string{"LOCK TABLES " + m.tables[i].quoted + " WRITE", "UNLOCK TABLES"}
		default:
			steps = []string{"BEGIN IMMEDIATE", "COMMIT"}
		}
		for _, s := range steps {
			if _, err := conn.ExecContext(ctx, s); err != nil {
				if m.is(rewrite.Postgres) {
					_, _ = conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
				}
				return fmt.Errorf("%s: %w", firstWords(s), err)
			}
		}
	}
	return nil
}

// snapshots waits, on PostgreSQL, until the transactions that are older than the
// guard have ended: one that is REPEATABLE READ does not see it in its catalog. Those that
// hold the lock of an index (alone.go) do nothing else.
func (m *Mover) snapshots(ctx context.Context) error {
	if !m.is(rewrite.Postgres) {
		return nil
	}
	for told := false; ; told = true {
		n := 0
		err := m.DB.QueryRowContext(ctx, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
			AND backend_type = 'client backend' AND xact_start <= to_timestamp($1)
			AND pid NOT IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND classid::bigint = $2 AND objsubid = 2)`, m.state.Since+1, lockClass).Scan(&n)
		if err != nil || n == 0 {
			return err
		}
		if !told {
			m.Log("%s: waiting for %d transactions that are older than the guard", m.name(), n)
		}
		if err := sleep(ctx, 200*time.Millisecond); err != nil {
			return err
		}
	}
}

// dropGuard takes the guard of an index away, where it is there.
func (m *Mover) dropGuard(ctx context.Context, t *table, x schema.Index) error {
	if column(t.rel, x.Physical()) == nil {
		return nil
	}
	return m.dropConstraint(ctx, t, rewrite.IndexGuardName(x))
}

// dropConstraint takes a CHECK away, where it is there.
func (m *Mover) dropConstraint(ctx context.Context, t *table, name string) error {
	if m.is(rewrite.SQLite) {
		return m.dropGuardSQLite(ctx, t, name)
	}
	there, err := m.hasConstraint(ctx, t, name)
	if err != nil || !there {
		return err
	}
	return m.run(ctx, "ALTER TABLE "+t.quoted+" DROP CONSTRAINT "+m.Front.QuoteIdent(name))
}

func (m *Mover) hasConstraint(ctx context.Context, t *table, name string) (bool, error) {
	query := "SELECT count(*) FROM information_schema.TABLE_CONSTRAINTS WHERE CONSTRAINT_TYPE = 'CHECK' AND TABLE_SCHEMA = ? AND TABLE_NAME = ? AND lower(CONSTRAINT_NAME) = ?"
	if m.is(rewrite.Postgres) {
		query = "SELECT count(*) FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2 AND lower(k.conname) = $3"
	}
	n := 0
	err := m.DB.QueryRowContext(ctx, query, t.rel.ID.Schema, t.rel.ID.Name, strings.ToLower(name)).Scan(&n)
	return n > 0, err
}

// shownByView refuses to drop an index column that a view shows: MySQL would drop
// it, and so would the table that is made anew on SQLite, and every statement on the
// view would fail. PostgreSQL refuses it itself.
func (m *Mover) shownByView(ctx context.Context, t *table, x schema.Index) error {
	query := "SELECT concat(TABLE_SCHEMA, '.', TABLE_NAME) FROM information_schema.VIEWS WHERE lower(VIEW_DEFINITION) LIKE lower(?) ESCAPE '|' AND lower(VIEW_DEFINITION) LIKE lower(?) ESCAPE '|' ORDER BY 1 LIMIT 1"
	quote := m.Front.QuoteIdent // as the server prints names
	switch m.Front.Dialect() {
	case rewrite.Postgres:
		return nil
	case rewrite.SQLite:
		query = "SELECT name FROM sqlite_schema WHERE type = 'view' AND lower(sql) LIKE lower(?) ESCAPE '|' AND lower(sql) LIKE lower(?) ESCAPE '|' ORDER BY 1 LIMIT 1"
		quote = func(s string) string { return s }
	}
	name := func(s string) string {
		return "%" + strings.NewReplacer(`|`, `||`, `%`, `|%`, `_`, `|_`).Replace(quote(s)) + "%"
	}
	var view string
	err := m.DB.QueryRowContext(ctx, query, name(t.rel.ID.Name), name(x.Physical())).Scan(&view)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	return fmt.Errorf("the view %s shows the column %s, which is to be dropped: make the view anew through the encrypting driver, which gives it the indexes that are in use, and go on", view, x.Physical())
}

// dropColumn drops the column of an index with the keys that it is in, and its
// table of tokens.
func (m *Mover) dropColumn(ctx context.Context, t *table, x schema.Index) error {
	if err := m.shownByView(ctx, t, x); err != nil {
		return err
	}
	if err := m.run(ctx, m.dropSides(t, x)...); err != nil {
		return err
	}
	column := m.Front.QuoteIdent(x.Physical())
	switch m.Front.Dialect() {
	case rewrite.Postgres:
		return m.run(ctx, "ALTER TABLE "+t.quoted+" DROP COLUMN "+column)
	case rewrite.MySQL:
		actions, err := m.mysqlKeys(ctx, t, x)
		if err != nil {
			return err
		}
		marks, err := m.mysqlMarks(ctx, t, x)
		if err != nil {
			return err
		}
		actions = append(actions, marks...)
		return m.run(ctx, "ALTER TABLE "+t.quoted+" "+strings.Join(append(actions, "DROP COLUMN "+column), ", "))
	}
	return m.dropColumnSQLite(ctx, t, x)
}

// dropSides are the statements that drop the table of tokens of an index.
func (m *Mover) dropSides(t *table, x schema.Index) []string {
	f, ok := x.(*schema.Fragments)
	if !ok || f.Kind != schema.ContainsFragments || m.is(rewrite.Postgres) {
		return nil
	}
	var out []string
	for _, suffix := range []string{"_ins", "_upd", "_del"} {
		out = append(out, "DROP TRIGGER IF EXISTS "+m.Front.QuoteIdent(rewrite.SideName(f, suffix)))
	}
	return append(out, "DROP TABLE IF EXISTS "+m.Front.QuoteIdent(rewrite.SideName(f, "")))
}

// mysqlKeys are the actions that drop the keys which a column is in: MySQL would
// leave them with their other columns, unique ones too.
func (m *Mover) mysqlKeys(ctx context.Context, t *table, x schema.Index) (out []string, err error) {
	rows, err := m.DB.QueryContext(ctx, "SELECT DISTINCT INDEX_NAME FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? AND lower(COLUMN_NAME) = lower(?)",
		t.rel.ID.Schema, t.rel.ID.Name, x.Physical())
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		out = append(out, "DROP INDEX "+m.Front.QuoteIdent(name))
	}
	return out, rows.Err()
}

// movable refuses an index whose keys this version does not move.
func (m *Mover) movable(ctx context.Context) error {
	if m.adding() {
		return nil
	}
	for i := range m.tables {
		t := &m.tables[i]
		n := 0
		var err error
		switch m.Front.Dialect() {
		case rewrite.Postgres:
			err = m.DB.QueryRowContext(ctx, `SELECT count(*) FROM pg_constraint k JOIN pg_attribute a ON lower(a.attname) = lower($3)
				JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
				WHERE n.nspname = $1 AND c.relname = $2 AND (k.contype IN ('p', 'f') AND k.conrelid = c.oid AND a.attnum = ANY (k.conkey)
				OR k.contype = 'f' AND k.confrelid = c.oid AND a.attnum = ANY (k.confkey))`, t.rel.ID.Schema, t.rel.ID.Name, m.Move.From.Physical()).Scan(&n)
		case rewrite.MySQL:
			err = m.DB.QueryRowContext(ctx, `SELECT count(*) FROM information_schema.KEY_COLUMN_USAGE WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? AND lower(COLUMN_NAME) = lower(?)
				AND (CONSTRAINT_NAME = 'PRIMARY' OR REFERENCED_TABLE_NAME IS NOT NULL) OR REFERENCED_TABLE_SCHEMA = ? AND REFERENCED_TABLE_NAME = ? AND lower(REFERENCED_COLUMN_NAME) = lower(?)`,
				t.rel.ID.Schema, t.rel.ID.Name, m.Move.From.Physical(), t.rel.ID.Schema, t.rel.ID.Name, m.Move.From.Physical()).Scan(&n)
		default:
			err = m.DB.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM pragma_table_info(?1) WHERE pk > 0 AND lower(name) = lower(?2))
				+ (SELECT count(*) FROM pragma_foreign_key_list(?1) WHERE lower("from") = lower(?2))
				+ (SELECT count(*) FROM sqlite_schema s JOIN pragma_foreign_key_list(s.name) f WHERE s.type = 'table' AND lower(f."table") = lower(?1) AND lower(f."to") = lower(?2))`,
				t.rel.ID.Name, m.Move.From.Physical()).Scan(&n)
		}
		if err != nil {
			return err
		}
		if c := column(t.rel, m.Move.From.Physical()); n > 0 || c != nil && c.NotNull {
			return fmt.Errorf("%s: a primary or foreign key holds the index column %s, or it is NOT NULL: such indexes are not moved", t.rel.ID.Name, m.Move.From.Physical())
		}
	}
	return nil
}
