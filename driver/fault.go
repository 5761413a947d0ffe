package driver

import (
	"reflect"
	"runtime"
	"strings"

	"github.com/sealsql/sealsql/rewrite"
)

// No text, value or answer of a server may end the program. What panics in our
// own code becomes a refusal with the reason rewrite.ReasonFault; planning, sealing
// and opening see to it themselves, and guard stands behind them. What panics in
// the inner driver goes on, as without the wrapper.

// guard turns a panic into *err, around code that calls the inner driver; use it by
// defer. The connection may be in the middle of something: it is not used again once
// it is back in the pool.
func (c *conn) guard(err *error) {
	if r := recover(); r != nil {
		c.caught(r, err)
	}
}

// caught is guard for what was recovered by the function that calls it.
func (c *conn) caught(r any, err *error) {
	if thrownBy(c.inner) {
		panic(r)
	}
	fault := rewrite.Fault(r)
	c.broken = true
	c.cr.rec.Refused(refusal(fault))
	*err = fault
}

// ownModule begins the names of this module's packages.
const ownModule = "github.com/sealsql/sealsql/"

// thrownBy reports whether the panic that is being handled began in code that the
// inner connection called, and not in ours.
func thrownBy(inner any) bool {
	t := reflect.TypeOf(inner)
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	direct := t.PkgPath() + ".(*" + t.Name() + ")."
	module := moduleOf(t.PkgPath())
	var pcs [64]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	thrown := false
	for {
		f, more := frames.Next()
		switch {
		case f.Function == "runtime.gopanic" || f.Function == "runtime.sigpanic":
			thrown = true
		case !thrown:
		case strings.HasPrefix(f.Function, direct):
			return true
		case strings.HasPrefix(f.Function, ownModule):
			return false
		case module != "" && strings.HasPrefix(f.Function, module):
			return true
		}
		if !more {
			return false
		}
	}
}

// moduleOf is the host, owner and name that a package's path begins with; empty
// for this module.
func moduleOf(pkg string) string {
	parts := strings.SplitN(pkg, "/", 4)
	if len(parts) > 3 {
		parts = parts[:3]
	}
	if m := strings.Join(parts, "/"); m+"/" != ownModule {
		return m
	}
	return ""
}
