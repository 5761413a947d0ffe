package sqlite

import (
	"strconv"
	"strings"

	"github.com/sqlc-dev/meyer/ast"

	"github.com/sealsql/sealsql/rewrite"
)

// from lowers a FROM list. SQLite's comma binds like JOIN: in "a, b JOIN c ON
// …" the condition sees a. Items in front of the last join are therefore
// folded into it, with the kind COMMA where a comma stood; only the items
// behind it stand alone.
func (l *lowerer) from(list []*ast.TableRef) []rewrite.TableExpr {
	if len(list) == 0 {
		return nil
	}
	last := 0
	for i, r := range list {
		if i > 0 && (r.Join.Type&ast.JoinComma == 0 || r.On != nil || r.Using != nil) {
			last = i
		}
	}
	out := l.froms.Many(len(list) - last)
	out[0] = l.fold(list[:last+1])
	for i, r := range list[last+1:] {
		out[i+1] = l.item(r)
	}
	return out
}

// fold joins a list from the left.
func (l *lowerer) fold(list []*ast.TableRef) rewrite.TableExpr {
	if list[0].On != nil || list[0].Using != nil {
		l.reject(list[0].Start) // "a JOIN clause is required before ON"
	}
	left := l.item(list[0])
	if len(list) > maxDepth {
		l.fail(&rewrite.UnsupportedError{Pos: list[0].Start, Reason: rewrite.ReasonTooDeep})
		return left
	}
	for _, r := range list[1:] {
		j := l.joins.One()
		*j = rewrite.Join{
			Span: rewrite.Span{Start: list[0].Start, End: r.Stop},
			Kind: l.joinKind(r.Join), Left: left, Right: l.item(r),
			On: l.expr(r.On), Using: l.names(r.Using),
			Natural: r.Join.Type&ast.JoinNatural != 0,
		}
		left = j
	}
	return left
}

// joinKind names a join, or rejects what sqlite3JoinType rejects.
func (l *lowerer) joinKind(j *ast.JoinOperator) string {
	if j.Type&ast.JoinComma != 0 {
		return "COMMA"
	}
	for _, w := range j.Words[:len(j.Words)-1] {
		switch strings.ToUpper(w) {
		case "NATURAL", "LEFT", "RIGHT", "FULL", "OUTER", "INNER", "CROSS":
		default:
			l.reject(j.Start)
		}
	}
	side := j.Type & (ast.JoinLeft | ast.JoinRight)
	inner, outer := j.Type&ast.JoinInner != 0, j.Type&ast.JoinOuter != 0
	if inner && outer || outer && side == 0 {
		l.reject(j.Start)
	}
	switch {
	case side == ast.JoinLeft|ast.JoinRight:
		return "FULL"
	case side == ast.JoinLeft:
		return "LEFT"
	case side == ast.JoinRight:
		return "RIGHT"
	case j.Type&ast.JoinCross != 0:
		return "CROSS"
	}
	return "INNER"
}

// item lowers one item of a FROM list, without its join condition.
func (l *lowerer) item(r *ast.TableRef) rewrite.TableExpr {
	defer l.leave()
	if !l.enter(r.Start) {
		return &rewrite.Table{Span: span(r)}
	}
	switch {
	case r.Select != nil:
		return &rewrite.Derived{
			Span:  l.parens(r.Select.Start, r.Select.Stop),
			Query: l.query(r.Select), Alias: l.name(r.Alias),
		}
	case r.List != nil:
		return l.list(r)
	case r.HasArgs:
		f := l.funcTable(r.Name, r.Args)
		f.Alias = l.name(r.Alias)
		return f
	}
	t := l.table(r.Name)
	t.Alias = l.name(r.Alias)
	t.Attr = indexed(r.IndexedBy, r.NotIndexed)
	return t
}

func indexed(by *ast.Ident, not bool) string {
	switch {
	case by != nil:
		return "INDEXED BY " + strconv.Quote(by.Name)
	case not:
		return "NOT INDEXED"
	}
	return ""
}

// list lowers "( … )" around joined tables by the rules of SQLite's grammar
// actions for "seltablist ::= stl_prefix LP seltablist RP as on_using". In
// front of everything and without an alias the parentheses mean nothing. Else
// a single table takes the outer alias, and an alias of its own is lost.
func (l *lowerer) list(r *ast.TableRef) rewrite.TableExpr {
	list := r.List
	for len(list) == 1 && list[0].List != nil && list[0].Alias == nil &&
		list[0].On == nil && list[0].Using == nil {
		list = list[0].List
	}
	free := r.Join == nil && r.Alias == nil && r.On == nil && r.Using == nil
	if free || (len(list) == 1 && r.Alias == nil && list[0].Alias == nil) {
		return l.fold(list)
	}
	if len(list) == 1 && list[0].Alias != nil {
		return &rewrite.Derived{
			Span: span(r), Query: everything(l.fold(list), "ALIAS LOST"), Alias: l.name(r.Alias),
		}
	}
	t := l.fold(list)
	switch t := t.(type) {
	case *rewrite.Join:
		t.Alias = l.name(r.Alias)
	case *rewrite.Table:
		t.Alias = l.name(r.Alias)
	case *rewrite.Derived:
		t.Alias = l.name(r.Alias)
	case *rewrite.FuncTable:
		t.Alias = l.name(r.Alias)
	}
	return t
}

// table lowers a relation name.
func (l *lowerer) table(n *ast.QualifiedName) *rewrite.Table {
	t := l.tables.One()
	t.Span, t.Path = span(n), l.path(n)
	if l.watching > 0 && n.Schema == nil {
		l.named = append(l.named, n.Name.Name)
	}
	return t
}

func (l *lowerer) path(n *ast.QualifiedName) []rewrite.Ident {
	if n.Schema == nil {
		p := l.idents.Many(1)
		p[0] = ident(n.Name)
		return p
	}
	p := l.idents.Many(2)
	p[0], p[1] = ident(n.Schema), ident(n.Name)
	return p
}

// funcTable lowers a table-valued function. Its name may also be that of a
// virtual table, which SQLite lets stand with arguments.
func (l *lowerer) funcTable(n *ast.QualifiedName, args []ast.Expr) *rewrite.FuncTable {
	c := l.calls.One()
	c.Name, c.Args = l.path(n), l.exprList(args)
	closing := l.after(n.Stop, 1)
	if len(args) > 0 {
		closing = l.after(args[len(args)-1].End(), 0)
	}
	if l.isAt(closing, ')') {
		c.Span = rewrite.Span{Start: n.Start, End: closing.End}
	}
	f := &rewrite.FuncTable{Span: c.Span, Calls: l.exprs.Many(1)}
	f.Calls[0] = c
	return f
}
