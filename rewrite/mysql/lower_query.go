package mysql

import (
	"github.com/sqlc-dev/marino/ast"

	"github.com/sealsql/sealsql/rewrite"
)

// subquery lowers "( query )".
func (l *lowerer) subquery(n ast.Node) *rewrite.Query {
	l.eatPunct("(")
	q := l.query(n)
	l.eatPunct(")")
	return q
}

// query lowers a query with the brackets that enclose the whole of it, which
// the parser drops.
func (l *lowerer) query(n ast.Node) *rewrite.Query {
	if l.redundant(n) {
		l.eatPunct("(")
		q := l.query(n)
		l.eatPunct(")")
		return q
	}
	switch x := n.(type) {
	case *ast.SelectStmt:
		from := l.mark()
		with := l.with(x.With)
		var q *rewrite.Query
		if with != nil && l.redundant(n) {
			l.eatPunct("(")
			q = l.selectStmt(x)
			l.eatPunct(")")
		} else {
			q = l.selectStmt(x)
		}
		q.With, q.Span = with, l.span(from)
		return q
	case *ast.SetOprStmt:
		from := l.mark()
		with := l.with(x.With)
		bracketed := with != nil && l.redundant(n)
		if bracketed {
			l.eatPunct("(")
		}
		q := l.setOperation(x.SelectList.Selects, x.OrderBy, x.Limit)
		if bracketed {
			l.eatPunct(")")
		}
		q.With, q.Span = with, l.span(from)
		return q
	}
	l.fail()
	return &rewrite.Query{Body: &rewrite.Values{}}
}

// redundant reports whether the next token opens a bracket around all of n.
func (l *lowerer) redundant(n ast.Node) bool {
	if !l.punct("(") {
		return false
	}
	if _, single := n.(*ast.SelectStmt); single {
		return true
	}
	m := int(l.match[l.i])
	return m > 0 && !l.continuesQuery(m+1)
}

func (l *lowerer) with(w *ast.WithClause) *rewrite.With {
	if w == nil {
		return nil
	}
	from := l.mark()
	l.eat("WITH")
	out := &rewrite.With{Recursive: w.IsRecursive}
	if w.IsRecursive {
		l.eat("RECURSIVE")
	}
	for i, c := range w.CTEs {
		if i > 0 {
			l.eatPunct(",")
		}
		out.CTEs = append(out.CTEs, l.cte(c))
	}
	out.Span = l.span(from)
	return out
}

func (l *lowerer) cte(c *ast.CommonTableExpression) *rewrite.CTE {
	from := l.mark()
	out := &rewrite.CTE{Name: l.ident(c.Name.O)}
	out.Columns = l.names(c.ColNameList)
	l.eat("AS")
	out.Query = l.subquery(c.Query.Query)
	out.Span = l.span(from)
	return out
}

// setOperation lowers the flat list of a set operation. INTERSECT binds
// tighter than UNION and EXCEPT (MySQL 8.0.31, MariaDB 10.3).
func (l *lowerer) setOperation(list []ast.Node, order *ast.OrderByClause, limit *ast.Limit) *rewrite.Query {
	from := l.mark()
	var bodies []rewrite.Body
	var ops []*rewrite.SetOp
	for i, n := range list {
		if i > 0 {
			ops = append(ops, l.setOperator(n))
		}
		bodies = append(bodies, l.component(n))
	}
	bodies, ops = fold(bodies, ops, func(op *rewrite.SetOp) bool { return op.Name == "INTERSECT" })
	bodies, _ = fold(bodies, ops, func(*rewrite.SetOp) bool { return true })
	q := &rewrite.Query{Body: bodies[0]}
	l.orderLimit(q, order, limit)
	q.Span = l.span(from)
	return q
}

// fold joins neighbouring bodies from the left where match says so.
func fold(bodies []rewrite.Body, ops []*rewrite.SetOp, match func(*rewrite.SetOp) bool) ([]rewrite.Body, []*rewrite.SetOp) {
	out, rest := bodies[:1:1], []*rewrite.SetOp(nil)
	for i, op := range ops {
		right := bodies[i+1]
		if !match(op) {
			out, rest = append(out, right), append(rest, op)
			continue
		}
		left := out[len(out)-1]
		op.Left, op.Right = left, right
		if left.Range().Known() && right.Range().Known() {
			op.Span = rewrite.Span{Start: left.Range().Start, End: right.Range().End}
		}
		out[len(out)-1] = op
	}
	return out, rest
}

func (l *lowerer) setOperator(n ast.Node) *rewrite.SetOp {
	var tp *ast.SetOprType
	switch x := n.(type) {
	case *ast.SelectStmt:
		tp = x.AfterSetOperator
	case *ast.SetOprSelectList:
		tp = x.AfterSetOperator
	}
	op := &rewrite.SetOp{Name: "UNION"}
	if tp == nil {
		l.fail()
		return op
	}
	switch *tp {
	case ast.UnionAll, ast.ExceptAll, ast.IntersectAll:
		op.All = true
	}
	switch *tp {
	case ast.Except, ast.ExceptAll:
		op.Name = "EXCEPT"
	case ast.Intersect, ast.IntersectAll:
		op.Name = "INTERSECT"
	}
	l.eat(op.Name)
	if op.All {
		l.eat("ALL")
	} else {
		l.accept("DISTINCT", "DISTINCTROW")
	}
	return op
}

// component lowers one part of a set operation.
func (l *lowerer) component(n ast.Node) rewrite.Body {
	from := l.mark()
	switch x := n.(type) {
	case *ast.SelectStmt:
		q := l.selectStmt(x)
		q.Span = l.span(from)
		return unwrap(q)
	case *ast.SetOprSelectList:
		l.eatPunct("(")
		q := l.bracketed(x)
		l.eatPunct(")")
		q.Span = l.span(from)
		return q
	}
	l.fail()
	return &rewrite.Values{}
}

// bracketed lowers what stands in the brackets of a part of a set operation.
func (l *lowerer) bracketed(x *ast.SetOprSelectList) *rewrite.Query {
	if l.punct("(") && (single(x) || l.match[l.i] > 0 && !l.continuesQuery(int(l.match[l.i])+1)) {
		l.eatPunct("(")
		q := l.bracketed(x)
		l.eatPunct(")")
		return q
	}
	from := l.mark()
	var with *rewrite.With
	if x.With != nil {
		with = l.with(x.With)
	}
	var q *rewrite.Query
	if sel, ok := x.Selects[0].(*ast.SelectStmt); ok && len(x.Selects) == 1 {
		q = l.selectStmt(sel)
		if x.Limit != nil || x.OrderBy != nil {
			l.orderLimit(q, x.OrderBy, x.Limit)
		}
	} else {
		q = l.setOperation(x.Selects, x.OrderBy, x.Limit)
	}
	q.With, q.Span = with, l.span(from)
	return q
}

func single(x *ast.SetOprSelectList) bool {
	_, ok := x.Selects[0].(*ast.SelectStmt)
	return ok && len(x.Selects) == 1
}

// unwrap returns the body of a query without outer clauses.
func unwrap(q *rewrite.Query) rewrite.Body {
	if q.With == nil && q.OrderBy == nil && q.Limit == nil && q.Attr == "" && !q.Lock {
		return q.Body
	}
	return q
}

func (l *lowerer) orderLimit(q *rewrite.Query, order *ast.OrderByClause, limit *ast.Limit) {
	if order != nil {
		l.eat("ORDER", "BY")
		var dirs string
		q.OrderBy, dirs = l.byItems(order.Items)
		q.Attr += dirs
	}
	if limit != nil {
		q.Limit = l.limit(limit)
	}
}

// byItems lowers the items of ORDER BY, GROUP BY and PARTITION BY, with their
// directions as text.
func (l *lowerer) byItems(items []*ast.ByItem) (out []rewrite.Expr, dirs string) {
	for i, it := range items {
		if i > 0 {
			l.eatPunct(",")
		}
		out = append(out, l.expr(it.Expr))
		if it.Desc {
			l.eat("DESC")
			dirs += "d"
			continue
		}
		dirs += "a"
		l.accept("ASC")
	}
	return out, dirs
}

// limit lowers LIMIT in its three forms, and FETCH FIRST; the row count comes
// first in the result.
func (l *lowerer) limit(x *ast.Limit) []rewrite.Expr {
	if l.accept("FETCH") {
		l.accept("FIRST", "NEXT")
		var count rewrite.Expr
		if l.word("ROW") || l.word("ROWS") {
			count = &rewrite.Literal{Kind: rewrite.LitNumber, Value: "1"}
		} else {
			count = l.expr(x.Count)
		}
		l.accept("ROW", "ROWS")
		l.eat("ONLY")
		return []rewrite.Expr{count}
	}
	l.eat("LIMIT")
	if x.Offset == nil {
		return []rewrite.Expr{l.expr(x.Count)}
	}
	if l.punctN(1, ",") {
		offset := l.expr(x.Offset)
		l.eatPunct(",")
		return []rewrite.Expr{l.expr(x.Count), offset}
	}
	count := l.expr(x.Count)
	l.eat("OFFSET")
	return []rewrite.Expr{count, l.expr(x.Offset)}
}

// selectStmt lowers one SELECT, TABLE or VALUES with its tail; the caller
// deals with WITH and brackets and sets the span.
func (l *lowerer) selectStmt(x *ast.SelectStmt) *rewrite.Query {
	q := &rewrite.Query{}
	switch x.Kind {
	case ast.SelectStmtKindTable:
		q.Body = l.tableBody(x)
		l.tail(q, nil, x)
	case ast.SelectStmtKindValues:
		q.Body = l.valuesBody(x)
		l.tail(q, nil, x)
	default:
		s := &rewrite.Select{}
		q.Body = s
		l.selectCore(s, x)
		l.tail(q, s, x)
	}
	return q
}

func (l *lowerer) tableBody(x *ast.SelectStmt) rewrite.Body {
	from := l.mark()
	l.eat("TABLE")
	s := &rewrite.Select{ItemsEnd: l.end()}
	word := l.span(from)
	s.Items = []rewrite.SelectItem{{Span: word, Expr: &rewrite.Star{Span: word, Keyword: true}}}
	s.From = l.refs(x.From.TableRefs)
	s.Span = l.span(from)
	return s
}

func (l *lowerer) valuesBody(x *ast.SelectStmt) rewrite.Body {
	from := l.mark()
	l.eat("VALUES")
	v := &rewrite.Values{}
	for i, row := range x.Lists {
		if i > 0 {
			l.eatPunct(",")
		}
		start := l.mark()
		l.eat("ROW")
		v.Rows = append(v.Rows, l.rowValues(row.Values))
		v.RowSpans = append(v.RowSpans, l.span(start))
	}
	v.Span = l.span(from)
	return v
}

// rowValues lowers "(a, b, …)".
func (l *lowerer) rowValues(list []ast.ExprNode) []rewrite.Expr {
	l.eatPunct("(")
	out := make([]rewrite.Expr, len(list))
	for i, e := range list {
		if i > 0 {
			l.eatPunct(",")
		}
		out[i] = l.expr(e)
	}
	l.eatPunct(")")
	return out
}

// selectCore lowers from SELECT to the WINDOW clause.
func (l *lowerer) selectCore(s *rewrite.Select, x *ast.SelectStmt) {
	from := l.mark()
	l.eat("SELECT")
	s.Distinct = x.Distinct
	l.selectOptions(s)
	l.selectItems(s, x)
	havingDone := x.From == nil && x.Having != nil
	if havingDone {
		l.having(s, x)
	}
	if x.SelectIntoOpt != nil && l.word("INTO") {
		l.into(s, x)
	}
	if x.From != nil {
		l.eat("FROM")
		s.From = l.refs(x.From.TableRefs)
	} else if l.accept("FROM") {
		l.eat("DUAL")
	}
	if x.Where != nil {
		l.eat("WHERE")
		at := l.mark()
		s.Where = l.expr(x.Where)
		s.WhereSpan = l.span(at)
	}
	l.grouping(s, x)
	if x.Having != nil && !havingDone {
		l.having(s, x)
	}
	if len(x.WindowSpecs) > 0 {
		l.windows(s, x)
	}
	s.Span = l.span(from)
}

func (l *lowerer) having(s *rewrite.Select, x *ast.SelectStmt) {
	l.eat("HAVING")
	s.Having = l.expr(x.Having.Expr)
}

func (l *lowerer) grouping(s *rewrite.Select, x *ast.SelectStmt) {
	if x.GroupBy == nil {
		return
	}
	l.eat("GROUP", "BY")
	var dirs string
	s.GroupBy, dirs = l.byItems(x.GroupBy.Items)
	s.Attr += " group " + dirs
	if x.GroupBy.Rollup {
		l.eat("WITH", "ROLLUP")
		s.Attr += " with rollup"
	}
}

// selectOptions consumes the words between SELECT and the first item.
func (l *lowerer) selectOptions(s *rewrite.Select) {
	for {
		switch {
		case l.accept("DISTINCT", "DISTINCTROW", "ALL"):
		case l.accept("HIGH_PRIORITY", "LOW_PRIORITY", "DELAYED", "SQL_SMALL_RESULT", "SQL_BIG_RESULT",
			"SQL_BUFFER_RESULT", "SQL_CACHE", "SQL_NO_CACHE", "SQL_CALC_FOUND_ROWS", "STRAIGHT_JOIN"):
			s.Attr += " " + upper(l.tokens[l.i-1].Text)
		default:
			return
		}
	}
}

func (l *lowerer) selectItems(s *rewrite.Select, x *ast.SelectStmt) {
	s.Items = make([]rewrite.SelectItem, 0, len(x.Fields.Fields))
	for i, f := range x.Fields.Fields {
		if i > 0 {
			l.eatPunct(",")
		}
		s.Items = append(s.Items, l.selectItem(f))
	}
	s.ItemsEnd = l.end()
}

func (l *lowerer) selectItem(f *ast.SelectField) rewrite.SelectItem {
	from := l.mark()
	if f.WildCard != nil {
		star := &rewrite.Star{Path: l.path(f.WildCard.Schema.O, f.WildCard.Table.O)}
		if len(star.Path) > 0 {
			l.eatPunct(".")
		}
		l.eatPunct("*")
		star.Span = l.span(from)
		return rewrite.SelectItem{Span: star.Span, Expr: star}
	}
	item := rewrite.SelectItem{Expr: l.expr(f.Expr)}
	if l.accept("AS") || f.AsName.O != "" || l.peek(0).Kind == rewrite.TokString {
		id := l.ident(f.AsName.O)
		item.Alias = &id
	}
	item.Span = l.span(from)
	return item
}

// tail lowers ORDER BY, LIMIT, INTO and locking clauses.
func (l *lowerer) tail(q *rewrite.Query, s *rewrite.Select, x *ast.SelectStmt) {
	l.orderLimit(q, x.OrderBy, x.Limit)
	if x.SelectIntoOpt != nil && l.word("INTO") {
		l.into(s, x)
	}
	locks := x.MoreLockInfos
	if x.LockInfo != nil {
		locks = append([]*ast.SelectLockInfo{x.LockInfo}, locks...)
	}
	for _, info := range locks {
		l.lock(q, info)
	}
	if x.SelectIntoOpt != nil && l.word("INTO") {
		l.into(s, x)
	}
	if s != nil && x.SelectIntoOpt != nil {
		s.Into = true
	}
}

// lock lowers FOR UPDATE, FOR SHARE and LOCK IN SHARE MODE.
func (l *lowerer) lock(q *rewrite.Query, info *ast.SelectLockInfo) {
	q.Lock = true
	from := l.mark()
	if l.accept("LOCK") {
		l.eat("IN", "SHARE", "MODE")
		if !l.lost {
			l.i += wait(l.lexed, l.i)
		}
	} else {
		l.eat("FOR")
		l.accept("UPDATE", "SHARE")
		if len(info.Tables) > 0 {
			l.eat("OF")
		}
		for i, t := range info.Tables {
			if i > 0 {
				l.eatPunct(",")
			}
			l.path(t.Schema.O, t.Name.O)
		}
		switch {
		case l.accept("NOWAIT"):
		case l.accept("SKIP"):
			l.eat("LOCKED")
		case l.accept("WAIT"):
			if l.peek(0).Kind != rewrite.TokNumber {
				l.fail()
			}
			l.i++
		}
	}
	q.Attr += " " + info.LockType.String() + " " + l.raw(from)
}

// into consumes INTO OUTFILE, DUMPFILE and variables.
func (l *lowerer) into(s *rewrite.Select, x *ast.SelectStmt) {
	from := l.mark()
	l.eat("INTO")
	opt := x.SelectIntoOpt
	if opt.Tp == ast.SelectIntoVars {
		for i := range opt.Vars {
			if i > 0 {
				l.eatPunct(",")
			}
			l.i++
		}
	} else {
		for !l.lost && l.i < len(l.tokens) && !l.endsInto() {
			l.i++
		}
	}
	if s != nil {
		s.Into = true
		s.Attr += " " + l.raw(from)
	}
}

func (l *lowerer) endsInto() bool {
	return l.punct(";") || l.punct(")") || l.word("FROM") || l.word("FOR") || l.word("LOCK") ||
		l.peek(0).Kind == rewrite.TokParam
}

// windows lowers WINDOW w AS (…), ….
func (l *lowerer) windows(s *rewrite.Select, x *ast.SelectStmt) {
	l.eat("WINDOW")
	for i := range x.WindowSpecs {
		if i > 0 {
			l.eatPunct(",")
		}
		spec := &x.WindowSpecs[i]
		from := l.mark()
		o := &rewrite.Opaque{What: "WINDOW", Attr: l.ident(spec.Name.O).Name}
		l.eat("AS")
		var attr string
		o.Kids, attr = l.windowSpec(spec)
		o.Attr += " " + attr
		o.Span = l.span(from)
		s.Windows = append(s.Windows, o)
	}
}

// windowSpec lowers "(…)" of OVER and WINDOW.
func (l *lowerer) windowSpec(spec *ast.WindowSpec) (kids []rewrite.Expr, attr string) {
	l.eatPunct("(")
	if spec.Ref.O != "" {
		attr = l.ident(spec.Ref.O).Name
	}
	if spec.PartitionBy != nil {
		l.eat("PARTITION", "BY")
		items, dirs := l.byItems(spec.PartitionBy.Items)
		kids, attr = append(kids, items...), attr+" partition "+dirs
	}
	if spec.OrderBy != nil {
		l.eat("ORDER", "BY")
		items, dirs := l.byItems(spec.OrderBy.Items)
		kids, attr = append(kids, items...), attr+" order "+dirs
	}
	if spec.Frame != nil {
		items, text := l.frame(spec.Frame)
		kids, attr = append(kids, items...), attr+" "+text
	}
	l.eatPunct(")")
	return kids, attr
}

func (l *lowerer) frame(f *ast.FrameClause) (kids []rewrite.Expr, attr string) {
	from := l.mark()
	if !l.accept("ROWS", "RANGE", "GROUPS") {
		l.fail()
	}
	if l.accept("BETWEEN") {
		kids = append(kids, l.bound(&f.Extent.Start)...)
		l.eat("AND")
		kids = append(kids, l.bound(&f.Extent.End)...)
	} else {
		kids = append(kids, l.bound(&f.Extent.Start)...)
	}
	return kids, l.raw(from)
}

func (l *lowerer) bound(b *ast.FrameBound) (kids []rewrite.Expr) {
	switch {
	case b.Expr != nil:
		interval := l.accept("INTERVAL")
		kids = append(kids, l.expr(b.Expr))
		if interval {
			l.unit()
		}
	case b.UnBounded:
		l.eat("UNBOUNDED")
	default:
		l.eat("CURRENT", "ROW")
		return nil
	}
	if !l.accept("PRECEDING", "FOLLOWING") {
		l.fail()
	}
	return kids
}

// unit consumes the unit of an interval.
func (l *lowerer) unit() string {
	t := l.peek(0)
	if t.Kind != rewrite.TokWord {
		l.fail()
		return ""
	}
	l.i++
	return upper(t.Text)
}
