package postgres

import (
	"strconv"
	"strings"

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
	rows := l.mergeRows(i, c.end)
	for _, n := range s.MergeWhenClauses {
		w := l.mergeWhen(n.GetMergeWhenClause(), out.Target)
		if ins := w.Insert; ins != nil && ins.Values != nil && len(rows) > 0 {
			ins.Values.RowSpans[0], rows = rows[0], rows[1:]
		}
		out.Whens = append(out.Whens, w)
	}
	if len(rows) > 0 {
		l.forgetRows(out)
	}
	out.Returning, out.ReturningEnd, out.Attr = l.returning(s.ReturningClause, c.returning, end)
	return out
}

// mergeRows returns the ranges of the rows behind THEN INSERT … VALUES, in
// order; nil where the tokens are not those of a MERGE.
func (l *lowerer) mergeRows(i, end int) (rows []rewrite.Span) {
	inserts := false
	for ; i >= 0 && i < end; i++ {
		switch l.t.word[i] {
		case kwInsert:
			inserts = i > 0 && strings.EqualFold(l.t.list[i-1].Text, "then")
		case kwValues:
			if m := l.t.closing(i + 1); inserts && l.t.is(i+1, pLParen) && m > 0 {
				rows = append(rows, l.t.span(reachOf(i+1, m)))
				inserts, i = false, m
			}
		case pLParen:
			m := l.t.closing(i)
			if m < 0 {
				return nil
			}
			i = m
		}
	}
	return rows
}

// forgetRows drops ranges that did not fit the clauses.
func (l *lowerer) forgetRows(m *rewrite.Merge) {
	for _, w := range m.Whens {
		if w.Insert != nil && w.Insert.Values != nil {
			w.Insert.Values.RowSpans[0] = rewrite.Span{}
		}
	}
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
	case ast.CmdType_CMD_DELETE:
		out.Delete = true
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
