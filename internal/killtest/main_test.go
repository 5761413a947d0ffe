//go:build unix

package killtest

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"

	"modernc.org/sqlite"

	"github.com/sealsql/sealsql/internal/cli"
)

// The variables by which a process knows that it is not the test itself, and
// before which change of a SQLite database it ends.
const (
	envRole  = "SEALSQL_KILLTEST_ROLE"
	envEvent = "SEALSQL_KILLTEST_EVENT"
)

func TestMain(m *testing.M) {
	if n, err := strconv.Atoi(os.Getenv(envEvent)); err == nil && n != 0 {
		stopAtEvent(int64(n))
	}
	switch os.Getenv(envRole) {
	case "":
		// Tests wait for what programs wait for, most of their time.
		flag.Parse()
		if err := flag.Set("test.parallel", "8"); err != nil {
			panic(err)
		}
		os.Exit(m.Run())
	case "sealsql":
		os.Exit(cli.Run("sealsql", os.Args[1:], os.Stdout, os.Stderr))
	case "writer":
		if err := writerMain(os.Args[1]); err != nil {
			fmt.Println("fault:", err)
			os.Exit(1)
		}
	}
}

// stopAtEvent has the process killed before the n-th change of a row, or commit of
// a transaction, in any SQLite database; stopped where n is negative.
func stopAtEvent(n int64) {
	sig := syscall.SIGKILL
	if n < 0 {
		n, sig = -n, syscall.SIGSTOP
	}
	var count atomic.Int64
	event := func() {
		if count.Add(1) == n {
			_ = syscall.Kill(os.Getpid(), sig)
		}
	}
	sqlite.RegisterConnectionHook(func(c sqlite.ExecQuerierContext, _ string) error {
		h, ok := c.(sqlite.HookRegisterer)
		if !ok {
			return errors.New("the connection has no hooks")
		}
		h.RegisterPreUpdateHook(func(sqlite.SQLitePreUpdateData) { event() })
		h.RegisterCommitHook(func() int32 { event(); return 0 })
		return nil
	})
}

// self is a command of this program in another role.
func self(role string, args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), envRole+"="+role, "SEALSQL_CONFIG=")
	return cmd
}

// wasKilled reports whether a process that has ended was killed.
func wasKilled(cmd *exec.Cmd) bool {
	ws, ok := cmd.ProcessState.Sys().(syscall.WaitStatus)
	return ok && ws.Signaled() && ws.Signal() == syscall.SIGKILL
}
