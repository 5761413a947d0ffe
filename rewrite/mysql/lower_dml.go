package mysql

import (
	"github.com/sqlc-dev/marino/ast"

	"github.com/sealsql/sealsql/rewrite"
)

// insert lowers INSERT and REPLACE up to RETURNING.
func (l *lowerer) insert(x *ast.InsertStmt) *rewrite.Insert {
	from := l.mark()
	s := &rewrite.Insert{Replace: x.IsReplace, Ignore: x.IgnoreErr, ColumnsAt: -1, ReturningEnd: -1}
	if x.IsReplace {
		l.eat("REPLACE")
	} else {
		l.eat("INSERT")
	}
	for l.accept("LOW_PRIORITY", "HIGH_PRIORITY", "DELAYED") {
		s.Attr += " " + upper(l.tokens[l.i-1].Text)
	}
	if x.IgnoreErr {
		l.eat("IGNORE")
	}
	l.accept("INTO")
	if src, ok := x.Table.TableRefs.Left.(*ast.TableSource); ok {
		if name, ok := src.Source.(*ast.TableName); ok {
			s.Target = l.table(name, "")
		}
	}
	if s.Target == nil {
		l.fail()
		s.Target = &rewrite.Table{}
	}
	if len(x.PartitionNames) > 0 {
		s.Target.Attr = l.partitions()
	}
	l.insertBody(s, x)
	if len(x.OnDuplicate) > 0 {
		s.Upserts = []*rewrite.Upsert{l.onDuplicate(x.OnDuplicate)}
	}
	s.Span = l.span(from)
	return s
}

func (l *lowerer) insertBody(s *rewrite.Insert, x *ast.InsertStmt) {
	if x.Setlist {
		l.setForm(s, x)
		l.rowAlias(s, x)
		return
	}
	s.ColumnsAt = l.end()
	if l.punct("(") && !l.queryBracket(l.i) || l.lost && x.Columns != nil {
		s.HasColumns, s.ColumnsAt = true, -1
		l.insertColumns(s, x)
	}
	if x.Select != nil {
		s.Query = l.query(x.Select)
		return
	}
	if emptyRows(x) { // of no columns, with or without brackets
		s.HasColumns, s.ColumnsAt = true, -1
	}
	if !l.accept("VALUES", "VALUE") {
		l.fail()
	}
	at := l.mark()
	s.Values = &rewrite.Values{}
	for i, row := range x.Lists {
		if i > 0 {
			l.eatPunct(",")
		}
		start := l.mark()
		s.Values.Rows = append(s.Values.Rows, l.rowValues(row))
		s.Values.RowSpans = append(s.Values.RowSpans, l.span(start))
	}
	s.Values.Span = l.span(at)
	l.rowAlias(s, x)
}

// insertColumns lowers "(a, t.b)"; qualifiers are consumed and left out, as
// the target is the only table that they can name.
func (l *lowerer) insertColumns(s *rewrite.Insert, x *ast.InsertStmt) {
	from := l.mark()
	l.eatPunct("(")
	for i, c := range x.Columns {
		if i > 0 {
			l.eatPunct(",")
		}
		s.Columns = append(s.Columns, l.columnIdent(c))
	}
	l.eatPunct(")")
	if len(x.Columns) == 0 && x.Select == nil && !emptyRows(x) {
		s.HasColumns, s.EmptyList = false, l.span(from)
		s.ColumnsAt = s.EmptyList.Start
	}
}

// emptyRows reports rows without values: all columns have their defaults.
func emptyRows(x *ast.InsertStmt) bool {
	for _, row := range x.Lists {
		if len(row) > 0 {
			return false
		}
	}
	return len(x.Lists) > 0 && x.Select == nil && len(x.Columns) == 0
}

func (l *lowerer) columnIdent(c *ast.ColumnName) rewrite.Ident {
	path := l.path(c.Schema.O, c.Table.O, c.Name.O)
	if len(path) == 0 {
		return rewrite.Ident{}
	}
	return path[len(path)-1]
}

// setForm lowers SET a = 1, b = 2 to columns and one row.
func (l *lowerer) setForm(s *rewrite.Insert, x *ast.InsertStmt) {
	s.SetForm, s.HasColumns = true, true
	l.eat("SET")
	at := l.mark()
	row := make([]rewrite.Expr, 0, len(x.Columns))
	for i, c := range x.Columns {
		if i > 0 {
			l.eatPunct(",")
		}
		s.Columns = append(s.Columns, l.columnIdent(c))
		l.assignSign()
		row = append(row, l.expr(x.Lists[0][i]))
	}
	span := l.span(at)
	s.Values = &rewrite.Values{Span: span, Rows: [][]rewrite.Expr{row}, RowSpans: []rewrite.Span{span}}
}

func (l *lowerer) assignSign() {
	if !l.acceptPunct("=") {
		l.eatPunct(":=")
	}
}

func (l *lowerer) rowAlias(s *rewrite.Insert, x *ast.InsertStmt) {
	if x.RowAlias == nil {
		return
	}
	l.eat("AS")
	id := l.ident(x.RowAlias.O)
	s.RowAlias = &id
	var cols []ast.CIStr
	for _, c := range x.ColumnAliases {
		cols = append(cols, *c)
	}
	s.RowColumns = l.names(cols)
}

func (l *lowerer) onDuplicate(list []*ast.Assignment) *rewrite.Upsert {
	from := l.mark()
	u := &rewrite.Upsert{Duplicate: true}
	l.eat("ON", "DUPLICATE", "KEY", "UPDATE")
	u.Set = l.assignments(list)
	u.Span = l.span(from)
	return u
}

func (l *lowerer) assignments(list []*ast.Assignment) []rewrite.Assign {
	out := make([]rewrite.Assign, len(list))
	for i, a := range list {
		if i > 0 {
			l.eatPunct(",")
		}
		from := l.mark()
		out[i].Columns = []*rewrite.ColumnRef{l.column(a.Column)}
		l.assignSign()
		out[i].Value = l.expr(a.Expr)
		out[i].Span = l.span(from)
	}
	return out
}

func (l *lowerer) update(x *ast.UpdateStmt) *rewrite.Update {
	from := l.mark()
	s := &rewrite.Update{Ignore: x.IgnoreErr, WhereAt: -1, ReturningEnd: -1}
	s.With = l.with(x.With)
	l.eat("UPDATE")
	if l.accept("LOW_PRIORITY") {
		s.Attr = "LOW_PRIORITY"
	}
	if x.IgnoreErr {
		l.eat("IGNORE")
	}
	s.Targets = l.refs(x.TableRefs.TableRefs)
	l.eat("SET")
	s.Set = l.assignments(x.List)
	s.Where, s.WhereSpan, s.WhereAt = l.where(x.Where)
	var dirs string
	s.OrderBy, s.Limit, dirs = l.dmlTail(x.Order, x.Limit)
	s.Attr += dirs
	s.Span = l.span(from)
	return s
}

// where lowers WHERE; at is the offset where one can be put when there is none.
func (l *lowerer) where(n ast.ExprNode) (e rewrite.Expr, span rewrite.Span, at int) {
	if n == nil {
		return nil, rewrite.Span{}, l.end()
	}
	l.eat("WHERE")
	from := l.mark()
	e = l.expr(n)
	return e, l.span(from), -1
}

func (l *lowerer) dmlTail(o *ast.OrderByClause, limit *ast.Limit) (order, lim []rewrite.Expr, dirs string) {
	if o != nil {
		l.eat("ORDER", "BY")
		order, dirs = l.byItems(o.Items)
	}
	if limit != nil {
		lim = l.limit(limit)
	}
	return order, lim, dirs
}

func (l *lowerer) delete(x *ast.DeleteStmt) *rewrite.Delete {
	from := l.mark()
	s := &rewrite.Delete{Multi: x.IsMultiTable, WhereAt: -1, ReturningEnd: -1}
	s.With = l.with(x.With)
	l.eat("DELETE")
	for l.accept("LOW_PRIORITY", "QUICK", "IGNORE") {
		s.Attr += " " + upper(l.tokens[l.i-1].Text)
	}
	switch {
	case !x.IsMultiTable:
		l.eat("FROM")
		s.Targets = l.refs(x.TableRefs.TableRefs)
	case x.BeforeFrom:
		s.Targets = l.deleteTargets(x.Tables.Tables)
		l.eat("FROM")
		s.From = l.refs(x.TableRefs.TableRefs)
	default:
		l.eat("FROM")
		s.Targets = l.deleteTargets(x.Tables.Tables)
		l.eat("USING")
		s.From = l.refs(x.TableRefs.TableRefs)
	}
	s.Where, s.WhereSpan, s.WhereAt = l.where(x.Where)
	var dirs string
	s.OrderBy, s.Limit, dirs = l.dmlTail(x.Order, x.Limit)
	s.Attr += dirs
	s.Span = l.span(from)
	return s
}

// deleteTargets lowers "t1, t2.*".
func (l *lowerer) deleteTargets(list []*ast.TableName) []rewrite.TableExpr {
	var out []rewrite.TableExpr
	for i, n := range list {
		if i > 0 {
			l.eatPunct(",")
		}
		out = append(out, l.table(n, ""))
		if l.acceptPunct(".") {
			l.eatPunct("*")
		}
	}
	return out
}

// returning lowers a RETURNING list, which the parser read as a SELECT list.
func (l *lowerer) returning(x *ast.SelectStmt) (items []rewrite.SelectItem, end int) {
	l.eat("RETURNING")
	s := &rewrite.Select{}
	l.selectItems(s, x)
	return s.Items, s.ItemsEnd
}
