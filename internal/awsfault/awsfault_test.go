package awsfault_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"testing"

	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/internal/awsfault"
)

type api struct {
	code   string
	status int
}

func (a api) Error() string       { return "secret " + a.code }
func (a api) ErrorCode() string   { return a.code }
func (a api) HTTPStatusCode() int { return a.status }

type http int

func (h http) Error() string       { return "http" }
func (h http) HTTPStatusCode() int { return int(h) }

// What the SDK really returns is tested by the modules that use it.
func TestErrorsAreToldApart(t *testing.T) {
	for name, c := range map[string]struct {
		err    error
		want   envelope.Fault
		detail string
	}{
		"a code of the service":   {api{"OwnException", 400}, envelope.FaultDisabled, "OwnException"},
		"a common code":           {api{"ThrottlingException", 400}, envelope.FaultThrottled, "ThrottlingException"},
		"an unknown code":         {api{"What", 400}, envelope.FaultUnknown, "What"},
		"an unknown code and 503": {api{"What", 503}, envelope.FaultUnreachable, "What"},
		"a code that is a text":   {api{"a b", 400}, envelope.FaultUnknown, "unreadable code"},
		"no connection":           {&net.OpError{Op: "dial", Err: errors.New("refused")}, envelope.FaultUnreachable, "no connection"},
		"an answer without sense": {http(200), envelope.FaultMalformed, ""},
		"no credentials":          {errors.New("get identity: get credentials: none"), envelope.FaultDenied, "no credentials found"},
		"anything else":           {errors.New("secret"), envelope.FaultUnknown, ""},
	} {
		f, detail, cause := awsfault.Read(fmt.Errorf("operation: %w", c.err), map[string]envelope.Fault{"OwnException": envelope.FaultDisabled})
		if f != c.want || detail != c.detail || cause != nil {
			t.Errorf("%s: %v %q %v", name, f, detail, cause)
		}
	}
	for _, end := range []error{context.Canceled, context.DeadlineExceeded} {
		if f, _, cause := awsfault.Read(fmt.Errorf("operation: %w", end), nil); f != envelope.FaultUnreachable || !errors.Is(cause, end) {
			t.Errorf("%v: %v, %v", end, f, cause)
		}
	}
}
