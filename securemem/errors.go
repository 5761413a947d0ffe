package securemem

import (
	"errors"
	"fmt"
)

var (
	// ErrDestroyed is returned by uses of a secret, cipher or arena after it was
	// destroyed.
	ErrDestroyed = errors.New("securemem: key was destroyed")

	// ErrExhausted is returned in mode Require when every locked slot is taken.
	ErrExhausted = errors.New("securemem: locked memory is used up")

	// ErrOpen is returned by Cipher.Open when the box is not authentic.
	ErrOpen = errors.New("securemem: message authentication failed")
)

// LockError says that memory could not be locked under mode Require.
type LockError struct {
	// Wanted is the smallest number of bytes that was tried.
	Wanted int
	// Limit is RLIMIT_MEMLOCK in bytes, -1 where there is none or it is unknown.
	Limit int64
	Err   error
}

func (e *LockError) Error() string {
	s := fmt.Sprintf("securemem: cannot lock %d bytes of memory", e.Wanted)
	if e.Limit >= 0 {
		s += fmt.Sprintf(" (RLIMIT_MEMLOCK is %d bytes)", e.Limit)
	}
	return s + ": raise the limit (ulimit -l, systemd LimitMEMLOCK=, docker --ulimit memlock=), or choose memory: prefer"
}

func (e *LockError) Unwrap() error { return e.Err }
