//go:build linux && (amd64 || arm64)

package memscan

import (
	"errors"
	"fmt"
	"runtime"
	"syscall"
)

// Syscalls counts the system calls, by number, that a thread of a child makes
// between two calls of getppid, which the child makes as marks. start lets the
// child go on towards the first one. The thread is traced with ptrace(2), which a
// parent may do; a system that forbids it gives an error that wraps EPERM.
func Syscalls(tid int, start func() error) (map[uint64]int, error) {
	runtime.LockOSThread() // ptrace belongs to a thread
	defer runtime.UnlockOSThread()
	if err := syscall.PtraceAttach(tid); err != nil {
		return nil, fmt.Errorf("memscan: trace: %w", err)
	}
	if _, err := waitStop(tid); err != nil {
		return nil, err
	}
	defer func() { _ = syscall.PtraceDetach(tid) }()
	if err := syscall.PtraceSetOptions(tid, syscall.PTRACE_O_TRACESYSGOOD); err != nil {
		return nil, err
	}
	if err := start(); err != nil {
		return nil, err
	}
	return countBetweenMarks(tid)
}

func countBetweenMarks(tid int) (map[uint64]int, error) {
	counts := map[uint64]int{}
	signal, inside, marks := 0, false, 0
	for {
		if err := syscall.PtraceSyscall(tid, signal); err != nil {
			return nil, err
		}
		stop, err := waitStop(tid)
		if err != nil {
			return nil, err
		}
		if stop != syscall.SIGTRAP|0x80 { // a signal on its way to the thread
			signal = int(stop)
			continue
		}
		signal = 0
		if inside = !inside; !inside {
			continue // the end of a call whose begin was counted
		}
		n, err := syscallNumber(tid)
		if err != nil {
			return nil, err
		}
		if n == syscall.SYS_GETPPID {
			if marks++; marks == 2 {
				return counts, nil
			}
			continue
		}
		if marks == 1 {
			counts[n]++
		}
	}
}

// waitStop waits until the thread is stopped and returns the signal.
func waitStop(tid int) (syscall.Signal, error) {
	var ws syscall.WaitStatus
	for {
		_, err := syscall.Wait4(tid, &ws, syscall.WALL, nil)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if err != nil {
			return 0, err
		}
		if !ws.Stopped() {
			return 0, errors.New("memscan: the traced thread ended")
		}
		return ws.StopSignal(), nil
	}
}
