package rewrite

import (
	"strings"
	"sync"
	"unicode/utf8"
)

// form is a text with a mark in the place of each plain literal: what texts
// have in common that differ in nothing else. Two texts with one form have the
// same tokens but for the literals, and these are of the same kind.
type form struct {
	text string
	key  []byte
	lits []formLiteral
	// escapes says that a backslash in a string may be an escape.
	escapes bool
}

// formLiteral is one literal: a string in single quotes (or, where that is a
// string, in double ones), or a number of decimal digits.
type formLiteral struct {
	start, end int
	kind       byte
	value      string // decoded
}

// The kinds of literal, as they stand in the key behind a NUL byte, which no
// text that is planned holds. Sign, prefix, introducer and cast stay in the key
// as they are (threats T7).
const (
	formString = '\'' // '…'
	formLoose  = '"'  // "…" where it is a string
	formInt    = '1'  // digits
	formFrac   = '.'  // digits with a point among them
)

var forms = sync.Pool{New: func() any { return new(form) }}

// maxFormLiterals bounds the literals of a text that is given a form.
const maxFormLiterals = 1024

// read takes the form of a text; false where it cannot be told, or where the
// text may not be read as it stands.
func (f *form) read(front Frontend, text string, s *Session) bool {
	f.text, f.key, f.lits, f.escapes = text, f.key[:0], f.lits[:0], front.Dialect() == MySQL
	if strings.IndexByte(text, 0) >= 0 || !utf8.ValidString(text) {
		return false
	}
	r := front.Tokens(text, s)
	last := 0
	var t Token
	for r.Next(&t) {
		kind := plainLiteral(text, &t)
		if kind == 0 {
			continue
		}
		if len(f.lits) == maxFormLiterals {
			return false
		}
		f.lits = append(f.lits, formLiteral{t.Start, t.End, kind, t.Text})
		f.key = append(append(f.key, text[last:t.Start]...), 0, kind)
		last = t.End
	}
	f.key = append(f.key, text[last:]...)
	return r.Sound()
}

// release gives the form back. Its parts hold literals of the text.
func (f *form) release() {
	clear(f.key[:cap(f.key)])
	clear(f.lits[:cap(f.lits)])
	f.text = ""
	if cap(f.key) <= maxCachedText {
		forms.Put(f)
	}
}

// source is the text of a literal as it was written.
func (f *form) source(i int) string { return f.text[f.lits[i].start:f.lits[i].end] }

// plainLiteral returns the kind of a token that is a plain literal, or 0.
func plainLiteral(text string, t *Token) byte {
	switch t.Kind {
	case TokString:
		if c := text[t.Start]; c == formString || c == formLoose {
			return c
		}
	case TokNumber:
		return decimal(text[t.Start:t.End])
	}
	return 0
}

// decimal returns the kind of a number of decimal digits, or 0.
func decimal(s string) byte {
	kind := byte(formInt)
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '.' && kind == formInt && i > 0 && i < len(s)-1:
			kind = formFrac
		case s[i] < '0' || s[i] > '9':
			return 0
		}
	}
	return kind
}
