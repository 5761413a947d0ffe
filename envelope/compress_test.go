package envelope_test

import (
	"encoding/binary"
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/sealsql/sealsql/envelope"
)

func TestCompressionBeginsAtTheThresholdAndNeverAddsBytes(t *testing.T) {
	s := newSealer(t, nil)
	c, p := shapedColumn(t, s, "t.c", envelope.ColumnOptions{Compress: 200}), partition(t, "p")
	compressed := func(rec []byte) bool { return rec[4]&4 != 0 }
	if rec := seal(t, s, c, p, strings.Repeat("v", 199)); compressed(rec) {
		t.Error("a value below the threshold is compressed")
	}
	if rec := seal(t, s, c, p, strings.Repeat("v", 200)); !compressed(rec) || len(rec) > 70+60 {
		t.Errorf("200 equal bytes become %d", len(rec))
	}
	for _, text := range values() {
		rec := seal(t, s, c, p, text)
		if len(rec) > 70+len(text) {
			t.Fatalf("%d bytes become %d", len(text), len(rec))
		}
	}
}

// A frame that claims more than it may is refused before the memory for its
// claim is taken; one that yields more than the record says, less, or nothing
// that is a frame, is refused too.
func TestDecompressionIsBoundedByTheDeclaredSize(t *testing.T) {
	s := newSealer(t, nil)
	c, p := shapedColumn(t, s, "t.c", envelope.ColumnOptions{Compress: 1}), partition(t, "p")
	enc, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer enc.Close()
	frame := func(n int) []byte { return enc.EncodeAll(make([]byte, n), nil) }
	for _, tc := range []struct {
		name     string
		declared uint32
		frame    []byte
	}{
		{"bomb: 64 MiB of zeros declared as 100 bytes", 100, frame(64 << 20)},
		{"64 MiB declared as one byte less", 64<<20 - 1, frame(64 << 20)},
		{"one byte more than there is", 1001, frame(1000)},
		{"a gibibyte in 20 bytes", 1 << 30, frame(1000)},
		{"more than a gibibyte", 1<<30 + 1, frame(1000)},
		{"four gibibytes", 1<<32 - 1, frame(1000)},
		{"nothing", 0, frame(1000)},
		{"no frame", 10, nil},
		{"text", 10, []byte("no frame at all")},
		{"two frames", 1000, append(frame(1000), frame(1000)...)},
		{"a frame cut short", 1000, frame(1000)[:9]},
	} {
		t.Run(tc.name, func(t *testing.T) {
			payload := append(binary.BigEndian.AppendUint32(nil, tc.declared), tc.frame...)
			rec, err := envelope.SealPayload(s, c, p, true, false, payload)
			if err != nil {
				t.Fatal(err)
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			got, err := open(s, c, p, rec)
			runtime.ReadMemStats(&after)
			var re *envelope.RecordError
			if !errors.As(err, &re) || re.Reason != envelope.ReasonPayload || got != "" {
				t.Fatalf("%d bytes, %v", len(got), err)
			}
			if used := after.TotalAlloc - before.TotalAlloc; used > 32<<20 && tc.declared != 64<<20-1 {
				t.Errorf("%d MiB were allocated", used>>20)
			}
		})
	}
	for _, short := range []string{"", "\x00\x00\x00"} {
		rec, err := envelope.SealPayload(s, c, p, true, false, []byte(short))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := open(s, c, p, rec); !errors.Is(err, envelope.ErrTampered) {
			t.Errorf("%d bytes: %v", len(short), err)
		}
	}
}

func TestLargeValuesAreCompressedAndOpen(t *testing.T) {
	s := newSealer(t, nil)
	c, p := shapedColumn(t, s, "t.c", envelope.ColumnOptions{Compress: 1, Pad: 1024}), partition(t, "p")
	text := strings.Repeat("a line of text that comes again and again\n", 1<<18)
	rec := seal(t, s, c, p, text)
	if len(rec) > len(text)/100 {
		t.Errorf("%d bytes become %d", len(text), len(rec))
	}
	if got, err := open(s, c, p, rec); err != nil || got != text {
		t.Fatalf("%d bytes, %v", len(got), err)
	}
}
