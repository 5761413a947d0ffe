package cli

import (
	"database/sql"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/sealsql/sealsql/config"
)

const reindexGuide = "../../docs/reindex.md"

// varying are the parts of the transcript that differ from run to run.
var varying = regexp.MustCompile(`waiting \d+s|before \S+ \(\d+s from now\)`)

func TestTheTranscriptOfAMoveIsTrue(t *testing.T) {
	text, err := os.ReadFile(reindexGuide)
	if err != nil {
		t.Fatal(err)
	}
	_, block, ok := strings.Cut(string(text), "```console\n")
	block, _, ok2 := strings.Cut(block, "```\n")
	_, yaml, ok3 := strings.Cut(string(text), "```yaml\n")
	yaml, _, ok4 := strings.Cut(yaml, "```\n")
	if !ok || !ok2 || !ok3 || !ok4 {
		t.Fatal("the guide has no transcript")
	}
	dir := t.TempDir()
	t.Chdir(dir)
	path := filepath.Join(dir, "sealsql.yaml")
	t.Setenv(config.EnvFile, path)
	head := `version: 1
service: shop
product: orders
kms: {static: {key: "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=", insecure: true}}
catalog: {max_age: 1s}
policy: {revoke_check: 1s}
`
	next := regexp.MustCompile(`(?m)^   `).ReplaceAllString(strings.TrimSuffix(yaml, "   "), "")
	write := func(tables string) {
		if err := os.WriteFile(path, []byte(head+tables), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(regexp.MustCompile(`(?m)^ *next: .*\n`).ReplaceAllString(next, ""))
	execAll(t, "CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT UNIQUE)",
		"INSERT INTO users VALUES (1, 'a'), (2, 'b'), (3, 'c')")
	write(next)
	got := ""
	for line := range strings.Lines(block) {
		command, ok := strings.CutPrefix(line, "$ sealsql ")
		if !ok {
			continue
		}
		var out strings.Builder
		run(strings.Fields(command), &out, &out)
		got += line + out.String()
	}
	if g, w := varying.ReplaceAllString(got, "…"), varying.ReplaceAllString(block, "…"); g != w {
		t.Errorf("the transcript is\n%s", got)
	}
}

func execAll(t *testing.T, statements ...string) {
	t.Helper()
	db, err := sql.Open("encrypted-sqlite", "app.db")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			t.Fatal(err)
		}
	}
}
