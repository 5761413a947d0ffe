package mysql

import (
	"strings"
	"sync"

	"github.com/sqlc-dev/marino/ast"
	"github.com/sqlc-dev/marino/mysql"
	"github.com/sqlc-dev/marino/parser"

	"github.com/sealsql/sealsql/rewrite"
)

// valueStandIn is shown to the parser for MariaDB's VALUE(c), which it does
// not know: a name of the same length without a meaning.
const valueStandIn = "v_lue"

var parsers = sync.Pool{New: func() any { return parser.New() }}

// Parse parses a prepared text; see rewrite.Frontend.
func (frontend) Parse(text string, s *rewrite.Session) (*rewrite.Script, error) {
	script := &rewrite.Script{Text: text}
	if len(text) > rewrite.MaxTextBytes {
		return script, &rewrite.UnsupportedError{Pos: -1, Reason: rewrite.ReasonTooLong}
	}
	if i := strings.IndexByte(text, 0); i >= 0 {
		return script, nulError(i)
	}
	lx, err := lex(text, s)
	if err := refuse(lx, s); err != nil {
		return script, err
	}
	script.Tokens = lx.tokens
	if err != nil {
		return script, &rewrite.SyntaxError{Pos: errPos(err)}
	}
	script.Markers, script.Params = lx.markers, len(lx.markers)
	if err := checkCaps(lx.tokens); err != nil {
		return script, err
	}
	return script, build(script, lx, s)
}

// refuse returns the error for texts that cannot be read reliably.
func refuse(lx *lexed, s *rewrite.Session) error {
	switch {
	case len(lx.executable) > 0:
		return commentError(lx.executable[0])
	case !s.ModeKnown && lx.modeAt >= 0:
		return sessionError(lx.modeAt)
	case lx.dollarAt >= 0:
		return &rewrite.UnsupportedError{
			Pos: lx.dollarAt, Reason: rewrite.ReasonParser,
			Hint: "servers read a name that begins with $ differently; quote it with backquotes",
		}
	}
	return nil
}

// build parses and lowers all statements of a text.
func build(script *rewrite.Script, lx *lexed, s *rewrite.Session) error {
	if len(lx.tokens) == 0 || onlySemicolons(lx.tokens) {
		script.Statements = []rewrite.Statement{&rewrite.Other{Kind: rewrite.OtherEmpty}}
		return nil
	}
	if o := unparsed(lx); o != nil {
		script.Statements = []rewrite.Statement{o}
		return nil
	}
	shown, tails := parseText(lx, s)
	nodes, err := parse(shown, s)
	if err != nil {
		return notParsed(script, lx, err)
	}
	b := &builder{lexed: lx, session: s, shown: shown, tails: tails, script: len(nodes) > 1}
	script.Statements, err = b.statements(nodes)
	script.NoEdit = b.noEdit
	return err
}

func onlySemicolons(toks []rewrite.Token) bool {
	for i := range toks {
		if toks[i].Text != ";" || toks[i].Kind != rewrite.TokPunct {
			return false
		}
	}
	return true
}

// notParsed makes the answer for a text that the parser refused.
func notParsed(script *rewrite.Script, lx *lexed, err error) error {
	if _, ok := err.(*rewrite.UnsupportedError); ok {
		return err
	}
	o := &rewrite.Other{Kind: rewrite.OtherUnknown, Span: whole(lx, 0, len(lx.tokens)), Attr: lx.text}
	kind, verb := classify(lx.tokens)
	o.Verb = verb
	script.Statements = []rewrite.Statement{o}
	script.NoEdit = "statement not understood"
	switch {
	case dynamic(lx):
		// SQL may be put together in the server: no token tells what it names.
		o.Kind = rewrite.OtherDynamic
		return nil
	case harmless(lx, kind) && !several(lx.tokens):
		o.Kind = kind
		return nil
	}
	return &rewrite.SyntaxError{Pos: -1}
}

// harmless reports whether a statement may be told from its first words alone,
// when the parser does not know a server's spelling of it.
func harmless(lx *lexed, k rewrite.OtherKind) bool {
	switch k {
	case rewrite.OtherShow, rewrite.OtherDeallocate:
		return true
	case rewrite.OtherTransaction:
		return !lx.isWord(0, "BEGIN") || lx.isWord(1, "WORK")
	}
	return false
}

// dynamic reports whether a text that was not parsed runs code or prepared
// text: compound statements outside of routines (MariaDB), CALL, EXECUTE.
func dynamic(lx *lexed) bool {
	for i := range lx.tokens {
		if lx.tokens[i].Kind != rewrite.TokWord || lx.isPunct(i-1, ".") {
			continue
		}
		switch upper(lx.tokens[i].Text) {
		case "CALL", "EXECUTE", "PREPARE", "HANDLER":
			return true
		case "IF", "CASE", "LOOP", "REPEAT", "WHILE", "FOR", "DECLARE", "BEGIN":
			if i == 0 || lx.isPunct(i-1, ";") || lx.isPunct(i-1, ":") {
				return true
			}
		case "STATEMENT":
			if lx.isWord(i-1, "SET") {
				return true
			}
		}
	}
	return false
}

// several reports whether a text holds more than one statement.
func several(toks []rewrite.Token) bool {
	for i := range toks {
		if toks[i].Kind == rewrite.TokPunct && toks[i].Text == ";" {
			return !onlySemicolons(toks[i:])
		}
	}
	return false
}

func whole(lx *lexed, lo, hi int) rewrite.Span {
	if lo >= hi || hi > len(lx.tokens) {
		return rewrite.Span{}
	}
	return rewrite.Span{Start: lx.tokens[lo].Start, End: lx.tokens[hi-1].End}
}

// parse runs the parser; a panic of it becomes an error.
func parse(text string, s *rewrite.Session) (nodes []ast.StmtNode, err error) {
	p := parsers.Get().(*parser.Parser)
	defer func() {
		if recover() != nil { // the parser's state is unknown: it is not reused
			nodes, err = nil, &rewrite.UnsupportedError{Pos: -1, Reason: rewrite.ReasonParser}
		}
	}()
	var mode mysql.SQLMode
	if s.ANSIQuotes {
		mode |= mysql.ModeANSIQuotes
	}
	if s.NoBackslashEscapes {
		mode |= mysql.ModeNoBackslashEscapes
	}
	if s.IgnoreSpace {
		mode |= mysql.ModeIgnoreSpace
	}
	if s.HighNotPrecedence {
		mode |= mysql.ModeHighNotPrecedence
	}
	p.SetSQLMode(mode)
	p.EnableWindowFunc(true)
	nodes, _, err = p.ParseSQL(text)
	if err != nil {
		// The names of window functions are reserved in MySQL 8 only.
		p.EnableWindowFunc(false)
		nodes, _, err = p.ParseSQL(text)
	}
	parsers.Put(p)
	if err != nil {
		return nil, &rewrite.SyntaxError{Pos: -1}
	}
	return nodes, nil
}

// tail is a RETURNING clause: token indexes of the word and of what ends it.
type tail struct{ at, end int }

// parseText returns the text that the parser is shown, of the same length:
// RETURNING clauses, which it does not know, become blanks, and VALUE(c) a
// name of its own. tails lists the clauses.
func parseText(lx *lexed, s *rewrite.Session) (string, []tail) {
	out := collations(lx, reports(lx, nil))
	if s.MariaDB {
		out = waits(lx, out)
	}
	if !s.MariaDB || !lx.returning && !hasValueCall(lx.tokens) {
		if out == nil {
			return lx.text, nil
		}
		return string(out), nil
	}
	var tails []tail
	out = writable(lx, out)
	for lo := 0; lo < len(lx.tokens); {
		hi := statementEnd(lx, lo)
		if at := returningAt(lx, lo, hi); at >= 0 {
			tails = append(tails, tail{at, hi})
			blankBytes(out, lx.tokens[at].Start, lx.tokens[hi-1].End)
		}
		standIn(lx, out, lo, hi)
		lo = hi + 1
	}
	return string(out), tails
}

func blankBytes(b []byte, from, to int) {
	for i := from; i < to; i++ {
		b[i] = ' '
	}
}

// statementEnd returns the index of the semicolon that ends the statement at
// lo, or the number of tokens.
func statementEnd(lx *lexed, lo int) int {
	for i := lo; i < len(lx.tokens); i++ {
		if lx.match[i] > int32(i) {
			i = int(lx.match[i])
		} else if lx.tokens[i].Kind == rewrite.TokPunct && lx.tokens[i].Text == ";" {
			return i
		}
	}
	return len(lx.tokens)
}

// isWord reports whether token i is the keyword w.
func (x *lexed) isWord(i int, w string) bool {
	return i >= 0 && i < len(x.tokens) && x.tokens[i].Kind == rewrite.TokWord &&
		len(x.tokens[i].Text) == len(w) && strings.EqualFold(x.tokens[i].Text, w)
}

func (x *lexed) isPunct(i int, p string) bool {
	return i >= 0 && i < len(x.tokens) && x.tokens[i].Kind == rewrite.TokPunct && x.tokens[i].Text == p
}

// returningAt finds the RETURNING of an INSERT, REPLACE or DELETE, or -1.
func returningAt(lx *lexed, lo, hi int) int {
	if !lx.returning || !lx.isWord(lo, "INSERT") && !lx.isWord(lo, "REPLACE") && !lx.isWord(lo, "DELETE") {
		return -1
	}
	for i := lo; i < hi; i++ {
		if lx.match[i] > int32(i) {
			i = int(lx.match[i])
		} else if lx.isWord(i, "RETURNING") && !lx.isPunct(i-1, ".") {
			return i
		}
	}
	return -1
}

func hasValueCall(toks []rewrite.Token) bool {
	for i := 1; i+1 < len(toks); i++ {
		if len(toks[i].Text) == 5 && toks[i+1].Text == "(" && toks[i].Kind == rewrite.TokWord &&
			strings.EqualFold(toks[i].Text, "value") {
			return true
		}
	}
	return false
}

// standIn replaces the word of VALUE(c) behind ON DUPLICATE KEY UPDATE.
func standIn(lx *lexed, out []byte, lo, hi int) {
	update := false
	for i := lo; i < hi; i++ {
		if lx.isWord(i, "UPDATE") && lx.isWord(i-1, "KEY") && lx.isWord(i-2, "DUPLICATE") {
			update = true
		}
		if update && lx.isWord(i, "VALUE") && lx.isPunct(i+1, "(") {
			copy(out[lx.tokens[i].Start:], valueStandIn)
		}
	}
}

// builder lowers the parser's statements.
type builder struct {
	*lexed
	session *rewrite.Session
	shown   string
	tails   []tail
	noEdit  string
	// script is set for several statements: the planner edits none of them that
	// is not a data statement.
	script bool
}

// statements lowers all nodes. Their texts follow each other in the text that
// the parser was shown: each begins where the last one ended.
func (b *builder) statements(nodes []ast.StmtNode) ([]rewrite.Statement, error) {
	var out []rewrite.Statement
	at, tok := 0, 0
	for _, n := range nodes {
		if at < len(b.shown) && b.shown[at] == '\n' {
			at++
		}
		at += len(n.OriginalText())
		for b.isPunct(tok, ";") {
			tok++
		}
		hi := b.firstAfter(tok, at)
		if b.isPunct(hi-1, ";") {
			hi--
		}
		if hi < len(b.tokens) && !b.isPunct(hi, ";") || hi <= tok {
			return out, &rewrite.SyntaxError{Pos: -1}
		}
		st, err := b.statement(n, tok, hi)
		if err != nil {
			return out, err
		}
		out = append(out, st)
		tok = hi
	}
	for b.isPunct(tok, ";") {
		tok++
	}
	if tok != len(b.tokens) {
		return out, &rewrite.SyntaxError{Pos: -1}
	}
	return out, nil
}

// firstAfter returns the index of the first token from lo on that begins at
// or behind offset.
func (b *builder) firstAfter(lo, offset int) int {
	for lo < len(b.tokens) && b.tokens[lo].Start < offset {
		lo++
	}
	return lo
}

// statement lowers one statement, tokens lo to hi.
func (b *builder) statement(n ast.StmtNode, lo, hi int) (rewrite.Statement, error) {
	l := &lowerer{lexed: b.lexed, i: lo}
	st := l.dml(n)
	if st == nil {
		o := b.other(n, lo, hi)
		return o, nil
	}
	if err := b.returning(l, st, hi); err != nil {
		return nil, err
	}
	if l.i != hi {
		l.fail()
	}
	if l.lost {
		return nil, &rewrite.SyntaxError{Pos: l.lostAt}
	}
	return st, nil
}

// dml lowers a query or a statement that changes data; nil for others.
func (l *lowerer) dml(n ast.Node) rewrite.Statement {
	switch x := n.(type) {
	case *ast.SelectStmt, *ast.SetOprStmt:
		return l.query(x)
	case *ast.InsertStmt:
		return l.insert(x)
	case *ast.UpdateStmt:
		return l.update(x)
	case *ast.DeleteStmt:
		return l.delete(x)
	}
	return nil
}

// returning attaches the RETURNING clause of a statement that ends at hi.
func (b *builder) returning(l *lowerer, st rewrite.Statement, hi int) error {
	if len(b.tails) == 0 || b.tails[0].end != hi {
		return nil
	}
	t := b.tails[0]
	b.tails = b.tails[1:]
	if l.lost || l.i != t.at {
		l.fail()
		return nil
	}
	sel, err := b.parseReturning(t)
	if err != nil {
		return err
	}
	items, end := l.returning(sel)
	switch x := st.(type) {
	case *rewrite.Insert:
		x.Returning, x.ReturningEnd, x.End = items, end, end
	case *rewrite.Delete:
		x.Returning, x.ReturningEnd, x.End = items, end, end
	default:
		l.fail()
	}
	return nil
}

// parseReturning parses the list of a RETURNING clause as that of a SELECT,
// at its place in the text.
func (b *builder) parseReturning(t tail) (*ast.SelectStmt, error) {
	start, end := b.tokens[t.at].Start, b.tokens[t.end-1].End
	text := []byte(b.text[:end])
	blankBytes(text, 0, start)
	copy(text[start:], "SELECT   ")
	nodes, err := parse(string(text), b.session)
	if err != nil {
		return nil, err
	}
	if len(nodes) == 1 {
		if sel, ok := nodes[0].(*ast.SelectStmt); ok && plainList(sel) {
			return sel, nil
		}
	}
	return nil, &rewrite.SyntaxError{Pos: start}
}

// plainList reports whether a SELECT is nothing but its list.
func plainList(x *ast.SelectStmt) bool {
	return x.From == nil && x.Where == nil && x.GroupBy == nil && x.Having == nil && x.OrderBy == nil &&
		x.Limit == nil && x.LockInfo == nil && x.SelectIntoOpt == nil && x.With == nil && !x.Distinct
}
