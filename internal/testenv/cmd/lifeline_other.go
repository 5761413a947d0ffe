//go:build !linux

package main

import (
	"os"
	"os/exec"
)

// lifeline has no counterpart here: a killed testenv leaves its servers.
func lifeline(*exec.Cmd, os.Signal) {}
