package postgres

import (
	"strings"

	"github.com/sqlc-dev/oliphant/ast"

	"github.com/sealsql/sealsql/rewrite"
)

// other lowers a statement that is neither a query nor DML.
func (l *lowerer) other(n *ast.Node, i, end int) rewrite.Statement {
	out := &rewrite.Other{Kind: kindOf(n), Verb: l.verb(n, i)}
	if i >= 0 {
		out.Span = l.t.span(reachOf(i, end-1))
	}
	l.parts(n, i, end, out)
	l.refine(n, out)
	out.Attr = l.otherAttr(out, n, i, end)
	return out
}

// parts fills in what a statement names. Statements that hold another one have
// it lowered as such; of all others every expression, query and relation is
// collected.
func (l *lowerer) parts(n *ast.Node, i, end int, out *rewrite.Other) {
	switch v := n.GetNode().(type) {
	case *ast.Node_ExplainStmt:
		l.inner(v.ExplainStmt.Query, i, end, out)
		l.collect(out, v.ExplainStmt.Options...)
	case *ast.Node_PrepareStmt:
		l.inner(v.PrepareStmt.Query, i, end, out)
		out.Name = v.PrepareStmt.Name
		l.collect(out, v.PrepareStmt.Argtypes...)
	case *ast.Node_ExecuteStmt:
		out.Name, out.Exprs = v.ExecuteStmt.Name, l.exprs(v.ExecuteStmt.Params)
	case *ast.Node_DeallocateStmt:
		out.Name = v.DeallocateStmt.Name
	case *ast.Node_CopyStmt:
		if v.CopyStmt.Query == nil {
			l.collect(out, n)
			return
		}
		l.inner(v.CopyStmt.Query, i, end, out)
		l.collect(out, v.CopyStmt.Options...)
	case *ast.Node_DeclareCursorStmt:
		l.inner(v.DeclareCursorStmt.Query, i, end, out)
	case *ast.Node_CreateTableAsStmt:
		l.createAs(v.CreateTableAsStmt, i, end, out)
	case *ast.Node_ViewStmt:
		out.Relations = append(out.Relations, l.table(v.ViewStmt.View))
		out.Temp = v.ViewStmt.View.GetRelpersistence() == "t"
		l.inner(v.ViewStmt.Query, -1, -1, out) // the tree of a recursive view is not that of its text
		l.collect(out, v.ViewStmt.Options...)
	default:
		l.collect(out, n)
	}
}

func (l *lowerer) createAs(c *ast.CreateTableAsStmt, i, end int, out *rewrite.Other) {
	if into := c.Into; into != nil && into.Rel != nil {
		out.Relations = append(out.Relations, l.table(into.Rel))
		out.Temp = into.Rel.Relpersistence == "t"
		l.collect(out, into.Options...)
	}
	l.inner(c.Query, i, end, out)
}

// inner lowers the statement inside another one, between tokens i and end: a
// query where EXPLAIN and PREPARE do not want a statement.
func (l *lowerer) inner(n *ast.Node, i, end int, out *rewrite.Other) {
	if n.GetNode() == nil {
		return
	}
	start, stop := l.innerTokens(out.Kind, i, end)
	asStatement := out.Kind == rewrite.OtherExplain || out.Kind == rewrite.OtherDynamic
	if s := n.GetSelectStmt(); s != nil && !asStatement && leftmost(s).IntoClause == nil {
		out.Query = l.query(s, start, stop)
		return
	}
	out.Inner = l.statement(n, start, stop)
}

// innerTokens finds the tokens of the statement inside another one.
func (l *lowerer) innerTokens(kind rewrite.OtherKind, i, end int) (int, int) {
	if kind == rewrite.OtherExplain {
		return l.explained(i, end)
	}
	for j := i + 1; i >= 0 && j < end; j++ {
		switch l.t.word[j] {
		case kwSelect, kwValues, kwTable, kwWith, kwInsert, kwUpdate, kwDelete, kwMerge:
			if !l.t.is(j-1, kwAs) && !l.t.is(j-1, kwFor) {
				continue // CREATE TABLE, WITH (options)
			}
			return j, l.innerEnd(j, end)
		case pLParen:
			m := l.t.closing(j)
			if m < 0 {
				return -1, -1
			}
			switch {
			case kind == rewrite.OtherCopy:
				return j + 1, m
			case l.t.opensQuery(j) && (l.t.is(j-1, kwAs) || l.t.is(j-1, kwFor)):
				return j, l.innerEnd(j, end)
			}
			j = m
		}
	}
	return -1, -1
}

// explained passes over EXPLAIN and its options.
func (l *lowerer) explained(i, end int) (int, int) {
	if i < 0 {
		return -1, -1
	}
	i++
	if l.t.is(i, pLParen) && !l.t.opensQuery(i) {
		i = l.t.closing(i) + 1
	}
	for i < end && l.t.list[i].Kind == rewrite.TokWord {
		switch asciiLower(l.t.list[i].Text) {
		case "analyze", "analyse", "verbose":
			i++
			continue
		}
		break
	}
	return i, end
}

// innerEnd leaves out WITH [NO] DATA and WITH CHECK OPTION.
func (l *lowerer) innerEnd(i, end int) int {
	for j := i + 1; j < end; j++ {
		switch l.t.word[j] {
		case pLParen, pLBracket:
			if m := l.t.closing(j); m >= 0 {
				j = m
			}
		case kwWith:
			if l.t.ends(j) {
				return j
			}
		}
	}
	return end
}

// collect gathers everything that nodes name.
func (l *lowerer) collect(out *rewrite.Other, nodes ...*ast.Node) {
	b := bag{l: l}
	for _, n := range nodes {
		b.message(n.ProtoReflect())
	}
	out.Relations = append(out.Relations, b.rels...)
	out.Exprs = append(out.Exprs, b.kids...)
	for _, q := range b.queries {
		out.Exprs = append(out.Exprs, &rewrite.Subquery{Query: q})
	}
}

// otherAttr is the statement's text token by token, without what Inner and
// Query stand for; a statement whose place is not known is written from the
// tree.
func (l *lowerer) otherAttr(out *rewrite.Other, n *ast.Node, i, end int) string {
	if i < 0 {
		b := bag{}
		b.message(n.ProtoReflect())
		return b.attr.String()
	}
	var hole rewrite.Span
	switch {
	case out.Inner != nil:
		hole = out.Inner.Range()
	case out.Query != nil:
		hole = out.Query.Span
	}
	var b strings.Builder
	for ; i < end && i < len(l.t.list); i++ {
		k := l.t.list[i]
		if hole.Known() && k.Start >= hole.Start && k.End <= hole.End {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		s := l.t.text[k.Start:k.End]
		if k.Kind == rewrite.TokWord {
			s = asciiLower(s)
		}
		b.WriteString(s)
	}
	return b.String()
}

// verb names the statement. Only words of the grammar go into it.
func (l *lowerer) verb(n *ast.Node, i int) string {
	if i < 0 || i >= len(l.t.list) || l.t.list[i].Kind != rewrite.TokWord {
		return "statement"
	}
	if n.GetMergeStmt() != nil {
		return "MERGE"
	}
	first := strings.ToUpper(l.t.list[i].Text)
	switch first {
	case "CREATE", "ALTER", "DROP":
	default:
		return first
	}
	for i++; i < len(l.t.list) && l.t.list[i].Kind == rewrite.TokWord; i++ {
		w := strings.ToUpper(l.t.list[i].Text)
		switch w {
		case "OR", "REPLACE", "TEMP", "TEMPORARY", "LOCAL", "GLOBAL", "UNLOGGED", "RECURSIVE", "UNIQUE", "TRUSTED", "PROCEDURAL":
			continue
		}
		return first + " " + w
	}
	return first
}

// refine sets what the kind asks for beyond the parts.
func (l *lowerer) refine(n *ast.Node, out *rewrite.Other) {
	switch v := n.GetNode().(type) {
	case *ast.Node_CreateStmt:
		out.Temp = v.CreateStmt.Relation.GetRelpersistence() == "t"
	case *ast.Node_CreateSeqStmt:
		out.Temp = v.CreateSeqStmt.Sequence.GetRelpersistence() == "t"
	case *ast.Node_VariableSetStmt:
		setting(v.VariableSetStmt, out)
	case *ast.Node_AlterRoleSetStmt:
		setting(v.AlterRoleSetStmt.Setstmt, out)
	case *ast.Node_AlterDatabaseSetStmt:
		setting(v.AlterDatabaseSetStmt.Setstmt, out)
	case *ast.Node_AlterSystemStmt:
		setting(v.AlterSystemStmt.Setstmt, out)
	case *ast.Node_DiscardStmt:
		out.Settings = []string{"*"}
	case *ast.Node_DropStmt:
		l.dropped(v.DropStmt, out)
	case *ast.Node_CommentStmt:
		l.object(v.CommentStmt.Object, v.CommentStmt.Objtype, out)
	case *ast.Node_SecLabelStmt:
		l.object(v.SecLabelStmt.Object, v.SecLabelStmt.Objtype, out)
	case *ast.Node_IndexStmt:
		l.indexKeys(v.IndexStmt, out)
	case *ast.Node_DeclareCursorStmt:
		out.Name = v.DeclareCursorStmt.Portalname
	case *ast.Node_FetchStmt:
		out.Name, out.Fetches = v.FetchStmt.Portalname, !v.FetchStmt.Ismove
	}
}

func setting(s *ast.VariableSetStmt, out *rewrite.Other) {
	name := asciiLower(s.GetName())
	switch {
	case s.GetKind() == ast.VariableSetKind_VAR_RESET_ALL:
		name = "*"
	case s.GetKind() == ast.VariableSetKind_VAR_SET_MULTI:
		if out.Kind == rewrite.OtherTransaction {
			return
		}
	}
	out.Settings = append(out.Settings, name)
}

// relationTypes are the kinds of object that live in pg_class; columns and
// what hangs on a table name it before themselves.
var relationTypes = map[ast.ObjectType]int{
	ast.ObjectType_OBJECT_TABLE: 0, ast.ObjectType_OBJECT_VIEW: 0, ast.ObjectType_OBJECT_MATVIEW: 0,
	ast.ObjectType_OBJECT_INDEX: 0, ast.ObjectType_OBJECT_SEQUENCE: 0, ast.ObjectType_OBJECT_FOREIGN_TABLE: 0,
	ast.ObjectType_OBJECT_COLUMN: 1, ast.ObjectType_OBJECT_TRIGGER: 1, ast.ObjectType_OBJECT_RULE: 1,
	ast.ObjectType_OBJECT_POLICY: 1, ast.ObjectType_OBJECT_TABCONSTRAINT: 1,
}

func (l *lowerer) dropped(d *ast.DropStmt, out *rewrite.Other) {
	for _, n := range d.Objects {
		l.object(n, d.RemoveType, out)
	}
}

// object adds the relation that a dotted name stands for.
func (l *lowerer) object(n *ast.Node, kind ast.ObjectType, out *rewrite.Other) {
	names := n.GetList().GetItems()
	less, ok := relationTypes[kind]
	if !ok || len(names) <= less {
		return
	}
	t := &rewrite.Table{}
	for _, p := range names[:len(names)-less] {
		t.Path = append(t.Path, rewrite.Ident{Name: text(p)})
	}
	out.Relations = append(out.Relations, t)
}

// indexKeys adds the columns that an index names without an expression.
func (l *lowerer) indexKeys(s *ast.IndexStmt, out *rewrite.Other) {
	for _, list := range [][]*ast.Node{s.IndexParams, s.IndexIncludingParams} {
		for _, n := range list {
			if name := n.GetIndexElem().GetName(); name != "" {
				out.Exprs = append(out.Exprs, &rewrite.ColumnRef{Path: []rewrite.Ident{{Name: name}}})
			}
		}
	}
}

// kindOf classifies a statement.
func kindOf(n *ast.Node) rewrite.OtherKind {
	switch v := n.GetNode().(type) {
	case *ast.Node_TransactionStmt, *ast.Node_ConstraintsSetStmt:
		return rewrite.OtherTransaction
	case *ast.Node_VariableSetStmt:
		if v.VariableSetStmt.Kind == ast.VariableSetKind_VAR_SET_MULTI &&
			strings.HasPrefix(v.VariableSetStmt.Name, "TRANSACTION") {
			return rewrite.OtherTransaction
		}
		return rewrite.OtherSession
	case *ast.Node_DiscardStmt:
		return rewrite.OtherSession
	case *ast.Node_VariableShowStmt:
		return rewrite.OtherShow
	case *ast.Node_CreateStmt, *ast.Node_CreateForeignTableStmt:
		return rewrite.OtherCreateTable
	case *ast.Node_CreateTableAsStmt:
		if v.CreateTableAsStmt.Query.GetExecuteStmt() != nil {
			return rewrite.OtherDynamic
		}
		return rewrite.OtherCreateTable
	case *ast.Node_AlterTableStmt:
		return rewrite.OtherAlterTable
	case *ast.Node_RenameStmt:
		return alterOrDDL(v.RenameStmt.Relation)
	case *ast.Node_AlterObjectSchemaStmt:
		return alterOrDDL(v.AlterObjectSchemaStmt.Relation)
	case *ast.Node_DropStmt:
		return rewrite.OtherDrop
	case *ast.Node_TruncateStmt:
		return rewrite.OtherTruncate
	case *ast.Node_IndexStmt:
		return rewrite.OtherCreateIndex
	case *ast.Node_ViewStmt:
		return rewrite.OtherCreateView
	case *ast.Node_CreateFunctionStmt, *ast.Node_CreateTrigStmt, *ast.Node_RuleStmt, *ast.Node_CreateEventTrigStmt:
		return rewrite.OtherCreateCode
	case *ast.Node_VacuumStmt, *ast.Node_ClusterStmt, *ast.Node_ReindexStmt,
		*ast.Node_RefreshMatViewStmt, *ast.Node_CheckPointStmt, *ast.Node_LockStmt:
		return rewrite.OtherMaintenance
	case *ast.Node_CallStmt:
		return rewrite.OtherCall
	case *ast.Node_DoStmt, *ast.Node_PrepareStmt, *ast.Node_ExecuteStmt:
		return rewrite.OtherDynamic
	case *ast.Node_DeallocateStmt, *ast.Node_ClosePortalStmt:
		return rewrite.OtherDeallocate
	case *ast.Node_CopyStmt:
		return rewrite.OtherCopy
	case *ast.Node_ExplainStmt:
		return rewrite.OtherExplain
	case *ast.Node_DeclareCursorStmt, *ast.Node_FetchStmt:
		return rewrite.OtherCursor
	case *ast.Node_ListenStmt, *ast.Node_UnlistenStmt, *ast.Node_NotifyStmt:
		return rewrite.OtherListen
	case *ast.Node_LoadStmt:
		return rewrite.OtherUnknown // loads a library into the server
	}
	return ddlOrUnknown(n)
}

func alterOrDDL(r *ast.RangeVar) rewrite.OtherKind {
	if r != nil {
		return rewrite.OtherAlterTable
	}
	return rewrite.OtherDDL
}

// ddlOrUnknown takes every other CREATE, ALTER and DROP, grants and comments as
// DDL.
func ddlOrUnknown(n *ast.Node) rewrite.OtherKind {
	m := n.ProtoReflect()
	fd := m.WhichOneof(m.Descriptor().Oneofs().Get(0))
	if fd == nil {
		return rewrite.OtherUnknown
	}
	name := string(m.Get(fd).Message().Descriptor().Name())
	for _, prefix := range []string{"Create", "Alter", "Drop", "Grant", "Comment", "Define", "SecLabel", "ReassignOwned", "ImportForeignSchema", "CompositeType"} {
		if strings.HasPrefix(name, prefix) {
			return rewrite.OtherDDL
		}
	}
	return rewrite.OtherUnknown
}
