package schema

import (
	"fmt"
	"strconv"
	"strings"
)

// Limits of the modifiers. They are the widest of any engine; the engine that
// is connected checks its own when the database is opened.
const (
	maxSpelling  = 128        // bytes of a spelling; the longest real one has 39
	maxLength    = 10_485_760 // PostgreSQL's limit of varchar(n); MySQL's is lower
	maxPrecision = 1000       // PostgreSQL's limit of numeric(p,s); MySQL's is 65
	maxScale     = 1000
	maxFraction  = 6
)

// TypeError says why a spelling is not a type.
type TypeError struct {
	// Problem says what is wrong, in words.
	Problem string
	// Suggestion is a spelling to use instead, or empty.
	Suggestion string
}

func (e *TypeError) Error() string {
	if e.Suggestion == "" {
		return "type: " + e.Problem
	}
	return "type: " + e.Problem + "; use " + e.Suggestion
}

// ParseType reads the spelling of a type as PostgreSQL, MySQL, MariaDB or
// SQLite write it in a CREATE TABLE, or a neutral name (text, bytes, int16,
// int32, int64, float32, float64, bool, numeric, date, time, timestamp,
// timestamptz, uuid, json), or an array of these as PostgreSQL writes it
// (text[], int[3][3], integer ARRAY). Case and blanks do not matter. The error
// is a *TypeError.
//
// For every t that it returns, ParseType(t.Declared) is t, and
// ParseType(t.Name) is the same type (Type.Same).
func ParseType(spelling string) (Type, error) {
	if len(spelling) > maxSpelling {
		return Type{}, &TypeError{Problem: fmt.Sprintf("longer than %d bytes", maxSpelling)}
	}
	element, array, err := cutArray(lower(spelling))
	if err != nil {
		return Type{}, err
	}
	t, err := parseScalar(element)
	if err != nil || !array {
		return t, err
	}
	if t.Unsigned {
		return Type{}, &TypeError{"arrays are PostgreSQL's, which has no unsigned types", "numeric(20)[]"}
	}
	t.Elem, t.Kind = t.Kind, KindArray
	t.Name, t.Declared, t.Base = t.Name+dims, t.Declared+dims, t.Base+dims
	return t, nil
}

// cutArray takes off what makes an array of a type: brackets, with sizes that
// PostgreSQL does not look at, or the word ARRAY.
func cutArray(text string) (element string, array bool, err error) {
	element = strings.TrimSpace(text)
	for strings.HasSuffix(element, "]") {
		i := strings.LastIndexByte(element, '[')
		if i < 0 {
			break
		}
		if size := strings.TrimSpace(element[i+1 : len(element)-1]); size != "" {
			if _, err := number(size, "size of an array", 1, maxLength); err != nil {
				return "", false, err
			}
		}
		element, array = strings.TrimSpace(element[:i]), true
	}
	if head, ok := strings.CutSuffix(element, " array"); ok {
		element, array = strings.TrimSpace(head), true
	}
	if strings.ContainsAny(element, "[]") || hasWord(element, "array") {
		return "", false, &TypeError{"not the spelling of an array", "text[]"}
	}
	return element, array, nil
}

func parseScalar(spelling string) (Type, error) {
	s, err := splitSpelling(spelling)
	if err != nil {
		return Type{}, err
	}
	w, err := s.lookUp()
	if err != nil {
		return Type{}, err
	}
	t := w.typ
	if err := s.apply(&t, w.params); err != nil {
		return Type{}, err
	}
	if s.unsigned {
		if t.Kind != KindInt {
			return Type{}, &TypeError{"unsigned belongs to integer types", t.Base}
		}
		t.Unsigned = true
	}
	t.Name, t.Declared = canonicalName(t), s.declared()
	return t, nil
}

// spelling is a spelling taken apart.
type spelling struct {
	words    string   // "timestamp with time zone": all words in lower case, without modifiers
	head     int      // number of words before the parentheses
	params   []string // "10", "2"
	has      bool     // parentheses are there
	unsigned bool
}

// declared puts the spelling together again, in one form.
func (s *spelling) declared() string {
	out := s.words
	if s.has {
		w := strings.SplitN(s.words, " ", s.head+1)
		out = strings.Join(w[:s.head], " ") + "(" + strings.Join(s.params, ",") + ")"
		if len(w) > s.head {
			out += " " + w[s.head]
		}
	}
	if s.unsigned {
		out += " unsigned"
	}
	return out
}

func splitSpelling(text string) (*spelling, error) {
	for i := 0; i < len(text); i++ {
		if c := text[i]; c < ' ' && c != '\t' || c >= 0x7f {
			return nil, &TypeError{Problem: "only ASCII letters, digits, blanks and parentheses are allowed"}
		}
	}
	s := &spelling{}
	before, rest, open := strings.Cut(text, "(")
	head := strings.Fields(before)
	tail := []string(nil)
	if open {
		inner, after, closed := strings.Cut(rest, ")")
		if !closed || strings.ContainsAny(after, "()") {
			return nil, &TypeError{Problem: "unbalanced parentheses"}
		}
		s.has = true
		for _, p := range strings.Split(inner, ",") {
			s.params = append(s.params, strings.TrimSpace(p))
		}
		tail = strings.Fields(after)
	}
	if len(head) == 0 {
		return nil, &TypeError{"no type is named", "text"}
	}
	if open {
		tail, s.unsigned = cutUnsigned(tail)
	} else {
		head, s.unsigned = cutUnsigned(head)
	}
	if open && !modifierPlace(head, tail) {
		return nil, &TypeError{Problem: "the modifier stands in the wrong place"}
	}
	s.head = len(head)
	s.words = strings.Join(append(head, tail...), " ")
	return s, nil
}

// modifierPlace reports whether parentheses may stand between head and tail:
// after all words, except for timestamp(3) with time zone, where SQL wants
// them after the first.
func modifierPlace(head, tail []string) bool {
	if len(tail) > 0 {
		return len(head) == 1 && tail[len(tail)-1] == "zone"
	}
	return len(head) == 0 || head[len(head)-1] != "zone"
}

func hasWord(text, w string) bool {
	for _, f := range strings.Fields(text) {
		if f == w {
			return true
		}
	}
	return false
}

// cutUnsigned takes the word that ends MySQL's integer types.
func cutUnsigned(f []string) ([]string, bool) {
	if n := len(f); n > 0 && f[n-1] == "unsigned" {
		return f[:n-1], true
	}
	return f, false
}

func (s *spelling) lookUp() (word, error) {
	if w, ok := words[s.words]; ok {
		return w, nil
	}
	if s.words == "" {
		return word{}, &TypeError{"no type is named", "int unsigned"}
	}
	if use, ok := unsupported[s.words]; ok {
		return word{}, &TypeError{"this type cannot be encrypted", use}
	}
	for _, attribute := range []string{"zerofill", "signed", "collate", "character set", "charset", "not null", "null", "default", "primary key", "unique"} {
		if strings.Contains(" "+s.words+" ", " "+attribute+" ") {
			return word{}, &TypeError{Problem: attribute + " is not part of a type; leave it out"}
		}
	}
	near := Nearest(s.words, spellings)
	return word{}, &TypeError{"unknown type", near}
}

// spellings are the keys of words.
var spellings = func() []string {
	out := make([]string, 0, len(words))
	for w := range words {
		out = append(out, w)
	}
	return out
}()

// apply sets what the modifiers say.
func (s *spelling) apply(t *Type, p params) error {
	switch p {
	case optLength, mustLength, oneLength:
		return s.length(t, p)
	case optPrecision:
		return s.precision(t)
	case optFraction:
		return s.fraction(t)
	case displayWidth:
		_, err := s.one("display width", 0, 255, 0)
		return err
	case floatBits:
		return s.float(t)
	}
	if s.has {
		return &TypeError{t.Base + " takes no modifier", t.Base}
	}
	return nil
}

func (s *spelling) length(t *Type, p params) error {
	if !s.has && p == mustLength {
		return &TypeError{t.Base + " needs a length", t.Base + "(255)"}
	}
	fallback := 0
	if p == oneLength || t.Fixed {
		fallback = 1 // SQL: char is char(1)
	}
	n, err := s.one("length", 1, maxLength, fallback)
	t.Length = n
	return err
}

func (s *spelling) precision(t *Type) error {
	if !s.has {
		return nil
	}
	if len(s.params) > 2 {
		return &TypeError{"numeric takes a precision and a scale", "numeric(10,2)"}
	}
	p, err := number(s.params[0], "precision", 1, maxPrecision)
	if err != nil {
		return err
	}
	t.HasPrecision, t.Precision = true, p
	if len(s.params) == 2 {
		t.Scale, err = number(s.params[1], "scale", -maxScale, maxScale)
	}
	return err
}

func (s *spelling) fraction(t *Type) error {
	n, err := s.one("number of fractional digits", 0, maxFraction, 0)
	t.HasFraction, t.Fraction = s.has, n
	return err
}

// float reads float(p): up to 24 bits of mantissa is single, up to 53 double,
// on PostgreSQL and MySQL alike.
func (s *spelling) float(t *Type) error {
	if !s.has {
		return nil
	}
	if len(s.params) == 2 {
		return &TypeError{"float takes no scale", "double, or numeric(10,2)"}
	}
	p, err := s.one("number of bits", 1, 53, 0)
	if err != nil {
		return err
	}
	if *t = words["float8"].typ; p <= 24 {
		*t = words["float4"].typ
	}
	return nil
}

// one reads the single modifier, or returns fallback when there is none.
func (s *spelling) one(what string, low, high, fallback int) (int, error) {
	if !s.has {
		return fallback, nil
	}
	if len(s.params) != 1 {
		return 0, &TypeError{Problem: "one " + what + " is expected in the parentheses"}
	}
	return number(s.params[0], what, low, high)
}

// number reads a decimal integer. Signs other than one minus, blanks,
// underscores and leading zeros are refused, so that one number has one
// spelling.
func number(text, what string, low, high int) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || strconv.Itoa(n) != text || n < low || n > high {
		return 0, &TypeError{Problem: fmt.Sprintf("%s must be a number from %d to %d", what, low, high)}
	}
	return n, nil
}

// canonicalName spells a type in the one form that ParseType reads back.
func canonicalName(t Type) string {
	switch {
	case t.Length > 0:
		return fmt.Sprintf("%s(%d)", t.Base, t.Length)
	case t.HasPrecision:
		return fmt.Sprintf("%s(%d,%d)", t.Base, t.Precision, t.Scale)
	case t.HasFraction:
		return fmt.Sprintf("%s(%d)", t.Base, t.Fraction)
	case t.Unsigned:
		return t.Base + " unsigned"
	}
	return t.Base
}
