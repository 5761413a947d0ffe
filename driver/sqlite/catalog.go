package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"slices"
	"strings"

	sealdriver "github.com/sealsql/sealsql/driver"
	"github.com/sealsql/sealsql/rewrite"
)

// database is one entry of "PRAGMA database_list": main, temp or an attached
// file. File is empty for databases in memory.
type database struct{ name, file string }

const temp = "temp"

func databases(ctx context.Context, r *sealdriver.Reader) ([]database, error) {
	var out []database
	err := r.Query(ctx, "PRAGMA database_list", nil, func(row sealdriver.Row) error {
		out = append(out, database{row.Text(1), row.Text(2)})
		return nil
	})
	return out, err
}

// Session reads the attached files and the temporary relations.
func (e *engine) Session(ctx context.Context, r *sealdriver.Reader) (*sealdriver.Session, error) {
	dbs, err := databases(ctx, r)
	if err != nil {
		return nil, err
	}
	s := &sealdriver.Session{Codec: e.codec, Prepared: e.codec}
	var scope, tempText strings.Builder
	for _, db := range dbs {
		switch db.name {
		case temp:
			if s.Names.Temp, err = e.temporary(ctx, r, s, dbs, &tempText); err != nil {
				return nil, err
			}
			continue
		case "main":
			e.files.found(db.file)
		}
		s.Names.SearchPath = append(s.Names.SearchPath, db.name)
		s.Private = s.Private || db.file == ""
		scope.WriteString(quote(db.name) + "=" + quote(db.file) + ";")
	}
	s.Scope = scope.String()
	if s.Private {
		s.Scope += "private"
	}
	s.Plan.Namespace = scope.String() + tempText.String()
	err = r.Query(ctx, "SELECT 'a' NOT LIKE 'A', (SELECT ignore_check_constraints FROM pragma_ignore_check_constraints)", nil, func(row sealdriver.Row) error {
		s.ExactLike = row.Bool(0)
		if row.Bool(1) {
			s.Unguarded = "ignore_check_constraints"
		}
		return nil
	})
	return s, err
}

// temporary reads the temporary relations. A temporary trigger may sit on a
// table of any file, so a connection that has one shares its catalog with none.
func (e *engine) temporary(ctx context.Context, r *sealdriver.Reader, s *sealdriver.Session, dbs []database, text *strings.Builder) ([]rewrite.SnapshotRelation, error) {
	rd := newReader(e.front, r)
	if err := rd.schema(ctx, temp); err != nil {
		return nil, err
	}
	if len(rd.objects) == 0 {
		return nil, nil
	}
	if _, err := rd.routines(ctx); err != nil {
		return nil, err
	}
	rd.dbs = dbs
	for _, o := range rd.objects {
		s.Private = s.Private || o.kind == "trigger"
		text.WriteString(quote(o.kind) + quote(o.table) + quote(o.name) + quote(o.sql))
	}
	return rd.finish(), nil
}

// Snapshot reads the tables, views, indexes and triggers of every attached
// file. It takes several statements, between which another connection may change a
// schema: then all is read once more, where none can. Not at once, because without
// write-ahead log and in a shared cache readers keep writers out.
func (e *engine) Snapshot(ctx context.Context, r *sealdriver.Reader, s *sealdriver.Session) (*rewrite.Snapshot, error) {
	before, err := versions(ctx, r, s.Names.SearchPath)
	if err != nil {
		return nil, err
	}
	snap, err := e.read(ctx, r, s)
	after, failed := versions(ctx, r, s.Names.SearchPath)
	if failed != nil {
		return nil, errors.Join(err, failed)
	}
	if slices.Equal(before, after) {
		return snap, err
	}
	release, err := hold(ctx, r)
	if err != nil {
		return nil, err
	}
	snap, err = e.read(ctx, r, s)
	return snap, errors.Join(err, release())
}

// hold makes the statements up to release see each file as the first of them found
// it, in a savepoint: it may be opened inside and outside of transactions, and
// outside begins one (sqlite.org/lang_savepoint.html). Beside rows of a statement
// that writes it fails, but there a schema never changes: until they are closed, all
// that the connection reads is of one state.
func hold(ctx context.Context, r *sealdriver.Reader) (release func() error, err error) {
	none := func(sealdriver.Row) error { return nil }
	if err := r.Query(ctx, "SAVEPOINT sealsql_catalog", nil, none); err != nil {
		return nil, err
	}
	return func() error {
		if err := r.Query(context.WithoutCancel(ctx), "RELEASE sealsql_catalog", nil, none); err != nil {
			// A connection left inside would go on answering from this state.
			return errors.Join(driver.ErrBadConn, err)
		}
		return nil
	}, nil
}

// versions are the schema versions of files, which count every change
// (sqlite.org/pragma.html#pragma_schema_version).
func versions(ctx context.Context, r *sealdriver.Reader, schemas []string) ([]int64, error) {
	var out []int64
	for _, name := range schemas {
		err := r.Query(ctx, "PRAGMA "+quoteName(name)+".schema_version", nil, func(row sealdriver.Row) error {
			out = append(out, row.Int(0))
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// read reads them once.
func (e *engine) read(ctx context.Context, r *sealdriver.Reader, s *sealdriver.Session) (*rewrite.Snapshot, error) {
	rd := newReader(e.front, r)
	rd.between = e.between
	for _, name := range s.Names.SearchPath {
		if err := rd.schema(ctx, name); err != nil {
			return nil, err
		}
	}
	if err := rd.temporaryTriggers(ctx); err != nil {
		return nil, err
	}
	routines, err := rd.routines(ctx)
	if err != nil {
		return nil, err
	}
	snap := &rewrite.Snapshot{Relations: rd.finish(), Routines: routines}
	err = r.Query(ctx, "PRAGMA encoding", nil, func(row sealdriver.Row) error {
		snap.UTF16 = row.Text(0) != "UTF-8" // of all attached files
		return nil
	})
	return snap, err
}

// object is one row of sqlite_schema.
type object struct{ schema, kind, name, table, sql string }

// relation is a relation while it is put together.
type relation struct {
	rewrite.SnapshotRelation
	sql string
	pk  []string
}

// reader reads one or more schemas.
type reader struct {
	front     rewrite.Frontend
	r         *sealdriver.Reader
	objects   []object
	relations []*relation
	byID      map[rewrite.RelationID]*relation
	udf       map[string]bool
	// dbs are the databases that views of this reader may read, where these
	// are not those that it reads itself.
	dbs []database
	// between is called between the texts of a schema and its columns; for tests.
	between func()
}

func newReader(f rewrite.Frontend, r *sealdriver.Reader) *reader {
	return &reader{front: f, r: r, byID: map[rewrite.RelationID]*relation{}, udf: map[string]bool{}}
}

// id folds a name as SQLite compares names.
func id(schema, name string) rewrite.RelationID {
	return rewrite.RelationID{Schema: schema, Name: strings.ToLower(name)}
}

func (rd *reader) schema(ctx context.Context, schema string) error {
	if err := rd.list(ctx, schema); err != nil {
		return err
	}
	if rd.between != nil {
		rd.between()
	}
	if err := rd.columns(ctx, schema); err != nil {
		return err
	}
	if err := rd.references(ctx, schema); err != nil {
		return err
	}
	return rd.indexes(ctx, schema)
}

// references reads foreign keys, whether or not PRAGMA foreign_keys enforces
// them: any statement of the session may switch that.
func (rd *reader) references(ctx context.Context, schema string) error {
	if !slices.ContainsFunc(rd.objects, func(o object) bool {
		return o.schema == schema && strings.Contains(strings.ToLower(o.sql), "references")
	}) {
		return nil
	}
	q := "SELECT m.name, f.\"table\", lower(f.on_delete) = 'cascade', f.seq, f.\"from\", coalesce(f.\"to\", ''), lower(f.on_update) NOT IN ('no action', 'restrict'), lower(f.on_delete) IN ('set null', 'set default') FROM " + quoteName(schema) + ".sqlite_schema AS m, pragma_foreign_key_list(m.name, " + quote(schema) + `) AS f
		WHERE m.type = 'table' AND m.sql NOT LIKE 'create virtual%' ORDER BY m.rowid, f.id, f.seq`
	return rd.r.Query(ctx, q, nil, func(row sealdriver.Row) error {
		rel := rd.byID[id(schema, row.Text(0))]
		if rel == nil {
			return nil
		}
		if row.Int(3) == 0 {
			rel.References = append(rel.References, rewrite.SnapshotReference{
				To: rewrite.RelationID{Schema: rel.ID.Schema, Name: row.Text(1)}, Cascades: row.Int(2) != 0,
			})
		}
		ref := &rel.References[len(rel.References)-1]
		if row.Bool(7) {
			ref.Clears = append(ref.Clears, row.Text(4))
		}
		if row.Bool(6) {
			ref.Changes = append(ref.Changes, rewrite.SnapshotChange{Column: row.Text(4), Of: row.Text(5)})
		}
		return nil
	})
}

// list reads sqlite_schema and the kinds of its relations.
func (rd *reader) list(ctx context.Context, schema string) error {
	from := len(rd.objects)
	q := "SELECT type, name, tbl_name, coalesce(sql, '') FROM " + quoteName(schema) + ".sqlite_schema ORDER BY rowid"
	err := rd.r.Query(ctx, q, nil, func(row sealdriver.Row) error {
		rd.objects = append(rd.objects, object{schema, row.Text(0), row.Text(1), row.Text(2), row.Text(3)})
		return nil
	})
	if err != nil {
		return err
	}
	kinds, err := rd.kinds(ctx, schema)
	if err != nil {
		return err
	}
	for _, o := range rd.objects[from:] {
		rd.add(o, kinds)
	}
	return nil
}

// kind is what table_list says of a relation.
type kind struct {
	name   string
	strict bool
}

// kinds asks which tables are virtual or belong to virtual ones, and which are STRICT.
func (rd *reader) kinds(ctx context.Context, schema string) (map[string]kind, error) {
	kinds := map[string]kind{}
	err := rd.r.Query(ctx, "PRAGMA "+quoteName(schema)+".table_list", nil, func(row sealdriver.Row) error {
		if strings.EqualFold(row.Text(0), schema) {
			kinds[strings.ToLower(row.Text(1))] = kind{row.Text(2), len(row) > 5 && row.Int(5) != 0}
		}
		return nil
	})
	return kinds, err
}

func (rd *reader) add(o object, kinds map[string]kind) {
	if o.kind != "table" && o.kind != "view" {
		return
	}
	rel := &relation{sql: o.sql}
	rel.Source = o.sql
	rel.ID = rewrite.RelationID{Schema: o.schema, Name: o.name}
	rel.Temp = o.schema == temp
	switch {
	case o.kind == "view":
		rel.Kind = rewrite.RelView
	case kinds[strings.ToLower(o.name)].name == "table":
		rel.Kind = rewrite.RelTable
		rel.Strict = kinds[strings.ToLower(o.name)].strict
		toks := rd.tokens(o.sql)
		rel.Checks, rel.Computed = bracketed(toks, o.sql, "check"), bracketed(toks, o.sql, "as")
	default:
		rel.Kind = rewrite.RelOther
	}
	rd.relations = append(rd.relations, rel)
	rd.byID[id(o.schema, o.name)] = rel
}

// The columns of one relation, or of all tables. hidden is 1 for the hidden
// columns of virtual tables, 2 and 3 for generated ones.
const (
	columnsOfTables = `SELECT m.name, x.name, x.type, x."notnull", x.dflt_value, x.pk, x.hidden
		FROM %s.sqlite_schema AS m, pragma_table_xinfo(m.name, %s) AS x WHERE m.type = 'table'
		AND m.sql NOT LIKE 'create virtual%%' ORDER BY m.rowid, x.cid`
	columnsOfOne = `SELECT ?1, x.name, x.type, x."notnull", x.dflt_value, x.pk, x.hidden
		FROM pragma_table_xinfo(?1, ?2) AS x ORDER BY x.cid`
)

func (rd *reader) columns(ctx context.Context, schema string) error {
	add := func(row sealdriver.Row) error {
		if rel := rd.byID[id(schema, row.Text(0))]; rel != nil {
			rel.column(row)
		}
		return nil
	}
	q := strings.NewReplacer("%%", "%", "FROM %s.", "FROM "+quoteName(schema)+".", ", %s)", ", "+quote(schema)+")").Replace(columnsOfTables)
	if err := rd.r.Query(ctx, q, nil, add); err != nil {
		return err
	}
	for _, rel := range rd.relations {
		if rel.ID.Schema != schema {
			continue
		}
		if len(rel.Columns) == 0 {
			// Views whose tables are gone and virtual tables without their
			// module have columns that cannot be told; they stay without.
			if err := rd.r.Query(ctx, columnsOfOne, args(rel.ID.Name, schema), add); err != nil && ctx.Err() != nil {
				return err
			}
		}
		rel.collations(rd.tokens(rel.sql))
		if len(rel.pk) > 0 {
			rel.Unique = append(rel.Unique, rel.pk)
		}
	}
	return nil
}

func (rel *relation) column(row sealdriver.Row) {
	hidden := row.Int(6)
	if hidden == 1 {
		return
	}
	def := row.Text(4)
	if strings.EqualFold(strings.Trim(strings.TrimSpace(def), "()"), "null") {
		def = ""
	}
	rel.Columns = append(rel.Columns, rewrite.CatalogColumn{
		Name:          row.Text(1),
		Type:          strings.ToLower(row.Text(2)),
		NotNull:       row.Int(3) != 0,
		Default:       def,
		Generated:     hidden == 2 || hidden == 3,
		Collation:     "BINARY",
		BytewiseEqual: true,
	})
	if row.Int(5) > 0 {
		rel.pk = append(rel.pk, row.Text(1))
	}
}

// rowid marks the column that is the rowid: a primary key of one column of the type
// INTEGER for which SQLite made no index. INTEGER PRIMARY KEY DESC has one, and may be
// NULL (sqlite.org/lang_createtable.html#rowid).
func (rel *relation) rowid() {
	if len(rel.pk) != 1 {
		return
	}
	for i := range rel.Columns {
		if c := &rel.Columns[i]; c.Name == rel.pk[0] && c.Type == "integer" {
			c.RowID = true
		}
	}
}

// indexes reads unique column sets, and the texts of indexes over expressions
// or with a condition.
func (rd *reader) indexes(ctx context.Context, schema string) error {
	q := strings.NewReplacer("FROM %s.", "FROM "+quoteName(schema)+".", ", %s)", ", "+quote(schema)+")").Replace(
		`SELECT m.name, l.name, l."unique", l.partial, x.cid, coalesce(x.name, ''), coalesce(upper(x.coll), 'BINARY') = 'BINARY'
		FROM %s.sqlite_schema AS m, pragma_index_list(m.name, %s) AS l, pragma_index_xinfo(l.name, %s) AS x
		WHERE m.type = 'table' AND m.sql NOT LIKE 'create virtual%' AND x.key = 1 ORDER BY m.rowid, l.seq, x.seqno`)
	texts := map[string]string{}
	for _, o := range rd.objects {
		if o.kind == "index" && o.schema == schema {
			texts[strings.ToLower(o.name)] = o.sql
		}
	}
	type index struct {
		rel           *relation
		name          string
		plain, unique bool
		columns       []string
		// whole are the columns that it compares byte by byte; loose is set where it
		// has others.
		whole []string
		loose bool
	}
	var all []*index
	err := rd.r.Query(ctx, q, nil, func(row sealdriver.Row) error {
		rel := rd.byID[id(schema, row.Text(0))]
		if rel == nil {
			return nil
		}
		if n := len(all); n == 0 || all[n-1].rel != rel || all[n-1].name != row.Text(1) {
			all = append(all, &index{rel: rel, name: row.Text(1), plain: row.Int(3) == 0, unique: row.Int(2) != 0})
		}
		ix := all[len(all)-1]
		if row.Int(4) == -2 {
			ix.plain = false
		}
		ix.columns = append(ix.columns, row.Text(5))
		if row.Int(4) >= 0 && row.Bool(6) {
			ix.whole = append(ix.whole, row.Text(5))
		} else {
			ix.loose = true
		}
		return nil
	})
	indexed := map[*relation]bool{}
	for _, ix := range all {
		indexed[ix.rel] = indexed[ix.rel] || slices.Equal(ix.columns, ix.rel.pk)
	}
	for _, rel := range rd.relations {
		if rel.ID.Schema == schema && !indexed[rel] {
			rel.rowid()
		}
	}
	for _, ix := range all {
		if !ix.plain {
			text := texts[strings.ToLower(ix.name)]
			ix.rel.ExpressionIndexes = append(ix.rel.ExpressionIndexes, strings.ToLower(text[strings.IndexByte(text, '(')+1:]))
		} else if ix.unique {
			ix.rel.Unique = append(ix.rel.Unique, ix.columns)
		}
		if ix.unique && (ix.loose || !ix.plain) {
			ix.rel.Conflicts = append(ix.rel.Conflicts, ix.whole)
		}
	}
	return err
}

// temporaryTriggers adds the connection's temporary triggers to the tables
// that they sit on, in whatever file.
func (rd *reader) temporaryTriggers(ctx context.Context) error {
	q := "SELECT name, tbl_name, coalesce(sql, '') FROM temp.sqlite_schema WHERE type = 'trigger'"
	return rd.r.Query(ctx, q, nil, func(row sealdriver.Row) error {
		rd.objects = append(rd.objects, object{temp, "trigger", row.Text(0), row.Text(1), row.Text(2)})
		return nil
	})
}

// routines lists functions that were registered by the program, also where
// they replace built-in ones.
func (rd *reader) routines(ctx context.Context) ([]string, error) {
	var out []string
	q := "SELECT DISTINCT lower(name) FROM pragma_function_list WHERE builtin = 0 ORDER BY 1"
	err := rd.r.Query(ctx, q, nil, func(row sealdriver.Row) error {
		out = append(out, row.Text(0))
		rd.udf[row.Text(0)] = true
		return nil
	})
	return out, err
}

// finish resolves what views and triggers name.
func (rd *reader) finish() []rewrite.SnapshotRelation {
	named := map[string][]rewrite.RelationID{}
	for _, rel := range rd.relations {
		key := strings.ToLower(rel.ID.Name)
		named[key] = append(named[key], rel.ID)
	}
	for _, rel := range rd.relations {
		if rel.Kind == rewrite.RelView {
			rd.view(rel, named)
		}
	}
	for _, o := range rd.objects {
		if o.kind == "trigger" {
			rd.trigger(o)
		}
	}
	out := make([]rewrite.SnapshotRelation, len(rd.relations))
	for i, rel := range rd.relations {
		out[i] = rel.SnapshotRelation
	}
	return out
}

// view takes every relation whose name occurs in the definition for one that
// the view reads: never too few. A view of the temp schema may read relations
// of every file; which of the names are relations shows when they are resolved.
func (rd *reader) view(rel *relation, named map[string][]rewrite.RelationID) {
	words := words(rd.tokens(rel.sql))
	rel.Definition = rel.sql
	rel.OpaqueDefinition = words == nil
	for _, w := range words {
		rel.OpaqueDefinition = rel.OpaqueDefinition || rd.udf[w]
		for _, to := range named[w] {
			if to != rel.ID {
				rel.DependsOn = append(rel.DependsOn, to)
			}
		}
		for _, db := range rd.dbs {
			rel.DependsOn = append(rel.DependsOn, rewrite.RelationID{Schema: db.name, Name: w})
		}
	}
}

func (rd *reader) trigger(o object) {
	t := rewrite.SnapshotTrigger{Name: o.name, Words: words(rd.tokens(o.sql))}
	if t.Words == nil {
		t.Words = []string{"*"}
	}
	if rewrite.IsTokenTrigger(o.name) {
		t.Text = rewrite.TriggerText(o.sql)
	}
	for _, rel := range rd.relations {
		if strings.EqualFold(rel.ID.Name, o.table) && (o.schema == rel.ID.Schema || o.schema == temp) {
			rel.Triggers = append(rel.Triggers, t)
		}
	}
}

func args(vals ...string) []driver.NamedValue {
	out := make([]driver.NamedValue, len(vals))
	for i, v := range vals {
		out[i] = driver.NamedValue{Ordinal: i + 1, Value: v}
	}
	return out
}

func quoteName(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }

func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
