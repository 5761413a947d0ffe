//go:build linux && (amd64 || arm64)

package envelope_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
	"testing"

	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/internal/memscan"
)

const syscallChildEnv = "SEALSQL_TEST_SYSCALL_CHILD"

// A child seals and opens warm values between two marks; its parent traces the
// thread. Random bytes may take a getrandom where the kernel has no vDSO for it;
// anything else would be ours, since collector and preemption are off.
func TestWarmPathMakesNoSystemCall(t *testing.T) {
	if os.Getenv(syscallChildEnv) != "" {
		warmChild(t)
		return
	}
	cmd := exec.Command("/proc/self/exe", "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), syscallChildEnv+"=1",
		"GODEBUG="+strings.TrimPrefix(os.Getenv("GODEBUG")+",asyncpreemptoff=1", ","))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Wait() }()
	defer in.Close()
	var tid int
	if _, err := fmt.Fscanln(bufio.NewReader(out), &tid); err != nil {
		t.Fatal(err)
	}
	counts, err := memscan.Syscalls(tid, func() error { _, err := in.Write([]byte{1}); return err })
	if err != nil {
		t.Fatalf("the child cannot be traced, which this test needs (in a container: --cap-add=SYS_PTRACE): %v", err)
	}
	random := counts[syscallGetrandom]
	delete(counts, syscallGetrandom)
	total := 0
	for _, n := range counts {
		total += n
	}
	// The runtime wakes threads and maps memory for its heap now and then, and the
	// race detector does. What the warm path made would be made 1000 times.
	if total > 20 {
		t.Errorf("system calls by number: %v", counts)
	}
	t.Logf("1000 values sealed and opened, %d getrandom", random)
}

func warmChild(t *testing.T) {
	debug.SetGCPercent(-1)
	s := newSealer(t, nil)
	c, p := column(t, s, "users.ssn", true), partition(t, "tenant-1")
	cols, ctx, text := []*envelope.Column{c}, context.Background(), make([]byte, 64)
	rec, plain := make([]byte, 0, 256), make([]byte, 0, 256)
	seal1 := func() {
		var err error
		if rec, err = s.Seal(ctx, rec[:0], c, p, 1, text); err != nil {
			t.Fatal(err)
		}
		if plain, _, _, err = s.Open(ctx, plain[:0], cols, p, rec); err != nil {
			t.Fatal(err)
		}
	}
	for range 10 {
		seal1()
	}
	runtime.LockOSThread()
	fmt.Printf("%d\n", syscall.Gettid())
	_, _ = io.ReadFull(os.Stdin, make([]byte, 1))
	seal1()
	syscall.Getppid()
	for range 1000 {
		seal1()
	}
	syscall.Getppid()
}
