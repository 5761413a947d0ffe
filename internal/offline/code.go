package offline

import (
	"slices"
	"strings"

	"github.com/sealsql/sealsql/internal/script"
	"github.com/sealsql/sealsql/rewrite"
)

// code learns a routine, trigger or rule from its tokens: not every parser
// reads their bodies. It reports whether the statement is one.
func (s *Schema) code(toks []rewrite.Token) bool {
	if len(toks) < 3 || !script.Word(toks[0], "CREATE") {
		return false
	}
	for i, t := range toks[1:min(len(toks)-1, 16)] {
		rest := toks[i+2:]
		switch {
		case script.Is(t, "("):
			return false
		case script.Word(t, "FUNCTION"), script.Word(t, "PROCEDURE"), script.Word(t, "AGGREGATE"):
			s.routine(rest)
			return true
		case script.Word(t, "TRIGGER"):
			s.trigger(rest)
			return true
		case script.Word(t, "RULE"):
			s.rule(rest)
			return true
		case script.Word(t, "EVENT"):
			return true
		}
	}
	return false
}

// name reads [IF NOT EXISTS] a.b.c and returns the last part, folded to lower
// case, and what follows.
func (s *Schema) name(toks []rewrite.Token) (path []rewrite.Ident, rest []rewrite.Token) {
	toks = skip(toks, "IF", "NOT", "EXISTS")
	for len(toks) > 0 && isName(toks[0]) {
		path = append(path, rewrite.Ident{Name: s.fold(toks[0])})
		toks = toks[1:]
		if len(toks) < 2 || !script.Is(toks[0], ".") {
			break
		}
		toks = toks[1:]
	}
	return path, toks
}

func (s *Schema) routine(toks []rewrite.Token) {
	path, rest := s.name(toks)
	if len(path) == 0 {
		return
	}
	name := strings.ToLower(path[len(path)-1].Name)
	if !slices.Contains(s.snap.Routines, name) {
		s.snap.Routines = append(s.snap.Routines, name)
	}
	s.words[name] = bodyWords(rest)
	s.cat = nil
}

// trigger attaches a trigger to its table, with every word of its body; where
// it runs a routine, with the routine's words.
func (s *Schema) trigger(toks []rewrite.Token) {
	path, rest := s.name(toks)
	if len(path) == 0 {
		return
	}
	for i := range rest {
		if !script.Word(rest[i], "ON") {
			continue
		}
		table, body := s.name(rest[i+1:])
		if len(table) == 0 {
			return
		}
		if r := s.find(s.id(table)); r != nil {
			t := rewrite.SnapshotTrigger{Name: path[len(path)-1].Name, Words: s.called(body)}
			r.Triggers = append(slices.Clone(r.Triggers), t)
			s.cat = nil
		}
		return
	}
}

// called returns the words of a trigger's body, or of the routine that it
// executes; "*" if that is not known.
func (s *Schema) called(body []rewrite.Token) []string {
	if s.front.Dialect() != rewrite.Postgres {
		return bodyWords(body)
	}
	for i := range body {
		if script.Word(body[i], "FUNCTION") || script.Word(body[i], "PROCEDURE") {
			path, _ := s.name(body[i+1:])
			if len(path) > 0 {
				if words, known := s.words[strings.ToLower(path[len(path)-1].Name)]; known {
					return words
				}
			}
		}
	}
	return []string{"*"}
}

// rule attaches a rule of PostgreSQL to its table.
func (s *Schema) rule(toks []rewrite.Token) {
	path, rest := s.name(toks)
	for i := range rest {
		if !script.Word(rest[i], "TO") || len(path) == 0 {
			continue
		}
		table, _ := s.name(rest[i+1:])
		if len(table) == 0 {
			return
		}
		if r := s.find(s.id(table)); r != nil {
			r.Rules = append(slices.Clone(r.Rules), path[len(path)-1].Name)
			s.cat = nil
		}
		return
	}
}

// dynamic are words by which a body can run text that it built.
var dynamic = []string{"execute", "prepare", "dblink", "query_to_xml"}

// bodyWords returns the words of a body, those inside of strings included,
// lower case and sorted; "*" where the body may build its SQL.
func bodyWords(toks []rewrite.Token) []string {
	var words []string
	for _, t := range toks {
		words = append(words, strings.FieldsFunc(strings.ToLower(t.Text), func(c rune) bool {
			return c != '_' && c != '$' && c < 0x80 && (c < '0' || c > '9') && (c < 'a' || c > 'z')
		})...)
	}
	slices.Sort(words)
	words = slices.Compact(words)
	for _, d := range dynamic {
		if _, found := slices.BinarySearch(words, d); found {
			return []string{"*"}
		}
	}
	return words
}
