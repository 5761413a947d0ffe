package main

import (
	"os"
	"os/exec"
	"syscall"
)

// lifeline makes the kernel send the signal when the thread that starts the
// command dies, so that even a killed testenv leaves no server behind (only its
// directory). main holds on to its thread for this.
func lifeline(cmd *exec.Cmd, stop os.Signal) {
	if s, ok := stop.(syscall.Signal); ok {
		attributes(cmd).Pdeathsig = s
	}
}
