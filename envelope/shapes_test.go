package envelope_test

import (
	"bytes"
	"context"
	"crypto/fips140"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/sealsql/sealsql/envelope"
)

// shape is one form that records can have.
type shape struct {
	name string
	o    envelope.ColumnOptions
	row  string
	// keyAt is where the key block begins, for "tenant-1".
	keyAt, keyLen int
}

// everyShape lists the suites and flags, alone and together. In FIPS 140-3 mode
// it leaves ChaCha20-Poly1305 out, which has a test of its own there.
func everyShape() []shape {
	all := []shape{
		{name: "derived", keyAt: 14, keyLen: 12},
		{name: "derived_carried", o: envelope.ColumnOptions{CarryPartition: true}, keyAt: 23, keyLen: 12},
		{name: "wrapped", o: envelope.ColumnOptions{Suite: envelope.SuiteWrapped}, keyAt: 14, keyLen: 60},
		{name: "wrapped_carried", o: envelope.ColumnOptions{Suite: envelope.SuiteWrapped, CarryPartition: true}, keyAt: 23, keyLen: 60},
		{name: "bound", o: envelope.ColumnOptions{BindRow: true}, row: "row-1", keyAt: 14, keyLen: 12},
		{name: "padded", o: envelope.ColumnOptions{Pad: 32}, keyAt: 14, keyLen: 12},
		{name: "padme", o: envelope.ColumnOptions{Pad: envelope.PadPadme, Suite: envelope.SuiteWrapped}, keyAt: 14, keyLen: 60},
		{name: "compressed", o: envelope.ColumnOptions{Compress: 1}, keyAt: 14, keyLen: 12},
		{
			name: "everything", row: "row-1", keyAt: 23, keyLen: 60,
			o: envelope.ColumnOptions{
				Suite: envelope.SuiteWrapped, CarryPartition: true, BindRow: true, Compress: 1, Pad: 64,
			},
		},
	}
	if !fips140.Enabled() {
		all = append(all,
			shape{name: "chacha20", o: envelope.ColumnOptions{Suite: envelope.SuiteChaCha20}, keyAt: 14, keyLen: 12},
			shape{
				name: "chacha20_everything", row: "row-1", keyAt: 23, keyLen: 12,
				o: envelope.ColumnOptions{
					Suite: envelope.SuiteChaCha20, CarryPartition: true, BindRow: true, Compress: 1, Pad: 16,
				},
			})
	}
	return all
}

func shapedColumn(t testing.TB, s *envelope.Sealer, id string, o envelope.ColumnOptions) *envelope.Column {
	t.Helper()
	c, err := s.Column(id, o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func sealRow(t testing.TB, s *envelope.Sealer, c *envelope.Column, p envelope.Partition, row, text string) []byte {
	t.Helper()
	b, err := s.SealRow(context.Background(), nil, c, p, row, 1, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func openRow(s *envelope.Sealer, c *envelope.Column, p envelope.Partition, row string, rec []byte) (string, error) {
	b, _, _, err := s.OpenRow(context.Background(), nil, []*envelope.Column{c}, p, row, rec)
	return string(b), err
}

// values are of every length up to two blocks, and long ones.
func values() []string {
	var all []string
	for n := range 70 {
		all = append(all, strings.Repeat("v", n))
	}
	noise := make([]byte, 5000)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range noise {
		noise[i] = byte(r.Uint32())
	}
	return append(all, "\x80", "\x80\x00\x00", "\x00\x00", string(noise), strings.Repeat("compressible ", 9000))
}

func TestEveryShapeOpensAsItWasSealed(t *testing.T) {
	for _, sh := range everyShape() {
		for _, uses := range []int{1, 0} {
			t.Run(fmt.Sprintf("%s/max_uses_%d", sh.name, uses), func(t *testing.T) {
				s := newSealer(t, func(c *envelope.Config) { c.Policy.DataKey.MaxUses = uses })
				c, p := shapedColumn(t, s, "users.ssn", sh.o), partition(t, "tenant-1")
				for _, text := range values() {
					rec := sealRow(t, s, c, p, sh.row, text)
					if want := envelope.SealedLen(c, p, len(text)); len(rec) != want && (sh.o.Compress == 0 || len(rec) > want) {
						t.Fatalf("record of %d bytes, SealedLen says %d", len(rec), want)
					}
					for range 3 { // first sight, second sight, cached
						if got, err := openRow(s, c, p, sh.row, rec); err != nil || got != text {
							t.Fatalf("%d bytes open as %d, %v", len(text), len(got), err)
						}
					}
				}
			})
		}
	}
}

func TestEveryFlippedBitOfEveryShapeIsRefused(t *testing.T) {
	for _, sh := range everyShape() {
		t.Run(sh.name, func(t *testing.T) {
			s := newSealer(t, nil)
			c, p := shapedColumn(t, s, "users.ssn", sh.o), partition(t, "tenant-1")
			rec := sealRow(t, s, c, p, sh.row, canary)
			for range 3 { // the cached look-up takes another path
				for bit := range len(rec) * 8 {
					bad := bytes.Clone(rec)
					bad[bit/8] ^= 1 << (bit % 8)
					got, err := openRow(s, c, p, sh.row, bad)
					want := envelope.ErrTampered
					switch off := bit / 8; {
					case off < 3:
						want = envelope.ErrNotSealed
					case 6 <= off && off < 10:
						want = envelope.ErrKeyNotFound
					}
					if !errors.Is(err, want) || got != "" {
						t.Fatalf("bit %d of byte %d: %q, %v; want %v", bit%8, bit/8, got, err, want)
					}
					if strings.Contains(err.Error(), canary) {
						t.Fatalf("the error holds the value: %v", err)
					}
				}
				if got, err := openRow(s, c, p, sh.row, rec); err != nil || got != canary {
					t.Fatalf("%q, %v", got, err)
				}
			}
		})
	}
}

func TestEveryTruncationOfEveryShapeIsRefused(t *testing.T) {
	for _, sh := range everyShape() {
		t.Run(sh.name, func(t *testing.T) {
			s := newSealer(t, nil)
			c, p := shapedColumn(t, s, "users.ssn", sh.o), partition(t, "tenant-1")
			rec := sealRow(t, s, c, p, sh.row, canary)
			for n := 3; n < len(rec); n++ {
				if _, err := openRow(s, c, p, sh.row, rec[:n:n]); !errors.Is(err, envelope.ErrTampered) {
					t.Fatalf("%d bytes: %v", n, err)
				}
			}
			if _, err := openRow(s, c, p, sh.row, append(bytes.Clone(rec), 0)); !errors.Is(err, envelope.ErrTampered) {
				t.Fatalf("one byte more: %v", err)
			}
		})
	}
}

// Parts of two records of one column never make a third.
func TestPartsOfTwoRecordsDoNotMix(t *testing.T) {
	for _, sh := range everyShape() {
		for _, uses := range []int{1, 0} {
			t.Run(fmt.Sprintf("%s/max_uses_%d", sh.name, uses), func(t *testing.T) {
				s := newSealer(t, func(c *envelope.Config) { c.Policy.DataKey.MaxUses = uses })
				c, p := shapedColumn(t, s, "users.ssn", sh.o), partition(t, "tenant-1")
				a := sealRow(t, s, c, p, sh.row, "value number one")
				b := sealRow(t, s, c, p, sh.row, "value number two")
				cuts := []int{sh.keyAt, sh.keyAt + sh.keyLen, sh.keyAt + sh.keyLen + 16, sh.keyAt + sh.keyLen + 28, len(a) - 16}
				for _, from := range cuts {
					for _, to := range append(cuts, len(a)) {
						if from >= to || bytes.Equal(a[from:to], b[from:to]) {
							continue
						}
						mixed := bytes.Clone(a)
						copy(mixed[from:to], b[from:to])
						if got, err := openRow(s, c, p, sh.row, mixed); bytes.Equal(mixed, b) && got == "value number two" {
							continue // all that differs was copied
						} else if !errors.Is(err, envelope.ErrTampered) {
							t.Fatalf("bytes %d to %d of another record: %q, %v", from, to, got, err)
						}
					}
				}
			})
		}
	}
}

// A record of one shape never opens in a column that is configured for another,
// whatever its header says. Free are only whether it carries its partition, which
// is bound either way, and whether it is compressed where the column compresses:
// not every value becomes smaller.
func TestNoShapeStandsInForAnother(t *testing.T) {
	s := newSealer(t, nil)
	p := partition(t, "tenant-1")
	for _, a := range everyShape() {
		from := shapedColumn(t, s, "users.ssn", a.o)
		rec := sealRow(t, s, from, p, a.row, strings.Repeat("v", 100))
		for _, b := range everyShape() {
			o := a.o
			o.CarryPartition = b.o.CarryPartition
			if o.Compress == 0 {
				o.Compress = b.o.Compress
			}
			same := fmt.Sprint(o) == fmt.Sprint(b.o)
			got, err := openRow(s, shapedColumn(t, s, "users.ssn", b.o), p, b.row, rec)
			if same && err != nil || !same && (!errors.Is(err, envelope.ErrTampered) || got != "") {
				t.Errorf("%s in a column for %s: %d bytes, %v", a.name, b.name, len(got), err)
			}
		}
	}
}

func TestFormsAreAcceptedWhereTheConfigurationNamesThem(t *testing.T) {
	s := newSealer(t, nil)
	p := partition(t, "p")
	long := strings.Repeat("v", 100)
	for _, tc := range []struct {
		name       string
		write, now envelope.ColumnOptions
		row        string
	}{
		{"another suite", envelope.ColumnOptions{}, envelope.ColumnOptions{Suite: envelope.SuiteWrapped, Read: []envelope.Suite{envelope.SuiteDerived}}, ""},
		{"a suite of before", envelope.ColumnOptions{Suite: envelope.SuiteWrapped}, envelope.ColumnOptions{Read: []envelope.Suite{envelope.SuiteWrapped}}, ""},
		{"unbound", envelope.ColumnOptions{}, envelope.ColumnOptions{BindRow: true, Accept: envelope.FormUnbound}, "row"},
		{"unbound without a row", envelope.ColumnOptions{}, envelope.ColumnOptions{BindRow: true, Accept: envelope.FormUnbound}, ""},
		{"padded", envelope.ColumnOptions{Pad: 16}, envelope.ColumnOptions{Accept: envelope.FormPadded}, ""},
		{"padded otherwise", envelope.ColumnOptions{Pad: 16}, envelope.ColumnOptions{Pad: 256}, ""},
		{"unpadded", envelope.ColumnOptions{}, envelope.ColumnOptions{Pad: 16, Accept: envelope.FormUnpadded}, ""},
		{"compressed", envelope.ColumnOptions{Compress: 10}, envelope.ColumnOptions{Accept: envelope.FormCompressed}, ""},
		{"not compressed", envelope.ColumnOptions{}, envelope.ColumnOptions{Compress: 10}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			rec := sealRow(t, s, shapedColumn(t, s, "t.c", tc.write), p, tc.row, long)
			if got, err := openRow(s, shapedColumn(t, s, "t.c", tc.now), p, tc.row, rec); err != nil || got != long {
				t.Fatalf("%d bytes, %v", len(got), err)
			}
		})
	}
}

func TestReasonsTellWhichDemandWasNotMet(t *testing.T) {
	s := newSealer(t, nil)
	p := partition(t, "p")
	for _, tc := range []struct {
		name       string
		write, now envelope.ColumnOptions
		reason     envelope.Reason
	}{
		{"suite", envelope.ColumnOptions{Suite: envelope.SuiteWrapped}, envelope.ColumnOptions{}, envelope.ReasonSuite},
		{"row", envelope.ColumnOptions{}, envelope.ColumnOptions{BindRow: true}, envelope.ReasonForm},
		{"bound in a column that is not", envelope.ColumnOptions{BindRow: true}, envelope.ColumnOptions{}, envelope.ReasonForm},
		{"padding", envelope.ColumnOptions{}, envelope.ColumnOptions{Pad: 16}, envelope.ReasonForm},
		{"compression", envelope.ColumnOptions{Compress: 1}, envelope.ColumnOptions{}, envelope.ReasonForm},
	} {
		t.Run(tc.name, func(t *testing.T) {
			rec := sealRow(t, s, shapedColumn(t, s, "t.c", tc.write), p, "row", strings.Repeat("v", 100))
			_, err := openRow(s, shapedColumn(t, s, "t.c", tc.now), p, "row", rec)
			var re *envelope.RecordError
			if !errors.As(err, &re) || re.Reason != tc.reason || !errors.Is(err, envelope.ErrTampered) {
				t.Fatalf("%v, want %s", err, tc.reason)
			}
			if strings.HasPrefix(re.Reason.String(), "Reason(") || !strings.Contains(err.Error(), "form") {
				t.Errorf("the reason has no text: %s; %v", re.Reason, err)
			}
		})
	}
}

func TestRowIdentityIsDemandedAndBound(t *testing.T) {
	s := newSealer(t, nil)
	c, p := shapedColumn(t, s, "users.ssn", envelope.ColumnOptions{BindRow: true}), partition(t, "p")
	long := strings.Repeat("r", envelope.MaxRow)
	for _, row := range []string{"row-1", "\x00", "r", long} {
		rec := sealRow(t, s, c, p, row, canary)
		if bytes.Contains(rec, []byte(row)) && len(row) > 1 {
			t.Error("the record holds its row")
		}
		for _, other := range []string{"row-2", "row-", "row-11", row + " ", "\x00\x00", "R"} {
			if len(other) > envelope.MaxRow {
				continue
			}
			for range 3 {
				if got, err := openRow(s, c, p, other, rec); !errors.Is(err, envelope.ErrTampered) || got != "" {
					t.Fatalf("a record of row %q opens in row %q: %v", row, other, err)
				}
			}
		}
		for range 3 {
			if got, err := openRow(s, c, p, row, rec); err != nil || got != canary {
				t.Fatal(err)
			}
			if _, err := openRow(s, c, p, "", rec); !errors.Is(err, envelope.ErrRow) {
				t.Fatalf("without a row: %v", err)
			}
		}
	}
	for _, row := range []string{"", long + "r"} {
		if _, err := s.SealRow(context.Background(), nil, c, p, row, 1, nil); !errors.Is(err, envelope.ErrRow) {
			t.Errorf("sealing for a row of %d bytes: %v", len(row), err)
		}
		if _, err := openRow(s, c, p, row, sealRow(t, s, c, p, "x", "")); !errors.Is(err, envelope.ErrRow) {
			t.Errorf("opening for a row of %d bytes: %v", len(row), err)
		}
	}
	if !c.BindsRow() || shapedColumn(t, s, "users.ssn", envelope.ColumnOptions{}).BindsRow() {
		t.Error("BindsRow does not say what was asked for")
	}
}

func TestOptionsThatMakeNoSenseAreRefused(t *testing.T) {
	s := newSealer(t, nil)
	for name, o := range map[string]envelope.ColumnOptions{
		"suite 4":          {Suite: 4},
		"suite 15":         {Read: []envelope.Suite{15}},
		"suite 255":        {Read: []envelope.Suite{255}},
		"suite 0 to read":  {Read: []envelope.Suite{0}},
		"padding 8":        {Pad: 8},
		"padding 17":       {Pad: 17},
		"padding 131072":   {Pad: 131072},
		"padding -2":       {Pad: -2},
		"threshold -1":     {Compress: -1},
		"form that is not": {Accept: 0x80},
	} {
		if _, err := s.Column("t.c", o); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

func TestChaCha20IsRefusedInFIPSMode(t *testing.T) {
	s := newSealer(t, nil)
	for _, o := range []envelope.ColumnOptions{
		{Suite: envelope.SuiteChaCha20},
		{Read: []envelope.Suite{envelope.SuiteChaCha20}},
	} {
		if _, err := s.Column("t.c", o); errors.Is(err, envelope.ErrFIPS) != fips140.Enabled() {
			t.Errorf("FIPS mode %t: %v", fips140.Enabled(), err)
		}
	}
}

func TestNamesOfSuitesAndPaddings(t *testing.T) {
	for want, got := range map[string]fmt.Stringer{
		"AES-256-GCM": envelope.SuiteDerived, "AES-256-GCM-wrapped": envelope.SuiteWrapped,
		"ChaCha20-Poly1305": envelope.SuiteChaCha20, "Suite(9)": envelope.Suite(9),
		"none": envelope.PadNone, "padme": envelope.PadPadme, "64": envelope.Padding(64),
	} {
		if got.String() != want {
			t.Errorf("%s is called %s", want, got)
		}
	}
}
