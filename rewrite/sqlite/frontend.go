package sqlite

import (
	"errors"
	"strings"

	"github.com/sqlc-dev/meyer/ast"
	"github.com/sqlc-dev/meyer/parser"

	"github.com/sealsql/sealsql/rewrite"
)

type frontend struct{}

var _ rewrite.ThriftyFrontend = frontend{}

// New returns the front end for SQLite. It holds no state.
func New() rewrite.Frontend { return frontend{} }

// Dialect returns [rewrite.SQLite].
func (frontend) Dialect() rewrite.Dialect { return rewrite.SQLite }

// grammar accepts ORDER BY and LIMIT on UPDATE and DELETE, which only builds
// with SQLITE_ENABLE_UPDATE_DELETE_LIMIT have. Elsewhere the engine rejects
// them itself; no text means something else with them.
var grammar = parser.Options{UpdateDeleteLimit: true}

// Parse lowers text, which must have passed Prepare. The session does not
// change what a text means to SQLite and may be nil.
//
// It returns a *[rewrite.SyntaxError] where meyer or one of SQLite's checks
// outside the grammar rejects the text, and a *[rewrite.UnsupportedError] with
// ReasonParser (the parser panicked), ReasonTooDeep, ReasonParameters (an
// ordinal above SQLite's limit) or ReasonSyntax (a NUL byte). The script
// returned beside an error has Text and, unless some token was illegal, Tokens.
func (frontend) Parse(text string, _ *rewrite.Session) (script *rewrite.Script, err error) {
	a := arenas.Get().(*arena)
	script = &a.script
	script.Text, script.Memory = text, a
	if err := refuseNUL(text); err != nil {
		return script, err
	}
	defer func() {
		if recover() != nil {
			script.Statements, script.Markers, script.Params = nil, nil, 0
			err = &rewrite.UnsupportedError{Pos: -1, Reason: rewrite.ReasonParser}
		}
	}()
	var params int
	var legal bool
	if a.tokens, params, legal = scan(a.tokens, text); legal {
		script.Tokens = a.tokens
	}
	stmts, err := grammar.ParseString(text)
	if err != nil {
		return script, parseError(err, len(text))
	}
	l := lowerer{text: text, toks: a.tokens, arena: a}
	if params > 0 {
		l.number(script, stmts, params)
	}
	l.script(script, stmts)
	if l.err != nil {
		script.Statements, script.Markers, script.Params = nil, nil, 0
		return script, l.err
	}
	return script, nil
}

// recursionLimit is the message of meyer's own guard (10,000 levels).
const recursionLimit = "Recursion limit"

// parseError keeps the position of meyer's error and nothing of its message,
// which quotes the text.
func parseError(err error, length int) error {
	var e *parser.Error
	if !errors.As(err, &e) {
		return &rewrite.SyntaxError{Pos: -1}
	}
	pos := e.Offset
	if pos < 0 || pos > length {
		pos = -1
	}
	if e.Message == recursionLimit {
		return &rewrite.UnsupportedError{Pos: pos, Reason: rewrite.ReasonTooDeep}
	}
	return &rewrite.SyntaxError{Pos: pos}
}

// refuseNUL refuses a NUL byte: SQLite stops reading there, so the server
// would run another statement than the one that was planned.
func refuseNUL(text string) error {
	if i := strings.IndexByte(text, 0); i >= 0 {
		return &rewrite.UnsupportedError{
			Pos: i, Reason: rewrite.ReasonSyntax,
			Hint: "SQLite stops reading at a NUL byte; bind the value as a parameter",
		}
	}
	return nil
}

// script lowers every statement.
func (l *lowerer) script(script *rewrite.Script, stmts []ast.Stmt) {
	if len(stmts) == 0 {
		script.Statements = []rewrite.Statement{&rewrite.Other{
			Span: rewrite.Span{End: len(l.text)}, Kind: rewrite.OtherEmpty,
		}}
		return
	}
	script.Statements = l.programs.Many(len(stmts))
	for i, s := range stmts {
		script.Statements[i] = l.statement(s, l.withoutSemicolon(s))
	}
}
