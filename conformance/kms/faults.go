package kms

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/sealsql/sealsql/envelope"
)

// Trouble is what a service, or its stand-in, does to every request.
type Trouble string

// The troubles, each with the fault that it must become.
const (
	Throttled Trouble = "throttled" // too many requests
	Outage    Trouble = "outage"    // the service says that it is in trouble
	Denied    Trouble = "denied"    // the identity lacks the permission
	Absent    Trouble = "absent"    // no such key: another region, another name
	Disabled  Trouble = "disabled"  // the key is disabled or going to be deleted
	Malformed Trouble = "malformed" // an answer that is not what the protocol says
	Silent    Trouble = "no answer" // none, for longer than the caller waits
)

var troubles = map[Trouble]envelope.Fault{
	Throttled: envelope.FaultThrottled, Outage: envelope.FaultUnreachable, Denied: envelope.FaultDenied,
	Absent: envelope.FaultAbsent, Disabled: envelope.FaultDisabled, Malformed: envelope.FaultMalformed,
}

// waits is how long the caller of a silent service waits, patience how long it
// may take until that is noticed.
const waits, patience = 200 * time.Millisecond, 5 * time.Second

// TestFaults has a service in every trouble wrap and unwrap. open returns a
// service that works, and what brings it into a trouble; the suite closes it.
// What the service says in its own words must not be in an error: say the word
// "secret" in it.
func TestFaults(t *testing.T, open func(t *testing.T) (k envelope.KeyManagementService, bring func(Trouble))) {
	for trouble, want := range troubles {
		t.Run(string(trouble), func(t *testing.T) {
			k, bring := open(t)
			defer k.Close()
			wrapped := wrap(t, k, context1())
			bring(trouble)
			for op, err := range attempts(t.Context(), k, wrapped) {
				var e *envelope.ServiceError
				switch {
				case !errors.As(err, &e) || e.Fault != want:
					t.Errorf("%s: %v; want %v", op, err, want)
				case e.Service == "" || e.Op == "" || e.Region == "" && e.Resource == "" || e.Hint() == "":
					t.Errorf("%s does not say who, where, what and what to do: %+v", op, e)
				case errors.Is(err, envelope.ErrTampered):
					t.Errorf("%s: trouble is taken for tampering: %v", op, err)
				case strings.Contains(err.Error(), "secret") || bytes.Contains([]byte(err.Error()), key()):
					t.Errorf("%s repeats what it must not: %v", op, err)
				}
			}
		})
	}
	t.Run(string(Silent), func(t *testing.T) {
		k, bring := open(t)
		defer k.Close()
		wrapped := wrap(t, k, context1())
		bring(Silent)
		ctx, cancel := context.WithTimeout(t.Context(), waits)
		defer cancel()
		start := time.Now()
		for op, err := range attempts(ctx, k, wrapped) {
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s: %v", op, err)
			}
		}
		if d := time.Since(start); d > patience {
			t.Errorf("the caller waited %v", d)
		}
	})
}

// attempts wraps and unwraps, and returns the errors.
func attempts(ctx context.Context, k envelope.KeyManagementService, wrapped []byte) map[string]error {
	_, wrapErr := k.EncryptKey(ctx, context1(), key())
	got, unwrapErr := k.DecryptKey(ctx, context1(), wrapped)
	if got != nil {
		unwrapErr = errors.New("bytes beside an error, or none")
	}
	return map[string]error{"EncryptKey": wrapErr, "DecryptKey": unwrapErr}
}
