package sqlite

import (
	"reflect"
	"strings"
	"testing"

	"github.com/sqlc-dev/meyer/ast"

	"github.com/sealsql/sealsql/rewrite"
)

// checkScript checks what holds for every lowered text: the tokens cover it,
// spans lie within it and say what they should, nothing of meyer's tree is
// missing.
func checkScript(t testing.TB, s *rewrite.Script) {
	t.Helper()
	checkTokens(t, s)
	checkSpans(t, s)
	checkMarkers(t, s)
	checkNothingDropped(t, s)
}

// checkTokens checks that between tokens there are only blanks and comments.
func checkTokens(t testing.TB, s *rewrite.Script) {
	t.Helper()
	end := 0
	for _, tok := range s.Tokens {
		if tok.Start < end || tok.End <= tok.Start || tok.End > len(s.Text) {
			t.Fatalf("token %v out of place in %q", tok, s.Text)
		}
		checkBlank(t, s.Text[end:tok.Start])
		end = tok.End
	}
	checkBlank(t, s.Text[end:])
}

func checkBlank(t testing.TB, gap string) {
	t.Helper()
	for gap != "" {
		switch {
		case strings.HasPrefix(gap, "\xef\xbb\xbf"):
			gap = gap[3:]
		case strings.IndexByte(" \t\n\v\f\r", gap[0]) >= 0:
			gap = gap[1:]
		case strings.HasPrefix(gap, "--"):
			_, gap, _ = strings.Cut(gap, "\n")
		case strings.HasPrefix(gap, "/*"):
			_, gap, _ = strings.Cut(gap[2:], "*/")
		default:
			t.Fatalf("%q lies between tokens", gap)
		}
	}
}

// checkSpans checks every span against the text and against token borders.
func checkSpans(t testing.TB, s *rewrite.Script) {
	t.Helper()
	starts, ends := map[int]bool{}, map[int]bool{}
	for _, tok := range s.Tokens {
		starts[tok.Start], ends[tok.End] = true, true
	}
	onTokens := func(what any, sp rewrite.Span) {
		if sp == (rewrite.Span{}) {
			return
		}
		if sp.Start > sp.End || !starts[sp.Start] || !ends[sp.End] {
			t.Fatalf("%#v: span %v is not on tokens of %q", what, sp, s.Text)
		}
	}
	for _, st := range s.Statements {
		if o, ok := st.(*rewrite.Other); ok && o.Kind == rewrite.OtherEmpty {
			continue
		}
		walk(reflect.ValueOf(st), func(v reflect.Value) {
			if v.Type() == spanType {
				onTokens(st, v.Interface().(rewrite.Span))
				return
			}
			checkNode(t, s, v)
		})
	}
}

// checkNode checks what a span must say for each kind of node.
func checkNode(t testing.TB, s *rewrite.Script, v reflect.Value) {
	t.Helper()
	text := func(sp rewrite.Span) string { return s.Text[sp.Start:sp.End] }
	switch n := v.Addr().Interface().(type) {
	case *rewrite.Ident:
		if name, _ := unquote(text(n.Span)); n.Known() && name != n.Name {
			t.Fatalf("name %q stands for %q", n.Name, text(n.Span))
		}
	case *rewrite.Param:
		if text(n.Span) != n.Source {
			t.Fatalf("parameter %q stands for %q", n.Source, text(n.Span))
		}
	case *rewrite.Star:
		if n.Known() && !strings.HasSuffix(text(n.Span), "*") {
			t.Fatalf("star stands for %q", text(n.Span))
		}
	case *rewrite.Literal:
		checkLiteral(t, n, text(n.Span))
	case *rewrite.Values:
		if len(n.Rows) != len(n.RowSpans) {
			t.Fatal("rows and their spans differ")
		}
		for _, r := range n.RowSpans {
			if row := text(r); row == "" || row[0] != '(' || row[len(row)-1] != ')' {
				t.Fatalf("row stands for %q", row)
			}
		}
	}
}

func checkLiteral(t testing.TB, n *rewrite.Literal, text string) {
	t.Helper()
	switch n.Kind {
	case rewrite.LitNumber:
		sign := text[:1]
		if c := sign[0]; (c == '-' || c == '+') && n.Value[:1] != sign {
			t.Fatalf("number %q stands for %q", n.Value, text)
		}
	case rewrite.LitBytes:
		if text[0]|0x20 != 'x' {
			t.Fatalf("bytes stand for %q", text)
		}
	}
}

// checkMarkers checks that markers are the parameters of the tree, in order.
func checkMarkers(t testing.TB, s *rewrite.Script) {
	t.Helper()
	highest, last := 0, -1
	for _, m := range s.Markers {
		if m.Start <= last || m.N < 1 {
			t.Fatalf("marker %+v out of order in %q", m, s.Text)
		}
		last, highest = m.Start, max(highest, m.N)
	}
	if highest != s.Params {
		t.Fatalf("Params is %d, the highest ordinal %d", s.Params, highest)
	}
}

// checkNothingDropped walks meyer's tree and looks for every name, literal,
// parameter and select of it in the lowered one.
func checkNothingDropped(t testing.TB, s *rewrite.Script) {
	t.Helper()
	stmts, err := grammar.ParseString(s.Text)
	if err != nil {
		t.Fatal(err)
	}
	for i, st := range stmts {
		inv := takeInventory(s.Statements[i])
		ast.Walk(st, func(n ast.Node) bool {
			if !inv.has(n) {
				t.Fatalf("%T at %d-%d is missing in %s", n, n.Pos(), n.End(), s.Text)
			}
			return true
		})
	}
}

// inventory is what a lowered statement holds.
type inventory struct {
	names  map[rewrite.Span]bool
	ends   map[int]int  // constants and parameters: end to start
	starts map[int]bool // of queries
	nulls  []rewrite.Span
	words  strings.Builder
}

func takeInventory(st rewrite.Statement) *inventory {
	inv := &inventory{names: map[rewrite.Span]bool{}, ends: map[int]int{}, starts: map[int]bool{}}
	walk(reflect.ValueOf(st), func(v reflect.Value) {
		if !v.CanAddr() {
			return
		}
		for _, f := range []string{"Attr", "Name", "What", "Kind"} {
			if f := v.FieldByName(f); f.IsValid() && f.Kind() == reflect.String {
				inv.words.WriteString(strings.ToUpper(f.String()) + "\n")
			}
		}
		switch n := v.Addr().Interface().(type) {
		case *rewrite.Ident:
			inv.names[n.Span] = true
		case *rewrite.Literal:
			inv.ends[n.End] = n.Start
			inv.names[n.Span] = true
		case *rewrite.ColumnRef:
			inv.ends[n.End] = n.Start
		case *rewrite.Opaque:
			inv.ends[n.End] = n.Start
		case *rewrite.Param:
			inv.ends[n.End] = n.Start
		case *rewrite.IsNull:
			inv.nulls = append(inv.nulls, n.Span)
		case *rewrite.Query:
			inv.starts[n.Start] = true
		case *rewrite.Values:
			inv.starts[n.Start] = true
		}
	})
	return inv
}

func (inv *inventory) has(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.Ident:
		return inv.names[span(n)] || strings.Contains(inv.words.String(), strings.ToUpper(n.Name)) ||
			strings.Contains(inv.words.String(), strings.ToUpper(n.Raw))
	case *ast.BindParam:
		start, ok := inv.ends[n.Stop]
		return ok && start == n.Start
	case *ast.Literal:
		start, ok := inv.ends[n.Stop]
		return ok && start <= n.Start || n.Kind == ast.LitNull && inv.inNull(n)
	case *ast.SelectStmt:
		return inv.starts[n.Start]
	}
	return true
}

// inNull reports whether NULL went into an IS NULL test.
func (inv *inventory) inNull(n *ast.Literal) bool {
	for _, sp := range inv.nulls {
		if sp.Start < n.Start && n.Stop <= sp.End {
			return true
		}
	}
	return false
}
