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

// runPlace is where values of TestARunOpensWhatTheSealerOpens are sealed.
type runPlace struct {
	cols []*envelope.Column
	p    envelope.Partition
	row  string
}

func runPlaces(t *testing.T, s *envelope.Sealer) (out []runPlace) {
	plain, carrying := column(t, s, "users.ssn", false), column(t, s, "users.email", true)
	options := func(id string, o envelope.ColumnOptions) *envelope.Column {
		c, err := s.Column(id, o)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	bound := options("users.pin", envelope.ColumnOptions{BindRow: true})
	small := options("users.notes", envelope.ColumnOptions{Compress: 64})
	padded := options("users.phone", envelope.ColumnOptions{Pad: 32})
	allShapes := options("users.file", envelope.ColumnOptions{Pad: 16, Compress: 64, BindRow: true, Accept: envelope.FormUnpadded})
	one := func(c *envelope.Column) []*envelope.Column { return []*envelope.Column{c} }
	a, b := partition(t, "tenant-1"), partition(t, "tenant-2")
	return []runPlace{
		{one(plain), a, ""},
		{one(plain), b, ""},
		{one(carrying), a, ""},
		{one(carrying), b, ""},
		{one(bound), a, "1"},
		{one(bound), a, "2"},
		{one(small), a, ""},
		{one(padded), a, ""},
		{one(padded), b, ""},
		{one(allShapes), a, "3"},
		{[]*envelope.Column{carrying, plain}, a, ""},
	}
}

// TestARunOpensWhatTheSealerOpens lets one Run, as no program would, open values
// of all places in any order, right and damaged ones, for their own and for other
// places: it must say of each what the Sealer says.
func TestARunOpensWhatTheSealerOpens(t *testing.T) {
	s := newSealer(t, func(c *envelope.Config) { c.Policy.DataKey.MaxUses = 7 })
	dice := rand.New(rand.NewPCG(1, 1)) // every run does the same
	places, ctx := runPlaces(t, s), context.Background()
	var records [][]byte
	var from []int
	for i, payload := range []string{"", strings.Repeat("\x00", 32), canary} { // padded by nobody
		rec, err := envelope.SealPayload(s, places[7].cols[0], places[7].p, false, true, []byte(payload))
		if err != nil {
			t.Fatal(i, err)
		}
		records, from = append(records, rec), append(from, 7)
	}
	for i := range 200 {
		at := dice.IntN(len(places))
		v := places[at]
		text := strings.Repeat(fmt.Sprint("value ", i, " "), 1+i%9)
		rec, err := s.SealRow(ctx, nil, v.cols[len(v.cols)-1], v.p, v.row, byte(1+i%2), []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		records, from = append(records, rec), append(from, at)
	}
	var run envelope.Run
	opened := 0
	for range 4000 {
		i := dice.IntN(len(records))
		at, rec := from[i], bytes.Clone(records[i])
		switch dice.IntN(8) {
		case 0:
			at = dice.IntN(len(places))
		case 1:
			rec[dice.IntN(len(rec))] ^= 1 << dice.IntN(8)
		case 2:
			rec = rec[:dice.IntN(len(rec))]
		}
		v := places[at]
		if dice.IntN(9) == 0 {
			v.row = ""
		}
		want, wantTag, wantColumn, wantErr := s.OpenRow(ctx, nil, v.cols, v.p, v.row, bytes.Clone(rec))
		dst := []byte("before")
		check := func(how string, got []byte, tag byte, column int, err error) {
			t.Helper()
			if (err == nil) != (wantErr == nil) || err != nil && err.Error() != wantErr.Error() {
				t.Fatalf("%s: %v, want %v", how, err, wantErr)
			}
			if err == nil && (!bytes.Equal(got, want) || tag != wantTag || column != wantColumn) {
				t.Fatalf("%s: %q %d %d, want %q %d %d", how, got, tag, column, want, wantTag, wantColumn)
			}
		}
		got, tag, column, err := run.OpenRow(ctx, s, dst, v.cols, v.p, v.row, rec)
		check("OpenRow", bytes.TrimPrefix(got, dst), tag, column, err)
		if err != nil && string(got) != "before" {
			t.Fatalf("an error left %q", got)
		}
		got, tag, column, err = run.OpenOwn(ctx, s, v.cols, v.p, v.row, rec)
		check("OpenOwn", got, tag, column, err)
		if err == nil {
			opened++
		}
	}
	if opened < 1000 {
		t.Errorf("only %d values opened", opened)
	}
}

func TestARecordThatIsGivenAwayIsOpenedWhereItLies(t *testing.T) {
	s := newSealer(t, nil)
	padded, err := s.Column("users.phone", envelope.ColumnOptions{Pad: 64})
	if err != nil {
		t.Fatal(err)
	}
	p := partition(t, "tenant-1")
	for _, c := range []*envelope.Column{column(t, s, "users.ssn", false), padded} {
		for range 3 { // with a fresh key, one that is seen again, one that is cached
			rec := seal(t, s, c, p, canary)
			got, _, _, err := (*envelope.Run)(nil).OpenOwn(context.Background(), s, []*envelope.Column{c}, p, "", rec)
			if err != nil || string(got) != canary {
				t.Fatal(string(got), err)
			}
			if !bytes.Contains(rec, got) {
				t.Error("the plaintext is not in the record's memory")
			}
		}
	}
}

func TestARunOpensPaddedValuesWithTheKeyThatItHas(t *testing.T) {
	s := newSealer(t, nil)
	c, err := s.Column("users.phone", envelope.ColumnOptions{Pad: 32})
	if err != nil {
		t.Fatal(err)
	}
	cols, p, ctx := []*envelope.Column{c}, partition(t, "tenant-1"), context.Background()
	var run envelope.Run
	before := envelope.OpenHits(s)
	for range 8 {
		if got, _, _, err := run.OpenRow(ctx, s, nil, cols, p, "", seal(t, s, c, p, canary)); err != nil || string(got) != canary {
			t.Fatal(string(got), err)
		}
	}
	if !run.Holds() {
		t.Errorf("each value was looked for anew (%d look-ups)", envelope.OpenHits(s)-before)
	}
}

func TestARunOpensNothingAfterClose(t *testing.T) {
	s := newSealer(t, nil)
	c, p := column(t, s, "users.ssn", false), partition(t, "tenant-1")
	cols, ctx := []*envelope.Column{c}, context.Background()
	rec := seal(t, s, c, p, canary)
	var run envelope.Run
	for range 4 {
		if _, _, _, err := run.OpenRow(ctx, s, nil, cols, p, "", rec); err != nil {
			t.Fatal(err)
		}
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if _, _, _, err := run.OpenRow(cancelled, s, nil, cols, p, "", rec); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if !run.Holds() {
		t.Fatal("no key is kept: the test means to see one that left the cache")
	}
	s.Close()
	if got, _, _, err := run.OpenRow(ctx, s, nil, cols, p, "", rec); !errors.Is(err, envelope.ErrClosed) {
		t.Errorf("opened %q, %v", got, err)
	}
	if run.Holds() {
		t.Error("the key is kept after it left the cache")
	}
}

func TestARunKeepsTheLastKeyUntilItRests(t *testing.T) {
	s := newSealer(t, nil)
	a, b, p := column(t, s, "users.ssn", false), column(t, s, "users.pin", false), partition(t, "tenant-1")
	ctx := context.Background()
	var run envelope.Run
	cols := []*envelope.Column{a}
	rec := seal(t, s, a, p, canary)
	same := func() {
		t.Helper()
		if _, _, _, err := run.OpenRow(ctx, s, nil, cols, p, "", rec); err != nil {
			t.Fatal(err)
		}
	}
	for range 4 {
		same()
	}
	if !run.Holds() {
		t.Fatal("nothing is kept")
	}
	before := envelope.OpenHits(s)
	same()
	same()
	run.Rest()
	if run.Holds() {
		t.Error("kept after Rest")
	}
	if got := envelope.OpenHits(s) - before; got < 2 {
		t.Errorf("%d look-ups were counted", got)
	}
	run.Rest() // twice is harmless
	same()
	if !run.Holds() {
		t.Error("where the key was is not remembered over a rest")
	}
	cols, rec = []*envelope.Column{b}, seal(t, s, b, p, canary)
	for range 4 {
		same()
	}
	s.Close()
	want := int64(1)
	if fips140.Enabled() { // expanded keys are on the heap then
		want = 0
	}
	if got := envelope.KeysAlive(s); got != want {
		t.Errorf("%d keys are alive in locked memory, want %d: the one that is kept", got, want)
	}
	if run.Rest(); envelope.KeysAlive(s) != 0 {
		t.Error("a key outlives the Sealer and the Run")
	}
}
