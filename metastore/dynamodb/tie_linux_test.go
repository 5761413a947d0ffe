package dynamodb_test

import (
	"os/exec"
	"runtime"
	"syscall"
)

// tie has a child end with the test binary, whatever ends that. The signal comes
// when the thread ends that started the child: the test's goroutine keeps it.
func tie(c *exec.Cmd) {
	runtime.LockOSThread()
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
