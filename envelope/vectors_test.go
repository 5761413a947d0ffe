package envelope_test

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/envelope/builtin"
)

// Vectors are written once and never again: a new format gets a new folder.
//
//	go test ./envelope -run TestWriteVectors -write-vectors testdata/vectors/v2/name.json
var writeVectors = flag.String("write-vectors", "", "write new vectors to this file, which must not exist")

// vectorFile is everything that opening its records needs.
type vectorFile struct {
	Comment   string       `json:"comment"`
	MasterKey string       `json:"master_key"` // hex; kms "static"
	Service   string       `json:"service"`
	Product   string       `json:"product"`
	Rows      []vectorRow  `json:"rows"`
	Cases     []vectorCase `json:"cases"`
}

type vectorRow struct {
	ID      string          `json:"id"`
	Created int64           `json:"created"`
	Record  json.RawMessage `json:"record"`
}

type vectorCase struct {
	Name      string `json:"name"`
	Column    string `json:"column"`
	Partition string `json:"partition"` // "" is AnyPartition
	Record    string `json:"record"`    // hex
	// Expect is "ok", "not_sealed", "key_not_found", or a reason.
	Expect    string `json:"expect"`
	Tag       byte   `json:"tag,omitempty"`
	Plaintext string `json:"plaintext,omitempty"` // hex
}

func TestFrozenVectorsOpen(t *testing.T) {
	files, err := filepath.Glob("testdata/vectors/v*/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no vectors found (%v)", err)
	}
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			f := readVectors(t, name)
			s := vectorSealer(t, f)
			for _, c := range f.Cases {
				t.Run(c.Name, func(t *testing.T) { c.check(t, s) })
			}
		})
	}
}

func readVectors(t *testing.T, name string) *vectorFile {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	var f vectorFile
	if err := d.Decode(&f); err != nil {
		t.Fatal(err)
	}
	if len(f.Cases) == 0 || len(f.Rows) == 0 {
		t.Fatal("no cases")
	}
	return &f
}

func vectorSealer(t *testing.T, f *vectorFile) *envelope.Sealer {
	t.Helper()
	m := builtin.NewMemory()
	for _, r := range f.Rows {
		rec, err := envelope.ParseKeyRecord(envelope.KeyMeta{ID: r.ID, Created: r.Created}, r.Record)
		if err != nil {
			t.Fatal(err)
		}
		if ok, err := m.Store(context.Background(), rec); !ok || err != nil {
			t.Fatal(ok, err)
		}
	}
	k, err := builtin.NewInsecureStatic(unhex(t, f.MasterKey))
	if err != nil {
		t.Fatal(err)
	}
	return newSealer(t, func(c *envelope.Config) {
		c.Service, c.Product, c.KMS, c.Metastore = f.Service, f.Product, k, m
	})
}

func (c *vectorCase) check(t *testing.T, s *envelope.Sealer) {
	p := envelope.AnyPartition
	if c.Partition != "" {
		p = partition(t, c.Partition)
	}
	rec, cols := unhex(t, c.Record), []*envelope.Column{column(t, s, c.Column, false)}
	for range 3 { // first sight, second sight, cached
		got, tag, _, err := s.Open(context.Background(), nil, cols, p, rec)
		if expectation(err) != c.Expect {
			t.Fatalf("%v (%s), want %s", err, expectation(err), c.Expect)
		}
		if err == nil && (tag != c.Tag || !bytes.Equal(got, unhex(t, c.Plaintext))) {
			t.Fatalf("tag %d and %d bytes, or other bytes", tag, len(got))
		}
	}
}

// expectation names an outcome as the vectors do.
func expectation(err error) string {
	var re *envelope.RecordError
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, envelope.ErrNotSealed):
		return "not_sealed"
	case errors.Is(err, envelope.ErrKeyNotFound):
		return "key_not_found"
	case errors.As(err, &re):
		return re.Reason.String()
	}
	return "other: " + err.Error()
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The specification of the package documentation, written a second time on
// crypto/hkdf and crypto/cipher alone, opens the vectors too.
func TestSpecificationAloneOpensTheVectors(t *testing.T) {
	for _, name := range []string{"testdata/vectors/v1/compact.json"} {
		f := readVectors(t, name)
		opened := 0
		for _, c := range f.Cases {
			if c.Expect != "ok" {
				continue
			}
			opened++
			got := specOpen(t, f, &c)
			if !bytes.Equal(got, unhex(t, c.Plaintext)) {
				t.Fatalf("%s: other bytes", c.Name)
			}
		}
		if opened == 0 {
			t.Fatal("no case to open")
		}
	}
}

func specOpen(t *testing.T, f *vectorFile, c *vectorCase) []byte {
	t.Helper()
	rec := unhex(t, c.Record)
	at := 14
	part := c.Partition
	if rec[4]&1 != 0 {
		part = string(rec[15 : 15+rec[14]])
		at = 15 + int(rec[14])
	}
	ik := specIntermediate(t, f, "ss1/ik/"+f.Service+"/"+f.Product+"/"+part, int64(binary.BigEndian.Uint32(rec[6:])))
	okm := specDataKey(t, f, c, rec, at, part, ik)
	if !bytes.Equal(okm[32:], rec[at+12:at+28]) {
		t.Fatalf("%s: commitment", c.Name)
	}
	return specGCM(t, okm[:32], rec[at+28:], append(bytes.Clone(rec[:at+28]), specContext(f, c, part)...))
}

// specDataKey returns data key and commitment of a record with its salt at at.
func specDataKey(t *testing.T, f *vectorFile, c *vectorCase, rec []byte, at int, part string, ik []byte) []byte {
	t.Helper()
	info := append([]byte("sealsql"), rec[3])
	info = append(info, specContext(f, c, part)...)
	info = append(info, rec[at:at+12]...)
	return specExpand(t, ik, string(info), 48)
}

func specContext(f *vectorFile, c *vectorCase, part string) []byte {
	var fields []byte
	for _, s := range []string{"sealsql/v1/context", f.Service, f.Product, c.Column, part} {
		fields = specField(fields, s)
	}
	where := sha256.Sum256(fields)
	return where[:]
}

func specIntermediate(t *testing.T, f *vectorFile, id string, created int64) []byte {
	t.Helper()
	return specWrapped(t, f, id, created, "sealsql/v1/intermediate")
}

// specWrapped unwraps the key of a row below a system key.
func specWrapped(t *testing.T, f *vectorFile, id string, created int64, label string) []byte {
	t.Helper()
	row := specRow(t, f, id, created)
	root := specSystem(t, f, specRow(t, f, row.Parent.ID, row.Parent.Created))
	var rowAD []byte
	rowAD = specField(specField(rowAD, label), id)
	rowAD = binary.BigEndian.AppendUint64(rowAD, uint64(created))
	rowAD = specField(rowAD, row.Parent.ID)
	rowAD = binary.BigEndian.AppendUint64(rowAD, uint64(row.Parent.Created))
	return specGCM(t, specExpand(t, root, "sealsql/v1/wrap-intermediate", 32), row.Key, rowAD)
}

// specSystem unwraps a system key.
func specSystem(t *testing.T, f *vectorFile, sk *envelope.KeyRecord) []byte {
	t.Helper()
	ad := bytes.Clone(sk.Key[:9])
	for _, s := range []string{"sealsql/v1/kms", "system-key", f.Service, f.Product, sk.Meta.ID} {
		ad = specField(ad, s)
	}
	ad = binary.BigEndian.AppendUint64(ad, uint64(sk.Meta.Created))
	return specGCM(t, specExpand(t, unhex(t, f.MasterKey), "sealsql/v1/local-kms/wrap", 32), sk.Key[9:], ad)
}

func specRow(t *testing.T, f *vectorFile, id string, created int64) *envelope.KeyRecord {
	t.Helper()
	for _, r := range f.Rows {
		if r.ID == id && r.Created == created {
			rec, err := envelope.ParseKeyRecord(envelope.KeyMeta{ID: id, Created: created}, r.Record)
			if err != nil {
				t.Fatal(err)
			}
			return rec
		}
	}
	t.Fatalf("no row %q %d", id, created)
	return nil
}

func specField(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(s))), s...)
}

func specExpand(t testing.TB, key []byte, info string, n int) []byte {
	t.Helper()
	b, err := hkdf.Expand(sha256.New, key, info, n)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// specGCM opens nonce, ciphertext, tag.
func specGCM(t testing.TB, key, box, ad []byte) []byte {
	t.Helper()
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	g, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		t.Fatal(err)
	}
	out, err := g.Open(nil, nil, box, ad)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestWriteVectors(t *testing.T) {
	if *writeVectors == "" {
		return // a tool, not a test
	}
	f := makeVectors(t)
	b, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	out, err := os.OpenFile(*writeVectors, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	if _, err := out.Write(append(b, '\n')); err != nil {
		t.Fatal(err)
	}
}

// keeper notes the rows that a sealer stores.
type keeper struct {
	envelope.Metastore
	rows []vectorRow
}

func (k *keeper) Store(ctx context.Context, r *envelope.KeyRecord) (bool, error) {
	b, err := json.Marshal(r)
	if err != nil {
		return false, err
	}
	k.rows = append(k.rows, vectorRow{r.Meta.ID, r.Meta.Created, b})
	return k.Metastore.Store(ctx, r)
}

func makeVectors(t *testing.T) *vectorFile {
	t.Helper()
	f := &vectorFile{
		Comment:   "Compact records, version 1. Frozen: these open in every later version.",
		MasterKey: hex.EncodeToString([]byte("0123456789abcdef0123456789ABCDEF")),
		Service:   "shop", Product: "orders",
	}
	clk := newClock()
	k := &keeper{Metastore: builtin.NewMemory()}
	make1 := func(uses int) *envelope.Sealer {
		return newSealer(t, func(c *envelope.Config) {
			c.Metastore, c.Now, c.Policy.DataKey.MaxUses = k, clk.now, uses
		})
	}
	reuse, strict := make1(0), make1(1)
	add := func(name, col, part string, rec []byte, expect string) {
		f.Cases = append(f.Cases, vectorCase{Name: name, Column: col, Partition: part, Record: hex.EncodeToString(rec), Expect: expect})
	}
	ok := func(name string, s *envelope.Sealer, col, part string, carry bool, tag byte, text string) []byte {
		rec, err := s.Seal(context.Background(), nil, column(t, s, col, carry), partition(t, part), tag, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		add(name, col, part, rec, "ok")
		last := &f.Cases[len(f.Cases)-1]
		last.Tag, last.Plaintext = tag, hex.EncodeToString([]byte(text))
		return rec
	}
	base := ok("text", reuse, "users.ssn", "default", false, 1, "123-45-6789")
	ok("same_data_key", reuse, "users.ssn", "default", false, 1, "987-65-4321")
	ok("empty", reuse, "users.ssn", "default", false, 1, "")
	ok("one_byte", strict, "users.flag", "default", false, 7, "\x01")
	ok("int64", strict, "users.salary", "default", false, 3, "\x00\x00\x00\x00\x00\x01\x86\xa0")
	ok("all_bytes", strict, "users.blob", "default", false, 2, string(allBytes()))
	ok("4096_bytes", strict, "users.blob", "default", false, 2, string(bytes.Repeat(allBytes(), 16)))
	carried := ok("carried_partition", reuse, "users.ssn", "tenant-1", true, 1, "of tenant 1")
	ok("unicode_names", strict, "größe.名", "ünï-漢字", true, 1, "naïve")
	ok("highest_tag", strict, "users.ssn", "default", false, 255, "x")
	clk.t = clk.t.Add(100 * 24 * time.Hour)
	ok("rotated_key", strict, "users.ssn", "default", false, 1, "after rotation")

	any1 := f.Cases[7]
	any1.Name, any1.Partition = "partition_from_the_record", ""
	f.Cases = append(f.Cases, any1)
	flip := func(rec []byte, i int) []byte {
		b := bytes.Clone(rec)
		b[i] ^= 1
		return b
	}
	add("mark_changed", "users.ssn", "default", flip(base, 0), "not_sealed")
	add("version_changed", "users.ssn", "default", flip(base, 3), "unknown version or suite")
	unknown := bytes.Clone(base)
	unknown[4] |= 0x80
	add("unknown_flag", "users.ssn", "default", unknown, "unknown flags")
	add("type_changed", "users.ssn", "default", flip(base, 5), "damaged value")
	add("created_changed", "users.ssn", "default", flip(base, 9), "key_not_found")
	add("column_changed", "users.ssn", "default", flip(base, 13), "other column")
	add("salt_changed", "users.ssn", "default", flip(base, 14), "other key or damaged header")
	add("commitment_changed", "users.ssn", "default", flip(base, 26), "other key or damaged header")
	add("nonce_changed", "users.ssn", "default", flip(base, 42), "damaged value")
	add("ciphertext_changed", "users.ssn", "default", flip(base, 54), "damaged value")
	add("tag_changed", "users.ssn", "default", flip(base, len(base)-1), "damaged value")
	add("cut_to_69_bytes", "users.ssn", "default", base[:69], "truncated")
	add("one_byte_short", "users.ssn", "default", base[:len(base)-1], "damaged value")
	add("one_byte_long", "users.ssn", "default", append(bytes.Clone(base), 0), "damaged value")
	add("for_another_column", "users.email", "default", base, "other column")
	add("for_another_partition", "users.ssn", "tenant-1", base, "other key or damaged header")
	add("carried_for_another_partition", "users.ssn", "default", carried, "other partition")
	add("no_partition_to_take", "users.ssn", "", base, "other partition")
	add("carried_flag_removed", "users.ssn", "tenant-1", flip(carried, 4), "other key or damaged header")
	f.Rows = k.rows
	return f
}

func allBytes() []byte {
	b := make([]byte, 256)
	for i := range b {
		b[i] = byte(i)
	}
	return b
}
