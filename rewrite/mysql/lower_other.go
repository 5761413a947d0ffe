package mysql

import (
	"strings"

	"github.com/sqlc-dev/marino/ast"

	"github.com/sealsql/sealsql/rewrite"
)

// unparsed returns the statement for texts that are MariaDB's or too dynamic
// to be parsed: their first words decide.
func unparsed(lx *lexed) *rewrite.Other {
	known := lx.isWord(0, "EXECUTE") && lx.isWord(1, "IMMEDIATE") ||
		lx.isWord(0, "BEGIN") && lx.isWord(1, "NOT") ||
		lx.isWord(0, "SET") && lx.isWord(1, "STATEMENT")
	if !known {
		return nil
	}
	o := &rewrite.Other{Kind: rewrite.OtherDynamic, Span: whole(lx, 0, len(lx.tokens)), Attr: lx.text}
	o.Verb = upper(lx.tokens[0].Text) + " " + upper(lx.tokens[1].Text)
	for _, m := range lx.markers {
		o.Exprs = append(o.Exprs, m)
	}
	return o
}

// verbs gives the kind of a statement by its first word.
var verbs = map[string]rewrite.OtherKind{
	"START": rewrite.OtherTransaction, "BEGIN": rewrite.OtherTransaction, "COMMIT": rewrite.OtherTransaction,
	"ROLLBACK": rewrite.OtherTransaction, "SAVEPOINT": rewrite.OtherTransaction,
	"RELEASE": rewrite.OtherTransaction, "XA": rewrite.OtherTransaction,
	"SET": rewrite.OtherSession, "USE": rewrite.OtherSession,
	"SHOW": rewrite.OtherShow, "DESCRIBE": rewrite.OtherExplain, "DESC": rewrite.OtherExplain,
	"EXPLAIN": rewrite.OtherExplain, "HELP": rewrite.OtherShow,
	"TRUNCATE": rewrite.OtherTruncate, "RENAME": rewrite.OtherAlterTable,
	"GRANT": rewrite.OtherDDL, "REVOKE": rewrite.OtherDDL,
	"ANALYZE": rewrite.OtherMaintenance, "OPTIMIZE": rewrite.OtherMaintenance, "REPAIR": rewrite.OtherMaintenance,
	"CHECK": rewrite.OtherMaintenance, "CHECKSUM": rewrite.OtherMaintenance, "FLUSH": rewrite.OtherMaintenance,
	"LOCK": rewrite.OtherMaintenance, "UNLOCK": rewrite.OtherMaintenance, "KILL": rewrite.OtherMaintenance,
	"RESET": rewrite.OtherMaintenance, "PURGE": rewrite.OtherMaintenance, "CACHE": rewrite.OtherMaintenance,
	"CALL": rewrite.OtherCall,
	// DO is a SELECT without a result.
	"DO":      rewrite.OtherShow,
	"PREPARE": rewrite.OtherDynamic, "EXECUTE": rewrite.OtherDynamic, "HANDLER": rewrite.OtherDynamic,
	"DEALLOCATE": rewrite.OtherDeallocate, "LOAD": rewrite.OtherCopy, "IMPORT": rewrite.OtherCopy,
}

// objects gives the kinds of CREATE, ALTER and DROP by the object's word.
var objects = map[string][3]rewrite.OtherKind{
	"TABLE":     {rewrite.OtherCreateTable, rewrite.OtherAlterTable, rewrite.OtherDrop},
	"TABLES":    {rewrite.OtherDDL, rewrite.OtherDDL, rewrite.OtherDrop},
	"VIEW":      {rewrite.OtherCreateView, rewrite.OtherCreateView, rewrite.OtherDrop},
	"INDEX":     {rewrite.OtherCreateIndex, rewrite.OtherDDL, rewrite.OtherDrop},
	"PROCEDURE": {rewrite.OtherCreateCode, rewrite.OtherDDL, rewrite.OtherDDL},
	"FUNCTION":  {rewrite.OtherCreateCode, rewrite.OtherDDL, rewrite.OtherDDL},
	"TRIGGER":   {rewrite.OtherCreateCode, rewrite.OtherDDL, rewrite.OtherDDL},
	"EVENT":     {rewrite.OtherCreateCode, rewrite.OtherCreateCode, rewrite.OtherDDL},
	"PACKAGE":   {rewrite.OtherCreateCode, rewrite.OtherDDL, rewrite.OtherDDL},
	"SEQUENCE":  {rewrite.OtherDDL, rewrite.OtherDDL, rewrite.OtherDrop},
}

// definitions gives the column of objects.
var definitions = map[string]int{"CREATE": 0, "ALTER": 1, "DROP": 2}

// classify names a statement by its first words.
func classify(toks []rewrite.Token) (rewrite.OtherKind, string) {
	if len(toks) == 0 || toks[0].Kind != rewrite.TokWord {
		return rewrite.OtherUnknown, ""
	}
	verb := upper(toks[0].Text)
	c, ddl := definitions[verb]
	if !ddl {
		if verb == "SET" {
			return classifySet(toks), verb
		}
		return verbs[verb], verb
	}
	for i := 1; i < len(toks) && i < 24; i++ {
		if kinds, ok := objects[upper(toks[i].Text)]; ok && toks[i].Kind == rewrite.TokWord {
			return kinds[c], verb + " " + upper(toks[i].Text)
		}
	}
	if len(toks) > 1 && toks[1].Kind == rewrite.TokWord {
		verb += " " + upper(toks[1].Text)
	}
	return rewrite.OtherDDL, verb
}

// classifySet tells the forms of SET apart.
func classifySet(toks []rewrite.Token) rewrite.OtherKind {
	w := func(i int) string {
		if i < len(toks) && toks[i].Kind == rewrite.TokWord {
			return upper(toks[i].Text)
		}
		return ""
	}
	switch w(1) {
	case "TRANSACTION":
		return rewrite.OtherTransaction
	case "GLOBAL", "SESSION", "LOCAL":
		if w(2) == "TRANSACTION" && (w(3) == "ISOLATION" || w(3) == "READ") {
			return rewrite.OtherTransaction
		}
	case "PASSWORD", "DEFAULT", "RESOURCE":
		return rewrite.OtherDDL
	case "STATEMENT":
		return rewrite.OtherDynamic
	}
	return rewrite.OtherSession
}

// settings lists the names that a SET statement assigns, lower case, global
// ones with "global." before them.
func settings(toks []rewrite.Token) []string {
	if len(toks) < 2 {
		return []string{"*"}
	}
	switch upper(toks[1].Text) {
	case "NAMES":
		return []string{"names", "character_set_client", "character_set_connection", "character_set_results"}
	case "CHARSET", "CHARACTER", "CHAR":
		return []string{"character set", "character_set_client", "character_set_results"}
	case "ROLE":
		return []string{"role"}
	}
	var out []string
	depth, start := 0, 1
	for i := 1; i <= len(toks); i++ {
		if i < len(toks) && toks[i].Kind == rewrite.TokPunct {
			switch toks[i].Text {
			case "(":
				depth++
			case ")":
				depth--
			}
		}
		if i == len(toks) || depth == 0 && toks[i].Kind == rewrite.TokPunct && toks[i].Text == "," {
			out = append(out, setting(toks[start:i]))
			start = i + 1
		}
	}
	return out
}

// setting names what one assignment sets; "*" when that cannot be told.
func setting(toks []rewrite.Token) string {
	name, global := "", false
	for i, t := range toks {
		if t.Kind == rewrite.TokPunct && (t.Text == "=" || t.Text == ":=") {
			break
		}
		part := strings.ToLower(t.Text)
		scope := strings.TrimSuffix(strings.TrimPrefix(part, "@@"), ".")
		switch {
		case i == 0 && (scope == "global" || scope == "persist" || scope == "persist_only"):
			global = true
		case i == 0 && (scope == "session" || scope == "local"):
		default:
			name += part
		}
	}
	name = strings.TrimPrefix(strings.TrimPrefix(name, "@@"), ".")
	for _, p := range []string{"global.", "persist.", "persist_only."} {
		if strings.HasPrefix(name, p) {
			name, global = strings.TrimPrefix(name, p), true
		}
	}
	name = strings.TrimPrefix(strings.TrimPrefix(name, "session."), "local.")
	name = strings.ReplaceAll(name, "`", "")
	switch {
	case name == "":
		return "*"
	case global:
		return "global." + name
	}
	return name
}

// other lowers a statement that is not DML.
func (b *builder) other(n ast.StmtNode, lo, hi int) *rewrite.Other {
	toks := b.tokens[lo:hi]
	o := &rewrite.Other{Span: whole(b.lexed, lo, hi)}
	o.Kind, o.Verb = classify(toks)
	if !b.script {
		b.noEdit = "not a data statement"
	}
	switch x := n.(type) {
	case *ast.ExplainStmt:
		b.explain(o, x, lo, hi)
		return o
	case *ast.CreateViewStmt:
		if b.view(o, x.ViewName, x.Select, lo, hi) {
			return o
		}
	case *ast.AlterViewStmt:
		if b.view(o, x.ViewName, x.Select, lo, hi) {
			return o
		}
	case *ast.UseStmt:
		o.Settings = []string{"database"}
	case *ast.SetStmt:
		if o.Kind == rewrite.OtherSession {
			o.Settings = settings(toks)
		}
	case *ast.CreateTableStmt:
		o.Temp = x.TemporaryKeyword != ast.TemporaryNone
	case *ast.DropTableStmt:
		o.Temp = x.TemporaryKeyword != ast.TemporaryNone
	}
	if o.Kind == rewrite.OtherSession && o.Settings == nil {
		o.Settings = settings(toks)
	}
	o.Attr = b.text[o.Start:o.End]
	b.collect(o, n, lo, hi)
	return o
}

// explain lowers EXPLAIN with the statement that it explains; DESCRIBE of a
// table is OtherShow.
func (b *builder) explain(o *rewrite.Other, x *ast.ExplainStmt, lo, hi int) {
	if show, ok := x.Stmt.(*ast.ShowStmt); ok {
		o.Kind = rewrite.OtherShow
		b.collect(o, show, lo, hi)
		return
	}
	if x.Stmt == nil { // of a plan's digest, which MySQL has not
		o.Kind = rewrite.OtherUnknown
		return
	}
	o.Kind = rewrite.OtherExplain
	l := &lowerer{lexed: b.lexed, i: lo}
	for l.i < hi && !statementWord(l.lexed, l.i) {
		l.i++
	}
	inner := l.dml(x.Stmt)
	if inner == nil {
		o.Kind = rewrite.OtherUnknown
		b.collect(o, x.Stmt, lo, hi)
		return
	}
	if l.i == hi && !l.lost {
		b.noEdit = ""
	}
	o.Inner = inner
}

// view lowers CREATE VIEW and ALTER VIEW with the query; false where that is not
// found.
func (b *builder) view(o *rewrite.Other, view *ast.TableName, query ast.StmtNode, lo, hi int) bool {
	l := &lowerer{lexed: b.lexed, i: lo}
	for l.i < hi && !b.isWord(l.i, "AS") {
		if m := int(b.match[l.i]); m > l.i {
			l.i = m
		}
		l.i++
	}
	if l.i++; l.i >= hi || !statementWord(b.lexed, l.i) {
		return false
	}
	q := l.query(query)
	if l.lost || l.i < hi && !b.isWord(l.i, "WITH") {
		return false
	}
	name := &lowerer{lexed: b.lexed, lost: true}
	o.Attr = b.text[o.Start:o.End]
	o.Relations, o.Query = []*rewrite.Table{name.table(view, "")}, q
	if !b.script {
		b.noEdit = ""
	}
	return true
}

// statementWord reports whether a statement that can be explained begins at i.
func statementWord(lx *lexed, i int) bool {
	if lx.isPunct(i, "(") {
		return true
	}
	for _, w := range []string{"SELECT", "INSERT", "REPLACE", "UPDATE", "DELETE", "WITH", "TABLE", "VALUES"} {
		if lx.isWord(i, w) {
			return true
		}
	}
	return false
}

// collect fills relations, expressions and queries with everything that the
// parser's tree names. Placeholders that the tree does not show (the parser's
// walk skips some clauses) are added from the tokens.
func (b *builder) collect(o *rewrite.Other, n ast.Node, lo, hi int) {
	c := &collector{l: &lowerer{lexed: b.lexed, lost: true, seen: map[int]bool{}}, self: n}
	c.bare = o.Kind == rewrite.OtherShow && o.Verb != "DO" || o.Kind == rewrite.OtherCopy
	n.Accept(c)
	o.Relations, o.Exprs = append(c.tables, b.references(lo, hi)...), c.exprs
	for i, q := range c.queries {
		if i == 0 {
			o.Query = q
			continue
		}
		o.Exprs = append(o.Exprs, &rewrite.Opaque{What: "query", Queries: []*rewrite.Query{q}})
	}
	for _, m := range b.markers {
		if m.Start >= b.tokens[lo].Start && m.End <= b.tokens[hi-1].End && !c.l.seen[m.Start] {
			o.Exprs = append(o.Exprs, m)
		}
	}
}

// references returns the tables that foreign keys name; the parser's walk
// leaves out those of columns.
func (b *builder) references(lo, hi int) []*rewrite.Table {
	var out []*rewrite.Table
	for i := lo + 1; i+1 < hi; i++ {
		if !b.isWord(i, "REFERENCES") || b.isPunct(i-1, ".") {
			continue
		}
		t := &rewrite.Table{}
		for j := i + 1; j < hi; j += 2 {
			tok := b.tokens[j]
			t.Path = append(t.Path, rewrite.Ident{Name: tok.Text, Quoted: tok.Kind == rewrite.TokQuoted, Span: tok.Span})
			if !b.isPunct(j+1, ".") {
				break
			}
		}
		out = append(out, t)
	}
	return out
}

// collector walks a node of the parser's tree and lowers what it meets:
// tables, whole queries and whole expressions.
type collector struct {
	l       *lowerer
	self    ast.Node
	exprs   []rewrite.Expr
	tables  []*rewrite.Table
	queries []*rewrite.Query
	// bare leaves out columns: those of SHOW … WHERE are of its result, those
	// of LOAD DATA of the table that is among the relations.
	bare bool
}

// Enter implements the parser's Visitor.
func (c *collector) Enter(n ast.Node) (ast.Node, bool) {
	if n == c.self {
		return n, false
	}
	switch x := n.(type) {
	case *ast.SelectStmt, *ast.SetOprStmt:
		c.queries = append(c.queries, c.l.query(x))
		return n, true
	case *ast.InsertStmt, *ast.UpdateStmt, *ast.DeleteStmt:
		return n, false // a routine's body: its parts are met one by one
	case *ast.TableName:
		c.tables = append(c.tables, c.l.table(x, ""))
		return n, true
	case *ast.IndexOption:
		if x.Condition != nil { // the parser's own walk passes it by
			x.Condition.Accept(c)
		}
		return n, false
	case *ast.ColumnName:
		if !c.bare {
			c.exprs = append(c.exprs, c.l.column(x))
		}
		return n, true
	case *ast.FuncCallExpr:
		if !c.bare {
			break
		}
		c.exprs = append(c.exprs, &rewrite.Call{Name: []rewrite.Ident{{Name: x.FnName.O}}})
		return n, false
	}
	if e, ok := n.(ast.ExprNode); ok && !c.bare {
		c.exprs = append(c.exprs, c.l.expr(e))
		return n, true
	}
	return n, false
}

// Leave implements the parser's Visitor.
func (c *collector) Leave(n ast.Node) (ast.Node, bool) { return n, true }
