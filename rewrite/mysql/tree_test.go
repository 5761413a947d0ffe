package mysql

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/sealsql/sealsql/rewrite"
)

var update = flag.Bool("update", false, "rewrite testdata/trees.txt")

// treeCase is a block of testdata/trees.txt:
//
//	# a_sentence_that_names_the_case
//	statement
//	----
//	one line for every statement of the text
type treeCase struct{ name, sql, tree string }

func treeCases(t *testing.T) []treeCase {
	t.Helper()
	data, err := os.ReadFile("testdata/trees.txt")
	if err != nil {
		t.Fatal(err)
	}
	var out []treeCase
	for _, block := range strings.Split("\n"+string(data), "\n# ")[1:] {
		name, rest, ok1 := strings.Cut(block, "\n")
		sql, tree, ok2 := strings.Cut(rest, "\n----")
		if !ok1 || !ok2 {
			t.Fatalf("case %q has no ----", name)
		}
		out = append(out, treeCase{name, strings.TrimSpace(sql), strings.TrimSpace(tree)})
	}
	if len(out) == 0 {
		t.Fatal("no cases")
	}
	return out
}

// understand prepares and parses a text for MariaDB.
func understand(sql string, s *rewrite.Session) (*rewrite.Script, error) {
	f := New()
	text, err := f.Prepare(sql, s)
	if err != nil {
		return nil, err
	}
	return f.Parse(text, s)
}

func TestTrees(t *testing.T) {
	var out strings.Builder
	for _, c := range treeCases(t) {
		t.Run(c.name, func(t *testing.T) {
			got := describe(t, c.sql)
			out.WriteString("# " + c.name + "\n" + c.sql + "\n----\n" + got + "\n\n")
			if !*update && got != c.tree {
				t.Errorf("%s\n got %s\nwant %s", c.sql, got, c.tree)
			}
		})
	}
	if *update {
		if err := os.WriteFile("testdata/trees.txt", []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func describe(t *testing.T, sql string) string {
	t.Helper()
	s, err := understand(sql, maria)
	if err != nil {
		return err.Error()
	}
	checkScript(t, s)
	var lines []string
	for _, st := range s.Statements {
		if o, ok := st.(*rewrite.Other); ok && o.Attr == s.Text {
			o.Attr = "…"
		}
		lines = append(lines, dump(st))
	}
	return strings.Join(lines, "\n")
}
