package tokens

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/sealsql/sealsql/schema"
)

// rulesOf are the engines' rules, as tests name them.
var rulesOf = map[string]Rules{
	"postgres LIKE":      {Case: Exact, Escape: '\\', Ending: EndError},
	"postgres ILIKE":     {Case: Lower, Escape: '\\', Ending: EndError},
	"mysql binary":       {Case: Exact, Escape: '\\', Ending: EndLiteral},
	"mysql ci":           {Case: Fold, Escape: '\\', Ending: EndLiteral},
	"mysql ci_ai":        {Case: Accents, Escape: '\\', Ending: EndLiteral},
	"sqlite":             {Case: ASCII, NUL: true, Ending: EndNever},
	"sqlite with ESCAPE": {Case: ASCII, Escape: '!', NUL: true, Ending: EndNever},
}

func TestPatternsMatchAsTheEnginesRead(t *testing.T) {
	for _, c := range []struct {
		rules, pattern, text string
		want                 bool
	}{
		{"postgres LIKE", "abc%", "abcd", true},
		{"postgres LIKE", "abc%", "ABCD", false},
		{"postgres ILIKE", "abc%", "ABCD", true},
		{"postgres ILIKE", "Ä_", "äx", true},
		{"postgres LIKE", `100\%`, "100%", true},
		{"postgres LIKE", `100\%`, "1000", false},
		{"postgres LIKE", "%", "", true},
		{"postgres LIKE", "", "", true},
		{"postgres LIKE", "", "a", false},
		{"postgres LIKE", "_", "é", true},
		{"postgres LIKE", "%a%b%", "xxaxxbxx", true},
		{"postgres LIKE", "%ab", "abab", true},
		{"postgres LIKE", "%aab", "aaaab", true},
		{"mysql ci", "É%", "éa", true},
		{"mysql ci", "E%", "éa", false},
		{"mysql ci_ai", "E%", "éa", true},
		{"mysql ci_ai", "abc ", "abc", false},
		{"mysql binary", `abc\`, `abc\`, true},
		{"sqlite", "ABC%", "abcd", true},
		{"sqlite", "Ä%", "äb", false},
		{"sqlite", `a\%`, `a\b`, true},
		{"sqlite with ESCAPE", "a!%", "a%", true},
		{"sqlite with ESCAPE", "a!%", "ab", false},
		{"sqlite with ESCAPE", "a!", "a", false},
		{"sqlite", "ab", "ab\x00cd", true},
		{"sqlite", "a_b", "a\xffb", true},
		{"sqlite", "a\xfeb", "a\xffb", false},
	} {
		l, err := ParseLike(c.pattern, rulesOf[c.rules])
		if err != nil {
			t.Errorf("%s %q: %v", c.rules, c.pattern, err)
			continue
		}
		if got := l.Match(c.text); got != c.want {
			t.Errorf("%s: %q LIKE %q is %v", c.rules, c.text, c.pattern, got)
		}
	}
}

func TestPatternsThatNoEngineReadsAreErrors(t *testing.T) {
	if _, err := ParseLike(`abc\`, rulesOf["postgres LIKE"]); !errors.Is(err, ErrEscape) {
		t.Errorf("a pattern that ends with its escape: %v", err)
	}
	if _, err := ParseLike(strings.Repeat("a", MaxPattern+1), rulesOf["sqlite"]); !errors.Is(err, ErrLong) {
		t.Errorf("a long pattern: %v", err)
	}
}

func TestFragmentsOfATextArePrefixesSuffixesAndGrams(t *testing.T) {
	text := Normal(nil, "Grüße")
	show := func(fs []Fragment) string {
		var out []string
		for _, f := range fs {
			out = append(out, string("?^$."[f.Place])+f.Text)
		}
		return strings.Join(out, " ")
	}
	for _, c := range []struct{ what, got, want string }{
		{"prefixes", show(Prefixes(text, []int{1, 3, 5, 6})), "^G ^GRU ^GRUßE"},
		{"suffixes", show(Suffixes(text, []int{2, 9})), "$ßE"},
		{"grams", show(Grams(text, 3)), ".GRU .RUß .UßE ^GR $ßE"},
		{"grams of a short text", show(Grams(Normal(nil, "ab"), 3)), "^AB $AB"},
		{"grams of an empty text", show(Grams(nil, 3)), ""},
		{"grams that occur twice", show(Grams(Normal(nil, "aaaa"), 2)), ".AA ^A $A"},
	} {
		if got := strings.ReplaceAll(c.got, "ẞ", "ß"); got != c.want {
			t.Errorf("%s: %s, want %s", c.what, got, c.want)
		}
	}
}

func TestFragmentsOfAPatternAreThoseBetweenWildcards(t *testing.T) {
	for _, c := range []struct {
		pattern           string
		prefix, suffix, n int // numbers of fragments
	}{
		{"abcde%", 2, 0, 4}, // abc bcd cde ^ab
		{"%cde", 0, 1, 2},   // cde de$
		{"%bcd%", 0, 0, 1},
		{"%bc%", 0, 0, 0},
		{"ab%", 0, 0, 1}, // ^ab
		{"a_c%", 0, 0, 0},
		{"abc_efg", 1, 1, 4},
		{"%", 0, 0, 0},
		{"", 0, 0, 0},
		{"%abc%abc%", 0, 0, 1},
		{"abcde", 2, 1, 5},
		{`ab\%d%`, 1, 0, 3},
	} {
		l, err := ParseLike(c.pattern, rulesOf["postgres LIKE"])
		if err != nil {
			t.Fatal(err)
		}
		p, s, n := len(l.Prefixes(nil, []int{3, 5})), len(l.Suffixes(nil, []int{3})), len(l.Grams(nil, 3))
		if p != c.prefix || s != c.suffix || n != c.n {
			t.Errorf("%q has %d prefixes, %d suffixes, %d grams, want %d, %d, %d", c.pattern, p, s, n, c.prefix, c.suffix, c.n)
		}
	}
}

func TestTheRarestGramComesFirst(t *testing.T) {
	l, _ := ParseLike("%eating quiz%", rulesOf["postgres LIKE"])
	if got := l.Grams(nil, 3)[0].Text; !strings.ContainsAny(got, "QZ") {
		t.Errorf("the first gram is %q", got)
	}
}

// alphabet has what is easily lost: case, accents composed and not, blanks,
// digits of several scripts, wildcards, letters that fold unusually.
var alphabet = []string{
	"a", "A", "b", "é", "É", "e", "e\u0301", "\u0301", "ß", "ẞ", "ſ", "s", "K", "k", "K", "İ", "i", "ı", "I",
	" ", "  ", "\u00a0", "\t", "1", "2", "١", "１", "ﬁ", "Å", "Å", "ǆ", "ǅ", "σ", "ς", "Σ", "𝐀", "한", "%", "_", "\\", "!",
	"\xff", "\xc3",
}

func randomText(r *rand.Rand, n int) string {
	var b strings.Builder
	for range n {
		b.WriteString(alphabet[r.IntN(len(alphabet))])
	}
	return b.String()
}

// patternOf makes a pattern that the text probably matches.
func patternOf(r *rand.Rand, text string) string {
	var b strings.Builder
	for _, c := range text {
		switch r.IntN(12) {
		case 0:
			b.WriteByte('_')
		case 1:
			b.WriteByte('%')
		case 2:
			b.WriteString("%" + string(c))
		case 3:
			b.WriteString(strings.ToUpper(string(c)))
		case 4:
			b.WriteString(strings.ToLower(string(c)))
		case 5: // left out
		default:
			b.WriteRune(c)
		}
	}
	return b.String()
}

var stepLists = [][]schema.Normalizer{
	nil,
	{schema.Trim},
	{schema.TrimEnd},
	{schema.Collapse},
	{schema.Digits},
	{schema.NFKC, schema.Digits},
	{schema.Collapse, schema.Trim},
	{schema.Trim, schema.Collapse, schema.NFKC, schema.Lower},
	{schema.Email},
	{schema.NFC, schema.StripAccents},
}

// lost returns a fragment of the pattern that a matching text has not.
func lost(l *Like, steps []schema.Normalizer, text string, r Rules) (Fragment, bool) {
	if r.NUL {
		text = Cut(text)
	}
	in := Normal(steps, text)
	lengths := []int{1, 2, 3}
	for _, pair := range [][2][]Fragment{
		{Prefixes(in, lengths), l.Prefixes(steps, lengths)},
		{Suffixes(in, lengths), l.Suffixes(steps, lengths)},
		{Grams(in, 2), l.Grams(steps, 2)},
		{Grams(in, 3), l.Grams(steps, 3)},
	} {
		for _, f := range pair[1] {
			if !slices.Contains(pair[0], f) {
				return f, true
			}
		}
	}
	return Fragment{}, false
}

func TestNoMatchingTextIsLost(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	matched := 0
	for range 60000 {
		text := randomText(r, r.IntN(9))
		pattern := patternOf(r, text)
		for name, rules := range rulesOf {
			l, err := ParseLike(pattern, rules)
			if err != nil || !l.Match(text) {
				continue
			}
			matched++
			steps := stepLists[r.IntN(len(stepLists))]
			if f, bad := lost(l, steps, text, rules); bad {
				t.Fatalf("%s, %v: %q matches %q, but lacks %+q", name, steps, text, pattern, f.Text)
			}
		}
	}
	if matched < 50000 {
		t.Errorf("only %d patterns matched", matched)
	}
}

func FuzzNoMatchingTextIsLost(f *testing.F) {
	f.Add("Grüße aus Köln", "%aus%", uint8(0), uint8(0))
	f.Add("a  b", "a _b%", uint8(3), uint8(1))
	f.Add("ab\x00cd", "%ab", uint8(5), uint8(0))
	f.Add(" 0 1", "% %", uint8(4), uint8(4))
	names := make([]string, 0, len(rulesOf))
	for n := range rulesOf {
		names = append(names, n)
	}
	slices.Sort(names)
	f.Fuzz(func(t *testing.T, text, pattern string, rule, steps uint8) {
		if len(text)+len(pattern) > 2000 {
			return
		}
		rules := rulesOf[names[int(rule)%len(names)]]
		l, err := ParseLike(pattern, rules)
		if err != nil || !l.Match(text) {
			return
		}
		s := stepLists[int(steps)%len(stepLists)]
		if f, bad := lost(l, s, text, rules); bad {
			t.Fatalf("%q matches, but lacks %+q", text, f.Text)
		}
	})
}

func TestFoldingAgreesWithEveryRule(t *testing.T) {
	for r := rune(1); r <= 0x1FFFF; r++ {
		for _, m := range []Mapping{ToLower, ToUpper, ToLowerASCII, ToUpperASCII} {
			if a, b := encode(Normal(nil, string(r))), encode(Normal(nil, m.Apply(string(r)))); a != b && (r < 0xD800 || r > 0xDFFF) {
				t.Fatalf("%U folds to %+q, mapped by %d to %+q", r, a, m, b)
			}
		}
		for _, c := range []Case{Exact, ASCII, Lower, Fold, Accents} {
			// Letters that a rule finds equal have one fragment: so has the key,
			// where it is a letter.
			if k := c.key(r); k != r && c != Accents {
				if a, b := encode(Normal(nil, string(r))), encode(Normal(nil, string(k))); a != b {
					t.Fatalf("%d: %U folds to %+q, %U to %+q", c, r, a, k, b)
				}
			}
		}
	}
	byKey := map[rune]string{}
	for r := rune(1); r <= 0x1FFFF; r++ {
		if 0xD800 <= r && r < 0xE000 {
			continue
		}
		k, f := Accents.key(r), encode(Normal(nil, string(r)))
		if was, ok := byKey[k]; ok && was != f {
			t.Fatalf("%U has the fragment %+q, another letter like it %+q", r, f, was)
		}
		byKey[k] = f
	}
}
