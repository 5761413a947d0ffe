package tokens

import (
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/sealsql/sealsql/schema"
)

// invalid begins the numbers that stand for bytes which are no UTF-8: behind
// every rune, so that each equals itself only. SQLite keeps such texts.
const invalid = utf8.MaxRune + 1

// runes decodes a text.
func runes(s string) []rune {
	out := make([]rune, 0, len(s))
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 {
			r = invalid + rune(s[i])
		}
		out = append(out, r)
		i += n
	}
	return out
}

// simple makes all letters that any engine could find equal but for their case
// one: the first of the orbit of simple case folding.
func simple(r rune) rune {
	if r < utf8.RuneSelf {
		if 'a' <= r && r <= 'z' {
			return r - 'a' + 'A'
		}
		return r
	}
	if r > unicode.MaxRune {
		return r
	}
	least := unicode.ToLower(r)
	for o := unicode.SimpleFold(least); o != unicode.ToLower(r); o = unicode.SimpleFold(o) {
		least = min(least, o)
	}
	return least
}

// letter is simple for what stands in an index: also what upper case makes one is.
func letter(r rune) rune {
	if r < utf8.RuneSelf || r > unicode.MaxRune {
		return simple(r)
	}
	return simple(unicode.ToUpper(r))
}

// mark reports the combining marks that are no letters of their own.
func mark(r rune) bool { return 0x300 <= r && r <= 0x36F }

// appendFold appends a letter without case and accents. It looks at one letter
// at a time, so that no fragment depends on what stands around it.
func appendFold(dst []rune, r rune, key func(rune) rune) []rune {
	r = key(r)
	if r < utf8.RuneSelf || r > unicode.MaxRune {
		return append(dst, r)
	}
	var buf [utf8.UTFMax]byte
	n := utf8.EncodeRune(buf[:], r)
	d := norm.NFD.Properties(buf[:n]).Decomposition()
	if d == nil {
		if mark(r) {
			return dst
		}
		return append(dst, r)
	}
	for _, x := range string(d) {
		if !mark(x) {
			dst = append(dst, key(x))
		}
	}
	return dst
}

// Normal returns the letters of a text as fragments are cut from them: after
// the steps, without case and accents. The normalizers that compose do nothing
// here, for a letter that is cut off from its accent would be another; nfkc
// replaces compatible letters one by one.
func Normal(steps []schema.Normalizer, text string) []rune {
	in := runes(text)
	for _, s := range steps {
		switch s {
		case schema.Trim, schema.Email:
			in = trim(in, true)
		case schema.TrimEnd:
			in = trim(in, false)
		case schema.Collapse:
			in = collapse(in)
		case schema.Digits:
			in = keep(in, func(r rune) bool { return '0' <= r && r <= '9' })
		case schema.NFKC:
			in = compatible(in)
		}
	}
	out := make([]rune, 0, len(in))
	for _, r := range in {
		out = appendFold(out, r, letter)
	}
	return out
}

func blank(r rune) bool { return r <= unicode.MaxRune && unicode.IsSpace(r) }

func trim(in []rune, both bool) []rune {
	for len(in) > 0 && blank(in[len(in)-1]) {
		in = in[:len(in)-1]
	}
	for both && len(in) > 0 && blank(in[0]) {
		in = in[1:]
	}
	return in
}

func collapse(in []rune) []rune {
	out := in[:0]
	for i, r := range in {
		switch {
		case !blank(r):
			out = append(out, r)
		case i == 0 || len(out) == 0 || out[len(out)-1] != ' ':
			out = append(out, ' ')
		}
	}
	return out
}

func keep(in []rune, ok func(rune) bool) []rune {
	out := in[:0]
	for _, r := range in {
		if ok(r) {
			out = append(out, r)
		}
	}
	return out
}

func compatible(in []rune) []rune {
	out := make([]rune, 0, len(in))
	for _, r := range in {
		if r < utf8.RuneSelf || r > unicode.MaxRune {
			out = append(out, r)
			continue
		}
		out = append(out, []rune(norm.NFKD.String(string(r)))...)
	}
	return out
}
