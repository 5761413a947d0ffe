package sqlite

import (
	"github.com/sqlc-dev/meyer/ast"

	"github.com/sealsql/sealsql/rewrite"
)

// target lowers the table that a statement writes.
func (l *lowerer) target(n *ast.QualifiedName, alias, by *ast.Ident, not bool) *rewrite.Table {
	t := l.table(n)
	t.Alias = l.name(alias)
	t.Attr = indexed(by, not)
	return t
}

// targetEnd is the offset behind name, alias and index hint.
func (l *lowerer) targetEnd(n *ast.QualifiedName, alias, by *ast.Ident, not bool) int {
	end := n.Stop
	if alias != nil {
		end = alias.Stop
	}
	if by != nil {
		end = by.Stop
	}
	if not {
		end = l.after(end, 1).End // NOT INDEXED
	}
	return end
}

// orAction names the conflict action of OR, where the tree has no field for it.
func orAction(a ast.ConflictAction) string {
	if a == ast.ConflictDefault || a == ast.ConflictIgnore {
		return ""
	}
	return "OR " + a.String()
}

func (l *lowerer) insert(n *ast.InsertStmt, s rewrite.Span) *rewrite.Insert {
	ins := l.inserts.One()
	*ins = rewrite.Insert{
		Span: s, With: l.with(n.With),
		Target:  l.target(n.Table, n.Alias, nil, false),
		Columns: l.names(n.Columns), HasColumns: len(n.Columns) > 0, ColumnsAt: -1,
		DefaultValues: n.DefaultValues,
		Replace:       n.Replace || n.OrConflict == ast.ConflictReplace,
		Ignore:        n.OrConflict == ast.ConflictIgnore,
		Attr:          orAction(n.OrConflict),
	}
	if !ins.HasColumns && !n.DefaultValues {
		ins.ColumnsAt = l.targetEnd(n.Table, n.Alias, nil, false)
	}
	if v := onlyValues(n.Select); v != nil {
		ins.Values = l.values(v)
		l.looseStrings(ins.Values)
	} else if n.Select != nil {
		ins.Query = l.query(n.Select)
	}
	for _, u := range n.Upserts {
		ins.Upserts = append(ins.Upserts, l.upsert(u))
	}
	ins.Returning, ins.ReturningEnd = l.selectItems(n.Returning), itemsEnd(n.Returning)
	return ins
}

// looseStrings turns "x" in the rows of an INSERT into the string that SQLite
// takes it for: there is no column that it could name. (Under _dqs=0 it is an
// error to SQLite, and the statement then stores the string all the same.)
func (l *lowerer) looseStrings(v *rewrite.Values) {
	for _, row := range v.Rows {
		for i, e := range row {
			ref, ok := e.(*rewrite.ColumnRef)
			if ok && len(ref.Path) == 1 && ref.Path[0].Quoted && ref.Known() && l.text[ref.Start] == '"' {
				row[i] = l.constant(ref.Span, rewrite.LitString, ref.Path[0].Name)
			}
		}
	}
}

// onlyValues returns the VALUES list when it is all that s holds.
func onlyValues(s *ast.SelectStmt) *ast.ValuesClause {
	if s == nil || s.With != nil || len(s.Cores) != 1 {
		return nil
	}
	v, _ := s.Cores[0].(*ast.ValuesClause)
	return v
}

func (l *lowerer) upsert(n *ast.Upsert) *rewrite.Upsert {
	u := &rewrite.Upsert{
		Span: span(n), Target: l.keys(n.Target), TargetWhere: l.expr(n.TargetWhere),
		DoNothing: n.DoNothing, Set: l.assigns(n.Set), Where: l.expr(n.Where),
	}
	for i, t := range n.Target {
		if t.Order != ast.SortDefault || t.Nulls != ast.NullsDefault {
			u.Target[i] = &rewrite.Opaque{
				Span: span(t), What: "ORDER", Attr: directions(n.Target[i : i+1]),
				Kids: []rewrite.Expr{u.Target[i]},
			}
		}
	}
	return u
}

// keys lowers a list of indexed columns, where TRUE is a column's name.
func (l *lowerer) keys(list []*ast.OrderingTerm) []rewrite.Expr {
	out := l.exprs.Many(len(list))
	for i, t := range list {
		if n, ok := t.Expr.(*ast.Ident); ok {
			out[i] = l.column(n)
		} else {
			out[i] = l.expr(t.Expr)
		}
	}
	return out
}

func (l *lowerer) assigns(list []*ast.SetPair) []rewrite.Assign {
	if len(list) == 0 {
		return nil
	}
	out := l.assignments.Many(len(list))
	for i, p := range list {
		refs := l.targets.Many(len(p.Columns))
		for k, c := range p.Columns {
			refs[k] = l.column(c)
		}
		out[i] = rewrite.Assign{Span: span(p), Columns: refs, Value: l.expr(p.Value)}
	}
	return out
}

func (l *lowerer) update(n *ast.UpdateStmt, s rewrite.Span) *rewrite.Update {
	u := l.updates.One()
	u.Span, u.With, u.Targets, u.Set = s, l.with(n.With), l.froms.Many(1), l.assigns(n.Set)
	u.From, u.Where, u.WhereAt, u.OrderBy = l.from(n.From), l.expr(n.Where), -1, l.terms(nil, n.OrderBy)
	u.Ignore, u.Replace = n.OrConflict == ast.ConflictIgnore, n.OrConflict == ast.ConflictReplace
	u.Targets[0] = l.target(n.Table, n.Alias, n.IndexedBy, n.NotIndexed)
	switch {
	case n.Where != nil:
		u.WhereSpan = span(n.Where)
	case len(n.From) > 0:
		u.WhereAt = n.From[len(n.From)-1].Stop
	default:
		u.WhereAt = n.Set[len(n.Set)-1].Stop
	}
	var comma string
	u.Limit, comma = l.limit(n.Limit)
	u.Returning, u.ReturningEnd = l.selectItems(n.Returning), itemsEnd(n.Returning)
	u.Attr = orAction(n.OrConflict) + directions(n.OrderBy) + comma
	return u
}

func (l *lowerer) deleteFrom(n *ast.DeleteStmt, s rewrite.Span) *rewrite.Delete {
	d := &rewrite.Delete{
		Span: s, With: l.with(n.With),
		Targets: []rewrite.TableExpr{l.target(n.Table, n.Alias, n.IndexedBy, n.NotIndexed)},
		Where:   l.expr(n.Where),
		WhereAt: -1,
		OrderBy: l.terms(nil, n.OrderBy),
	}
	if n.Where != nil {
		d.WhereSpan = span(n.Where)
	} else {
		d.WhereAt = l.targetEnd(n.Table, n.Alias, n.IndexedBy, n.NotIndexed)
	}
	var comma string
	d.Limit, comma = l.limit(n.Limit)
	d.Returning, d.ReturningEnd = l.selectItems(n.Returning), itemsEnd(n.Returning)
	d.Attr = directions(n.OrderBy) + comma
	return d
}
