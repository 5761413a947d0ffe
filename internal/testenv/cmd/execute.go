package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
)

// execute runs the command to its end and returns its exit status; a command
// that a signal ended gives 128 plus the signal, as in a shell.
func execute(args, env []string, signals <-chan os.Signal) int {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = env
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	// The command leads its own group, so that a signal reaches the test
	// binaries, too: the go command would leave them behind.
	ownGroup(cmd)
	if err := cmd.Start(); err != nil {
		fmt.Fprintf(os.Stderr, "testenv: %v\n", err)
		return 127
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	for interrupts := 0; ; {
		select {
		case s := <-signals:
			if interrupts++; interrupts > 1 {
				killGroup(cmd.Process)
			} else {
				signalGroup(cmd.Process, s)
			}
		case err := <-done:
			if interrupts > 0 {
				killGroup(cmd.Process) // whoever of the group stayed behind
				return 130
			}
			return exitStatus(err)
		}
	}
}

func exitStatus(err error) int {
	if err == nil {
		return 0
	}
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		fmt.Fprintf(os.Stderr, "testenv: %v\n", err)
		return 1
	}
	if n := signalNumber(exit.ProcessState); n > 0 {
		return 128 + n
	}
	return exit.ExitCode()
}
