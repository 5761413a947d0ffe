package sqlite

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sealsql/sealsql/rewrite"
)

var update = flag.Bool("update", false, "write what the front end yields into testdata/trees")

// TestTrees compares the tree of every statement in testdata/trees with the
// one recorded there. An archive holds pairs of NAME.sql and NAME.tree, the
// name being a sentence about the case.
func TestTrees(t *testing.T) {
	files, err := filepath.Glob("testdata/trees/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases found: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			treeFile(t, file)
		})
	}
}

func treeFile(t *testing.T, file string) {
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	comment, all := sections(string(data))
	trees := map[string]string{}
	var sqls []section
	for _, f := range all {
		switch name, ext, _ := strings.Cut(f.name, "."); ext {
		case "sql":
			sqls = append(sqls, f)
		case "tree":
			trees[name] = f.body
		default:
			t.Fatalf("section %q is neither .sql nor .tree", f.name)
		}
	}
	if len(sqls) == 0 {
		t.Fatal("no cases in the file")
	}
	var out strings.Builder
	out.WriteString(comment)
	for _, f := range sqls {
		name := strings.TrimSuffix(f.name, ".sql")
		got := treeOf(t, strings.TrimSuffix(f.body, "\n"))
		fmt.Fprintf(&out, "-- %s --\n%s-- %s.tree --\n%s", f.name, f.body, name, got)
		if want := trees[name]; got != want && !*update {
			t.Errorf("%s\n got %s\nwant %s", name, got, want)
		}
	}
	if *update {
		if err := os.WriteFile(file, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// treeSections are the statements of all archives.
func treeSections(t testing.TB) (out []section) {
	t.Helper()
	files, err := filepath.Glob("testdata/trees/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases found: %v", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, all := sections(string(data))
		for _, s := range all {
			if strings.HasSuffix(s.name, ".sql") {
				out = append(out, s)
			}
		}
	}
	return out
}

// section is one file of an archive in the txtar format.
type section struct{ name, body string }

// sections splits an archive at its "-- name --" lines.
func sections(data string) (comment string, out []section) {
	for _, line := range strings.SplitAfter(data, "\n") {
		name, marked := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "-- ")
		name, closed := strings.CutSuffix(name, " --")
		switch {
		case marked && closed:
			out = append(out, section{name: name})
		case len(out) == 0:
			comment += line
		default:
			out[len(out)-1].body += line
		}
	}
	return comment, out
}

// treeOf dumps the statements of text, one a line, or the error.
func treeOf(t *testing.T, text string) string {
	s, err := New().Parse(text, nil)
	if err != nil {
		return "error: " + err.Error() + "\n"
	}
	checkScript(t, s)
	var b strings.Builder
	for _, st := range s.Statements {
		b.WriteString(dump(st, false))
		b.WriteByte('\n')
	}
	return b.String()
}

func parse(t testing.TB, text string) *rewrite.Script {
	t.Helper()
	s, err := New().Parse(text, nil)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return s
}
