package envelope_test

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"strconv"
	"testing"
	"time"

	"github.com/sealsql/sealsql/envelope"
)

// plainKey does the cryptography of a record and writes its bytes, on plain Go
// memory with the intermediate key's cipher kept.
type plainKey struct{ ik cipher.AEAD }

func gcmOf(b *testing.B, key []byte) cipher.AEAD {
	block, err := aes.NewCipher(key)
	if err != nil {
		b.Fatal(err)
	}
	g, err := cipher.NewGCM(block)
	if err != nil {
		b.Fatal(err)
	}
	return g
}

func (k plainKey) seal(b *testing.B, payload []byte) []byte {
	var key [32]byte
	var nonces [24]byte
	_, _ = rand.Read(key[:])
	_, _ = rand.Read(nonces[:12])
	_, _ = rand.Read(nonces[12:])
	data := make([]byte, 0, len(payload)+28)
	data = append(gcmOf(b, key[:]).Seal(data, nonces[:12], payload, nil), nonces[:12]...)
	var box [60]byte
	wrapped := append(k.ik.Seal(box[:0], nonces[12:], key[:], nil), nonces[12:]...)
	out := make([]byte, 0, 256+base64.StdEncoding.EncodedLen(len(data)))
	out = strconv.AppendInt(append(out, `{"Key":{"Created":`...), time.Now().Unix(), 10)
	out = base64.StdEncoding.AppendEncode(append(out, `,"Key":"`...), wrapped)
	out = append(out, `","ParentKeyMeta":{"KeyId":"_IK_partition1_service_product","Created":`...)
	out = append(strconv.AppendInt(out, 1795310760, 10), `}},"Data":"`...)
	out = base64.StdEncoding.AppendEncode(out, data)
	return append(out, `"}`...)
}

// open reads the record by position: it knows what it wrote.
func (k plainKey) open(b *testing.B, rec []byte) []byte {
	const keyAt, dataAt = len(`{"Key":{"Created":1795310797,"Key":"`), len(`{"Key":{"Created":1795310797,"Key":"","ParentKeyMeta":{"KeyId":"_IK_partition1_service_product","Created":1795310760}},"Data":"`) + 80
	var wrapped [62]byte
	if _, err := base64.StdEncoding.Decode(wrapped[:], rec[keyAt:keyAt+80]); err != nil {
		b.Fatal(err)
	}
	key, err := k.ik.Open(wrapped[:0], wrapped[48:60], wrapped[:48], nil)
	if err != nil {
		b.Fatal(err)
	}
	data, err := base64.StdEncoding.AppendDecode(nil, rec[dataAt:len(rec)-2])
	if err != nil {
		b.Fatal(err)
	}
	end := len(data) - 12
	plain, err := gcmOf(b, key).Open(data[:0], data[end:], data[:end], nil)
	if err != nil {
		b.Fatal(err)
	}
	return plain
}

var recordSizes = []int{16, 64, 1024, 65536}

func benchPartition(b *testing.B) *envelope.AsherahPartition {
	s := newSealer(b, func(c *envelope.Config) { c.Service, c.Product = "service", "product" })
	a, err := s.Asherah(envelope.AsherahOptions{})
	if err != nil {
		b.Fatal(err)
	}
	p, err := a.Partition("partition1")
	if err != nil {
		b.Fatal(err)
	}
	return p
}

func BenchmarkAsherahSealFloor(b *testing.B) {
	for _, n := range recordSizes {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			k, pt := plainKey{bareGCM(b)}, make([]byte, n)
			b.ReportAllocs()
			defer reportCPU(b)()
			for b.Loop() {
				k.seal(b, pt)
			}
		})
	}
}

func BenchmarkAsherahSeal(b *testing.B) {
	for _, n := range recordSizes {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			p, pt, ctx := benchPartition(b), make([]byte, n), context.Background()
			b.ReportAllocs()
			defer reportCPU(b)()
			for b.Loop() {
				if _, err := p.Seal(ctx, nil, pt); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkAsherahOpenFloor(b *testing.B) {
	for _, n := range recordSizes {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			k := plainKey{bareGCM(b)}
			rec := k.seal(b, make([]byte, n))
			b.ReportAllocs()
			defer reportCPU(b)()
			for b.Loop() {
				k.open(b, rec)
			}
		})
	}
}

func BenchmarkAsherahOpen(b *testing.B) {
	for _, n := range recordSizes {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			p, ctx := benchPartition(b), context.Background()
			rec, err := p.Seal(ctx, nil, make([]byte, n))
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			defer reportCPU(b)()
			for b.Loop() {
				if _, err := p.Open(ctx, nil, rec); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkAsherahNewPartition(b *testing.B) {
	s := newSealer(b, nil)
	a, err := s.Asherah(envelope.AsherahOptions{})
	if err != nil {
		b.Fatal(err)
	}
	pt, ctx, i := make([]byte, 64), context.Background(), 0
	b.ReportAllocs()
	defer reportCPU(b)()
	for b.Loop() {
		i++
		p, err := a.Partition(strconv.Itoa(i))
		if err != nil {
			b.Fatal(err)
		}
		if _, err := p.Seal(ctx, nil, pt); err != nil {
			b.Fatal(err)
		}
	}
}
