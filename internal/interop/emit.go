package interop

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/sealsql/sealsql/envelope"
)

// format describes the file.
var format = []string{
	"Records in Asherah's format, written by sealsql, for other implementations to open.",
	"sets[]: an independent world. kms=static: system keys are wrapped by AES-256-GCM under static_master_key (32 ASCII bytes, used as they are). The key was made for this file and protects nothing. kms=aws-fake: system keys are in the JSON envelope of the AWS service; each encryptedKek is AES-256-GCM of the data key under aws_fake_region_keys_b64[region].",
	"service, product, region_suffix: configuration of the session factory; an empty region_suffix means none. Key ids: _SK_<service>_<product>[_<suffix>] and _IK_<partition>_<service>_<product>[_<suffix>].",
	"metastore[]: the whole key store: id, created (Unix seconds) and key_record (JSON text of the key_record column).",
	"cases[]: partition = partition of the session; drr = JSON text of the data row record; expect=ok: decrypting gives the bytes of plaintext_b64 (absent: no bytes); expect=error: decrypting fails.",
	"AES-256-GCM everywhere as ciphertext, 16 bytes tag, 12 bytes nonce, without associated data. Base64 is the standard alphabet with padding.",
	"Keys of the set rotated are older than 90 days, keys of the set revoked are marked Revoked in their rows; both still decrypt.",
}

// age of the old generation in the sets that have one.
const age = 120 * 24 * time.Hour

// Emit seals the same kinds of values as other implementations' files hold,
// under new keys.
func Emit(ctx context.Context, now time.Time) (*File, error) {
	f := &File{Format: format, Source: "sealsql interop emit"}
	for _, make := range []func(context.Context, *emitter) error{basic, rotated, region, revoked, regions, regionDown} {
		e := newEmitter(now)
		if err := make(ctx, e); err != nil {
			return nil, err
		}
		e.set.Metastore = e.rows.sorted()
		f.Sets = append(f.Sets, e.set)
	}
	return f, nil
}

// emitter makes one set.
type emitter struct {
	set  Set
	rows rows
	now  time.Time
}

func newEmitter(now time.Time) *emitter {
	var key [24]byte
	_, _ = rand.Read(key[:]) // documented never to fail
	return &emitter{now: now, set: Set{
		KMS: "static", Service: "orders", Product: "shopdb",
		StaticMasterKey: base64.RawURLEncoding.EncodeToString(key[:]),
	}}
}

// seal appends a case that opens, made by a process of its own at the time
// given.
func (e *emitter) seal(ctx context.Context, at time.Time, name, partition string, text []byte, note string) error {
	s, a, err := e.set.open(ctx, &e.rows, func() time.Time { return at })
	if err != nil {
		return err
	}
	p, err := a.Partition(partition)
	if err != nil {
		return errors.Join(err, s.Close())
	}
	rec, err := p.Seal(ctx, nil, text)
	if err = errors.Join(err, s.Close()); err != nil {
		return err
	}
	e.set.Cases = append(e.set.Cases, Case{
		Name: name, Partition: partition, Plaintext: text, Record: string(rec), Expect: expectOK, Note: note,
	})
	return nil
}

func basic(ctx context.Context, e *emitter) error {
	e.set.Name = "basic"
	binary := make([]byte, 1024)
	_, _ = rand.Read(binary) // documented never to fail
	for _, c := range []struct {
		name, partition, note string
		text                  []byte
	}{
		{"text", "customer-1", "", []byte("hello, world")},
		{"empty", "customer-1", "zero-length plaintext", nil},
		{"utf8", "customer-2", "", []byte("Žluťoučký kůň, 日本語, 🔐")},
		{"binary-1k", "customer-2", "", binary},
		{"escaped-partition", `a&b <"c"> ` + "\u2028é", "the key id holds characters that JSON writers escape", []byte("x")},
	} {
		if err := e.seal(ctx, e.now, c.name, c.partition, c.text, c.note); err != nil {
			return err
		}
	}
	stolen, changed := e.set.Cases[3], e.set.Cases[3]
	stolen.Name, stolen.Partition, stolen.Expect = "wrong-partition", "customer-1", expectError
	stolen.Note = "record of customer-2 opened in a customer-1 session"
	changed.Name, changed.Expect, changed.Note = "tampered-data", expectError, "one ciphertext bit flipped"
	var err error
	changed.Record, err = flip(changed.Record)
	stolen.Plaintext, changed.Plaintext = nil, nil
	e.set.Cases = append(e.set.Cases, stolen, changed)
	return err
}

// flip changes one bit of a record's ciphertext.
func flip(record string) (string, error) {
	var r envelope.DataRowRecord
	if err := json.Unmarshal([]byte(record), &r); err != nil {
		return "", err
	}
	r.Data[0] ^= 1
	b, err := r.MarshalJSON()
	return string(b), err
}

func rotated(ctx context.Context, e *emitter) error {
	e.set.Name, e.set.Note = "rotated", "two generations of system and intermediate key; both must decrypt"
	if err := e.seal(ctx, e.now.Add(-age), "old-generation", "customer-1", []byte("written 120 days ago"), "keys of this row are expired"); err != nil {
		return err
	}
	return e.seal(ctx, e.now, "new-generation", "customer-1", []byte("written with the rotated keys"), "")
}

func region(ctx context.Context, e *emitter) error {
	e.set.Name, e.set.Note, e.set.RegionSuffix = "region", "region suffix enabled", "eu-west-1"
	return e.seal(ctx, e.now, "suffixed", "customer-1", []byte("region suffixed key ids"), "")
}

func revoked(ctx context.Context, e *emitter) error {
	e.set.Name, e.set.Note = "revoked", "both keys of the first record are marked Revoked; both records must decrypt"
	if err := e.seal(ctx, e.now.Add(-time.Hour), "before", "customer-1", []byte("written before the revocation"), ""); err != nil {
		return err
	}
	for i := range e.rows.all {
		r := &e.rows.all[i]
		r.Record = strings.Replace(r.Record, "{", `{"Revoked":true,`, 1)
	}
	return e.seal(ctx, e.now, "after", "customer-1", []byte("written after the revocation"), "")
}

// inRegions has the set wrapped in two regions instead of by one key.
func (e *emitter) inRegions() {
	e.set.KMS, e.set.StaticMasterKey, e.set.RegionKeys = fakeAWS, "", map[string][]byte{}
	for _, name := range []string{"eu-west-1", "us-west-2"} {
		key := make([]byte, 32)
		_, _ = rand.Read(key) // documented never to fail
		e.set.RegionKeys[name] = key
	}
}

func regions(ctx context.Context, e *emitter) error {
	e.set.Name, e.set.Note, e.set.RegionSuffix = "aws", "envelope of the AWS service over two regions, with a region suffix; two generations of keys", "us-west-2"
	e.inRegions()
	if err := e.seal(ctx, e.now.Add(-age), "old-generation", "customer-1", []byte("written 120 days ago"), "keys of this row are expired"); err != nil {
		return err
	}
	return e.seal(ctx, e.now, "new-generation", "customer-1", []byte("written with the rotated keys"), "")
}

func regionDown(ctx context.Context, e *emitter) error {
	e.set.Name, e.set.Note = "aws-region-down", "a region was down when the system key was made: kmsKeks has the other only"
	e.inRegions()
	e.set.down = "eu-west-1"
	return e.seal(ctx, e.now, "one-region", "customer-1", []byte("wrapped in one region"), "")
}
