package mysql

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sealsql/sealsql/internal/testenv"
	"github.com/sealsql/sealsql/rewrite"
)

// maria is the session that most tests read texts for.
var maria = &rewrite.Session{MariaDB: true, Version: 101119, ModeKnown: true}

type corpusCase struct {
	Kind, SQL, Source string
}

// corpus reads the collection of real statements that lies beside the
// repository; nil when it is not there.
func corpus(t testing.TB) []corpusCase {
	t.Helper()
	dir := testenv.Shared(t)
	if dir == "" {
		return nil
	}
	f, err := os.Open(filepath.Join(dir, "sql-corpus", "mysql.jsonl"))
	if err != nil {
		t.Log("no statement corpus: ", err)
		return nil
	}
	defer f.Close()
	var out []corpusCase
	sc := bufio.NewScanner(f)
	sc.Buffer(nil, 1<<24)
	for sc.Scan() {
		var c corpusCase
		if err := json.Unmarshal(sc.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		out = append(out, c)
	}
	return out
}

// app tells statements of applications and ORMs from those of engine and
// parser test suites.
func (c *corpusCase) app() bool {
	return !strings.HasPrefix(c.Source, "mariadb-test") && !strings.HasPrefix(c.Source, "vitess/") ||
		strings.Contains(c.Source, "django") || strings.Contains(c.Source, "lobsters")
}

// tally counts the outcomes of one kind of statement.
type tally struct{ all, unknown, lost, refused, noEdit int }

func (n *tally) add(s *rewrite.Script, err error) {
	n.all++
	var syn *rewrite.SyntaxError
	switch {
	case errors.As(err, &syn):
		n.unknown++
		if syn.Pos >= 0 { // the parser took it, the tokens did not follow
			n.lost++
		}
	case err != nil:
		n.refused++
	case s.NoEdit != "":
		n.noEdit++
	}
}

func TestCorpusIsReadWithoutContradiction(t *testing.T) {
	var app, suite tally
	cases := corpus(t)
	if cases == nil {
		return
	}
	for _, c := range cases {
		s, err := understand(c.SQL, maria)
		if err == nil {
			checkScript(t, s)
		}
		switch {
		case c.Kind == "ddl":
		case c.app():
			app.add(s, err)
		default:
			suite.add(s, err)
		}
	}
	t.Logf("application DML: %+v; suite DML: %+v", app, suite)
	if app.unknown*100 > app.all || app.noEdit*200 > app.all || app.lost > 0 || suite.lost*1000 > suite.all {
		t.Error("more statements than before are not understood")
	}
}

// No session makes the front end panic, and none makes it read a text of
// which it is not sure.
func TestCorpusUnderOtherSessions(t *testing.T) {
	for _, s := range []*rewrite.Session{
		{}, {ModeKnown: true, Version: 80036}, {ModeKnown: true, ANSIQuotes: true}, {ModeKnown: true, NoBackslashEscapes: true, MariaDB: true},
	} {
		for _, c := range corpus(t) {
			script, err := understand(c.SQL, s)
			if err == nil && !s.ModeKnown && strings.Contains(strings.ReplaceAll(script.Text, `\N`, ""), `\`) {
				checkNoBackslash(t, script)
			}
		}
	}
}

func checkNoBackslash(t *testing.T, s *rewrite.Script) {
	t.Helper()
	for _, tok := range s.Tokens {
		if tok.Kind == rewrite.TokString && strings.Contains(s.Text[tok.Start:tok.End], `\`) {
			t.Errorf("read without a known mode: %q", s.Text)
		}
	}
}
