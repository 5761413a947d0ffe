package mysql

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/sealsql/sealsql/rewrite"
)

// Ranges are checked through the text that they cover.
func TestRanges(t *testing.T) {
	text := "INSERT INTO db.`u`  VALUES (?, 'a' 'b' , -  5), ( N'x', X'41', NULL )" +
		" ON DUPLICATE KEY UPDATE a = VALUES( a ) RETURNING * , u.* , (b) AS c  ;"
	s, err := understand(text, maria)
	if err != nil {
		t.Fatal(err)
	}
	in := s.Statements[0].(*rewrite.Insert)
	at := func(sp rewrite.Span) string { return text[sp.Start:sp.End] }
	row := in.Values.Rows
	for _, c := range []struct{ got, want string }{
		{at(in.Target.Span), "db.`u`"},
		{text[:in.ColumnsAt], "INSERT INTO db.`u`"},
		{at(in.Values.RowSpans[0]), "(?, 'a' 'b' , -  5)"},
		{at(in.Values.RowSpans[1]), "( N'x', X'41', NULL )"},
		{at(row[0][0].Range()), "?"},
		{at(row[0][1].Range()), "'a' 'b'"},
		{at(row[0][2].Range()), "-  5"},
		{at(row[1][0].Range()), "N'x'"},
		{at(row[1][1].Range()), "X'41'"},
		{at(row[1][2].Range()), "NULL"},
		{at(in.Upserts[0].Span), "ON DUPLICATE KEY UPDATE a = VALUES( a )"},
		{at(in.Upserts[0].Set[0].Value.Range()), "VALUES( a )"},
		{at(in.Returning[0].Span), "*"},
		{at(in.Returning[1].Span), "u.*"},
		{at(in.Returning[2].Span), "(b) AS c"},
		{at(in.Returning[2].Expr.Range()), "b"},
		{text[in.ReturningEnd:], "  ;"},
		{at(in.Span), strings.TrimSuffix(text, "  ;")},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

func TestRangesOfASelect(t *testing.T) {
	text := "SELECT u.a , CAST(b AS CHAR) x FROM db.users AS u, (t) WHERE (u.a = ? AND b) /* c */ ORDER BY 1"
	s, err := understand(text, maria)
	if err != nil {
		t.Fatal(err)
	}
	q := s.Statements[0].(*rewrite.Query)
	sel := q.Body.(*rewrite.Select)
	at := func(sp rewrite.Span) string { return text[sp.Start:sp.End] }
	for _, c := range []struct{ got, want string }{
		{text[:sel.ItemsEnd], "SELECT u.a , CAST(b AS CHAR) x"},
		{at(sel.Items[1].Span), "CAST(b AS CHAR) x"},
		{at(sel.Items[1].Expr.Range()), "CAST(b AS CHAR)"},
		{at(sel.Items[1].Alias.Span), "x"},
		{at(sel.From[0].Range()), "db.users"},
		{at(sel.WhereSpan), "(u.a = ? AND b)"},
		{at(sel.Where.Range()), "u.a = ? AND b"},
		{at(sel.Span), strings.TrimSuffix(text, " /* c */ ORDER BY 1")},
		{at(q.Span), text},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

func TestPlacesForWhere(t *testing.T) {
	for text, want := range map[string]string{
		"UPDATE t SET a = (1) ORDER BY b": "UPDATE t SET a = (1)",
		"DELETE FROM t AS x LIMIT 1":      "DELETE FROM t AS x",
		"DELETE FROM t":                   "DELETE FROM t",
		"DELETE FROM t RETURNING a":       "DELETE FROM t",
	} {
		s, err := understand(text, maria)
		if err != nil {
			t.Fatal(err)
		}
		at := -1
		switch st := s.Statements[0].(type) {
		case *rewrite.Update:
			at = st.WhereAt
		case *rewrite.Delete:
			at = st.WhereAt
		}
		if at < 0 || text[:at] != want {
			t.Errorf("%q: WHERE goes to %d", text, at)
		}
	}
}

func TestPlaceholdersAreNumberedOverTheWholeText(t *testing.T) {
	s, err := understand("SELECT '?', `?`, ? /* ? */ -- ?\n; INSERT INTO t VALUES (?) RETURNING ?, (SELECT ?)", maria)
	if err != nil {
		t.Fatal(err)
	}
	if s.Params != 4 || len(s.Markers) != 4 || s.Markers[3].N != 4 {
		t.Fatalf("%d placeholders", s.Params)
	}
	if got := dump(s.Statements[1]); !strings.Contains(got, "Returning:[SelectItem{Expr:?3}") {
		t.Error(got)
	}
}

func TestReturningIsMariaDBOnly(t *testing.T) {
	_, err := understand("INSERT INTO t VALUES (1) RETURNING a", &rewrite.Session{ModeKnown: true, Version: 80036})
	var syn *rewrite.SyntaxError
	if !errors.As(err, &syn) {
		t.Fatal(err)
	}
}

func TestReturningTakesNothingButAList(t *testing.T) {
	for _, tail := range []string{"a FROM users", "DISTINCT a", "a WHERE b", "a LIMIT 1", "a INTO @x", "a UNION SELECT ssn FROM users", ""} {
		if s, err := understand("INSERT INTO t VALUES (1) RETURNING "+tail, maria); err == nil {
			t.Errorf("RETURNING %s: %s", tail, dump(s.Statements))
		}
	}
}

// Without a known sql_mode a text that reads differently under another one is
// refused (threats T6).
func TestUnknownModeRefusesWhatDependsOnIt(t *testing.T) {
	for text, pos := range map[string]int{
		`SELECT 'a\' , ssn, '' FROM t`: 9,
		`SELECT "a" FROM t`:            7,
		`SELECT 1, 'ok', "a"`:          16,
		`SELECT @"x"`:                  8,
		`SELECT 'fine'`:                -1,
		"SELECT `a\\b` /* \\ \" */":    -1,
	} {
		_, err := understand(text, &rewrite.Session{MariaDB: true, Version: 101119})
		var u *rewrite.UnsupportedError
		switch {
		case pos < 0 && err != nil:
			t.Errorf("%s: %v", text, err)
		case pos >= 0 && (!errors.As(err, &u) || u.Reason != rewrite.ReasonSession || u.Pos != pos):
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestModesChangeWhatTokensAre(t *testing.T) {
	known := func(f func(*rewrite.Session)) *rewrite.Session {
		s := *maria
		f(&s)
		return &s
	}
	ansi := known(func(s *rewrite.Session) { s.ANSIQuotes = true })
	plain := known(func(s *rewrite.Session) { s.NoBackslashEscapes = true })
	for _, c := range []struct {
		text string
		s    *rewrite.Session
		want string
	}{
		{`SELECT "a""b" FROM "t"`, ansi, `Items:[SelectItem{Expr:a"b}] From:[Table{Path:[t]}]`},
		{`SELECT "a""b"`, maria, `Items:[SelectItem{Expr:"a\"b"}]`},
		{`SELECT 'a\', 'b'`, plain, `Items:[SelectItem{Expr:"a\\"} SelectItem{Expr:"b"}]`},
		{`SELECT 'a\', 'b'`, maria, ``},
		{`SELECT 'a\'' 'b'`, maria, `Items:[SelectItem{Expr:"a'b"}]`},
	} {
		s, err := understand(c.text, c.s)
		got := ""
		if err == nil {
			got = dump(s.Statements[0])
		}
		if c.want == "" && err == nil || !strings.Contains(got, c.want) {
			t.Errorf("%s: %s, %v", c.text, got, err)
		}
	}
}

// Texts that the parser would cut differently from the server are refused.
func TestWhereParserAndServerDisagreeIsRefused(t *testing.T) {
	for _, text := range []string{
		"UPDATE t SET a=$x$, ssn='SECRET', b=$x$",
		"SELECT 1\x00, 2",
		"SELECT 'a\x00b'",
		"SELECT `a\x00`",
		"SELECT 1 --\x01 , ssn FROM t",
		"SELECT 'unterminated",
		"SELECT `unterminated",
		"SELECT 1 /* unterminated",
	} {
		if s, err := understand(text, maria); err == nil {
			t.Errorf("%q was read as %s", text, dump(s.Statements))
		}
	}
}

func TestSyntaxErrorsComeWithTokens(t *testing.T) {
	s, err := understand("SELEC ssn FROM users WHERE x = 'a'", maria)
	var syn *rewrite.SyntaxError
	if !errors.As(err, &syn) || s == nil || len(s.Tokens) != 8 {
		t.Fatal(s, err)
	}
}

func TestErrorsHoldNoText(t *testing.T) {
	for _, text := range []string{
		"SELEC 'CANARY'", "SELECT 'CANARY", "SELECT 1 /*!1 CANARY */", "SELECT 'CANARY' /*", "INSERT INTO t VALUES ('CANARY'",
		"SELECT \"CANARY\\\"", "SELECT $CANARY$ 1 $CANARY$", "SELECT 'CANARY' COLLATE CANARY", "SELECT CANARY'x'",
	} {
		for _, s := range []*rewrite.Session{maria, {}} {
			if _, err := understand(text, s); err != nil && strings.Contains(err.Error(), "CANARY") {
				t.Errorf("%q: %v", text, err)
			}
		}
	}
}

// Texts that would overflow the parser's stack or keep it busy for ever.
func TestHarmfulTextsAreRefused(t *testing.T) {
	long := func(n int, s string) string { return strings.Repeat(s, n) }
	for name, text := range map[string]string{
		"brackets":            "SELECT " + long(500000, "(") + "1" + long(500000, ")"),
		"brackets_unclosed":   "SELECT " + long(201, "("),
		"braces":              "SELECT " + long(300, "{d ") + "1" + long(300, "}"),
		"pluses":              "SELECT 1" + long(500000, "+1"),
		"ands":                "SELECT 1" + long(500000, " AND 1"),
		"nots":                "SELECT " + long(500000, "NOT ") + "1",
		"minuses":             "SELECT " + long(500000, "- ") + "1",
		"bangs":               "SELECT " + long(500000, "!") + "1",
		"cases":               "SELECT " + long(500000, "CASE ") + "1",
		"case_whens":          "SELECT " + long(100000, "CASE WHEN 1 THEN ") + "1",
		"binaries":            "SELECT " + long(500000, "BINARY ") + "1",
		"collates":            "SELECT a" + long(500000, " COLLATE utf8_bin"),
		"is_nulls":            "SELECT a" + long(500000, " IS NULL"),
		"joins":               "SELECT 1 FROM t" + long(500000, " JOIN t"),
		"comma_joins":         "SELECT 1 FROM t" + long(500000, ",t"),
		"bracketed_commas":    "SELECT 1 FROM (t" + long(500000, ",t") + ")",
		"betweens":            "SELECT a" + long(500000, " BETWEEN 1 AND a"),
		"assignments":         "SELECT " + long(500000, "@a:=") + "1",
		"unions":              "SELECT 1" + long(500000, " UNION SELECT 1"),
		"begins":              "CREATE PROCEDURE p() " + long(500000, "BEGIN ") + "END",
		"ifs":                 "CREATE PROCEDURE p() " + long(100000, "IF 1 THEN ") + "SELECT 1",
		"explains":            long(500000, "EXPLAIN ") + "SELECT 1",
		"speculative_queries": "SELECT 1 FROM " + long(90, "((SELECT 1 FROM "),
		"speculative_lists":   "SELECT " + long(60, "((SELECT 1) UNION (SELECT ") + "1",
		"speculative_dates":   "SELECT 1" + long(40, " + INTERVAL 1"),
		"speculative_calls":   "SELECT " + long(60, "INTERVAL(") + "1" + long(60, ",2)"),
		"speculative_json":    "SELECT " + long(60, "JSON_VALUE(") + "1" + long(60, ",2)"),
		"labels":              "CREATE PROCEDURE p() " + long(100000, "a: LOOP "),
		"too_long":            "SELECT '" + long(rewrite.MaxTextBytes, "x") + "'",
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := understand(text, maria); err == nil {
				t.Fatal("was taken")
			}
		})
	}
}

func TestLongTextsOfOrdinaryShapeAreTaken(t *testing.T) {
	for name, text := range map[string]string{
		"rows":      "INSERT INTO t VALUES (1,'a')" + strings.Repeat(",(2,'b - c')", 50000),
		"in_list":   "SELECT 1 FROM t WHERE a IN (1" + strings.Repeat(",-1", 50000) + ")",
		"ors":       "SELECT 1 FROM t WHERE a = 1" + strings.Repeat(" OR a = 1", 3000),
		"unions":    "SELECT 1" + strings.Repeat(" UNION ALL SELECT 1", 2000),
		"intervals": "SELECT 1" + strings.Repeat(", d + INTERVAL 1 DAY", 1000),
		"brackets":  "SELECT " + strings.Repeat("(", 199) + "1" + strings.Repeat(")", 199),
		"cases":     "UPDATE t SET a = CASE id" + strings.Repeat(" WHEN 1 THEN 2", 20000) + " END",
		"scripts":   strings.Repeat("BEGIN; SELECT 1; COMMIT;", 2000),
		"drops":     strings.Repeat("DROP TABLE IF EXISTS a;", 2000),
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := understand(text, maria); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestParserPanicsBecomeErrors(t *testing.T) {
	for _, text := range []string{
		"SELECT CAST(1 AS DECIMAL(99999999999999999999, 5))",
		"SELECT * FROM JSON_TABLE('[]', '$' COLUMNS (a DECIMAL(18446744073709551615) PATH '$')) t",
		"SELECT 1e400", "SELECT @@global.", "SELECT 1 FROM t TABLESAMPLE (a)", "SELECT x'4'", "SELECT b'2'",
		"SELECT _utf8", "SELECT N''", "SELECT '' ''", "SELECT 1 ''", "SELECT @", "SELECT @@", "(", ")", "SELECT )", "{", "SELECT {d",
		"VALUES", "TABLE", "WITH", "INSERT", "REPLACE", "DELETE", "UPDATE", "RETURNING", "INSERT RETURNING", "DELETE RETURNING *", "SET", "EXPLAIN", "CREATE", "XA",
	} {
		if s, err := understand(text, maria); err == nil {
			checkScript(t, s)
		}
	}
}

func TestConcurrentUse(t *testing.T) {
	cases := treeCases(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for _, c := range cases {
				s, err := understand(c.sql, maria)
				if err == nil && len(s.Statements) == 0 {
					t.Errorf("%s: no statements", c.name)
				}
			}
		})
	}
	wg.Wait()
}

func TestFunctionsThatReachOutAreNotListed(t *testing.T) {
	f := New()
	for _, name := range []string{"count", "lower", "json_extract", "st_distance", "last_insert_id", "now", "if", "coalesce"} {
		if !f.Function(name) {
			t.Errorf("%s is not listed", name)
		}
	}
	for _, name := range []string{"load_file", "benchmark", "sys_exec", "sys_eval", "master_pos_wait", "my_function", "lower ", "LOWER", ""} {
		if f.Function(name) {
			t.Errorf("%s is listed", name)
		}
	}
}
