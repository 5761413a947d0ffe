package postgres_test

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/rewrite/postgres"
)

// corpus returns the statements of the shared corpus, or nothing where it is
// not there.
func corpus(t testing.TB) []string {
	t.Helper()
	dir := os.Getenv("SEALSQL_SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared")
	}
	f, err := os.Open(filepath.Join(dir, "sql-corpus", "postgres.jsonl"))
	if err != nil {
		t.Logf("no corpus (set SEALSQL_SHARED): %v", err)
		return nil
	}
	defer f.Close()
	var out []string
	sc := bufio.NewScanner(f)
	sc.Buffer(nil, 16<<20)
	for sc.Scan() {
		var line struct{ SQL string }
		if err := json.Unmarshal(sc.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		out = append(out, line.SQL)
	}
	if err := sc.Err(); err != nil {
		t.Fatal(err)
	}
	if len(out) < 1000 {
		t.Fatalf("only %d statements in the corpus", len(out))
	}
	return out
}

func parse(t testing.TB, sql string) *rewrite.Script {
	t.Helper()
	f := postgres.New()
	text, err := f.Prepare(sql, &rewrite.Session{})
	if err != nil {
		t.Fatalf("Prepare(%q): %v", sql, err)
	}
	s, err := f.Parse(text, &rewrite.Session{})
	if err != nil {
		t.Fatalf("Parse(%q): %v", sql, err)
	}
	return s
}

func TestCorpusLowersWithExactSpans(t *testing.T) {
	var st stats
	for _, sql := range corpus(t) {
		if strings.Contains(sql, "$92233720368547758070") {
			continue // refused: no statement has that many arguments
		}
		s := parse(t, sql)
		if again := parse(t, sql); dump(s.Statements) != dump(again.Statements) {
			t.Errorf("lowers differently the second time: %s", sql)
		}
		checkTokens(t, s)
		checkSpans(t, s, &st)
		checkNothingDropped(t, s)
	}
	t.Logf("spans known: items %s, conditions %s, casts %s, literals %s, expressions %s, returning %s, queries %s",
		&st.items, &st.wheres, &st.casts, &st.literals, &st.exprs, &st.returning, &st.selects)
}
