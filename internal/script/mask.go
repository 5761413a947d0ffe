package script

import (
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/sealsql/sealsql/rewrite"
)

// Masked is a text in which values are hidden (threats T12).
type Masked struct {
	Text string
	cuts []cut
}

// cut is a range of the original and where it begins in the masked text; kept
// ones have their bytes there.
type cut struct {
	from, masked int
	kept         bool
}

// What stands for hidden things.
const (
	hiddenText    = "'***'"
	hiddenName    = `"***"`
	hidden        = "***"
	hiddenComment = "/* */"
)

// Mask hides every value and comment of a text: strings, numbers, names that
// begin with a digit, and names in double quotes that known does not know,
// because a value in the wrong quotes looks like one. A text whose tokens are in doubt is
// hidden as a whole.
func Mask(f rewrite.Frontend, text string, s *rewrite.Session, known func(name string) bool) Masked {
	m := &masker{text: text, known: known}
	doubt := false
	tokenizer, ok := f.(rewrite.Tokenizer)
	ok = ok && tokenizer.EachToken(text, 0, s, func(t rewrite.Token) bool {
		// $tag$…$tag$ is a string to MySQL 9 and a row of names to others.
		doubt = f.Dialect() == rewrite.MySQL && t.Kind == rewrite.TokWord && strings.HasPrefix(t.Text, "$")
		m.gap(t.Start)
		m.token(t)
		return !doubt
	})
	if !ok || doubt {
		return Masked{hidden, []cut{{0, 0, false}}}
	}
	m.gap(len(text))
	return Masked{m.out.String(), m.cuts}
}

// Shown is a text in which nothing is hidden.
func Shown(text string) Masked { return Masked{text, []cut{{0, 0, true}}} }

// Nothing reports whether nothing of the text is shown.
func (m Masked) Nothing() bool { return m.Text == hidden }

// Offset returns where byte off of the original is in the masked text; for a
// hidden byte that is the start of what stands for it.
func (m Masked) Offset(off int) int {
	i := sort.Search(len(m.cuts), func(i int) bool { return m.cuts[i].from > off }) - 1
	if i < 0 {
		return 0
	}
	c := m.cuts[i]
	if !c.kept {
		return c.masked
	}
	return min(c.masked+off-c.from, len(m.Text))
}

// masker writes one masked text.
type masker struct {
	text  string
	known func(string) bool
	at    int // up to where the text has been handled
	out   strings.Builder
	cuts  []cut
}

func (m *masker) keep(to int) {
	if to > m.at {
		m.cuts = append(m.cuts, cut{m.at, m.out.Len(), true})
		m.out.WriteString(m.text[m.at:to])
		m.at = to
	}
}

func (m *masker) hide(to int, as string) {
	if to > m.at {
		m.cuts = append(m.cuts, cut{m.at, m.out.Len(), false})
		m.out.WriteString(as)
		m.at = to
	}
}

// gap writes the blanks up to the next token, with a mark where a comment is.
// A comment that ends with its line must leave the line's end behind.
func (m *masker) gap(to int) {
	for m.at < to {
		rest := m.text[m.at:to]
		n := len(rest) - len(strings.TrimLeft(rest, blanks))
		m.keep(m.at + n)
		if m.at == to {
			return
		}
		comment := strings.TrimRight(m.text[m.at:to], blanks)
		m.hide(m.at+len(comment), hiddenComment)
	}
}

func (m *masker) token(t rewrite.Token) {
	switch {
	case t.Kind == rewrite.TokString:
		m.hide(t.End, hiddenText)
	case t.Kind == rewrite.TokNumber, startsWithDigit(t):
		m.hide(t.End, hidden)
	case t.Kind == rewrite.TokQuoted && m.ambiguous(t) && !m.known(t.Text):
		m.hide(t.End, hiddenName)
	case t.Kind == rewrite.TokParam && strings.ContainsAny(m.text[t.Start:t.End], "('\""),
		t.Kind == rewrite.TokPunct && strings.ContainsAny(m.text[t.Start:t.End], "'\"`"):
		m.hide(t.End, hidden) // @'…' of MySQL, $a(…) of SQLite
	default:
		m.keep(t.End)
	}
}

// ambiguous reports a name in quotes that delimit strings elsewhere: nobody
// takes `…` and […] for a string.
func (m *masker) ambiguous(t rewrite.Token) bool {
	c := m.text[t.Start]
	return c != '`' && c != '['
}

func startsWithDigit(t rewrite.Token) bool {
	return t.Kind == rewrite.TokWord && t.Text != "" && '0' <= t.Text[0] && t.Text[0] <= '9'
}

// excerptWidth bounds the characters of an excerpt.
const excerptWidth = 100

// Excerpt returns the line of the masked text that holds byte off of the
// original, and the number of characters in front of it there. Tabs and other
// blanks are single blanks; long lines are cut.
func (m Masked) Excerpt(off int) (line string, column int) {
	at := m.Offset(off)
	from := strings.LastIndexByte(m.Text[:at], '\n') + 1
	to := len(m.Text)
	if n := strings.IndexByte(m.Text[at:], '\n'); n >= 0 {
		to = at + n
	}
	before := printable(m.Text[from:at])
	after := printable(strings.TrimRight(m.Text[at:to], blanks))
	trimmed := strings.TrimLeft(before, " ")
	return clip([]rune(trimmed), []rune(after))
}

// clip cuts a line to excerptWidth around the place between its two parts.
func clip(before, after []rune) (string, int) {
	const mark = "... "
	if len(before)+len(after) > excerptWidth && len(before) > excerptWidth/2 {
		before = append([]rune(mark), before[len(before)-excerptWidth/2+len(mark):]...)
	}
	if room := excerptWidth - len(before); len(after) > room {
		after = append(append([]rune(nil), after[:max(room-len(mark), 0)]...), []rune(" ...")...)
	}
	return string(before) + string(after), len(before)
}

// printable replaces what would move the caret or the terminal's cursor.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r == 0x2028 || r == 0x2029 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return ' '
		}
		if r == utf8.RuneError {
			return '?'
		}
		return r
	}, s)
}
