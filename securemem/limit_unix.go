//go:build linux || darwin

package securemem

import "golang.org/x/sys/unix"

// memlockLimit returns RLIMIT_MEMLOCK in bytes, -1 for unlimited or unknown.
// It only serves error messages: whether memory can be locked is found by
// trying (capabilities and other users of the limit count too).
func memlockLimit() int64 {
	var r unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_MEMLOCK, &r); err != nil || r.Cur > 1<<62 {
		return -1
	}
	return int64(r.Cur)
}
