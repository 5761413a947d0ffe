//go:build linux && (amd64 || arm64)

package memscan

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
)

// The control of every test that finds no system call: what is made is counted.
func TestSystemCallsBetweenTheMarksAreCounted(t *testing.T) {
	if os.Getenv(childEnv) != "" {
		runtime.LockOSThread()
		fmt.Printf("%d\n", syscall.Gettid())
		_, _ = io.ReadFull(os.Stdin, make([]byte, 1))
		syscall.Getuid() // before the first mark
		syscall.Getppid()
		for range 7 {
			syscall.Getgid()
		}
		syscall.Getppid()
		syscall.Getuid()
		return
	}
	cmd := exec.Command("/proc/self/exe", "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), childEnv+"=1", "GODEBUG=asyncpreemptoff=1")
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
	counts, err := Syscalls(tid, func() error { _, err := in.Write([]byte{1}); return err })
	if err != nil {
		t.Fatal(err)
	}
	if counts[syscall.SYS_GETGID] != 7 || counts[syscall.SYS_GETUID] != 0 {
		t.Errorf("counted %v", counts)
	}
}
