package mysql

import (
	"github.com/sqlc-dev/marino/ast"

	"github.com/sealsql/sealsql/rewrite"
)

// refs lowers a list of tables; comma joins become items of their own.
func (l *lowerer) refs(n ast.ResultSetNode) []rewrite.TableExpr {
	if l.punct("{") { // { OJ … }
		l.eatPunct("{")
		l.i++
		items := l.refs(n)
		l.eatPunct("}")
		return items
	}
	switch x := n.(type) {
	case *ast.Join:
		if x.ExplicitParens && (l.punct("(") || l.lost) {
			return []rewrite.TableExpr{l.bracketedJoin(x)}
		}
		return l.joinItems(x)
	case *ast.TableSource:
		return []rewrite.TableExpr{l.source(x)}
	}
	l.fail()
	return nil
}

// bracketedJoin lowers "( tables )", brackets doubled or not.
func (l *lowerer) bracketedJoin(x *ast.Join) rewrite.TableExpr {
	l.eatPunct("(")
	var out rewrite.TableExpr
	if l.punct("(") && !l.queryBracket(l.i) && l.match[l.i] > 0 && l.punctAt(int(l.match[l.i])+1, ")") {
		out = l.bracketedJoin(x)
	} else {
		from := l.mark()
		out = cross(l.joinItems(x))
		if j, ok := out.(*rewrite.Join); ok {
			j.Span = l.span(from)
		}
	}
	l.eatPunct(")")
	return out
}

func (l *lowerer) punctAt(i int, p string) bool {
	return i < len(l.tokens) && l.tokens[i].Kind == rewrite.TokPunct && l.tokens[i].Text == p
}

// cross joins the items of a bracketed comma list, without ranges.
func cross(items []rewrite.TableExpr) rewrite.TableExpr {
	if len(items) == 0 {
		return &rewrite.FuncTable{}
	}
	out := items[0]
	for _, it := range items[1:] {
		out = &rewrite.Join{Kind: "CROSS", Left: out, Right: it}
	}
	return out
}

func (l *lowerer) joinItems(x *ast.Join) []rewrite.TableExpr {
	from := l.mark()
	left := l.refs(x.Left)
	if x.Right == nil {
		return left
	}
	if l.acceptPunct(",") {
		return append(left, l.refs(x.Right)...)
	}
	if len(left) != 1 {
		l.fail()
		left = []rewrite.TableExpr{cross(left)}
	}
	j := &rewrite.Join{Left: left[0], Natural: x.NaturalJoin, Kind: l.joinWords(x)}
	right := l.refs(x.Right)
	if len(right) != 1 {
		l.fail()
	}
	j.Right = cross(right)
	if x.On != nil {
		l.eat("ON")
		j.On = l.expr(x.On.Expr)
	}
	if len(x.Using) > 0 {
		l.eat("USING")
		l.eatPunct("(")
		for i, c := range x.Using {
			if i > 0 {
				l.eatPunct(",")
			}
			path := l.path(c.Schema.O, c.Table.O, c.Name.O)
			j.Using = append(j.Using, path[len(path)-1])
		}
		l.eatPunct(")")
	}
	j.Span = l.span(from)
	return []rewrite.TableExpr{j}
}

// joinWords consumes the words of a join and names its kind.
func (l *lowerer) joinWords(x *ast.Join) string {
	if x.StraightJoin {
		l.eat("STRAIGHT_JOIN")
		return "STRAIGHT"
	}
	if x.NaturalJoin {
		l.eat("NATURAL")
	}
	kind := "INNER"
	switch x.Tp {
	case ast.LeftJoin:
		kind = "LEFT"
		l.eat("LEFT")
		l.accept("OUTER")
	case ast.RightJoin:
		kind = "RIGHT"
		l.eat("RIGHT")
		l.accept("OUTER")
	default:
		if l.accept("CROSS") || l.lost && x.On == nil && len(x.Using) == 0 && !x.NaturalJoin {
			kind = "CROSS"
		} else {
			l.accept("INNER")
		}
	}
	l.eat("JOIN")
	return kind
}

// source lowers one table, derived table or JSON_TABLE with its alias.
func (l *lowerer) source(x *ast.TableSource) rewrite.TableExpr {
	switch src := x.Source.(type) {
	case *ast.TableName:
		return l.table(src, x.AsName.O)
	case *ast.JSONTableExpr:
		return l.jsonTable(src, x)
	case *ast.SelectStmt, *ast.SetOprStmt:
		return l.derived(x)
	}
	l.fail()
	return &rewrite.FuncTable{}
}

func (l *lowerer) derived(x *ast.TableSource) rewrite.TableExpr {
	from := l.mark()
	d := &rewrite.Derived{Lateral: x.Lateral}
	if x.Lateral {
		l.eat("LATERAL")
	}
	d.Query = l.subquery(x.Source)
	d.Alias = l.alias(x.AsName.O)
	d.ColumnAliases = l.names(x.ColumnNames)
	d.Span = l.span(from)
	return d
}

func (l *lowerer) alias(name string) *rewrite.Ident {
	if name == "" {
		return nil
	}
	l.accept("AS")
	id := l.ident(name)
	return &id
}

// table lowers a table name with partitions, alias and index hints.
func (l *lowerer) table(x *ast.TableName, alias string) *rewrite.Table {
	from := l.mark()
	t := &rewrite.Table{Path: l.path(x.Schema.O, x.Name.O)}
	t.Span = l.span(from)
	if len(x.PartitionNames) > 0 {
		t.Attr = l.partitions()
	}
	t.Alias = l.alias(alias)
	if x.AsOf != nil || x.TableSample != nil {
		l.fail() // TiDB only
	}
	for range x.IndexHints {
		at := l.mark()
		l.i += 2 // USE INDEX
		if l.accept("FOR") {
			if !l.accept("JOIN") {
				l.accept("ORDER", "GROUP")
				l.eat("BY")
			}
		}
		l.region()
		t.Attr += " " + l.raw(at)
	}
	return t
}

// partitions consumes PARTITION (…).
func (l *lowerer) partitions() string {
	from := l.mark()
	l.eat("PARTITION")
	l.region()
	return l.raw(from)
}

// jsonTable lowers JSON_TABLE(…): its expressions become the kids of one
// opaque expression, the column definitions its Attr.
func (l *lowerer) jsonTable(x *ast.JSONTableExpr, src *ast.TableSource) rewrite.TableExpr {
	from := l.mark()
	o := &rewrite.Opaque{What: "JSON_TABLE"}
	exprs := []ast.ExprNode{x.Doc, x.Path}
	for _, c := range x.Columns {
		exprs = jsonColumnExprs(exprs, c)
	}
	l.eat("JSON_TABLE")
	o.Kids, o.Attr = l.scattered(exprs)
	o.Span = l.span(from)
	f := &rewrite.FuncTable{Calls: []rewrite.Expr{o}, Attr: o.Attr}
	f.Alias = l.alias(src.AsName.O)
	f.Span = l.span(from)
	return f
}

func jsonColumnExprs(out []ast.ExprNode, c *ast.JSONTableColumn) []ast.ExprNode {
	if c.Nested {
		out = append(out, c.NestedPath)
		for _, n := range c.NestedColumns {
			out = jsonColumnExprs(out, n)
		}
		return out
	}
	if c.Path != nil {
		out = append(out, c.Path)
	}
	for _, r := range []*ast.JSONOnResponse{c.OnEmpty, c.OnError} {
		if r != nil && r.Value != nil {
			out = append(out, r.Value)
		}
	}
	return out
}
