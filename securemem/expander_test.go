package securemem

import (
	"bytes"
	"crypto/fips140"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"sync"
	"testing"
)

// expanders are one key in each of the forms that an Expander has.
func expanders(t *testing.T, key []byte) map[string]*Expander {
	t.Helper()
	a := open(t, Off, Config{})
	all := map[string]*Expander{}
	make := func(form string, compressible bool, move func(*Secret) *Secret) {
		s, err := a.NewSecret(bytes.Clone(key))
		if err != nil {
			t.Fatal(err)
		}
		e := move(s).expander(compressible)
		t.Cleanup(e.Destroy)
		all[form] = e
	}
	same := func(s *Secret) *Secret { return s }
	make("states", !fips140.Enabled(), same)
	make("key", false, same)
	make("cold", true, func(s *Secret) *Secret {
		defer s.Destroy()
		cold, err := a.newColdSecret(func(b []byte) error { return s.read((*[SecretSize]byte)(b)) })
		if err != nil {
			t.Fatal(err)
		}
		return cold
	})
	if got := all["states"].slot != nil; got == fips140.Enabled() {
		t.Fatalf("the states are in a slot: %v", got)
	}
	return all
}

var testLabel = [LabelSize]byte([]byte("a label="))

// The toolchain's own HKDF says what is right, for messages around the sizes where
// another block begins.
func TestAnExpanderIsHKDFExpandOfTheHash(t *testing.T) {
	key := make([]byte, SecretSize)
	_, _ = rand.Read(key)
	for form, e := range expanders(t, key) {
		for n := range 200 {
			message := make([]byte, n)
			_, _ = rand.Read(message)
			size := n % (sha256.Size + 1)
			sum := sha256.Sum256(message)
			want, err := hkdf.Expand(sha256.New, key, string(testLabel[:])+string(sum[:]), size)
			if err != nil {
				t.Fatal(err)
			}
			got := make([]byte, size)
			if err := e.Expand(got, testLabel, message); err != nil || !bytes.Equal(got, want) {
				t.Fatalf("%s, %d bytes of %d: %x, want %x (%v)", form, size, n, got, want, err)
			}
		}
		if e.Expand(make([]byte, sha256.Size+1), testLabel, nil) == nil {
			t.Errorf("%s: more than one block", form)
		}
	}
}

func TestADerivedExpanderHasTheDerivedKey(t *testing.T) {
	a := open(t, Prefer, Config{})
	s := secret(t, a, 3)
	defer s.Destroy()
	d, err := s.Derive([]byte("an index"))
	if err != nil {
		t.Fatal(err)
	}
	plain := d.expander(false)
	defer plain.Destroy()
	e, err := s.DeriveExpander([]byte("an index"))
	if err != nil {
		t.Fatal(err)
	}
	defer e.Destroy()
	var got, want [sha256.Size]byte
	if err := errors.Join(e.Expand(got[:], testLabel, nil), plain.Expand(want[:], testLabel, nil)); err != nil || got != want {
		t.Errorf("%x, want %x: %v", got, want, err)
	}
	if _, err := s.DeriveExpander(make([]byte, MaxInfo+1)); err == nil {
		t.Error("a label beyond the bound is accepted")
	}
}

func TestADestroyedExpanderIsAnErrorAndItsSlotIsWiped(t *testing.T) {
	for form, e := range expanders(t, testKey(1)) {
		var slot []byte
		if e.slot != nil {
			slot = slotBytes(small, e.slot)
			if bytes.Contains(slot, testKey(1)[:16]) {
				t.Errorf("%s: the key is still there", form)
			}
		}
		e.Destroy()
		e.Destroy()
		if err := e.Expand(make([]byte, 16), testLabel, nil); !errors.Is(err, ErrDestroyed) {
			t.Errorf("%s: %v", form, err)
		}
		if !bytes.Equal(slot, make([]byte, len(slot))) {
			t.Errorf("%s: the slot holds %x", form, slot)
		}
	}
	(*Expander)(nil).Destroy()
}

// What was used for one value is empty before it is used for the next.
func TestNothingStaysInACompressor(t *testing.T) {
	c := newCompressor()
	if c == nil {
		t.Fatal("this toolchain's hash is not known")
	}
	var s states
	for _, message := range []string{"", "short", string(make([]byte, 100))} {
		s.of((*[SecretSize]byte)(testKey(2)))
		c.expand(make([]byte, 32), &s, testLabel, []byte(message))
		if *c.state != ([8]uint32{}) || c.block != ([sha256.BlockSize]byte{}) {
			t.Errorf("after %q: %x %x", message, *c.state, c.block)
		}
	}
}

// lying is a hash whose state is not what it seems.
type lying struct{ h [8]uint32 }

func (l *lying) Write(p []byte) (int, error) { l.h[0]++; return len(p), nil }
func (*lying) Sum(b []byte) []byte           { return b }
func (*lying) Reset()                        {}
func (*lying) Size() int                     { return sha256.Size }
func (*lying) BlockSize() int                { return sha256.BlockSize }

func TestAHashWithAnotherStateIsNotUsed(t *testing.T) {
	l := &lying{}
	for name, made := range map[string]func() *compressor{
		"none":   func() *compressor { return nil },
		"lying":  func() *compressor { return &compressor{hash: l, state: &l.h} },
		"broken": func() *compressor { return &compressor{hash: hash.Hash(nil), state: new([8]uint32)} },
	} {
		if compressionWorks(made) {
			t.Errorf("%s: it passes for the toolchain's hash", name)
		}
	}
	if !fips140.Enabled() && !compressible() {
		t.Error("the toolchain's hash is not known: indexes are computed from the key each time")
	}
}

func TestAnExpanderIsUsedByMany(t *testing.T) {
	e := expanders(t, testKey(9))["states"]
	want := map[string]string{}
	for i := range 64 {
		message := fmt.Sprint(i)
		out := make([]byte, 16)
		if err := e.Expand(out, testLabel, []byte(message)); err != nil {
			t.Fatal(err)
		}
		want[message] = string(out)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			out := make([]byte, 16)
			for range 50 {
				for message, w := range want {
					if err := e.Expand(out, testLabel, []byte(message)); err != nil || string(out) != w {
						t.Errorf("%s: %x (%v)", message, out, err)
						return
					}
				}
			}
		})
	}
	wg.Wait()
}
