package envelope_test

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/fips140"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/envelope/builtin"
)

const (
	asherahSystemID = "_SK_shop_orders"
	asherahKeyID    = "_IK_p_shop_orders"
	testMaster      = "0123456789abcdef0123456789ABCDEF"
)

// asherah makes one more process of this world, in Asherah's format.
func (w *world) asherah(o envelope.AsherahOptions) (*envelope.Asherah, *envelope.AsherahPartition) {
	w.t.Helper()
	s := newSealer(w.t, func(c *envelope.Config) { c.Metastore, c.Now = w.store, w.clk.now })
	return w.asherahOf(s, o)
}

func (w *world) asherahOf(s *envelope.Sealer, o envelope.AsherahOptions) (*envelope.Asherah, *envelope.AsherahPartition) {
	w.t.Helper()
	a, err := s.Asherah(o)
	if err != nil {
		w.t.Fatal(err)
	}
	p, err := a.Partition("p")
	if err != nil {
		w.t.Fatal(err)
	}
	return a, p
}

func encrypt(t testing.TB, p *envelope.AsherahPartition, text string) *envelope.DataRowRecord {
	t.Helper()
	r, err := p.Encrypt(context.Background(), []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func decrypt(p *envelope.AsherahPartition, r *envelope.DataRowRecord) (string, error) {
	b, err := p.Decrypt(context.Background(), r)
	return string(b), err
}

// parent is the creation time of the key that sealed a record.
func parent(r *envelope.DataRowRecord) int64 { return r.Key.ParentKeyMeta.Created }

func TestAsherahRecordsOpen(t *testing.T) {
	_, p := newWorld(t).asherah(envelope.AsherahOptions{})
	ctx := context.Background()
	for _, size := range []int{0, 1, 2, 3, 16, 739, 740, 741, 767, 768, 5000, 200_000} {
		text := bytes.Repeat([]byte("x"), size)
		r := encrypt(t, p, string(text))
		if got, err := p.Decrypt(ctx, r); err != nil || got == nil || !bytes.Equal(got, text) {
			t.Fatalf("%d bytes: Decrypt = %d bytes (nil %t), %v", size, len(got), got == nil, err)
		}
		for _, dst := range [][]byte{nil, []byte("head"), append(make([]byte, 0, 4096), "head"...)} {
			rec, err := p.Seal(ctx, dst, text)
			if err != nil || !bytes.HasPrefix(rec, dst) {
				t.Fatal(err)
			}
			got, err := p.Open(ctx, dst, rec[len(dst):])
			if err != nil || got == nil || !bytes.Equal(got, append(bytes.Clone(dst), text...)) {
				t.Fatalf("%d bytes: Open = %d bytes, %v", size, len(got), err)
			}
		}
	}
}

func TestEmptyPayloadIsNotNil(t *testing.T) {
	_, p := newWorld(t).asherah(envelope.AsherahOptions{})
	for _, payload := range [][]byte{nil, {}} {
		rec, err := p.Seal(context.Background(), nil, payload)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{string(rec), " " + string(rec), strings.ReplaceAll(string(rec), "Key", "key")} {
			if got, err := p.Open(context.Background(), nil, []byte(text)); err != nil || got == nil || len(got) != 0 {
				t.Fatalf("%.10s: Open = %v (nil %t), %v", text, got, got == nil, err)
			}
		}
	}
}

// layout is the record as Asherah for Go declares it.
type layout struct {
	Key *struct {
		Revoked       bool  `json:",omitempty"`
		Created       int64 `json:"Created"`
		Key           []byte
		ParentKeyMeta *struct {
			KeyID   string `json:"KeyId"`
			Created int64
		} `json:",omitempty"`
	}
	Data []byte
}

// The JSON is what encoding/json makes of Asherah's types, byte for byte, with
// its escapes.
func TestRecordJSONIsAsherahsByteForByte(t *testing.T) {
	w := newWorld(t)
	a, _ := w.asherah(envelope.AsherahOptions{})
	for _, id := range []string{"p", `a"b\c`, "<&>", "é\u2028\u2029😀", "tab\t", "\x7f", strings.Repeat("x", 900)} {
		p, err := a.Partition(id)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{"", "some text"} {
			r := encrypt(t, p, text)
			marshalled, err := json.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			sealed, err := p.Seal(context.Background(), nil, []byte(text))
			if err != nil {
				t.Fatal(err)
			}
			for _, rec := range [][]byte{marshalled, sealed} {
				var l layout
				if err := json.Unmarshal(rec, &l); err != nil {
					t.Fatal(err)
				}
				want, err := json.Marshal(l)
				if err != nil || !bytes.Equal(rec, want) {
					t.Fatalf("got  %s\nwant %s", rec, want)
				}
				if l.Key.ParentKeyMeta.KeyID != "_IK_"+id+"_shop_orders" || l.Key.Created != w.clk.now().Unix() {
					t.Fatalf("key %q created %d", l.Key.ParentKeyMeta.KeyID, l.Key.Created)
				}
				if got, err := p.Open(context.Background(), nil, rec); err != nil || string(got) != text {
					t.Fatalf("Open: %v", err)
				}
			}
		}
	}
}

func TestRecordSizeIsAsherahs(t *testing.T) {
	w := newWorld(t)
	s := newSealer(t, func(c *envelope.Config) {
		c.Service, c.Product, c.Metastore, c.Now = "service", "product", w.store, w.clk.now
	})
	a, err := s.Asherah(envelope.AsherahOptions{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := a.Partition("partition1")
	if err != nil {
		t.Fatal(err)
	}
	for size, want := range map[int]int{0: 249, 16: 269, 64: 333, 1024: 1613, 65536: 87629} {
		if rec, err := p.Seal(context.Background(), nil, make([]byte, size)); err != nil || len(rec) != want {
			t.Errorf("%d bytes become %d, want %d, %v", size, len(rec), want, err)
		}
	}
}

// plainAsherah opens a record with nothing but AES-GCM and the rows of the
// store, as any other implementation does.
func plainAsherah(t *testing.T, m envelope.Metastore, rec []byte) (string, error) {
	t.Helper()
	var l layout
	if err := json.Unmarshal(rec, &l); err != nil {
		return "", err
	}
	ik, err := m.Load(context.Background(), envelope.KeyMeta{ID: l.Key.ParentKeyMeta.KeyID, Created: l.Key.ParentKeyMeta.Created})
	if err != nil {
		return "", err
	}
	sk, err := m.Load(context.Background(), *ik.Parent)
	if err != nil {
		return "", err
	}
	key := []byte(testMaster)
	for _, box := range [][]byte{sk.Key, ik.Key, l.Key.Key, l.Data} {
		block, err := aes.NewCipher(key)
		if err != nil {
			return "", err
		}
		g, err := cipher.NewGCM(block)
		if err != nil {
			return "", err
		}
		end := len(box) - 12
		if key, err = g.Open(nil, box[end:], box[:end], nil); err != nil {
			return "", err
		}
	}
	return string(key), nil
}

func TestRecordsOpenWithNothingButAESGCM(t *testing.T) {
	if fips140.Enforced() {
		t.Log("left out: crypto/cipher refuses nonces of its caller in this mode")
		return
	}
	w := newWorld(t)
	_, p := w.asherah(envelope.AsherahOptions{})
	for _, text := range []string{"", "value", strings.Repeat("x", 3000)} {
		rec, err := p.Seal(context.Background(), nil, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := plainAsherah(t, w.store, rec); err != nil || got != text {
			t.Fatalf("%d bytes, %v", len(got), err)
		}
	}
	for _, id := range []string{asherahSystemID, asherahKeyID} {
		row, err := w.store.LoadLatest(context.Background(), id)
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(row)
		if err != nil {
			t.Fatal(err)
		}
		want := fmt.Sprintf(`{"Created":%d,"Key":"%s"}`, row.Meta.Created, base64.StdEncoding.EncodeToString(row.Key))
		if id == asherahKeyID {
			want = fmt.Sprintf(`{"Created":%d,"Key":"%s","ParentKeyMeta":{"KeyId":"%s","Created":%d}}`,
				row.Meta.Created, base64.StdEncoding.EncodeToString(row.Key), asherahSystemID, row.Parent.Created)
		}
		if string(text) != want || len(row.Key) != 60 {
			t.Fatalf("row %s\nwant %s", text, want)
		}
	}
}

func TestAsherahRecordElsewhereIsRefused(t *testing.T) {
	w := newWorld(t)
	_, p := w.asherah(envelope.AsherahOptions{})
	rec := encrypt(t, p, "v")
	cases := map[string]func(*envelope.Config, *envelope.AsherahOptions){
		"other service": func(c *envelope.Config, _ *envelope.AsherahOptions) { c.Service = "sho" },
		"other product": func(c *envelope.Config, _ *envelope.AsherahOptions) { c.Product = "orders2" },
		"begins alike":  func(c *envelope.Config, _ *envelope.AsherahOptions) { c.Product = "order" },
		"region suffix": func(_ *envelope.Config, o *envelope.AsherahOptions) { o.RegionSuffix = "eu" },
		"two suffixes": func(_ *envelope.Config, o *envelope.AsherahOptions) {
			o.RegionSuffix, o.ReadSuffixes = "eu", []string{"us"}
		},
	}
	for name, change := range cases {
		t.Run(name, func(t *testing.T) {
			var o envelope.AsherahOptions
			s := newSealer(t, func(c *envelope.Config) { c.Metastore, c.Now = w.store, w.clk.now; change(c, &o) })
			_, q := w.asherahOf(s, o)
			if got, err := decrypt(q, rec); !errors.Is(err, envelope.ErrWrongPartition) {
				t.Fatalf("Decrypt = %q, %v", got, err)
			}
		})
	}
	a, _ := w.asherah(envelope.AsherahOptions{})
	q, err := a.Partition("q")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := decrypt(q, rec); !errors.Is(err, envelope.ErrWrongPartition) {
		t.Fatalf("other partition: Decrypt = %q, %v", got, err)
	}
}

// Records from before a region suffix, or of other regions, open where that is
// asked for, by their whole id.
func TestReadSuffixesOpenRecordsOfOtherRegions(t *testing.T) {
	w := newWorld(t)
	_, plain := w.asherah(envelope.AsherahOptions{})
	_, us := w.asherah(envelope.AsherahOptions{RegionSuffix: "us"})
	_, eu := w.asherah(envelope.AsherahOptions{RegionSuffix: "eu", ReadSuffixes: []string{"", "us", "eu"}})
	for _, from := range []*envelope.AsherahPartition{plain, us, eu} {
		r := encrypt(t, from, "v")
		if got, err := decrypt(eu, r); err != nil || got != "v" {
			t.Fatalf("Decrypt of %s = %q, %v", r.Key.ParentKeyMeta.ID, got, err)
		}
	}
	if _, err := decrypt(plain, encrypt(t, eu, "v")); !errors.Is(err, envelope.ErrWrongPartition) {
		t.Fatalf("without the option: %v", err)
	}
}

func TestSuffixesThatMakeIDsAmbiguousAreRefused(t *testing.T) {
	s := newSealer(t, func(c *envelope.Config) { c.Service, c.Product = "a", "a" })
	if _, err := s.Asherah(envelope.AsherahOptions{RegionSuffix: "a", ReadSuffixes: []string{""}}); err == nil {
		t.Fatal("partition p of the one is partition p_a of the other")
	}
}

func TestAsherahPartitionsThatCannotBeAreRefusedAtOnce(t *testing.T) {
	a, _ := newWorld(t).asherah(envelope.AsherahOptions{})
	for name, id := range map[string]string{
		"empty": "", "invalid UTF-8": "a\xff", "zero byte": "a\x00", "too long": strings.Repeat("x", 1010),
	} {
		if _, err := a.Partition(id); !errors.Is(err, envelope.ErrPartition) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAsherahOptionsThatMakeNoSenseAreRefused(t *testing.T) {
	s := newSealer(t, nil)
	for name, o := range map[string]envelope.AsherahOptions{
		"negative records":      {MaxRecords: -1},
		"too many records":      {MaxRecords: 1<<32 + 1},
		"suffix is not UTF-8":   {RegionSuffix: "\xff"},
		"suffix with zero byte": {RegionSuffix: "a\x00"},
		"endless suffix":        {RegionSuffix: strings.Repeat("x", 2000)},
		"seventeen suffixes":    {ReadSuffixes: make([]string, 17)},
	} {
		if _, err := s.Asherah(o); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Asherah(envelope.AsherahOptions{}); !errors.Is(err, envelope.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

// onlyCompact hides the second format of a key management service.
type onlyCompact struct{ envelope.KeyManagementService }

func TestKMSWithoutAsherahsFormatIsRefused(t *testing.T) {
	s := newSealer(t, func(c *envelope.Config) { c.KMS = onlyCompact{testKMS(t)} })
	if _, err := s.Asherah(envelope.AsherahOptions{}); err == nil {
		t.Fatal("accepted")
	}
}

func TestClosedSealerRefusesAsherahRecords(t *testing.T) {
	s := newSealer(t, nil)
	a, err := s.Asherah(envelope.AsherahOptions{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := a.Partition("p")
	if err != nil {
		t.Fatal(err)
	}
	rec := encrypt(t, p, "v")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Encrypt(context.Background(), nil); !errors.Is(err, envelope.ErrClosed) {
		t.Errorf("Encrypt: %v", err)
	}
	if _, err := decrypt(p, rec); !errors.Is(err, envelope.ErrClosed) {
		t.Errorf("Decrypt: %v", err)
	}
	if err := a.Warm(context.Background()); !errors.Is(err, envelope.ErrClosed) {
		t.Errorf("Warm: %v", err)
	}
}

func TestEveryChangedBitOfAnAsherahRecordIsNoticed(t *testing.T) {
	_, p := newWorld(t).asherah(envelope.AsherahOptions{})
	rec := encrypt(t, p, "some text")
	for _, part := range []func(*envelope.DataRowRecord) []byte{
		func(r *envelope.DataRowRecord) []byte { return r.Data },
		func(r *envelope.DataRowRecord) []byte { return r.Key.EncryptedKey },
	} {
		for i := range part(rec) {
			for bit := range 8 {
				part(rec)[i] ^= 1 << bit
				if got, err := decrypt(p, rec); !errors.Is(err, envelope.ErrTampered) || got != "" {
					t.Fatalf("byte %d bit %d: Decrypt = %q, %v", i, bit, got, err)
				}
				part(rec)[i] ^= 1 << bit
			}
		}
	}
	if got, err := decrypt(p, rec); err != nil || got != "some text" {
		t.Fatalf("the record was changed by looking at it: %q, %v", got, err)
	}
}

func TestAsherahRecordsWithoutTheirPartsAreRefused(t *testing.T) {
	_, p := newWorld(t).asherah(envelope.AsherahOptions{})
	for name, change := range map[string]func(*envelope.DataRowRecord){
		"no key":           func(r *envelope.DataRowRecord) { r.Key = nil },
		"no parent":        func(r *envelope.DataRowRecord) { r.Key.ParentKeyMeta = nil },
		"no parent id":     func(r *envelope.DataRowRecord) { r.Key.ParentKeyMeta.ID = "" },
		"parent time zero": func(r *envelope.DataRowRecord) { r.Key.ParentKeyMeta.Created = 0 },
		"negative time":    func(r *envelope.DataRowRecord) { r.Key.ParentKeyMeta.Created = -1 },
		"no wrapped key":   func(r *envelope.DataRowRecord) { r.Key.EncryptedKey = nil },
		"short key":        func(r *envelope.DataRowRecord) { r.Key.EncryptedKey = r.Key.EncryptedKey[:59] },
		"long key":         func(r *envelope.DataRowRecord) { r.Key.EncryptedKey = append(r.Key.EncryptedKey, 0) },
		"no data":          func(r *envelope.DataRowRecord) { r.Data = nil },
		"short data":       func(r *envelope.DataRowRecord) { r.Data = r.Data[:27] },
	} {
		t.Run(name, func(t *testing.T) {
			r := encrypt(t, p, "v")
			change(r)
			if got, err := decrypt(p, r); !errors.Is(err, envelope.ErrTampered) {
				t.Fatalf("Decrypt = %q, %v", got, err)
			}
			rec, err := json.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := p.Open(context.Background(), nil, rec); !errors.Is(err, envelope.ErrTampered) {
				t.Fatalf("Open = %q, %v", got, err)
			}
		})
	}
	if _, err := p.Decrypt(context.Background(), nil); !errors.Is(err, envelope.ErrTampered) {
		t.Fatal(err)
	}
}

// A row of the one format under an id of the other opens nothing and seals
// nothing (threats T26).
func TestRowsOfTheOtherFormatAreRefused(t *testing.T) {
	w := newWorld(t)
	s, c := w.sealer()
	_, p := w.asherahOf(s, envelope.AsherahOptions{})
	compact, foreign := seal(t, s, c, w.p, "compact"), encrypt(t, p, "asherah")
	for _, ids := range [][2]string{{systemID, asherahSystemID}, {asherahSystemID, systemID}} {
		row, err := w.store.Metastore.LoadLatest(context.Background(), ids[1])
		if err != nil {
			t.Fatal(err)
		}
		w.store.change[w.meta(ids[0], created(compact))] = func(r *envelope.KeyRecord) {
			meta := r.Meta
			*r = *row.Clone()
			r.Meta = meta
		}
	}
	other, oc := w.sealer()
	_, q := w.asherahOf(other, envelope.AsherahOptions{})
	if got, err := open(other, oc, w.p, compact); !errors.Is(err, envelope.ErrTampered) {
		t.Errorf("compact Open = %q, %v", got, err)
	}
	if _, err := other.Seal(context.Background(), nil, oc, w.p, 1, nil); err == nil {
		t.Error("compact seals under an Asherah row")
	}
	if got, err := decrypt(q, foreign); !errors.Is(err, envelope.ErrTampered) {
		t.Errorf("Decrypt = %q, %v", got, err)
	}
	if _, err := q.Encrypt(context.Background(), nil); err == nil {
		t.Error("Asherah's format seals under a compact row")
	}
}

func TestRecordsOfTheOtherFormatAreRefused(t *testing.T) {
	w := newWorld(t)
	s, c := w.sealer()
	_, p := w.asherahOf(s, envelope.AsherahOptions{})
	rec, err := p.Seal(context.Background(), nil, []byte("v"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := open(s, c, w.p, rec); !errors.Is(err, envelope.ErrNotSealed) {
		t.Errorf("compact Open = %q, %v", got, err)
	}
	if got, err := p.Open(context.Background(), nil, seal(t, s, c, w.p, "v")); !errors.Is(err, envelope.ErrTampered) {
		t.Errorf("Open = %q, %v", got, err)
	}
}

// Without caches every use asks the store; revocation takes effect at once.
func TestWithoutCachesEveryUseAsksTheStore(t *testing.T) {
	w := newWorld(t)
	s := newSealer(t, func(c *envelope.Config) {
		c.Metastore, c.Now = w.store, w.clk.now
		c.Cache.NoSystem, c.Cache.NoIntermediate = true, true
	})
	_, p := w.asherahOf(s, envelope.AsherahOptions{})
	old := encrypt(t, p, "v")
	for range 3 {
		before := w.store.loads.Load()
		if got, err := decrypt(p, old); err != nil || got != "v" {
			t.Fatalf("Decrypt = %q, %v", got, err)
		}
		if n := w.store.loads.Load() - before; n != 2 {
			t.Fatalf("%d loads for one record, want intermediate and system key", n)
		}
	}
	w.store.set(func() {
		w.store.change[w.meta(asherahKeyID, parent(old))] = func(r *envelope.KeyRecord) { r.Revoked = true }
	})
	if fresh := encrypt(t, p, "v"); parent(fresh) == parent(old) {
		t.Fatal("a revoked key encrypts")
	}
}

// Whatever a database holds in place of a record: a typed error, no panic, and
// nothing opens but what was sealed.
func FuzzAsherahOpen(f *testing.F) {
	s := newSealer(f, func(c *envelope.Config) { c.Now = func() time.Time { return time.Unix(1795310797, 0) } })
	a, err := s.Asherah(envelope.AsherahOptions{RegionSuffix: "eu", ReadSuffixes: []string{""}})
	if err != nil {
		f.Fatal(err)
	}
	p, err := a.Partition("p")
	if err != nil {
		f.Fatal(err)
	}
	texts := []string{"", "x", "some text of a value"}
	for _, text := range texts {
		rec, err := p.Seal(context.Background(), nil, []byte(text))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(rec)
		f.Add(rec[:len(rec)/2])
		f.Add(bytes.ReplaceAll(rec, []byte("_eu"), nil))
		f.Add(bytes.ReplaceAll(rec, []byte(`"Key"`), []byte(`"key"`)))
		f.Add(bytes.ReplaceAll(rec, []byte(`":"`), []byte(`":"\u0041`)))
		f.Add(bytes.ReplaceAll(rec, []byte(`Data":"`), []byte(`Data":"\n`)))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		before := bytes.Clone(b)
		got, err := p.Open(context.Background(), []byte("head"), b)
		var re *envelope.RecordError
		var ke *envelope.KeyError
		switch {
		case err == nil && !slices.Contains(texts, strings.TrimPrefix(string(got), "head")):
			t.Fatalf("a forged record opens as %d bytes", len(got)-4)
		case err != nil && !errors.As(err, &re) && !errors.As(err, &ke):
			t.Fatalf("untyped error: %v", err)
		case err != nil && string(got) != "head":
			t.Fatal("bytes beside an error")
		case !bytes.Equal(b, before):
			t.Fatal("the record was changed")
		}
		var r envelope.DataRowRecord
		if r.UnmarshalJSON(b) != nil {
			return
		}
		slow, e := p.Decrypt(context.Background(), &r)
		if (e == nil) != (err == nil) || e == nil && string(got) != "head"+string(slow) {
			t.Fatalf("Open: %v; Decrypt: %v", err, e)
		}
	})
}

// Whatever a metastore holds in place of a row: an error that names it, no
// panic.
func FuzzAsherahRow(f *testing.F) {
	f.Add([]byte(`{"Created":1795310760,"Key":"AAAA"}`))
	f.Add([]byte(`{"Created":1795310760,"Key":"AAAA","ParentKeyMeta":{"KeyId":"_SK_shop_orders","Created":1795310760}}`))
	f.Add([]byte(`{"Revoked":true,"Created":1795310760,"Key":"` + strings.Repeat("A", 80) + `","ParentKeyMeta":{"KeyId":"_SK_shop_orders","Created":1795310760}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var r envelope.KeyRecord
		if r.UnmarshalJSON(b) != nil {
			return
		}
		for _, id := range []string{asherahSystemID, asherahKeyID} {
			m := builtin.NewMemory()
			row := r.Clone()
			row.Meta.ID = id
			if _, err := m.Store(context.Background(), row); err != nil {
				t.Fatal(err)
			}
			s, err := envelope.New(context.Background(), envelope.Config{
				Service: "shop", Product: "orders", KMS: testKMS(t), Metastore: m,
				Now: func() time.Time { return time.Unix(1795310797, 0) },
			})
			if err != nil {
				t.Fatal(err)
			}
			a, err := s.Asherah(envelope.AsherahOptions{})
			if err != nil {
				t.Fatal(err)
			}
			p, err := a.Partition("p")
			if err != nil {
				t.Fatal(err)
			}
			_, err = p.Encrypt(context.Background(), nil)
			var ke *envelope.KeyError
			if err != nil && !errors.As(err, &ke) {
				t.Fatalf("untyped error: %v", err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
	})
}
