package envelope

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sealsql/sealsql/keycache"
	"github.com/sealsql/sealsql/securemem"
)

// AsherahOptions holds what is optional about Asherah's format.
type AsherahOptions struct {
	// RegionSuffix is appended to key ids where Asherah does so (its DynamoDB
	// metastore with a region suffix); empty means none.
	RegionSuffix string
	// ReadSuffixes lists further suffixes whose records open: those of other
	// regions, and "" for records from before there was a suffix. Asherah accepts
	// every id that begins like its own; here ids are compared whole.
	ReadSuffixes []string
	// MaxRecords is the number of records that this process seals under one
	// intermediate key before it makes a new one; 2^24, at most 2^32. Every
	// record wraps a key under a random nonce, of which SP 800-38D §8.3 allows
	// 2^32 under one key, in all processes together: besides, one use in 2^26, by
	// lot, is the last.
	MaxRecords int64
}

const (
	defaultMaxRecords = 1 << 24
	mostRecords       = 1 << 32
	maxReadSuffixes   = 16
)

// Asherah seals and opens data row records in the format of GoDaddy's Asherah,
// which reads them, and whose records open here. It has keys of its own, in
// Asherah's rows of the metastore; expiry, revocation, rotation and caches are
// those of the Sealer that it belongs to and is closed with.
//
// The format binds a record to its partition, service and product only, through
// the name of its key: within a partition, a writer of the database can put any
// record in the place of any other, and nobody notices. The compact format does
// not allow that; neither is ever taken for the other.
//
// # Format
//
// AES-256-GCM throughout, as ciphertext, tag (16 bytes), nonce (12, random),
// without associated data: the master key wraps system keys, those wrap
// intermediate keys, those wrap a fresh data row key of 32 bytes for every
// record, which encrypts the value. Wrapped keys have 60 bytes; base64 is the
// standard alphabet with padding; times are Unix seconds.
//
//	_SK_<service>_<product>[_<suffix>]              ids of system keys,
//	_IK_<partition>_<service>_<product>[_<suffix>]  of intermediate keys
//
//	key row   {["Revoked":true,]"Created":T,"Key":"…"[,"ParentKeyMeta":{"KeyId":"_SK_…","Created":T}]}
//	record    {"Key":{"Created":T,"Key":"…","ParentKeyMeta":{"KeyId":"_IK_…","Created":T}},"Data":"…"}
//
// A record of n bytes has 179 + len(KeyId) + 4·ceil((n+28)/3), as long as times
// have ten digits. Created of the record, and everything but the keys of a key
// row, is not authentic. (Source: the code and the documentation of
// github.com/godaddy/asherah.)
type Asherah struct {
	own    *asherahKeys
	others []*asherahKeys // for reading
	max    int64
}

// asherahKeys is the hierarchy of one region suffix, with expanded keys.
type asherahKeys struct {
	*hierarchy
	scheme *asherahScheme
	// wraps holds intermediate keys expanded for use, as the Sealer does data
	// keys.
	wraps *keycache.Cache[intermediateID, *securemem.Cipher]
	uses  useCounts
}

type wrapLease = keycache.Lease[intermediateID, *securemem.Cipher]

// Asherah returns the Sealer's side of Asherah's format. Each call makes one with
// caches of its own; a program needs one. It fails if the key management service
// has not that format ([AsherahKMS]). It does no I/O.
func (s *Sealer) Asherah(o AsherahOptions) (*Asherah, error) {
	kms, ok := s.kms.(AsherahKMS)
	if !ok {
		return nil, fmt.Errorf("sealsql: %s cannot wrap keys in Asherah's format", providerName("key management service", s.kms))
	}
	if o.MaxRecords == 0 {
		o.MaxRecords = defaultMaxRecords
	}
	if o.MaxRecords < 1 || o.MaxRecords > mostRecords {
		return nil, errors.New("sealsql: MaxRecords must be 1 to 2^32")
	}
	if len(o.ReadSuffixes) > maxReadSuffixes {
		return nil, fmt.Errorf("sealsql: at most %d suffixes can be read", maxReadSuffixes)
	}
	schemes, err := asherahSchemes(kms, s.service, s.product, append([]string{o.RegionSuffix}, o.ReadSuffixes...))
	if err != nil {
		return nil, err
	}
	if strings.Contains(s.service, "_") || strings.Contains(s.product, "_") {
		s.log.Warn("sealsql: service or product contain an underscore, which Asherah's key ids use as separator: no other pair that reads the same may share the metastore",
			"service", s.service, "product", s.product)
	}
	return s.openAsherah(schemes, o.MaxRecords)
}

func (s *Sealer) openAsherah(schemes []*asherahScheme, most int64) (*Asherah, error) {
	a := &Asherah{max: most}
	s.asherah.Lock()
	defer s.asherah.Unlock()
	if s.closed.Load() {
		return nil, ErrClosed
	}
	for i, x := range schemes {
		k := &asherahKeys{
			hierarchy: newHierarchy(s.services, x), scheme: x,
			wraps: dataCache[intermediateID, *securemem.Cipher](&s.c.Cache, intermediateID.hash),
		}
		if i == 0 {
			a.own = k
		} else {
			a.others = append(a.others, k)
		}
	}
	s.asherah.all = append(s.asherah.all, a)
	return a, nil
}

// asherahSchemes makes the schemes of the suffixes, without repetition. Where an
// id could be read in two ways (service s, product s and suffix s: partition p
// of the one is partition p_s of the other) the suffixes are refused.
func asherahSchemes(kms AsherahKMS, service, product string, suffixes []string) ([]*asherahScheme, error) {
	var out []*asherahScheme
	for _, suffix := range suffixes {
		x, err := newAsherahScheme(kms, service, product, suffix)
		if err != nil {
			return nil, err
		}
		same := func(y *asherahScheme) bool { return y.tail == x.tail }
		if slices.ContainsFunc(out, same) {
			continue
		}
		for _, y := range out {
			if strings.HasSuffix(x.tail, y.tail) || strings.HasSuffix(y.tail, x.tail) {
				return nil, errors.New("sealsql: with these suffixes one key id could mean two partitions: read them by separate factories")
			}
		}
		out = append(out, x)
	}
	return out, nil
}

func (s *Sealer) closeAsherah(until time.Time) {
	s.asherah.Lock()
	all := s.asherah.all
	s.asherah.all = nil
	s.asherah.Unlock()
	for _, a := range all {
		for _, k := range append([]*asherahKeys{a.own}, a.others...) {
			k.wraps.Close(0)
			k.closeCaches(until)
		}
	}
}

// Warm loads the system key, or creates the first one, as Sealer.Warm does.
func (a *Asherah) Warm(ctx context.Context) error {
	l, err := a.own.latestSystem(ctx)
	if err != nil {
		return err
	}
	l.Release()
	return nil
}

// AsherahPartition seals and opens the records of one partition. It is
// immutable, holds no keys and need not be closed.
type AsherahPartition struct {
	a      *Asherah
	id     string
	key    string // id of its intermediate keys
	quoted string // what follows the wrapped key in a record's JSON, up to the creation time
}

// Partition prepares the partition with the given id: valid UTF-8 without zero
// bytes, not empty, at most about 1000 bytes, so that its key ids have 1024 (a
// SQL metastore allows 255). Anything else is ErrPartition.
func (a *Asherah) Partition(id string) (*AsherahPartition, error) {
	if id == "" || !utf8.ValidString(id) || strings.ContainsRune(id, 0) {
		return nil, ErrPartition
	}
	p := &AsherahPartition{a: a, id: id, key: a.own.scheme.intermediateID(id)}
	if len(p.key) > maxAsherahKeyID {
		return nil, ErrPartition
	}
	b := append(make([]byte, 0, 64+len(p.key)), `,"ParentKeyMeta":{"KeyId":`...)
	p.quoted = string(append(appendStringJSON(b, p.key), `,"Created":`...))
	return p, nil
}

// Forget drops what is held of the partition's keys: they are loaded again when
// they are needed.
func (p *AsherahPartition) Forget() {
	for _, k := range append([]*asherahKeys{p.a.own}, p.a.others...) {
		k.wraps.DeleteFunc(func(id intermediateID, _ *securemem.Cipher) bool { return id.partition == p.id })
		k.forget(p.id)
	}
}

// ID returns the partition's id.
func (p *AsherahPartition) ID() string { return p.id }

// Encrypt seals payload under the partition's newest key. An empty payload is a
// value; nil is the same.
//
// The record leaks the length of the payload, the partition with service and
// product, and the time of sealing. Errors are ErrTooLarge (above MaxPlaintext
// bytes), ErrClosed, the cause of ctx, or a *KeyError.
func (p *AsherahPartition) Encrypt(ctx context.Context, payload []byte) (*DataRowRecord, error) {
	k, err := p.dataRowKey(ctx, len(payload))
	if err != nil {
		return nil, err
	}
	defer k.cipher.Destroy()
	data, err := k.cipher.SealNonceLast(make([]byte, 0, len(payload)+asherahOverhead), payload)
	if err != nil {
		return nil, err
	}
	return &DataRowRecord{Data: data, Key: &EnvelopeKeyRecord{
		Created: k.created, EncryptedKey: slices.Clone(k.wrapped[:]),
		ParentKeyMeta: &KeyMeta{p.key, k.parent},
	}}, nil
}

// Seal is Encrypt that appends the record's JSON to dst: in one piece, as it is
// stored. On an error dst is returned as it was.
func (p *AsherahPartition) Seal(ctx context.Context, dst, payload []byte) ([]byte, error) {
	k, err := p.dataRowKey(ctx, len(payload))
	if err != nil {
		return dst, err
	}
	defer k.cipher.Destroy()
	if overlap(dst, payload) {
		payload = slices.Clone(payload)
		defer clear(payload)
	}
	size := base64.StdEncoding.EncodedLen(len(payload) + asherahOverhead)
	b := slices.Grow(dst, 192+len(p.quoted)+size)
	b = strconv.AppendInt(append(b, `{"Key":{"Created":`...), k.created, 10)
	b = base64.StdEncoding.AppendEncode(append(b, `,"Key":"`...), k.wrapped[:])
	b = strconv.AppendInt(append(append(b, '"'), p.quoted...), k.parent, 10)
	b = append(b, `}},"Data":"`...)

	// The ciphertext is made at the end of the space of its base64, which is
	// written from the front.
	n := len(b)
	raw, err := k.cipher.SealNonceLast(b[:n+size-len(payload)-asherahOverhead], payload)
	if err != nil {
		return dst, err
	}
	b = appendBase64(b, raw[n+size-len(payload)-asherahOverhead:])
	return append(b, `"}`...), nil
}

// dataRowKey is the key of one record.
type dataRowKey struct {
	cipher  *securemem.Cipher // the caller destroys it
	wrapped [wrappedKeySize]byte
	created int64
	parent  int64 // creation time of the intermediate key
}

// dataRowKey makes a key for a payload of n bytes and wraps it under the
// partition's newest key.
func (p *AsherahPartition) dataRowKey(ctx context.Context, n int) (d dataRowKey, err error) {
	if ctx.Err() != nil {
		return d, context.Cause(ctx)
	}
	if n > MaxPlaintext {
		return d, ErrTooLarge
	}
	k := p.a.own
	newest, err := k.latestIntermediate(ctx, p.id)
	if err != nil {
		return d, err
	}
	defer newest.Release()
	l := newest.Value()
	ik := l.key.Value()
	id := intermediateID{p.id, ik.created}
	used := l.uses.Load()
	if used == nil {
		used = k.uses.of(id)
		l.uses.Store(used)
	}
	if used.Add(1) >= p.a.max {
		k.spend(KeyMeta{p.key, ik.created}, l)
	}
	wrap, err := k.expand(id, ik)
	if err != nil {
		return d, k.loadError(err)
	}
	defer wrap.Release()
	securemem.ReserveStack()
	x := takeTransit()
	defer x.wipe()
	_, _ = rand.Read(x.drk[:]) // documented never to fail
	if _, err := wrap.Value().SealNonceLast(d.wrapped[:0], x.drk[:]); err != nil {
		return d, k.loadError(err)
	}
	if k.drawn(d.wrapped[wrappedKeySize-securemem.NonceSize:]) {
		k.renew(ctx, p.id, ik.created)
	}
	d.created, d.parent = k.now().Unix(), ik.created
	d.cipher, err = securemem.NewTransientCipher(x.drk[:])
	return d, err
}

// spend ends the use of a key that has wrapped enough: the next caller makes a
// new one.
func (k *asherahKeys) spend(m KeyMeta, l *latestKey) {
	k.revoked.add(m)
	l.w.expire()
}

// expand leases an intermediate key ready for use.
func (k *asherahKeys) expand(id intermediateID, key *intermediateKey) (wrapLease, error) {
	if l, ok := k.wraps.Get(id); ok {
		return l, nil
	}
	c, keep, err := key.secret.NewCacheCipher()
	if err != nil {
		return wrapLease{}, err
	}
	if !keep || k.cache.NoIntermediate {
		return keycache.Own[intermediateID](c), nil
	}
	l, ok := k.wraps.Put(id, c)
	if !ok {
		return l, ErrClosed
	}
	return l, nil
}

// Decrypt opens a record of this partition, service, product and region suffix
// (or one of ReadSuffixes), and returns the payload, which is not nil.
//
// Expired and revoked keys open for ever. Errors are a *RecordError (which
// matches ErrTampered, and ErrWrongPartition for a record of another partition)
// for everything that was not sealed so, a *KeyError when the key cannot be had
// (matching ErrKeyNotFound when it does not exist), ErrClosed, or the cause of
// ctx.
func (p *AsherahPartition) Decrypt(ctx context.Context, r *DataRowRecord) ([]byte, error) {
	if r == nil || r.Key == nil || r.Key.ParentKeyMeta == nil {
		return nil, &RecordError{ReasonFormat}
	}
	if len(r.Data) < asherahOverhead || len(r.Data) > MaxPlaintext+asherahOverhead || len(r.Key.EncryptedKey) != wrappedKeySize {
		return nil, &RecordError{ReasonTruncated}
	}
	k, err := p.keys(r.Key.ParentKeyMeta.ID)
	if err != nil {
		return nil, err
	}
	var wrapped [wrappedKeySize]byte
	copy(wrapped[:], r.Key.EncryptedKey)
	return p.open(ctx, k, r.Key.ParentKeyMeta.Created, wrapped[:], slices.Clone(r.Data))
}

// Open is Decrypt of a record's JSON; the payload is appended to dst. On an
// error dst is returned as it was.
func (p *AsherahPartition) Open(ctx context.Context, dst, record []byte) ([]byte, error) {
	if len(record) > maxDataRow {
		return dst, &RecordError{ReasonFormat}
	}
	k := p.a.own
	v, ok := scanUsual(record, p.quoted)
	if !ok {
		v, ok = scanDataRow(record)
		if !ok || v.seen != seenKey|seenData || !v.key.parent || len(v.key.key) != base64.StdEncoding.EncodedLen(wrappedKeySize) {
			return p.openSlowly(ctx, dst, record)
		}
		var err error
		if k, err = p.keys(string(v.key.parentID)); err != nil {
			return dst, err
		}
	}
	out, n := dst, len(dst)
	if overlap(dst, record) {
		out = slices.Clip(dst)
	}
	// The wrapped key goes behind the data: all is wiped or overwritten there.
	size := base64.StdEncoding.DecodedLen(len(v.data))
	out = slices.Grow(out, size+wrappedKeySize+2) // its base64 could be of 62 bytes
	wrapped := out[n+size : n+size+wrappedKeySize+2]
	if m, err := base64.StdEncoding.Decode(wrapped, v.key.key); err != nil || m != wrappedKeySize {
		return p.openSlowly(ctx, dst, record)
	}
	m, err := base64.StdEncoding.Decode(out[n:n+size], v.data)
	if err != nil || m < asherahOverhead {
		return p.openSlowly(ctx, dst, record)
	}
	plain, err := p.open(ctx, k, v.key.parentCreated, wrapped[:wrappedKeySize], out[n:n+m])
	if err != nil {
		return dst, err
	}
	return out[:n+len(plain)], nil
}

// openSlowly takes records that are not written as usual, and says what is wrong
// with those that are none.
func (p *AsherahPartition) openSlowly(ctx context.Context, dst, record []byte) ([]byte, error) {
	var r DataRowRecord
	if err := r.UnmarshalJSON(record); err != nil {
		return dst, err
	}
	plain, err := p.Decrypt(ctx, &r)
	if err != nil {
		return dst, err
	}
	if dst == nil {
		return plain, nil
	}
	return append(dst, plain...), nil
}

// open opens wrapped and data in place.
func (p *AsherahPartition) open(ctx context.Context, k *asherahKeys, created int64, wrapped, data []byte) ([]byte, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if created <= 0 { // Asherah takes 0 for the newest key
		return nil, &RecordError{ReasonFormat}
	}
	wrap, err := k.opening(ctx, intermediateID{p.id, created})
	if err != nil {
		return nil, err
	}
	defer wrap.Release()
	defer clear(wrapped)
	drk, err := wrap.Value().OpenNonceLast(wrapped)
	if err != nil || len(drk) != keySize {
		return nil, &RecordError{ReasonAuth}
	}
	c, err := securemem.NewTransientCipher(drk)
	if err != nil {
		return nil, err
	}
	defer c.Destroy()
	plain, err := c.OpenNonceLast(data)
	return plain, recordError(err)
}

// keys returns the hierarchy that an intermediate key's id belongs to, if the id
// is this partition's, whole.
func (p *AsherahPartition) keys(id string) (*asherahKeys, error) {
	if id == p.key {
		return p.a.own, nil
	}
	for _, k := range p.a.others {
		if part, ok := k.scheme.partition(id); ok && part == p.id {
			return k, nil
		}
	}
	return nil, &RecordError{ReasonPartition}
}

// opening leases a key for opening, whatever its state.
func (k *asherahKeys) opening(ctx context.Context, id intermediateID) (wrapLease, error) {
	if l, ok := k.wraps.Get(id); ok {
		return l, nil
	}
	if k.closed.Load() {
		return wrapLease{}, ErrClosed
	}
	key, err := k.intermediate(ctx, id)
	if err != nil {
		return wrapLease{}, err
	}
	defer key.Release()
	l, err := k.expand(id, key.Value())
	return l, k.loadError(err)
}
