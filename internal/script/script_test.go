package script_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sealsql/sealsql/internal/script"
	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/rewrite/mysql"
	"github.com/sealsql/sealsql/rewrite/postgres"
	"github.com/sealsql/sealsql/rewrite/sqlite"
)

var (
	frontends = map[string]rewrite.Frontend{"postgres": postgres.New(), "mysql": mysql.New(), "sqlite": sqlite.New()}
	session   = rewrite.Session{ModeKnown: true}
)

func TestScriptsAreCutWhereTheEnginesClientCutsThem(t *testing.T) {
	all := []string{"postgres", "mysql", "sqlite"}
	for name, c := range map[string]struct {
		dialects []string
		text     string
		want     []string
	}{
		"semicolons end statements":                   {all, "SELECT 1; SELECT 2 ;;\n;SELECT 3", []string{"SELECT 1", "SELECT 2", "SELECT 3"}},
		"semicolons in strings and names do not":      {all, `SELECT ';', "a;b"; SELECT 2`, []string{`SELECT ';', "a;b"`, "SELECT 2"}},
		"semicolons in comments do not":               {all, "SELECT 1 -- a; b\n, 2; /* ; */ SELECT 3", []string{"SELECT 1 -- a; b\n, 2", "SELECT 3"}},
		"comments alone are no statements":            {all, "-- nothing;\n/* ; */ ;", nil},
		"nothing is no statement":                     {all, "", nil},
		"a byte order mark is a blank":                {[]string{"sqlite"}, "\ufeffSELECT 1", []string{"SELECT 1"}},
		"an open string goes on to the end":           {all, "SELECT 1; SELECT 'a; SELECT 2", []string{"SELECT 1", "!SELECT 'a; SELECT 2"}},
		"an open comment goes on to the end":          {[]string{"postgres", "mysql"}, "SELECT 1; /* a; b", []string{"SELECT 1", "!/* a; b"}},
		"dollar quotes hide semicolons":               {[]string{"postgres"}, "DO $x$ a; $$ b; $x$; SELECT 1", []string{"DO $x$ a; $$ b; $x$", "SELECT 1"}},
		"nested comments hide semicolons":             {[]string{"postgres"}, "SELECT /* /* ; */ ; */ 1; SELECT 2", []string{"SELECT /* /* ; */ ; */ 1", "SELECT 2"}},
		"commands of psql fill their line":            {[]string{"postgres"}, "\\connect app;\nSELECT 1;\n\\echo done", []string{"@\\connect app;", "SELECT 1", "@\\echo done"}},
		"a command of psql ends a statement":          {[]string{"postgres"}, "SELECT 1 \\gset\nSELECT 2", []string{"SELECT 1", "SELECT 2"}},
		"rows of COPY are left out":                   {[]string{"postgres"}, "COPY t (a) FROM stdin;\nit's; 1\n\\.\nSELECT 1;", []string{"COPY t (a) FROM stdin", "SELECT 1"}},
		"rows of COPY end with a carriage return":     {[]string{"postgres"}, "COPY t FROM stdin;\r\nit's\r\n\\.\r\nSELECT 1;", []string{"COPY t FROM stdin", "SELECT 1"}},
		"COPY without rows":                           {[]string{"postgres"}, "COPY t FROM stdin; SELECT 1", []string{"COPY t FROM stdin", "SELECT 1"}},
		"COPY TO has no rows":                         {[]string{"postgres"}, "COPY t TO stdout;\nSELECT 1;\n\\.\n", []string{"COPY t TO stdout", "SELECT 1", "@\\."}},
		"the body of a function in the standard form": {[]string{"postgres"}, "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT CASE WHEN true THEN 1 END; END; SELECT 2", []string{"CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT CASE WHEN true THEN 1 END; END", "SELECT 2"}},
		"the body of a trigger":                       {[]string{"sqlite", "mysql"}, "CREATE TRIGGER x AFTER INSERT ON t FOR EACH ROW BEGIN UPDATE a SET b = CASE WHEN 1 THEN 2 END; SELECT 1; END; SELECT 2", []string{"CREATE TRIGGER x AFTER INSERT ON t FOR EACH ROW BEGIN UPDATE a SET b = CASE WHEN 1 THEN 2 END; SELECT 1; END", "SELECT 2"}},
		"END IF and END LOOP close no block":          {[]string{"mysql"}, "CREATE PROCEDURE p() BEGIN IF a THEN SELECT 1; END IF; l: LOOP LEAVE l; END LOOP; CASE a WHEN 1 THEN SELECT 2; END CASE; END; SELECT 3", []string{"CREATE PROCEDURE p() BEGIN IF a THEN SELECT 1; END IF; l: LOOP LEAVE l; END LOOP; CASE a WHEN 1 THEN SELECT 2; END CASE; END", "SELECT 3"}},
		"BEGIN and END as statements":                 {all, "BEGIN; SELECT 1; END; COMMIT", []string{"BEGIN", "SELECT 1", "END", "COMMIT"}},
		"DELIMITER changes the end":                   {[]string{"mysql"}, "DELIMITER //\nCREATE PROCEDURE p() SELECT 1; SELECT 2;//\nDELIMITER ;\nSELECT 3; SELECT 4", []string{"@DELIMITER //", "CREATE PROCEDURE p() SELECT 1; SELECT 2;", "@DELIMITER ;", "SELECT 3", "SELECT 4"}},
		"a delimiter of dollars":                      {[]string{"mysql"}, "delimiter $$\nCREATE PROCEDURE p() BEGIN SELECT 1; END$$\nSELECT 2 $$\nDELIMITER ;\nSELECT 3", []string{"@delimiter $$", "CREATE PROCEDURE p() BEGIN SELECT 1; END", "SELECT 2", "@DELIMITER ;", "SELECT 3"}},
		"a delimiter of two semicolons":               {[]string{"mysql"}, "DELIMITER ;;\nSELECT 1; SELECT 2;;\nDELIMITER ;\nSELECT 3", []string{"@DELIMITER ;;", "SELECT 1; SELECT 2", "@DELIMITER ;", "SELECT 3"}},
		"a delimiter in a string is text":             {[]string{"mysql"}, "DELIMITER //\nSELECT 'a//b' //", []string{"@DELIMITER //", "SELECT 'a//b'"}},
		"a column named delimiter":                    {[]string{"mysql"}, "SELECT delimiter FROM t; SELECT 1", []string{"SELECT delimiter FROM t", "SELECT 1"}},
		"executable comments belong to a statement":   {[]string{"mysql"}, "/*!40101 SET NAMES utf8 */;\n-- x\nCREATE TABLE t (a int) /*!50100 ENGINE=x */ ;", []string{"/*!40101 SET NAMES utf8 */", "CREATE TABLE t (a int) /*!50100 ENGINE=x */"}},
		"a backslash escapes on MySQL only":           {[]string{"mysql"}, `SELECT 'a\';b'; SELECT 2`, []string{`SELECT 'a\';b'`, "SELECT 2"}},
		"a backslash is a character elsewhere":        {[]string{"postgres", "sqlite"}, `SELECT 'a\'; SELECT 2`, []string{`SELECT 'a\'`, "SELECT 2"}},
		"brackets quote on SQLite":                    {[]string{"sqlite"}, "SELECT [a;b]; SELECT 2", []string{"SELECT [a;b]", "SELECT 2"}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, d := range c.dialects {
				var got []string
				for _, p := range script.Split(frontends[d], c.text, &session) {
					mark := ""
					if p.Client {
						mark = "@"
					}
					if p.Unreadable {
						mark = "!"
					}
					got = append(got, mark+c.text[p.From:p.To])
				}
				if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", c.want) {
					t.Errorf("%s: got %q\nwant %q", d, got, c.want)
				}
			}
		})
	}
}

func TestValuesAreMaskedAndNamesAreShown(t *testing.T) {
	known := func(name string) bool { return name == "ssn" || name == "users" }
	all := []string{"postgres", "mysql", "sqlite"}
	for name, c := range map[string]struct {
		dialects []string
		text     string
		want     string
	}{
		"strings and numbers":                  {all, "SELECT 'a', 1, -2.5e3, x FROM t", "SELECT '***', ***, -***, x FROM t"},
		"comments":                             {all, "SELECT /* CANARY */ a -- CANARY\nFROM t -- CANARY", "SELECT /* */ a /* */\nFROM t /* */"},
		"known quoted names":                   {[]string{"postgres", "sqlite"}, `SELECT "ssn", "CANARY" FROM "users"`, `SELECT "ssn", "***" FROM "users"`},
		"double quotes are strings":            {[]string{"mysql"}, "SELECT `ssn`, \"CANARY\", `name`", "SELECT `ssn`, '***', `name`"},
		"parameters":                           {[]string{"postgres"}, "SELECT $1", "SELECT $1"},
		"parameters by name":                   {[]string{"sqlite"}, "SELECT :a, ?2, $a::b(CANARY)", "SELECT :a, ?2, ***"},
		"dollar quotes":                        {[]string{"postgres"}, "SELECT $x$CANARY$x$, $$CANARY$$", "SELECT '***', '***'"},
		"prefixed strings":                     {[]string{"postgres"}, `SELECT E'CANARY\'', U&'CANARY', X'CA', B'1', N'CANARY'`, `SELECT '***', '***', '***', '***', N'***'`},
		"introducers":                          {[]string{"mysql"}, "SELECT _utf8'CANARY', N'CANARY', 0xCA, X'CA', b'1'", "SELECT _utf8'***', '***', ***, ***, ***"},
		"names that begin with a digit":        {[]string{"mysql"}, "SELECT 123abc", "SELECT ***"},
		"quoted variables":                     {[]string{"mysql"}, "SELECT @'CANARY', @x", "SELECT ***, @x"},
		"executable comments":                  {[]string{"mysql"}, "SELECT 1 /*!40000 'CANARY' */", "SELECT *** /* */"},
		"dollar tags that servers read apart":  {[]string{"mysql"}, "SELECT a, $x$CANARY$x$", "***"},
		"an open string hides everything":      {all, "SELECT a FROM t WHERE b = 'CANARY", "***"},
		"a number that runs into a name":       {[]string{"postgres", "sqlite"}, "SELECT 1CANARY", "***"},
		"brackets and backquotes quote names":  {[]string{"sqlite"}, "SELECT [name], `name`", "SELECT [name], `name`"},
		"adjacent strings over several lines":  {[]string{"postgres"}, "SELECT 'CANARY'\n'CANARY', a", "SELECT '***', a"},
		"blobs":                                {[]string{"sqlite"}, "SELECT x'CA', 0xCA", "SELECT '***', ***"},
		"nothing":                              {all, "", ""},
		"blanks are kept":                      {all, "  SELECT\t a\n", "  SELECT\t a\n"},
		"a comment that is all":                {all, "-- CANARY", "/* */"},
		"a hash comment":                       {[]string{"mysql"}, "SELECT a # CANARY\n, b", "SELECT a /* */\n, b"},
		"two comments in a row with one blank": {all, "/* CANARY */ -- CANARY\nSELECT a", "/* */\nSELECT a"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, d := range c.dialects {
				m := script.Mask(frontends[d], c.text, &session, known)
				if m.Text != c.want {
					t.Errorf("%s: got %q\nwant %q", d, m.Text, c.want)
				}
			}
		})
	}
}

func TestExcerptsPointAtTheByte(t *testing.T) {
	never := func(string) bool { return false }
	long := "SELECT " + strings.Repeat("column_name, ", 40) + "here FROM t"
	for name, c := range map[string]struct {
		text, at string
		want     string // the excerpt with ^ before the place
	}{
		"behind a masked string":  {"SELECT 'a long value', x FROM t", "x", "SELECT '***', ^x FROM t"},
		"inside a masked string":  {"SELECT 'a long value', x", "long", "SELECT ^'***', x"},
		"on a later line":         {"SELECT a,\n\t\tb,\n  c", "b", "^b,"},
		"behind tabs and letters": {"SELECT\tä, 'ö', x", "x", "SELECT ä, '***', ^x"},
		"in a long line":          {long, "here", "... _name, column_name, column_name, column_name, ^here FROM t"},
		"at the end":              {"SELECT a", "", "SELECT a^"},
	} {
		t.Run(name, func(t *testing.T) {
			at := len(c.text)
			if c.at != "" {
				at = strings.Index(c.text, c.at)
			}
			line, n := script.Mask(frontends["sqlite"], c.text, &session, never).Excerpt(at)
			r := []rune(line)
			if got := string(r[:n]) + "^" + string(r[n:]); got != c.want {
				t.Errorf("got %q\nwant %q", got, c.want)
			}
			if len(r) > 110 {
				t.Errorf("%d characters", len(r))
			}
		})
	}
}

func TestShownTextsHideNothing(t *testing.T) {
	m := script.Shown("SELECT 'a'")
	if line, n := m.Excerpt(7); line != "SELECT 'a'" || n != 7 || m.Nothing() {
		t.Errorf("got %q, %d", line, n)
	}
}

func TestTextsKnowWhereTheirBytesWereWritten(t *testing.T) {
	f := script.NewFile("f", "one\ntwö three\nfour")
	if got := fmt.Sprint(f.Place(0), f.Place(4), f.Place(9), f.Place(99), f.Place(-1)); got != "{f 1 1} {f 2 1} {f 2 5} {f 3 5} {f 1 1}" {
		t.Errorf("places are %s", got)
	}
	joined := script.Join(f.Text(0, 3), f.At(" + ", 4), f.Text(9, 14))
	if joined.SQL != "one + three" {
		t.Fatalf("joined is %q", joined.SQL)
	}
	for off, want := range map[int]string{0: "{f 1 1}", 2: "{f 1 3}", 3: "{f 2 1}", 5: "{f 2 1}", 6: "{f 2 5}", 8: "{f 2 7}", 11: "{f 2 10}", 99: "{f 2 10}"} {
		if got := fmt.Sprint(joined.Place(off)); got != want {
			t.Errorf("byte %d is at %s, want %s", off, got, want)
		}
	}
	edited := joined.Slice(1, 11).Replace([]script.Edit{{From: 0, To: 2, SQL: "$10"}, {From: 5, To: 6, SQL: ""}})
	if edited.SQL != "$10 + hree" {
		t.Fatalf("edited is %q", edited.SQL)
	}
	for off, want := range map[int]string{0: "{f 1 2}", 2: "{f 1 2}", 3: "{f 2 1}", 6: "{f 2 6}"} {
		if got := fmt.Sprint(edited.Place(off)); got != want {
			t.Errorf("byte %d of the edited text is at %s, want %s", off, got, want)
		}
	}
	if got := fmt.Sprint((script.Text{}).Place(3)); got != "{ 1 1}" {
		t.Errorf("the empty text is at %s", got)
	}
}

func TestItemsAreNamedAsFarAsTheTextTells(t *testing.T) {
	for text, want := range map[string]string{
		"SELECT a, t.b AS c, count(*), 'x' FROM t":       "a c - -",
		"SELECT a FROM t UNION ALL SELECT b FROM t":      "a",
		"INSERT INTO t (a) VALUES (1) RETURNING a, b":    "a b",
		"UPDATE t SET a = 1 RETURNING a":                 "a",
		"DELETE FROM t RETURNING a":                      "a",
		"CREATE TABLE x AS SELECT a FROM t":              "a",
		"VALUES (1)":                                     "",
		"DELETE FROM t":                                  "",
		"EXPLAIN SELECT a FROM t":                        "",
		"WITH q AS (SELECT 1 AS z) SELECT z AS y FROM q": "y",
	} {
		parsed, err := frontends["postgres"].Parse(text, &session)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, item := range script.Items(parsed.Statements[0]) {
			if item.Name == "" {
				item.Name = "-"
			}
			got = append(got, item.Name)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %v, want %s", text, got, want)
		}
	}
}

func TestNamesAreThoseInPlacesOfNames(t *testing.T) {
	const text = `WITH "cte" ("c1") AS (SELECT 1) INSERT INTO "s"."t" AS "al" ("col") SELECT "x"."q" AS "res", "CANARY" FROM "cte" "x" JOIN (SELECT 1) AS "d" ("dc") USING ("u") ON CONFLICT DO UPDATE SET "set" = excluded."e"`
	parsed, err := frontends["postgres"].Parse(text, &session)
	if err != nil {
		t.Fatal(err)
	}
	names := script.Names(parsed)
	for _, want := range []string{"cte", "c1", "s", "t", "al", "col", "x", "q", "res", "d", "dc", "u", "set", "e"} {
		if !names[want] {
			t.Errorf("%s is not a name", want)
		}
	}
	if names["CANARY"] {
		t.Error("a single name in an expression counts as known")
	}
}

// FuzzSplit checks that pieces are in order, lie in the text and leave out
// nothing but blanks, comments and what ends statements.
func FuzzSplit(f *testing.F) {
	for _, seed := range []string{
		"SELECT 1; SELECT ';'", "DELIMITER //\nSELECT 1//\n", "CREATE TRIGGER x BEGIN SELECT 1; END; SELECT 2",
		"COPY t FROM stdin;\n1\n\\.\nSELECT 1", "SELECT $a$;$a$;\\x\n", "/*!1 a */;", "'open", "DELIMITER", "delimiter ;;", "\x00;\xff",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for name, front := range frontends {
			at := 0
			for _, p := range script.Split(front, text, &session) {
				if p.Lead < at || p.From < p.Lead || p.To <= p.From || p.To > len(text) {
					t.Fatalf("%s: piece %+v behind %d of %d", name, p, at, len(text))
				}
				at = p.To
			}
			m := script.Mask(front, text, &session, func(string) bool { return false })
			for i := 0; i <= len(text); i++ {
				if o := m.Offset(i); o < 0 || o > len(m.Text) {
					t.Fatalf("%s: offset %d gives %d of %d", name, i, o, len(m.Text))
				}
				m.Excerpt(i)
			}
		}
	})
}
