package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// planned runs explain or lint with the catalog of the bench's database.
func (b *bench) planned(want int, command string, args ...string) string {
	b.t.Helper()
	return b.command(want, append([]string{command, "--config", b.config, "--dialect", b.dialect, "--db", b.source}, args...)...)
}

func TestStatementsArePlannedAgainstADatabase(t *testing.T) {
	everyEngine(t, func(b *bench) {
		if _, err := b.encrypted().Exec("CREATE TABLE people (id int PRIMARY KEY, name varchar(20), ssn varchar(40), fax varchar(40), salary int)"); err != nil {
			b.t.Fatal(err)
		}
		b.must("CREATE TABLE clear (id int);\nCREATE VIEW shown AS SELECT id, name FROM people;\n")
		out := b.planned(exitOK, "explain", "SELECT * FROM people")
		for _, want := range []string{"1 id ", "2 name ", "opened as people.ssn (varchar(40))", "opened as people.salary (int)"} {
			if !strings.Contains(out, want) {
				b.t.Errorf("%q is not in\n%s", want, out)
			}
		}
		if out := b.planned(exitOK, "explain", "SELECT id FROM clear"); !strings.Contains(out, "passes") {
			b.t.Error(out)
		}
		if out := b.planned(exitFault, "explain", "SELECT id FROM nowhere"); !strings.Contains(out, "the database's catalog has no such relation") {
			b.t.Error(out)
		}

		dir := b.t.TempDir()
		queries := "SELECT ssn FROM people;\nSELECT nosuch, ssn FROM people;\nALTER TABLE clear ADD COLUMN more int;\nSELECT c.more, p.ssn FROM clear c, people p;\nCREATE TABLE later (id int);\nSELECT id FROM later;\n"
		if err := os.WriteFile(filepath.Join(dir, "q.sql"), []byte(queries), 0o600); err != nil {
			b.t.Fatal(err)
		}
		out = b.planned(exitFault, "lint", dir)
		if !strings.Contains(out, "q.sql:2:8: refused: column not known") || !strings.Contains(out, "6 statements in 1 file: 2 planned, 3 passed, 1 refused") {
			b.t.Error(out)
		}
	})
}

func TestPasswordsOfPlanningAreNotPrinted(t *testing.T) {
	for dialect, dsn := range map[string]string{
		"postgres": "postgres://app:" + passwordCanary + "@127.0.0.1:1/app?connect_timeout=1",
		"mysql":    "app:" + passwordCanary + "@tcp(127.0.0.1:1)/app",
		"sqlite":   "file:/nowhere/" + passwordCanary + ".db",
	} {
		for _, command := range [][]string{{"explain", "SELECT 1"}, {"lint", "."}} {
			var out, errs bytes.Buffer
			args := append([]string{command[0], "--dialect", dialect, "--annotate", "t.a", "--db", dsn}, command[1:]...)
			if code := run(args, &out, &errs); code != exitFault {
				t.Errorf("%s, %s: exit status %d", dialect, command[0], code)
			}
			if strings.Contains(out.String()+errs.String(), passwordCanary) {
				t.Errorf("%s, %s: %s%s", dialect, command[0], &out, &errs)
			}
		}
	}
}

func TestWrongUsageOfPlanningIsTold(t *testing.T) {
	for _, args := range [][]string{
		{"explain", "--dialect", "oracle", "SELECT 1"},
		{"explain", "--dialect", "sqlite", "--annotate", "users", "SELECT 1"},
		{"explain", "--dialect", "sqlite", "--format", "sarif", "SELECT 1"},
		{"lint", "--dialect", "sqlite", "--annotate", "users.ssn"},
		{"lint", "--dialect", "sqlite", "--annotate", "users.ssn", "nowhere.sql"},
		{"lint", "--dialect", "sqlite", "--annotate", "users.ssn", "--schema", "a", "--infer-schema", "."},
	} {
		var out, errs bytes.Buffer
		if code := run(args, &out, &errs); code != exitUsage || out.Len() > 0 || !strings.Contains(errs.String(), "Try sealsql "+args[0]+" --help") {
			t.Errorf("%v: exit status %d, %s%s", args, code, &out, &errs)
		}
	}
}
