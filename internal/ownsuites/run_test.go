package ownsuites_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var (
	run  = flag.Bool("suites", false, "run the suites of others")
	only = flag.String("only", "", "tests of the suites to run, as for go test -run")
	show = flag.Bool("show", false, "show the output of tests that differ")
)

func (s *suite) test(t *testing.T) {
	binary := s.build(t)
	plain := s.execute(t, binary, "")
	t.Logf("%-28s %s", "plain", plain)
	for _, name := range plain.names() {
		if plain.outcome[name] == "fail" {
			t.Logf("fails plainly: %s", name)
			if *show {
				t.Log(plain.output[name])
			}
		}
	}
	if plain.contains("", "\npanic: ") {
		t.Error("the suite panics without the wrapper, so that tests are left out; name the one that does in its skip")
	}
	if plain.count("pass") == 0 {
		t.Fatalf("no test passes plainly; the suite did not run:\n%s", plain.rest)
	}
	for _, c := range configurations {
		file := filepath.Join(t.TempDir(), "sealsql.yaml")
		if err := os.WriteFile(file, []byte(c.content), 0o600); err != nil {
			t.Fatal(err)
		}
		wrapped := s.execute(t, binary, file)
		t.Logf("%-28s %s", c.name, wrapped)
		s.compare(t, c.name, c.mayRefuse, plain, wrapped)
	}
}

// refusals are in the output of a test whose statement was refused, or whose data source
// name asks for what encrypted columns exclude.
var refusals = []string{"sealsql: refused: ", "sealsql: columnsWithAlias does not work with encrypted columns"}

// compare reports tests that pass plainly and not wrapped. Where something is
// annotated, a statement may be refused that cannot be proven to leave it alone.
func (s *suite) compare(t *testing.T, what string, mayRefuse bool, plain, wrapped *results) {
	refused := 0
	for _, name := range plain.names() {
		p, w := plain.outcome[name], wrapped.outcome[name]
		if p == w || p == "fail" {
			continue
		}
		if mayRefuse && slices.ContainsFunc(refusals, func(r string) bool { return wrapped.contains(name, r) }) {
			refused++
			if *show {
				t.Logf("refused in %s:\n%s", name, wrapped.output[name])
			}
			continue
		}
		t.Errorf("%s: %s: plain %s, wrapped %s", what, name, p, w)
		if *show {
			t.Log(wrapped.output[name])
		}
	}
	if refused > 0 {
		t.Logf("%-28s %d tests and subtests differ because a statement is refused", what, refused)
	}
	if len(wrapped.outcome) == 0 {
		t.Logf("%s", wrapped.rest)
	}
}

// build compiles the suite's edited copy, in a workspace with this module.
func (s *suite) build(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	work := t.TempDir()
	copied := filepath.Join(work, "suite")
	if err := os.CopyFS(copied, os.DirFS(s.source(t, root))); err != nil {
		t.Fatal(err)
	}
	s.edit(t, filepath.Join(copied, s.dir))
	workspace := fmt.Sprintf("go 1.26.0\n\nuse (\n\t%q\n\t%q\n)\n", copied, root)
	if err := os.WriteFile(filepath.Join(work, "go.work"), []byte(workspace), 0o600); err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(work, "suite.test")
	cmd := exec.Command("go", "test", "-c", "-o", binary, ".")
	cmd.Dir = filepath.Join(copied, s.dir)
	cmd.Env = append(os.Environ(), "GOWORK="+filepath.Join(work, "go.work"), "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build the suite: %v\n%s", err, out)
	}
	return binary
}

// source returns the directory of the module in the module cache.
func (s *suite) source(t *testing.T, root string) string {
	t.Helper()
	cmd := exec.Command("go", "mod", "download", "-json", s.module+"@"+s.version)
	if s.version == "" {
		cmd = exec.Command("go", "list", "-m", "-json", s.module)
	}
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s cannot be had: %v", s.module, err)
	}
	var m struct{ Dir string }
	if err := json.Unmarshal(out, &m); err != nil || m.Dir == "" {
		t.Fatalf("%s has no directory: %v", s.module, err)
	}
	return m.Dir
}

// edit replaces texts in the test files and adds the overlays. The copy of a
// file of the module cache cannot be written to before.
func (s *suite) edit(t *testing.T, dir string) {
	t.Helper()
	found := map[string]bool{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.Chmod(path, 0o700)
		}
		if !strings.HasSuffix(path, "_test.go") || filepath.Dir(path) != dir {
			return nil
		}
		return s.editFile(path, found)
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(s.edits); i += 2 {
		if !found[s.edits[i]] {
			t.Errorf("the suite has no %q any more", s.edits[i])
		}
	}
	for name, from := range s.overlays {
		content, err := os.ReadFile(filepath.Join("testdata", from))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func (s *suite) editFile(path string, found map[string]bool) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	text := string(content)
	for i := 0; i < len(s.edits); i += 2 {
		if strings.Contains(text, s.edits[i]) {
			found[s.edits[i]] = true
			text = strings.ReplaceAll(text, s.edits[i], s.edits[i+1])
		}
	}
	if s.used[0] != "" && strings.Contains(text, s.used[0]) {
		text += s.used[1]
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(text), 0o600)
}

// results are the outcomes of a run: pass, fail or skip for each test and
// subtest.
type results struct {
	outcome map[string]string
	output  map[string]string
	rest    string
}

func (s *suite) execute(t *testing.T, binary, config string) *results {
	t.Helper()
	// What a suite keeps running is ended by its own limit.
	args := []string{"tool", "test2json", binary, "-test.v=test2json", "-test.timeout=10m"}
	if s.skip != "" {
		args = append(args, "-test.skip="+s.skip)
	}
	if *only != "" {
		args = append(args, "-test.run="+*only)
	}
	cmd := exec.Command("go", args...)
	cmd.Dir = filepath.Join(filepath.Dir(binary), "suite", s.dir)
	cmd.Env = append(os.Environ(), append(s.environment(t), "SEALSQL_CONFIG="+config)...)
	var rest bytes.Buffer
	cmd.Stderr = &rest
	out, err := cmd.Output()
	if _, exited := err.(*exec.ExitError); err != nil && !exited {
		t.Fatal(err)
	}
	r := &results{outcome: map[string]string{}, output: map[string]string{}}
	for line := range bytes.Lines(out) {
		r.event(line, &rest)
	}
	r.rest = rest.String()
	return r
}

func (r *results) event(line []byte, rest *bytes.Buffer) {
	var e struct{ Action, Test, Output string }
	if json.Unmarshal(line, &e) != nil {
		return
	}
	switch {
	case e.Test == "":
		rest.WriteString(e.Output)
	case e.Action == "pass", e.Action == "fail", e.Action == "skip":
		r.outcome[e.Test] = e.Action
	case e.Action == "output":
		r.output[e.Test] += e.Output
	}
}

// contains reports whether a test or one of its subtests printed text; "" is
// any test.
func (r *results) contains(test, text string) bool {
	for name, out := range r.output {
		if (test == "" || name == test || strings.HasPrefix(name, test+"/")) && strings.Contains(out, text) {
			return true
		}
	}
	return false
}

func (r *results) count(outcome string) (n int) {
	for _, o := range r.outcome {
		if o == outcome {
			n++
		}
	}
	return n
}

func (r *results) names() []string {
	var out []string
	for name := range r.outcome {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

func (r *results) String() string {
	return fmt.Sprintf("%d passed, %d failed, %d skipped, of %d tests and subtests", r.count("pass"), r.count("fail"), r.count("skip"), len(r.outcome))
}
