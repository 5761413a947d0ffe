package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/sealsql/sealsql/internal/testenv"
	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/rewrite/postgres"
)

func TestWhatIsNotUnderstoodKeepsItsTokens(t *testing.T) {
	for _, c := range []struct {
		name, sql string
		pos       int
		tokens    int
	}{
		{"a misplaced word", "SELECT 'secret' FROM FROM t", 21, 5},
		{"an incomplete statement", "SELECT é.", -1, 3},
		{"one bad statement of two", "SELECT 1; SELEC 2", 10, 5},
		{"an open string has no tokens", "SELECT 'secret", -1, 0},
		{"an open comment has no tokens", "SELECT 1 /* secret", -1, 0},
		{"an open name has no tokens", `SELECT "secret`, -1, 0},
		{"an open dollar string has no tokens", "SELECT $a$ secret $b$", -1, 0},
		{"a bad escape has no tokens", `SELECT E'\uZZZZ'`, -1, 0},
		{"an escape that is not UTF-8 has no tokens", `SELECT E'\xff'`, -1, 0},
		{"a number with letters has no tokens", "SELECT 1abc", -1, 0},
		{"bytes that are no UTF-8", "SELECT '\xff'", 8, 0},
	} {
		t.Run(strings.ReplaceAll(c.name, " ", "_"), func(t *testing.T) {
			s, err := postgres.New().Parse(c.sql, &rewrite.Session{})
			var syntax *rewrite.SyntaxError
			if !errors.As(err, &syntax) || s == nil || s.Text != c.sql {
				t.Fatalf("script %v, error %v", s, err)
			}
			if c.pos >= 0 && syntax.Pos != c.pos || len(s.Tokens) != c.tokens || s.Statements != nil {
				t.Errorf("position %d, %d tokens, %d statements", syntax.Pos, len(s.Tokens), len(s.Statements))
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("the error quotes the text: %v", err)
			}
		})
	}
}

func TestRefusedBeforeTheParser(t *testing.T) {
	f := postgres.New()
	for _, c := range []struct {
		name, sql string
		reason    rewrite.Reason
		pos       int
	}{
		{"a NUL byte", "SELECT 1\x00; DROP TABLE t", rewrite.ReasonSyntax, 8},
		{"a text that is too long", strings.Repeat(" ", rewrite.MaxTextBytes+1), rewrite.ReasonTooLong, -1},
		{"parentheses", "SELECT " + strings.Repeat("(", 250), rewrite.ReasonTooDeep, 206},
		{"parameter zero", "SELECT $0", rewrite.ReasonParameters, 7},
		{"a parameter that would wrap around", "SELECT $4294967297", rewrite.ReasonParameters, 7},
	} {
		t.Run(strings.ReplaceAll(c.name, " ", "_"), func(t *testing.T) {
			text, err := f.Prepare(c.sql, &rewrite.Session{})
			if err == nil {
				_, err = f.Parse(text, &rewrite.Session{})
			}
			var u *rewrite.UnsupportedError
			if !errors.As(err, &u) || u.Reason != c.reason || u.Pos != c.pos {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestParseEnforcesTheCapsByItself(t *testing.T) {
	_, err := postgres.New().Parse("SELECT "+strings.Repeat("NOT ", 300)+"a", &rewrite.Session{})
	var u *rewrite.UnsupportedError
	if !errors.As(err, &u) || u.Reason != rewrite.ReasonTooDeep {
		t.Errorf("got %v", err)
	}
}

func TestMarkersAreInTextOrder(t *testing.T) {
	s := parse(t, "SELECT $3, '$9', $1 /* $8 */, $3")
	var got []int
	for _, m := range s.Markers {
		got = append(got, m.N)
		if s.Text[m.Start:m.End] != m.Source {
			t.Errorf("marker %v of %q", m, s.Text)
		}
	}
	if !slices.Equal(got, []int{3, 1, 3}) || s.Params != 3 {
		t.Errorf("markers %v, %d parameters", got, s.Params)
	}
}

func TestTextsThatDifferDoNotLowerAlike(t *testing.T) {
	for _, c := range [][2]string{
		{"SELECT a FROM t", "SELECT b FROM t"},
		{"SELECT a AS b FROM t", "SELECT a FROM t"},
		{"SELECT 1 ORDER BY 1", "SELECT 1 ORDER BY 1 DESC"},
		{"SELECT 1 LIMIT 1", "SELECT 1 OFFSET 1"},
		{"SELECT a FROM t FOR UPDATE", "SELECT a FROM t FOR SHARE"},
		{"SELECT f(a) OVER (ORDER BY b)", "SELECT f(a) OVER (PARTITION BY b)"},
		{"SELECT f(a ORDER BY b)", "SELECT f(a) FILTER (WHERE b)"},
		{"SELECT count(a)", "SELECT count(DISTINCT a)"},
		{"SELECT a LIKE b", "SELECT a ILIKE b"},
		{"SELECT a::int", "SELECT a::bigint"},
		{"SELECT a::numeric(3)", "SELECT a::numeric(4)"},
		{"SELECT a[1:]", "SELECT a[:1]"},
		{"SELECT a[1:]", "SELECT a[1]"},
		{"SELECT * FROM ONLY t", "SELECT * FROM t"},
		{"SELECT 1 UNION SELECT 2", "SELECT 1 UNION ALL SELECT 2"},
		{"SELECT a FROM t GROUP BY a, b", "SELECT a FROM t GROUP BY ROLLUP (a, b)"},
		{"INSERT INTO t VALUES (1) ON CONFLICT DO NOTHING", "INSERT INTO t VALUES (1)"},
		{"INSERT INTO t (a) OVERRIDING USER VALUE VALUES (1)", "INSERT INTO t (a) OVERRIDING SYSTEM VALUE VALUES (1)"},
		{"CREATE VIEW v AS SELECT 1 WITH CHECK OPTION", "CREATE VIEW v AS SELECT 1"},
		{"COMMENT ON TABLE t IS ''", "COMMENT ON TABLE t IS NULL"},
		{"NOTIFY a", "NOTIFY a, ''"},
		{"SET a = 'b'", "SET a = 'c'"},
		{"SELECT interval '1' year", "SELECT interval '1' month"},
		{"SELECT current_time(1)", "SELECT current_time(2)"},
		{"SELECT EXTRACT(year FROM a)", "SELECT EXTRACT(month FROM a)"},
		{"SELECT x'1'", "SELECT b'1'"},
		{"SELECT 1.0", "SELECT 1.00"},
		{"SELECT a = ANY (b)", "SELECT a = ALL (b)"},
		{"SELECT a JOIN", "SELECT a"},
	} {
		a, errA := postgres.New().Parse(c[0], &rewrite.Session{})
		b, errB := postgres.New().Parse(c[1], &rewrite.Session{})
		if errA != nil || errB != nil {
			if c[0] != "SELECT a JOIN" {
				t.Errorf("%q: %v, %q: %v", c[0], errA, c[1], errB)
			}
			continue
		}
		if dump(a.Statements) == dump(b.Statements) {
			t.Errorf("%q and %q lower alike: %s", c[0], c[1], dump(a.Statements))
		}
	}
}

func TestBlanksAndCommentsDoNotMatter(t *testing.T) {
	a := parse(t, "SELECT a FROM t WHERE b NOT IN (1) AND c='d'")
	b := parse(t, "SELECT/**/a FROM\n\tt -- x\nWHERE b NOT /* /* in */ */ IN(1)AND c = 'd' ;")
	if dump(a.Statements) != dump(b.Statements) {
		t.Errorf("%s\n%s", dump(a.Statements), dump(b.Statements))
	}
}

func TestFunctionsThatReachOutAreNotOnTheList(t *testing.T) {
	f := postgres.New()
	for _, name := range []string{
		"query_to_xml", "table_to_xml", "schema_to_xml", "database_to_xml", "cursor_to_xml", "dblink",
		"lo_import", "lo_export", "lo_get", "pg_read_file", "pg_ls_dir", "ts_stat", "ts_rewrite", "set_config",
		"pg_logical_emit_message", "pg_logical_slot_get_changes", "currtid2", "current_query", "pg_terminate_backend",
		"plpgsql_call_handler", "add", "", "pg_catalog.", "public.lower", "LOWER",
	} {
		if f.Function(name) {
			t.Errorf("%q is taken for harmless", name)
		}
	}
	for _, name := range []string{"lower", "pg_catalog.lower", "now", "count", "coalesce", "nextval", "jsonb_build_object", "current_timestamp", "extract", "timezone", "generate_series"} {
		if !f.Function(name) {
			t.Errorf("%q is not known", name)
		}
	}
}

// connect opens a private database of the server.
func connect(t *testing.T) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), testenv.Postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func TestConstantsReadTheSameWhateverTheSettings(t *testing.T) {
	conn := connect(t)
	f := postgres.New()
	ctx := context.Background()
	for _, setting := range []string{"on", "off"} {
		if _, err := conn.Exec(ctx, "SET standard_conforming_strings = "+setting, pgx.QueryExecModeSimpleProtocol); err != nil {
			t.Fatal(err)
		}
		for _, s := range []string{"", "a", "it's", `back\slash`, `\' OR 1`, "é\n\t", `E'\\x'`} {
			var got string
			// A simple query: the constant is read by the server alone.
			r := conn.PgConn().Exec(ctx, "SELECT "+f.StringLiteral(s)+"::text")
			all, err := r.ReadAll()
			if err == nil {
				got = string(all[0].Rows[0][0])
			}
			if err != nil || got != s {
				t.Errorf("%s: %q came back as %q, %v", setting, s, got, err)
			}
		}
		for _, b := range [][]byte{{}, {0}, {0xf9, 0x27, 0x5c, 0}, []byte("text")} {
			r := conn.PgConn().Exec(ctx, "SELECT encode("+f.BytesLiteral(b)+", 'hex')")
			all, err := r.ReadAll()
			if err != nil || string(all[0].Rows[0][0]) != fmt.Sprintf("%x", b) {
				t.Errorf("%s: %x: %v", setting, b, err)
			}
		}
	}
	for _, name := range []string{"a", "A b", `q"q`, "é", "select"} {
		r := conn.PgConn().Exec(ctx, "SELECT 1 AS "+f.QuoteIdent(name))
		all, err := r.ReadAll()
		if err != nil || all[0].FieldDescriptions[0].Name != name {
			t.Errorf("%q: %v", name, err)
		}
	}
	if f.Placeholder(12) != "$12" || f.Dialect() != rewrite.Postgres {
		t.Error("placeholder or dialect")
	}
	if _, err := conn.PgConn().Exec(ctx, "SELECT "+f.StringLiteral("a\x00b")).ReadAll(); err == nil {
		t.Error("a string with a NUL is accepted")
	}
}
