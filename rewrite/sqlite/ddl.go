package sqlite

import (
	"strings"

	"github.com/sqlc-dev/meyer/ast"

	"github.com/sealsql/sealsql/rewrite"
)

func (l *lowerer) createTable(n *ast.CreateTableStmt) *rewrite.Other {
	o := &rewrite.Other{
		Kind: rewrite.OtherCreateTable, Verb: "CREATE TABLE",
		Relations: l.relations(n.Name), Temp: n.Temp || isTemp(n.Name),
	}
	if n.Select != nil {
		o.Query = l.query(n.Select)
	}
	for _, c := range n.Columns {
		l.columnDef(o, c)
	}
	for _, c := range n.Constraints {
		o.Exprs = append(o.Exprs, l.indexKeys(c.Columns)...)
		if c.Expr != nil {
			o.Exprs = append(o.Exprs, l.expr(c.Expr))
		}
		l.references(o, c.References)
	}
	return o
}

// isTemp reports a name in the schema of temporary relations, which makes one without
// the word (sqlite.org/lang_naming.html).
func isTemp(n *ast.QualifiedName) bool {
	return n.Schema != nil && strings.EqualFold(n.Schema.Name, "temp")
}

// columnDef adds the defaults, checks, generation expressions and referenced
// tables of a column.
func (l *lowerer) columnDef(o *rewrite.Other, n *ast.ColumnDef) {
	for _, c := range n.Constraints {
		switch {
		case c.Expr == nil:
		case c.Kind == ast.ColumnDefault:
			o.Exprs = append(o.Exprs, l.word(c.Expr))
		default:
			o.Exprs = append(o.Exprs, l.expr(c.Expr))
		}
		l.references(o, c.References)
	}
}

func (l *lowerer) references(o *rewrite.Other, n *ast.ForeignKeyClause) {
	if n == nil {
		return
	}
	t := l.tables.One()
	t.Span, t.Path = span(n.Table), l.names([]*ast.Ident{n.Table})
	o.Relations = append(o.Relations, t)
}

// indexKeys lowers the columns of an index, PRIMARY KEY or UNIQUE, where
// SQLite takes a string, also in front of COLLATE, for a column's name
// (sqlite3StringToId).
func (l *lowerer) indexKeys(list []*ast.OrderingTerm) []rewrite.Expr {
	out := l.keys(list)
	for i := range out {
		out[i] = stringToColumn(out[i])
	}
	return out
}

func stringToColumn(e rewrite.Expr) rewrite.Expr {
	switch x := e.(type) {
	case *rewrite.Literal:
		if x.Kind == rewrite.LitString {
			return &rewrite.ColumnRef{Span: x.Span, Path: []rewrite.Ident{
				{Name: x.Value, Quoted: true, Span: x.Span},
			}}
		}
	case *rewrite.Op:
		if x.Name == "COLLATE" {
			x.Args[0] = stringToColumn(x.Args[0])
		}
	}
	return e
}

// createVirtualTable gives a module's arguments as they are in Attr: they are
// free text, in which a module may name tables (fts5's content=). The kind is
// OtherUnknown, so that every token of the statement is looked at.
func (l *lowerer) createVirtualTable(n *ast.CreateVirtualTableStmt) *rewrite.Other {
	return &rewrite.Other{
		Kind: rewrite.OtherUnknown, Verb: "CREATE VIRTUAL TABLE", Relations: l.relations(n.Name),
	}
}

// createIndex looks the table up in the index's file, as SQLite does.
func (l *lowerer) createIndex(n *ast.CreateIndexStmt) *rewrite.Other {
	o := &rewrite.Other{
		Kind: rewrite.OtherCreateIndex, Verb: "CREATE INDEX",
		Relations: l.relations(inFile(n.Name.Schema, n.Table)),
		Exprs:     l.indexKeys(n.Columns),
	}
	if n.Where != nil {
		o.Exprs = append(o.Exprs, l.expr(n.Where))
	}
	return o
}

func inFile(schema, name *ast.Ident) *ast.QualifiedName {
	return &ast.QualifiedName{Span: name.Span, Schema: schema, Name: name}
}

func (l *lowerer) createView(n *ast.CreateViewStmt) *rewrite.Other {
	return &rewrite.Other{
		Kind: rewrite.OtherCreateView, Verb: "CREATE VIEW",
		Relations: l.relations(n.Name), Query: l.query(n.Select), Temp: n.Temp || isTemp(n.Name),
	}
}

// createTrigger gives the table as a relation, the WHEN condition as an
// expression and the body as the CTEs of an otherwise empty query, so that
// whatever walks queries meets everything that the body names.
func (l *lowerer) createTrigger(n *ast.CreateTriggerStmt) *rewrite.Other {
	table := n.Table
	if table.Schema == nil && n.Name.Schema != nil {
		table = inFile(n.Name.Schema, table.Name)
	}
	o := &rewrite.Other{
		Kind: rewrite.OtherCreateCode, Verb: "CREATE TRIGGER",
		Relations: l.relations(table), Temp: n.Temp,
	}
	if n.When != nil {
		o.Exprs = []rewrite.Expr{l.expr(n.When)}
	}
	body := &rewrite.With{CTEs: make([]*rewrite.CTE, len(n.Body))}
	for i, s := range n.Body {
		c := &rewrite.CTE{Span: span(s)}
		switch s := l.statement(s, span(s)).(type) {
		case *rewrite.Query:
			c.Query = s
		default:
			c.DML = s
		}
		body.CTEs[i] = c
	}
	o.Query = &rewrite.Query{With: body, Body: &rewrite.Values{}}
	return o
}

func (l *lowerer) alterTable(n *ast.AlterTableStmt) *rewrite.Other {
	o := &rewrite.Other{
		Kind: rewrite.OtherAlterTable, Verb: "ALTER TABLE", Relations: l.relations(n.Table),
	}
	if n.Action == ast.AlterRenameTable {
		o.Relations = append(o.Relations, l.table(inFile(n.Table.Schema, n.NewName)))
	}
	if n.ColumnDef != nil {
		l.columnDef(o, n.ColumnDef)
	}
	if n.Expr != nil {
		o.Exprs = append(o.Exprs, l.expr(n.Expr))
	}
	return o
}
