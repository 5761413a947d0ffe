package sqlite

import (
	"testing"

	"github.com/sealsql/sealsql/rewrite"
)

// TestSpansSayWhatTheTextSays marks offsets with | and ranges with « » in the
// text and compares them with what the tree says.
func TestSpansSayWhatTheTextSays(t *testing.T) {
	type get func(s *rewrite.Script) rewrite.Span
	at := func(f func(s *rewrite.Script) int) get {
		return func(s *rewrite.Script) rewrite.Span { n := f(s); return rewrite.Span{Start: n, End: n} }
	}
	query := func(s *rewrite.Script) *rewrite.Query { return s.Statements[0].(*rewrite.Query) }
	sel := func(s *rewrite.Script) *rewrite.Select { return query(s).Body.(*rewrite.Select) }
	item := func(s *rewrite.Script) rewrite.SelectItem { return sel(s).Items[0] }
	ins := func(s *rewrite.Script) *rewrite.Insert { return s.Statements[0].(*rewrite.Insert) }
	upd := func(s *rewrite.Script) *rewrite.Update { return s.Statements[0].(*rewrite.Update) }
	del := func(s *rewrite.Script) *rewrite.Delete { return s.Statements[0].(*rewrite.Delete) }
	expr := func(s *rewrite.Script) rewrite.Span { return item(s).Expr.Range() }
	itemsEnd := at(func(s *rewrite.Script) int { return sel(s).ItemsEnd })
	where := func(s *rewrite.Script) rewrite.Span { return sel(s).WhereSpan }
	columnsAt := at(func(s *rewrite.Script) int { return ins(s).ColumnsAt })
	updateWhere := at(func(s *rewrite.Script) int { return upd(s).WhereAt })
	deleteWhere := at(func(s *rewrite.Script) int { return del(s).WhereAt })

	cases := []struct {
		name, text string
		get        get
	}{
		{"a literal with its sign", "SELECT «-  5» FROM t", expr},
		{"a string with doubled quotes", "SELECT «'it''s'»", expr},
		{"a blob", "SELECT «x'00'» AS b", expr},
		{"a parameter with a TCL suffix", "SELECT «$a::b(c)», 1", expr},
		{"a star with its qualifier", "SELECT «t . *» FROM t", expr},
		{"a cast", "SELECT («CAST(a AS int)») x", expr},
		{"parentheses vanish from a name", "SELECT ((«a»))", expr},
		{"a row value", "SELECT «(1, 2)» = (3, 4)", func(s *rewrite.Script) rewrite.Span {
			return item(s).Expr.(*rewrite.Op).Args[0].Range()
		}},
		{"an operator with the parentheses of its operands", "SELECT «(a) + (b)»", expr},
		{"an item with its alias", "SELECT «(a) AS \"b\"», c", func(s *rewrite.Script) rewrite.Span { return item(s).Span }},
		{"the end of the items in front of a comment", "SELECT a, b c| /* x */ FROM t", itemsEnd},
		{"the end of the items in front of a semicolon", "SELECT 1| ;", itemsEnd},
		{"a condition with its parentheses", "SELECT 1 FROM t WHERE «(a = 1)» -- x\n GROUP BY b", where},
		{"a condition in front of an upsert", "SELECT 1 WHERE «a OR b» ORDER BY 1", where},
		{"a statement without its semicolon", "  «SELECT 1 /* x */ FROM t» /* y */ ; ", func(s *rewrite.Script) rewrite.Span { return query(s).Span }},
		{"a core without ORDER BY and LIMIT", "«SELECT 1 FROM t WHERE (a)» ORDER BY 1 LIMIT 2", func(s *rewrite.Script) rewrite.Span { return sel(s).Span }},
		{"a subquery in FROM", "SELECT * FROM «(SELECT 1)» AS x", func(s *rewrite.Script) rewrite.Span { return sel(s).From[0].Range() }},
		{"a table without its alias", "SELECT * FROM «main . t» AS x", func(s *rewrite.Script) rewrite.Span { return sel(s).From[0].Range() }},
		{"a table function", "SELECT * FROM «f ( 1 , (2) )» AS x", func(s *rewrite.Script) rewrite.Span { return sel(s).From[0].Range() }},
		{"a table function without arguments", "SELECT * FROM «f()»", func(s *rewrite.Script) rewrite.Span { return sel(s).From[0].Range() }},
		{"a row of VALUES", "INSERT INTO t VALUES «( (1), (2) )», (3, 4)", func(s *rewrite.Script) rewrite.Span { return ins(s).Values.RowSpans[0] }},
		{"a later row of VALUES", "INSERT INTO t VALUES (1) , /* ( */ «(-3)» RETURNING a", func(s *rewrite.Script) rewrite.Span { return ins(s).Values.RowSpans[1] }},
		{"the place of a column list", "INSERT INTO t| VALUES (1)", columnsAt},
		{"the place of a column list behind an alias", "INSERT INTO main.t AS 'x'| /* c */ SELECT 1", columnsAt},
		{"the end of RETURNING", "INSERT INTO t VALUES (1) RETURNING a, b AS c| -- x", at(func(s *rewrite.Script) int { return ins(s).ReturningEnd })},
		{"the place of WHERE behind SET", "UPDATE t SET a = (1)| -- x", updateWhere},
		{"the place of WHERE in front of RETURNING", "UPDATE t SET a = 1| RETURNING a", updateWhere},
		{"the place of WHERE behind FROM", "UPDATE t SET a = 1 FROM u JOIN v ON (1)| LIMIT 1", updateWhere},
		{"the condition of an UPDATE", "UPDATE t SET a = 1 WHERE «NOT (b)» RETURNING a", func(s *rewrite.Script) rewrite.Span { return upd(s).WhereSpan }},
		{"an assignment", "UPDATE t SET «(a, b) = (1, 2)», c = 3", func(s *rewrite.Script) rewrite.Span { return upd(s).Set[0].Span }},
		{"the place of WHERE in DELETE", "DELETE FROM t|;", deleteWhere},
		{"the place of WHERE behind an alias", "DELETE FROM t AS x| RETURNING 1", deleteWhere},
		{"the place of WHERE behind INDEXED BY", "DELETE FROM t INDEXED BY i| RETURNING 1", deleteWhere},
		{"the place of WHERE behind NOT INDEXED", "DELETE FROM t AS x NOT /* INDEXED */ INDEXED| ;", deleteWhere},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			text, want := marked(t, c.text)
			s := parse(t, text)
			checkScript(t, s)
			if got := c.get(s); got != want {
				t.Errorf("got %v %q, want %v", got, text[got.Start:got.End], want)
			}
		})
	}
}

// marked takes the marks out of a text and returns where they were.
func marked(t *testing.T, text string) (string, rewrite.Span) {
	t.Helper()
	var plain []byte
	var marks []int
	for _, r := range text {
		switch r {
		case '|', '«', '»':
			marks = append(marks, len(plain))
		default:
			plain = append(plain, string(r)...)
		}
	}
	switch len(marks) {
	case 1:
		return string(plain), rewrite.Span{Start: marks[0], End: marks[0]}
	case 2:
		return string(plain), rewrite.Span{Start: marks[0], End: marks[1]}
	}
	t.Fatalf("%q has %d marks", text, len(marks))
	return "", rewrite.Span{}
}

func TestPlacesThatDoNotExistAreNegative(t *testing.T) {
	ins := func(text string) *rewrite.Insert { return parse(t, text).Statements[0].(*rewrite.Insert) }
	upd := func(text string) *rewrite.Update { return parse(t, text).Statements[0].(*rewrite.Update) }
	for name, got := range map[string]int{
		"a column list beside one":         ins("INSERT INTO t (a) VALUES (1)").ColumnsAt,
		"a column list of DEFAULT VALUES":  ins("INSERT INTO t DEFAULT VALUES").ColumnsAt,
		"the end of a missing RETURNING":   ins("INSERT INTO t VALUES (1)").ReturningEnd,
		"a second WHERE":                   upd("UPDATE t SET a = 1 WHERE b").WhereAt,
		"the items of a query without any": parse(t, "SELECT a IN t").Statements[0].(*rewrite.Query).Body.(*rewrite.Select).Items[0].Expr.(*rewrite.In).Query.Body.(*rewrite.Select).ItemsEnd,
	} {
		if got != -1 {
			t.Errorf("%s: %d", name, got)
		}
	}
}

func TestTokensAreClassified(t *testing.T) {
	s := parse(t, "SELECT \"a\"\"b\", `c`, [d], 'it''s', x'0f', 1.5, :p, t.\"x\" FROM t -- end\n; /* open")
	want := []rewrite.Token{
		{Kind: rewrite.TokWord, Text: "SELECT"},
		{Kind: rewrite.TokQuoted, Text: `a"b`},
		{Kind: rewrite.TokPunct, Text: ","},
		{Kind: rewrite.TokQuoted, Text: "c"},
		{Kind: rewrite.TokPunct, Text: ","},
		{Kind: rewrite.TokQuoted, Text: "d"},
		{Kind: rewrite.TokPunct, Text: ","},
		{Kind: rewrite.TokString, Text: "it's"},
		{Kind: rewrite.TokPunct, Text: ","},
		{Kind: rewrite.TokString, Text: "x'0f'"},
		{Kind: rewrite.TokPunct, Text: ","},
		{Kind: rewrite.TokNumber, Text: "1.5"},
		{Kind: rewrite.TokPunct, Text: ","},
		{Kind: rewrite.TokParam, Text: ":p"},
		{Kind: rewrite.TokPunct, Text: ","},
		{Kind: rewrite.TokWord, Text: "t"},
		{Kind: rewrite.TokPunct, Text: "."},
		{Kind: rewrite.TokQuoted, Text: "x"},
		{Kind: rewrite.TokWord, Text: "FROM"},
		{Kind: rewrite.TokWord, Text: "t"},
		{Kind: rewrite.TokPunct, Text: ";"},
	}
	if len(s.Tokens) != len(want) {
		t.Fatalf("%d tokens, want %d: %v", len(s.Tokens), len(want), s.Tokens)
	}
	for i, w := range want {
		if g := s.Tokens[i]; g.Kind != w.Kind || g.Text != w.Text {
			t.Errorf("token %d is %v, want %v", i, g, w)
		}
	}
}
