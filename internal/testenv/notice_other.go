//go:build !linux

package testenv

import "os"

// stderrOf knows no way to another process's standard error here.
func stderrOf(int) *os.File { return nil }
