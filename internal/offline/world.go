package offline

import (
	"errors"

	"github.com/sealsql/sealsql/internal/script"
	"github.com/sealsql/sealsql/rewrite"
)

// The ways in which names get their meaning.
const (
	// KnownNone: only annotated tables and clear_tables are known, as with
	// catalog: {read: none} in the configuration.
	KnownNone = "none"
	// KnownInferred: from each statement; see Infer.
	KnownInferred = "inferred"
	// KnownSchema and KnownDatabase: from scripts, or a database that was read.
	KnownSchema   = "schema"
	KnownDatabase = "database"
)

// World is what is known where statements are planned without a connection.
type World struct {
	Annotations
	// Known is one of the constants above; Schema is set for the last two.
	Known   string
	Schema  *Schema
	Names   rewrite.Names // for the first two
	Session rewrite.Session
}

// ErrOtherDialect is returned where a statement is of another dialect than the
// schema or the database that was given.
var ErrOtherDialect = errors.New("the schema or database that was given is of another dialect")

// View answers for the statements of one file, which may define what those
// behind them name.
type View struct {
	world  *World
	front  rewrite.Frontend
	schema *Schema // a copy of the world's; nil if it has none
	fixed  rewrite.Catalog
}

// View returns a view for a file. It fails with ErrOtherDialect.
func (w *World) View(f rewrite.Frontend) (*View, error) {
	v := &View{world: w, front: f}
	switch w.Known {
	case KnownSchema, KnownDatabase:
		if w.Schema.front.Dialect() != f.Dialect() {
			return nil, ErrOtherDialect
		}
		v.schema = w.Schema.Clone()
	case KnownNone:
		v.fixed = rewrite.NewCatalog(f.Dialect(), nil, w.Names, w.Tables, w.Declarations)
	}
	return v, nil
}

// Catalog answers for the next statement.
func (v *View) Catalog(parsed *rewrite.Script) rewrite.Catalog {
	switch {
	case v.schema != nil:
		return v.schema.Catalog()
	case v.fixed != nil:
		return v.fixed
	}
	return Infer(v.front, v.world.Annotations, v.world.Names, parsed)
}

// Learn notes what a statement of a script defines, where a schema is known.
func (v *View) Learn(parsed *rewrite.Script, text string) {
	if v.schema != nil && defines(parsed) {
		v.schema.Learn(text)
	}
}

// defines reports whether a statement may change what is known. What no parser
// reads may be a definition, too.
func defines(parsed *rewrite.Script) bool {
	if parsed == nil {
		return true
	}
	for _, st := range parsed.Statements {
		if _, ok := st.(*rewrite.Other); ok {
			return true
		}
	}
	return false
}

// KnowsName reports whether the configuration or the database has a name, so
// that it may be shown.
func (v *View) KnowsName(name string) bool {
	for _, t := range v.world.Tables.Tables() {
		if t.Name == name || t.Column(name) != nil || t.IndexColumn(name) != nil || t.Partition.Column == name || t.Row.Column == name {
			return true
		}
	}
	return v.schema != nil && v.schema.Known(name)
}

// DefaultSchema puts unqualified names into a schema, for worlds without one.
func DefaultSchema(name string) rewrite.Names {
	if name == "" {
		return rewrite.Names{}
	}
	return rewrite.Names{SearchPath: []string{name}}
}

// ReadSchema learns scripts, in order, and returns what was not understood.
func (s *Schema) ReadSchema(files []*script.File) []script.Place {
	var lost []script.Place
	for _, f := range files {
		lost = append(lost, s.Read(f)...)
	}
	return lost
}

// Note says what an answer is worth, in lines for people; empty where it is
// worth what the schema or the database is.
func Note(known string) string {
	switch known {
	case KnownInferred:
		return "Every table was taken to be an ordinary one with the columns that the statement names. The driver knows the\n" +
			"real ones, with their views, triggers and routines, and may refuse more; --db or --schema show that here."
	case KnownNone:
		return "No database and no schema was given: tables that the configuration does not name are refused, and so is \"*\".\n" +
			"Give --db, --schema or --infer-schema."
	}
	return ""
}
