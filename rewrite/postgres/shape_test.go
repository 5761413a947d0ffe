package postgres_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite testdata/shapes")

// A shape is a sentence, a text and the tree it lowers to:
//
//	# sentence
//	SELECT …
//	----
//	one statement a line
type shape struct{ name, sql, want string }

func readShapes(t *testing.T, file string) []shape {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out []shape
	for _, block := range strings.Split(strings.TrimSpace(string(b)), "\n\n") {
		head, want, ok := strings.Cut(block, "\n----")
		name, sql, named := strings.Cut(head, "\n")
		if !ok || !named || !strings.HasPrefix(name, "# ") {
			t.Fatalf("%s: not a case: %q", file, block)
		}
		out = append(out, shape{strings.TrimPrefix(name, "# "), sql, strings.TrimPrefix(want, "\n")})
	}
	return out
}

func TestShapes(t *testing.T) {
	files, err := filepath.Glob("testdata/shapes/*.txt")
	if err != nil || len(files) < 6 {
		t.Fatalf("%d files of cases, %v", len(files), err)
	}
	for _, file := range files {
		var out strings.Builder
		for _, c := range readShapes(t, file) {
			t.Run(strings.ReplaceAll(c.name, " ", "_"), func(t *testing.T) {
				var got []string
				s := parse(t, c.sql)
				for _, st := range s.Statements {
					got = append(got, dump(st))
				}
				text := strings.Join(got, "\n")
				out.WriteString("# " + c.name + "\n" + c.sql + "\n----\n" + text + "\n\n")
				if !*update && text != c.want {
					t.Errorf("%s\n got %s\nwant %s", c.sql, text, c.want)
				}
				checkTokens(t, s)
				checkSpans(t, s, &stats{})
				checkNothingDropped(t, s)
			})
		}
		if *update {
			if err := os.WriteFile(file, []byte(strings.TrimSpace(out.String())+"\n"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}
