package envelope

import (
	"context"
	"errors"
	"slices"
	"unsafe"

	"github.com/sealsql/sealsql/keycache"
	"github.com/sealsql/sealsql/securemem"
)

var errColumn = errors.New("sealsql: column belongs to another sealer")

// MaxRow is the longest row identity in bytes.
const MaxRow = 1024

// ErrRow is returned by sealing and opening when a column binds its values to
// rows and the row identity is missing, or longer than MaxRow.
var ErrRow = errors.New("sealsql: row identity must be 1 to 1024 bytes")

// Seal appends one record of plaintext to dst: SealedLen(c, p, len(plaintext))
// bytes, or fewer where the column compresses. tag is the logical type, which
// Open returns; it is authenticated, not secret. NULL is the caller's business;
// an empty plaintext is a value.
//
// The record leaks the length of the plaintext (padded, where the column pads),
// the column and, where the column carries it, the partition, and that values
// were sealed by one process within the reuse bounds of a data key. Equal values
// give different records.
//
// Errors are ErrPartition, ErrRow for a column that binds rows, ErrTooLarge,
// ErrClosed, the cause of ctx, or a *KeyError; dst is then returned as it was. At
// most 2^20 values are sealed under one data key (SP 800-38D §8.3 allows 2^32).
func (s *Sealer) Seal(ctx context.Context, dst []byte, c *Column, p Partition, tag byte, plaintext []byte) ([]byte, error) {
	return s.SealRow(ctx, dst, c, p, "", tag, plaintext)
}

// SealRow is Seal for a value that opens only in the row with the given
// identity: the canonical text of a key column of the same row, 1 to MaxRow
// bytes, which the record does not hold. Columns that do not bind rows ignore it.
func (s *Sealer) SealRow(ctx context.Context, dst []byte, c *Column, p Partition, row string, tag byte, plaintext []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return dst, context.Cause(ctx)
	}
	if err := s.checkSeal(c, p, row, plaintext); err != nil {
		return dst, err
	}
	if c.flags&flagRow == 0 {
		row = ""
	}
	if c.shapes() {
		return s.sealShaped(ctx, dst, &place{c, p, row, c.flags, tag}, plaintext)
	}
	if overlap(dst, plaintext) {
		plaintext = slices.Clone(plaintext)
		defer clear(plaintext)
	}
	if l, ok := s.writer(c, &p, c.flags, tag); ok {
		out, err := l.Value().seal(dst, plaintext, row)
		l.Release()
		return out, err
	}
	return s.sealFresh(ctx, dst, &place{c, p, row, c.flags, tag}, plaintext)
}

// sealShaped compresses and pads in a buffer of its own.
func (s *Sealer) sealShaped(ctx context.Context, dst []byte, v *place, plaintext []byte) ([]byte, error) {
	x := takeScratch()
	defer x.wipe()
	var compressed bool
	x.b, compressed = appendShaped(x.b, v.c, plaintext)
	if compressed {
		v.flags |= flagCompressed
	}
	if l, ok := s.writer(v.c, &v.p, v.flags, v.tag); ok {
		defer l.Release()
		return l.Value().seal(dst, x.b, v.row)
	}
	return s.sealFresh(ctx, dst, v, x.b)
}

// writer leases the data key that is in use for a column, partition, type and
// set of flags, if there is one and it may seal one more value.
func (s *Sealer) writer(c *Column, p *Partition, flags, tag byte) (l keycache.Lease[dataKeyID, *dataKey], ok bool) {
	if s.c.Policy.DataKey.MaxUses == 1 {
		return l, false
	}
	id := writerID(c, p, flags, tag)
	if l, ok = s.writers.GetHashed(id.hash(), &id); !ok {
		return l, false
	}
	d, now := l.Value(), s.recentTick()
	if d.brief {
		now = s.tick()
	}
	if d.partition == p.id && d.take(now, l.Turn(), l.Local()) {
		return l, true
	}
	l.Release()
	return l, false
}

func writerID(c *Column, p *Partition, flags, tag byte) dataKeyID {
	return newDataKeyID(p.h, c.n, 0, new([saltSize]byte), flags, tag, 0)
}

func (s *Sealer) checkSeal(c *Column, p Partition, row string, plaintext []byte) error {
	switch {
	case c == nil || c.s != s:
		return errColumn
	case p.id == "":
		return ErrPartition
	case c.flags&flagRow != 0 && (row == "" || len(row) > MaxRow):
		return ErrRow
	case len(plaintext) > MaxPlaintext:
		return ErrTooLarge
	}
	return nil
}

// sealFresh seals under a new data key and keeps that for the next values.
// Callers who do so at the same moment each make one; the last is kept. That
// costs a microsecond and saves waiting.
func (s *Sealer) sealFresh(ctx context.Context, dst []byte, v *place, payload []byte) ([]byte, error) {
	ik, err := s.latestIntermediate(ctx, v.p.id)
	if err != nil {
		return dst, err
	}
	defer ik.Release()
	if s.c.Policy.DataKey.MaxUses == 1 {
		return s.sealOnce(ctx, dst, ik.Value().key.Value(), v, payload)
	}
	d, err := s.newDataKey(ik.Value().key.Value(), v)
	if err != nil {
		return dst, s.loadError(err)
	}
	if v.c.suite == SuiteWrapped {
		s.wrappedDataKey(ctx, v.p.id, ik.Value().key.Value().created, d.prefix)
	}
	d.max = int64(s.c.Policy.DataKey.MaxUses)
	// Not longer than the intermediate key's state is checked: revocation takes
	// effect within the interval, reuse or not.
	now := s.tick()
	d.lives(now, min(now+int64(s.c.Policy.DataKey.MaxAge), ik.Value().w.until()))
	d.uses.Store(1)
	l, ok := s.writers.Put(writerID(v.c, &v.p, v.flags, v.tag), d)
	if !ok {
		return dst, ErrClosed
	}
	defer l.Release()
	return d.seal(dst, payload, v.row)
}

// sealOnce seals under a data key of its own, written straight into dst.
func (s *Sealer) sealOnce(ctx context.Context, dst []byte, ik *intermediateKey, v *place, payload []byte) ([]byte, error) {
	securemem.ReserveStack()
	out := room(dst, v.c.prefixLen(v.p.id)+len(payload)+boxSize)
	x := takeTransit()
	defer x.wipe()
	bound := v.c.context(v.p.id)
	out, err := s.freshKey(out, ik, v, x, bound)
	if err != nil {
		return dst, s.loadError(err)
	}
	if v.c.suite == SuiteWrapped {
		s.wrappedDataKey(ctx, v.p.id, ik.created, out)
	}
	cipher, err := s.newCipher(v.c.suite, x.k.key(), true)
	if err != nil {
		return dst, err
	}
	defer cipher.Destroy()
	if out, err = boundSeal(cipher, out, v, out[len(dst):], bound, payload); err != nil {
		return dst, err
	}
	return out, nil
}

// boundSeal appends the box of payload to out, whose end is prefix.
func boundSeal(cipher *securemem.Cipher, out []byte, v *place, prefix []byte, context *[32]byte, payload []byte) ([]byte, error) {
	ad := takeScratch()
	defer ad.give()
	ad.b = append(appendBound(ad.b, v.c.suite, prefix, context), v.row...)
	return cipher.Seal(out, payload, ad.b)
}

// overlap reports whether appending to dst could overwrite b. The ciphers panic
// on that.
func overlap(dst, b []byte) bool {
	spare := dst[len(dst):cap(dst)]
	if len(spare) == 0 || len(b) == 0 {
		return false
	}
	from, start := uintptr(unsafe.Pointer(unsafe.SliceData(spare))), uintptr(unsafe.Pointer(unsafe.SliceData(b)))
	return from < start+uintptr(len(b)) && start < from+uintptr(len(spare))
}
