package envelope_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/envelope/builtin"
)

const canary = "canary-9f3b7c"

func TestEveryFlippedBitIsRefused(t *testing.T) {
	for _, carry := range []bool{false, true} {
		s := newSealer(t, nil)
		c, p := column(t, s, "users.ssn", carry), partition(t, "tenant-1")
		rec := seal(t, s, c, p, canary)
		// Cached and uncached look-ups take different paths: warm the cache.
		for range 3 {
			if _, err := open(s, c, p, rec); err != nil {
				t.Fatal(err)
			}
		}
		for bit := range len(rec) * 8 {
			bad := bytes.Clone(rec)
			bad[bit/8] ^= 1 << (bit % 8)
			got, err := open(s, c, p, bad)
			want := envelope.ErrTampered
			switch off := bit / 8; {
			case off < 3:
				want = envelope.ErrNotSealed
			case 6 <= off && off < 10:
				want = envelope.ErrKeyNotFound // a creation time that no key has
			}
			if !errors.Is(err, want) || got != "" {
				t.Fatalf("carry %t: bit %d of byte %d: %q, %v; want %v", carry, bit%8, bit/8, got, err, want)
			}
			if strings.Contains(err.Error(), canary) {
				t.Fatalf("the error holds the value: %v", err)
			}
		}
	}
}

func TestEveryTruncationAndExtensionIsRefused(t *testing.T) {
	for _, carry := range []bool{false, true} {
		s := newSealer(t, nil)
		c, p := column(t, s, "users.ssn", carry), partition(t, "tenant-1")
		rec := seal(t, s, c, p, canary)
		for n := range len(rec) {
			_, err := open(s, c, p, rec[:n:n])
			if want := envelope.ErrTampered; n >= 3 && !errors.Is(err, want) || n < 3 && !errors.Is(err, envelope.ErrNotSealed) {
				t.Fatalf("%d bytes: %v", n, err)
			}
		}
		for _, tail := range []string{"\x00", "x", string(rec)} {
			if _, err := open(s, c, p, append(bytes.Clone(rec), tail...)); !errors.Is(err, envelope.ErrTampered) {
				t.Fatalf("longer by %d: %v", len(tail), err)
			}
		}
	}
}

func TestRecordsAreBoundToTheirPlace(t *testing.T) {
	m := builtin.NewMemory()
	at := func(service, product string) *envelope.Sealer {
		return newSealer(t, func(c *envelope.Config) { c.Service, c.Product, c.Metastore = service, product, m })
	}
	home := at("shop", "orders")
	for _, carry := range []bool{false, true} {
		rec := seal(t, home, column(t, home, "users.ssn", carry), partition(t, "tenant-1"), canary)
		// The other places have keys of the same creation time, so that it is the
		// record and not the absence of a key that refuses.
		try := func(what string, s *envelope.Sealer, id, part string, want error) {
			t.Run(fmt.Sprintf("%s carry %t", what, carry), func(t *testing.T) {
				c, p := column(t, s, id, carry), partition(t, part)
				seal(t, s, c, p, "own value")
				got, err := open(s, c, p, rec)
				if !errors.Is(err, want) || got != "" {
					t.Fatalf("Open = %q, %v; want %v", got, err, want)
				}
			})
		}
		inPartition := envelope.ErrTampered
		if carry {
			inPartition = envelope.ErrWrongPartition
		}
		try("other column", home, "users.email", "tenant-1", envelope.ErrWrongColumn)
		try("other partition", home, "users.ssn", "tenant-2", inPartition)
		try("other service", at("shop2", "orders"), "users.ssn", "tenant-1", envelope.ErrTampered)
		try("other product", at("shop", "orders2"), "users.ssn", "tenant-1", envelope.ErrTampered)
		try("shifted names", at("sho", "porders"), "users.ssn", "tenant-1", envelope.ErrTampered)
	}
}

func TestColumnIsFoundByItsTag(t *testing.T) {
	s := newSealer(t, nil)
	p := partition(t, "p")
	a, b := column(t, s, "users.a", false), column(t, s, "users.b", false)
	rec := seal(t, s, b, p, "in b")
	got, tag, i, err := s.Open(context.Background(), []byte("before "), []*envelope.Column{a, b}, p, rec)
	if err != nil || string(got) != "before in b" || tag != 1 || i != 1 {
		t.Fatalf("Open = %q, %d, %d, %v", got, tag, i, err)
	}
	if _, _, _, err := s.Open(context.Background(), nil, nil, p, rec); !errors.Is(err, envelope.ErrWrongColumn) {
		t.Fatalf("no columns: %v", err)
	}
}

func TestPartitionIsExpectedAndNotTakenFromTheRecord(t *testing.T) {
	s := newSealer(t, nil)
	carry, plain := column(t, s, "t.carry", true), column(t, s, "t.plain", false)
	one, two := partition(t, "one"), partition(t, "two")
	rec := seal(t, s, carry, one, "of one")
	if id, ok, err := envelope.RecordPartition(rec); id != "one" || !ok || err != nil {
		t.Fatalf("RecordPartition = %q, %t, %v", id, ok, err)
	}
	if _, err := open(s, carry, two, rec); !errors.Is(err, envelope.ErrWrongPartition) {
		t.Fatalf("another partition: %v", err)
	}
	for range 3 {
		if got, err := open(s, carry, envelope.AnyPartition, rec); err != nil || got != "of one" {
			t.Fatalf("AnyPartition: %q, %v", got, err)
		}
	}
	bare := seal(t, s, plain, one, "of one")
	if id, ok, err := envelope.RecordPartition(bare); id != "" || ok || err != nil {
		t.Fatalf("RecordPartition = %q, %t, %v", id, ok, err)
	}
	if _, err := open(s, plain, envelope.AnyPartition, bare); !errors.Is(err, envelope.ErrWrongPartition) {
		t.Fatalf("AnyPartition of a record that names none: %v", err)
	}
	if _, err := s.Seal(context.Background(), nil, carry, envelope.AnyPartition, 1, nil); !errors.Is(err, envelope.ErrPartition) {
		t.Fatalf("sealing for AnyPartition: %v", err)
	}
	if _, err := s.Seal(context.Background(), nil, carry, envelope.Partition{}, 1, nil); !errors.Is(err, envelope.ErrPartition) {
		t.Fatalf("sealing for no partition: %v", err)
	}
}

func TestPartitionIDsAreChecked(t *testing.T) {
	for _, id := range []string{"", strings.Repeat("x", 201), "\xff", "a\xc3"} {
		if _, err := envelope.PartitionID(id); !errors.Is(err, envelope.ErrPartition) {
			t.Errorf("%q: %v", id, err)
		}
	}
	a, b := partition(t, strings.Repeat("é", 100)), partition(t, strings.Repeat("é", 100))
	if a != b {
		t.Error("equal ids give different partitions")
	}
}

// The longest names of everything still make keys and records.
func TestLongestNamesSealAndOpen(t *testing.T) {
	m := builtin.NewMemory()
	s := newSealer(t, func(c *envelope.Config) {
		c.Service, c.Product, c.Metastore = strings.Repeat("s", 100), strings.Repeat("p", 100), m
	})
	c := column(t, s, strings.Repeat("c", 255), true)
	for _, id := range []string{strings.Repeat("/", 200), strings.Repeat("~", 200), strings.Repeat("x", 200), strings.Repeat("漢", 66), "\x00", " "} {
		p := partition(t, id)
		rec := seal(t, s, c, p, id)
		if got, err := open(s, c, p, rec); err != nil || got != id {
			t.Fatalf("%q: %v", id, err)
		}
	}
	for _, n := range [][2]string{{"", "p"}, {"s", ""}, {strings.Repeat("s", 150), strings.Repeat("p", 150)}, {"\xff", "p"}} {
		if _, err := envelope.New(context.Background(), envelope.Config{Service: n[0], Product: n[1], KMS: testKMS(t), Metastore: m}); err == nil {
			t.Errorf("service of %d and product of %d bytes are accepted", len(n[0]), len(n[1]))
		}
	}
}

func TestPartitionsWithSimilarNamesHaveTheirOwnKeys(t *testing.T) {
	m := builtin.NewMemory()
	s := newSealer(t, func(c *envelope.Config) { c.Metastore = m })
	c := column(t, s, "t.c", false)
	ids := []string{"a", "A", "a ", " a", "a/b", "a%2Fb", "a%2fb", "á", "a\u0301", "a\x00", "~a", "%7Ea"}
	recs := map[string][]byte{}
	for _, id := range ids {
		recs[id] = seal(t, s, c, partition(t, id), id)
	}
	for _, x := range ids {
		for _, y := range ids {
			got, err := open(s, c, partition(t, x), recs[y])
			if (x == y) != (err == nil) || err != nil && !errors.Is(err, envelope.ErrTampered) || err == nil && got != x {
				t.Fatalf("record of %q opened as %q: %q, %v", y, x, got, err)
			}
		}
	}
}

func TestBytesWithoutTheMarkAreNotSealed(t *testing.T) {
	s := newSealer(t, nil)
	c, p := column(t, s, "t.c", false), partition(t, "p")
	for _, b := range []string{"", "\xf9", "\xf9S", "\xf9SX" + strings.Repeat("x", 80), "plain text", "ss1.x"} {
		if _, err := open(s, c, p, []byte(b)); !errors.Is(err, envelope.ErrNotSealed) || errors.Is(err, envelope.ErrTampered) {
			t.Errorf("%q: %v", b, err)
		}
	}
}

func TestColumnsOfAnotherSealerAreRefused(t *testing.T) {
	a, b := newSealer(t, nil), newSealer(t, nil)
	p := partition(t, "p")
	foreign := column(t, b, "t.c", false)
	if _, err := a.Seal(context.Background(), nil, foreign, p, 1, nil); err == nil {
		t.Error("Seal accepts it")
	}
	if _, err := a.Seal(context.Background(), nil, nil, p, 1, nil); err == nil {
		t.Error("Seal accepts nil")
	}
	rec := seal(t, a, column(t, a, "t.c", false), p, "x")
	if _, err := open(a, foreign, p, rec); err == nil {
		t.Error("Open accepts it")
	}
	if _, err := open(a, nil, p, rec); err == nil {
		t.Error("Open accepts nil")
	}
}

func TestTypeTagIsAuthenticated(t *testing.T) {
	s := newSealer(t, nil)
	c, p := column(t, s, "t.c", false), partition(t, "p")
	for tag := range 256 {
		rec, err := s.Seal(context.Background(), nil, c, p, byte(tag), nil)
		if err != nil {
			t.Fatal(err)
		}
		_, got, _, err := s.Open(context.Background(), nil, []*envelope.Column{c}, p, rec)
		if err != nil || got != byte(tag) {
			t.Fatalf("tag %d comes back as %d, %v", tag, got, err)
		}
	}
}

func TestBuffersMayOverlap(t *testing.T) {
	s := newSealer(t, nil)
	c, p := column(t, s, "t.c", false), partition(t, "p")
	buf := append(make([]byte, 0, 4096), "the value"...)
	rec, err := s.Seal(context.Background(), buf[:0], c, p, 1, buf[:9])
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		work := append(make([]byte, 0, 4096), rec...)
		got, _, _, err := s.Open(context.Background(), work[:0], []*envelope.Column{c}, p, work)
		if err != nil || string(got) != "the value" {
			t.Fatalf("Open = %q, %v", got, err)
		}
	}
}

func TestDestinationIsUnchangedByAnError(t *testing.T) {
	s := newSealer(t, nil)
	c, p := column(t, s, "t.c", false), partition(t, "p")
	rec := seal(t, s, c, p, canary)
	for range 3 { // first, second and cached look-up
		if _, err := open(s, c, p, rec); err != nil {
			t.Fatal(err)
		}
		bad := bytes.Clone(rec)
		bad[len(bad)-1] ^= 1
		dst := append(make([]byte, 0, 512), "kept"...)
		got, _, _, err := s.Open(context.Background(), dst, []*envelope.Column{c}, p, bad)
		if err == nil || string(got) != "kept" {
			t.Fatalf("Open = %q, %v", got, err)
		}
		if bytes.Contains(dst[:cap(dst)], []byte(canary)) {
			t.Fatal("unauthenticated plaintext was left in the buffer")
		}
	}
}

func TestSaltsAreSharedWithinBoundsAndPlaceOnly(t *testing.T) {
	clk := newClock()
	s := newSealer(t, func(c *envelope.Config) {
		c.Now = clk.now
		c.Policy.DataKey = envelope.DataKeyPolicy{MaxUses: 3, MaxAge: 10e9}
	})
	a, b := column(t, s, "t.a", false), column(t, s, "t.b", false)
	p, q := partition(t, "p"), partition(t, "q")
	salt := func(c *envelope.Column, p envelope.Partition) string { return string(seal(t, s, c, p, "v")[14:26]) }
	first := salt(a, p)
	for range 2 {
		if salt(a, p) != first {
			t.Fatal("the salt is not reused within max_uses")
		}
	}
	fourth := salt(a, p)
	if fourth == first {
		t.Fatal("the salt is reused beyond max_uses")
	}
	if salt(b, p) == fourth || salt(a, q) == fourth {
		t.Fatal("a salt is shared by columns or partitions")
	}
	clk.pass(10e9)
	if salt(a, p) == fourth {
		t.Fatal("the salt is reused beyond max_age")
	}
	seen := map[string]bool{}
	for range 2000 {
		nonce := string(seal(t, s, a, p, "v")[42:54])
		if seen[nonce] {
			t.Fatal("a nonce came twice")
		}
		seen[nonce] = true
	}
}

func TestArmourHasOneTextForOneRecord(t *testing.T) {
	s := newSealer(t, nil)
	c, p := column(t, s, "t.c", false), partition(t, "p")
	for n := range 5 {
		rec := seal(t, s, c, p, strings.Repeat("x", n))
		text := envelope.AppendArmour(nil, rec)
		if len(text) != envelope.ArmouredLen(len(rec)) || !envelope.IsArmoured(text) {
			t.Fatalf("armour of %d bytes", len(text))
		}
		back, err := envelope.Dearmour([]byte("x"), text)
		if err != nil || string(back) != "x"+string(rec) {
			t.Fatal(err)
		}
		for _, bad := range []string{
			string(text) + "=", string(text) + "\n", string(text[:20]) + "\r\n" + string(text[20:]), string(text) + " ",
			string(text[:len(text)-1]), strings.Replace(string(text), "-", "+", 1) + "+", "ss1.", "ss1.AAAA", "ss1.%%%%",
		} {
			back, err := envelope.Dearmour([]byte("x"), []byte(bad))
			if err == nil && bytes.Equal(back[1:], rec) {
				t.Fatalf("%q is the armour of the same record", bad)
			}
			if err != nil && (!errors.Is(err, envelope.ErrTampered) || string(back) != "x") {
				t.Fatalf("%q: %v", bad, err)
			}
		}
	}
	for _, plain := range []string{"", "ss1", "SS1.AAAA", "text", "xss1."} {
		if _, err := envelope.Dearmour(nil, []byte(plain)); !errors.Is(err, envelope.ErrNotSealed) {
			t.Errorf("%q: %v", plain, err)
		}
	}
}
