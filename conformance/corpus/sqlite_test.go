package corpus_test

import (
	"slices"
	"strconv"
	"strings"

	"github.com/sqlc-dev/meyer/ast"
	"github.com/sqlc-dev/meyer/parser"
)

// liteWalk reads the tree of SQLite's grammar.
type liteWalk struct{ *facts }

func sqliteSystem(_, name string) bool { return strings.HasPrefix(strings.ToLower(name), "sqlite_") }

// sqliteFacts walks every statement of a text.
func sqliteFacts(text string) ([]*facts, error) {
	list, err := parser.Options{UpdateDeleteLimit: true}.ParseString(text)
	if err != nil {
		return nil, err
	}
	var out []*facts
	for _, s := range list {
		w := liteWalk{&facts{fold: strings.ToLower, home: "main", system: sqliteSystem}}
		w.statement(s, &scope{})
		w.resolve()
		out = append(out, w.facts)
	}
	return out, nil
}

func (w liteWalk) statement(n ast.Stmt, sc *scope) {
	switch s := n.(type) {
	case *ast.SelectStmt:
		w.returns = w.query(s, sc, projected)
	case *ast.InsertStmt:
		w.insert(s, sc)
	case *ast.UpdateStmt:
		w.update(s, sc)
	case *ast.DeleteStmt:
		w.delete(s, sc)
	case *ast.ExplainStmt:
		w.statement(s.Stmt, sc)
	case *ast.CreateViewStmt:
		w.query(s.Select, sc, viewed)
	case *ast.CreateTableStmt:
		if s.Select != nil {
			w.query(s.Select, sc, moved)
			return
		}
		if t := w.named(s.Name); t != nil {
			for _, c := range s.Columns {
				t.add(w.fold(c.Name.Name), defined)
			}
		}
	case *ast.CreateIndexStmt:
		t := w.relation("", s.Table.Name)
		for _, c := range s.Columns {
			if id, ok := c.Expr.(*ast.Ident); ok && t != nil {
				t.add(w.fold(id.Name), defined)
			}
		}
	case *ast.AlterTableStmt:
		if t := w.named(s.Table); t != nil {
			for _, id := range []*ast.Ident{s.Column, defName(s.ColumnDef)} {
				if id != nil {
					t.add(w.fold(id.Name), defined)
				}
			}
		}
	}
}

func defName(c *ast.ColumnDef) *ast.Ident {
	if c == nil {
		return nil
	}
	return c.Name
}

func (w liteWalk) named(n *ast.QualifiedName) *table {
	schema := ""
	if n.Schema != nil {
		schema = n.Schema.Name
	}
	return w.relation(schema, n.Name.Name)
}

func (w liteWalk) with(c *ast.With, sc *scope) {
	if c == nil {
		return
	}
	for _, x := range c.CTEs {
		src := &source{rows: &rows{}}
		for _, a := range x.Columns {
			src.cols = append(src.cols, w.fold(a.Name))
		}
		sc.define(w.fold(x.Name.Name), src) // SQLite ignores RECURSIVE
		w.queryInto(src.rows, x.Select, sc.child(), carried)
	}
}

func (w liteWalk) query(s *ast.SelectStmt, up *scope, p position) *rows {
	out := &rows{}
	w.queryInto(out, s, up.child(), p)
	w.last = out
	return out
}

func (w liteWalk) queryInto(out *rows, s *ast.SelectStmt, sc *scope, p position) {
	w.with(s.With, sc)
	for _, op := range s.Ops {
		if op.Op != "UNION" || !op.All {
			p = grouped
		}
	}
	for i, c := range s.Cores {
		arm := out
		if i > 0 {
			arm = &rows{}
		}
		w.core(arm, c, sc.child(), p, out.arms)
		if i == 0 && len(s.Cores) > 1 {
			arm = &rows{items: out.items}
		}
		if len(s.Cores) > 1 {
			out.arms = append(out.arms, arm)
		}
	}
	if len(s.Cores) > 1 {
		w.sets = append(w.sets, out)
	}
	if len(s.Cores) > 1 && p != grouped {
		w.unions = append(w.unions, out)
	}
}

// core walks one SELECT; before are the arms in front of it, by whose names a
// compound may be sorted.
func (w liteWalk) core(out *rows, c ast.SelectCore, sc *scope, p position, before []*rows) {
	s, ok := c.(*ast.SelectQuery)
	if !ok {
		for i, r := range c.(*ast.ValuesClause).Rows {
			arm := &rows{}
			for k, e := range r {
				it := w.item(e, sc, p)
				it.name = "column" + strconv.Itoa(k+1)
				arm.items = append(arm.items, it)
			}
			if out.arms = append(out.arms, arm); i == 0 {
				out.items = arm.items
			}
		}
		return
	}
	for _, t := range s.From {
		w.table(t, sc)
	}
	if s.Distinct == ast.DistinctDistinct {
		p = grouped
	}
	w.items(out, s.Columns, sc, p)
	w.expr(s.Where, sc, predicate)
	for _, e := range s.GroupBy {
		w.byName(e, sc, out, grouped)
	}
	w.expr(s.Having, sc, predicate)
	for _, d := range s.Windows {
		w.kids(d, sc, ordered)
	}
	for _, o := range s.OrderBy {
		if !w.byArms(o.Expr, append(before, out)) {
			w.byName(o.Expr, sc, out, ordered)
		}
	}
	if s.Limit != nil {
		w.kids(s.Limit, sc, expression)
	}
}

// byArms handles a term of the ORDER BY of a compound: a name that any arm has
// means that column of every arm.
func (w liteWalk) byArms(e ast.Expr, arms []*rows) bool {
	if len(arms) < 2 {
		return false
	}
	for {
		c, ok := e.(*ast.CollateExpr)
		if !ok {
			break
		}
		e = c.X
	}
	path := litePath(e)
	if path == nil {
		return false
	}
	name := w.fold(path[len(path)-1].Name)
	for _, a := range arms {
		for i, it := range a.items {
			if it.name != name && (it.ref == nil || it.ref.name != name) {
				continue
			}
			for _, b := range arms {
				if i < len(b.items) && b.items[i].ref != nil {
					r := b.items[i].ref
					w.use(r.scope, r.qual, r.name, ordered)
				}
			}
			return true
		}
	}
	return true
}

func (w liteWalk) byName(e ast.Expr, sc *scope, out *rows, p position) {
	switch x := e.(type) {
	case *ast.Literal:
		if r := out.output(x.Value); x.Kind == ast.LitInteger && r != nil {
			w.use(r.scope, r.qual, r.name, p)
		}
		return
	case *ast.CollateExpr:
		w.byName(x.X, sc, out, p)
		return
	case *ast.Ident:
		if name := w.fold(x.Name); out.named(name) {
			if r := out.output(name); r != nil {
				w.use(r.scope, r.qual, r.name, p)
			}
			return
		}
	}
	w.expr(e, sc, p)
}

func (w liteWalk) items(out *rows, list []*ast.ResultColumn, sc *scope, p position) {
	for _, c := range list {
		it := w.item(c.Expr, sc, p)
		if c.Alias != nil {
			it.name = w.fold(c.Alias.Name)
		}
		out.items = append(out.items, it)
	}
}

func (w liteWalk) item(e ast.Expr, sc *scope, p position) item {
	switch x := e.(type) {
	case *ast.Star:
		qual := ""
		if x.Table != nil {
			qual = x.Table.Name
		}
		return item{star: w.star(sc, qual, p)}
	case *ast.ParenExpr:
		return w.item(x.X, sc, p)
	case *ast.Ident, *ast.QualifiedRef:
		path := litePath(e)
		r := w.column(path, sc, p)
		return item{name: w.fold(path[len(path)-1].Name), ref: r}
	}
	w.expr(e, sc, p)
	null, val := liteValue(e)
	return item{null: null, val: val, kept: liteChoice(e)}
}

// litePath returns the parts of a column name.
func litePath(e ast.Node) []*ast.Ident {
	switch x := e.(type) {
	case *ast.Ident:
		return []*ast.Ident{x}
	case *ast.QualifiedRef:
		return x.Parts
	case *ast.ParenExpr:
		return litePath(x.X)
	}
	return nil
}

// column notes a column; TRUE, FALSE and a quoted text where no table is are none.
func (w liteWalk) column(path []*ast.Ident, sc *scope, p position) *ref {
	if sc.empty() && path[len(path)-1].Quote == ast.QuoteDouble {
		return nil // a text in the wrong quotes
	}
	id := path[len(path)-1]
	if len(path) == 1 {
		low := strings.ToLower(id.Name)
		if id.Quote == ast.QuoteNone && (low == "true" || low == "false") || low == "rowid" || low == "_rowid_" || low == "oid" {
			return nil
		}
		return w.use(sc, "", id.Name, p)
	}
	return w.use(sc, path[len(path)-2].Name, id.Name, p)
}

// liteValue recognises a parameter, a literal and NULL.
func liteValue(e ast.Expr) (null, value bool) {
	switch x := e.(type) {
	case *ast.Literal:
		return x.Kind == ast.LitNull, x.Kind < ast.LitCurrentDate
	case *ast.BindParam:
		return false, true
	case *ast.ParenExpr:
		return liteValue(x.X)
	case *ast.CastExpr:
		return liteValue(x.X)
	case *ast.Ident:
		low := strings.ToLower(x.Name)
		return false, x.Quote == ast.QuoteNone && (low == "true" || low == "false")
	case *ast.UnaryExpr:
		l, ok := x.X.(*ast.Literal)
		return false, ok && (x.Op == ast.OpMinus || x.Op == ast.OpPlus) && (l.Kind == ast.LitInteger || l.Kind == ast.LitFloat)
	}
	return false, false
}

func (w liteWalk) table(t *ast.TableRef, sc *scope) {
	left := len(sc.sources)
	alias := ""
	if t.Alias != nil {
		alias = t.Alias.Name
	}
	switch {
	case t.HasArgs || t.Name != nil && strings.HasPrefix(strings.ToLower(t.Name.Name.Name), "pragma_"):
		for _, a := range t.Args {
			w.expr(a, sc, expression)
		}
		if alias == "" {
			alias = t.Name.Name.Name
		}
		sc.sources = append(sc.sources, &source{alias: w.fold(alias), rows: &rows{}, open: true})
	case t.Name != nil:
		schema := ""
		if t.Name.Schema != nil {
			schema = t.Name.Schema.Name
		}
		w.from(sc, schema, t.Name.Name.Name, alias, nil)
	case t.Select != nil:
		q := w.query(t.Select, sc.up, carried)
		sc.sources = append(sc.sources, &source{alias: w.fold(alias), rows: q})
	default:
		for _, x := range t.List {
			w.table(x, sc)
		}
	}
	w.expr(t.On, sc, predicate)
	if t.Join != nil && t.Join.Type&ast.JoinNatural != 0 {
		w.usings = append(w.usings, &using{name: "", sources: sc.sources[0:len(sc.sources):len(sc.sources)]})
	}
	for _, c := range t.Using {
		w.usings = append(w.usings, &using{w.fold(c.Name), sc.sources[0:len(sc.sources):len(sc.sources)], len(sc.sources) - left})
	}
}

func (w liteWalk) insert(s *ast.InsertStmt, up *scope) {
	sc := up.child()
	w.with(s.With, sc)
	t := w.named(s.Table)
	alias := s.Table.Name.Name
	if s.Alias != nil {
		alias = s.Alias.Name
	}
	target := &scope{up: sc, sources: []*source{{alias: w.fold(alias), table: t, open: t == nil}}}
	var cols []string
	for _, c := range s.Columns {
		cols = append(cols, w.fold(c.Name))
	}
	if s.Select != nil {
		v, values := s.Select.Cores[0].(*ast.ValuesClause)
		if values && len(s.Select.Cores) == 1 && s.Select.With == nil {
			for _, r := range v.Rows {
				w.row(t, cols, r, sc)
			}
		} else {
			w.feeds = append(w.feeds, feed{t, cols, w.query(s.Select, sc, moved)})
		}
	}
	for _, u := range s.Upserts {
		w.upsert(u, t, target)
	}
	w.returns = &rows{}
	w.items(w.returns, s.Returning, target, projected)
}

func (w liteWalk) row(t *table, cols []string, list []ast.Expr, sc *scope) {
	var pos []position
	for i, e := range list {
		pos = append(pos, w.value(e, sc, ""))
		if t != nil && i < len(cols) {
			t.add(cols[i], pos[i])
		}
	}
	if len(cols) == 0 {
		w.stores = append(w.stores, store{t, pos})
	}
}

func (w liteWalk) value(e ast.Expr, sc *scope, col string) position {
	if _, ok := liteValue(e); ok {
		return assigned
	}
	if len(sc.sources) == 0 {
		if id, ok := e.(*ast.Ident); ok && id.Quote == ast.QuoteDouble {
			return assigned // a text in the wrong quotes
		}
	}
	path := litePath(e)
	if len(path) == 2 && strings.EqualFold(path[0].Name, "excluded") && w.fold(path[1].Name) == col {
		return assigned
	}
	if liteChoice(e) {
		w.expr(e, sc, kept)
		return kept
	}
	if _, ok := e.(*ast.SubqueryExpr); ok || path != nil {
		w.expr(e, sc, moved)
	} else {
		w.expr(e, sc, expression)
	}
	return computed
}

// liteChoice reports CASE, COALESCE, IFNULL and IIF.
func liteChoice(e ast.Node) bool {
	switch x := e.(type) {
	case *ast.CaseExpr:
		return true
	case *ast.FuncCall:
		switch strings.ToLower(x.Name.Name) {
		case "coalesce", "ifnull", "iif", "if":
			return true
		}
	}
	return false
}

func (w liteWalk) caseExpr(x *ast.CaseExpr, sc *scope, p position) {
	w.expr(x.Operand, sc, predicate)
	for _, c := range x.Whens {
		w.expr(c.When, sc, predicate)
		w.expr(c.Then, sc, chosen(p))
	}
	w.expr(x.Else, sc, chosen(p))
}

func (w liteWalk) upsert(u *ast.Upsert, t *table, target *scope) {
	sc := target.child()
	sc.sources = []*source{{alias: "excluded", table: t, open: t == nil}}
	for _, o := range u.Target {
		if id, ok := o.Expr.(*ast.Ident); ok && t != nil {
			t.add(w.fold(id.Name), keyed)
		} else {
			w.expr(o.Expr, target, keyed)
		}
	}
	w.expr(u.TargetWhere, target, predicate)
	// A bare name in DO UPDATE is the target's, not the proposed row's.
	inner := &scope{up: sc, sources: target.sources}
	w.assignments(u.Set, t, inner)
	w.expr(u.Where, inner, predicate)
}

func (w liteWalk) assignments(list []*ast.SetPair, t *table, sc *scope) {
	for _, a := range list {
		if v, ok := a.Value.(*ast.VectorExpr); ok && len(v.List) == len(a.Columns) {
			for i, c := range a.Columns {
				w.assign(t, c, v.List[i], sc)
			}
			continue
		}
		if len(a.Columns) == 1 {
			w.assign(t, a.Columns[0], a.Value, sc)
			continue
		}
		if q, ok := a.Value.(*ast.SubqueryExpr); ok && t != nil {
			var cols []string
			for _, c := range a.Columns {
				cols = append(cols, w.fold(c.Name))
			}
			w.feeds = append(w.feeds, feed{t, cols, w.query(q.Select, sc, moved)})
			continue
		}
		w.expr(a.Value, sc, moved)
		for _, c := range a.Columns {
			if t != nil {
				t.add(w.fold(c.Name), computed)
			}
		}
	}
}

func (w liteWalk) assign(t *table, c *ast.Ident, v ast.Expr, sc *scope) {
	p := w.value(v, sc, w.fold(c.Name))
	if t == nil {
		return
	}
	t.add(w.fold(c.Name), p)
	if path := litePath(v); path != nil {
		r := &ref{scope: sc, name: w.fold(path[len(path)-1].Name)}
		if len(path) > 1 {
			r.qual = w.fold(path[len(path)-2].Name)
		}
		w.copies = append(w.copies, copied{t, w.fold(c.Name), r})
	}
}

func (w liteWalk) update(s *ast.UpdateStmt, up *scope) {
	sc := up.child()
	w.with(s.With, sc)
	t := w.target(s.Table, s.Alias, sc)
	for _, x := range s.From {
		w.table(x, sc)
	}
	w.assignments(s.Set, t, sc)
	w.expr(s.Where, sc, predicate)
	for _, o := range s.OrderBy {
		w.expr(o.Expr, sc, ordered)
	}
	w.returns = &rows{}
	w.items(w.returns, s.Returning, sc, projected)
}

func (w liteWalk) target(n *ast.QualifiedName, alias *ast.Ident, sc *scope) *table {
	t := w.named(n)
	name := n.Name.Name
	if alias != nil {
		name = alias.Name
	}
	sc.sources = append(sc.sources, &source{alias: w.fold(name), table: t, open: t == nil})
	return t
}

func (w liteWalk) delete(s *ast.DeleteStmt, up *scope) {
	sc := up.child()
	w.with(s.With, sc)
	w.target(s.Table, s.Alias, sc)
	w.expr(s.Where, sc, predicate)
	for _, o := range s.OrderBy {
		w.expr(o.Expr, sc, ordered)
	}
	w.returns = &rows{}
	w.items(w.returns, s.Returning, sc, projected)
}

func (w liteWalk) expr(e ast.Expr, sc *scope, p position) {
	switch x := e.(type) {
	case nil:
	case *ast.Ident, *ast.QualifiedRef:
		w.column(litePath(e), sc, p)
	case *ast.ParenExpr:
		w.expr(x.X, sc, p)
	case *ast.NullCheckExpr:
		w.nullTest(x.X, sc, p)
	case *ast.IsExpr:
		if null, _ := liteValue(x.Y); null {
			w.nullTest(x.X, sc, p)
			return
		}
		w.kids(x, sc, predicate)
	case *ast.LikeExpr:
		w.compared(true, liteSimple(x.X) && liteSimple(x.Y) && strings.EqualFold(x.Op.Name, "like"), sc, func() {
			w.expr(x.X, sc, predicate)
			w.expr(x.Y, sc, predicate)
			w.expr(x.Escape, sc, predicate)
		})
	case *ast.BetweenExpr:
		w.compared(true, liteSides(x), sc, func() { w.kids(x, sc, predicate) })
	case *ast.UnaryExpr:
		if x.Op == ast.OpNot {
			w.expr(x.X, sc, p.truth())
		} else {
			w.expr(x.X, sc, p.within())
		}
	case *ast.InExpr:
		w.compared(true, liteSides(x), sc, func() { w.in(x, sc) })
	case *ast.BinaryExpr:
		if x.Op >= ast.OpEq && x.Op <= ast.OpGe {
			w.compared(true, liteSimple(x.X) && liteSimple(x.Y), sc, func() { w.kids(x, sc, predicate) })
		} else if x.Op == ast.OpAnd || x.Op == ast.OpOr {
			w.kids(x, sc, p.truth())
		} else {
			w.kids(x, sc, p.within())
		}
	case *ast.CaseExpr:
		w.together(sc, func() { w.caseExpr(x, sc, p) })
	case *ast.CastExpr:
		w.expr(x.X, sc, chosen(p))
	case *ast.CollateExpr:
		w.expr(x.X, sc, p.within())
	case *ast.FuncCall:
		w.together(sc, func() { w.call(x, sc, p) })
	case *ast.ExistsExpr:
		w.query(x.Select, sc, tested)
	case *ast.SubqueryExpr:
		w.query(x.Select, sc, p)
	default:
		w.kids(x, sc, p.within())
	}
}

// liteSimple is pgSimple.
func liteSimple(e ast.Expr) bool {
	if _, ok := liteValue(e); ok || litePath(e) != nil {
		return true
	}
	switch x := e.(type) {
	case *ast.SubqueryExpr:
		return true
	case *ast.ParenExpr:
		return liteSimple(x.X)
	case *ast.BinaryExpr:
		return x.Op == ast.OpConcat && liteSimple(x.X) && liteSimple(x.Y)
	case *ast.FuncCall:
		return folding[strings.ToLower(x.Name.Name)] && !slices.ContainsFunc(x.Args, func(e ast.Expr) bool { return !liteSimple(e) })
	}
	return false
}

// liteSides is liteSimple of all sides of a comparison that is no operator.
func liteSides(e ast.Expr) bool {
	switch x := e.(type) {
	case *ast.InExpr:
		return liteSimple(x.X) && !slices.ContainsFunc(append(slices.Clone(x.List), x.Args...), func(e ast.Expr) bool { return !liteSimple(e) })
	case *ast.BetweenExpr:
		return liteSimple(x.X) && liteSimple(x.Lo) && liteSimple(x.Hi)
	}
	return false
}

func (w liteWalk) nullTest(x ast.Expr, sc *scope, p position) {
	if litePath(x) != nil {
		p = tested
	} else {
		p = p.within()
	}
	w.expr(x, sc, p)
}

func (w liteWalk) in(x *ast.InExpr, sc *scope) {
	w.expr(x.X, sc, predicate)
	for _, e := range append(x.List, x.Args...) {
		w.expr(e, sc, predicate)
	}
	if x.Select != nil {
		w.query(x.Select, sc, predicate)
	}
	if x.Table != nil && !x.HasArgs {
		inner := &scope{up: sc}
		w.from(inner, "", x.Table.Name.Name, "", nil)
		w.star(inner, "", predicate)
	}
}

func (w liteWalk) call(x *ast.FuncCall, sc *scope, p position) {
	in := p.within()
	if strings.EqualFold(x.Name.Name, "count") && !x.Distinct && len(x.Args) == 1 && litePath(x.Args[0]) != nil {
		in = tested
	}
	for i, a := range x.Args {
		switch {
		case folding[strings.ToLower(x.Name.Name)] && p&predicate != 0:
			w.expr(a, sc, p)
		case !liteChoice(x):
			w.expr(a, sc, in)
		case i == 0 && !strings.EqualFold(x.Name.Name, "coalesce") && !strings.EqualFold(x.Name.Name, "ifnull"):
			w.expr(a, sc, predicate)
		default:
			w.expr(a, sc, chosen(p))
		}
	}
	for _, o := range x.OrderBy {
		w.expr(o.Expr, sc, ordered)
	}
	w.expr(x.Filter, sc, predicate)
	if x.Over != nil {
		w.kids(x.Over, sc, ordered)
	}
}

// kids walks whatever has no rule of its own.
func (w liteWalk) kids(n ast.Node, sc *scope, p position) {
	for _, k := range n.Children() {
		switch x := k.(type) {
		case *ast.SelectStmt:
			w.query(x, sc, p)
		case *ast.TypeName, *ast.QualifiedName:
		case *ast.Ident:
			if _, window := n.(*ast.WindowDef); !window {
				w.expr(x, sc, p)
			}
		case ast.Expr:
			w.expr(x, sc, p)
		default:
			w.kids(x, sc, p)
		}
	}
}
