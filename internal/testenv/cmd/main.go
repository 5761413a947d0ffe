// Testenv runs a command with a PostgreSQL and a MariaDB server beside it:
//
//	go run ./internal/testenv/cmd -- go test -race -count=1 ./...
//
// Each server is the first of these that is there:
//
//   - what TEST_POSTGRES_DSN or TEST_MYSQL_DSN names;
//   - a container of docker-compose.yml, if a Docker engine answers within 3 s;
//   - a private instance of the programs installed here (PATH, then the places
//     where Debian puts them);
//   - the same after apt-get install, as root on Debian and its descendants.
//
// With -newest the servers are PostgreSQL 18 or later and MySQL itself. The
// places are the same, but for the last: as root on Debian both are installed
// from its unstable suite into .build/newest, by debootstrap from the mirror that
// apt-get uses, and run there.
//
// Otherwise testenv says what it tried and exits with 1. A private instance
// listens on a random port of 127.0.0.1 behind a random password, keeps its
// files in a fresh directory of mode 0700 and, when testenv is root, runs as
// nobody. Durability is switched off: nothing here outlives the run.
//
// The command finds the servers in TEST_POSTGRES_DSN and TEST_MYSQL_DSN, and
// the data files of private instances below TEST_POSTGRES_DATADIR and
// TEST_MYSQL_DATADIR. SEALSQL_REQUIRE_SERVERS=1 turns a test that would be
// skipped into a failure. If the command asks for -race and there is no C
// compiler, testenv obtains gcc in the same way. It forwards signals, stops
// and removes what it started however the run ends, and exits as the command
// did.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"time"

	"github.com/sealsql/sealsql/internal/testenv"
)

func main() {
	// The servers die with the thread that started them (lifeline, Linux). The
	// main thread lives as long as the process, so everything is started here.
	runtime.LockOSThread()
	os.Exit(run(os.Args[1:]))
}

func run(args []string) int {
	newest := len(args) > 0 && args[0] == "-newest"
	if newest {
		args = args[1:]
	}
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	if len(args) == 0 {
		fmt.Fprintln(os.Stderr, "usage: testenv [-newest] -- command [argument ...]")
		return 2
	}
	ctx, signals := watch()
	h := &host{ctx: ctx, newest: newest}
	defer h.close()
	env, err := h.prepare(args)
	if err != nil {
		fmt.Fprintf(os.Stderr, "testenv: %v\n", err)
		return 1
	}
	return execute(args, env, signals)
}

// prepare obtains the compiler and the servers and returns the environment of
// the command.
func (h *host) prepare(args []string) ([]string, error) {
	env := append(os.Environ(), testenv.EnvRequire+"=1")
	if slices.Contains(args, "-race") {
		if err := h.ensureCompiler(); err != nil {
			return nil, err
		}
		env = append(env, "CGO_ENABLED=1") // the race detector is C
	}
	for _, e := range h.engines() {
		s, err := h.obtain(e)
		if err != nil {
			return nil, err
		}
		if s, err = h.accepted(e, s); err != nil {
			return nil, err
		}
		fmt.Fprintf(os.Stderr, "testenv: %s: %s\n", e.name, s.origin)
		env = append(env, e.envDSN+"="+s.dsn)
		if s.dataDir != "" {
			env = append(env, e.envDataDir+"="+s.dataDir)
		}
	}
	h.ensurePgBouncer()
	return env, nil
}

// ensurePgBouncer obtains the pooler of one test, which is left out without it.
func (h *host) ensurePgBouncer() {
	if testenv.FindPgBouncer() != "" {
		return
	}
	if err := h.install("pgbouncer"); err != nil {
		fmt.Fprintf(os.Stderr, "testenv: PgBouncer: not installed, and %v; the test behind it is left out. Install pgbouncer, or set %s\n", err, testenv.EnvPgBouncer)
	}
}

// watch returns a context that ends with the first signal, and the channel on
// which all of them arrive. The death of the parent counts as one: the go
// command does not pass SIGTERM on to what it runs.
func watch() (context.Context, <-chan os.Signal) {
	ctx, cancel := context.WithCancel(context.Background())
	in, out := make(chan os.Signal, 4), make(chan os.Signal, 4)
	signal.Notify(in, stopSignals...)
	go func() {
		for s := range in {
			cancel()
			out <- s
		}
	}()
	go func() {
		parent := os.Getppid()
		for os.Getppid() == parent {
			time.Sleep(time.Second)
		}
		in <- stopSignals[0]
	}()
	return ctx, out
}

// host is the machine as this run uses it.
type host struct {
	ctx    context.Context   // ends when the run is interrupted
	newest bool              // the newest servers are wanted
	tmp    map[string]string // directories of the private instances, by the tree in which they run
	docker *dockerEngine     // asked once
	apt    *aptGet           // asked once
	undo   []func()          // in the order of starting
}

// close stops and removes everything, last started first.
func (h *host) close() {
	for _, f := range slices.Backward(h.undo) {
		f()
	}
	h.undo = nil
}

var errInterrupted = errors.New("interrupted")
