package securemem

import (
	"bytes"
	"crypto/fips140"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/sealsql/sealsql/internal/testenv"
)

// The vectors of Project Wycheproof, run against the ciphers and the derivation
// as they are used here, and not only against the standard library's. They are
// read where they lie, beside the repository.

// hexBytes is a string of hexadecimal digits in JSON.
type hexBytes []byte

func (b *hexBytes) UnmarshalText(text []byte) (err error) {
	*b, err = hex.DecodeString(string(text))
	return err
}

// wycheproofGroup has the fields of all the files used here.
type wycheproofGroup struct {
	KeySize, IVSize, TagSize int
	Tests                    []struct {
		TCID              int    `json:"tcId"`
		Result            string `json:"result"`
		Key, IV, AAD, Msg hexBytes
		CT, Tag           hexBytes
		IKM, Salt, Info   hexBytes
		Size              int
		OKM               hexBytes
	}
}

// wycheproof reads one file. The test is skipped where there is none.
func wycheproof(t *testing.T, name string) []wycheproofGroup {
	t.Helper()
	dir := testenv.Shared(t)
	if dir == "" {
		t.Skip("the Wycheproof vectors are not beside the repository")
	}
	b, err := os.ReadFile(filepath.Join(dir, "vectors", "wycheproof", name))
	if err != nil {
		t.Fatal(err)
	}
	var f struct {
		NumberOfTests int               `json:"numberOfTests"`
		TestGroups    []wycheproofGroup `json:"testGroups"`
	}
	if err := json.Unmarshal(b, &f); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, g := range f.TestGroups {
		n += len(g.Tests)
	}
	if n == 0 || n != f.NumberOfTests {
		t.Fatalf("%d of %d cases were read", n, f.NumberOfTests)
	}
	return f.TestGroups
}

// aeadVectors opens every box of keys, nonces and tags of our sizes, and tries to
// make ciphers of keys of other sizes.
func aeadVectors(t *testing.T, file string, ciphers ...func(key []byte) (*Cipher, error)) {
	t.Helper()
	run, valid, otherKey, otherNonce := 0, 0, 0, 0
	for _, g := range wycheproof(t, file) {
		for _, c := range g.Tests {
			for _, newCipher := range ciphers {
				x, err := newCipher(c.Key)
				if g.KeySize != 256 {
					if err == nil {
						t.Errorf("case %d: a key of %d bits is accepted", c.TCID, g.KeySize)
					}
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				if g.IVSize == 8*NonceSize && g.TagSize == 8*TagSize {
					box := append(append(bytes.Clone(c.IV), c.CT...), c.Tag...)
					got, err := x.Open([]byte("dst"), box, c.AAD)
					switch {
					case c.Result == "valid" && (err != nil || string(got) != "dst"+string(c.Msg)):
						t.Errorf("case %d: %v", c.TCID, err)
					case c.Result == "invalid" && (!errors.Is(err, ErrOpen) || string(got) != "dst"):
						t.Errorf("case %d is accepted", c.TCID)
					case c.Result != "valid" && c.Result != "invalid":
						t.Errorf("case %d: result %q", c.TCID, c.Result)
					}
				}
				x.Destroy()
			}
			switch {
			case g.KeySize != 256:
				otherKey++
			case g.IVSize != 8*NonceSize || g.TagSize != 8*TagSize:
				otherNonce++
			default:
				run++
				if c.Result == "valid" {
					valid++
				}
			}
		}
	}
	t.Logf("%d boxes (%d valid), %d keys of other sizes refused, %d nonces of other sizes never made", run, valid, otherKey, otherNonce)
	if valid < 20 || run-valid < 20 {
		t.Error("too few cases have our sizes")
	}
}

func TestWycheproofAESGCM(t *testing.T) {
	a := open(t, Prefer, Config{})
	aeadVectors(t, "aes_gcm_test.json", a.NewCipher, a.NewCacheCipher, NewTransientCipher)
}

func TestWycheproofChaCha20Poly1305(t *testing.T) {
	if fips140.Enabled() {
		return // TestCipherIsChaCha20Poly1305 shows that there is none
	}
	a := open(t, Prefer, Config{})
	aeadVectors(t, "chacha20_poly1305_test.json", a.NewCacheChaCha20Poly1305, NewTransientChaCha20Poly1305)
}

// plainHMAC is RFC 2104 on sha256.Sum256: FIPS 140-3 mode forbids crypto/hmac the
// short keys that some vectors have.
func plainHMAC(key, message []byte) []byte {
	if len(key) > sha256.BlockSize {
		sum := sha256.Sum256(key)
		key = sum[:]
	}
	var inner, outer [sha256.BlockSize]byte
	copy(inner[:], key)
	copy(outer[:], key)
	for i := range inner {
		inner[i] ^= 0x36
		outer[i] ^= 0x5c
	}
	sum := sha256.Sum256(append(inner[:], message...))
	sum = sha256.Sum256(append(outer[:], sum[:]...))
	return sum[:]
}

func TestWycheproofHMACSHA256(t *testing.T) {
	run, derived := 0, 0
	for _, g := range wycheproof(t, "hmac_sha256_test.json") {
		for _, c := range g.Tests {
			run++
			n := g.TagSize / 8
			own := plainHMAC(c.Key, c.Msg)[:n]
			if bytes.Equal(own, c.Tag) != (c.Result == "valid") {
				t.Errorf("case %d: %s", c.TCID, c.Result)
			}
			if len(c.Key) >= 14 || !fips140.Enabled() {
				m := hmac.New(sha256.New, c.Key)
				m.Write(c.Msg)
				if !bytes.Equal(m.Sum(nil)[:n], own) {
					t.Errorf("case %d: crypto/hmac differs", c.TCID)
				}
			}
			if len(c.Key) != SecretSize || len(c.Msg) > MaxInfo {
				continue
			}
			// The first block of HKDF-Expand is HMAC over info and a byte 1.
			derived++
			out := make([]byte, sha256.Size)
			for name, f := range expansions(t, c.Key) {
				if err := f(out, c.Msg); err != nil || !bytes.Equal(out, plainHMAC(c.Key, append(bytes.Clone(c.Msg), 1))) {
					t.Errorf("case %d: %s, %v", c.TCID, name, err)
				}
			}
		}
	}
	t.Logf("%d MACs, %d keys and messages also through Expand", run, derived)
	if run == 0 || derived < 20 {
		t.Error("too few cases have our sizes")
	}
}

// expansions are the ways by which HKDF-Expand is computed here.
func expansions(t *testing.T, key []byte) map[string]func(out, info []byte) error {
	t.Helper()
	k := [SecretSize]byte(key)
	hot := open(t, Prefer, Config{})
	cold := open(t, Off, Config{MaxBytes: 4096})
	warm, err := hot.NewSecret(bytes.Clone(key))
	if err != nil {
		t.Fatal(err)
	}
	var last *Secret
	for last == nil || last.slot != nil {
		if last, err = cold.NewSecret(bytes.Clone(key)); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { warm.Destroy(); last.Destroy() })
	return map[string]func(out, info []byte) error{
		"a secret in a slot":   warm.Expand,
		"a secret without one": last.Expand,
		"Expand":               func(out, info []byte) error { return Expand(out, &k, info) },
		"our own":              func(out, info []byte) error { expand(out, &k, info); return nil },
		"the module's":         func(out, info []byte) error { return expandModule(out, key, info) },
	}
}

func TestWycheproofHKDFSHA256(t *testing.T) {
	run, beyond := 0, 0
	for _, g := range wycheproof(t, "hkdf_sha256_test.json") {
		for _, c := range g.Tests {
			prk := plainHMAC(c.Salt, c.IKM) // RFC 5869 §2.2; we never extract
			if c.Size < 0 || len(c.Info) > MaxInfo || c.Size > MaxExpand {
				beyond++
				var k [SecretSize]byte
				if Expand(make([]byte, max(c.Size, 0)), &k, c.Info) == nil {
					t.Errorf("case %d: arguments beyond the bounds are accepted", c.TCID)
				}
				continue
			}
			run++
			out := make([]byte, c.Size)
			for name, f := range expansions(t, prk) {
				if err := f(out, c.Info); (err == nil && bytes.Equal(out, c.OKM)) != (c.Result == "valid") {
					t.Errorf("case %d: %s, %v; %s", c.TCID, name, err, c.Result)
				}
			}
		}
	}
	t.Logf("%d derivations, %d beyond the bounds of Expand and refused", run, beyond)
	if run < 30 {
		t.Error("too few cases are within our bounds")
	}
}
