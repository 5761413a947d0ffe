package offline

import (
	"slices"
	"strings"

	"github.com/sealsql/sealsql/internal/script"
	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/schema"
)

// Annotations are what the configuration says.
type Annotations struct {
	Tables       *schema.Catalog
	Declarations rewrite.Declarations
}

// Schema is the state of a database as scripts make it: tables with columns,
// defaults and unique keys, views, triggers, rules and routines. Encrypted
// columns count as having their physical type, whether a script spells that or
// the logical one.
//
// It does not know domains, operators, user-defined types, extensions, foreign
// tables, policies, and what a script does in the body of a DO or a procedure.
// A table whose definition is not understood does not exist.
type Schema struct {
	front   rewrite.Frontend
	session rewrite.Session
	ann     Annotations
	names   rewrite.Names
	snap    rewrite.Snapshot
	words   map[string][]string // of routines, for the triggers that call them
	cat     rewrite.Catalog     // nil after a change
}

// New returns an empty database. defaultSchema is the schema (on MySQL the
// database) of unqualified names; empty means public on PostgreSQL, main on
// SQLite, and on MySQL whatever the scripts USE.
func New(f rewrite.Frontend, session rewrite.Session, ann Annotations, defaultSchema string) *Schema {
	if defaultSchema == "" {
		defaultSchema = map[rewrite.Dialect]string{rewrite.Postgres: "public", rewrite.SQLite: "main"}[f.Dialect()]
	}
	return From(f, session, ann, &rewrite.Snapshot{}, rewrite.Names{SearchPath: []string{defaultSchema}})
}

// From returns a database that has been read.
func From(f rewrite.Frontend, session rewrite.Session, ann Annotations, snap *rewrite.Snapshot, names rewrite.Names) *Schema {
	s := &Schema{front: f, session: session, ann: ann, names: names, snap: *snap}
	s.snap.Relations = slices.Clone(snap.Relations)
	s.snap.Routines = slices.Clone(snap.Routines)
	s.words = map[string][]string{}
	return s
}

// Clone returns a copy that goes on by itself.
func (s *Schema) Clone() *Schema {
	out := From(s.front, s.session, s.ann, &s.snap, s.names)
	out.cat = s.cat
	for name, words := range s.words {
		out.words[name] = words
	}
	return out
}

// Catalog answers what names mean now.
func (s *Schema) Catalog() rewrite.Catalog {
	if s.cat == nil {
		s.cat = rewrite.NewCatalog(s.front.Dialect(), &s.snap, s.names, s.ann.Tables, s.ann.Declarations)
	}
	return s.cat
}

// Known reports whether a table or column of the database has the name.
func (s *Schema) Known(name string) bool {
	for i := range s.snap.Relations {
		r := &s.snap.Relations[i]
		if r.ID.Name == name || slices.ContainsFunc(r.Columns, func(c rewrite.CatalogColumn) bool { return c.Name == name }) {
			return true
		}
	}
	return false
}

// Read learns a whole script. It returns the places of statements that no
// parser understands, so that what they define is not known.
func (s *Schema) Read(f *script.File) []script.Place {
	var lost []script.Place
	for _, p := range script.Split(s.front, f.Data, &s.session) {
		if !p.Client && !s.Learn(f.Data[p.From:p.To]) {
			lost = append(lost, f.Place(p.From))
		}
	}
	return lost
}

// Learn notes what one statement defines; false if it is not understood.
func (s *Schema) Learn(text string) bool {
	prepared, err := s.front.Prepare(text, &s.session)
	if err != nil {
		return false
	}
	toks, ok := s.tokens(prepared)
	if !ok {
		return false
	}
	if s.code(toks) {
		return true
	}
	parsed, err := s.front.Parse(prepared, &s.session)
	if err != nil || parsed == nil {
		return false
	}
	for _, st := range parsed.Statements {
		if o, ok := st.(*rewrite.Other); ok && len(parsed.Statements) == 1 {
			s.define(o, toks, prepared)
		}
	}
	return true
}

func (s *Schema) tokens(text string) (toks []rewrite.Token, ok bool) {
	t, ok := s.front.(rewrite.Tokenizer)
	ok = ok && t.EachToken(text, 0, &s.session, func(t rewrite.Token) bool {
		toks = append(toks, t)
		return true
	})
	return toks, ok
}

func (s *Schema) define(o *rewrite.Other, toks []rewrite.Token, text string) {
	switch o.Kind {
	case rewrite.OtherCreateTable:
		s.table(o, toks)
	case rewrite.OtherCreateView:
		s.view(o, toks, text)
	case rewrite.OtherCreateIndex:
		s.index(o, toks)
	case rewrite.OtherAlterTable:
		s.alter(toks)
	case rewrite.OtherDrop:
		for _, t := range o.Relations {
			s.drop(s.id(t.Path))
		}
	case rewrite.OtherSession:
		s.use(toks)
	}
}

// use follows USE on MySQL, and on PostgreSQL a search_path.
func (s *Schema) use(toks []rewrite.Token) {
	var path []string
	switch {
	case s.front.Dialect() == rewrite.MySQL && len(toks) > 1 && script.Word(toks[0], "USE"):
		path = []string{toks[1].Text}
	case s.front.Dialect() == rewrite.Postgres && len(toks) > 3 && script.Word(toks[0], "SET") && script.Word(toks[1], "search_path"):
		for _, t := range toks[3:] {
			if t.Kind != rewrite.TokPunct {
				path = append(path, s.fold(t))
			}
		}
	default:
		return
	}
	s.names.SearchPath, s.cat = path, nil
}

// id is the relation that a definition makes or means.
func (s *Schema) id(path []rewrite.Ident) rewrite.RelationID {
	id := rewrite.RelationID{Name: path[len(path)-1].Name}
	if len(path) > 1 {
		id.Schema = path[len(path)-2].Name
	} else if len(s.names.SearchPath) > 0 {
		id.Schema = s.names.SearchPath[0]
	}
	return id
}

// find returns a relation that exists, or nil. It is not to be kept: the next
// definition may move it.
func (s *Schema) find(id rewrite.RelationID) *rewrite.SnapshotRelation {
	for i := range s.snap.Relations {
		if r := &s.snap.Relations[i]; s.equal(r.ID.Schema, id.Schema) && s.equal(r.ID.Name, id.Name) {
			return r
		}
	}
	return nil
}

func (s *Schema) equal(a, b string) bool {
	if s.front.Dialect() == rewrite.Postgres {
		return a == b
	}
	return strings.EqualFold(a, b)
}

func (s *Schema) drop(id rewrite.RelationID) {
	s.snap.Relations = slices.DeleteFunc(s.snap.Relations, func(r rewrite.SnapshotRelation) bool {
		return s.equal(r.ID.Schema, id.Schema) && s.equal(r.ID.Name, id.Name)
	})
	s.cat = nil
}

func (s *Schema) add(r rewrite.SnapshotRelation) {
	s.drop(r.ID)
	s.snap.Relations = append(s.snap.Relations, r)
}

// fold returns the name that a token means.
func (s *Schema) fold(t rewrite.Token) string {
	if t.Kind == rewrite.TokWord && s.front.Dialect() == rewrite.Postgres {
		return strings.ToLower(t.Text)
	}
	return t.Text
}
