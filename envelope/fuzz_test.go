package envelope_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/sealsql/sealsql/envelope"
)

// Whatever bytes a database holds: a typed error, no panic, and nothing opens
// but what was sealed.
func FuzzOpen(f *testing.F) {
	s := newSealer(f, nil)
	p := partition(f, "p")
	sealed, wraps := map[string]bool{}, map[string]bool{}
	var cols []*envelope.Column
	for i, sh := range everyShape() {
		c := shapedColumn(f, s, fmt.Sprintf("t.c%d", i), sh.o)
		cols = append(cols, c)
		for _, text := range []string{"", "x", "some text of a value", strings.Repeat("some text of a value", 9)} {
			rec := sealRow(f, s, c, p, "row", text)
			sealed[string(rec)] = true
			if sh.o.Suite == envelope.SuiteWrapped {
				wraps[wrapOf(rec)] = true
			}
			f.Add(rec)
			f.Add(rec[:len(rec)/2])
			f.Add(append(bytes.Clone(rec), rec...))
		}
	}
	f.Add([]byte("\xf9SQ"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		before := bytes.Clone(b)
		for _, p := range []envelope.Partition{p, envelope.AnyPartition} {
			got, _, _, err := s.OpenRow(context.Background(), nil, cols, p, "row", b)
			var re *envelope.RecordError
			var ke *envelope.KeyError
			switch {
			case err == nil && !sealed[string(b)]:
				t.Fatalf("a forged record opens as %d bytes", len(got))
			case err != nil && !errors.Is(err, envelope.ErrNotSealed) && !errors.As(err, &re) && !errors.As(err, &ke):
				t.Fatalf("untyped error: %v", err)
			case err != nil && len(got) != 0:
				t.Fatal("bytes beside an error")
			case errors.Is(err, envelope.ErrNotSealed) == envelope.IsRecord(b):
				t.Fatalf("marked %t: %v", envelope.IsRecord(b), err)
			}
		}
		for _, c := range cols[:4] {
			// Rewrap does not look at the value; what is before it must be ours.
			if rec, err := s.Rewrap(context.Background(), b, c, p); err == nil && !wraps[wrapOf(b)] {
				t.Fatalf("a forged data key is re-wrapped, in %d bytes", len(rec))
			}
		}
		id, ok, err := envelope.RecordPartition(b)
		if ok != (id != "") || ok && err != nil {
			t.Fatalf("RecordPartition = %q, %t, %v", id, ok, err)
		}
		if !bytes.Equal(b, before) {
			t.Fatal("the record was changed")
		}
		text := envelope.AppendArmour(nil, b)
		back, err := envelope.Dearmour(nil, text)
		if envelope.IsRecord(b) != (err == nil) || err == nil && !bytes.Equal(back, b) {
			t.Fatalf("armour: %v", err)
		}
		if rec, err := envelope.Dearmour(nil, b); err == nil && !bytes.Equal(envelope.AppendArmour(nil, rec), b) {
			t.Fatal("two texts are the armour of one record")
		}
	})
}

// wrapOf is a record of suite 2 up to the nonce.
func wrapOf(rec []byte) string {
	at := 14
	if rec[4]&1 != 0 {
		at += 1 + int(rec[14])
	}
	return string(rec[:at+76])
}

// Whatever JSON a metastore holds: a typed error or a record that is written
// back with the same meaning.
func FuzzKeyRecord(f *testing.F) {
	for _, s := range []string{
		`{"Created":1795310040,"Key":"AAAA"}`,
		`{"Revoked":true,"Created":1795310040,"Key":"AAAA","ParentKeyMeta":{"KeyId":"_SK_a_b","Created":1}}`,
		`{"Key":"AAAA","Other":[1,{"x":null}],"Created":1,"SealsqlState":"AA==","Revoked":null}`,
		`{"created":1,"KEY":"AAAA"}`, `{"Created":1e3,"Key":"AAAA"}`, `{"Created":-1,"Key":"AAAA"}`,
		`{"Created":1,"Key":"AAAA"} {}`, `{"Created":1,"Key":"AA\nAA"}`, `null`, `[]`, `{`, ``, "\xff",
		`{"Created":1,"Key":"AAAA","ParentKeyMeta":{}}`, `{"Created":99999999999999999999,"Key":"AAAA"}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var r envelope.KeyRecord
		if err := r.UnmarshalJSON(b); err != nil {
			if !errors.Is(err, envelope.ErrTampered) {
				t.Fatalf("untyped error: %v", err)
			}
			return
		}
		if r.Meta.Created <= 0 || len(r.Key) == 0 {
			t.Fatalf("accepted: %+v", r)
		}
		out, err := json.Marshal(&r)
		if err != nil {
			t.Fatal(err)
		}
		var again envelope.KeyRecord
		if err := json.Unmarshal(out, &again); err != nil && len(out) < 64<<10 {
			t.Fatalf("%s: %v", out, err)
		} else if err == nil && !sameRecord(&r, &again) {
			t.Fatalf("%+v becomes %+v", r, again)
		}
		if _, err := envelope.ParseKeyRecord(envelope.KeyMeta{ID: "x", Created: r.Meta.Created + 1}, b); !errors.Is(err, envelope.ErrTampered) {
			t.Fatalf("a row with another creation time: %v", err)
		}
	})
}

func sameRecord(a, b *envelope.KeyRecord) bool {
	x, y := a.Clone(), b.Clone()
	for _, r := range []*envelope.KeyRecord{x, y} {
		if len(r.State) == 0 {
			r.State = nil
		}
	}
	return reflect.DeepEqual(x, y)
}
