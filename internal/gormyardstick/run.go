package main

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
)

// outcome is what one run of the suite gave.
type outcome struct {
	results  map[string]string // PASS, FAIL, SKIP or CRASH by test function
	output   map[string]string
	repeated []string // passed alone, behind the others
	log      string
}

func newOutcome() *outcome {
	return &outcome{results: map[string]string{}, output: map[string]string{}}
}

// failed lists those that did not pass, in order.
func (o *outcome) failed() []string {
	var out []string
	for name, result := range o.results {
		if result == "FAIL" || result == "CRASH" {
			out = append(out, name)
		}
	}
	sort.Strings(out)
	return out
}

var (
	begins = regexp.MustCompile(`^=== RUN\s+(Test[^/\s]*)$`)
	ends   = regexp.MustCompile(`^--- (PASS|FAIL|SKIP): (Test[^/\s]*) `)
)

// suite runs all test functions through a driver. A function that ends the
// process is a crash; the others are run again without it.
func (c *checkout) suite(e engine, driver, config string) (*outcome, error) {
	out := newOutcome()
	env, err := c.environment(e, driver, config)
	if err != nil {
		return nil, err
	}
	var log strings.Builder
	if err := c.database(e, env, config != ""); err != nil {
		return nil, err
	}
	for round := 0; round < 20; round++ {
		fmt.Printf("%s: running through %s\n", e.name, driver)
		text := c.tests(env, c.run, out.done())
		log.WriteString(text)
		if out.read(text) {
			break
		}
	}
	// What failed without a refusal, or for want of a table, is run once more, alone
	// and in turn: it may have met what another test left behind, or a timer.
	for _, name := range out.failed() {
		if why := refusalIn(out.output[name]); why != "" && !strings.Contains(why, "relation not known") {
			continue
		}
		text := c.tests(env, "^"+name+"$", nil)
		log.WriteString(text)
		if again := newOutcome(); again.read(text) && again.results[name] == "PASS" {
			out.results[name], out.repeated = "PASS", append(out.repeated, name)
		}
	}
	out.log = log.String()
	if len(out.results) == 0 {
		return nil, fmt.Errorf("no test ran; see %s", c.logFile(e, driver, out.log))
	}
	c.logFile(e, driver, out.log)
	return out, nil
}

func (c *checkout) logFile(e engine, driver, text string) string {
	file := filepath.Join(c.work, e.name+"-"+driver+".log")
	os.WriteFile(file, []byte(text), 0o600) //nolint:errcheck // a copy for the reader
	return file
}

// environment is that of the test binary.
func (c *checkout) environment(e engine, driver, config string) ([]string, error) {
	key := make([]byte, 32)
	rand.Read(key)
	dir := filepath.Join(c.work, "tmp-"+driver)
	if err := os.RemoveAll(dir); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	return append(os.Environ(),
		"GORM_DIALECT="+e.name, "DEBUG=true", "TMPDIR="+dir, "SEALSQL_CONFIG="+config, masterKey+"="+hex.EncodeToString(key),
		"GORM_YARDSTICK_DRIVER="+driver, "GORM_YARDSTICK_PLAIN="+e.plain,
		"GORM_YARDSTICK_ADMIN="+os.Getenv(e.admin), "GORM_YARDSTICK_DATABASE="+e.database(driver),
	), nil
}

// database makes an empty database, for the encrypting driver with a key table.
func (c *checkout) database(e engine, env []string, sealed bool) error {
	if !e.server {
		return nil
	}
	dsn, err := c.command(append(env, "GORM_YARDSTICK_PREPARE=1"), c.binary)
	if err != nil || !sealed {
		return err
	}
	dsn = strings.TrimSpace(dsn)
	_, err = c.command(append(env, "GORM_YARDSTICK_DSN="+dsn), c.sealsql, "metastore", "init", "--dialect", e.name, "--dsn-env", "GORM_YARDSTICK_DSN")
	return err
}

func (c *checkout) command(env []string, name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Env, cmd.Dir = env, c.folder
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s", filepath.Base(name), err, errs.String())
	}
	return string(out), nil
}

// tests runs the functions of the test binary that run names, all where it is
// empty, without those that are done.
func (c *checkout) tests(env []string, run string, done []string) string {
	args := []string{"-test.v", "-test.timeout=20m"}
	if run != "" {
		args = append(args, "-test.run="+run)
	}
	if len(done) > 0 {
		args = append(args, "-test.skip=^("+strings.Join(done, "|")+")$")
	}
	cmd := exec.Command(c.binary, args...)
	cmd.Env, cmd.Dir = env, c.folder
	out, _ := cmd.CombinedOutput() // failing tests are what is measured
	return string(out)
}

func (o *outcome) done() []string {
	var out []string
	for name := range o.results {
		out = append(out, name)
	}
	return out
}

// read takes the results out of a log and reports whether all tests ended.
func (o *outcome) read(text string) bool {
	current, finished := "", false
	for _, line := range strings.Split(text, "\n") {
		if m := begins.FindStringSubmatch(line); m != nil {
			current = m[1]
			o.results[current] = "CRASH"
		}
		if current != "" {
			o.output[current] += line + "\n"
		}
		if m := ends.FindStringSubmatch(line); m != nil {
			o.results[m[2]] = m[1]
		}
		finished = finished || line == "PASS" || line == "FAIL"
	}
	return finished || current == ""
}

var (
	refusals = regexp.MustCompile(`sealsql: [^\n]*`)
	failures = regexp.MustCompile(`(?m)^\s+[a-z_]+_test\.go:\d+: [^\n]*|^panic: [^\n]*`)
)

// refusalIn is the first refusal that a test met.
func refusalIn(output string) string {
	for _, r := range refusals.FindAllString(output, -1) {
		if strings.Contains(r, "refused:") {
			r, _, _ = strings.Cut(colours.ReplaceAllString(r, ""), ";")
			return r
		}
	}
	return ""
}

func firstFailure(output string) string {
	return strings.TrimSpace(failures.FindString(output))
}
