//go:build !linux && !darwin

package securemem

// memlockLimit is unknown: VirtualLock is bounded by the working set.
func memlockLimit() int64 { return -1 }
