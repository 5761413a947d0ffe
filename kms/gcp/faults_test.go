package gcp_test

import (
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	kmstest "github.com/sealsql/sealsql/conformance/kms"
	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/kms/gcp"
)

func TestTroublesConform(t *testing.T) {
	kmstest.TestFaults(t, func(t *testing.T) (envelope.KeyManagementService, func(kmstest.Trouble)) {
		f, open := newFake(t)
		return open(t, gcp.Options{TimeoutMS: 1000}), func(x kmstest.Trouble) {
			code, answers := map[kmstest.Trouble]codes.Code{
				kmstest.Throttled: codes.ResourceExhausted, kmstest.Outage: codes.Unavailable, kmstest.Denied: codes.PermissionDenied,
				kmstest.Absent: codes.NotFound, kmstest.Disabled: codes.FailedPrecondition,
			}[x]
			f.set(func() {
				f.hang, f.bad = x == kmstest.Silent, x == kmstest.Malformed
				if answers {
					f.err = status.Error(code, "secret")
				}
			})
		}
	})
}
