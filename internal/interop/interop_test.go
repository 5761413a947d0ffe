package interop

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"
	"time"
)

func verify(t *testing.T, f *File) (passed int) {
	t.Helper()
	f.Verify(context.Background(), func(r Result) {
		if r.Err != nil {
			t.Errorf("%s/%s: %v", r.Set, r.Case, r.Err)
			return
		}
		passed++
	})
	return passed
}

// Every record that Asherah for Go wrote opens, or fails as it must.
func TestAsherahsVectorsPass(t *testing.T) {
	b, err := os.ReadFile("testdata/asherah-static.json")
	if err != nil {
		t.Fatal(err)
	}
	f, err := Read(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	if n := verify(t, f); n != strings.Count(string(b), `"expect":`) || n == 0 {
		t.Fatalf("%d cases passed", n)
	}
}

func TestWhatIsEmittedVerifies(t *testing.T) {
	f, err := Emit(context.Background(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	again, err := Read(&b)
	if err != nil {
		t.Fatal(err)
	}
	if n := verify(t, again); n != 12 {
		t.Fatalf("%d cases passed", n)
	}
}

// The old and the revoked generation are what their cases say: two rows of each
// key.
func TestEmittedSetsHaveTwoGenerations(t *testing.T) {
	f, err := Emit(context.Background(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range f.Sets {
		if s.Name != "rotated" && s.Name != "revoked" {
			continue
		}
		if len(s.Metastore) != 4 {
			t.Errorf("set %s has %d rows", s.Name, len(s.Metastore))
		}
		revoked := 0
		for _, r := range s.Metastore {
			if strings.Contains(r.Record, `"Revoked":true`) {
				revoked++
			}
		}
		if s.Name == "revoked" && revoked != 2 {
			t.Errorf("%d rows are revoked", revoked)
		}
	}
}
