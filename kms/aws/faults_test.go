package aws_test

import (
	"testing"

	kmstest "github.com/sealsql/sealsql/conformance/kms"
	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/kms/aws/internal/double"
)

func TestTroublesConform(t *testing.T) {
	kmstest.TestFaults(t, func(t *testing.T) (envelope.KeyManagementService, func(kmstest.Trouble)) {
		w := newWorld(t)
		w.o.Regions = w.o.Regions[1:]
		return w.open(t), func(x kmstest.Trouble) {
			a := map[kmstest.Trouble]double.Answer{
				kmstest.Throttled: {Status: 400, Code: "ThrottlingException"},
				kmstest.Outage:    {Status: 503, Code: "ServiceUnavailable"},
				kmstest.Denied:    {Status: 400, Code: "AccessDeniedException"},
				kmstest.Absent:    {Status: 400, Code: "NotFoundException"},
				kmstest.Disabled:  {Status: 400, Code: "DisabledException"},
				kmstest.Malformed: {Status: 200, Body: "<html>secret"},
				kmstest.Silent:    {Hang: true},
			}[x]
			w.west.Always(&a)
		}
	})
}
