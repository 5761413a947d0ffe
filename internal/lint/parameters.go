package lint

import (
	"unicode"
	"unicode/utf8"

	"github.com/sealsql/sealsql/internal/script"
	"github.com/sealsql/sealsql/rewrite"
)

// Libraries between the program and database/sql write parameters in other
// ways. What follows puts them as the library would for the engine.

// namedParameters replaces :name as sqlx does: it looks neither at strings nor
// at comments, reads "::" as one colon, and leaves ":=" alone.
func namedParameters(text script.Text, front rewrite.Frontend) script.Text {
	n := newNumbering(front)
	var edits []script.Edit
	s := text.SQL
	for i := 0; i < len(s); i++ {
		if s[i] != ':' {
			continue
		}
		if i+1 < len(s) && s[i+1] == ':' {
			edits = append(edits, script.Edit{From: i, To: i + 2, SQL: ":"})
			i++
			continue
		}
		end := i + 1
		for end < len(s) {
			r, size := utf8.DecodeRuneInString(s[end:])
			if r != '_' && r != '.' && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
				break
			}
			end += size
		}
		if end > i+1 {
			edits = append(edits, script.Edit{From: i, To: end, SQL: n.placeholder(s[i+1 : end])})
			i = end - 1
		}
	}
	return text.Replace(edits)
}

// questionMarks numbers the ? of a text for PostgreSQL, as Rebind of sqlx and
// the object mappers do; strings and comments stay.
func questionMarks(text script.Text, front rewrite.Frontend, s *rewrite.Session) script.Text {
	if front.Dialect() != rewrite.Postgres {
		return text
	}
	toks, ok := tokens(front, text.SQL, s)
	if !ok {
		return text
	}
	n := newNumbering(front)
	var edits []script.Edit
	for _, t := range toks {
		if t.Kind != rewrite.TokPunct {
			continue
		}
		for i := t.Start; i < t.End; i++ {
			if text.SQL[i] == '?' {
				edits = append(edits, script.Edit{From: i, To: i + 1, SQL: n.anonymous()})
			}
		}
	}
	return text.Replace(edits)
}

// atNames numbers the @name of pgx.NamedArgs.
func atNames(text script.Text, front rewrite.Frontend, s *rewrite.Session) script.Text {
	toks, ok := tokens(front, text.SQL, s)
	if !ok {
		return text
	}
	n := newNumbering(front)
	n.reserve(toks)
	var edits []script.Edit
	for i := 0; i+1 < len(toks); i++ {
		if name := toks[i+1]; atName(toks[i], name) {
			edits = append(edits, script.Edit{From: toks[i].End - 1, To: name.End, SQL: n.placeholder(name.Text)})
		}
	}
	return text.Replace(edits)
}
