package rewrite

import (
	"fmt"
	"path"
	"runtime"
	"strings"
)

// Fault turns a panic into the refusal of a statement, so that no text takes the
// program down: ReasonFault, with the file and line where it happened. What was
// thrown is not kept, since it may hold a value (threats T12). Put it behind a
// recover:
//
//	defer func() {
//		if r := recover(); r != nil {
//			plan, err = nil, rewrite.Fault(r)
//		}
//	}()
//
// Memory that was in use is of unknown state then and must not be used again.
func Fault(any) *UnsupportedError {
	hint := "this is a fault of sealsql, please report it with this place"
	if at := faultPlace(); at != "" {
		hint = fmt.Sprintf("this is a fault of sealsql at %s, please report it with this place", at)
	}
	return &UnsupportedError{Pos: -1, Reason: ReasonFault, Hint: hint}
}

// faultPlace names the first line of this module under the panic.
func faultPlace() string {
	var pcs [64]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	thrown := false
	for {
		f, more := frames.Next()
		switch {
		case strings.HasPrefix(f.Function, "runtime."):
			thrown = thrown || strings.HasSuffix(f.Function, "panic") || strings.HasSuffix(f.Function, "gopanic")
		case thrown && strings.HasPrefix(f.Function, modulePrefix):
			return fmt.Sprintf("%s:%d", path.Base(f.File), f.Line)
		}
		if !more {
			return ""
		}
	}
}

const modulePrefix = "github.com/sealsql/sealsql/"
