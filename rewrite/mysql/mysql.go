// Package mysql reads the SQL of MySQL and MariaDB. New returns the front end
// that rewrite.Plan and the drivers use; there is nothing else to call.
//
// # How a text is read
//
// The tree comes from a parser (sqlc-dev/marino), which gives no ends of
// nodes and no positions of tables. So the text is also cut into tokens here,
// and the parser's tree is followed through the tokens in source order: every
// token must be accounted for by the tree, or the text counts as not
// understood. What the parser and the tokens agree on has exact byte ranges.
// This also catches texts that parser and server would cut differently.
//
// # What it refuses
//
// Executable comments that cannot be resolved for the connected server
// (threats T1), strings and quotes whose reading depends on an sql_mode that
// is not known (T6), and texts long or nested enough to harm the parser.
package mysql

import (
	"encoding/hex"
	"strings"

	"github.com/sealsql/sealsql/rewrite"
)

// New returns the front end of MySQL and MariaDB. It is stateless and safe
// for concurrent use.
func New() rewrite.Frontend { return frontend{} }

type frontend struct{}

var _ rewrite.Frontend = frontend{}

// Dialect returns rewrite.MySQL.
func (frontend) Dialect() rewrite.Dialect { return rewrite.MySQL }

// Prepare enforces the caps and resolves executable comments; see
// rewrite.Frontend. The text is returned unchanged when it holds none.
func (frontend) Prepare(text string, s *rewrite.Session) (string, error) {
	if len(text) > rewrite.MaxTextBytes {
		return "", &rewrite.UnsupportedError{Pos: -1, Reason: rewrite.ReasonTooLong}
	}
	if i := strings.IndexByte(text, 0); i >= 0 {
		return "", nulError(i)
	}
	if strings.Contains(text, "/*!") || strings.Contains(text, "/*M!") || strings.Contains(text, "/*T!") {
		resolved, err := resolveComments(text, s)
		if err != nil {
			return "", err
		}
		text = resolved
	}
	if err := checkHints(text, s); err != nil {
		return "", err
	}
	return text, checkNesting(text, s)
}

func nulError(pos int) error {
	return &rewrite.UnsupportedError{
		Pos: pos, Reason: rewrite.ReasonParser,
		Hint: "the text holds a NUL byte; bind the value as a parameter",
	}
}

// checkNesting enforces rewrite.MaxNesting. Most texts have too few brackets
// to be looked at any closer; Parse checks the rest of the caps.
func checkNesting(text string, s *rewrite.Session) error {
	if strings.Count(text, "(")+strings.Count(text, "{") <= rewrite.MaxNesting {
		return nil
	}
	sc := newScanner(text, s)
	for depth := 0; ; {
		t, ok, err := sc.next()
		if err != nil || !ok {
			return nil // Parse reports what cannot be read
		}
		if t.Kind != rewrite.TokPunct {
			continue
		}
		switch t.Text {
		case "(", "{":
			depth++
		case ")", "}":
			depth--
		}
		if depth > rewrite.MaxNesting {
			return &rewrite.UnsupportedError{Pos: t.Start, Reason: rewrite.ReasonTooDeep}
		}
	}
}

// QuoteIdent quotes a name with backquotes, which every sql_mode accepts.
func (frontend) QuoteIdent(name string) string {
	return "`" + strings.ReplaceAll(name, "`", "``") + "`"
}

// AppendIdent appends what QuoteIdent returns.
func (frontend) AppendIdent(dst []byte, name string) []byte {
	return rewrite.AppendQuoted(dst, '`', name)
}

// Placeholder returns "?"; MySQL numbers placeholders by position.
func (frontend) Placeholder(int) string { return "?" }

// AppendPlaceholder appends "?".
func (frontend) AppendPlaceholder(dst []byte, _ int) []byte { return append(dst, '?') }

// BytesLiteral writes b as X'…', a binary string under every setting.
func (frontend) BytesLiteral(b []byte) string {
	return "X'" + strings.ToUpper(hex.EncodeToString(b)) + "'"
}

// StringLiteral writes s as a character string that reads the same under
// every sql_mode: quoted when it is printable without a backslash, else as
// hex of its UTF-8 bytes.
func (frontend) StringLiteral(s string) string {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < 0x20 || c == '\\' || c >= 0x7f {
			return "_utf8mb4 X'" + strings.ToUpper(hex.EncodeToString([]byte(s))) + "'"
		}
	}
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}

// Function reports whether name is a built-in function on the allow-list.
func (frontend) Function(name string) bool {
	_, ok := functions[name]
	return ok
}
