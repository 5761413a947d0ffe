package sqlite

import (
	"github.com/sqlc-dev/meyer/ast"

	"github.com/sealsql/sealsql/rewrite"
)

// withoutSemicolon is the range of a statement of the script; meyer's includes
// the semicolon.
func (l *lowerer) withoutSemicolon(s ast.Stmt) rewrite.Span {
	sp := span(s)
	if sp.Known() && l.text[sp.End-1] == ';' {
		sp.End = l.before(sp.End - 1).End
	}
	return sp
}

// statement lowers one statement whose range is sp.
func (l *lowerer) statement(s ast.Stmt, sp rewrite.Span) rewrite.Statement {
	switch n := s.(type) {
	case *ast.SelectStmt:
		q := l.query(n)
		q.Span = sp
		return q
	case *ast.InsertStmt:
		return l.insert(n, sp)
	case *ast.UpdateStmt:
		return l.update(n, sp)
	case *ast.DeleteStmt:
		return l.deleteFrom(n, sp)
	case *ast.ExplainStmt:
		o := &rewrite.Other{Span: sp, Kind: rewrite.OtherExplain, Verb: "EXPLAIN"}
		if n.QueryPlan {
			o.Verb = "EXPLAIN QUERY PLAN"
		}
		inner := rewrite.Span{Start: n.Stmt.Pos(), End: sp.End}
		o.Inner = l.statement(n.Stmt, inner)
		return o
	}
	o := l.otherOf(s)
	o.Span, o.Attr = sp, l.source(sp)
	return o
}

// otherOf lowers everything that is not DML. A kind of statement that it does
// not know is OtherUnknown, which the planner takes for the worst.
func (l *lowerer) otherOf(s ast.Stmt) *rewrite.Other {
	switch n := s.(type) {
	case *ast.BeginStmt:
		return transaction("BEGIN")
	case *ast.CommitStmt:
		return transaction(n.Keyword)
	case *ast.RollbackStmt:
		return transaction("ROLLBACK")
	case *ast.SavepointStmt:
		return transaction("SAVEPOINT")
	case *ast.ReleaseStmt:
		return transaction("RELEASE")
	case *ast.PragmaStmt:
		return l.pragma(n)
	case *ast.AttachStmt, *ast.DetachStmt, *ast.VacuumStmt, *ast.AnalyzeStmt, *ast.ReindexStmt:
		return l.maintenance(s)
	case *ast.DropTableStmt:
		return l.drop("DROP TABLE", n.Name)
	case *ast.DropViewStmt:
		return l.drop("DROP VIEW", n.Name)
	case *ast.DropIndexStmt:
		return l.drop("DROP INDEX", nil)
	case *ast.DropTriggerStmt:
		return l.drop("DROP TRIGGER", nil)
	case *ast.CreateTableStmt:
		return l.createTable(n)
	case *ast.CreateVirtualTableStmt:
		return l.createVirtualTable(n)
	case *ast.CreateIndexStmt:
		return l.createIndex(n)
	case *ast.CreateViewStmt:
		return l.createView(n)
	case *ast.CreateTriggerStmt:
		return l.createTrigger(n)
	case *ast.AlterTableStmt:
		return l.alterTable(n)
	}
	return &rewrite.Other{Kind: rewrite.OtherUnknown}
}

func transaction(verb string) *rewrite.Other {
	return &rewrite.Other{Kind: rewrite.OtherTransaction, Verb: verb}
}

// maintenance lowers the statements about files, statistics and indexes.
// ANALYZE and REINDEX name a table, an index, a collation or a file; the name
// is given as a relation.
func (l *lowerer) maintenance(s ast.Stmt) *rewrite.Other {
	o := &rewrite.Other{Kind: rewrite.OtherMaintenance}
	switch n := s.(type) {
	case *ast.AttachStmt:
		o.Kind, o.Verb, o.Settings = rewrite.OtherSession, "ATTACH", []string{"attach"}
		o.Exprs = []rewrite.Expr{l.word(n.File), l.word(n.Name)}
		if n.Key != nil {
			o.Exprs = append(o.Exprs, l.word(n.Key))
		}
	case *ast.DetachStmt:
		o.Kind, o.Verb, o.Settings = rewrite.OtherSession, "DETACH", []string{"attach"}
		o.Exprs = []rewrite.Expr{l.word(n.Name)}
	case *ast.VacuumStmt:
		o.Verb = "VACUUM"
		if n.Into != nil {
			o.Exprs = []rewrite.Expr{l.expr(n.Into)}
		}
	case *ast.AnalyzeStmt:
		o.Verb, o.Relations = "ANALYZE", l.relations(n.Name)
	case *ast.ReindexStmt:
		o.Verb, o.Relations = "REINDEX", l.relations(n.Name)
	}
	return o
}

// word lowers an expression in which SQLite takes a bare name for a string:
// the operands of ATTACH and DETACH, and DEFAULT.
func (l *lowerer) word(e ast.Expr) rewrite.Expr {
	n, ok := e.(*ast.Ident)
	if !ok {
		return l.expr(e)
	}
	if x, ok := l.bareName(n).(*rewrite.Literal); ok {
		return x
	}
	x := l.constant(span(n), rewrite.LitString, n.Name)
	x.Odd = true
	return x
}

func (l *lowerer) relations(n *ast.QualifiedName) []*rewrite.Table {
	if n == nil {
		return nil
	}
	return []*rewrite.Table{l.table(n)}
}

func (l *lowerer) drop(verb string, n *ast.QualifiedName) *rewrite.Other {
	return &rewrite.Other{Kind: rewrite.OtherDrop, Verb: verb, Relations: l.relations(n)}
}
