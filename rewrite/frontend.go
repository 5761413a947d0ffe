package rewrite

import "strings"

// Dialect is an SQL dialect.
type Dialect uint8

// The dialects.
const (
	Postgres Dialect = iota + 1
	MySQL
	SQLite
)

func (d Dialect) String() string {
	switch d {
	case Postgres:
		return "postgres"
	case MySQL:
		return "mysql"
	case SQLite:
		return "sqlite"
	}
	return "unknown dialect"
}

// TokenKind classifies tokens.
type TokenKind uint8

// The kinds of token. TokWord is an unquoted name or keyword, TokQuoted a
// quoted name (on MySQL without ANSI_QUOTES a double-quoted text is a
// TokString; on SQLite it is a TokQuoted).
const (
	TokWord TokenKind = iota + 1
	TokQuoted
	TokString
	TokNumber
	TokParam
	TokPunct
)

// Token is one lexical unit of the text; blanks and comments lie between
// tokens. Text is the name (unquoted, escapes undone, not folded), the
// decoded string, or the source.
type Token struct {
	Kind TokenKind
	Span
	Text string
}

// Session is what a connection's settings change about the meaning of text.
// It is part of the key of every cached plan (threats T6).
type Session struct {
	// Namespace fingerprints everything that changes how names resolve:
	// search_path, current database, temporary tables, attached files.
	Namespace string
	// SQLMode and Flavour apply to MySQL and MariaDB.
	ANSIQuotes         bool
	NoBackslashEscapes bool
	IgnoreSpace        bool
	HighNotPrecedence  bool
	// PipesAsConcat says that || is not OR. Front ends do not look at it.
	PipesAsConcat bool
	// Lenient says that the server changes values that a column cannot hold, instead of
	// rejecting them: no strict mode is on.
	Lenient bool
	// ModeKnown is set when the sql_mode was set by the driver itself on this
	// connection; otherwise statements whose tokens depend on it are refused.
	ModeKnown bool
	MariaDB   bool
	// Version is the server's version as MySQL's comments write it (80036,
	// 101119); 0 when unknown.
	Version int
	// Unsafe names a setting in force under which texts cannot be read
	// reliably (standard_conforming_strings=off, client_encoding=SJIS); every
	// statement that is not itself a SET is then refused.
	Unsafe string
}

// Script is a parsed text.
type Script struct {
	Text       string
	Tokens     []Token
	Statements []Statement
	// Params is the number of arguments that the text takes: the highest
	// ordinal of a Param.
	Params int
	// Markers lists every placeholder token in text order.
	Markers []*Param
	// Warnings of the front end that make the text unfit for editing: the
	// planner refuses an edit when it is not empty.
	NoEdit string
	// Memory, where it is set, takes script, tokens and tree back when nothing
	// of them is used any more. PlanOnce releases the scripts that it asked
	// for; nobody else has to. Literals are not part of it: plans keep them.
	Memory interface{ Release() }
}

// ThriftyFrontend is a Frontend that reads tokens in the memory of a script.
type ThriftyFrontend interface {
	Frontend
	// TokensIn is Tokens in the memory of a script that the front end has parsed:
	// what an earlier call with that script returned is worth nothing any more.
	TokensIn(script *Script, text string, s *Session) TokenReader
}

// release gives the script's memory back.
func (s *Script) release() {
	if s != nil && s.Memory != nil {
		s.Memory.Release()
	}
}

// Frontend turns text into statement trees. Implementations are stateless and
// safe for concurrent use; they recover from panics of their parser and return
// an *UnsupportedError with ReasonParser instead.
type Frontend interface {
	Dialect() Dialect

	// Prepare enforces caps on length and nesting, resolves executable
	// comments (threats T1) and returns the text that everything after works
	// on. It returns text itself, unchanged, when there is nothing to resolve.
	// Byte offsets are kept: what is taken out is replaced by as many blanks,
	// so that positions in errors are those of the caller's text.
	Prepare(text string, s *Session) (string, error)

	// Parse parses a prepared text. A text that the parser does not accept
	// yields a *SyntaxError together with a Script that has Text and, where
	// the text could be tokenised, Tokens.
	Parse(text string, s *Session) (*Script, error)

	// Function reports whether name is a built-in function that takes neither
	// SQL text nor relation names and has no effect outside its value, so that
	// a call with clear arguments is clear (threats T3). name is lower case
	// and unqualified (or qualified with the engine's system schema).
	Function(name string) bool

	// Tokens splits a prepared text as Parse does for Script.Tokens, without
	// parsing it. Edited texts are proven by their tokens where they can be.
	Tokens(text string, s *Session) TokenReader

	// QuoteIdent quotes a name for this dialect; AppendIdent appends what it
	// returns.
	QuoteIdent(name string) string
	AppendIdent(dst []byte, name string) []byte

	// Placeholder writes the placeholder of outgoing argument n (from 1):
	// "$3", "?", "?3"; AppendPlaceholder appends it.
	Placeholder(n int) string
	AppendPlaceholder(dst []byte, n int) []byte

	// BytesLiteral and StringLiteral write constants for this dialect,
	// independent of session settings.
	BytesLiteral(b []byte) string
	StringLiteral(s string) string
}

// AppendQuoted appends name between two bytes q, doubling every q in it.
func AppendQuoted(dst []byte, q byte, name string) []byte {
	dst = append(dst, q)
	for {
		i := strings.IndexByte(name, q)
		if i < 0 {
			return append(append(dst, name...), q)
		}
		dst = append(append(dst, name[:i+1]...), q)
		name = name[i+1:]
	}
}

// SyntaxError says that no parser understood the text. Pos is the byte offset
// where it gave up, or -1. The parser's own message is not kept: it may quote
// the text (threats T12).
type SyntaxError struct{ Pos int }

func (e *SyntaxError) Error() string { return "sealsql: statement not understood" }

// Limits on texts, checked before any parser runs: a Go stack overflow cannot
// be recovered.
const (
	MaxTextBytes = 16 << 20
	MaxNesting   = 200
)
