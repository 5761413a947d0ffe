package corpus_test

import (
	"errors"
	"slices"
	"strings"

	"github.com/sqlc-dev/marino/ast"
	"github.com/sqlc-dev/marino/opcode"
	"github.com/sqlc-dev/marino/parser"
)

// myWalk reads the tree of MySQL's grammar.
type myWalk struct{ *facts }

func mysqlSystem(schema, name string) bool {
	switch strings.ToLower(schema) {
	case "information_schema", "performance_schema", "mysql", "sys":
		return true
	}
	return schema == "" && strings.EqualFold(name, "dual")
}

// mysqlFacts walks every statement of a text. MariaDB's RETURNING, which the
// grammar lacks, is read as the select list that it is.
func mysqlFacts(text string) (out []*facts, err error) {
	defer func() {
		if recover() != nil { // the parser has such texts
			out, err = nil, errors.New("the parser panicked")
		}
	}()
	list, err := mysqlParse(text)
	var tail []ast.StmtNode
	if err != nil {
		at := strings.LastIndex(strings.ToUpper(text), "RETURNING ")
		if at < 0 {
			return nil, err
		}
		if list, err = mysqlParse(text[:at]); err != nil || len(list) != 1 {
			return nil, errors.New("not one statement before RETURNING")
		}
		if tail, err = mysqlParse("SELECT " + text[at+len("RETURNING "):]); err != nil {
			return nil, err
		}
	}
	for _, s := range list {
		w := myWalk{&facts{fold: strings.ToLower, home: "app", system: mysqlSystem}}
		sc := w.statement(s, &scope{})
		if len(tail) > 0 {
			w.returns = &rows{}
			w.items(w.returns, tail[0].(*ast.SelectStmt).Fields, sc, projected)
		}
		w.resolve()
		out = append(out, w.facts)
	}
	return out, nil
}

func mysqlParse(text string) ([]ast.StmtNode, error) {
	for _, windows := range []bool{true, false} {
		p := parser.New()
		p.EnableWindowFunc(windows)
		list, _, err := p.ParseSQL(text)
		if err == nil || !windows {
			return list, err
		}
	}
	return nil, nil
}

// statement walks one statement and returns the scope of its target.
func (w myWalk) statement(n ast.Node, sc *scope) *scope {
	switch s := n.(type) {
	case *ast.SelectStmt, *ast.SetOprStmt:
		p := projected
		if x, ok := s.(*ast.SelectStmt); ok && x.SelectIntoOpt != nil {
			p = moved
		}
		w.returns = w.query(s, sc, p)
	case *ast.InsertStmt:
		return w.insert(s, sc)
	case *ast.UpdateStmt:
		return w.update(s, sc)
	case *ast.DeleteStmt:
		return w.delete(s, sc)
	case *ast.ExplainStmt:
		return w.statement(s.Stmt, sc)
	case *ast.CreateViewStmt:
		w.query(s.Select, sc, viewed)
	case *ast.CreateTableStmt:
		t := w.named(s.Table)
		for _, c := range s.Cols {
			if t != nil {
				t.add(c.Name.Name.L, defined)
			}
		}
		if s.Select != nil {
			w.query(s.Select, sc, moved)
		}
	case *ast.CreateIndexStmt:
		t := w.named(s.Table)
		for _, c := range s.IndexPartSpecifications {
			if t != nil && c.Column != nil {
				t.add(c.Column.Name.L, defined)
			}
		}
	case *ast.AlterTableStmt:
		t := w.named(s.Table)
		for _, x := range s.Specs {
			for _, c := range x.NewColumns {
				if t != nil {
					t.add(c.Name.Name.L, defined)
				}
			}
			if t != nil && x.OldColumnName != nil {
				t.add(x.OldColumnName.Name.L, defined)
			}
		}
	}
	return sc
}

func (w myWalk) named(n *ast.TableName) *table { return w.relation(n.Schema.O, n.Name.O) }

func (w myWalk) with(c *ast.WithClause, sc *scope) {
	if c == nil {
		return
	}
	for _, x := range c.CTEs {
		src := &source{rows: &rows{}, cols: lowers(x.ColNameList)}
		if c.IsRecursive {
			sc.define(x.Name.L, src)
		}
		w.queryInto(src.rows, x.Query.Query, sc.child(), carried)
		sc.define(x.Name.L, src)
	}
}

func lowers(list []ast.CIStr) []string {
	var out []string
	for _, c := range list {
		out = append(out, c.L)
	}
	return out
}

func (w myWalk) query(n ast.Node, up *scope, p position) *rows {
	out := &rows{}
	w.queryInto(out, n, up.child(), p)
	w.last = out
	return out
}

func (w myWalk) queryInto(out *rows, n ast.Node, sc *scope, p position) {
	switch s := n.(type) {
	case *ast.SubqueryExpr:
		w.queryInto(out, s.Query, sc, p)
	case *ast.SetOprStmt:
		w.with(s.With, sc)
		w.setOps(out, s.SelectList.Selects, sc, p)
		w.order(s.OrderBy, sc, out)
	case *ast.SetOprSelectList:
		w.with(s.With, sc)
		w.setOps(out, s.Selects, sc, p)
		w.order(s.OrderBy, sc, out)
	case *ast.SelectStmt:
		w.with(s.With, sc)
		w.core(out, s, sc, p)
	}
}

func (w myWalk) setOps(out *rows, list []ast.Node, sc *scope, p position) {
	for _, n := range list {
		var op *ast.SetOprType
		switch x := n.(type) {
		case *ast.SelectStmt:
			op = x.AfterSetOperator
		case *ast.SetOprSelectList:
			op = x.AfterSetOperator
		}
		if op != nil && *op != ast.UnionAll {
			p = grouped
		}
	}
	for i, n := range list {
		arm := out
		if i > 0 {
			arm = &rows{}
		}
		w.queryInto(arm, n, sc.child(), p)
		if i == 0 {
			arm = &rows{items: out.items}
		}
		if len(list) > 1 {
			out.arms = append(out.arms, arm)
		}
	}
	if len(list) > 1 {
		w.sets = append(w.sets, out)
	}
	if len(list) > 1 && p != grouped {
		w.unions = append(w.unions, out)
	}
}

func (w myWalk) core(out *rows, s *ast.SelectStmt, sc *scope, p position) {
	if s.Kind == ast.SelectStmtKindValues {
		for i, r := range s.Lists {
			arm := &rows{}
			for _, e := range r.Values {
				arm.items = append(arm.items, w.item(e, sc, p))
			}
			if out.arms = append(out.arms, arm); i == 0 {
				out.items = arm.items
			}
		}
		return
	}
	if s.From != nil {
		w.table(s.From.TableRefs, sc)
	}
	if s.Distinct {
		p = grouped
	}
	w.items(out, s.Fields, sc, p)
	w.expr(s.Where, sc, predicate)
	if s.GroupBy != nil {
		for _, b := range s.GroupBy.Items {
			w.byName(b.Expr, sc, out, grouped)
		}
	}
	if s.Having != nil {
		w.having(s.Having.Expr, sc, out)
	}
	for i := range s.WindowSpecs {
		w.kids(&s.WindowSpecs[i], sc, ordered)
	}
	w.order(s.OrderBy, sc, out)
}

// having walks HAVING, where a name may also be an alias of the select list.
func (w myWalk) having(e ast.ExprNode, sc *scope, out *rows) {
	named := &scope{up: sc, sources: []*source{{rows: &rows{items: slicesOf(out.items)}}}}
	w.expr(e, named, predicate)
}

// slicesOf returns the items that have names.
func slicesOf(items []item) (out []item) {
	for _, it := range items {
		if it.name != "" {
			out = append(out, it)
		}
	}
	return out
}

func (w myWalk) order(o *ast.OrderByClause, sc *scope, out *rows) {
	if o == nil {
		return
	}
	for _, b := range o.Items {
		w.byName(b.Expr, sc, out, ordered)
	}
}

func (w myWalk) byName(e ast.ExprNode, sc *scope, out *rows, p position) {
	if x, ok := e.(*ast.PositionExpr); ok {
		if x.N >= 1 && x.N <= len(out.items) {
			w.again(out.items[x.N-1].ref, p)
		}
		return
	}
	if c, ok := e.(*ast.ColumnNameExpr); ok && c.Name.Table.O == "" && out.named(c.Name.Name.L) {
		w.again(out.output(c.Name.Name.L), p)
		return
	}
	w.expr(e, sc, p)
}

func (w myWalk) again(r *ref, p position) {
	if r != nil {
		w.use(r.scope, r.qual, r.name, p)
	}
}

func (w myWalk) items(out *rows, list *ast.FieldList, sc *scope, p position) {
	for _, f := range list.Fields {
		if f.WildCard != nil {
			out.items = append(out.items, item{star: w.star(sc, f.WildCard.Table.O, p)})
			continue
		}
		it := w.item(f.Expr, sc, p)
		if f.AsName.O != "" {
			it.name = f.AsName.L
		}
		out.items = append(out.items, it)
	}
}

func (w myWalk) item(e ast.ExprNode, sc *scope, p position) item {
	if x, ok := e.(*ast.ParenthesesExpr); ok {
		return w.item(x.Expr, sc, p)
	}
	if c, ok := e.(*ast.ColumnNameExpr); ok {
		return item{name: c.Name.Name.L, ref: w.column(c.Name, sc, p)}
	}
	w.expr(e, sc, p)
	null, val := myValue(e)
	return item{null: null, val: val, kept: myChoice(e)}
}

func (w myWalk) column(c *ast.ColumnName, sc *scope, p position) *ref {
	return w.use(sc, c.Table.O, c.Name.O, p)
}

// myValue recognises a parameter, a literal, NULL and DEFAULT.
func myValue(e ast.ExprNode) (null, value bool) {
	switch x := e.(type) {
	case *ast.ParamMarkerExprBase:
		return false, true
	case *ast.ValueExprBase:
		return x.GetValue() == nil, true
	case *ast.DefaultExpr:
		return false, x.Name == nil
	case *ast.ParenthesesExpr:
		return myValue(x.Expr)
	case *ast.FuncCastExpr:
		return myValue(x.Expr)
	case *ast.UnaryOperationExpr:
		_, ok := x.V.(*ast.ValueExprBase)
		return false, ok && (x.Op == opcode.Minus || x.Op == opcode.Plus)
	}
	return false, false
}

func (w myWalk) table(n ast.ResultSetNode, sc *scope) {
	switch x := n.(type) {
	case nil:
	case *ast.Join:
		start := len(sc.sources)
		w.table(x.Left, sc)
		left := len(sc.sources)
		w.table(x.Right, sc)
		if x.On != nil {
			w.expr(x.On.Expr, sc, predicate)
		}
		if x.NaturalJoin {
			w.usings = append(w.usings, &using{name: "", sources: sc.sources[start:len(sc.sources):len(sc.sources)]})
		}
		for _, c := range x.Using {
			w.usings = append(w.usings, &using{c.Name.L, sc.sources[start:len(sc.sources):len(sc.sources)], len(sc.sources) - left})
		}
	case *ast.TableSource:
		switch src := x.Source.(type) {
		case *ast.TableName:
			w.from(sc, src.Schema.O, src.Name.O, x.AsName.O, nil)
		case *ast.SelectStmt, *ast.SetOprStmt:
			up := sc.up
			if x.Lateral {
				up = sc
			}
			q := w.query(src, up, carried)
			sc.sources = append(sc.sources, &source{alias: x.AsName.L, rows: q, cols: lowers(x.ColumnNames)})
		case *ast.Join:
			w.table(src, sc)
		default:
			w.kids(src, sc, expression)
			sc.sources = append(sc.sources, &source{alias: x.AsName.L, rows: &rows{}, open: true})
		}
	}
}

func (w myWalk) target(refs *ast.TableRefsClause, sc *scope) *table {
	if s, ok := refs.TableRefs.Left.(*ast.TableSource); ok {
		if n, ok := s.Source.(*ast.TableName); ok {
			t := w.named(n)
			sc.sources = append(sc.sources, &source{alias: w.fold(n.Name.O), table: t, open: t == nil})
			return t
		}
	}
	return nil
}

func (w myWalk) insert(s *ast.InsertStmt, up *scope) *scope {
	sc := up.child()
	target := sc.child()
	t := w.target(s.Table, target)
	var cols []string
	for _, c := range s.Columns {
		cols = append(cols, c.Name.L)
	}
	for _, r := range s.Lists {
		w.row(t, cols, r, sc)
	}
	if s.Select != nil {
		w.feeds = append(w.feeds, feed{t, cols, w.query(s.Select, sc, moved)})
	}
	dup := target.child()
	if s.RowAlias != nil {
		dup.sources = []*source{{alias: s.RowAlias.L, table: t}}
		dup = &scope{up: dup, sources: target.sources}
	}
	for _, a := range s.OnDuplicate {
		w.assign(t, a, dup, s.RowAlias)
	}
	return target
}

func (w myWalk) row(t *table, cols []string, list []ast.ExprNode, sc *scope) {
	var pos []position
	for i, e := range list {
		pos = append(pos, w.value(e, sc, "", nil))
		if t != nil && i < len(cols) {
			t.add(cols[i], pos[i])
		}
	}
	if len(cols) == 0 {
		w.stores = append(w.stores, store{t, pos})
	}
}

func (w myWalk) value(e ast.ExprNode, sc *scope, col string, row *ast.CIStr) position {
	if _, ok := myValue(e); ok {
		return assigned
	}
	switch x := e.(type) {
	case *ast.ValuesExpr:
		if x.Column.Name.Name.L == col {
			return assigned
		}
	case *ast.ColumnNameExpr:
		if row != nil && x.Name.Table.L == row.L && x.Name.Name.L == col {
			return assigned
		}
		w.expr(e, sc, moved)
		return computed
	case *ast.SubqueryExpr:
		w.expr(e, sc, moved)
		return computed
	}
	if myChoice(e) {
		w.expr(e, sc, kept)
		return kept
	}
	w.expr(e, sc, expression)
	return computed
}

// myChoice reports CASE, COALESCE, IFNULL and IF.
func myChoice(e ast.Node) bool {
	switch x := e.(type) {
	case *ast.CaseExpr:
		return true
	case *ast.FuncCallExpr:
		switch x.FnName.L {
		case "coalesce", "ifnull", "nvl", "if":
			return true
		}
	}
	return false
}

// assign notes c = v; c names a column of t or, where t is nil, of any table of
// the scope.
func (w myWalk) assign(t *table, a *ast.Assignment, sc *scope, row *ast.CIStr) {
	p := w.value(a.Expr, sc, a.Column.Name.L, row)
	if t != nil {
		t.add(a.Column.Name.L, p)
		if c, ok := a.Expr.(*ast.ColumnNameExpr); ok {
			w.copies = append(w.copies, copied{t, a.Column.Name.L, &ref{scope: sc, qual: c.Name.Table.L, name: c.Name.Name.L}})
		}
		return
	}
	w.column(a.Column, sc, p)
}

func (w myWalk) update(s *ast.UpdateStmt, up *scope) *scope {
	sc := up.child()
	w.with(s.With, sc)
	w.table(s.TableRefs.TableRefs, sc)
	for _, a := range s.List {
		w.assign(nil, a, sc, nil)
	}
	w.expr(s.Where, sc, predicate)
	w.order(s.Order, sc, &rows{})
	return sc
}

func (w myWalk) delete(s *ast.DeleteStmt, up *scope) *scope {
	sc := up.child()
	w.with(s.With, sc)
	w.table(s.TableRefs.TableRefs, sc)
	w.expr(s.Where, sc, predicate)
	w.order(s.Order, sc, &rows{})
	return sc
}

func (w myWalk) expr(e ast.ExprNode, sc *scope, p position) {
	switch x := e.(type) {
	case nil:
	case *ast.ColumnNameExpr:
		w.column(x.Name, sc, p)
	case *ast.ParenthesesExpr:
		w.expr(x.Expr, sc, p)
	case *ast.IsNullExpr:
		if bareColumn(x.Expr) {
			p = tested
		} else {
			p = p.within()
		}
		w.expr(x.Expr, sc, p)
	case *ast.ExistsSubqueryExpr:
		w.expr(x.Sel, sc, tested)
	case *ast.SubqueryExpr:
		w.query(x.Query, sc, p)
	case *ast.PatternInExpr, *ast.CompareSubqueryExpr, *ast.BetweenExpr, *ast.PatternLikeOrIlikeExpr, *ast.PatternRegexpExpr, *ast.MatchAgainst:
		w.compared(true, mySides(e), sc, func() { w.kids(x, sc, predicate) })
	case *ast.BinaryOperationExpr:
		in, compares := p.within(), false
		switch x.Op {
		case opcode.LogicAnd, opcode.LogicOr, opcode.LogicXor:
			in = p.truth()
		case opcode.EQ, opcode.NE, opcode.LT, opcode.LE, opcode.GT, opcode.GE, opcode.NullEQ:
			in, compares = predicate, true
		}
		w.compared(compares, mySimple(x.L) && mySimple(x.R), sc, func() {
			w.expr(x.L, sc, in)
			w.expr(x.R, sc, in)
		})
	case *ast.UnaryOperationExpr:
		in := p.within()
		if x.Op == opcode.Not || x.Op == opcode.Not2 {
			in = p.truth()
		}
		w.expr(x.V, sc, in)
	case *ast.RowExpr:
		for _, a := range x.Values {
			w.expr(a, sc, p.truth())
		}
	case *ast.CaseExpr:
		w.together(sc, func() { w.caseExpr(x, sc, p) })
	case *ast.FuncCastExpr:
		w.expr(x.Expr, sc, chosen(p))
	case *ast.FuncCallExpr:
		w.together(sc, func() { w.arguments(x, sc, p) })
	case *ast.AggregateFuncExpr:
		in := p.within()
		if strings.EqualFold(x.F, "count") && !x.Distinct && len(x.Args) == 1 && bareColumn(x.Args[0]) {
			in = tested
		}
		for _, a := range x.Args {
			w.expr(a, sc, in)
		}
		w.order(x.Order, sc, &rows{})
	default:
		w.kids(x, sc, p.within())
	}
}

func (w myWalk) caseExpr(x *ast.CaseExpr, sc *scope, p position) {
	w.expr(x.Value, sc, predicate)
	for _, c := range x.WhenClauses {
		w.expr(c.Expr, sc, predicate)
		w.expr(c.Result, sc, chosen(p))
	}
	w.expr(x.ElseClause, sc, chosen(p))
}

func (w myWalk) arguments(x *ast.FuncCallExpr, sc *scope, p position) {
	for i, a := range x.Args {
		switch {
		case folding[x.FnName.L] && p&predicate != 0:
			w.expr(a, sc, p)
		case !myChoice(x):
			w.expr(a, sc, p.within())
		case i == 0 && x.FnName.L == "if":
			w.expr(a, sc, predicate)
		default:
			w.expr(a, sc, chosen(p))
		}
	}
}

// mySimple is pgSimple.
func mySimple(e ast.ExprNode) bool {
	all := func(list []ast.ExprNode) bool {
		return !slices.ContainsFunc(list, func(e ast.ExprNode) bool { return !mySimple(e) })
	}
	if _, ok := myValue(e); ok {
		return true
	}
	switch x := e.(type) {
	case *ast.ColumnNameExpr, *ast.SubqueryExpr, *ast.ValuesExpr:
		return true
	case *ast.ParenthesesExpr:
		return mySimple(x.Expr)
	case *ast.RowExpr:
		return all(x.Values)
	case *ast.FuncCallExpr:
		return folding[x.FnName.L] && all(x.Args)
	}
	return false
}

// mySides is mySimple of all sides of a comparison that is no operator.
func mySides(e ast.ExprNode) bool {
	switch x := e.(type) {
	case *ast.PatternInExpr:
		return mySimple(x.Expr) && !slices.ContainsFunc(x.List, func(e ast.ExprNode) bool { return !mySimple(e) })
	case *ast.CompareSubqueryExpr:
		return mySimple(x.L)
	case *ast.BetweenExpr:
		return mySimple(x.Expr) && mySimple(x.Left) && mySimple(x.Right)
	case *ast.PatternLikeOrIlikeExpr:
		return mySimple(x.Expr) && mySimple(x.Pattern)
	}
	return false
}

func bareColumn(e ast.ExprNode) bool {
	for {
		x, ok := e.(*ast.ParenthesesExpr)
		if !ok {
			break
		}
		e = x.Expr
	}
	_, ok := e.(*ast.ColumnNameExpr)
	return ok
}

// kids walks whatever has no rule of its own: the visitor enters the node
// itself, and hands every expression and query under it to the walk.
func (w myWalk) kids(n ast.Node, sc *scope, p position) {
	n.Accept(&visitor{w: w, root: n, scope: sc, pos: p})
}

type visitor struct {
	w     myWalk
	root  ast.Node
	scope *scope
	pos   position
}

func (v *visitor) Enter(n ast.Node) (ast.Node, bool) {
	if n == v.root {
		return n, false
	}
	switch x := n.(type) {
	case *ast.SelectStmt, *ast.SetOprStmt:
		v.w.query(x, v.scope, v.pos)
		return n, true
	case *ast.ColumnName:
		v.w.column(x, v.scope, v.pos)
		return n, true
	case ast.ExprNode:
		v.w.expr(x, v.scope, v.pos)
		return n, true
	}
	return n, false
}

func (v *visitor) Leave(n ast.Node) (ast.Node, bool) { return n, true }
