//go:build unix

package main

import (
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"
)

// stopSignals end a run; the first stands for all of them.
var stopSignals = []os.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT}

func attributes(cmd *exec.Cmd) *syscall.SysProcAttr {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	return cmd.SysProcAttr
}

func ownGroup(cmd *exec.Cmd) { attributes(cmd).Setpgid = true }

// signalGroup and killGroup ignore errors: a group without members is the
// aim of both.
func signalGroup(p *os.Process, s os.Signal) {
	if n, ok := s.(syscall.Signal); ok {
		_ = syscall.Kill(-p.Pid, n)
	}
}

func killGroup(p *os.Process) { _ = syscall.Kill(-p.Pid, syscall.SIGKILL) }

// signalNumber is the signal that ended the process, or 0.
func signalNumber(state *os.ProcessState) int {
	if ws, ok := state.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return int(ws.Signal())
	}
	return 0
}

// unprivileged is nobody's identity, or ok = false when testenv is not root and
// stays what it is. PostgreSQL refuses to run as root.
func unprivileged() (uid, gid int, ok bool) {
	if os.Geteuid() != 0 {
		return 0, 0, false
	}
	const fallback = 65534 // nobody's number on Linux
	u, err := user.Lookup("nobody")
	if err != nil {
		return fallback, fallback, true
	}
	uid, uidErr := strconv.Atoi(u.Uid)
	gid, gidErr := strconv.Atoi(u.Gid)
	if uidErr != nil || gidErr != nil {
		return fallback, fallback, true
	}
	return uid, gid, true
}

func dropPrivileges(cmd *exec.Cmd) {
	if uid, gid, ok := unprivileged(); ok {
		attributes(cmd).Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
}

// enter makes a tree the root of the command, whose path and directory are then
// those inside.
func enter(cmd *exec.Cmd, tree string) {
	if tree != "" {
		attributes(cmd).Chroot = tree
	}
}

// giveAway makes the path the property of who will run the server.
func giveAway(path string) error {
	uid, gid, ok := unprivileged()
	if !ok {
		return nil
	}
	return os.Chown(path, uid, gid)
}
