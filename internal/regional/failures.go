package regional

import (
	"errors"
	"slices"
	"strings"

	"github.com/sealsql/sealsql/envelope"
)

// failures are what regions answered, in the order in which they were asked.
type failures []failure

type failure struct {
	region string
	err    error
}

func (f *failures) add(region string, err error) { *f = append(*f, failure{region, err}) }

// set keeps the latest answer of a region only.
func (f *failures) set(region string, err error) {
	f.drop(region)
	f.add(region, err)
}

func (f *failures) drop(region string) {
	*f = slices.DeleteFunc(*f, func(x failure) bool { return x.region == region })
}

func (f failures) asError(text string) error { return &Error{Text: text, failures: slices.Clone(f)} }

// Error says that no region did what was asked, and what each of them answered.
//
// It matches envelope.ErrTampered only if every region said that the key is not
// authentic: while one could not be asked, it may be the one that opens it.
type Error struct {
	Text     string
	failures failures
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Text)
	sep := ": "
	for _, f := range e.failures {
		b.WriteString(sep + "[" + f.region + "] " + f.err.Error())
		sep = "; "
	}
	return b.String()
}

// Is matches envelope.ErrTampered if every region that has the key refused it,
// and anything else if any region's answer does.
func (e *Error) Is(target error) bool {
	if target == envelope.ErrTampered {
		return e.refused()
	}
	for _, f := range e.failures {
		if errors.Is(f.err, target) {
			return true
		}
	}
	return false
}

func (e *Error) refused() bool {
	any := false
	for _, f := range e.failures {
		if f.err == errNotHere {
			continue
		}
		if !errors.Is(f.err, envelope.ErrTampered) {
			return false
		}
		any = true
	}
	return any
}

// As finds the answer that tells most: one that somebody has to act upon before
// one that passes by itself.
func (e *Error) As(target any) bool {
	s, ok := target.(**envelope.ServiceError)
	if !ok {
		return false
	}
	for _, temporary := range []bool{false, true} {
		for _, f := range e.failures {
			var x *envelope.ServiceError
			if errors.As(f.err, &x) && x.Fault.Temporary() == temporary {
				*s = x
				return true
			}
		}
	}
	return false
}
