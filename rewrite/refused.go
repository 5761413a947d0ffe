package rewrite

import "errors"

// ErrRefused is the class of every *UnsupportedError: errors.Is(err,
// ErrRefused) tells a refusal from a failure. It is never returned itself.
var ErrRefused = errors.New("sealsql: refused")

// Is makes a refusal answer to ErrRefused.
func (e *UnsupportedError) Is(target error) bool { return target == ErrRefused }
