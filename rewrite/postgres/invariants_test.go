package postgres_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sqlc-dev/oliphant"
	"github.com/sqlc-dev/oliphant/ast"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/rewrite/postgres"
)

// ratio counts how often something was known.
type ratio struct{ known, all int }

func (r *ratio) add(known bool) {
	r.all++
	if known {
		r.known++
	}
}

func (r *ratio) String() string { return fmt.Sprintf("%d/%d", r.known, r.all) }

type stats struct{ items, wheres, casts, literals, exprs, returning, selects ratio }

// checkTokens compares our tokens with the parser's own scanner.
func checkTokens(t testing.TB, s *rewrite.Script) {
	t.Helper()
	want, err := oliphant.Scan(s.Text)
	if err != nil {
		t.Errorf("scan: %v", err)
		return
	}
	i := 0
	for _, k := range want.Tokens {
		if k.Token == ast.Token_SQL_COMMENT || k.Token == ast.Token_C_COMMENT {
			continue
		}
		if i >= len(s.Tokens) || s.Tokens[i].Start != int(k.Start) || s.Tokens[i].End != int(k.End) {
			t.Errorf("token %d of %q: want [%d,%d)", i, s.Text, k.Start, k.End)
			return
		}
		i++
	}
	if i != len(s.Tokens) {
		t.Errorf("%d tokens instead of %d: %q", len(s.Tokens), i, s.Text)
	}
}

// checkSpans checks every span of a script: inside the text, and where a node
// can stand alone the text of the span lowers to the same node again.
func checkSpans(t testing.TB, s *rewrite.Script, st *stats) {
	t.Helper()
	walk(s.Statements, func(v any) {
		if n, ok := v.(rewrite.Node); ok {
			r := n.Range()
			if r.Start < 0 || r.End < r.Start || r.End > len(s.Text) {
				t.Errorf("span %v of %T outside %q", r, v, s.Text)
				return
			}
		}
		switch n := v.(type) {
		case *rewrite.SelectItem:
			st.items.add(n.Known())
			sameItem(t, s, n)
		case *rewrite.Select:
			if n.Where != nil {
				st.wheres.add(n.WhereSpan.Known())
				sameExpr(t, s, n.WhereSpan, n.Where)
			}
			st.selects.add(n.ItemsEnd >= 0)
			if len(n.Items) != 1 || !keyword(n.Items[0].Expr) {
				checkItemsEnd(t, s, n.ItemsEnd)
			}
		case *rewrite.Update:
			checkWhere(t, s, n.Where, n.WhereSpan, n.WhereAt, st)
			checkReturning(t, s, n.Returning, n.ReturningEnd, st)
		case *rewrite.Delete:
			checkWhere(t, s, n.Where, n.WhereSpan, n.WhereAt, st)
			checkReturning(t, s, n.Returning, n.ReturningEnd, st)
		case *rewrite.Insert:
			checkReturning(t, s, n.Returning, n.ReturningEnd, st)
			checkColumnsAt(t, s, n)
		case *rewrite.Values:
			checkRows(t, s, n)
		case *rewrite.Cast:
			st.casts.add(n.Known())
			sameExpr(t, s, n.Span, n)
		case *rewrite.Literal:
			st.literals.add(n.Known())
			sameExpr(t, s, n.Span, n)
		case *rewrite.Star, *rewrite.Default, *rewrite.ValuesRef:
		case *rewrite.Opaque:
			if n.What == "WINDOW" || n.What == "index key" || n.What == "named argument" ||
				n.What == "GROUPING SETS" || strings.HasPrefix(n.What, "assignment") ||
				n.What == "JSON_TABLE" || n.What == "XMLTABLE" {
				return
			}
			st.exprs.add(n.Known())
			sameExpr(t, s, n.Span, n)
		case rewrite.Expr:
			st.exprs.add(n.(rewrite.Node).Range().Known())
			sameExpr(t, s, n.(rewrite.Node).Range(), n)
		}
	})
}

// expression parses a piece of text as an expression.
func expression(text string) (rewrite.Expr, error) {
	s, err := postgres.New().Parse("SELECT "+text, &rewrite.Session{})
	if err != nil {
		return nil, err
	}
	q, ok := s.Statements[0].(*rewrite.Query)
	if !ok || len(s.Statements) != 1 {
		return nil, fmt.Errorf("not one query")
	}
	sel, ok := q.Body.(*rewrite.Select)
	if !ok || len(sel.Items) != 1 || len(sel.From) > 0 || sel.Items[0].Alias != nil {
		return nil, fmt.Errorf("not one expression")
	}
	return sel.Items[0].Expr, nil
}

func sameExpr(t testing.TB, s *rewrite.Script, r rewrite.Span, want rewrite.Expr) {
	t.Helper()
	if !r.Known() {
		return
	}
	if o, ok := want.(*rewrite.Opaque); ok && o.What == "CURRENT OF" {
		return
	}
	got, err := expression(s.Text[r.Start:r.End])
	if err != nil || dump(got) != dump(want) {
		t.Errorf("span text %q (%v)\n got %s\nwant %s\n in %q", s.Text[r.Start:r.End], err, dump(got), dump(want), s.Text)
	}
}

func sameItem(t testing.TB, s *rewrite.Script, item *rewrite.SelectItem) {
	t.Helper()
	if !item.Known() {
		return
	}
	text := s.Text[item.Start:item.End]
	again, err := postgres.New().Parse("SELECT "+text, &rewrite.Session{})
	if err != nil {
		t.Errorf("item %q: %v in %q", text, err, s.Text)
		return
	}
	q, _ := again.Statements[0].(*rewrite.Query)
	if q == nil {
		t.Errorf("item %q is no item in %q", text, s.Text)
		return
	}
	if sel := q.Body.(*rewrite.Select); len(sel.Items) != 1 || len(sel.From) > 0 || dump(sel.Items[0]) != dump(*item) {
		t.Errorf("item %q lowers differently in %q\n got %s\nwant %s", text, s.Text, dump(sel.Items), dump(*item))
	}
}

func checkItemsEnd(t testing.TB, s *rewrite.Script, at int) {
	t.Helper()
	if at < 0 {
		return
	}
	edited := s.Text[:at] + ", sealsql_hidden " + s.Text[at:]
	if _, err := postgres.New().Parse(edited, &rewrite.Session{}); err != nil {
		t.Errorf("no column can be added at %d of %q", at, s.Text)
	}
}

func checkWhere(t testing.TB, s *rewrite.Script, where rewrite.Expr, r rewrite.Span, at int, st *stats) {
	t.Helper()
	if where != nil {
		st.wheres.add(r.Known())
		sameExpr(t, s, r, where)
		return
	}
	if at < 0 {
		t.Errorf("no place for WHERE in %q", s.Text)
		return
	}
	edited := s.Text[:at] + " WHERE sealsql_x " + s.Text[at:]
	if _, err := postgres.New().Parse(edited, &rewrite.Session{}); err != nil {
		t.Errorf("no WHERE can be added at %d of %q", at, s.Text)
	}
}

func checkReturning(t testing.TB, s *rewrite.Script, items []rewrite.SelectItem, at int, st *stats) {
	t.Helper()
	if len(items) == 0 {
		return
	}
	st.returning.add(at >= 0)
	checkItemsEnd(t, s, at)
}

func checkColumnsAt(t testing.TB, s *rewrite.Script, n *rewrite.Insert) {
	t.Helper()
	if n.HasColumns || n.DefaultValues || n.ColumnsAt < 0 {
		return
	}
	edited := s.Text[:n.ColumnsAt] + " (sealsql_x) " + s.Text[n.ColumnsAt:]
	if _, err := postgres.New().Parse(edited, &rewrite.Session{}); err != nil {
		t.Errorf("no column list can be added at %d of %q", n.ColumnsAt, s.Text)
	}
}

func checkRows(t testing.TB, s *rewrite.Script, n *rewrite.Values) {
	t.Helper()
	if len(n.Rows) != len(n.RowSpans) {
		t.Errorf("%d rows, %d spans in %q", len(n.Rows), len(n.RowSpans), s.Text)
	}
	for _, r := range n.RowSpans {
		if r.Known() && (s.Text[r.Start] != '(' || s.Text[r.End-1] != ')') {
			t.Errorf("row %q in %q", s.Text[r.Start:r.End], s.Text)
		}
	}
}

// checkNothingDropped compares what the parser's tree holds with what the
// lowered tree holds.
func checkNothingDropped(t testing.TB, s *rewrite.Script) {
	t.Helper()
	tree, err := oliphant.Parse(s.Text)
	if err != nil {
		return // a comment between two words that the parser wants together
	}
	want, got := map[string]int{}, map[string]int{}
	for _, st := range tree.Stmts {
		countTree(st.Stmt.ProtoReflect(), want, map[protoreflect.Message]bool{})
	}
	countLowered(s.Statements, got)
	for k, n := range want {
		if got[k] < n {
			t.Errorf("%s: %d in the parser's tree, %d lowered, in %q", k, n, got[k], s.Text)
		}
	}
}

// countTree counts by kind and name. Shared subtrees count once.
func countTree(m protoreflect.Message, n map[string]int, seen map[protoreflect.Message]bool) {
	if seen[m] {
		return
	}
	switch v := m.Interface().(type) {
	case *ast.ColumnRef:
		name := ""
		for _, f := range v.Fields {
			if s := f.GetString_(); s != nil {
				name += "." + s.Sval
			} else {
				name += ".*"
			}
		}
		n["column "+name]++
	case *ast.ParamRef:
		n[fmt.Sprint("parameter ", v.Number)]++
	case *ast.A_Const:
		if s := v.GetSval(); s != nil {
			n["string "+s.Sval]++
		}
	case *ast.RangeVar:
		n["relation "+v.Relname]++
	case *ast.SelectStmt:
		n["query"]++
	case *ast.FuncCall:
		name := v.Funcname[len(v.Funcname)-1].GetString_().GetSval()
		if name != "like_escape" && name != "similar_to_escape" {
			n["call "+name]++
		}
	case *ast.TypeName, *ast.LockingClause, *ast.IntoClause, *ast.MultiAssignRef, *ast.CTESearchClause, *ast.CTECycleClause:
		seen[m] = true
		if x, ok := v.(*ast.MultiAssignRef); ok {
			if x.Colno == 1 {
				countTree(x.Source.ProtoReflect(), n, seen)
			}
		}
		return // texts and names
	}
	seen[m] = true
	m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case fd.IsList() && fd.Message() != nil:
			for i := range v.List().Len() {
				countTree(v.List().Get(i).Message(), n, seen)
			}
		case fd.Message() != nil:
			countTree(v.Message(), n, seen)
		}
		return true
	})
}

func countLowered(list []rewrite.Statement, n map[string]int) {
	walk(list, func(v any) {
		switch x := v.(type) {
		case *rewrite.ColumnRef:
			n["column "+dotted(x.Path)]++
		case *rewrite.Star:
			n["column "+dotted(x.Path)+".*"]++
		case *rewrite.Param:
			n[fmt.Sprint("parameter ", x.N)]++
		case *rewrite.Literal:
			if x.Kind == rewrite.LitString {
				n["string "+x.Value]++
			}
		case *rewrite.Table:
			if len(x.Path) > 0 {
				n["relation "+x.Path[len(x.Path)-1].Name]++
			}
		case *rewrite.Select, *rewrite.SetOp, *rewrite.Values:
			n["query"]++
		case *rewrite.Call:
			n["call "+x.Name[len(x.Name)-1].Name]++
		}
	})
}

func dotted(path []rewrite.Ident) string {
	var b strings.Builder
	for _, p := range path {
		b.WriteString("." + p.Name)
	}
	return b.String()
}

// keyword reports the star of TABLE t.
func keyword(e rewrite.Expr) bool {
	star, ok := e.(*rewrite.Star)
	return ok && star.Keyword
}
