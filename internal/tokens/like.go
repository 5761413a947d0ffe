package tokens

import (
	"errors"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Case says which letters LIKE finds equal.
type Case uint8

// The rules. Exact is PostgreSQL's LIKE and MySQL's under a binary collation,
// ASCII is SQLite's, Lower is ILIKE, Fold and Accents are collations of MySQL
// and citext. Letters are compared one by one: what a collation expands (ß to
// ss) is not equal.
const (
	Exact Case = iota
	ASCII
	Lower
	Fold
	Accents
)

// Ending says what an escape character at the end of a pattern is.
type Ending uint8

// The readings: an error (PostgreSQL), the character itself (MySQL), nothing
// that any text matches (SQLite).
const (
	EndError Ending = iota
	EndLiteral
	EndNever
)

// Rules are how an engine reads patterns.
type Rules struct {
	Case Case
	// Escape is the escape character, 0 for none.
	Escape rune
	// Doubtful is a letter of which it is not known how it is read, 0 for none: patterns
	// that hold it are refused.
	Doubtful rune
	Ending   Ending
	// NUL ends texts and patterns, as in SQLite.
	NUL bool
}

// MaxPattern bounds patterns, in bytes; it is SQLite's limit.
const MaxPattern = 50000

// Errors of patterns.
var (
	ErrEscape = errors.New("the pattern ends with its escape character")
	ErrLong   = errors.New("the pattern is longer than 50,000 bytes")
	// ErrDoubtful is returned for a pattern that holds Rules.Doubtful.
	ErrDoubtful = errors.New("servers differ on a backslash where there is no escape character: name one by ESCAPE")
)

// The wildcards, as numbers that no letter has.
const (
	anyOne  = invalid + 0x100 + iota // _
	anyMany                          // %
)

// Like is a parsed pattern. It is immutable.
type Like struct {
	items []rune // letters, anyOne and anyMany
	rules Rules
	never bool
	// plain are the letters as written, folded to compare.
	folded []rune
}

// ParseLike parses a pattern; the errors are ErrEscape, ErrLong and ErrDoubtful.
func ParseLike(pattern string, r Rules) (*Like, error) {
	if len(pattern) > MaxPattern {
		return nil, ErrLong
	}
	l := &Like{rules: r}
	in := cut(runes(pattern), r.NUL)
	for i := 0; i < len(in); i++ {
		c := in[i]
		switch {
		case r.Doubtful != 0 && c == r.Doubtful:
			return nil, ErrDoubtful
		case r.Escape != 0 && c == r.Escape:
			if i+1 < len(in) {
				i++
				l.items = append(l.items, in[i])
				continue
			}
			switch r.Ending {
			case EndError:
				return nil, ErrEscape
			case EndNever:
				l.never = true
			case EndLiteral:
				l.items = append(l.items, c)
			}
		case c == '_':
			l.items = append(l.items, anyOne)
		case c == '%':
			l.items = append(l.items, anyMany)
		default:
			l.items = append(l.items, c)
		}
	}
	l.folded = make([]rune, len(l.items))
	for i, c := range l.items {
		l.folded[i] = c
		if c < invalid {
			l.folded[i] = r.Case.key(c)
		}
	}
	return l, nil
}

func cut(in []rune, nul bool) []rune {
	if i := slices.Index(in, 0); nul && i >= 0 {
		return in[:i]
	}
	return in
}

// key is the same for letters that the rule finds equal.
func (c Case) key(r rune) rune {
	if r > unicode.MaxRune {
		return r
	}
	switch c {
	case ASCII:
		if 'a' <= r && r <= 'z' {
			return r - 'a' + 'A'
		}
	case Lower:
		return unicode.ToLower(r)
	case Fold:
		return simple(r)
	case Accents:
		return base(r)
	}
	return r
}

// base is a letter without case and accents. All combining marks are one.
func base(r rune) rune {
	r = simple(r)
	switch {
	case r < utf8.RuneSelf:
		return r
	case mark(r):
		return 0x300
	}
	var buf [8]rune
	f := appendFold(buf[:0], r, simple)
	if len(f) == 1 {
		return f[0]
	}
	return r
}

// Mapping is what a function makes of a text before it is compared.
type Mapping uint8

// The mappings: none, lower and upper case, of all letters or of ASCII letters.
const (
	AsIs Mapping = iota
	ToLower
	ToUpper
	ToLowerASCII
	ToUpperASCII
)

// Apply maps a text letter by letter.
func (m Mapping) Apply(s string) string {
	if m == AsIs {
		return s
	}
	in := runes(s)
	for i, r := range in {
		switch {
		case r > unicode.MaxRune:
		case m == ToLower:
			in[i] = unicode.ToLower(r)
		case m == ToUpper:
			in[i] = unicode.ToUpper(r)
		case m == ToLowerASCII && 'A' <= r && r <= 'Z':
			in[i] = r - 'A' + 'a'
		case m == ToUpperASCII && 'a' <= r && r <= 'z':
			in[i] = r - 'a' + 'A'
		}
	}
	return encode(in)
}

// Match reports whether a text matches the pattern. It takes at most the
// product of their lengths.
func (l *Like) Match(text string) bool {
	if l.never {
		return false
	}
	in := cut(runes(text), l.rules.NUL)
	at, p := 0, 0
	star, from := -1, 0 // the last % and where the text stood
	for at < len(in) {
		switch {
		case p < len(l.items) && l.items[p] == anyMany:
			star, from = p, at
			p++
		case p < len(l.items) && (l.items[p] == anyOne || l.items[p] != anyMany && l.folded[p] == l.rules.Case.key(in[at])):
			p++
			at++
		case star >= 0:
			from++
			at, p = from, star+1
		default:
			return false
		}
	}
	for p < len(l.items) && l.items[p] == anyMany {
		p++
	}
	return p == len(l.items)
}

// Beginning returns the letters of a pattern that has no wildcards but % behind
// them; open says that there is one.
func (l *Like) Beginning() (letters string, open, ok bool) {
	n := len(l.items)
	for n > 0 && l.items[n-1] == anyMany {
		n--
	}
	if l.never || slices.ContainsFunc(l.items[:n], func(r rune) bool { return r == anyOne || r == anyMany }) {
		return "", false, false
	}
	return encode(l.items[:n]), n < len(l.items), true
}

// Alone reports letters to which the rule finds no others equal. Of the rules that
// know other letters than ASCII's it says nothing.
func (c Case) Alone(letters string) bool {
	switch c {
	case Exact:
		return true
	case ASCII:
		return !strings.ContainsFunc(letters, func(r rune) bool { return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' })
	}
	return false
}

// Run is letters of a pattern between wildcards. Start and End say that a
// matching text begins or ends with them.
type Run struct {
	Text       string
	Start, End bool
}

// Runs lists the letters of a pattern between its wildcards.
func (l *Like) Runs() []Run {
	var out []Run
	for i := 0; i < len(l.items); {
		j := i
		for j < len(l.items) && l.items[j] != anyOne && l.items[j] != anyMany {
			j++
		}
		if j > i {
			out = append(out, Run{Text: encode(l.items[i:j]), Start: i == 0, End: j == len(l.items)})
		}
		i = j + 1
	}
	return out
}

// encode is the inverse of runes.
func encode(in []rune) string {
	out := make([]byte, 0, len(in))
	for _, r := range in {
		if r >= invalid {
			out = append(out, byte(r-invalid))
			continue
		}
		out = utf8.AppendRune(out, r)
	}
	return string(out)
}
