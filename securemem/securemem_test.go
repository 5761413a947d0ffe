package securemem

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/fips140"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/gob"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"reflect"
	"strings"
	"sync"
	"testing"
	"unsafe"
)

func open(t testing.TB, m Mode, c Config) *Arena {
	t.Helper()
	a, err := Open(m, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	return a
}

func testKey(b byte) []byte { return bytes.Repeat([]byte{b, b ^ 0x5A}, 16) }

func secret(t testing.TB, a *Arena, b byte) *Secret {
	t.Helper()
	s, err := a.NewSecret(testKey(b))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSecretsComeBackHotAndCold(t *testing.T) {
	for _, mode := range []Mode{Prefer, Off} {
		a := open(t, mode, Config{MaxBytes: 8 << 10}) // a few slots only
		var all []*Secret
		cold := 0
		for i := range 200 {
			all = append(all, secret(t, a, byte(i)))
			if all[i].slot == nil {
				cold++
			}
		}
		if cold == 0 || cold == len(all) {
			t.Fatalf("%d of %d secrets are cold: the test means to see both", cold, len(all))
		}
		for i, s := range all {
			err := s.Use(func(key []byte) error {
				if !bytes.Equal(key, testKey(byte(i))) {
					t.Errorf("secret %d is another", i)
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Contains(s.cold, testKey(byte(i))[:8]) {
				t.Fatal("a cold secret is in the clear")
			}
			s.Destroy()
			s.Destroy()
			if err := s.Use(func([]byte) error { return nil }); !errors.Is(err, ErrDestroyed) {
				t.Fatalf("after Destroy: %v", err)
			}
		}
	}
}

func TestExpandIsHKDFExpand(t *testing.T) {
	a := open(t, Off, Config{})
	for n := range MaxExpand + 1 {
		for _, m := range []int{0, 1, 52, 54, 55, 63, 64, MaxInfo} {
			key, info := make([]byte, 32), make([]byte, m)
			_, _ = rand.Read(key)
			_, _ = rand.Read(info)
			want, err := hkdf.Expand(sha256.New, key, string(info), n)
			if err != nil {
				t.Fatal(err)
			}
			s, err := a.NewSecret(bytes.Clone(key))
			if err != nil {
				t.Fatal(err)
			}
			got := make([]byte, n)
			if err := s.Expand(got, info); err != nil || !bytes.Equal(got, want) {
				t.Fatalf("%d bytes with %d of info: %v", n, m, err)
			}
			var k [32]byte
			copy(k[:], key)
			own := make([]byte, n)
			expand(own, &k, info)
			if err := expandModule(got, key, info); err != nil || !bytes.Equal(own, want) || !bytes.Equal(got, want) {
				t.Fatalf("%d bytes with %d of info: the two implementations differ (%v)", n, m, err)
			}
			s.Destroy()
		}
	}
	s := secret(t, a, 1)
	defer s.Destroy()
	if s.Expand(make([]byte, MaxExpand+1), nil) == nil || s.Expand(make([]byte, 1), make([]byte, MaxInfo+1)) == nil {
		t.Error("arguments beyond the bounds are accepted")
	}
}

func TestCipherIsAESGCM(t *testing.T) {
	a := open(t, Prefer, Config{})
	key := testKey(7)
	c, err := a.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Destroy()
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	ref, err := cipher.NewGCM(block)
	if err != nil && !fips140.Enforced() {
		t.Fatal(err)
	}
	for n := range 100 {
		text, ad := make([]byte, n), make([]byte, 100-n)
		box, err := c.Seal([]byte("dst"), text, ad)
		if err != nil || len(box) != 3+n+Overhead {
			t.Fatalf("%d bytes, %v", len(box), err)
		}
		if ref != nil {
			if _, err := ref.Open(nil, box[3:15], box[15:], ad); err != nil {
				t.Fatal(err)
			}
		}
		got, err := c.Open([]byte("dst"), box[3:], ad)
		if err != nil || string(got) != "dst"+string(text) {
			t.Fatal(err)
		}
		box[len(box)-1] ^= 1
		if got, err := c.Open([]byte("dst"), box[3:], ad); !errors.Is(err, ErrOpen) || string(got) != "dst" {
			t.Fatalf("%q, %v", got, err)
		}
		for cut := range Overhead {
			if _, err := c.Open(nil, box[3:3+cut], ad); !errors.Is(err, ErrOpen) {
				t.Fatalf("%d bytes: %v", cut, err)
			}
		}
	}
}

func TestCiphersLiveInSlotsAndLeaveZeros(t *testing.T) {
	if !relocatable() {
		t.Log("this toolchain or mode keeps ciphers on the heap; nothing to see here")
		return
	}
	a := open(t, Prefer, Config{})
	c, err := a.NewCipher(testKey(9))
	if err != nil {
		t.Fatal(err)
	}
	p := c.slot
	if p == nil {
		t.Fatal("no slot")
	}
	mem := slotBytes(large, p)
	if uintptr(unsafe.Pointer(p))%slotAlign != 0 {
		t.Error("the slot is not aligned")
	}
	if !bytes.Contains(mem, testKey(9)) {
		t.Error("the expanded key does not hold the key: the test looks at the wrong place")
	}
	c.Destroy()
	c.Destroy()
	if !bytes.Equal(mem, make([]byte, len(mem))) {
		t.Error("the slot was not wiped")
	}
	if _, err := c.Seal(nil, nil, nil); !errors.Is(err, ErrDestroyed) {
		t.Errorf("after Destroy: %v", err)
	}
	if _, err := c.Open(nil, make([]byte, 64), nil); !errors.Is(err, ErrDestroyed) {
		t.Errorf("after Destroy: %v", err)
	}
}

func TestHeapCiphersAreZeroedToo(t *testing.T) {
	c, err := NewTransientCipher(testKey(3))
	if err != nil {
		t.Fatal(err)
	}
	v := reflect.ValueOf(c.aead)
	if v.Kind() == reflect.Struct { // the wrapper of the FIPS mode
		v = v.Field(0)
	}
	if v.Kind() != reflect.Pointer || !pointerFree(v.Type().Elem()) {
		t.Log("this toolchain's ciphers cannot be zeroed from outside")
		return
	}
	mem := unsafe.Slice((*byte)(v.UnsafePointer()), v.Type().Elem().Size())
	if !bytes.Contains(mem, testKey(3)) {
		t.Error("the expanded key does not hold the key: the test looks at the wrong place")
	}
	c.Destroy()
	if !bytes.Equal(mem, make([]byte, len(mem))) {
		t.Error("not zeroed")
	}
}

func TestSlotsAreReusedAndNotLeaked(t *testing.T) {
	a := open(t, Prefer, Config{MaxBytes: 64 << 10})
	for range 10_000 {
		s := secret(t, a, 1)
		c, err := s.NewCipher()
		if err != nil {
			t.Fatal(err)
		}
		if c.slot == nil && relocatable() || s.slot == nil {
			t.Fatal("slots run out")
		}
		c.Destroy()
		s.Destroy()
	}
	if a.live != 0 {
		t.Fatalf("%d live", a.live)
	}
}

func TestCachesLeaveSlotsForKeysThatMatter(t *testing.T) {
	if !relocatable() {
		return // ciphers take no slots
	}
	a := open(t, Prefer, Config{MaxBytes: 16 << 10})
	onHeap := 0
	for range 100 {
		c, err := a.NewCacheCipher(testKey(1))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Destroy()
		if c.slot == nil {
			onHeap++
		}
	}
	if onHeap == 0 {
		t.Fatal("a hundred ciphers fit 16 KiB")
	}
	for range reserved {
		c, err := a.NewCipher(testKey(2))
		if err != nil || c.slot == nil {
			t.Fatalf("no slot is left (%v)", err)
		}
		defer c.Destroy()
	}
}

func TestArenaGrowsByFewSlabs(t *testing.T) {
	a := open(t, Off, Config{})
	var all []*Secret
	for range 7000 {
		all = append(all, secret(t, a, 1))
	}
	if len(a.slabs) > 6 || a.bytes > defaultMax {
		t.Fatalf("%d slabs of %d bytes", len(a.slabs), a.bytes)
	}
	for _, s := range all {
		s.Destroy()
	}
}

func TestCloseWaitsForTheLastUser(t *testing.T) {
	a, err := Open(Prefer, Config{MaxBytes: 4 << 10})
	if err != nil {
		t.Fatal(err)
	}
	var held []*Secret
	for range 50 { // hot and cold
		held = append(held, secret(t, a, 5))
	}
	c, err := held[0].NewCipher()
	if err != nil {
		t.Fatal(err)
	}
	a.Close()
	a.Close()
	for _, s := range held {
		if err := s.Use(func(key []byte) error {
			if !bytes.Equal(key, testKey(5)) {
				return errors.New("changed")
			}
			return nil
		}); err != nil {
			t.Fatalf("a secret in use: %v", err)
		}
	}
	if _, err := c.Seal(nil, nil, nil); err != nil {
		t.Fatalf("a cipher in use: %v", err)
	}
	if _, err := a.NewSecret(testKey(1)); !errors.Is(err, ErrDestroyed) {
		t.Fatalf("a new secret: %v", err)
	}
	if a.slabs == nil {
		t.Fatal("unmapped under a user")
	}
	c.Destroy()
	for _, s := range held {
		s.Destroy()
	}
	if a.slabs != nil {
		t.Fatal("not unmapped after the last one")
	}
}

func TestConcurrentUse(t *testing.T) {
	a := open(t, Prefer, Config{MaxBytes: 64 << 10})
	shared := secret(t, a, 1)
	defer shared.Destroy()
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 300 {
				s, err := a.NewSecret(testKey(byte(i)))
				if err != nil {
					t.Error(err)
					return
				}
				c, err := s.NewCipher()
				if err != nil {
					t.Error(err)
					return
				}
				box, err := c.Seal(nil, testKey(byte(i)), nil)
				if err != nil {
					t.Error(err)
				}
				if got, err := c.Open(nil, box, nil); err != nil || !bytes.Equal(got, testKey(byte(i))) {
					t.Error("another's key")
				}
				var out [48]byte
				if err := shared.Expand(out[:], []byte("info")); err != nil {
					t.Error(err)
				}
				c.Destroy()
				s.Destroy()
			}
		})
	}
	wg.Wait()
}

func TestKeysAreTakenAndWiped(t *testing.T) {
	a := open(t, Off, Config{})
	for _, n := range []int{0, 1, 31, 32, 33, 64} {
		key := bytes.Repeat([]byte{0xEE}, n)
		s, err := a.NewSecret(key)
		if (err == nil) != (n == 32) {
			t.Errorf("%d bytes: %v", n, err)
		}
		if !bytes.Equal(key, make([]byte, n)) {
			t.Errorf("%d bytes: not wiped", n)
		}
		s.Destroy()
		if c, err := a.NewCipher(make([]byte, n)); (err == nil) != (n == 32) {
			t.Errorf("cipher of %d bytes: %v", n, err)
		} else {
			c.Destroy()
		}
	}
}

func TestPrintingAKeyPrintsNothingOfIt(t *testing.T) {
	a := open(t, Off, Config{MaxBytes: 4 << 10})
	key := []byte("KEYKEYKEYKEYKEYKEYKEYKEYKEYKEYKE")
	s, err := a.NewSecret(bytes.Clone(key))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Destroy()
	c, err := s.NewCipher()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Destroy()
	for _, v := range []any{s, *s, c, *c, &s, struct{ S *Secret }{s}, struct{ C Cipher }{*c}, []*Secret{s}, map[string]any{"k": s}} {
		var out strings.Builder
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q", "%d", "%p", "%T"} {
			fmt.Fprintf(&out, verb, v)
		}
		log := slog.New(slog.NewJSONHandler(&out, nil))
		log.Info("m", "v", v)
		slog.New(slog.NewTextHandler(&out, nil)).Info("m", "v", v)
		for _, bad := range []string{"KEYKEY", "4b45594b", "75 69 89", "75,69,89"} {
			if strings.Contains(strings.ToLower(out.String()), strings.ToLower(bad)) {
				t.Errorf("%T shows the key: %s", v, out.String())
			}
		}
	}
	for _, v := range []any{s, c, *s, *c} {
		if b, err := json.Marshal(v); err == nil {
			t.Errorf("%T becomes JSON: %s", v, b)
		}
		if err := gob.NewEncoder(io.Discard).Encode(v); err == nil {
			t.Errorf("%T becomes gob", v)
		}
	}
}

func TestModesHaveNames(t *testing.T) {
	for _, m := range []Mode{Prefer, Require, Off} {
		b, err := m.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		var back Mode
		if err := back.UnmarshalText(b); err != nil || back != m {
			t.Errorf("%v becomes %v, %v", m, back, err)
		}
	}
	if m, err := ParseMode(""); err != nil || m != Prefer {
		t.Errorf("%v, %v", m, err)
	}
	if _, err := ParseMode("REQUIRE"); err == nil {
		t.Error("an unknown mode is accepted")
	}
}

func TestOnlyPointerFreeObjectsMove(t *testing.T) {
	type good struct {
		A [4]uint32
		B bool
	}
	for _, bad := range []any{
		struct{ P *int }{},
		struct{ S string }{},
		struct{ B []byte }{},
		struct{ I any }{},
		struct{ M map[int]int }{},
		struct{ A [2]struct{ F func() } }{},
		struct{ C chan int }{},
	} {
		if pointerFree(reflect.TypeOf(bad)) {
			t.Errorf("%T counts as free of pointers", bad)
		}
	}
	if !movable(reflect.TypeOf(&good{})) || movable(reflect.TypeOf(good{})) || movable(reflect.TypeOf(&[1000]byte{})) || movable(reflect.TypeOf(&struct{ X [1000]byte }{})) {
		t.Error("movable is wrong")
	}
}
