package main

import (
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// checkout is the copy in which the suite runs.
type checkout struct {
	options
	folder          string // of the suite
	binary, sealsql string
}

//go:embed overlay.txt
var overlay string

//go:embed driver.txt
var driverFile string

// prepare copies the checkout, makes GORM's drivers open what the environment
// names, and builds the suite.
func prepare(o options) (*checkout, error) {
	c := &checkout{options: o, folder: filepath.Join(o.work, "gorm", "tests"), binary: filepath.Join(o.work, "tests.bin"), sealsql: filepath.Join(o.work, "sealsql")}
	if _, err := os.Stat(filepath.Join(o.src, "tests", "go.mod")); err != nil {
		return nil, errors.New("the checkout has no tests/go.mod: clone the repository, a module has no tests")
	}
	if err := copyTree(o.src, filepath.Join(o.work, "gorm")); err != nil {
		return nil, err
	}
	for _, d := range []string{"postgres", "mysql", "sqlite"} {
		if err := c.patchDriver(d); err != nil {
			return nil, fmt.Errorf("gorm.io/driver/%s: %w", d, err)
		}
	}
	if err := c.writeOverlay(); err != nil {
		return nil, err
	}
	for _, args := range [][]string{
		{"mod", "edit", "-go=1.26.0", "-require=github.com/sealsql/sealsql@v0.0.0-00010101000000-000000000000", "-replace=github.com/sealsql/sealsql=" + o.root},
		{"mod", "tidy"},
		{"test", "-c", "-o", c.binary, "."},
	} {
		if err := c.golang(c.folder, args...); err != nil {
			return nil, err
		}
	}
	return c, c.golang(o.root, "build", "-o", c.sealsql, "./cmd/sealsql")
}

// golang runs the go command without cgo: SQLite is modernc.org/sqlite for
// both runs.
func (c *checkout) golang(dir string, args ...string) error {
	cmd := exec.Command("go", args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return nil
}

var initialize = regexp.MustCompile(`func \(dialector Dialector\) Initialize\(db \*gorm\.DB\) \(err error\) \{`)

// patchDriver copies one of GORM's drivers and makes it open every database
// through the driver that the environment names.
func (c *checkout) patchDriver(engine string) error {
	if err := c.golang(c.folder, "mod", "download", "gorm.io/driver/"+engine); err != nil {
		return err
	}
	cmd := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "gorm.io/driver/"+engine)
	cmd.Dir, cmd.Env = c.folder, append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off")
	dir, err := cmd.Output()
	if err != nil {
		return err
	}
	source := strings.TrimSpace(string(dir))
	to := filepath.Join(c.work, "driver-"+engine)
	if err := copyTree(source, to); err != nil {
		return err
	}
	file := filepath.Join(to, engine+".go")
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if !initialize.Match(text) {
		return errors.New("its Initialize is not where it was")
	}
	text = initialize.ReplaceAll(text, []byte("$0\n\tyardstick(&dialector)\n"))
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return err
	}
	patch := strings.Replace(driverFile, "package driver", "package "+engine, 1)
	for part, owner := range map[string]string{"simple protocol": "postgres", "sqlite": "sqlite"} {
		if owner != engine {
			patch = regexp.MustCompile(`(?s)\t// `+part+`\n.*?\t// end\n`).ReplaceAllString(patch, "")
		}
	}
	for _, unused := range map[string][]string{"mysql": {"database/sql", "strings"}, "sqlite": {"database/sql"}}[engine] {
		patch = strings.Replace(patch, "\t\""+unused+"\"\n", "", 1)
	}
	if err := os.WriteFile(filepath.Join(to, "yardstick.go"), []byte(patch), 0o600); err != nil {
		return err
	}
	return c.golang(c.folder, "mod", "edit", "-replace=gorm.io/driver/"+engine+"="+to)
}

// opens finds what a test opens by the name of a plain driver.
var opens = regexp.MustCompile(`sql\.Open\(("mysql"|"pgx"|"postgres"|"sqlite3?"), `)

// writeOverlay adds the file that links our drivers, makes private databases
// and points the suite's data source names at them, and has databases that the
// suite opens by itself opened through the driver of the run.
func (c *checkout) writeOverlay() error {
	sources, err := filepath.Glob(filepath.Join(c.folder, "*_test.go"))
	if err != nil {
		return err
	}
	var all strings.Builder
	for _, s := range sources {
		text, err := os.ReadFile(s)
		if err != nil {
			return err
		}
		all.Write(text)
		if patched := opens.ReplaceAll(text, []byte(`sql.Open(yardstickDriver($1), `)); string(patched) != string(text) {
			if err := os.WriteFile(s, patched, 0o600); err != nil {
				return err
			}
		}
	}
	var assign strings.Builder
	for _, engine := range []string{"mysql", "postgres"} {
		if regexp.MustCompile(`(?m)^\s*(var )?` + engine + `DSN\s*=`).MatchString(all.String()) {
			fmt.Fprintf(&assign, "\tif os.Getenv(\"GORM_DIALECT\") == %q {\n\t\t%sDSN = dsn\n\t}\n", engine, engine)
		}
	}
	text := strings.Replace(overlay, "\t// data source names\n", assign.String(), 1)
	return os.WriteFile(filepath.Join(c.folder, "a_yardstick_test.go"), []byte(text), 0o600)
}

// copyTree copies regular files, without version control.
func copyTree(from, to string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		switch {
		case d.IsDir() && d.Name() == ".git":
			return filepath.SkipDir
		case d.IsDir():
			return os.MkdirAll(filepath.Join(to, rel), 0o700)
		case !d.Type().IsRegular():
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), text, 0o600)
	})
}
