package postgres

import (
	"strconv"

	"github.com/sqlc-dev/oliphant/ast"

	"github.com/sealsql/sealsql/rewrite"
)

// merge lowers MERGE.
func (l *lowerer) merge(s *ast.MergeStmt, i, end int) rewrite.Statement {
	out := &rewrite.Merge{With: l.with(s.WithClause), Target: l.table(s.Relation), ReturningEnd: -1}
	if i >= 0 {
		out.Span = l.t.span(reachOf(i, end-1))
	}
	i = l.verbAt(s.WithClause, i, kwMerge)
	c := clauses{-1, -1, -1, end}
	using := -1
	if i >= 0 {
		c = l.t.scanClauses(i, end)
		using = l.usingAt(i, c.end)
	}
	if source := l.fromList([]*ast.Node{s.SourceRelation}, using, end); len(source) == 1 {
		out.Source = source[0]
	}
	out.On = l.exprOf(s.JoinCondition)
	for _, n := range s.MergeWhenClauses {
		out.Whens = append(out.Whens, l.mergeWhen(n.GetMergeWhenClause(), out.Target))
	}
	out.Returning, out.ReturningEnd, out.Attr = l.returning(s.ReturningClause, c.returning, end)
	return out
}

var mergeMatches = map[ast.MergeMatchKind]rewrite.MergeMatch{
	ast.MergeMatchKind_MERGE_WHEN_MATCHED:               rewrite.MergeMatched,
	ast.MergeMatchKind_MERGE_WHEN_NOT_MATCHED_BY_TARGET: rewrite.MergeNotMatched,
	ast.MergeMatchKind_MERGE_WHEN_NOT_MATCHED_BY_SOURCE: rewrite.MergeNotBySource,
}

func (l *lowerer) mergeWhen(w *ast.MergeWhenClause, target *rewrite.Table) *rewrite.MergeWhen {
	out := &rewrite.MergeWhen{
		Match: mergeMatches[w.GetMatchKind()], Cond: l.exprOf(w.GetCondition()),
		Attr: strconv.Itoa(int(w.GetCommandType())),
	}
	switch w.GetCommandType() {
	case ast.CmdType_CMD_UPDATE:
		out.Set = l.assignments(w.TargetList)
	case ast.CmdType_CMD_INSERT:
		out.Insert = l.mergeInsert(w, target)
	}
	return out
}

// mergeInsert lowers INSERT [(columns)] VALUES (…) and INSERT DEFAULT VALUES.
func (l *lowerer) mergeInsert(w *ast.MergeWhenClause, target *rewrite.Table) *rewrite.Insert {
	out := &rewrite.Insert{
		Span: target.Span, Target: target, HasColumns: len(w.TargetList) > 0, ColumnsAt: -1, ReturningEnd: -1,
		DefaultValues: len(w.Values) == 0,
	}
	for _, n := range w.TargetList {
		t := n.GetResTarget()
		out.Columns = append(out.Columns, l.ident(t.GetName(), l.t.at(t.GetLocation())))
	}
	if w.Override > ast.OverridingKind_OVERRIDING_NOT_SET {
		out.Attr = "OVERRIDING " + strconv.Itoa(int(w.Override))
	}
	if !out.DefaultValues {
		out.Values = &rewrite.Values{Rows: [][]rewrite.Expr{l.exprs(w.Values)}, RowSpans: make([]rewrite.Span, 1)}
		l.partialColumns(w.TargetList, out)
	}
	return out
}
