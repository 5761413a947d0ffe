package vault_test

import (
	"slices"
	"testing"

	"github.com/sealsql/sealsql/conformance/kms"
	"github.com/sealsql/sealsql/envelope"
)

func TestTroublesConform(t *testing.T) {
	kms.TestFaults(t, func(t *testing.T) (envelope.KeyManagementService, func(kms.Trouble)) {
		f := newFake(t)
		o := options(t, f)
		o.TimeoutMS = 0
		return open(t, o), func(x kms.Trouble) {
			answer := map[kms.Trouble]struct {
				status int
				body   string
			}{
				kms.Throttled: {429, `{"errors":["secret"]}`},
				kms.Outage:    {503, `{"errors":["secret"]}`},
				kms.Denied:    {403, `{"errors":["secret"]}`},
				kms.Absent:    {404, `{"errors":["secret"]}`},
				kms.Disabled:  {400, `{"errors":["ciphertext or signature version is disallowed by policy (too old)"]}`},
				kms.Malformed: {200, `<html>secret`},
			}[x]
			f.set(func() {
				f.hang, f.status, f.body = x == kms.Silent, slices.Repeat([]int{answer.status}, 20), answer.body
			})
		}
	})
}
