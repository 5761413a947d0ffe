package cli

import (
	"bytes"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/sealsql/sealsql"
)

var updateTranscript = flag.Bool("update", false, "write what happens into docs/lifecycle.md")

const transcriptFile = "../../docs/lifecycle.md"

// what differs from run to run: times, the numbers of keys and lines that are
// made of them, the writers of the trail, who runs it, how long it took.
var transcriptNoise = []*regexp.Regexp{
	regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`),
	regexp.MustCompile(`@\d{10}`),
	regexp.MustCompile(`"(writer|mac|prev|head|actor)":"[^"]*"`),
	regexp.MustCompile(`"(seq|n|line)":\d+`),
	regexp.MustCompile(`\b[0-9a-f]{16,}\b`),
	regexp.MustCompile(`\b(\d+h)?(\d+m)?\d+s\b`),
	regexp.MustCompile(`line \d+|number \d+|\d+ lines of \d+ writers`),
	regexp.MustCompile(`[ \t]+`),
}

// ownWriter is what audit verify may say of itself, whose trail goes on.
var ownWriter = regexp.MustCompile(`(?m)^note: writer .* has not ended its trail: .*\n`)

// actorName is who runs the test.
var actorName = regexp.MustCompile(`"actor":"[^"]*"`)

func denoised(text string) string {
	for i, re := range transcriptNoise {
		text = re.ReplaceAllString(text, fmt.Sprintf("<%d>", i))
	}
	return text
}

// The transcript in the documentation is run, and its output compared.
func TestTheTranscriptIsWhatHappens(t *testing.T) {
	path, err := filepath.Abs(transcriptFile)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	t.Setenv("SEALSQL_CONFIG", "")
	fence := regexp.MustCompile("(?s)```([a-z]+)\n(.*?)```\n")
	ran := 0
	got := fence.ReplaceAllStringFunc(string(text), func(block string) string {
		m := fence.FindStringSubmatch(block)
		kind, body := m[1], m[2]
		switch kind {
		case "yaml":
			if err := os.WriteFile("sealsql.yaml", []byte(body), 0o600); err != nil {
				t.Fatal(err)
			}
		case "console":
			body = transcribe(t, body, "$ sealsql ", shellLine)
		case "sql":
			body = transcribe(t, body, "", statement)
		case "tamper":
			tamper(t, strings.Fields(body))
		default:
			t.Fatalf("a block of kind %s", kind)
		}
		ran++
		return "```" + kind + "\n" + body + "```\n"
	})
	if ran < 10 {
		t.Fatalf("%d blocks were found", ran)
	}
	if *updateTranscript {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, have := strings.Split(denoised(string(text)), "\n"), strings.Split(denoised(got), "\n")
	for i := range max(len(want), len(have)) {
		if i >= len(want) || i >= len(have) || want[i] != have[i] {
			t.Fatalf("line %d of the transcript differs (go test ./internal/cli -run Transcript -update):\n%s\nit is now\n%s", i+1, at(want, i), at(have, i))
		}
	}
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return "(none)"
}

// transcribe runs the lines of a block that are input, and writes their output
// below each. Output of an earlier run is left out.
func transcribe(t *testing.T, block, prompt string, run func(t *testing.T, line string) string) string {
	t.Helper()
	var out strings.Builder
	for _, line := range strings.Split(strings.TrimSuffix(block, "\n"), "\n") {
		input := strings.HasPrefix(line, prompt)
		if prompt == "" {
			input = strings.HasSuffix(line, ";")
		}
		if input {
			out.WriteString(line + "\n" + run(t, strings.TrimPrefix(line, prompt)))
		}
	}
	return out.String()
}

func shellLine(t *testing.T, line string) string {
	t.Helper()
	line, file, _ := strings.Cut(line, " > ")
	var out, errs bytes.Buffer
	code := run(strings.Fields(line), &out, &errs)
	if file != "" {
		if err := os.WriteFile(file, out.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		out.Reset()
	}
	if code != exitOK {
		fmt.Fprintf(&errs, "exit status %d\n", code)
	}
	here, err := filepath.EvalSymlinks(".")
	if err == nil {
		here, err = filepath.Abs(here)
	}
	if err != nil {
		t.Fatal(err)
	}
	text := ownWriter.ReplaceAllString(out.String()+errs.String(), "")
	text = actorName.ReplaceAllString(text, `"actor":"ops"`)
	return strings.ReplaceAll(text, here, "/srv/shop")
}

// statement is run as a program would, which opens the database for it.
func statement(t *testing.T, line string) string {
	t.Helper()
	db, err := sql.Open("encrypted-sqlite", "app.db")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if !strings.HasPrefix(line, "SELECT") {
		if _, err := db.Exec(line); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		return ""
	}
	rows, err := db.Query(line)
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for rows.Next() {
		values, into := make([]string, len(names)), make([]any, len(names))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(&out, "--", strings.Join(values, " | "))
	}
	switch err := rows.Err(); {
	case errors.Is(err, sealsql.ErrShredded):
		fmt.Fprintln(&out, "-- ErrShredded")
	case err != nil:
		t.Fatal(err)
	}
	return out.String()
}

func tamper(t *testing.T, words []string) {
	t.Helper()
	b, err := os.ReadFile(words[0])
	if err != nil {
		t.Fatal(err)
	}
	changed := bytes.Replace(b, []byte(words[1]), []byte(words[2]), 1)
	if bytes.Equal(b, changed) {
		t.Fatalf("%s has no %s", words[0], words[1])
	}
	if err := os.WriteFile(words[0], changed, 0o600); err != nil {
		t.Fatal(err)
	}
}
