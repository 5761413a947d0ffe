package kms

import (
	"context"
	"testing"

	"github.com/sealsql/sealsql/envelope"
)

// unbound runs the cases of the suite on a service's format of Asherah, which
// knows no context.
type unbound struct{ envelope.AsherahKMS }

func (k unbound) EncryptKey(ctx context.Context, _ envelope.KeyContext, key []byte) ([]byte, error) {
	return k.EncryptAsherahKey(ctx, key)
}

func (k unbound) DecryptKey(ctx context.Context, _ envelope.KeyContext, wrapped []byte) ([]byte, error) {
	return k.DecryptAsherahKey(ctx, wrapped)
}

// testAsherah tests services that have Asherah's format as well.
func testAsherah(t *testing.T, open func(t *testing.T) envelope.KeyManagementService) {
	asherah := func(t *testing.T) (envelope.AsherahKMS, bool) {
		k := open(t)
		t.Cleanup(func() { k.Close() })
		a, ok := k.(envelope.AsherahKMS)
		return a, ok
	}
	if _, ok := asherah(t); !ok {
		return
	}
	for _, c := range []testCase{
		{"what is wrapped unwraps", unwraps},
		{"wrapping the same key twice gives different bytes", randomised},
		{"wrapped bytes hold no key", hides},
		{"every changed byte is refused", refusesChanges},
		{"every truncation is refused", refusesTruncation},
		{"a cancelled context is an error", cancelled},
		{"many goroutines", concurrent},
		{"arguments are neither changed nor kept", leavesArguments},
		{"after Close everything is refused and Close is harmless", closed},
	} {
		t.Run("Asherah's format: "+c.name, func(t *testing.T) {
			k, _ := asherah(t)
			c.run(t, unbound{k})
		})
	}
	t.Run("Asherah's format: neither is taken for the other", func(t *testing.T) {
		k, _ := asherah(t)
		refused(t, k, context1(), wrap(t, unbound{k}, context1()), "a key without context, where one is demanded")
		refused(t, unbound{k}, context1(), wrap(t, k, context1()), "a key with a context, where there is none")
	})
}
