// Package kms tests implementations of envelope.KeyManagementService.
//
// Call Test from a test of the implementation. It needs nothing but the service
// that the function returns. Services that have Asherah's format as well are
// tested in that, too.
package kms

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/sealsql/sealsql/envelope"
)

// Test runs the suite. open returns a new service each time, all of them with
// the same master key; the suite closes them.
func Test(t *testing.T, open func(t *testing.T) envelope.KeyManagementService) {
	cases := []testCase{
		{"what is wrapped unwraps", unwraps},
		{"wrapping the same key twice gives different bytes", randomised},
		{"wrapped bytes hold no key", hides},
		{"every changed byte is refused", refusesChanges},
		{"every truncation is refused", refusesTruncation},
		{"another context is refused", refusesOtherContext},
		{"a cancelled context is an error", cancelled},
		{"many goroutines", concurrent},
		{"arguments are neither changed nor kept", leavesArguments},
		{"after Close everything is refused and Close is harmless", closed},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			k := open(t)
			defer k.Close()
			c.run(t, k)
		})
	}
	testAsherah(t, open)
	t.Run("another instance unwraps", func(t *testing.T) {
		a, b := open(t), open(t)
		defer a.Close()
		defer b.Close()
		wrapped := wrap(t, a, context1())
		got, err := b.DecryptKey(context.Background(), context1(), wrapped)
		if err != nil || !bytes.Equal(got, key()) {
			t.Fatalf("DecryptKey = %d bytes, %v", len(got), err)
		}
	})
}

// testCase is one property of a service.
type testCase struct {
	name string
	run  func(t *testing.T, k envelope.KeyManagementService)
}

func key() []byte { return []byte("thirty-two bytes of a system key") }

func context1() envelope.KeyContext {
	return envelope.KeyContext{
		Service: "shop", Product: "orders", KeyID: "ss1/sk/shop/orders",
		Created: 1795310040, Purpose: envelope.PurposeSystemKey,
	}
}

func wrap(t *testing.T, k envelope.KeyManagementService, kc envelope.KeyContext) []byte {
	t.Helper()
	w, err := k.EncryptKey(context.Background(), kc, key())
	if err != nil {
		t.Fatalf("EncryptKey: %v", err)
	}
	return w
}

// refused fails unless the bytes are refused without a word about the key.
func refused(t *testing.T, k envelope.KeyManagementService, kc envelope.KeyContext, wrapped []byte, what string) {
	t.Helper()
	got, err := k.DecryptKey(context.Background(), kc, wrapped)
	if err == nil {
		t.Fatalf("%s: accepted", what)
	}
	if len(got) != 0 {
		t.Fatalf("%s: bytes beside an error", what)
	}
	if strings.Contains(err.Error(), string(key())) {
		t.Fatalf("%s: the error holds the key", what)
	}
}

func unwraps(t *testing.T, k envelope.KeyManagementService) {
	got, err := k.DecryptKey(context.Background(), context1(), wrap(t, k, context1()))
	if err != nil || !bytes.Equal(got, key()) {
		t.Fatalf("DecryptKey = %d bytes, %v", len(got), err)
	}
}

func randomised(t *testing.T, k envelope.KeyManagementService) {
	if bytes.Equal(wrap(t, k, context1()), wrap(t, k, context1())) {
		t.Fatal("equal")
	}
}

func hides(t *testing.T, k envelope.KeyManagementService) {
	w := wrap(t, k, context1())
	if bytes.Contains(w, key()[:16]) || bytes.Contains(w, key()[16:]) {
		t.Fatal("the key is in the clear")
	}
}

func refusesChanges(t *testing.T, k envelope.KeyManagementService) {
	w := wrap(t, k, context1())
	for i := range w {
		bad := bytes.Clone(w)
		bad[i] ^= 1
		got, err := k.DecryptKey(context.Background(), context1(), bad)
		// A service's own framing may have bytes without meaning; a wrong key is
		// never acceptable.
		if err == nil && !bytes.Equal(got, key()) {
			t.Fatalf("byte %d: another key came out", i)
		}
	}
	last := bytes.Clone(w)
	last[len(last)-1] ^= 0x80
	refused(t, k, context1(), append(last, 0), "changed and longer")
}

func refusesTruncation(t *testing.T, k envelope.KeyManagementService) {
	w := wrap(t, k, context1())
	for n := range len(w) {
		refused(t, k, context1(), w[:n], "truncated")
	}
	refused(t, k, context1(), nil, "nil")
}

func refusesOtherContext(t *testing.T, k envelope.KeyManagementService) {
	w := wrap(t, k, context1())
	changes := map[string]func(*envelope.KeyContext){
		"service": func(c *envelope.KeyContext) { c.Service = "shop2" },
		"product": func(c *envelope.KeyContext) { c.Product = "orders2" },
		"key id":  func(c *envelope.KeyContext) { c.KeyID += "x" },
		"created": func(c *envelope.KeyContext) { c.Created++ },
		"purpose": func(c *envelope.KeyContext) { c.Purpose = "other" },
		"moved":   func(c *envelope.KeyContext) { c.Service, c.Product = "shopo", "rders" },
	}
	for what, change := range changes {
		kc := context1()
		change(&kc)
		refused(t, k, kc, w, what)
	}
}

func cancelled(t *testing.T, k envelope.KeyManagementService) {
	w := wrap(t, k, context1())
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := k.EncryptKey(ctx, context1(), key()); !errors.Is(err, context.Canceled) {
		t.Errorf("EncryptKey: %v", err)
	}
	if _, err := k.DecryptKey(ctx, context1(), w); !errors.Is(err, context.Canceled) {
		t.Errorf("DecryptKey: %v", err)
	}
}

func concurrent(t *testing.T, k envelope.KeyManagementService) {
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				w, err := k.EncryptKey(context.Background(), context1(), key())
				if err != nil {
					t.Error(err)
					return
				}
				got, err := k.DecryptKey(context.Background(), context1(), w)
				if err != nil || !bytes.Equal(got, key()) {
					t.Errorf("DecryptKey: %v", err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func leavesArguments(t *testing.T, k envelope.KeyManagementService) {
	in := key()
	w, err := k.EncryptKey(context.Background(), context1(), in)
	if err != nil || !bytes.Equal(in, key()) {
		t.Fatalf("the key was changed (%v)", err)
	}
	clear(in)
	before := bytes.Clone(w)
	got, err := k.DecryptKey(context.Background(), context1(), w)
	if err != nil || !bytes.Equal(got, key()) || !bytes.Equal(w, before) {
		t.Fatalf("the wrapped bytes were changed (%v)", err)
	}
	clear(got)
	if again, err := k.DecryptKey(context.Background(), context1(), w); err != nil || !bytes.Equal(again, key()) {
		t.Fatalf("the result is shared (%v)", err)
	}
}

func closed(t *testing.T, k envelope.KeyManagementService) {
	w := wrap(t, k, context1())
	for range 2 {
		if err := k.Close(); err != nil {
			t.Fatalf("Close: %v", err)
		}
	}
	if _, err := k.EncryptKey(context.Background(), context1(), key()); err == nil {
		t.Error("EncryptKey works after Close")
	}
	refused(t, k, context1(), w, "after Close")
}
