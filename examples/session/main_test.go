package main

import (
	"context"
	"strings"
	"testing"
)

func TestTheExampleSaysWhatItDoes(t *testing.T) {
	var out strings.Builder
	if err := run(context.Background(), &out, t.TempDir()); err != nil {
		t.Fatal(err)
	}
	const want = `encrypted under _IK_customer-1_shop_orders, decrypted: 4111 1111 1111 1111
stored as row 1, loaded: 5500 0000 0000 0004
91 days later there is a new key, and row 1 still opens: 5500 0000 0000 0004
`
	if out.String() != want {
		t.Fatalf("got\n%s", out.String())
	}
}
