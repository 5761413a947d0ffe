package envelope_test

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/fips140"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/crypto/chacha20poly1305"

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
	// Expect is "ok", "not_sealed", "key_not_found", "row_missing", or a reason.
	Expect    string `json:"expect"`
	Tag       byte   `json:"tag,omitempty"`
	Plaintext string `json:"plaintext,omitempty"` // hex
	// Row is the identity of the row that the record is opened in; Options are
	// the column's, where they are not the default.
	Row     string         `json:"row,omitempty"`
	Options *vectorOptions `json:"options,omitempty"`
}

// vectorOptions are envelope.ColumnOptions but for the carried partition, which
// does not matter for opening.
type vectorOptions struct {
	Suite    envelope.Suite   `json:"suite,omitempty"`
	Read     []int            `json:"read,omitempty"`
	BindRow  bool             `json:"bind_row,omitempty"`
	Pad      envelope.Padding `json:"pad,omitempty"`
	Compress int              `json:"compress,omitempty"`
	Accept   envelope.Form    `json:"accept,omitempty"`
}

func (c *vectorCase) options() (o envelope.ColumnOptions) {
	if c.Options == nil {
		return o
	}
	for _, x := range c.Options.Read {
		o.Read = append(o.Read, envelope.Suite(x))
	}
	o.Suite, o.BindRow, o.Pad = c.Options.Suite, c.Options.BindRow, c.Options.Pad
	o.Compress, o.Accept = c.Options.Compress, c.Options.Accept
	return o
}

// approved reports whether the case can run in the mode of this process.
func (c *vectorCase) approved() bool {
	o := c.options()
	return !fips140.Enabled() || o.Suite != envelope.SuiteChaCha20 && !slices.Contains(o.Read, envelope.SuiteChaCha20)
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
	col, err := s.Column(c.Column, c.options())
	if !c.approved() {
		if !errors.Is(err, envelope.ErrFIPS) {
			t.Fatalf("in FIPS 140-3 mode: %v", err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	rec, cols := unhex(t, c.Record), []*envelope.Column{col}
	for range 3 { // first sight, second sight, cached
		got, tag, _, err := s.OpenRow(context.Background(), nil, cols, p, c.Row, rec)
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
	case errors.Is(err, envelope.ErrRow):
		return "row_missing"
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
	for _, name := range []string{"testdata/vectors/v1/compact.json", "testdata/vectors/v1/suites.json"} {
		f := readVectors(t, name)
		opened := 0
		for _, c := range f.Cases {
			if c.Expect != "ok" || !c.approved() {
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
	end := at + 12 // of the salt, or the wrapped key
	bound := bytes.Clone(rec[:end+16])
	if rec[3] == 0x12 {
		end = at + 60
		bound = slices.Concat(rec[:6], rec[10:at], rec[end:end+16])
	}
	if !bytes.Equal(okm[32:], rec[end:end+16]) {
		t.Fatalf("%s: commitment", c.Name)
	}
	bound = append(bound, specContext(f, c, part)...)
	if rec[4]&2 != 0 {
		bound = append(bound, c.Row...)
	}
	box := rec[end+16:]
	if rec[3] == 0x13 {
		return specPlain(t, rec[4], specChaCha(t, okm[:32], box, bound))
	}
	return specPlain(t, rec[4], specGCM(t, okm[:32], box, bound))
}

// specDataKey returns data key and commitment of a record with its key block at
// at.
func specDataKey(t *testing.T, f *vectorFile, c *vectorCase, rec []byte, at int, part string, ik []byte) []byte {
	t.Helper()
	where := specContext(f, c, part)
	info := append([]byte("sealsql"), rec[3])
	info = append(info, where...)
	switch rec[3] {
	case 0x11, 0x13:
		info = append(info, rec[at:at+12]...)
	case 0x12:
		wrap := specExpand(t, ik, "sealsql/v1/wrap-data-key"+string(where), 32)
		ik = specGCM(t, wrap, rec[at:at+60], append(bytes.Clone(rec[:at]), where...))
	default:
		t.Fatalf("%s: suite", c.Name)
	}
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

// specPlain undoes padding and compression.
func specPlain(t *testing.T, flags byte, b []byte) []byte {
	t.Helper()
	if flags&8 != 0 {
		b = bytes.TrimRight(b, "\x00")
		b = b[:len(b)-1]
	}
	if flags&4 != 0 {
		r, err := zstd.NewReader(bytes.NewReader(b[4:]))
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		out, err := io.ReadAll(r)
		if err != nil || len(out) != int(binary.BigEndian.Uint32(b)) {
			t.Fatal(len(out), err)
		}
		return out
	}
	return b
}

func specChaCha(t *testing.T, key, box, ad []byte) []byte {
	t.Helper()
	c, err := chacha20poly1305.New(key)
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.Open(nil, box[:12], box[12:], ad)
	if err != nil {
		t.Fatal(err)
	}
	return out
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
	f := makeSuiteVectors(t)
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

// makeSuiteVectors makes the vectors of every suite and flag.
func makeSuiteVectors(t *testing.T) *vectorFile {
	t.Helper()
	f := &vectorFile{
		Comment:   "Compact records, version 1: suites, row identity, padding, compression. Frozen: these open in every later version.",
		MasterKey: hex.EncodeToString([]byte("0123456789abcdef0123456789ABCDEF")),
		Service:   "shop", Product: "orders",
	}
	clk := newClock()
	k := &keeper{Metastore: builtin.NewMemory()}
	s := newSealer(t, func(c *envelope.Config) { c.Metastore, c.Now, c.Policy.DataKey.MaxUses = k, clk.now, 3 })
	add := func(name string, o vectorOptions, part, row string, rec []byte, expect string) *vectorCase {
		c := vectorCase{Name: name, Column: "users.ssn", Partition: part, Row: row, Record: hex.EncodeToString(rec), Expect: expect}
		if !reflect.DeepEqual(o, vectorOptions{}) {
			c.Options = &o
		}
		f.Cases = append(f.Cases, c)
		return &f.Cases[len(f.Cases)-1]
	}
	ok := func(name string, o vectorOptions, part, row, text string, carry bool) []byte {
		opts := (&vectorCase{Options: &o}).options()
		opts.CarryPartition = carry
		p := partition(t, part)
		rec, err := s.SealRow(context.Background(), nil, shapedColumn(t, s, "users.ssn", opts), p, row, 1, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		c := add(name, o, part, row, rec, "ok")
		c.Tag, c.Plaintext = 1, hex.EncodeToString([]byte(text))
		return rec
	}
	flip := func(rec []byte, i int, mask byte) []byte {
		b := bytes.Clone(rec)
		b[i] ^= mask
		return b
	}
	const ssn = "123-45-6789"
	long := strings.Repeat("a value that compresses well; ", 20)
	derived := vectorOptions{}
	wrapped := vectorOptions{Suite: envelope.SuiteWrapped}
	chacha := vectorOptions{Suite: envelope.SuiteChaCha20}
	bound := vectorOptions{BindRow: true}
	everything := vectorOptions{Suite: envelope.SuiteWrapped, BindRow: true, Compress: 64, Pad: 64}

	plain := ok("derived", derived, "default", "", ssn, false)
	w := ok("wrapped", wrapped, "default", "", ssn, false)
	ok("wrapped_same_data_key", wrapped, "default", "", "987-65-4321", false)
	ok("wrapped_empty", wrapped, "default", "", "", false)
	ok("wrapped_4096_bytes", wrapped, "default", "", string(bytes.Repeat(allBytes(), 16)), false)
	ok("wrapped_carried_partition", wrapped, "tenant-1", "", ssn, true)
	x := ok("chacha20", chacha, "default", "", ssn, false)
	ok("chacha20_empty", chacha, "default", "", "", false)
	ok("chacha20_carried_partition", chacha, "tenant-1", "", ssn, true)
	r := ok("bound_to_a_row", bound, "default", "6f96a1c0-0000-4000-8000-000000000001", ssn, false)
	ok("bound_and_carried", bound, "tenant-1", "42", ssn, true)
	ok("chacha20_bound", vectorOptions{Suite: envelope.SuiteChaCha20, BindRow: true}, "default", "42", ssn, false)
	p16 := ok("padded_to_16", vectorOptions{Pad: 16}, "default", "", ssn, false)
	ok("padded_full_block", vectorOptions{Pad: 16}, "default", "", "sixteen bytes...", false)
	ok("padded_empty", vectorOptions{Pad: 32}, "default", "", "", false)
	ok("padded_with_padding_like_text", vectorOptions{Pad: 32}, "default", "", "\x80\x00\x00", false)
	ok("padme", vectorOptions{Pad: envelope.PadPadme}, "default", "", strings.Repeat("v", 100), false)
	z := ok("compressed", vectorOptions{Compress: 64}, "default", "", long, false)
	ok("below_the_threshold", vectorOptions{Compress: 64}, "default", "", ssn, false)
	ok("not_compressible", vectorOptions{Compress: 64}, "default", "", string(allBytes()), false)
	ok("compressed_and_padded", vectorOptions{Compress: 64, Pad: 256}, "default", "", long, false)
	all := ok("everything", everything, "tenant-1", "42", long, true)
	ok("chacha20_everything", vectorOptions{Suite: envelope.SuiteChaCha20, BindRow: true, Compress: 64, Pad: 64}, "tenant-1", "42", long, true)

	again := func(name string, o vectorOptions, part, row, text string, rec []byte) {
		c := add(name, o, part, row, rec, "ok")
		c.Tag, c.Plaintext = 1, hex.EncodeToString([]byte(text))
	}
	again("suite_of_before", vectorOptions{Suite: envelope.SuiteWrapped, Read: []int{1}}, "default", "", ssn, plain)
	again("unbound_accepted", vectorOptions{BindRow: true, Accept: envelope.FormUnbound}, "default", "42", ssn, plain)
	again("unpadded_accepted", vectorOptions{Pad: 16, Accept: envelope.FormUnpadded}, "default", "", ssn, plain)
	again("padded_accepted", vectorOptions{Accept: envelope.FormPadded}, "default", "", ssn, p16)
	again("compressed_accepted", vectorOptions{Accept: envelope.FormCompressed}, "default", "", long, z)
	clk.pass(100 * 24 * time.Hour)
	for name, rec := range map[string][]byte{"rewrapped": w, "rewrapped_everything": all} {
		o, part, row, text := wrapped, "default", "", ssn
		if name != "rewrapped" {
			o, part, row, text = everything, "tenant-1", "42", long
		}
		opts := (&vectorCase{Options: &o}).options()
		moved, err := s.Rewrap(context.Background(), rec, shapedColumn(t, s, "users.ssn", opts), partition(t, part))
		if err != nil {
			t.Fatal(err)
		}
		again(name, o, part, row, text, moved)
	}

	const other, damaged = "other key or damaged header", "damaged value"
	add("wrapped_key_changed", wrapped, "default", "", flip(w, 30, 1), other)
	add("wrapped_tag_changed", wrapped, "default", "", flip(w, 73, 1), other)
	add("wrapped_commitment_changed", wrapped, "default", "", flip(w, 74, 1), other)
	add("wrapped_created_changed", wrapped, "default", "", flip(w, 9, 1), "key_not_found")
	add("wrapped_type_changed", wrapped, "default", "", flip(w, 5, 1), other)
	add("wrapped_value_changed", wrapped, "default", "", flip(w, len(w)-20, 1), damaged)
	add("wrapped_cut_to_117_bytes", wrapped, "default", "", w[:117], "truncated")
	add("chacha20_value_changed", chacha, "default", "", flip(x, len(x)-20, 1), damaged)
	add("chacha20_salt_changed", chacha, "default", "", flip(x, 14, 1), other)
	add("another_row", bound, "default", "6f96a1c0-0000-4000-8000-000000000002", r, damaged)
	add("no_row", bound, "default", "", r, "row_missing")
	add("row_flag_removed", bound, "default", "42", flip(r, 4, 2), "form not accepted")
	add("row_flag_removed_and_accepted", vectorOptions{BindRow: true, Accept: envelope.FormUnbound}, "default", "42", flip(r, 4, 2), damaged)
	add("row_flag_added", derived, "default", "42", flip(plain, 4, 2), "form not accepted")
	add("padding_flag_removed", vectorOptions{Pad: 16, Accept: envelope.FormUnpadded}, "default", "", flip(p16, 4, 8), damaged)
	add("compression_flag_removed", vectorOptions{Compress: 64}, "default", "", flip(z, 4, 4), damaged)
	add("suite_changed_to_wrapped", vectorOptions{Suite: envelope.SuiteWrapped, Read: []int{1}, Compress: 64}, "default", "", flip(z, 3, 3), other)
	add("suite_changed_to_derived", vectorOptions{Read: []int{2}}, "default", "", flip(w, 3, 3), other)
	add("derived_where_wrapped_is_demanded", wrapped, "default", "", plain, "suite not accepted")
	add("wrapped_where_derived_is_demanded", derived, "default", "", w, "suite not accepted")
	add("unbound_where_bound_is_demanded", bound, "default", "42", plain, "form not accepted")
	add("unpadded_where_padded_is_demanded", vectorOptions{Pad: 16}, "default", "", plain, "form not accepted")
	add("compressed_where_it_is_not_read", derived, "default", "", z, "form not accepted")
	add("suite_4", derived, "default", "", flip(plain, 3, 5), "unknown version or suite")
	add("version_2", derived, "default", "", flip(plain, 3, 0x30), "unknown version or suite")
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
