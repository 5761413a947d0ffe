//go:build !unix

package main

import (
	"os"
	"os/exec"
)

// stopSignals end a run.
var stopSignals = []os.Signal{os.Interrupt}

func ownGroup(*exec.Cmd) {}

// signalGroup can only end the process: other signals do not exist here.
func signalGroup(p *os.Process, _ os.Signal) { killGroup(p) }

func killGroup(p *os.Process) { _ = p.Kill() }

func signalNumber(*os.ProcessState) int { return 0 }

func dropPrivileges(*exec.Cmd) {}

// enter is called for no tree here: findNewest asks for root.
func enter(*exec.Cmd, string) {}

func giveAway(string) error { return nil }
