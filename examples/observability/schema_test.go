package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/sealsql/sealsql/internal/testenv"
)

// grafana installs the types that Grafana publishes and the compiler that checks
// them, or leaves the test out where that may be.
func grafana(t *testing.T) (dir string) {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("..", "..", ".build", "grafana"))
	if err != nil {
		t.Fatal(err)
	}
	if err := testenv.NPM(filepath.Join("testdata", "grafana"), dir); err != nil {
		if testenv.Required() {
			t.Fatalf("Grafana's types need node and npm: %v", err)
		}
		t.Skipf("left out: Grafana's types need node and npm: %v", err)
	}
	return dir
}

// asProgram writes a dashboard as a program: each panel has the type of its kind.
func asProgram(t *testing.T, dashboard []byte) []byte {
	t.Helper()
	types, err := os.ReadFile(filepath.Join("testdata", "grafana", "types.ts"))
	if err != nil {
		t.Fatal(err)
	}
	var frame map[string]json.RawMessage
	if err := json.Unmarshal(dashboard, &frame); err != nil {
		t.Fatal(err)
	}
	var panels []json.RawMessage
	if err := json.Unmarshal(frame["panels"], &panels); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"panels", "__inputs", "__requires"} { // the latter are for its import
		delete(frame, name)
	}
	text, err := json.Marshal(frame)
	if err != nil {
		t.Fatal(err)
	}
	out := bytes.NewBuffer(types)
	fmt.Fprintf(out, "export const frame: Frame = %s;\n", text)
	for i, p := range panels {
		var kind struct{ Type string }
		if err := json.Unmarshal(p, &kind); err != nil {
			t.Fatal(err)
		}
		name, ok := map[string]string{"row": "Row", "stat": "Stat", "timeseries": "TimeSeries"}[kind.Type]
		if !ok {
			t.Fatalf("panel %d is of the kind %q, which types.ts lacks", i, kind.Type)
		}
		fmt.Fprintf(out, "export const panel%d: %s = %s;\n", i, name, p)
	}
	return out.Bytes()
}

// wrong has the types checked, and returns what the compiler objects to.
func wrong(t *testing.T, dir, name string, program []byte) string {
	t.Helper()
	path := filepath.Join(dir, name+".ts")
	if err := os.WriteFile(path, program, 0o644); err != nil {
		t.Fatal(err)
	}
	c := exec.Command("node", filepath.Join(dir, "node_modules", "typescript", "lib", "tsc.js"),
		"--noEmit", "--strict", "--skipLibCheck", "--module", "nodenext", "--moduleResolution", "nodenext", path)
	c.Dir = dir
	out, err := c.CombinedOutput()
	if (err != nil) != regexp.MustCompile(`error TS\d+`).Match(out) {
		t.Fatalf("tsc: %v\n%s", err, out)
	}
	return string(out)
}

// The dashboard is what Grafana's own types say that one is: every field is known
// and has a value that it may have. (No Grafana has loaded it.)
func TestTheDashboardIsOfGrafanasTypes(t *testing.T) {
	text, err := os.ReadFile("dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	dir := grafana(t)
	if out := wrong(t, dir, "dashboard", asProgram(t, text)); out != "" {
		t.Errorf("dashboard.json is not what Grafana's types say:\n%s", out)
	}
	// What is wrong on purpose is found: otherwise the types would check nothing.
	damaged := string(text)
	for _, d := range [][2]string{
		{`"justifyMode": "auto"`, `"justifyMode": "centre"`},
		{`"colorMode": "background"`, `"colorMode": "backdrop"`},
		{`"editorMode"`, `"editorMod"`},
		{`"drawStyle": "line"`, `"drawStyle": "lines"`},
		{`"collapsed": false`, `"collapsed": "no"`},
	} {
		if !strings.Contains(damaged, d[0]) {
			t.Fatalf("the dashboard has no %s", d[0])
		}
		damaged = strings.Replace(damaged, d[0], d[1], 1)
	}
	out := wrong(t, dir, "damaged", asProgram(t, []byte(damaged)))
	if n := strings.Count(out, "error TS"); n != 5 {
		t.Errorf("%d of 5 faults are found:\n%s", n, out)
	}
}
