//go:build unix

package securemem

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"
)

const hostEnv = "SEALSQL_TEST_HOST"

// A host program with handlers of its own, which uses arenas and meets the
// limit of locked memory, keeps them: memguard's answer to both is to take the
// handlers and to end the process.
func TestTheHostKeepsItsSignalsPanicsAndExitStatus(t *testing.T) {
	if what := os.Getenv(hostEnv); what != "" {
		host(t, what)
		return
	}
	for _, c := range []struct {
		what   string
		status int
		out    string
	}{
		{"handles its signals", 0, "hangup, terminated, interrupt"},
		{"recovers from a panic and goes on", 0, "recovered, keys are there"},
		{"dies of a panic", 2, "panic: of the host"},
		{"exits with its own status", 7, ""},
		{"dies of a signal that it does not handle", -1, ""},
	} {
		t.Run(c.what, func(t *testing.T) {
			cmd := exec.Command("/proc/self/exe", "-test.run=^TestTheHostKeepsItsSignalsPanicsAndExitStatus$")
			if exe, err := os.Executable(); err == nil {
				cmd.Path = exe
			}
			cmd.Env = append(os.Environ(), hostEnv+"="+c.what)
			out, _ := cmd.CombinedOutput()
			if got := cmd.ProcessState.ExitCode(); got != c.status {
				t.Errorf("status %d, want %d\n%s", got, c.status, out)
			}
			if !strings.Contains(string(out), c.out) {
				t.Errorf("output lacks %q:\n%s", c.out, out)
			}
		})
	}
}

func host(t *testing.T, what string) {
	signals := make(chan os.Signal, 3)
	if what == "handles its signals" {
		signal.Notify(signals, syscall.SIGHUP, syscall.SIGTERM, syscall.SIGINT)
	}
	a := open(t, Prefer, Config{MaxBytes: 16 << 10})
	s := secret(t, a, 1)
	defer s.Destroy()
	switch what {
	case "handles its signals":
		var got []string
		for _, sig := range []syscall.Signal{syscall.SIGHUP, syscall.SIGTERM, syscall.SIGINT} {
			if err := syscall.Kill(os.Getpid(), sig); err != nil {
				t.Fatal(err)
			}
			select {
			case s := <-signals:
				got = append(got, s.String())
			case <-time.After(30 * time.Second):
				t.Fatal("the signal does not arrive")
			}
		}
		fmt.Println(strings.Join(got, ", "))
	case "recovers from a panic and goes on":
		func() {
			defer func() { _ = recover() }()
			_ = s.Use(func([]byte) error { panic("in a callback") })
		}()
		wantKey(t, s, testKey(1))
		fmt.Println("recovered, keys are there")
	case "dies of a panic":
		go func() { panic("of the host") }()
		time.Sleep(time.Minute)
	case "exits with its own status":
		os.Exit(7)
	default:
		_ = syscall.Kill(os.Getpid(), syscall.SIGTERM)
		time.Sleep(time.Minute)
	}
}

func TestPanicInACallbackLeavesNoKeyBehind(t *testing.T) {
	a := open(t, Prefer, Config{MaxBytes: 8 << 10})
	s := secret(t, a, 1)
	defer s.Destroy()
	var copied []byte
	func() {
		defer func() { _ = recover() }()
		_ = s.Use(func(key []byte) error {
			copied = key
			panic("in a callback")
		})
	}()
	if !bytes.Equal(copied, make([]byte, SecretSize)) {
		t.Error("the copy was not wiped")
	}
	for range 200 { // until no slot is left, and beyond
		live := a.live
		func() {
			defer func() { _ = recover() }()
			_, _ = a.FillSecret(func([]byte) error { panic("in a callback") })
		}()
		if a.live != live {
			t.Fatal("a slot is lost")
		}
		defer secret(t, a, 2).Destroy()
	}
}
