package envelope_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/sealsql/sealsql/envelope"
)

// Of a padded value nothing but the padded length shows: all values of one
// bucket give records of one length, and a bucket is as wide as documented.
func TestPaddingHidesTheLength(t *testing.T) {
	for _, pad := range []envelope.Padding{16, 32, 64, 256, 4096, 65536} {
		s := newSealer(t, nil)
		c, p := shapedColumn(t, s, "t.c", envelope.ColumnOptions{Pad: pad}), partition(t, "p")
		buckets := map[int]int{}
		for n := range 2 * int(min(pad, 1024)) {
			rec := seal(t, s, c, p, strings.Repeat("v", n))
			if want := 70 + (n/int(pad)+1)*int(pad); len(rec) != want {
				t.Fatalf("pad %d: %d bytes give a record of %d, want %d", pad, n, len(rec), want)
			}
			buckets[len(rec)]++
		}
		for length, n := range buckets {
			if pad <= 1024 && n != int(pad) {
				t.Errorf("pad %d: %d lengths share the record length %d", pad, n, length)
			}
		}
	}
}

// PADMÉ: at most 12 % more, and few lengths.
func TestPadmeHidesTheLength(t *testing.T) {
	s := newSealer(t, nil)
	c, p := shapedColumn(t, s, "t.c", envelope.ColumnOptions{Pad: envelope.PadPadme}), partition(t, "p")
	lengths := map[int]bool{}
	for n := range 4096 {
		sealed := envelope.SealedLen(c, p, n) - 70
		lengths[sealed] = true
		if sealed < n+1 || sealed < 32 || n >= 32 && float64(sealed) > 1.12*float64(n+1) {
			t.Fatalf("%d bytes are padded to %d", n, sealed)
		}
		if n%97 == 0 && len(seal(t, s, c, p, strings.Repeat("v", n))) != sealed+70 {
			t.Fatalf("%d bytes: SealedLen is wrong", n)
		}
	}
	if len(lengths) > 100 {
		t.Errorf("4096 lengths show as %d", len(lengths))
	}
	// From the paper's formula: the exponent of 1000 is 9, which has 4 bits, so
	// the low 5 bits of a length of 10 are zero.
	if got := envelope.SealedLen(c, p, 999) - 70; got != 1024 {
		t.Errorf("1000 is padded to %d", got)
	}
	if got := envelope.SealedLen(c, p, 899) - 70; got != 928 {
		t.Errorf("900 is padded to %d", got)
	}
}

func TestWrongPaddingInsideARecordIsRefused(t *testing.T) {
	s := newSealer(t, nil)
	c, p := shapedColumn(t, s, "t.c", envelope.ColumnOptions{Pad: 16}), partition(t, "p")
	for _, payload := range []string{"", "\x00", strings.Repeat("\x00", 64), "text", "text\x81\x00", "text\x80\x01"} {
		rec, err := envelope.SealPayload(s, c, p, false, true, []byte(payload))
		if err != nil {
			t.Fatal(err)
		}
		var re *envelope.RecordError
		if got, err := open(s, c, p, rec); !errors.As(err, &re) || re.Reason != envelope.ReasonPayload || got != "" {
			t.Errorf("%q: %q, %v", payload, got, err)
		}
	}
}
