package envelope_test

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/fips140"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"strconv"
	"testing"

	"github.com/sealsql/sealsql/envelope"
)

// The benchmarks named Floor do the cryptography of the one beside them and
// nothing else; compare figures of one run only.

// reportCPU adds the processor time of an operation, all threads and the garbage
// collector included: on a busy machine the elapsed time says little.
func reportCPU(b *testing.B) func() {
	from := cpuTime()
	return func() {
		if d := cpuTime() - from; d > 0 {
			b.ReportMetric(float64(d.Nanoseconds())/float64(b.N), "cpu-ns/op")
		}
	}
}

func bareGCM(b *testing.B) cipher.AEAD {
	b.Helper()
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	block, err := aes.NewCipher(key)
	if err != nil {
		b.Fatal(err)
	}
	return floorMode(b, block)
}

// floorMode is the cipher that the mode allows: in FIPS 140-3 mode nonces are
// made by the module, with which the floors must be compared there.
func floorMode(b *testing.B, block cipher.Block) (g cipher.AEAD) {
	b.Helper()
	var err error
	if fips140.Enabled() {
		g, err = cipher.NewGCMWithRandomNonce(block)
	} else {
		g, err = cipher.NewGCM(block)
	}
	if err != nil {
		b.Fatal(err)
	}
	return g
}

// floorSeal appends nonce, ciphertext and tag to out.
func floorSeal(g cipher.AEAD, out, pt, ad []byte) []byte {
	if g.NonceSize() == 0 {
		return g.Seal(out, nil, pt, ad)
	}
	n := len(out)
	out = out[:n+12]
	_, _ = rand.Read(out[n:])
	return g.Seal(out, out[n:], pt, ad)
}

func floorOpen(g cipher.AEAD, out, box, ad []byte) ([]byte, error) {
	if g.NonceSize() == 0 {
		return g.Open(out, nil, box, ad)
	}
	return g.Open(out, box[:12], box[12:], ad)
}

func BenchmarkSeal64Floor(b *testing.B) {
	g := bareGCM(b)
	pt, ad := make([]byte, 64), make([]byte, 74)
	b.ReportAllocs()
	defer reportCPU(b)()
	for b.Loop() {
		floorSeal(g, make([]byte, 0, 12+64+16), pt, ad)
	}
}

func BenchmarkOpen64Floor(b *testing.B) {
	g := bareGCM(b)
	ad := make([]byte, 74)
	box := floorSeal(g, make([]byte, 0, 92), make([]byte, 64), ad)
	b.ReportAllocs()
	defer reportCPU(b)()
	for b.Loop() {
		if _, err := floorOpen(g, make([]byte, 0, 64), box, ad); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSeal64(b *testing.B) {
	s := newSealer(b, nil)
	c, p := column(b, s, "users.ssn", false), partition(b, "default")
	pt, ctx := make([]byte, 64), context.Background()
	b.ReportAllocs()
	defer reportCPU(b)()
	for b.Loop() {
		if _, err := s.Seal(ctx, nil, c, p, 1, pt); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpen64(b *testing.B) {
	s := newSealer(b, nil)
	c, p := column(b, s, "users.ssn", false), partition(b, "default")
	rec := seal(b, s, c, p, string(make([]byte, 64)))
	cols, ctx := []*envelope.Column{c}, context.Background()
	b.ReportAllocs()
	defer reportCPU(b)()
	for b.Loop() {
		if _, _, _, err := s.Open(ctx, make([]byte, 0, 64), cols, p, rec); err != nil {
			b.Fatal(err)
		}
	}
}

// One key for every value: the floor derives it, expands it and encrypts, on
// plain Go objects. Its HKDF-Expand is written on sha256.Sum256, which takes
// half the time of crypto/hkdf.
func BenchmarkSeal64StrictFloor(b *testing.B) {
	ik, context, pt, ad := make([]byte, 32), make([]byte, 40), make([]byte, 64), make([]byte, 74)
	b.ReportAllocs()
	defer reportCPU(b)()
	for b.Loop() {
		var salt [12]byte
		_, _ = rand.Read(salt[:])
		floorSeal(floorGCM(b, ik, context, salt[:]), make([]byte, 0, 12+64+16), pt, ad)
	}
}

func BenchmarkOpen64StrictFloor(b *testing.B) {
	ik, context, ad, salt := make([]byte, 32), make([]byte, 40), make([]byte, 74), make([]byte, 12)
	box := floorSeal(floorGCM(b, ik, context, salt), make([]byte, 0, 92), make([]byte, 64), ad)
	b.ReportAllocs()
	defer reportCPU(b)()
	for b.Loop() {
		if _, err := floorOpen(floorGCM(b, ik, context, salt), make([]byte, 0, 64), box, ad); err != nil {
			b.Fatal(err)
		}
	}
}

// floorGCM derives 48 bytes and makes a cipher of 32. In FIPS 140-3 mode the
// derivation must be the module's.
func floorGCM(b *testing.B, ik, context, salt []byte) cipher.AEAD {
	var key []byte
	if fips140.Enabled() {
		var err error
		if key, err = hkdf.Expand(sha256.New, ik, string(context)+string(salt), 48); err != nil {
			b.Fatal(err)
		}
	} else {
		two := floorExpand(ik, context, salt)
		key = two[:]
	}
	block, err := aes.NewCipher(key[:32])
	if err != nil {
		b.Fatal(err)
	}
	return floorMode(b, block)
}

// floorExpand is two blocks of HKDF-Expand.
func floorExpand(ik, context, salt []byte) (key [64]byte) {
	var inner [64 + 32 + 52 + 1]byte
	var outer [64 + 32]byte
	for i := range 64 {
		var k byte
		if i < 32 {
			k = ik[i]
		}
		inner[i], outer[i] = k^0x36, k^0x5c
	}
	for i := range 2 {
		n := 64
		if i > 0 {
			n += copy(inner[n:], key[:32])
		}
		n += copy(inner[n:], context)
		n += copy(inner[n:], salt)
		inner[n] = byte(i + 1)
		t := sha256.Sum256(inner[:n+1])
		copy(outer[64:], t[:])
		t = sha256.Sum256(outer[:])
		copy(key[32*i:], t[:])
	}
	return key
}

func BenchmarkSeal64Strict(b *testing.B) {
	s := newSealer(b, func(c *envelope.Config) { c.Policy.DataKey.MaxUses = 1 })
	c, p := column(b, s, "users.ssn", false), partition(b, "default")
	pt, ctx := make([]byte, 64), context.Background()
	b.ReportAllocs()
	defer reportCPU(b)()
	for b.Loop() {
		if _, err := s.Seal(ctx, nil, c, p, 1, pt); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpen64Strict(b *testing.B) {
	s := newSealer(b, func(c *envelope.Config) { c.Policy.DataKey.MaxUses = 1 })
	c, p := column(b, s, "users.ssn", false), partition(b, "default")
	var recs [][]byte
	for range 20000 {
		recs = append(recs, seal(b, s, c, p, string(make([]byte, 64))))
	}
	cols, ctx, i := []*envelope.Column{c}, context.Background(), 0
	b.ReportAllocs()
	defer reportCPU(b)()
	for b.Loop() {
		if _, _, _, err := s.Open(ctx, make([]byte, 0, 64), cols, p, recs[i%len(recs)]); err != nil {
			b.Fatal(err)
		}
		i++
	}
}

// The first value of a partition: a key is made and wrapped, its state
// authenticated, a data key derived and expanded, and the value sealed. Rows,
// caches and what is counted are not part of the floor.
func BenchmarkNewPartitionFloor(b *testing.B) {
	wrap, state := bareGCM(b), make([]byte, 32)
	row, place, pt, ad := make([]byte, 110), make([]byte, 90), make([]byte, 64), make([]byte, 74)
	b.ReportAllocs()
	defer reportCPU(b)()
	for b.Loop() {
		var ik [32]byte
		var box [12 + 32 + 16]byte
		var salt [12]byte
		_, _ = rand.Read(ik[:])
		floorSeal(wrap, box[:0], ik[:], row)
		sum := sha256.Sum256(row)
		floorMAC(b, state, sum[:])
		sum = sha256.Sum256(place)
		_, _ = rand.Read(salt[:])
		floorSeal(floorGCM(b, ik[:], sum[:], salt[:]), make([]byte, 0, 12+64+16), pt, ad)
	}
}

// floorMAC is one block of HKDF-Expand, with a label of 16 bytes.
func floorMAC(b *testing.B, key, sum []byte) (mac [32]byte) {
	if fips140.Enabled() {
		out, err := hkdf.Expand(sha256.New, key, "0123456789abcdef"+string(sum), 32)
		if err != nil {
			b.Fatal(err)
		}
		return [32]byte(out)
	}
	var inner [64 + 16 + 32 + 1]byte
	var outer [64 + 32]byte
	for i := range 64 {
		var k byte
		if i < 32 {
			k = key[i]
		}
		inner[i], outer[i] = k^0x36, k^0x5c
	}
	copy(inner[64+16:], sum)
	inner[112] = 1
	mac = sha256.Sum256(inner[:])
	copy(outer[64:], mac[:])
	return sha256.Sum256(outer[:])
}

func BenchmarkNewPartition(b *testing.B) {
	s := newSealer(b, nil)
	c, pt, ctx, i := column(b, s, "users.ssn", true), make([]byte, 64), context.Background(), 0
	b.ReportAllocs()
	defer reportCPU(b)()
	for b.Loop() {
		i++
		p, err := envelope.PartitionID(strconv.Itoa(i))
		if err != nil {
			b.Fatal(err)
		}
		if _, err := s.Seal(ctx, nil, c, p, 1, pt); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSeal64Parallel(b *testing.B) {
	s := newSealer(b, nil)
	c, p := column(b, s, "users.ssn", false), partition(b, "default")
	b.ResetTimer()
	defer reportCPU(b)()
	b.RunParallel(func(pb *testing.PB) {
		pt, ctx := bytes.Repeat([]byte{1}, 64), context.Background()
		for pb.Next() {
			if _, err := s.Seal(ctx, nil, c, p, 1, pt); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

func BenchmarkSeal64FloorParallel(b *testing.B) {
	g := bareGCM(b)
	b.ResetTimer()
	defer reportCPU(b)()
	b.RunParallel(func(pb *testing.PB) {
		pt, ad := make([]byte, 64), make([]byte, 74)
		for pb.Next() {
			floorSeal(g, make([]byte, 0, 12+64+16), pt, ad)
		}
	})
}
