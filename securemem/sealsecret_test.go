package securemem

import (
	"bytes"
	"errors"
	"testing"
)

// A secret is sealed as its bytes would be, from a slot and from the heap, and
// stays what it is.
func TestASecretIsSealedWhereItLies(t *testing.T) {
	for _, c := range []struct {
		name string
		mode Mode
		max  int
		cold bool
	}{{"in a slot", Prefer, 0, false}, {"encrypted on the heap", Off, 4 << 10, true}} {
		t.Run(c.name, func(t *testing.T) {
			a := open(t, c.mode, Config{MaxBytes: c.max})
			wrap, err := NewTransientCipher(testKey(9))
			if err != nil {
				t.Fatal(err)
			}
			defer wrap.Destroy()
			s := secret(t, a, 1)
			for c.cold && s.slot != nil { // use the slots up
				defer s.Destroy()
				s = secret(t, a, 1)
			}
			ad, head := []byte("row"), []byte("head")
			box, err := wrap.SealSecret(bytes.Clone(head), s, ad)
			if err != nil || !bytes.HasPrefix(box, head) || len(box) != len(head)+SecretSize+Overhead {
				t.Fatalf("%d bytes, %v", len(box), err)
			}
			if key, err := wrap.Open(nil, box[len(head):], ad); err != nil || !bytes.Equal(key, testKey(1)) {
				t.Errorf("the box does not hold the key: %v", err)
			}
			if _, err := wrap.Open(nil, box[len(head):], nil); !errors.Is(err, ErrOpen) {
				t.Errorf("the associated data is not bound: %v", err)
			}
			last, err := wrap.SealSecretNonceLast(nil, s)
			if err != nil {
				t.Fatal(err)
			}
			if key, err := wrap.OpenNonceLast(last); err != nil || !bytes.Equal(key, testKey(1)) {
				t.Errorf("the box with its nonce behind does not hold the key: %v", err)
			}
			wantKey(t, s, testKey(1))
			s.Destroy()
			if out, err := wrap.SealSecret(head, s, ad); !errors.Is(err, ErrDestroyed) || !bytes.Equal(out, head) {
				t.Errorf("destroyed: %q, %v", out, err)
			}
			if out, err := wrap.SealSecretNonceLast(head, s); !errors.Is(err, ErrDestroyed) || !bytes.Equal(out, head) {
				t.Errorf("destroyed: %q, %v", out, err)
			}
		})
	}
}

func TestASecretInASlotIsSealedWithoutACopyOnTheHeap(t *testing.T) {
	a := open(t, Prefer, Config{})
	wrap, err := NewTransientCipher(testKey(9))
	if err != nil {
		t.Fatal(err)
	}
	defer wrap.Destroy()
	s, ad, box := secret(t, a, 1), []byte("row"), make([]byte, 0, 64)
	defer s.Destroy()
	if n := testing.AllocsPerRun(100, func() {
		if _, err := wrap.SealSecret(box, s, ad); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
