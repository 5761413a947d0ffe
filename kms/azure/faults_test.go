package azure_test

import (
	"testing"

	kmstest "github.com/sealsql/sealsql/conformance/kms"
	"github.com/sealsql/sealsql/envelope"
)

func TestTroublesConform(t *testing.T) {
	kmstest.TestFaults(t, func(t *testing.T) (envelope.KeyManagementService, func(kmstest.Trouble)) {
		f := newFake(t)
		return f.open(t, nil), func(x kmstest.Trouble) {
			answer := map[kmstest.Trouble]struct {
				status int
				body   string
			}{
				kmstest.Throttled: {429, `{"error":{"code":"Throttled","message":"secret"}}`},
				kmstest.Outage:    {503, `secret`},
				kmstest.Denied:    {403, `{"error":{"code":"Forbidden","message":"secret"}}`},
				kmstest.Absent:    {404, `{"error":{"code":"KeyNotFound","message":"secret"}}`},
				kmstest.Disabled:  {403, `{"error":{"code":"Forbidden","message":"secret","innererror":{"code":"KeyDisabled"}}}`},
				kmstest.Malformed: {200, `<html>secret`},
			}[x]
			f.set(func() { f.hang, f.status, f.body = x == kmstest.Silent, answer.status, answer.body })
		}
	})
}
