package securemem

import (
	"bytes"
	"errors"
	"runtime"
	"testing"
	"unsafe"
)

func TestASecretIsFilledWhereItLies(t *testing.T) {
	for _, c := range []struct {
		name string
		mode Mode
		max  int
	}{{"in slots", Prefer, 0}, {"encrypted on the heap", Off, 4 << 10}} {
		t.Run(c.name, func(t *testing.T) {
			a := open(t, c.mode, Config{MaxBytes: c.max})
			var held []*Secret
			cold := 0
			for i := range 100 { // more than the slots of the small arena
				var at []byte
				s, err := a.FillSecret(func(key []byte) error {
					at = key
					copy(key, testKey(byte(i)))
					return nil
				})
				if err != nil {
					t.Fatal(err)
				}
				if s.slot == nil {
					cold++
					if !bytes.Equal(at, make([]byte, SecretSize)) {
						t.Fatal("the key is left on the heap")
					}
				} else if unsafe.SliceData(at) != s.slot {
					t.Fatal("the key was written elsewhere")
				}
				wantKey(t, s, testKey(byte(i)))
				held = append(held, s)
			}
			if (cold > 0) != (c.max > 0) {
				t.Errorf("%d of 100 are cold", cold)
			}
			for _, s := range held {
				s.Destroy()
			}
		})
	}
}

func TestASecretThatCannotBeFilledLeavesNothing(t *testing.T) {
	a := open(t, Prefer, Config{MaxBytes: 4 << 10})
	broken := errors.New("broken")
	fill := func(key []byte) error {
		copy(key, testKey(1))
		return broken
	}
	var held []*Secret
	for range 40 { // until slots are used up, and beyond
		live := a.live
		s, err := a.FillSecret(fill)
		if s != nil || !errors.Is(err, broken) || a.live != live {
			t.Fatalf("%v, %d lost", err, a.live-live)
		}
		held = append(held, secret(t, a, 2))
	}
	for _, mem := range a.slabs {
		if bytes.Contains(mem.mem, testKey(1)) {
			t.Error("a part of the key is left")
		}
	}
	for _, s := range held {
		s.Destroy()
	}
	a.Close()
	if _, err := a.FillSecret(fill); !errors.Is(err, ErrDestroyed) {
		t.Errorf("a closed arena: %v", err)
	}
	if _, err := a.NewRandomSecret(); !errors.Is(err, ErrDestroyed) {
		t.Errorf("a closed arena: %v", err)
	}
}

func TestDeriveIsExpandToASecret(t *testing.T) {
	a := open(t, Prefer, Config{})
	s := secret(t, a, 3)
	defer s.Destroy()
	want := make([]byte, SecretSize)
	if err := s.Expand(want, []byte("label")); err != nil {
		t.Fatal(err)
	}
	d, err := s.Derive([]byte("label"))
	if err != nil {
		t.Fatal(err)
	}
	wantKey(t, d, want)
	d.Destroy()
	if _, err := s.Derive(make([]byte, MaxInfo+1)); err == nil {
		t.Error("a label beyond the bound is accepted")
	}
}

func wantKey(t *testing.T, s *Secret, want []byte) {
	t.Helper()
	if err := s.Use(func(key []byte) error {
		if !bytes.Equal(key, want) {
			t.Error("another key")
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// A goroutine begins with a small stack. Were it to grow while a key lies on it,
// the old one would keep the key: the reserve must come before.
func TestTheStackGrowsBeforeAKeyLiesOnIt(t *testing.T) {
	done := make(chan bool)
	go func() {
		ReserveStack()
		var key [SecretSize]byte
		before := address(&key)
		_ = deep(stackRoom / 2)
		done <- before == address(&key)
		runtime.KeepAlive(&key)
	}()
	if !<-done {
		t.Fatal("the stack moved after room was reserved")
	}
}

// address returns where the local variable of its caller is now.
//
//go:noinline
func address(key *[SecretSize]byte) uintptr { return uintptr(unsafe.Pointer(key)) }

// deep uses at least n bytes of stack.
//
//go:noinline
func deep(n int) int {
	var frame [256]byte
	touch(frame[:])
	if n <= 0 {
		return int(frame[0])
	}
	return deep(n-len(frame)) + int(frame[1])
}
