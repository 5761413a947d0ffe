package postgres

import (
	"strconv"
	"strings"

	"github.com/sqlc-dev/oliphant/ast"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/sealsql/sealsql/rewrite"
)

// bag collects what a node without a lowering of its own is made of: nested
// expressions, queries and relations, and in attr everything else, with a mark
// where each of them stands. Nothing of the node is dropped, locations apart.
type bag struct {
	l       *lowerer // nil: everything goes into attr
	kids    []rewrite.Expr
	queries []*rewrite.Query
	rels    []*rewrite.Table
	attr    strings.Builder
}

// locations are fields that hold only places in the text.
var locations = map[protoreflect.Name]bool{
	"location": true, "stmt_location": true, "stmt_len": true, "list_start": true,
	"list_end": true, "rexpr_list_start": true, "rexpr_list_end": true, "name_location": true,
}

// write collects the fields of a message.
func (b *bag) write(m protoreflect.Message) {
	fields := m.Descriptor().Fields()
	for i := 0; i < fields.Len(); i++ {
		fd := fields.Get(i)
		if !m.Has(fd) || locations[fd.Name()] {
			continue
		}
		if fd.ContainingOneof() == nil {
			b.attr.WriteString(string(fd.Name()))
		}
		v := m.Get(fd)
		switch {
		case fd.IsList():
			b.list(fd, v.List())
		case fd.Message() != nil:
			b.message(v.Message())
		default:
			b.scalar(fd, v)
		}
		b.attr.WriteByte(';')
	}
}

func (b *bag) list(fd protoreflect.FieldDescriptor, list protoreflect.List) {
	b.attr.WriteByte('[')
	for i := 0; i < list.Len(); i++ {
		if i > 0 {
			b.attr.WriteByte(',')
		}
		if fd.Message() != nil {
			b.message(list.Get(i).Message())
		} else {
			b.scalar(fd, list.Get(i))
		}
	}
	b.attr.WriteByte(']')
}

func (b *bag) scalar(fd protoreflect.FieldDescriptor, v protoreflect.Value) {
	b.attr.WriteByte('=')
	if fd.Kind() == protoreflect.StringKind {
		b.attr.WriteString(strconv.Quote(v.String()))
		return
	}
	if fd.Kind() == protoreflect.EnumKind {
		b.attr.WriteString(strconv.Itoa(int(v.Enum())))
		return
	}
	b.attr.WriteString(v.String())
}

// message collects one nested message.
func (b *bag) message(m protoreflect.Message) {
	if b.l != nil {
		b.l.enter()
		defer b.l.leave()
		if b.special(m) {
			return
		}
	}
	if n, ok := m.Interface().(*ast.Node); ok {
		b.node(n)
		return
	}
	b.attr.WriteString(string(m.Descriptor().Name()) + "{")
	b.write(m)
	b.attr.WriteByte('}')
}

func (b *bag) node(n *ast.Node) {
	m := n.ProtoReflect()
	if fd := m.WhichOneof(m.Descriptor().Oneofs().Get(0)); fd != nil {
		b.message(m.Get(fd).Message())
	}
}

// special takes what has a place of its own in the statement tree.
func (b *bag) special(m protoreflect.Message) bool {
	switch v := m.Interface().(type) {
	case *ast.Node:
		if !isExpr(v) {
			return false
		}
		b.kids = append(b.kids, b.l.exprOf(v))
		b.attr.WriteByte('#')
	case *ast.FuncCall:
		e, _ := b.l.call(v)
		b.kids = append(b.kids, e)
		b.attr.WriteByte('#')
	case *ast.SelectStmt:
		b.queries = append(b.queries, b.l.query(v, -1, -1))
		b.attr.WriteByte('?')
	case *ast.RangeVar:
		b.rels = append(b.rels, b.l.table(v))
		b.attr.WriteByte('@')
	default:
		return false
	}
	return true
}

// isExpr reports whether a node is an expression of the raw grammar.
func isExpr(n *ast.Node) bool {
	switch n.GetNode().(type) {
	case *ast.Node_ColumnRef, *ast.Node_ParamRef, *ast.Node_AConst, *ast.Node_AExpr,
		*ast.Node_TypeCast, *ast.Node_CollateClause, *ast.Node_FuncCall, *ast.Node_AIndirection,
		*ast.Node_AArrayExpr, *ast.Node_BoolExpr, *ast.Node_SubLink, *ast.Node_CaseExpr,
		*ast.Node_CoalesceExpr, *ast.Node_MinMaxExpr, *ast.Node_SqlvalueFunction,
		*ast.Node_NullTest, *ast.Node_BooleanTest, *ast.Node_SetToDefault, *ast.Node_RowExpr,
		*ast.Node_NamedArgExpr, *ast.Node_GroupingFunc, *ast.Node_GroupingSet,
		*ast.Node_CurrentOfExpr, *ast.Node_MergeSupportFunc, *ast.Node_XmlExpr,
		*ast.Node_XmlSerialize, *ast.Node_JsonIsPredicate, *ast.Node_JsonFuncExpr,
		*ast.Node_JsonParseExpr, *ast.Node_JsonScalarExpr, *ast.Node_JsonSerializeExpr,
		*ast.Node_JsonObjectConstructor, *ast.Node_JsonArrayConstructor,
		*ast.Node_JsonArrayQueryConstructor, *ast.Node_JsonObjectAgg, *ast.Node_JsonArrayAgg,
		*ast.Node_JsonValueExpr, *ast.Node_MultiAssignRef:
		return true
	}
	return false
}

// located is a node with a place in the text.
type located interface{ GetLocation() int32 }

// opaque lowers an expression that has no node of its own.
func (l *lowerer) opaque(n *ast.Node) (rewrite.Expr, reach) {
	m := n.ProtoReflect()
	fd := m.WhichOneof(m.Descriptor().Oneofs().Get(0))
	if fd == nil {
		return &rewrite.Opaque{What: "expression"}, reach{}
	}
	inner := m.Get(fd).Message()
	b := bag{l: l}
	b.attr.WriteString(string(inner.Descriptor().Name()) + " ")
	b.write(inner)
	out := &rewrite.Opaque{What: whatIs(n), Kids: b.kids, Queries: b.queries, Attr: b.attr.String()}
	for _, t := range b.rels { // none in today's grammar: not to be lost if there ever is one
		out.Queries = append(out.Queries, &rewrite.Query{Body: &rewrite.Select{
			From: []rewrite.TableExpr{t}, ItemsEnd: -1,
		}})
	}
	var r reach
	if x, ok := inner.Interface().(located); ok {
		if i := l.t.at(x.GetLocation()); i >= 0 && l.t.list[i].Kind == rewrite.TokWord && l.t.is(i+1, pLParen) {
			r = reachOf(i, l.t.closing(i+1))
		}
	}
	out.Span = l.t.span(r)
	return out, r
}

var xmlNames = map[ast.XmlExprOp]string{
	ast.XmlExprOp_IS_XMLCONCAT: "XMLCONCAT", ast.XmlExprOp_IS_XMLELEMENT: "XMLELEMENT",
	ast.XmlExprOp_IS_XMLFOREST: "XMLFOREST", ast.XmlExprOp_IS_XMLPARSE: "XMLPARSE",
	ast.XmlExprOp_IS_XMLPI: "XMLPI", ast.XmlExprOp_IS_XMLROOT: "XMLROOT",
	ast.XmlExprOp_IS_DOCUMENT: "IS DOCUMENT",
}

// whatIs names a construct in the words of SQL.
func whatIs(n *ast.Node) string {
	switch v := n.GetNode().(type) {
	case *ast.Node_XmlExpr:
		if s := xmlNames[v.XmlExpr.Op]; s != "" {
			return s
		}
		return "XML expression"
	case *ast.Node_XmlSerialize:
		return "XMLSERIALIZE"
	case *ast.Node_CurrentOfExpr:
		return "CURRENT OF"
	case *ast.Node_GroupingFunc:
		return "GROUPING"
	case *ast.Node_GroupingSet:
		return "GROUPING SETS"
	case *ast.Node_MergeSupportFunc:
		return "MERGE_ACTION"
	case *ast.Node_JsonIsPredicate:
		return "IS JSON"
	case *ast.Node_JsonTable:
		return "JSON_TABLE"
	case *ast.Node_RangeTableFunc:
		return "XMLTABLE"
	case *ast.Node_JsonObjectConstructor, *ast.Node_JsonObjectAgg:
		return "JSON_OBJECT"
	case *ast.Node_JsonArrayConstructor, *ast.Node_JsonArrayQueryConstructor, *ast.Node_JsonArrayAgg:
		return "JSON_ARRAY"
	case *ast.Node_JsonFuncExpr:
		return "JSON_VALUE, JSON_QUERY or JSON_EXISTS"
	case *ast.Node_JsonParseExpr, *ast.Node_JsonScalarExpr, *ast.Node_JsonSerializeExpr, *ast.Node_JsonValueExpr:
		return "JSON function"
	case *ast.Node_MultiAssignRef:
		return "assignment to several columns"
	case *ast.Node_TypeCast:
		return "cast"
	}
	return "expression"
}
