package mysql

import (
	"strings"
	"testing"

	"github.com/sqlc-dev/marino/ast"

	"github.com/sealsql/sealsql/rewrite"
)

// checkScript checks what must hold for every text that is understood.
func checkScript(t *testing.T, s *rewrite.Script) {
	t.Helper()
	checkTokens(t, s)
	for _, st := range s.Statements {
		if o, ok := st.(*rewrite.Other); ok && o.Inner == nil {
			continue
		}
		checkSpans(t, s, st)
	}
	checkNothingDropped(t, s)
}

// checkTokens: tokens follow each other and leave out blanks and comments only.
func checkTokens(t *testing.T, s *rewrite.Script) {
	t.Helper()
	at := 0
	for _, tok := range s.Tokens {
		if tok.Start < at || tok.End <= tok.Start || tok.End > len(s.Text) {
			t.Fatalf("token %v out of place in %q", tok, s.Text)
		}
		checkGap(t, s.Text[at:tok.Start])
		at = tok.End
	}
	checkGap(t, s.Text[at:])
}

func checkGap(t *testing.T, gap string) {
	t.Helper()
	g := strings.TrimLeft(gap, " \t\r\n\v\f")
	if g != "" && !strings.HasPrefix(g, "--") && !strings.HasPrefix(g, "#") && !strings.HasPrefix(g, "/*") {
		t.Fatalf("no token covers %q", gap)
	}
}

// checkSpans: ranges begin and end on tokens, children lie inside their
// parents, and the text of a range is what the node says.
func checkSpans(t *testing.T, s *rewrite.Script, st rewrite.Statement) {
	t.Helper()
	starts, ends := map[int]bool{}, map[int]bool{}
	for _, tok := range s.Tokens {
		starts[tok.Start], ends[tok.End] = true, true
	}
	outer := st.Range()
	walk(st, func(n any) {
		node, ok := n.(rewrite.Node)
		if !ok || !node.Range().Known() {
			return
		}
		sp := node.Range()
		if !starts[sp.Start] || !ends[sp.End] {
			t.Fatalf("%T %v is not on token boundaries in %q", n, sp, s.Text)
		}
		if outer.Known() && (sp.Start < outer.Start || sp.End > outer.End) {
			t.Fatalf("%T %v outside of its statement %v in %q", n, sp, outer, s.Text)
		}
		checkText(t, s.Text[sp.Start:sp.End], n)
	})
	checkPlaces(t, s, st)
}

func checkText(t *testing.T, text string, n any) {
	t.Helper()
	lx, err := lex(text, maria)
	if err != nil {
		t.Fatalf("%T does not cover whole tokens: %q", n, text)
	}
	bad := false
	switch x := n.(type) {
	case *rewrite.Param:
		bad = text != "?"
	case *rewrite.Star:
		bad = !strings.HasSuffix(text, "*") && (!x.Keyword || text != "TABLE")
	case *rewrite.ColumnRef:
		bad = len(lx.tokens) != 2*len(x.Path)-1 || lx.tokens[len(lx.tokens)-1].Text != x.Path[len(x.Path)-1].Name
	case *rewrite.Table:
		bad = len(lx.tokens) != 2*len(x.Path)-1 || lx.tokens[len(lx.tokens)-1].Text != x.Path[len(x.Path)-1].Name
	case *rewrite.Literal:
		if x.Kind == rewrite.LitString && len(lx.tokens) == 1 {
			bad = lx.tokens[0].Text != x.Value
		}
	case *rewrite.Subquery, *rewrite.In, *rewrite.Call:
		if text[len(text)-1] != ')' {
			c, call := n.(*rewrite.Call)
			bad = !call || c.Attr == "" && len(c.Args) > 0
		}
	case *rewrite.Case:
		bad = !strings.EqualFold(text[:4], "case") || !strings.EqualFold(text[len(text)-3:], "end")
	}
	if bad {
		t.Fatalf("%T %s has the text %q", n, dump(n), text)
	}
	for i, m := range lx.match {
		if m < 0 && lx.tokens[i].Kind == rewrite.TokPunct && strings.ContainsAny(lx.tokens[i].Text, "(){}") {
			t.Fatalf("%T cuts through brackets: %q", n, text)
		}
	}
}

// checkPlaces: the offsets at which edits are made are known and in order.
func checkPlaces(t *testing.T, s *rewrite.Script, st rewrite.Statement) {
	t.Helper()
	walk(st, func(n any) {
		ok := true
		switch x := n.(type) {
		case *rewrite.Select:
			if len(x.Items) > 0 && x.ItemsEnd >= 0 {
				ok = x.ItemsEnd == x.Items[len(x.Items)-1].End
			}
			if x.Where != nil {
				ok = ok && contains(x.WhereSpan, x.Where)
			}
		case *rewrite.Values:
			ok = len(x.RowSpans) == len(x.Rows)
			for i, row := range x.Rows {
				for _, e := range row {
					ok = ok && contains(x.RowSpans[i], e)
				}
			}
		case *rewrite.Insert:
			ok = x.HasColumns == (x.ColumnsAt < 0)
		case *rewrite.Update:
			ok = x.Where != nil && contains(x.WhereSpan, x.Where) || x.Where == nil && x.WhereAt > 0
		case *rewrite.Delete:
			ok = x.Where != nil && contains(x.WhereSpan, x.Where) || x.Where == nil && x.WhereAt > 0
		}
		if !ok {
			t.Fatalf("places of %T are wrong in %q: %s", n, s.Text, dump(n))
		}
	})
}

func contains(sp rewrite.Span, e rewrite.Expr) bool {
	r := e.Range()
	return sp.Known() && (!r.Known() || r.Start >= sp.Start && r.End <= sp.End)
}

// census counts what a tree names.
type census struct {
	columns, tables, strings map[string]int
	params, queries          int
}

func newCensus() *census {
	return &census{columns: map[string]int{}, tables: map[string]int{}, strings: map[string]int{}}
}

// visitor takes the census of the parser's tree.
type visitor struct{ *census }

func (v visitor) Enter(n ast.Node) (ast.Node, bool) {
	switch x := n.(type) {
	case *ast.ColumnName:
		v.columns[x.Name.O]++
	case *ast.TableName:
		v.tables[x.Name.O]++
	case *ast.ParamMarkerExprBase:
		v.params++
	case *ast.SelectStmt:
		v.queries++
		if x.LockInfo != nil { // names of tables that are locked, not read
			x.LockInfo.Tables = nil
		}
	case *ast.ValueExprBase:
		if x.Kind() == ast.KindString && x.OriginTextPosition() > 0 {
			v.strings[x.GetString()]++
		}
	}
	return n, false
}

func (v visitor) Leave(n ast.Node) (ast.Node, bool) { return n, true }

// lowered takes the census of the lowered tree.
func lowered(s *rewrite.Script) *census {
	c := newCensus()
	for _, st := range s.Statements {
		walk(st, func(n any) {
			switch x := n.(type) {
			case *rewrite.ColumnRef:
				c.columns[x.Path[len(x.Path)-1].Name]++
			case *rewrite.Insert:
				for _, id := range x.Columns {
					c.columns[id.Name]++
				}
			case *rewrite.Join:
				for _, id := range x.Using {
					c.columns[id.Name]++
				}
			case *rewrite.Table:
				c.tables[x.Path[len(x.Path)-1].Name]++
			case *rewrite.Param:
				c.params++
			case *rewrite.Select, *rewrite.Values:
				c.queries++
			case *rewrite.Literal:
				c.strings[x.Value]++
			}
		})
	}
	return c
}

// checkNothingDropped: every column, table, placeholder, string and query of
// the parser's tree is in the lowered one.
func checkNothingDropped(t *testing.T, s *rewrite.Script) {
	t.Helper()
	lx, err := lex(s.Text, maria)
	if err != nil {
		t.Fatal(err)
	}
	shown, _ := parseText(lx, maria)
	nodes, err := parse(shown, maria)
	if err != nil {
		return
	}
	want := newCensus()
	for _, n := range nodes {
		n.Accept(visitor{want})
	}
	got := lowered(s)
	for _, st := range s.Statements {
		if _, ok := st.(*rewrite.Other); ok { // their columns are not looked at one by one
			want.columns, want.strings = nil, nil
		}
	}
	missing := ""
	for what, pair := range map[string][2]map[string]int{
		"column": {want.columns, got.columns}, "table": {want.tables, got.tables}, "string": {want.strings, got.strings},
	} {
		for name, n := range pair[0] {
			if pair[1][name] < n {
				missing += " " + what + " " + name
			}
		}
	}
	if missing != "" || got.params < want.params || got.queries < want.queries {
		t.Errorf("lost on the way:%s (params %d of %d, queries %d of %d) in %q",
			missing, got.params, want.params, got.queries, want.queries, s.Text)
	}
}
