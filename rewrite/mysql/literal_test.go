package mysql

import (
	"database/sql"
	"testing"

	_ "github.com/go-sql-driver/mysql"

	"github.com/sealsql/sealsql/internal/testenv"
	"github.com/sealsql/sealsql/rewrite"
)

var nastyStrings = []string{
	"", "plain", "it's", `back\slash`, `\`, `'`, `\'`, `"`, "`", "é 漢 🙂", "a\nb", "a\x00b", "--", "/*! 1 */", "?", "%_", "\x1a", "\x7f",
}

func sessions() []*rewrite.Session {
	var out []*rewrite.Session
	for i := range 4 {
		out = append(out, &rewrite.Session{ModeKnown: true, MariaDB: true, Version: 101119, ANSIQuotes: i&1 != 0, NoBackslashEscapes: i&2 != 0})
	}
	return append(out, &rewrite.Session{})
}

func TestWrittenLiteralsReadTheSameUnderEveryMode(t *testing.T) {
	f := New()
	for _, want := range nastyStrings {
		for _, s := range sessions() {
			for lit, kind := range map[string]rewrite.LiteralKind{
				f.StringLiteral(want): rewrite.LitString, f.BytesLiteral([]byte(want)): rewrite.LitBytes,
			} {
				script, err := f.Parse("SELECT "+lit, s)
				if err != nil {
					t.Fatalf("%q as %s: %v", want, lit, err)
				}
				got := script.Statements[0].(*rewrite.Query).Body.(*rewrite.Select).Items[0].Expr.(*rewrite.Literal)
				if got.Kind != kind || got.Value != want {
					t.Errorf("%q as %s reads as %q", want, lit, got.Value)
				}
			}
		}
	}
}

func TestQuotedNamesReadTheSameUnderEveryMode(t *testing.T) {
	f := New()
	for _, want := range []string{"a", "select", "a`b", `a"b`, `a\b`, "a b", "é"} {
		for _, s := range sessions() {
			script, err := f.Parse("SELECT 1 FROM "+f.QuoteIdent(want), s)
			if err != nil {
				t.Fatal(err)
			}
			got := script.Statements[0].(*rewrite.Query).Body.(*rewrite.Select).From[0].(*rewrite.Table)
			if got.Path[0].Name != want {
				t.Errorf("%q reads as %q", want, got.Path[0].Name)
			}
		}
	}
}

// What is written and how strings are decoded are compared with the server.
func TestTheLiveServerAgreesOnLiterals(t *testing.T) {
	db, err := sql.Open("mysql", testenv.MySQL(t))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	f := New()
	var texts []string
	for _, v := range nastyStrings {
		texts = append(texts, f.StringLiteral(v), f.BytesLiteral([]byte(v)))
	}
	texts = append(texts, `'a\'b'`, `'\%\_\q\n\0\Z\b\t\r\\'`, `'a''b'`, `'a' 'b'`, `'a"b'`, `N'x\ty'`, `_utf8mb4'é\\'`, `X'4142'`, `_binary'\\'`, `'\é'`)
	for _, mode := range []string{"", "ANSI_QUOTES", "NO_BACKSLASH_ESCAPES", "ANSI_QUOTES,NO_BACKSLASH_ESCAPES"} {
		if _, err := db.Exec("SET SESSION sql_mode = ?", mode); err != nil {
			t.Fatal(err)
		}
		s := &rewrite.Session{
			ModeKnown: true, MariaDB: true, ANSIQuotes: mode != "" && mode[0] == 'A', NoBackslashEscapes: len(mode) > 11,
		}
		for _, text := range texts {
			checkAgainstServer(t, db, s, text)
		}
	}
}

func checkAgainstServer(t *testing.T, db *sql.DB, s *rewrite.Session, text string) {
	t.Helper()
	script, err := New().Parse("SELECT "+text, s)
	var server string
	serverErr := db.QueryRow("SELECT " + text).Scan(&server)
	if err != nil || serverErr != nil {
		if (err == nil) != (serverErr == nil) {
			t.Errorf("%s: we %v, the server %v", text, err, serverErr)
		}
		return
	}
	e := script.Statements[0].(*rewrite.Query).Body.(*rewrite.Select).Items[0].Expr
	if lit, ok := e.(*rewrite.Literal); !ok || lit.Value != server {
		t.Errorf("%s: we read %s, the server %q", text, dump(e), server)
	}
}
