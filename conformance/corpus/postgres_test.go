package corpus_test

import (
	"slices"
	"strconv"
	"strings"

	"github.com/sqlc-dev/oliphant/ast"
	"github.com/sqlc-dev/oliphant/parser"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// pgWalk reads the tree of PostgreSQL's grammar.
type pgWalk struct{ *facts }

func postgresSystem(schema, name string) bool {
	return schema == "pg_catalog" || schema == "information_schema" || schema == "" && strings.HasPrefix(name, "pg_")
}

// postgresFacts walks every statement of a text.
func postgresFacts(text string) ([]*facts, error) {
	tree, err := parser.ParseToTree(text)
	if err != nil {
		return nil, err
	}
	var out []*facts
	for _, s := range tree.Stmts {
		w := pgWalk{&facts{fold: func(s string) string { return s }, home: "public", system: postgresSystem}}
		w.statement(s.Stmt, &scope{})
		w.resolve()
		out = append(out, w.facts)
	}
	return out, nil
}

func (w pgWalk) statement(n *ast.Node, sc *scope) *rows {
	switch {
	case n.GetSelectStmt() != nil:
		s := n.GetSelectStmt()
		p := projected
		for l := s; l != nil; l = l.Larg {
			if l.IntoClause != nil {
				p = moved
			}
		}
		w.returns = w.query(s, sc, p)
	case n.GetInsertStmt() != nil:
		w.returns = w.insert(n.GetInsertStmt(), sc, projected)
	case n.GetUpdateStmt() != nil:
		w.returns = w.update(n.GetUpdateStmt(), sc, projected)
	case n.GetDeleteStmt() != nil:
		w.returns = w.delete(n.GetDeleteStmt(), sc, projected)
	case n.GetMergeStmt() != nil:
		w.merge(n.GetMergeStmt(), sc)
	case n.GetExplainStmt() != nil:
		w.statement(n.GetExplainStmt().Query, sc)
	case n.GetDeclareCursorStmt() != nil:
		w.statement(n.GetDeclareCursorStmt().Query, sc)
	case n.GetPrepareStmt() != nil:
		w.statement(n.GetPrepareStmt().Query, sc)
	case n.GetViewStmt() != nil:
		w.query(n.GetViewStmt().Query.GetSelectStmt(), sc, viewed)
	case n.GetCreateTableAsStmt() != nil:
		if s := n.GetCreateTableAsStmt().Query.GetSelectStmt(); s != nil {
			w.query(s, sc, moved)
		}
	case n.GetCopyStmt() != nil:
		c := n.GetCopyStmt()
		if c.Query != nil {
			w.statement(c.Query, sc)
		}
		w.define(c.Relation, c.Attlist)
	case n.GetCreateStmt() != nil:
		c := n.GetCreateStmt()
		w.define(c.Relation, c.TableElts)
	case n.GetAlterTableStmt() != nil:
		w.define(n.GetAlterTableStmt().Relation, n.GetAlterTableStmt().Cmds)
	case n.GetIndexStmt() != nil:
		w.define(n.GetIndexStmt().Relation, n.GetIndexStmt().IndexParams)
	case n.GetRenameStmt() != nil:
		r := n.GetRenameStmt()
		if t := w.define(r.Relation, nil); t != nil && r.RenameType == ast.ObjectType_OBJECT_COLUMN {
			t.add(r.Subname, defined)
		}
	}
	return w.returns
}

// define notes the columns that DDL names.
func (w pgWalk) define(rel *ast.RangeVar, list []*ast.Node) *table {
	if rel == nil {
		return nil
	}
	t := w.relation(rel.Schemaname, rel.Relname)
	if t == nil {
		return nil
	}
	for _, n := range list {
		for _, name := range []string{n.GetColumnDef().GetColname(), n.GetString_().GetSval(), n.GetIndexElem().GetName(), n.GetAlterTableCmd().GetDef().GetColumnDef().GetColname(), columnOf(n.GetAlterTableCmd())} {
			if name != "" {
				t.add(name, defined)
			}
		}
	}
	return t
}

func columnOf(c *ast.AlterTableCmd) string {
	switch c.GetSubtype() {
	case ast.AlterTableType_AT_DropColumn, ast.AlterTableType_AT_AlterColumnType, ast.AlterTableType_AT_ColumnDefault, ast.AlterTableType_AT_SetNotNull, ast.AlterTableType_AT_DropNotNull:
		return c.GetName()
	}
	return ""
}

func (w pgWalk) with(c *ast.WithClause, sc *scope) {
	for _, n := range c.GetCtes() {
		x := n.GetCommonTableExpr()
		src := &source{rows: &rows{}}
		for _, a := range x.Aliascolnames {
			src.cols = append(src.cols, a.GetString_().GetSval())
		}
		if c.Recursive {
			sc.define(x.Ctename, src)
		}
		inner := sc.child()
		q := x.Ctequery
		switch {
		case q.GetSelectStmt() != nil:
			w.queryInto(src.rows, q.GetSelectStmt(), inner, carried)
		case q.GetInsertStmt() != nil:
			src.rows = w.insert(q.GetInsertStmt(), inner, carried)
		case q.GetUpdateStmt() != nil:
			src.rows = w.update(q.GetUpdateStmt(), inner, carried)
		case q.GetDeleteStmt() != nil:
			src.rows = w.delete(q.GetDeleteStmt(), inner, carried)
		}
		sc.define(x.Ctename, src)
	}
}

func (w pgWalk) query(s *ast.SelectStmt, up *scope, p position) *rows {
	out := &rows{}
	w.queryInto(out, s, up.child(), p)
	w.last = out
	return out
}

// queryInto walks a query whose items have position p; out is filled early, for
// the sake of recursive CTEs.
func (w pgWalk) queryInto(out *rows, s *ast.SelectStmt, sc *scope, p position) {
	if s == nil {
		return
	}
	w.with(s.WithClause, sc)
	switch {
	case s.Op > ast.SetOperation_SETOP_NONE:
		if s.Op != ast.SetOperation_SETOP_UNION || !s.All {
			p = grouped
		}
		w.queryInto(out, s.Larg, sc.child(), p)
		first := *out
		first.arms = nil
		arms := append([]*rows{&first}, out.arms...)
		right := w.query(s.Rarg, sc, p)
		w.sets = append(w.sets, out)
		if out.arms = append(arms, right); p != grouped {
			w.unions = append(w.unions, out)
		}
		w.sort(s, out, &scope{up: sc})
	case len(s.ValuesLists) > 0:
		for i, r := range s.ValuesLists {
			arm := &rows{}
			for _, e := range r.GetList().GetItems() {
				arm.items = append(arm.items, w.item(e, "", sc, p))
			}
			if out.arms = append(out.arms, arm); i == 0 {
				for k := range arm.items {
					arm.items[k].name = "column" + string(rune('1'+k%9))
				}
				out.items = arm.items
			}
		}
	default:
		w.core(out, s, sc, p)
	}
}

func (w pgWalk) core(out *rows, s *ast.SelectStmt, sc *scope, p position) {
	for _, n := range s.FromClause {
		w.table(n, sc)
	}
	if len(s.DistinctClause) == 1 && s.DistinctClause[0].GetNode() == nil {
		p = grouped
	}
	w.items(out, s.TargetList, sc, p)
	for _, n := range s.DistinctClause {
		if n.GetNode() != nil {
			w.byName(n, sc, out, grouped)
		}
	}
	w.expr(s.WhereClause, sc, predicate)
	for _, n := range s.GroupClause {
		w.byName(n, sc, out, grouped)
	}
	w.expr(s.HavingClause, sc, predicate)
	for _, n := range s.WindowClause {
		w.generic(n.ProtoReflect(), sc, ordered)
	}
	w.sort(s, out, sc)
	w.expr(s.LimitCount, sc, expression)
	w.expr(s.LimitOffset, sc, expression)
}

func (w pgWalk) sort(s *ast.SelectStmt, out *rows, sc *scope) {
	for _, n := range s.SortClause {
		w.byName(n.GetSortBy().GetNode(), sc, out, ordered)
	}
}

// byName walks an expression of ORDER BY or GROUP BY, which may mean an item of
// the select list.
func (w pgWalk) byName(n *ast.Node, sc *scope, out *rows, p position) {
	if c := n.GetAConst(); c != nil {
		if v, ok := c.Val.(*ast.A_Const_Ival); ok && v.Ival.Ival > 0 && int(v.Ival.Ival) <= len(out.items) {
			w.again(out.items[v.Ival.Ival-1].ref, p)
		}
		return
	}
	if path, star := columnPath(n); len(path) == 1 && !star && out.named(path[0]) {
		w.again(out.output(path[0]), p)
		return
	}
	w.expr(n, sc, p)
}

// again notes a second use of what an item refers to.
func (w pgWalk) again(r *ref, p position) {
	if r != nil {
		w.use(r.scope, r.qual, r.name, p)
	}
}

func (w pgWalk) items(out *rows, list []*ast.Node, sc *scope, p position) {
	for _, n := range list {
		t := n.GetResTarget()
		out.items = append(out.items, w.item(t.GetVal(), t.GetName(), sc, p))
	}
}

func (w pgWalk) item(n *ast.Node, alias string, sc *scope, p position) item {
	path, star := columnPath(n)
	switch {
	case star:
		qual := ""
		if len(path) > 0 {
			qual = path[len(path)-1]
		}
		return item{star: w.star(sc, qual, p)}
	case len(path) > 0:
		r := w.column(path, sc, p)
		name := path[len(path)-1]
		if alias != "" {
			name = alias
		}
		if r == nil {
			return item{name: name}
		}
		return item{name: name, ref: r}
	}
	w.expr(n, sc, p)
	null, val := pgValue(n)
	return item{name: alias, null: null, val: val, kept: n.GetCaseExpr() != nil || n.GetCoalesceExpr() != nil}
}

// column notes a column, or a whole row where the name is that of a source.
func (w pgWalk) column(path []string, sc *scope, p position) *ref {
	name, qual := path[len(path)-1], ""
	if len(path) > 1 {
		qual = path[len(path)-2]
	} else {
		for s := sc; s != nil; s = s.up {
			for _, src := range s.sources {
				if src.alias == name && !src.open && !slices.Contains(src.cols, name) && (src.rows == nil || !src.rows.named(name)) {
					w.wholes = append(w.wholes, src)
					return nil
				}
			}
		}
	}
	return w.use(sc, qual, name, p)
}

// columnPath returns the parts of a column name.
func columnPath(n *ast.Node) (path []string, star bool) {
	for _, f := range n.GetColumnRef().GetFields() {
		if f.GetAStar() != nil {
			return path, true
		}
		path = append(path, f.GetString_().GetSval())
	}
	return path, false
}

// pgSimple reports a side of a comparison that is a column, a value, a list of
// these, a query, a pattern put together of values, or one of these without case.
func pgSimple(n *ast.Node) bool {
	all := func(list []*ast.Node) bool {
		return !slices.ContainsFunc(list, func(e *ast.Node) bool { return !pgSimple(e) })
	}
	if _, ok := pgValue(n); ok {
		return true
	}
	switch {
	case n.GetColumnRef() != nil, n.GetSubLink() != nil:
		return true
	case n.GetList() != nil:
		return all(n.GetList().Items)
	case n.GetRowExpr() != nil:
		return all(n.GetRowExpr().Args)
	case n.GetAArrayExpr() != nil:
		return all(n.GetAArrayExpr().Elements)
	case n.GetTypeCast() != nil:
		return pgSimple(n.GetTypeCast().Arg)
	case n.GetAExpr() != nil:
		x := n.GetAExpr()
		return len(x.Name) == 1 && x.Name[0].GetString_().GetSval() == "||" && pgSimple(x.Lexpr) && pgSimple(x.Rexpr)
	case n.GetFuncCall() != nil:
		f := n.GetFuncCall()
		return folding[f.Funcname[len(f.Funcname)-1].GetString_().GetSval()] && all(f.Args)
	}
	return false
}

// folding are the functions under which a comparison asks an index.
var folding = map[string]bool{"lower": true, "upper": true, "concat": true}

// pgValue recognises what may be assigned: a parameter, a literal, NULL,
// DEFAULT, under casts.
func pgValue(n *ast.Node) (null, value bool) {
	switch {
	case n.GetAConst() != nil:
		return n.GetAConst().Isnull, true
	case n.GetParamRef() != nil, n.GetSetToDefault() != nil:
		return false, true
	case n.GetTypeCast() != nil:
		return pgValue(n.GetTypeCast().Arg)
	case n.GetAExpr() != nil && n.GetAExpr().Lexpr == nil && n.GetAExpr().Rexpr.GetAConst() != nil:
		return false, true // -1
	}
	return false, false
}

func (w pgWalk) table(n *ast.Node, sc *scope) {
	switch {
	case n.GetRangeVar() != nil:
		w.rangeVar(n.GetRangeVar(), sc)
	case n.GetRangeSubselect() != nil:
		x := n.GetRangeSubselect()
		up := &scope{up: sc.up, ctes: sc.ctes}
		if x.Lateral {
			up = sc
		}
		q := w.query(x.Subquery.GetSelectStmt(), up, carried)
		sc.sources = append(sc.sources, &source{alias: x.Alias.GetAliasname(), rows: q, cols: texts(x.Alias.GetColnames())})
	case n.GetJoinExpr() != nil:
		x := n.GetJoinExpr()
		start := len(sc.sources)
		w.table(x.Larg, sc)
		left := len(sc.sources)
		w.table(x.Rarg, sc)
		w.expr(x.Quals, sc, predicate)
		if x.IsNatural {
			w.usings = append(w.usings, &using{name: "", sources: sc.sources[start:len(sc.sources):len(sc.sources)]})
		}
		for _, c := range texts(x.UsingClause) {
			w.usings = append(w.usings, &using{c, sc.sources[start:len(sc.sources):len(sc.sources)], len(sc.sources) - left})
		}
	case n.GetRangeFunction() != nil:
		x := n.GetRangeFunction()
		for _, f := range x.Functions {
			w.generic(f.ProtoReflect(), sc, expression)
		}
		alias := x.Alias.GetAliasname()
		if alias == "" && len(x.Functions) > 0 && len(x.Functions[0].GetList().GetItems()) > 0 {
			name := x.Functions[0].GetList().Items[0].GetFuncCall().GetFuncname()
			if len(name) > 0 {
				alias = name[len(name)-1].GetString_().GetSval()
			}
		}
		sc.sources = append(sc.sources, &source{alias: alias, rows: &rows{}, cols: append(texts(x.Alias.GetColnames()), alias), open: true})
	case n.GetRangeTableSample() != nil:
		w.table(n.GetRangeTableSample().Relation, sc)
	default:
		alias := n.GetRangeTableFunc().GetAlias().GetAliasname() + n.GetJsonTable().GetAlias().GetAliasname()
		w.generic(n.ProtoReflect(), sc, expression)
		sc.sources = append(sc.sources, &source{alias: alias, rows: &rows{}, open: true})
	}
}

func texts(list []*ast.Node) []string {
	var out []string
	for _, n := range list {
		out = append(out, n.GetString_().GetSval())
	}
	return out
}

func (w pgWalk) rangeVar(v *ast.RangeVar, sc *scope) *table {
	return w.from(sc, v.Schemaname, v.Relname, v.Alias.GetAliasname(), texts(v.Alias.GetColnames())).table
}

func (w pgWalk) insert(s *ast.InsertStmt, up *scope, p position) *rows {
	sc := up.child()
	w.with(s.WithClause, sc)
	target := &scope{up: sc}
	t := w.relation(s.Relation.Schemaname, s.Relation.Relname)
	alias := s.Relation.Relname
	if a := s.Relation.Alias.GetAliasname(); a != "" {
		alias = a
	}
	target.sources = []*source{{alias: alias, table: t, open: t == nil}}
	var cols []string
	for _, n := range s.Cols {
		cols = append(cols, n.GetResTarget().GetName())
		if t != nil && len(n.GetResTarget().GetIndirection()) > 0 {
			t.add(n.GetResTarget().GetName(), computed) // a part of the column
		}
	}
	q := s.SelectStmt.GetSelectStmt()
	switch {
	case q == nil:
	case len(q.ValuesLists) > 0:
		for _, r := range q.ValuesLists {
			w.row(t, cols, r.GetList().GetItems(), sc)
		}
	default:
		w.feeds = append(w.feeds, feed{t, cols, w.query(q, sc, moved)})
	}
	if c := s.OnConflictClause; c != nil {
		w.conflict(c, t, target)
	}
	return w.returning(s.ReturningClause, target, p)
}

func (w pgWalk) row(t *table, cols []string, list []*ast.Node, sc *scope) {
	var pos []position
	for i, e := range list {
		col := ""
		if i < len(cols) {
			col = cols[i]
		}
		pos = append(pos, w.value(e, sc, col))
		if t != nil && col != "" {
			t.add(col, pos[i])
			t.cast(col, castType(e))
			w.copied(t, col, e, sc)
		}
	}
	if len(cols) == 0 {
		w.stores = append(w.stores, store{t, pos})
	}
}

// copied notes that a bare column is assigned.
func (w pgWalk) copied(t *table, col string, n *ast.Node, sc *scope) {
	path, star := columnPath(n)
	if len(path) == 0 || star {
		return
	}
	qual := ""
	if len(path) > 1 {
		qual = path[len(path)-2]
	}
	w.copies = append(w.copies, copied{t, col, &ref{scope: sc, qual: qual, name: path[len(path)-1]}})
}

// castType is the type of a cast as the configuration would spell it, or "".
func castType(n *ast.Node) string {
	c := n.GetTypeCast()
	if c == nil {
		return ""
	}
	names := c.TypeName.GetNames()
	if len(names) == 0 {
		return ""
	}
	name := names[len(names)-1].GetString_().GetSval()
	if len(c.TypeName.ArrayBounds) > 0 {
		// The driver applies no cast to an array that cuts its elements.
		if mods := c.TypeName.GetTypmods(); len(mods) == 1 {
			name += "(" + strconv.Itoa(int(mods[0].GetAConst().GetIval().GetIval())) + ")"
		}
		name += "[]"
	}
	return name
}

// value walks what is assigned, and says what that makes of the column col.
func (w pgWalk) value(n *ast.Node, sc *scope, col string) position {
	if _, ok := pgValue(n); ok {
		return assigned
	}
	if path, _ := columnPath(n); len(path) == 2 && path[0] == "excluded" && path[1] == col {
		return assigned
	}
	switch {
	case n.GetCaseExpr() != nil, n.GetCoalesceExpr() != nil:
		w.expr(n, sc, kept)
		return kept
	case n.GetColumnRef() != nil:
		w.expr(n, sc, moved)
	case n.GetSubLink() != nil:
		w.expr(n, sc, moved)
	default:
		w.expr(n, sc, expression)
	}
	return computed
}

func (w pgWalk) conflict(c *ast.OnConflictClause, t *table, target *scope) {
	sc := target.child()
	sc.sources = []*source{{alias: "excluded", table: t, open: t == nil}}
	if c.Infer != nil {
		for _, n := range c.Infer.IndexElems {
			if x := n.GetIndexElem(); x.Name != "" && t != nil {
				t.add(x.Name, keyed)
			} else {
				w.expr(x.Expr, target, keyed)
			}
		}
		w.expr(c.Infer.WhereClause, target, predicate)
	}
	w.assignments(c.TargetList, t, sc)
	w.expr(c.WhereClause, sc, predicate)
}

func (w pgWalk) assignments(list []*ast.Node, t *table, sc *scope) {
	for i, n := range list {
		x := n.GetResTarget()
		p := computed
		if m := x.Val.GetMultiAssignRef(); m.GetSource().GetSubLink() != nil && t != nil {
			if m.Colno == 1 {
				var cols []string
				for _, k := range list[i:min(i+int(m.Ncolumns), len(list))] {
					cols = append(cols, k.GetResTarget().Name)
				}
				w.feeds = append(w.feeds, feed{t, cols, w.query(m.Source.GetSubLink().Subselect.GetSelectStmt(), sc, moved)})
			}
			continue
		} else if m == nil {
			p = w.value(x.Val, sc, x.Name)
		} else if r := m.Source.GetRowExpr(); r != nil && int(m.Colno) <= len(r.Args) {
			p = w.value(r.Args[m.Colno-1], sc, x.Name)
		} else if m.Colno == 1 {
			w.expr(m.Source, sc, moved)
		}
		if len(x.Indirection) > 0 {
			p = computed // a part of the column
		}
		if t != nil {
			t.add(x.Name, p)
			t.cast(x.Name, castType(x.Val))
			if len(x.Indirection) == 0 {
				w.copied(t, x.Name, x.Val, sc)
			}
		}
	}
}

func (w pgWalk) returning(c *ast.ReturningClause, sc *scope, p position) *rows {
	out := &rows{}
	if len(sc.sources) > 0 { // PostgreSQL 18: the row before and after
		t := sc.sources[0].table
		sc = &scope{up: sc.up, ctes: sc.ctes, sources: append(slices.Clone(sc.sources), &source{alias: "old", table: t, cols: []string{}}, &source{alias: "new", table: t, cols: []string{}})}
	}
	w.items(out, c.GetExprs(), sc, p)
	return out
}

func (w pgWalk) update(s *ast.UpdateStmt, up *scope, p position) *rows {
	sc := up.child()
	w.with(s.WithClause, sc)
	t := w.target(s.Relation, sc)
	for _, n := range s.FromClause {
		w.table(n, sc)
	}
	w.assignments(s.TargetList, t, sc)
	w.expr(s.WhereClause, sc, predicate)
	return w.returning(s.ReturningClause, sc, p)
}

// target is a relation that is written: never a CTE.
func (w pgWalk) target(v *ast.RangeVar, sc *scope) *table {
	alias := v.Relname
	if a := v.Alias.GetAliasname(); a != "" {
		alias = a
	}
	t := w.relation(v.Schemaname, v.Relname)
	sc.sources = append(sc.sources, &source{alias: alias, table: t, open: t == nil})
	return t
}

func (w pgWalk) delete(s *ast.DeleteStmt, up *scope, p position) *rows {
	sc := up.child()
	w.with(s.WithClause, sc)
	w.target(s.Relation, sc)
	for _, n := range s.UsingClause {
		w.table(n, sc)
	}
	w.expr(s.WhereClause, sc, predicate)
	return w.returning(s.ReturningClause, sc, p)
}

func (w pgWalk) merge(s *ast.MergeStmt, up *scope) {
	sc := up.child()
	w.with(s.WithClause, sc)
	t := w.target(s.Relation, sc)
	w.table(s.SourceRelation, sc)
	w.expr(s.JoinCondition, sc, predicate)
	for _, n := range s.MergeWhenClauses {
		c := n.GetMergeWhenClause()
		w.expr(c.Condition, sc, predicate)
		if c.CommandType == ast.CmdType_CMD_UPDATE {
			w.assignments(c.TargetList, t, sc)
			continue
		}
		var cols []string
		for _, x := range c.TargetList {
			cols = append(cols, x.GetResTarget().GetName())
		}
		w.row(t, cols, c.Values, sc)
	}
	w.returning(s.ReturningClause, sc, projected)
}

// expr walks an expression in a position.
func (w pgWalk) expr(n *ast.Node, sc *scope, p position) {
	if n == nil || n.GetNode() == nil {
		return
	}
	switch x := n.GetNode().(type) {
	case *ast.Node_ColumnRef:
		if path, star := columnPath(n); star {
			if len(path) > 0 {
				w.star(sc, path[len(path)-1], whole)
			}
		} else {
			w.column(path, sc, p)
		}
	case *ast.Node_NullTest:
		if path, _ := columnPath(x.NullTest.Arg); len(path) > 0 {
			p = tested
		} else {
			p = p.within()
		}
		w.expr(x.NullTest.Arg, sc, p)
	case *ast.Node_SubLink:
		w.subLink(x.SubLink, sc, p)
	case *ast.Node_AExpr:
		w.operator(x.AExpr, sc, p)
	case *ast.Node_CaseExpr:
		w.together(sc, func() { w.caseExpr(x.CaseExpr, sc, p) })
	case *ast.Node_CoalesceExpr:
		w.together(sc, func() {
			for _, a := range x.CoalesceExpr.Args {
				w.expr(a, sc, chosen(p))
			}
		})
	case *ast.Node_TypeCast:
		w.expr(x.TypeCast.Arg, sc, chosen(p))
	case *ast.Node_BoolExpr:
		for _, a := range x.BoolExpr.Args {
			w.expr(a, sc, p.truth())
		}
	case *ast.Node_RowExpr:
		for _, a := range x.RowExpr.Args {
			w.expr(a, sc, p.truth())
		}
	case *ast.Node_FuncCall:
		w.call(x.FuncCall, sc, p)
	default:
		w.generic(n.ProtoReflect(), sc, p.within())
	}
}

// chosen is the position of what a CASE, COALESCE or cast in position p hands on.
func chosen(p position) position {
	if p&(projected|carried|kept|assigned) != 0 {
		return kept
	}
	return p
}

func (w pgWalk) caseExpr(x *ast.CaseExpr, sc *scope, p position) {
	w.expr(x.Arg, sc, predicate)
	for _, n := range x.Args {
		w.expr(n.GetCaseWhen().Expr, sc, predicate)
		w.expr(n.GetCaseWhen().Result, sc, chosen(p))
	}
	w.expr(x.Defresult, sc, chosen(p))
}

func (w pgWalk) call(x *ast.FuncCall, sc *scope, p position) {
	name := x.Funcname[len(x.Funcname)-1].GetString_().GetSval()
	in := p.within()
	if folding[name] && p&predicate != 0 {
		in = p
	}
	if name == "count" && !x.AggDistinct && len(x.Args) == 1 {
		if path, star := columnPath(x.Args[0]); len(path) > 0 && !star {
			in = tested
		}
	}
	for _, a := range x.Args {
		w.expr(a, sc, in)
	}
	for _, a := range x.AggOrder {
		w.expr(a.GetSortBy().GetNode(), sc, ordered)
	}
	w.expr(x.AggFilter, sc, predicate)
	if x.Over != nil {
		w.generic(x.Over.ProtoReflect(), sc, ordered)
	}
}

var comparisons = map[string]bool{"=": true, "<>": true, "<": true, ">": true, "<=": true, ">=": true, "~~": true, "!~~": true, "~~*": true, "!~~*": true}

func (w pgWalk) operator(x *ast.A_Expr, sc *scope, p position) {
	in := p.within()
	if x.Kind == ast.A_Expr_Kind_AEXPR_DISTINCT || x.Kind == ast.A_Expr_Kind_AEXPR_NOT_DISTINCT {
		if path, _ := columnPath(x.Lexpr); len(path) > 0 && x.Rexpr.GetAConst().GetIsnull() {
			w.expr(x.Lexpr, sc, tested)
			return
		}
	}
	name := ""
	if len(x.Name) > 0 {
		name = x.Name[len(x.Name)-1].GetString_().GetSval()
	}
	switch {
	case comparisons[name], x.Kind == ast.A_Expr_Kind_AEXPR_NULLIF, x.Kind == ast.A_Expr_Kind_AEXPR_DISTINCT:
		in = predicate
	}
	// v = ANY (c) looks into the array that c is.
	path, _ := columnPath(x.Rexpr)
	into := len(path) > 0 && (x.Kind == ast.A_Expr_Kind_AEXPR_OP_ANY || x.Kind == ast.A_Expr_Kind_AEXPR_OP_ALL)
	w.compared(comparisons[name], !into && pgSimple(x.Lexpr) && pgSimple(x.Rexpr), sc, func() {
		for _, side := range []*ast.Node{x.Lexpr, x.Rexpr} {
			if l := side.GetList(); l != nil {
				for _, e := range l.Items {
					w.expr(e, sc, in)
				}
				continue
			}
			w.expr(side, sc, in)
		}
	})
}

func (w pgWalk) subLink(x *ast.SubLink, sc *scope, p position) {
	q := x.Subselect.GetSelectStmt()
	switch x.SubLinkType {
	case ast.SubLinkType_EXISTS_SUBLINK:
		w.query(q, sc, tested)
	case ast.SubLinkType_EXPR_SUBLINK, ast.SubLinkType_MULTIEXPR_SUBLINK:
		w.query(q, sc, p)
	case ast.SubLinkType_ARRAY_SUBLINK:
		w.query(q, sc, p.within())
	default:
		w.compared(true, pgSimple(x.Testexpr), sc, func() {
			w.expr(x.Testexpr, sc, predicate)
			w.query(q, sc, predicate)
		})
	}
}

// generic walks whatever has no rule of its own.
func (w pgWalk) generic(m protoreflect.Message, sc *scope, p position) {
	m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case fd.Message() == nil:
		case fd.IsList():
			for i := range v.List().Len() {
				w.message(v.List().Get(i).Message(), sc, p)
			}
		default:
			w.message(v.Message(), sc, p)
		}
		return true
	})
}

func (w pgWalk) message(m protoreflect.Message, sc *scope, p position) {
	switch x := m.Interface().(type) {
	case *ast.Node:
		switch x.GetNode().(type) {
		case *ast.Node_List, *ast.Node_SortBy, *ast.Node_WindowDef, *ast.Node_ResTarget:
			w.generic(m, sc, p)
		default:
			w.expr(x, sc, p)
		}
	case *ast.SelectStmt:
		w.query(x, sc, p)
	default:
		w.generic(m, sc, p)
	}
}
