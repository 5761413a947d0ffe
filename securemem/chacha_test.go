package securemem

import (
	"bytes"
	"crypto/fips140"
	"errors"
	"testing"

	"golang.org/x/crypto/chacha20poly1305"
)

func TestCipherIsChaCha20Poly1305(t *testing.T) {
	a := open(t, Prefer, Config{})
	key, ad := testKey(9), []byte("associated")
	if fips140.Enabled() {
		if _, err := a.NewCacheChaCha20Poly1305(key); err == nil {
			t.Error("FIPS 140-3 mode: a slot is given")
		}
		if _, err := NewTransientChaCha20Poly1305(key); err == nil {
			t.Error("FIPS 140-3 mode: a cipher is made")
		}
		return
	}
	ref, err := chacha20poly1305.New(key)
	if err != nil {
		t.Fatal(err)
	}
	slotted, err := a.NewCacheChaCha20Poly1305(key)
	if err != nil {
		t.Fatal(err)
	}
	if !chachaMovable() || slotted.slot == nil {
		t.Error("the key is not in a slot")
	}
	transient, err := NewTransientChaCha20Poly1305(key)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []*Cipher{slotted, transient} {
		for _, text := range [][]byte{nil, []byte("x"), make([]byte, 1000)} {
			box, err := c.Seal([]byte("dst"), text, ad)
			if err != nil || len(box) != 3+len(text)+Overhead {
				t.Fatal(len(box), err)
			}
			got, err := ref.Open(nil, box[3:15], box[15:], ad)
			if err != nil || !bytes.Equal(got, text) {
				t.Fatalf("the library opens %d bytes, %v", len(got), err)
			}
			if got, err = c.Open(nil, box[3:], ad); err != nil || !bytes.Equal(got, text) {
				t.Fatalf("%d bytes, %v", len(got), err)
			}
			box[len(box)-1] ^= 1
			if _, err := c.Open(nil, box[3:], ad); !errors.Is(err, ErrOpen) {
				t.Fatal(err)
			}
		}
		c.Destroy()
		c.Destroy()
		if _, err := c.Seal(nil, nil, nil); !errors.Is(err, ErrDestroyed) {
			t.Errorf("after Destroy: %v", err)
		}
	}
	for _, n := range []int{0, 16, 31, 33} {
		if _, err := NewTransientChaCha20Poly1305(make([]byte, n)); err == nil {
			t.Errorf("a key of %d bytes is accepted", n)
		}
	}
}

func TestDestroyWipesAChaCha20Poly1305Key(t *testing.T) {
	if fips140.Enabled() {
		return // there is none
	}
	a := open(t, Off, Config{})
	key := testKey(0x33)
	c, err := a.NewCacheChaCha20Poly1305(key)
	if err != nil {
		t.Fatal(err)
	}
	slot := slotBytes(large, c.slot)
	if !bytes.Contains(slot, key) {
		t.Fatal("the key is not in the slot")
	}
	c.Destroy()
	if !bytes.Equal(slot, make([]byte, len(slot))) {
		t.Error("the slot is not wiped")
	}
}

func TestChaCha20Poly1305UnderRequireNeedsASlot(t *testing.T) {
	if fips140.Enabled() {
		return // there is none
	}
	a, err := Open(Require, Config{MaxBytes: 8 << 10})
	if err != nil {
		t.Logf("no locked memory here: %v", err)
		return
	}
	defer a.Close()
	var got []*Cipher
	for {
		c, err := a.NewCacheChaCha20Poly1305(testKey(1))
		if err != nil {
			if !errors.Is(err, ErrExhausted) {
				t.Error(err)
			}
			break
		}
		if got = append(got, c); len(got) > 1000 {
			t.Fatal("slots without end")
		}
	}
	for _, c := range got {
		c.Destroy()
	}
}
