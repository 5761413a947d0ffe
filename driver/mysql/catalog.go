package mysql

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/go-sql-driver/mysql"

	sealdriver "github.com/sealsql/sealsql/driver"
	"github.com/sealsql/sealsql/rewrite"
)

// userSchemas selects the databases of users; "$s" stands for the column.
const userSchemas = "$s NOT IN ('information_schema', 'performance_schema', 'mysql', 'sys')"

func inUserSchemas(column string) string { return strings.Replace(userSchemas, "$s", column, 1) }

// Snapshot reads the catalog of all databases that the user may see, with a
// handful of queries.
func (e *engine) Snapshot(ctx context.Context, r *sealdriver.Reader, s *sealdriver.Session) (*rewrite.Snapshot, error) {
	rs := &relations{ctx: ctx, r: r, front: e.front, session: s, byID: map[rewrite.RelationID]int{}, vitess: e.vitess.Load()}
	if rs.vitess {
		if err := rs.readKeyspaces(); err != nil {
			return nil, err
		}
	}
	for _, read := range []func() error{
		rs.readTables, rs.readColumns, rs.readRoutines, rs.readViews, rs.readTriggers, rs.readReferences, rs.readIndexes, rs.readChecks,
	} {
		if err := read(); err != nil {
			return nil, err
		}
	}
	system, err := readSystem(ctx, r)
	if err != nil {
		return nil, err
	}
	return &rewrite.Snapshot{Relations: rs.list, Routines: rs.routines, System: system}, nil
}

// everyRow ends a query of the catalog, which all connections use: under one's
// sql_select_limit it would lack relations, views and triggers.
const everyRow = " LIMIT 9223372036854775807"

// readSystem reads the columns of the catalog's relations that show those of
// users: they differ between versions.
func readSystem(ctx context.Context, r *sealdriver.Reader) (map[rewrite.RelationID][]string, error) {
	out := map[rewrite.RelationID][]string{}
	err := r.Query(ctx, "SELECT TABLE_NAME, COLUMN_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = 'information_schema' "+
		"AND TABLE_NAME IN ('COLUMNS', 'VIEWS', 'KEY_COLUMN_USAGE', 'STATISTICS', 'TABLE_CONSTRAINTS', 'CHECK_CONSTRAINTS') ORDER BY TABLE_NAME, ORDINAL_POSITION"+everyRow, nil, func(v sealdriver.Row) error {
		id := rewrite.RelationID{Schema: "information_schema", Name: strings.ToLower(v.Text(0))}
		out[id] = append(out[id], v.Text(1))
		return nil
	})
	return out, err
}

// relations is a set of relations while it is put together.
type relations struct {
	ctx      context.Context
	r        *sealdriver.Reader
	front    rewrite.Frontend
	session  *sealdriver.Session
	list     []rewrite.SnapshotRelation
	byID     map[rewrite.RelationID]int
	routines []string
	// vitess is set behind vtgate, which has keyspaces.
	vitess    bool
	keyspaces []string
}

// query calls row for rows whose first two columns name a known relation. text
// holds inUserSchemas(column).
func (rs *relations) query(text, column string, row func(*rewrite.SnapshotRelation, sealdriver.Row)) error {
	return rs.everywhere(text, column, func(v sealdriver.Row) error {
		if i, ok := rs.byID[rewrite.RelationID{Schema: v.Text(0), Name: v.Text(1)}]; ok {
			row(&rs.list[i], v)
		}
		return nil
	})
}

func (rs *relations) readTables() error {
	text := "SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE, ENGINE FROM information_schema.TABLES WHERE " +
		inUserSchemas("TABLE_SCHEMA") + " ORDER BY TABLE_SCHEMA, TABLE_NAME"
	return rs.everywhere(text, "TABLE_SCHEMA", func(v sealdriver.Row) error {
		kind := kindOf(v.Text(2), v.Text(3))
		if kind == 0 {
			return nil
		}
		id := rewrite.RelationID{Schema: v.Text(0), Name: v.Text(1)}
		rs.byID[id] = len(rs.list)
		rs.list = append(rs.list, rewrite.SnapshotRelation{ID: id, Kind: kind, Versioned: v.Text(2) == "SYSTEM VERSIONED"})
		return nil
	})
}

// kindOf returns 0 for temporary tables, which belong to a session.
func kindOf(typ, engine string) rewrite.RelationKind {
	switch typ {
	case "BASE TABLE", "SYSTEM VERSIONED":
		switch strings.ToUpper(engine) {
		case "FEDERATED", "CONNECT", "SPIDER", "MRG_MYISAM":
			return rewrite.RelForeign
		}
		return rewrite.RelTable
	case "VIEW":
		return rewrite.RelView
	case "SEQUENCE":
		return rewrite.RelSequence
	case "TEMPORARY", "LOCAL TEMPORARY":
		return 0
	}
	return rewrite.RelOther
}

func (rs *relations) readColumns() error {
	return rs.query("SELECT TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME, COLUMN_TYPE, IS_NULLABLE, COLUMN_DEFAULT, EXTRA, COLLATION_NAME, GENERATION_EXPRESSION "+
		"FROM information_schema.COLUMNS WHERE "+inUserSchemas("TABLE_SCHEMA")+" ORDER BY TABLE_SCHEMA, TABLE_NAME, ORDINAL_POSITION", "TABLE_SCHEMA",
		func(rel *rewrite.SnapshotRelation, v sealdriver.Row) {
			extra := strings.ToUpper(v.Text(6))
			c := rewrite.CatalogColumn{
				Name: v.Text(2), Type: strings.ToLower(v.Text(3)), NotNull: v.Text(4) == "NO",
				Default: rs.defaultOf(v), Generated: generated(extra), Collation: v.Text(7),
				Invisible: strings.Contains(extra, "INVISIBLE"),
			}
			c.BytewiseEqual = bytewise(c.Type, c.Collation)
			rel.Columns = append(rel.Columns, c)
			if x := v.Text(8); x != "" {
				rel.Computed = append(rel.Computed, strings.ToLower(x))
			}
		})
}

// defaultOf reads a default: MariaDB writes expressions and so the word NULL,
// MySQL writes the value.
func (rs *relations) defaultOf(v sealdriver.Row) string {
	if strings.Contains(strings.ToUpper(v.Text(6)), "ON UPDATE") {
		return strings.ToLower(v.Text(6))
	}
	if v.Null(5) || rs.session.Plan.MariaDB && v.Text(5) == "NULL" {
		return ""
	}
	if v.Text(5) == "" {
		return "''"
	}
	return v.Text(5)
}

// generated reads information_schema's EXTRA. MySQL marks a default that is an
// expression as DEFAULT_GENERATED.
func generated(extra string) bool {
	extra = strings.ReplaceAll(strings.ToUpper(extra), "DEFAULT_GENERATED", "")
	for _, w := range []string{"GENERATED", "PERSISTENT", "AUTO_INCREMENT"} {
		if strings.Contains(extra, w) {
			return true
		}
	}
	return false
}

// bytewise reports whether equal values of a column have equal bytes. Even
// binary collations ignore trailing blanks, unless they are NO PAD ones.
func bytewise(typ, collation string) bool {
	if collation != "" {
		fixed := strings.HasPrefix(typ, "char(")
		return !fixed && (strings.HasSuffix(collation, "_nopad_bin") || strings.HasSuffix(collation, "_0900_bin") || collation == "binary")
	}
	for _, t := range []string{"varbinary", "blob", "int", "uuid", "date"} {
		if strings.Contains(typ, t) {
			return true
		}
	}
	return false
}

// readRoutines lists stored routines and, on MySQL, loadable functions. MariaDB
// has these only in mysql.func, an Aria table: reading it makes Aria a part of
// the application's transaction, which then fails at SAVEPOINT (error 1178).
// They are not missed: a call of a function that is not built-in is refused
// whether it is listed or not, and a loadable function never hides a built-in.
func (rs *relations) readRoutines() error {
	bodies := map[string][]string{}
	text := "SELECT ROUTINE_SCHEMA, LOWER(ROUTINE_NAME), COALESCE(ROUTINE_DEFINITION, '') FROM information_schema.ROUTINES WHERE " + inUserSchemas("ROUTINE_SCHEMA")
	err := rs.everywhere(text, "ROUTINE_SCHEMA", func(v sealdriver.Row) error {
		name := v.Text(1)
		rs.routines = append(rs.routines, name)
		bodies[name] = append(bodies[name], bodyWords(v.Text(2))...)
		return nil
	})
	if err != nil {
		return err
	}
	rs.routines = append(rs.routines, setting(bodies)...)
	add := func(v sealdriver.Row) error {
		rs.routines = append(rs.routines, v.Text(0))
		return nil
	}
	if !rs.session.Plan.MariaDB {
		const loadable = "SELECT LOWER(UDF_NAME) FROM performance_schema.user_defined_functions WHERE UDF_LIBRARY IS NOT NULL" + everyRow
		if err := rs.r.Query(rs.ctx, loadable, nil, add); err != nil && !isServerError(err) {
			return err
		}
	}
	slices.Sort(rs.routines)
	rs.routines = slices.Compact(rs.routines)
	return nil
}

// isServerError tells an answer of the server (no such table, no privilege)
// from a broken connection.
func isServerError(err error) bool {
	var me *mysql.MySQLError
	return errors.As(err, &me)
}

// readViews reads what views name. The server stores definitions with every
// relation as `database`.`name`, so each such pair counts. Without the
// privilege to see it a definition is empty.
func (rs *relations) readViews() error {
	known := map[rewrite.RelationID]rewrite.RelationID{}
	for id := range rs.byID {
		known[rewrite.RelationID{Schema: strings.ToLower(id.Schema), Name: strings.ToLower(id.Name)}] = id
	}
	return rs.query("SELECT TABLE_SCHEMA, TABLE_NAME, VIEW_DEFINITION FROM information_schema.VIEWS WHERE "+inUserSchemas("TABLE_SCHEMA")+
		" ORDER BY TABLE_SCHEMA, TABLE_NAME", "TABLE_SCHEMA", func(rel *rewrite.SnapshotRelation, v sealdriver.Row) {
		toks := rs.tokens(v.Text(2))
		// Behind Vitess a definition names databases of shards.
		rel.OpaqueDefinition = len(toks) == 0 || rs.vitess
		rel.Definition = v.Text(2)
		for i := range toks {
			if toks[i].Kind != rewrite.TokQuoted && toks[i].Kind != rewrite.TokWord {
				continue
			}
			if _, ok := slices.BinarySearch(rs.routines, strings.ToLower(toks[i].Text)); ok {
				rel.OpaqueDefinition = true
			}
			if id, ok := known[pair(toks[i:])]; ok && id != rel.ID && !slices.Contains(rel.DependsOn, id) {
				rel.DependsOn = append(rel.DependsOn, id)
			}
		}
	})
}

// pair reads "a.b" at the start of toks, lower case.
func pair(toks []rewrite.Token) (id rewrite.RelationID) {
	if len(toks) < 3 || toks[1].Kind != rewrite.TokPunct || toks[1].Text != "." {
		return id
	}
	return rewrite.RelationID{Schema: strings.ToLower(toks[0].Text), Name: strings.ToLower(toks[2].Text)}
}

// tokens reads a stored definition; nil where it cannot be read. Definitions
// are stored as the server prints them, whatever the mode of the session.
func (rs *relations) tokens(text string) []rewrite.Token {
	s := rewrite.Session{ModeKnown: true, MariaDB: rs.session.Plan.MariaDB, Version: rs.session.Plan.Version}
	prepared, err := rs.front.Prepare(text, &s)
	if err != nil {
		return nil
	}
	script, _ := rs.front.Parse(prepared, &s)
	if script == nil {
		return nil
	}
	return script.Tokens
}

func (rs *relations) readTriggers() error {
	return rs.query("SELECT EVENT_OBJECT_SCHEMA, EVENT_OBJECT_TABLE, TRIGGER_NAME, ACTION_STATEMENT, ACTION_TIMING, EVENT_MANIPULATION FROM information_schema.TRIGGERS WHERE "+
		inUserSchemas("EVENT_OBJECT_SCHEMA")+" ORDER BY EVENT_OBJECT_SCHEMA, EVENT_OBJECT_TABLE, TRIGGER_NAME", "EVENT_OBJECT_SCHEMA",
		func(rel *rewrite.SnapshotRelation, v sealdriver.Row) {
			t := rewrite.SnapshotTrigger{Name: v.Text(2), Words: bodyWords(v.Text(3))}
			t.Sets = sets(t.Words)
			if rewrite.IsTokenTrigger(t.Name) {
				t.Text = rewrite.TriggerText(v.Text(4)+" "+v.Text(5), v.Text(3))
			}
			rel.Triggers = append(rel.Triggers, t)
		})
}

// readReferences reads foreign keys, and the columns of those that change rows.
func (rs *relations) readReferences() error {
	type place struct {
		rel  *rewrite.SnapshotRelation
		name string
	}
	type rules struct {
		at               int
		updates, deletes bool
	}
	changing := map[place]rules{}
	err := rs.query("SELECT CONSTRAINT_SCHEMA, TABLE_NAME, UNIQUE_CONSTRAINT_SCHEMA, REFERENCED_TABLE_NAME, DELETE_RULE = 'CASCADE', CONSTRAINT_NAME, UPDATE_RULE NOT IN ('RESTRICT', 'NO ACTION'), DELETE_RULE IN ('SET NULL', 'SET DEFAULT') FROM information_schema.REFERENTIAL_CONSTRAINTS WHERE "+
		inUserSchemas("CONSTRAINT_SCHEMA")+" ORDER BY CONSTRAINT_SCHEMA, TABLE_NAME, CONSTRAINT_NAME", "CONSTRAINT_SCHEMA",
		func(rel *rewrite.SnapshotRelation, v sealdriver.Row) {
			rel.References = append(rel.References, rewrite.SnapshotReference{
				To: rewrite.RelationID{Schema: rs.behindVitess(rel, v.Text(2)), Name: v.Text(3)}, Cascades: v.Int(4) != 0,
			})
			if r := (rules{len(rel.References) - 1, v.Int(6) != 0, v.Int(7) != 0}); r.updates || r.deletes {
				changing[place{rel, v.Text(5)}] = r
			}
		})
	if err != nil || len(changing) == 0 {
		return err
	}
	return rs.query("SELECT TABLE_SCHEMA, TABLE_NAME, CONSTRAINT_NAME, COLUMN_NAME, REFERENCED_COLUMN_NAME FROM information_schema.KEY_COLUMN_USAGE WHERE "+
		inUserSchemas("TABLE_SCHEMA")+" AND REFERENCED_COLUMN_NAME IS NOT NULL ORDER BY TABLE_SCHEMA, TABLE_NAME, CONSTRAINT_NAME, ORDINAL_POSITION", "TABLE_SCHEMA",
		func(rel *rewrite.SnapshotRelation, v sealdriver.Row) {
			r, ok := changing[place{rel, v.Text(2)}]
			if !ok {
				return
			}
			ref := &rel.References[r.at]
			if r.updates {
				ref.Changes = append(ref.Changes, rewrite.SnapshotChange{Column: v.Text(3), Of: v.Text(4)})
			}
			if r.deletes {
				ref.Clears = append(ref.Clears, v.Text(3))
			}
		})
}

// settingWords are words of bodies that change what the driver knows of a session. Servers
// put some of these back behind the body; sql_select_limit and character_set_results stay.
var settingWords = []string{
	"sql_mode", "sql_select_limit", "names", "charset", "character", "character_set_client", "character_set_connection",
	"character_set_results", "collation_connection", "check_constraint_checks", "*",
}

// sets reports the words of a body that may change the session.
func sets(words []string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return slices.Contains(settingWords, w) })
}

// setting lists the routines that may change the session, or call one that may, as
// rewrite.Snapshot names them.
func setting(bodies map[string][]string) (out []string) {
	found := map[string]bool{}
	for grown := true; grown; {
		grown = false
		for name, words := range bodies {
			if !found[name] && (sets(words) || slices.ContainsFunc(words, func(w string) bool { return found[w] })) {
				found[name], grown = true, true
				out = append(out, "session "+name)
			}
		}
	}
	return out
}

// dynamic are words by which a body can run text that it built.
var dynamic = []string{"execute", "prepare", "immediate"}

// bodyWords returns the names that may occur in a body, lower case, each once;
// "*" where the body may build its SQL or is not shown to the user.
func bodyWords(body string) []string {
	words := strings.FieldsFunc(strings.ToLower(body), func(c rune) bool {
		return c != '_' && c != '$' && c < 0x80 && (c < '0' || c > '9') && (c < 'a' || c > 'z')
	})
	slices.Sort(words)
	words = slices.Compact(words)
	if len(words) == 0 {
		return []string{"*"}
	}
	for _, d := range dynamic {
		if _, ok := slices.BinarySearch(words, d); ok {
			return []string{"*"}
		}
	}
	return words
}

// readIndexes reads unique column sets, and key parts that are expressions
// (MySQL). A unique index over a prefix of a column says nothing of the column, but rows
// conflict under it.
func (rs *relations) readIndexes() error {
	expression := "EXPRESSION"
	if rs.session.Plan.MariaDB {
		expression = "NULL"
	}
	type index struct {
		rel     *rewrite.SnapshotRelation
		name    string
		columns []string
		unique  bool
		// whole are the columns that are neither expressions nor beginnings; told is
		// false where there are such.
		whole []string
		told  bool
	}
	var all []*index
	err := rs.query("SELECT TABLE_SCHEMA, TABLE_NAME, INDEX_NAME, NON_UNIQUE, COLUMN_NAME, SUB_PART, "+expression+
		" FROM information_schema.STATISTICS WHERE "+inUserSchemas("TABLE_SCHEMA")+
		" ORDER BY TABLE_SCHEMA, TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX", "TABLE_SCHEMA", func(rel *rewrite.SnapshotRelation, v sealdriver.Row) {
		if n := len(all); n == 0 || all[n-1].rel != rel || all[n-1].name != v.Text(2) {
			all = append(all, &index{rel: rel, name: v.Text(2), unique: v.Int(3) == 0, told: true})
		}
		ix := all[len(all)-1]
		if !v.Null(6) {
			rel.ExpressionIndexes = append(rel.ExpressionIndexes, strings.ToLower(v.Text(6)))
		}
		ix.columns = append(ix.columns, v.Text(4))
		if v.Null(5) && !v.Null(4) {
			ix.whole = append(ix.whole, v.Text(4))
		} else {
			ix.told = false
		}
	})
	for _, ix := range all {
		switch {
		case ix.unique && ix.told:
			ix.rel.Unique = append(ix.rel.Unique, ix.columns)
		case ix.unique:
			ix.rel.Conflicts = append(ix.rel.Conflicts, ix.whole)
		}
	}
	return err
}

// readChecks reads CHECK constraints, which older servers do not have. One that
// MySQL does not enforce keeps nothing out and computes nothing.
func (rs *relations) readChecks() error {
	text := "SELECT t.TABLE_SCHEMA, t.TABLE_NAME, c.CHECK_CLAUSE FROM information_schema.CHECK_CONSTRAINTS c " +
		"JOIN information_schema.TABLE_CONSTRAINTS t ON t.CONSTRAINT_SCHEMA = c.CONSTRAINT_SCHEMA AND t.CONSTRAINT_NAME = c.CONSTRAINT_NAME " +
		"AND t.CONSTRAINT_TYPE = 'CHECK' AND t.ENFORCED = 'YES' WHERE " + inUserSchemas("t.TABLE_SCHEMA") + " ORDER BY 1, 2, c.CONSTRAINT_NAME"
	column := "t.TABLE_SCHEMA"
	if rs.session.Plan.MariaDB {
		text = "SELECT CONSTRAINT_SCHEMA, TABLE_NAME, CHECK_CLAUSE FROM information_schema.CHECK_CONSTRAINTS WHERE " +
			inUserSchemas("CONSTRAINT_SCHEMA") + " ORDER BY 1, 2, CONSTRAINT_NAME"
		column = "CONSTRAINT_SCHEMA"
	}
	err := rs.query(text, column, func(rel *rewrite.SnapshotRelation, v sealdriver.Row) {
		rel.Checks = append(rel.Checks, strings.ToLower(v.Text(2)))
	})
	if err != nil && isServerError(err) {
		return nil
	}
	return err
}
