package offline

import (
	"slices"
	"strings"

	"github.com/sealsql/sealsql/internal/script"
	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/schema"
)

// table learns a CREATE TABLE.
func (s *Schema) table(o *rewrite.Other, toks []rewrite.Token) {
	path, rest := s.target(toks)
	if len(path) == 0 || o.Temp {
		return
	}
	r := rewrite.SnapshotRelation{ID: s.id(path), Kind: rewrite.RelTable}
	if has(toks[:len(toks)-len(rest)], "EXISTS") && s.find(r.ID) != nil {
		return
	}
	s.parents(&r, rest)
	if len(rest) > 0 && script.Is(rest[0], "(") {
		for _, e := range elements(rest) {
			s.element(&r, e)
		}
	}
	if o.Query != nil {
		for _, name := range outputs(o.Query) {
			r.Columns = append(r.Columns, rewrite.CatalogColumn{Name: name})
		}
	}
	s.add(r)
	for _, parent := range r.Relatives {
		if p := s.find(parent); p != nil {
			p.Relatives = append(slices.Clone(p.Relatives), r.ID)
		}
	}
}

// target returns the table of CREATE TABLE and ALTER TABLE, and what follows.
func (s *Schema) target(toks []rewrite.Token) ([]rewrite.Ident, []rewrite.Token) {
	for i, t := range toks[:min(len(toks), 8)] {
		if script.Word(t, "TABLE") {
			return s.name(skip(toks[i+1:], "IF", "NOT", "EXISTS", "ONLY"))
		}
	}
	return nil, nil
}

// parents takes over the columns of the tables behind INHERITS and PARTITION
// OF, and of CREATE TABLE a LIKE b.
func (s *Schema) parents(r *rewrite.SnapshotRelation, toks []rewrite.Token) {
	for i := range toks {
		switch {
		case i == 0 && script.Word(toks[i], "LIKE"):
			path, _ := s.name(toks[1:])
			s.copy(r, path, false)
		case script.Word(toks[i], "OF") && i > 0 && script.Word(toks[i-1], "PARTITION"):
			path, _ := s.name(toks[i+1:])
			s.copy(r, path, true)
		case script.Word(toks[i], "INHERITS"):
			for _, e := range elements(toks[i:]) {
				path, _ := s.name(e)
				s.copy(r, path, true)
			}
		}
	}
}

// copy takes over the columns of one table.
func (s *Schema) copy(r *rewrite.SnapshotRelation, from []rewrite.Ident, child bool) {
	if len(from) == 0 {
		return
	}
	known := s.find(s.id(from))
	if known == nil {
		return
	}
	r.Columns = append(r.Columns, known.Columns...)
	if child {
		r.Relatives = append(r.Relatives, known.ID)
		r.Parents = append(r.Parents, known.ID)
	}
}

// elements returns what stands between the commas of the first parentheses.
func elements(toks []rewrite.Token) [][]rewrite.Token {
	var out [][]rewrite.Token
	depth, from := 0, 0
	for i, t := range toks {
		switch {
		case script.Is(t, "("):
			if depth++; depth == 1 {
				from = i + 1
			}
		case script.Is(t, ",") && depth == 1:
			out, from = append(out, toks[from:i]), i+1
		case script.Is(t, ")"):
			if depth--; depth == 0 {
				return append(out, toks[from:i])
			}
		}
	}
	return nil
}

// tableWords begin elements that are not columns.
var tableWords = []string{
	"CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN", "KEY", "INDEX", "FULLTEXT", "SPATIAL", "EXCLUDE", "LIKE", "PERIOD",
}

// element learns one element of a definition: a column, or a key.
func (s *Schema) element(r *rewrite.SnapshotRelation, e []rewrite.Token) {
	if len(e) > 2 && script.Word(e[0], "CONSTRAINT") {
		e = e[2:]
	}
	switch {
	case len(e) == 0:
	case script.Word(e[0], "LIKE"):
		path, _ := s.name(e[1:])
		s.copy(r, path, false)
	case script.Word(e[0], "PRIMARY") || script.Word(e[0], "UNIQUE"):
		if key := s.nameList(e); len(key) > 0 {
			r.Unique = append(slices.Clone(r.Unique), key)
		}
	case !hasAny(e[:1], tableWords) && (isName(e[0]) || e[0].Kind == rewrite.TokString):
		s.column(r, e)
	}
}

// nameList returns the names in the first parentheses; nil if there is anything
// but names, directions and lengths.
func (s *Schema) nameList(toks []rewrite.Token) []string {
	var out []string
	for _, e := range elements(toks) {
		if len(e) == 0 || !isName(e[0]) {
			return nil
		}
		out = append(out, s.fold(e[0]))
	}
	return out
}

// column learns one column; e begins with its name.
func (s *Schema) column(r *rewrite.SnapshotRelation, e []rewrite.Token) {
	name, rest := s.fold(e[0]), e[1:]
	c := rewrite.CatalogColumn{
		Name: name, Type: typeOf(rest), NotNull: has(rest, "NOT") || has(rest, "PRIMARY"),
		Generated:     has(rest, "GENERATED") || has(rest, "AS") && has(rest, "STORED") || has(rest, "VIRTUAL"),
		BytewiseEqual: s.bytewise(rest),
	}
	for i := range rest {
		if script.Word(rest[i], "DEFAULT") && (i+1 >= len(rest) || !script.Word(rest[i+1], "NULL")) {
			c.Default = "default"
		}
	}
	s.put(r, c)
	if t := s.ann.Tables.Lookup(r.ID.Schema, r.ID.Name); t != nil {
		s.encrypted(r, t, c)
	}
	if has(rest, "PRIMARY") || has(rest, "UNIQUE") {
		r.Unique = append(slices.Clone(r.Unique), []string{name})
	}
}

// behindType are words that may stand behind the type of a column.
var behindType = []string{
	"NOT", "NULL", "DEFAULT", "PRIMARY", "UNIQUE", "KEY", "CHECK", "REFERENCES", "GENERATED", "AS", "COLLATE", "CONSTRAINT", "COMMENT", "CHARSET",
	"AUTO_INCREMENT", "AUTOINCREMENT", "ON", "VIRTUAL", "STORED", "INVISIBLE", "STORAGE", "COMPRESSION",
}

// typeOf is the type in a definition, in lower case, as a catalog spells it.
func typeOf(def []rewrite.Token) string {
	var b strings.Builder
	for i, t := range def {
		if i > 0 && hasAny(def[i:i+1], behindType) || script.Word(t, "CHARACTER") && i+1 < len(def) && script.Word(def[i+1], "SET") {
			break
		}
		word := t.Kind == rewrite.TokWord || t.Kind == rewrite.TokQuoted
		if b.Len() > 0 && word {
			b.WriteByte(' ')
		}
		b.WriteString(strings.ToLower(t.Text))
	}
	return b.String()
}

// put adds a column, or replaces the one of that name.
func (s *Schema) put(r *rewrite.SnapshotRelation, c rewrite.CatalogColumn) {
	r.Columns = slices.DeleteFunc(slices.Clone(r.Columns), func(x rewrite.CatalogColumn) bool { return s.equal(x.Name, c.Name) })
	r.Columns = append(r.Columns, c)
}

// encrypted gives an encrypted column its physical type and puts its search
// index beside it; a script may spell both, or neither.
func (s *Schema) encrypted(r *rewrite.SnapshotRelation, t *schema.Table, c rewrite.CatalogColumn) {
	d := s.front.Dialect()
	if e := t.IndexColumn(c.Name); e != nil {
		c.Type = rewrite.IndexType(d, e)
		s.put(r, c)
		return
	}
	col := t.Column(c.Name)
	if col == nil {
		return
	}
	if carrier := rewrite.CarrierType(d, col); c.Type != carrier {
		// As the application spells it. The driver leaves the default out that the
		// configuration has, and refuses another.
		c.Type = carrier
		if col.Default != nil {
			c.Default = ""
		}
	}
	s.put(r, c)
	for _, x := range col.Indexes() {
		s.put(r, rewrite.CatalogColumn{Name: x.Physical(), Type: rewrite.IndexType(d, x), BytewiseEqual: true})
	}
}

// bytewise reports whether equality of a column of that type is certain to be
// equality of bytes (threats T14).
func (s *Schema) bytewise(typ []rewrite.Token) bool {
	collation := ""
	for i := range typ[:max(len(typ)-1, 0)] {
		if script.Word(typ[i], "COLLATE") {
			collation = strings.ToLower(typ[i+1].Text)
		}
	}
	fixed := has(typ[:min(len(typ), 1)], "CHAR") || has(typ[:min(len(typ), 1)], "CHARACTER") && !has(typ, "VARYING")
	switch s.front.Dialect() {
	case rewrite.Postgres:
		return collation == "" && !fixed && !has(typ, "citext") && !has(typ, "bpchar")
	case rewrite.SQLite:
		return collation == "" || collation == "binary"
	}
	if collation != "" {
		return !fixed && (strings.HasSuffix(collation, "_nopad_bin") || strings.HasSuffix(collation, "_0900_bin") || collation == "binary")
	}
	return len(typ) > 0 && slices.ContainsFunc([]string{"varbinary", "blob", "int", "uuid", "date"}, func(w string) bool {
		return strings.Contains(strings.ToLower(typ[0].Text), w)
	})
}

// index learns the columns of a unique index.
func (s *Schema) index(o *rewrite.Other, toks []rewrite.Token) {
	if len(o.Relations) == 0 || len(toks) < 2 || !script.Word(toks[1], "UNIQUE") {
		return
	}
	r := s.find(s.id(o.Relations[0].Path))
	key := s.nameList(toks)
	if r == nil || len(key) == 0 {
		return
	}
	r.Unique = append(slices.Clone(r.Unique), key)
	s.cat = nil
}

// view learns a view: what it depends on, reads and calls, and its definition.
func (s *Schema) view(o *rewrite.Other, toks []rewrite.Token, text string) {
	if len(o.Relations) == 0 {
		return
	}
	r := rewrite.SnapshotRelation{ID: s.id(o.Relations[0].Path), Kind: rewrite.RelView}
	if strings.Contains(strings.ToUpper(o.Verb), "MATERIALIZED") {
		r.Kind = rewrite.RelMaterializedView
	}
	if o.Query == nil {
		r.OpaqueDefinition = true
		s.add(r)
		return
	}
	script.Walk(o.Query, func(node any) bool {
		switch n := node.(type) {
		case *rewrite.Table:
			if known := s.find(s.id(n.Path)); known != nil {
				r.DependsOn = append(r.DependsOn, known.ID)
			}
		case *rewrite.Call:
			name := strings.ToLower(n.Name[len(n.Name)-1].Name)
			if slices.Contains(s.snap.Routines, name) {
				r.Calls = append(r.Calls, rewrite.SnapshotCall{Routine: name, OnRead: true})
			}
		}
		return true
	})
	for _, name := range s.viewColumns(o.Query, toks) {
		r.Columns = append(r.Columns, rewrite.CatalogColumn{Name: name})
	}
	r.Definition = text
	s.add(r)
}

// viewColumns names the columns of a view: those of its list, or of its query;
// none where the text alone does not tell them all.
func (s *Schema) viewColumns(q *rewrite.Query, toks []rewrite.Token) []string {
	for i, t := range toks {
		if !script.Word(t, "VIEW") {
			continue
		}
		if _, rest := s.name(toks[i+1:]); len(rest) > 0 && script.Is(rest[0], "(") {
			return s.nameList(rest)
		}
		break
	}
	if names := outputs(q); len(names) == len(script.Items(q)) {
		return names
	}
	return nil
}

// outputs names the result columns of a query, as far as its text tells.
func outputs(q *rewrite.Query) []string {
	var out []string
	for _, item := range script.Items(q) {
		if item.Name != "" {
			out = append(out, item.Name)
		}
	}
	return out
}

func isName(t rewrite.Token) bool { return t.Kind == rewrite.TokWord || t.Kind == rewrite.TokQuoted }

func has(toks []rewrite.Token, word string) bool {
	return slices.ContainsFunc(toks, func(t rewrite.Token) bool { return script.Word(t, word) })
}

func hasAny(toks []rewrite.Token, words []string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return has(toks, w) })
}
