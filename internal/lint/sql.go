package lint

import (
	"regexp"
	"strings"

	"github.com/sealsql/sealsql/internal/script"
	"github.com/sealsql/sealsql/rewrite"
)

// annotation is the comment with which sqlc names a query.
var annotation = regexp.MustCompile(`(?m)^[ \t]*(?:--|#|/\*)[ \t]*name:[ \t]*(\S+)[ \t]+:\w+`)

// readSQL reads a script. In files with the annotations of sqlc, its macros
// become what sqlc makes of them.
func readSQL(f *script.File, front rewrite.Frontend, s *rewrite.Session) Content {
	var c Content
	sqlc := annotation.MatchString(f.Data)
	for _, p := range script.Split(front, f.Data, s) {
		if p.Client {
			continue
		}
		st := Statement{Text: f.Text(p.From, p.To), Defines: true}
		if sqlc {
			if m := annotation.FindAllStringSubmatch(f.Data[p.Lead:p.From], -1); m != nil {
				st.Query = m[len(m)-1][1]
			}
			st.Text = expandMacros(st.Text, front, s)
		}
		c.Statements = append(c.Statements, st)
	}
	return c
}

// expandMacros replaces sqlc.arg(x), sqlc.narg(x), sqlc.slice(x) and, on
// PostgreSQL and SQLite, @x by parameters, and sqlc.embed(t) by t.*.
func expandMacros(text script.Text, front rewrite.Frontend, s *rewrite.Session) script.Text {
	m := &macros{n: newNumbering(front)}
	toks, ok := tokens(front, text.SQL, s)
	if !ok {
		return text
	}
	m.n.reserve(toks)
	for i := 0; i < len(toks); i++ {
		i += m.expand(toks[i:], text.SQL)
	}
	return text.Replace(m.edits)
}

// macros is the state of one expansion.
type macros struct {
	n     *numbering
	edits []script.Edit
}

// expand handles the macro that begins at the first token and returns how many
// tokens behind the first belong to it.
func (m *macros) expand(toks []rewrite.Token, text string) int {
	t := toks[0]
	switch {
	case isMacro(toks):
		return m.call(toks, text)
	case m.n.dialect == rewrite.Postgres && len(toks) > 1 && atName(t, toks[1]):
		m.edits = append(m.edits, script.Edit{From: t.End - 1, To: toks[1].End, SQL: m.n.placeholder(toks[1].Text)})
		return 1
	}
	return 0
}

// atName recognises @name on PostgreSQL, whose scanner takes the @ for an
// operator or the end of one.
func atName(t, name rewrite.Token) bool {
	return t.Kind == rewrite.TokPunct && strings.HasSuffix(t.Text, "@") && name.Kind == rewrite.TokWord && name.Start == t.End
}

// isMacro recognises sqlc . name (.
func isMacro(toks []rewrite.Token) bool {
	return len(toks) > 5 && script.Word(toks[0], "sqlc") && script.Is(toks[1], ".") && script.Is(toks[3], "(")
}

func (m *macros) call(toks []rewrite.Token, text string) int {
	end := 4
	for end < len(toks) && !script.Is(toks[end], ")") {
		end++
	}
	if end == len(toks) {
		return 0
	}
	arg := strings.Trim(text[toks[4].Start:toks[end].Start], "'\"` \t\n")
	sql := ""
	switch strings.ToLower(toks[2].Text) {
	case "arg", "narg", "slice":
		sql = m.n.placeholder(arg)
	case "embed":
		sql = arg + ".*"
	default:
		return 0
	}
	m.edits = append(m.edits, script.Edit{From: toks[0].Start, To: toks[end].End, SQL: sql})
	return end
}

// numbering gives names the parameters that stand for them.
type numbering struct {
	dialect rewrite.Dialect
	front   rewrite.Frontend
	next    int
	names   map[string]int
}

func newNumbering(front rewrite.Frontend) *numbering {
	return &numbering{dialect: front.Dialect(), front: front, next: 1, names: map[string]int{}}
}

// reserve leaves out the numbers that the text uses.
func (n *numbering) reserve(toks []rewrite.Token) {
	for _, t := range toks {
		if t.Kind == rewrite.TokParam && n.dialect == rewrite.Postgres {
			n.next = max(n.next, digits(t.Text[1:])+1)
		}
	}
}

func digits(s string) int {
	v := 0
	for _, c := range []byte(s) {
		if c < '0' || c > '9' || v > 1<<20 {
			break
		}
		v = v*10 + int(c-'0')
	}
	return v
}

// placeholder returns the parameter for a name: on MySQL a new one at every
// place.
func (n *numbering) placeholder(name string) string {
	if n.dialect == rewrite.MySQL {
		return "?"
	}
	if n.dialect == rewrite.SQLite && plainName(name) {
		return ":" + name
	}
	if n.names[name] == 0 {
		n.names[name] = n.next
		n.next++
	}
	return n.front.Placeholder(n.names[name])
}

// anonymous returns the next parameter.
func (n *numbering) anonymous() string {
	p := n.front.Placeholder(n.next)
	n.next++
	return p
}

var wordOnly = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func plainName(s string) bool { return wordOnly.MatchString(s) }

func tokens(front rewrite.Frontend, text string, s *rewrite.Session) (toks []rewrite.Token, ok bool) {
	t, ok := front.(rewrite.Tokenizer)
	ok = ok && t.EachToken(text, 0, s, func(t rewrite.Token) bool {
		toks = append(toks, t)
		return true
	})
	return toks, ok
}
