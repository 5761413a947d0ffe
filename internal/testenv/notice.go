package testenv

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

var noticeOnce sync.Once

// notice prints one line per `go test` that names the servers it runs without.
// A passing package's own output is swallowed by the go command, so the line
// goes to that command's standard error where the system allows it (Linux), and
// otherwise nowhere: the skips still show under -v.
func notice() {
	noticeOnce.Do(func() {
		line := noticeLine(os.Getenv)
		if line == "" || !first() {
			return
		}
		if f := stderrOf(os.Getppid()); f != nil {
			defer f.Close()
			fmt.Fprintln(f, line)
		}
	})
}

func noticeLine(getenv func(string) string) string {
	var missing []string
	for _, s := range []struct{ variable, name string }{
		{EnvPostgresDSN, "PostgreSQL"},
		{EnvMySQLDSN, "MySQL/MariaDB"},
	} {
		if getenv(s.variable) == "" {
			missing = append(missing, s.name+" ("+s.variable+" is not set)")
		}
	}
	if len(missing) == 0 {
		return ""
	}
	return "testenv: left out the tests on " + strings.Join(missing, " and ") + "; `make test` runs them"
}

// first reports whether this is the first test binary of its `go test` to ask:
// there is one per package. The mark lies in that run's temporary build
// directory, which the go command removes; a binary that was built to stay
// (go test -c) has none, and gives no notice.
func first() bool {
	exe, err := os.Executable()
	if err != nil {
		return false
	}
	work := filepath.Dir(filepath.Dir(exe))
	if !strings.HasPrefix(filepath.Base(work), "go-build") {
		return false
	}
	f, err := os.OpenFile(filepath.Join(work, "sealsql-left-out"), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return false
	}
	f.Close()
	return true
}
