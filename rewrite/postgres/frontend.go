// Package postgres reads PostgreSQL's SQL for the planner: New returns the
// rewrite.Frontend that a driver registers.
//
// The text is parsed by github.com/sqlc-dev/oliphant, which follows the grammar
// of PostgreSQL 18 and gives the start of every node; a scanner of our own
// splits the text into tokens, and the ends of nodes come from those. What has
// no node of its own in rewrite's tree becomes Opaque or Other, with every
// expression, query and relation inside it in place: nothing is dropped.
//
// Texts are read as a server with standard_conforming_strings on and a UTF-8
// client encoding reads them; the driver refuses other sessions
// (rewrite.Session.Unsafe).
package postgres

import (
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/sqlc-dev/oliphant/ast"
	"github.com/sqlc-dev/oliphant/parser"

	"github.com/sealsql/sealsql/rewrite"
)

type frontend struct{}

var _ rewrite.Frontend = frontend{}

// New returns the front end for PostgreSQL. It has no state.
func New() rewrite.Frontend { return frontend{} }

func (frontend) Dialect() rewrite.Dialect { return rewrite.Postgres }

// Prepare enforces the caps and refuses NUL bytes, at which the server's
// scanner would stop. PostgreSQL has no executable comments: the text is
// returned as it is.
func (frontend) Prepare(text string, _ *rewrite.Session) (string, error) {
	if len(text) > rewrite.MaxTextBytes {
		return "", &rewrite.UnsupportedError{
			Pos: -1, Reason: rewrite.ReasonTooLong,
			Hint: "split it into statements of less than " + strconv.Itoa(rewrite.MaxTextBytes>>20) + " MiB",
		}
	}
	if i := strings.IndexByte(text, 0); i >= 0 {
		return "", &rewrite.UnsupportedError{Pos: i, Reason: rewrite.ReasonSyntax, Hint: "remove the NUL byte"}
	}
	if err := tooDeep(text); err != nil {
		return "", err
	}
	return text, nil
}

// Parse parses a prepared text. Texts that are not valid UTF-8 are not
// understood: the server would refuse them.
func (frontend) Parse(text string, _ *rewrite.Session) (s *rewrite.Script, err error) {
	s = &rewrite.Script{Text: text}
	if i := invalidUTF8(text); i >= 0 {
		return s, &rewrite.SyntaxError{Pos: i}
	}
	t, ok := scan(text)
	if !ok {
		return s, &rewrite.SyntaxError{Pos: -1}
	}
	s.Tokens = t.list
	if err := t.check(); err != nil {
		return nil, err
	}
	var bad int
	if s.Markers, s.Params, bad = t.markers(); bad >= 0 {
		return nil, &rewrite.UnsupportedError{
			Pos: bad, Reason: rewrite.ReasonParameters, Hint: "number parameters from $1 to $" + strconv.Itoa(maxParams),
		}
	}
	return parse(s, t)
}

// parse runs the parser and lowers its tree. Whatever panics in the parser is
// refused: the text cannot be judged.
func parse(s *rewrite.Script, t *tokens) (out *rewrite.Script, err error) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case refusal:
			out, err = nil, r.err
		default:
			out, err = nil, &rewrite.UnsupportedError{Pos: -1, Reason: rewrite.ReasonParser}
		}
	}()
	tree, perr := parser.ParseToTree(t.withoutSplitPairs())
	if perr != nil {
		return s, &rewrite.SyntaxError{Pos: errorPos(s.Text, perr)}
	}
	s.Statements = lowerAll(t, tree)
	return s, nil
}

func lowerAll(t *tokens, tree *ast.ParseResult) []rewrite.Statement {
	if len(tree.Stmts) == 0 {
		return []rewrite.Statement{&rewrite.Other{
			Span: rewrite.Span{End: len(t.text)}, Kind: rewrite.OtherEmpty, Verb: "empty statement",
		}}
	}
	out := make([]rewrite.Statement, 0, len(tree.Stmts))
	for _, raw := range tree.Stmts {
		i, end := t.at(raw.StmtLocation), len(t.list)
		if raw.StmtLen > 0 {
			end = t.from(int(raw.StmtLocation + raw.StmtLen))
		}
		for end > 0 && end > i && t.is(end-1, pSemicolon) {
			end--
		}
		l := lowerer{t: t}
		out = append(out, l.statement(raw.Stmt, i, end))
	}
	return out
}

// withoutSplitPairs returns the text for the parser. The parser joins NOT IN,
// WITH TIME and a few other pairs only if no comment stands between the words,
// where the server does not mind: such comments are blanked, byte by byte.
func (t *tokens) withoutSplitPairs() string {
	var b []byte
	for i, m := range t.mark {
		if m&markComment == 0 || i+1 >= len(t.list) {
			continue
		}
		switch t.word[i] {
		case kwNot, kwWith, kwWithout, kwNulls, kwFormat:
			if b == nil {
				b = []byte(t.text)
			}
			for j := t.list[i].End; j < t.list[i+1].Start; j++ {
				b[j] = ' '
			}
		}
	}
	if b == nil {
		return t.text
	}
	return string(b)
}

// invalidUTF8 returns the offset of the first byte that is not UTF-8, or -1.
func invalidUTF8(s string) int {
	if utf8.ValidString(s) {
		return -1
	}
	for i, r := range s {
		if r == utf8.RuneError {
			if _, n := utf8.DecodeRuneInString(s[i:]); n == 1 {
				return i
			}
		}
	}
	return 0
}

// errorPos turns the parser's position, in characters from 1, into a byte
// offset. The parser's message may quote the text and is not used.
func errorPos(text string, err error) int {
	var e *parser.Error
	if !errors.As(err, &e) || e.Cursorpos <= 0 {
		return -1
	}
	n := 0
	for i := range text {
		if n++; n == e.Cursorpos {
			return i
		}
	}
	return len(text)
}

// QuoteIdent quotes a name; a NUL, which no name can hold, is taken out.
func (frontend) QuoteIdent(name string) string { return quoteIdent(name) }

func quoteIdent(name string) string {
	name = strings.ReplaceAll(name, "\x00", "")
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
}

// AppendIdent appends what QuoteIdent returns.
func (frontend) AppendIdent(dst []byte, name string) []byte {
	if strings.IndexByte(name, 0) >= 0 {
		return append(dst, quoteIdent(name)...)
	}
	return rewrite.AppendQuoted(dst, '"', name)
}

// Placeholder writes "$N".
func (frontend) Placeholder(n int) string { return "$" + strconv.Itoa(n) }

// AppendPlaceholder appends what Placeholder returns.
func (frontend) AppendPlaceholder(dst []byte, n int) []byte {
	return strconv.AppendInt(append(dst, '$'), int64(n), 10)
}

const hexDigits = "0123456789abcdef"

// BytesLiteral writes a bytea constant in hex format. It holds a backslash, so
// that it is spelled as an escape string, which reads the same whatever
// standard_conforming_strings is.
func (frontend) BytesLiteral(b []byte) string {
	out := make([]byte, 0, len(`E'\\x'::bytea`)+2*len(b))
	out = append(out, `E'\\x`...)
	for _, c := range b {
		out = append(out, hexDigits[c>>4], hexDigits[c&15])
	}
	return string(append(out, `'::bytea`...))
}

// StringLiteral writes a string constant: '…', or E'…' where it holds a
// backslash, whose meaning in '…' depends on standard_conforming_strings. A
// NUL, which no text can hold, makes the constant invalid on purpose.
func (frontend) StringLiteral(s string) string {
	if strings.IndexByte(s, 0) >= 0 {
		return `E'\x00'`
	}
	s = strings.ReplaceAll(s, "'", "''")
	if strings.IndexByte(s, '\\') < 0 {
		return "'" + s + "'"
	}
	return "E'" + strings.ReplaceAll(s, `\`, `\\`) + "'"
}

// Function reports whether a built-in function is on the allow-list.
func (frontend) Function(name string) bool {
	return known(strings.TrimPrefix(name, "pg_catalog."))
}
