package offline

import (
	"slices"

	"github.com/sealsql/sealsql/internal/script"
	"github.com/sealsql/sealsql/rewrite"
)

// alter learns what an ALTER TABLE does to the columns and the name of a
// table. Other actions change nothing that planning looks at.
func (s *Schema) alter(toks []rewrite.Token) {
	if !script.Word(toks[0], "ALTER") {
		return
	}
	path, rest := s.target(toks)
	if len(path) == 0 {
		return
	}
	id := s.id(path)
	for _, action := range actions(rest) {
		if r := s.find(id); r != nil {
			id = s.action(r, action)
			s.cat = nil
		}
	}
}

// actions returns what stands between the commas outside of parentheses.
func actions(toks []rewrite.Token) [][]rewrite.Token {
	var out [][]rewrite.Token
	depth, from := 0, 0
	for i, t := range toks {
		switch {
		case script.Is(t, "("):
			depth++
		case script.Is(t, ")"):
			depth--
		case script.Is(t, ",") && depth == 0:
			out, from = append(out, toks[from:i]), i+1
		}
	}
	return append(out, toks[from:])
}

// action applies one action and returns the name that the table has behind it.
func (s *Schema) action(r *rewrite.SnapshotRelation, a []rewrite.Token) rewrite.RelationID {
	switch {
	case len(a) < 2:
	case script.Word(a[0], "ADD"):
		a = skip(a[1:], "COLUMN", "IF", "NOT", "EXISTS")
		if len(a) > 0 && script.Is(a[0], "(") {
			for _, e := range elements(a) {
				s.element(r, e)
			}
			break
		}
		s.element(r, a)
	case script.Word(a[0], "DROP"):
		rest := skip(a[1:], "COLUMN", "IF", "EXISTS")
		if len(rest) > 0 && isName(rest[0]) && !hasAny(rest[:1], tableWords) {
			s.dropColumn(r, s.fold(rest[0]))
		}
	case script.Word(a[0], "RENAME"):
		return s.rename(r, a[1:])
	case script.Word(a[0], "CHANGE"):
		if rest := skip(a[1:], "COLUMN", "IF", "EXISTS"); len(rest) > 1 {
			s.renameColumn(r, s.fold(rest[0]), s.fold(rest[1]))
		}
	}
	return r.ID
}

// dropColumn drops a column, and an encrypted one with its search indexes.
func (s *Schema) dropColumn(r *rewrite.SnapshotRelation, name string) {
	gone := []string{name}
	if t := s.ann.Tables.Lookup(r.ID.Schema, r.ID.Name); t != nil {
		if c := t.Column(name); c != nil {
			for _, x := range c.Indexes() {
				gone = append(gone, x.Physical())
			}
		}
	}
	r.Columns = slices.DeleteFunc(slices.Clone(r.Columns), func(c rewrite.CatalogColumn) bool {
		return slices.ContainsFunc(gone, func(n string) bool { return s.equal(c.Name, n) })
	})
}

// rename handles RENAME TO x, RENAME [COLUMN] a TO b.
func (s *Schema) rename(r *rewrite.SnapshotRelation, a []rewrite.Token) rewrite.RelationID {
	switch {
	case hasAny(a[:1], []string{"TO", "AS"}) && len(a) > 1:
		r.ID.Name = s.fold(a[len(a)-1])
	case hasAny(a[:1], []string{"CONSTRAINT", "INDEX", "KEY"}):
	default:
		a = skip(a, "COLUMN", "IF", "EXISTS")
		if len(a) == 3 && script.Word(a[1], "TO") {
			s.renameColumn(r, s.fold(a[0]), s.fold(a[2]))
		}
	}
	return r.ID
}

func (s *Schema) renameColumn(r *rewrite.SnapshotRelation, from, to string) {
	r.Columns = slices.Clone(r.Columns)
	for i := range r.Columns {
		if s.equal(r.Columns[i].Name, from) {
			r.Columns[i].Name = to
		}
	}
}

// skip leaves out words at the beginning, in that order.
func skip(toks []rewrite.Token, words ...string) []rewrite.Token {
	for _, w := range words {
		if len(toks) > 0 && script.Word(toks[0], w) {
			toks = toks[1:]
		}
	}
	return toks
}
