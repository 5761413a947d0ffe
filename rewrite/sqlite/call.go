package sqlite

import (
	"strconv"
	"strings"

	"github.com/sqlc-dev/meyer/ast"

	"github.com/sealsql/sealsql/rewrite"
)

// call lowers a function call. Extra holds the ORDER BY terms, the FILTER
// condition and the expressions of the OVER clause in this order; Attr says
// how many of each there are.
func (l *lowerer) call(n *ast.FuncCall) rewrite.Expr {
	c := l.calls.One()
	c.Span = span(n)
	c.Name = l.idents.Many(1)
	c.Name[0] = ident(n.Name)
	c.Args = l.exprList(n.Args)
	c.Star, c.Distinct = n.Star, n.Distinct
	if !n.All && len(n.OrderBy) == 0 && n.Filter == nil && n.Over == nil {
		return c
	}
	var b strings.Builder
	if n.All {
		b.WriteString("ALL ")
	}
	c.Extra = l.terms(nil, n.OrderBy)
	writeTerms(&b, n.OrderBy)
	if n.Filter != nil {
		b.WriteString("FILTER ")
		c.Extra = append(c.Extra, l.expr(n.Filter))
	}
	if n.Over != nil {
		c.Over = true
		b.WriteString("OVER ")
		c.Extra = l.window(c.Extra, &b, n.Over)
	}
	c.Attr = b.String()
	return c
}

// terms appends the expressions of an ORDER BY list to out.
func (l *lowerer) terms(out []rewrite.Expr, list []*ast.OrderingTerm) []rewrite.Expr {
	if out == nil && len(list) > 0 {
		out = l.exprs.Many(len(list))[:0]
	}
	for _, t := range list {
		out = append(out, l.expr(t.Expr))
	}
	return out
}

// writeTerms writes how many terms there are and the directions of those that
// have one.
func writeTerms(b *strings.Builder, list []*ast.OrderingTerm) {
	if len(list) == 0 {
		return
	}
	b.WriteString("ORDER ")
	b.WriteString(strconv.Itoa(len(list)))
	b.WriteString(directions(list))
	b.WriteByte(' ')
}

// directions describes the terms that have a direction: "0 DESC,2 NULLS LAST";
// "" when none has.
func directions(list []*ast.OrderingTerm) string {
	var b strings.Builder
	for i, t := range list {
		if t.Order == ast.SortDefault && t.Nulls == ast.NullsDefault {
			continue
		}
		b.WriteByte(',')
		b.WriteString(strconv.Itoa(i))
		if t.Order != ast.SortDefault {
			b.WriteByte(' ')
			b.WriteString(t.Order.String())
		}
		if t.Nulls != ast.NullsDefault {
			b.WriteByte(' ')
			b.WriteString(t.Nulls.String())
		}
	}
	return b.String()
}

// window appends the expressions of a window to kids and describes the rest.
func (l *lowerer) window(kids []rewrite.Expr, b *strings.Builder, w *ast.WindowDef) []rewrite.Expr {
	if w.Name != nil {
		b.WriteString("NAME ")
		b.WriteString(strconv.Quote(w.Name.Name))
		b.WriteByte(' ')
	}
	if w.NameOnly {
		b.WriteString("REF ")
	}
	if w.Base != nil {
		b.WriteString("BASE ")
		b.WriteString(strconv.Quote(w.Base.Name))
		b.WriteByte(' ')
	}
	if len(w.Partition) > 0 {
		b.WriteString("PARTITION ")
		b.WriteString(strconv.Itoa(len(w.Partition)))
		b.WriteByte(' ')
		for _, e := range w.Partition {
			kids = append(kids, l.expr(e))
		}
	}
	writeTerms(b, w.OrderBy)
	kids = l.terms(kids, w.OrderBy)
	if w.Frame != ast.FrameNone {
		b.WriteString(w.Frame.String())
		kids = l.bound(kids, b, w.StartBound)
		kids = l.bound(kids, b, w.EndBound)
		b.WriteByte(' ')
		b.WriteString(w.Exclude.String())
	}
	return kids
}

func (l *lowerer) bound(kids []rewrite.Expr, b *strings.Builder, f *ast.FrameBound) []rewrite.Expr {
	if f == nil {
		return kids
	}
	b.WriteByte(' ')
	b.WriteString(f.Type.String())
	if f.Expr != nil {
		kids = append(kids, l.expr(f.Expr))
	}
	return kids
}

// windows lowers a WINDOW clause.
func (l *lowerer) windows(list []*ast.WindowDef) []rewrite.Expr {
	out := l.exprs.Many(len(list))
	for i, w := range list {
		var b strings.Builder
		o := &rewrite.Opaque{Span: span(w), What: "WINDOW"}
		o.Kids = l.window(nil, &b, w)
		o.Attr = b.String()
		out[i] = o
	}
	return out
}
