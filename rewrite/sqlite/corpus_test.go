package sqlite

import (
	"bufio"
	"database/sql"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sealsql/sealsql/rewrite"
)

// corpusLine is a statement that SQLite accepted.
type corpusLine struct{ Kind, SQL string }

// corpus opens the SQL corpus beside the module, or nil where it is not.
func corpus(tb testing.TB) []corpusLine {
	dir := os.Getenv("SEALSQL_SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared")
	}
	f, err := os.Open(filepath.Join(dir, "sql-corpus", "sqlite.jsonl"))
	if err != nil {
		tb.Log("the SQL corpus is left out: SEALSQL_SHARED does not name its folder")
		return nil
	}
	defer f.Close()
	var out []corpusLine
	sc := bufio.NewScanner(f)
	sc.Buffer(nil, 64<<20)
	for sc.Scan() {
		var l corpusLine
		if err := json.Unmarshal(sc.Bytes(), &l); err != nil {
			tb.Fatal(err)
		}
		out = append(out, l)
	}
	if err := sc.Err(); err != nil || len(out) == 0 {
		tb.Fatalf("%d lines, %v", len(out), err)
	}
	return out
}

// rejected reports whether the engine rejects a text before it looks at any
// table.
func rejected(db *sql.DB, text string) bool {
	st, err := db.Prepare(text)
	if err == nil {
		_ = st.Close()
		return false
	}
	for _, m := range []string{
		"JOIN clause is required", "should come after", "unknown join type", "syntax error",
	} {
		if strings.Contains(err.Error(), m) {
			return true
		}
	}
	return false
}

// TestCorpus lowers every statement of the corpus that the engine of today
// takes, and checks the invariants. Only DDL may lower to Other, and only DDL
// may fail where the engine misses a table before it finds a syntax error.
func TestCorpus(t *testing.T) {
	db := open(t)
	all, failed, unknown := 0, 0, 0
	for _, l := range corpus(t) {
		all++
		text, err := New().Prepare(l.SQL, nil)
		if err != nil {
			t.Errorf("%s: %v\n%s", l.Kind, err, l.SQL)
			continue
		}
		s, err := New().Parse(text, nil)
		if err != nil {
			if failed++; l.Kind != "ddl" && !rejected(db, l.SQL) {
				t.Errorf("%s: %v\n%s", l.Kind, err, l.SQL)
			}
			continue
		}
		checkScript(t, s)
		for _, st := range s.Statements {
			if o, ok := st.(*rewrite.Other); ok {
				if l.Kind != "ddl" {
					t.Errorf("%s lowered to %s", l.Kind, o.Verb)
				}
				if o.Kind == rewrite.OtherUnknown {
					unknown++
				}
			}
		}
	}
	t.Logf("%d statements, %d not understood, %d of unknown kind", all, failed, unknown)
}
