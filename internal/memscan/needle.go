package memscan

import (
	"bytes"
	"crypto/sha256"
	"encoding"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
)

// Needle is a form of a key that must not be found.
type Needle struct {
	Key  string // name of the key
	Form string
	text []byte
}

// MinNeedle is the shortest needle in bytes: short enough to find a part of a
// key, long enough not to be found by chance.
const MinNeedle = 16

// Needles returns the forms of a key of 32 bytes that give it away: both halves,
// the round keys of AES-256 for encryption and decryption in both orders of
// bytes, the inner and outer block of HMAC and SHA-256's state after each, and
// the key in base64 (each alphabet, each alignment) and hexadecimal.
func Needles(name string, key []byte) []Needle {
	var all []Needle
	add := func(form string, text []byte) {
		all = append(all, Needle{Key: name, Form: form, text: bytes.Clone(text)})
	}
	add("first half", key[:16])
	add("second half", key[16:])
	enc, dec := schedule(key)
	for i := 2; i < len(enc); i++ { // the first two are the halves
		add(fmt.Sprintf("round key %d", i), enc[i])
		add(fmt.Sprintf("round key %d, words swapped", i), swapped(enc[i]))
	}
	add("first half, words swapped", swapped(key[:16]))
	add("second half, words swapped", swapped(key[16:]))
	for i := 1; i < len(dec)-1; i++ { // the outer two are those of encryption
		add(fmt.Sprintf("decryption round key %d", i), dec[i])
		add(fmt.Sprintf("decryption round key %d, words swapped", i), swapped(dec[i]))
	}
	for _, pad := range []struct {
		form string
		b    byte
	}{{"inner", 0x36}, {"outer", 0x5c}} {
		block := bytes.Repeat([]byte{pad.b}, sha256.BlockSize)
		for i, k := range key {
			block[i] ^= k
		}
		add("HMAC "+pad.form+" block, first half", block[:16])
		add("HMAC "+pad.form+" block, second half", block[16:32])
		state := midstate(block)
		add("HMAC "+pad.form+" state", state)
		add("HMAC "+pad.form+" state, words swapped", swapped(state))
	}
	for shift := range 3 {
		part := key[shift:]
		part = part[:len(part)/3*3]
		add(fmt.Sprintf("base64, shift %d", shift), []byte(base64.StdEncoding.EncodeToString(part)))
		add(fmt.Sprintf("base64url, shift %d", shift), []byte(base64.URLEncoding.EncodeToString(part)))
	}
	add("hexadecimal", []byte(hex.EncodeToString(key)))
	add("HEXADECIMAL", []byte(strings.ToUpper(hex.EncodeToString(key))))
	return all
}

// swapped reverses the bytes of every word of 32 bits: how a machine with the
// other order of bytes, or a table of words, holds them.
func swapped(b []byte) []byte {
	out := make([]byte, len(b))
	for i := range b {
		out[i] = b[i^3]
	}
	return out
}

// midstate returns the state of SHA-256 after one block, as big-endian words.
func midstate(block []byte) []byte {
	h := sha256.New()
	h.Write(block)
	state, err := h.(encoding.BinaryMarshaler).MarshalBinary()
	if err != nil {
		panic(err) // documented: sha256 implements it
	}
	return state[4 : 4+sha256.Size]
}

// schedule expands a key of AES-256 (FIPS 197 §5.2): 15 round keys for
// encryption, and for the equivalent inverse cipher (§5.3.5).
func schedule(key []byte) (enc, dec [][]byte) {
	const words = 60
	var w [words][4]byte
	for i := range 8 {
		copy(w[i][:], key[4*i:])
	}
	rcon := byte(1)
	for i := 8; i < words; i++ {
		t := w[i-1]
		switch i % 8 {
		case 0:
			t = [4]byte{sbox(t[1]) ^ rcon, sbox(t[2]), sbox(t[3]), sbox(t[0])}
			rcon = double(rcon)
		case 4:
			t = [4]byte{sbox(t[0]), sbox(t[1]), sbox(t[2]), sbox(t[3])}
		}
		for j := range t {
			w[i][j] = w[i-8][j] ^ t[j]
		}
	}
	for r := range words / 4 {
		var e, d []byte
		for _, word := range w[4*r : 4*r+4] {
			mixed := unmix(word)
			e, d = append(e, word[:]...), append(d, mixed[:]...)
		}
		enc, dec = append(enc, e), append(dec, d)
	}
	return enc, dec
}

// double multiplies by x in the field of AES.
func double(b byte) byte {
	d := b << 1
	if b&0x80 != 0 {
		d ^= 0x1b
	}
	return d
}

func times(a, b byte) (p byte) {
	for ; b != 0; a, b = double(a), b>>1 {
		if b&1 != 0 {
			p ^= a
		}
	}
	return p
}

// sbox computes the substitution of FIPS 197 §5.1.1.
func sbox(b byte) byte {
	inverse := byte(1)
	for range 254 { // b^254 is the inverse of b, and 0 for 0
		inverse = times(inverse, b)
	}
	s := byte(0x63)
	for i := range 5 {
		s ^= inverse<<i | inverse>>(8-i)
	}
	return s
}

// unmix is InvMixColumns of one column.
func unmix(c [4]byte) (out [4]byte) {
	for i := range out {
		out[i] = times(c[i], 14) ^ times(c[(i+1)%4], 11) ^ times(c[(i+2)%4], 13) ^ times(c[(i+3)%4], 9)
	}
	return out
}
