package securemem

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/fips140"
	"errors"
	"testing"
)

// The layout is ciphertext, tag, nonce, as any AES-256-GCM reads it.
func TestNonceLastIsPlainGCMWithTheNonceBehind(t *testing.T) {
	a, err := Open(Off, Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	key := bytes.Repeat([]byte{7}, 32)
	c, err := a.NewCipher(bytes.Clone(key))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Destroy()
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"", "x", "some text of a value", string(make([]byte, 5000))} {
		for _, dst := range [][]byte{nil, []byte("head"), append(make([]byte, 0, 9000), "head"...)} {
			box, err := c.SealNonceLast(dst, []byte(text))
			if err != nil || !bytes.HasPrefix(box, dst) || len(box) != len(dst)+len(text)+Overhead {
				t.Fatalf("box of %d bytes, %v", len(box), err)
			}
			box = box[len(dst):]
			if !fips140.Enforced() {
				g, err := cipher.NewGCM(block)
				if err != nil {
					t.Fatal(err)
				}
				end := len(box) - NonceSize
				if got, err := g.Open(nil, box[end:], box[:end], nil); err != nil || string(got) != text {
					t.Fatalf("plain GCM: %v", err)
				}
			}
			got, err := c.OpenNonceLast(bytes.Clone(box))
			if err != nil || string(got) != text {
				t.Fatalf("OpenNonceLast: %v", err)
			}
		}
	}
}

func TestNonceLastRefusesWhatIsNotABox(t *testing.T) {
	a, err := Open(Off, Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	c, err := a.NewCipher(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	box, err := c.SealNonceLast(nil, []byte("text"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range box {
		b := bytes.Clone(box)
		b[i] ^= 1
		if _, err := c.OpenNonceLast(b); !errors.Is(err, ErrOpen) {
			t.Fatalf("bit of byte %d: %v", i, err)
		}
		if _, err := c.OpenNonceLast(bytes.Clone(box)[:i]); !errors.Is(err, ErrOpen) {
			t.Fatalf("%d bytes: %v", i, err)
		}
	}
	c.Destroy()
	if _, err := c.SealNonceLast(nil, nil); !errors.Is(err, ErrDestroyed) {
		t.Fatal(err)
	}
	if _, err := c.OpenNonceLast(box); !errors.Is(err, ErrDestroyed) {
		t.Fatal(err)
	}
}
