package interop

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"os"
	"slices"
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
	if n := verify(t, again); n != 15 {
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

// A file of other hands: the envelope with spaces, another order and a region
// that has no key here; and what must not open.
func TestEnvelopesOfOthersAreReadOrRefused(t *testing.T) {
	f, err := Emit(context.Background(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	var set *Set
	for i := range f.Sets {
		if f.Sets[i].Name == "aws" {
			set = &f.Sets[i]
		}
	}
	count := func(s Set) (passed int) {
		(&File{Sets: []Set{s}}).Verify(t.Context(), func(r Result) {
			if r.Err == nil {
				passed++
			}
		})
		return passed
	}
	edit := func(change func(map[string]any)) Set {
		s := *set
		s.Metastore = slices.Clone(set.Metastore)
		for i := range s.Metastore {
			r := &s.Metastore[i]
			if strings.HasPrefix(r.ID, "_SK_") {
				r.Record = rewrap(t, r.Record, change)
			}
		}
		return s
	}
	kek := func(v map[string]any, i int) map[string]any { return v["kmsKeks"].([]any)[i].(map[string]any) }
	for name, c := range map[string]struct {
		set  Set
		want int
	}{
		"as it is":            {*set, 2},
		"another order":       {edit(func(v map[string]any) { k := v["kmsKeks"].([]any); slices.Reverse(k) }), 2},
		"a foreign region":    {edit(func(v map[string]any) { kek(v, 0)["region"] = "ap-south-1" }), 2},
		"a damaged region":    {edit(func(v map[string]any) { kek(v, 0)["encryptedKek"] = "AAAA" }), 2},
		"foreign regions":     {edit(func(v map[string]any) { kek(v, 0)["region"], kek(v, 1)["region"] = "x", "y" }), 0},
		"no regions":          {edit(func(v map[string]any) { v["kmsKeks"] = []any{} }), 0},
		"no system key":       {edit(func(v map[string]any) { delete(v, "encryptedKey") }), 0},
		"a damaged key":       {edit(func(v map[string]any) { v["encryptedKey"] = strings.Repeat("AAAA", 20) }), 0},
		"the mark of sealsql": {edit(func(v map[string]any) { v["sealsql"] = 1 }), 0},
	} {
		if n := count(c.set); n != c.want {
			t.Errorf("%s: %d passed, want %d", name, n, c.want)
		}
	}
	bad := *set
	bad.RegionKeys = map[string][]byte{"us-west-2": []byte("short")}
	if count(bad) != 0 {
		t.Error("a short key is taken")
	}
	bad.RegionKeys = nil
	if count(bad) != 0 {
		t.Error("no keys are taken")
	}
	bad.KMS = "pkcs11"
	if count(bad) != 0 {
		t.Error("a service that is not known is taken")
	}
}

// rewrap changes the envelope in a row and writes it with spaces.
func rewrap(t *testing.T, record string, change func(map[string]any)) string {
	t.Helper()
	var row, env map[string]any
	if err := json.Unmarshal([]byte(record), &row); err != nil {
		t.Fatal(err)
	}
	b, err := base64.StdEncoding.DecodeString(row["Key"].(string))
	if err == nil {
		err = json.Unmarshal(b, &env)
	}
	if err != nil {
		t.Fatal(err)
	}
	change(env)
	b, err = json.MarshalIndent(env, " ", "   ")
	if err != nil {
		t.Fatal(err)
	}
	row["Key"] = b
	b, err = json.Marshal(row)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// The region that was down is not in the row, and the other opens it.
func TestAKeyMadeWhileARegionWasDownHasTheOtherOnly(t *testing.T) {
	f, err := Emit(context.Background(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range f.Sets {
		for _, r := range s.Metastore {
			if s.Name == "aws-region-down" && strings.HasPrefix(r.ID, "_SK_") {
				rewrap(t, r.Record, func(v map[string]any) {
					if k := v["kmsKeks"].([]any); len(k) != 1 || k[0].(map[string]any)["region"] != "us-west-2" {
						t.Errorf("%v", k)
					}
				})
				return
			}
		}
	}
	t.Fatal("no such set")
}
