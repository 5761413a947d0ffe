//go:build unix

package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sealsql/sealsql/internal/testenv"
)

// testenvCommand is this binary as the command, with nothing in its environment
// that gives it a server.
func testenvCommand(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	if _, err := findPostgres(); err != nil {
		t.Skipf("no PostgreSQL programs here: %v", err)
	}
	if _, err := findMariaDB(); err != nil {
		t.Skipf("no MariaDB programs here: %v", err)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe, args...)
	cmd.Dir = t.TempDir() // no docker-compose.yml here or above: private instances
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "TEST_") && !strings.HasPrefix(kv, testenv.EnvRequire) {
			cmd.Env = append(cmd.Env, kv)
		}
	}
	cmd.Env = append(cmd.Env, "TESTENV_AS_COMMAND=1")
	return cmd
}

func TestARunExitsAsTheCommandAndLeavesNothing(t *testing.T) {
	cmd := testenvCommand(t, "--", "sh", "-c", `ls "$TEST_POSTGRES_DATADIR/PG_VERSION" "$TEST_MYSQL_DATADIR/ibdata1" && test "$SEALSQL_REQUIRE_SERVERS" = 1 && exit 3`)
	out, err := cmd.Output()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 3 {
		t.Fatalf("got %v\n%s", err, out)
	}
	expectGone(t, strings.Fields(string(out)))
}

// The newest servers are there where make test-newest has run, or are installed;
// obtaining them takes minutes.
func TestTheNewestServersRun(t *testing.T) {
	t.Chdir("../../..") // the tree is below the root of the repository
	h := &host{ctx: t.Context(), newest: true}
	t.Cleanup(h.close)
	for _, e := range h.engines() {
		found, err := e.find()
		if err != nil {
			t.Skipf("%s: %v", e.name, err)
		}
		s, err := e.start(h, found)
		if err != nil {
			t.Fatal(err)
		}
		if s, err = h.accepted(e, s); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(s.dataDir); err != nil {
			t.Errorf("%s: its files are not seen from here: %v", e.name, err)
		}
		if !strings.Contains(s.origin, "version") {
			t.Errorf("%s does not say its version: %s", e.name, s.origin)
		}
	}
}

func TestASignalReachesTheCommandsChildrenAndLeavesNothing(t *testing.T) {
	// The inner shell is what the go command's test binaries are: a grandchild.
	cmd := testenvCommand(t, "--", "sh", "-c", `echo "$TEST_POSTGRES_DATADIR"; sh -c 'echo $$; exec sleep 60'; true`)
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var dir string
	var grandchild int
	if _, err := fmt.Fscan(bufio.NewReader(pipe), &dir, &grandchild); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	err = cmd.Wait()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 130 {
		t.Errorf("got %v", err)
	}
	expectGone(t, []string{dir})
	for deadline := time.Now().Add(30 * time.Second); syscall.Kill(grandchild, 0) == nil; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("process %d is still there", grandchild)
		}
	}
}

func TestAServerThatDoesNotStartShowsItsLog(t *testing.T) {
	h := &host{ctx: t.Context()}
	t.Cleanup(h.close)
	i, err := h.newInstance("x", programs{})
	if err != nil {
		t.Fatal(err)
	}
	err = i.serve(postgres(), postgres().containerDSN(i.port), syscall.SIGINT, "/bin/sh", "-c", "echo the disk is on fire >&2; exit 1")
	if err == nil || !strings.Contains(err.Error(), "the disk is on fire") {
		t.Errorf("got %v", err)
	}
}

func TestADeathBySignalIsReportedAsAShellDoes(t *testing.T) {
	if got := exitStatus(exec.Command("sh", "-c", "kill -KILL $$").Run()); got != 128+9 {
		t.Errorf("got %d", got)
	}
}

func expectGone(t *testing.T, paths []string) {
	t.Helper()
	if len(paths) == 0 {
		t.Error("the command saw no data directory")
	}
	for _, p := range paths {
		if !strings.Contains(p, "sealsql-testenv-") {
			t.Errorf("%s is not in a private directory", p)
		}
		if _, err := os.Stat(filepath.Dir(p)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is still there", p)
		}
	}
}
