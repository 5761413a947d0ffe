//go:build !unix

package main

import "time"

var started = time.Now()

// cpuTime is wall-clock time where the system does not tell CPU time simply.
func cpuTime() time.Duration { return time.Since(started) }
