package envelope

import (
	"context"
	"errors"
	"slices"
	"unsafe"
)

var errColumn = errors.New("sealsql: column belongs to another sealer")

// Seal appends one record of plaintext to dst: SealedLen(c, p, len(plaintext))
// bytes. tag is the logical type, which Open returns; it is authenticated, not
// secret. NULL is the caller's business; an empty plaintext is a value.
//
// The record leaks the length of the plaintext, the column and, where the column
// carries it, the partition, and that values were sealed by one process within
// the reuse bounds of a data key. Equal values give different records.
//
// Errors are ErrPartition, ErrTooLarge, ErrClosed, the cause of ctx, or a
// *KeyError; dst is then returned as it was. At most 2^20 values are sealed
// under one data key (SP 800-38D §8.3 allows 2^32).
func (s *Sealer) Seal(ctx context.Context, dst []byte, c *Column, p Partition, tag byte, plaintext []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return dst, context.Cause(ctx)
	}
	if err := s.checkSeal(c, p, plaintext); err != nil {
		return dst, err
	}
	if overlap(dst, plaintext) {
		plaintext = slices.Clone(plaintext)
		defer clear(plaintext)
	}
	if s.c.Policy.DataKey.MaxUses == 1 {
		return s.sealOnce(ctx, dst, c, p, tag, plaintext)
	}
	id := dataKeyID{column: c.n, tag: tag, ph: p.h, partition: p.id}
	if l, ok := s.writers.GetHashed(id.hash(), &id); ok {
		if d := l.Value(); d.take(s.tick()) {
			out, err := d.seal(dst, plaintext)
			l.Release()
			return out, err
		}
		l.Release()
	}
	return s.sealFresh(ctx, dst, c, p, id, plaintext)
}

func (s *Sealer) checkSeal(c *Column, p Partition, plaintext []byte) error {
	switch {
	case c == nil || c.s != s:
		return errColumn
	case p.id == "":
		return ErrPartition
	case len(plaintext) > MaxPlaintext:
		return ErrTooLarge
	}
	return nil
}

// sealFresh seals under a new data key and keeps that for the next values.
// Callers who do so at the same moment each make one; the last is kept. That
// costs a microsecond and saves waiting.
func (s *Sealer) sealFresh(ctx context.Context, dst []byte, c *Column, p Partition, id dataKeyID, plaintext []byte) ([]byte, error) {
	ik, err := s.latestIntermediate(ctx, p.id)
	if err != nil {
		return dst, err
	}
	defer ik.Release()
	d, err := s.newDataKey(ik.Value().key.Value(), c, p, id.tag, false)
	if err != nil {
		return dst, s.loadError(err)
	}
	d.max = int64(s.c.Policy.DataKey.MaxUses)
	// Not longer than the intermediate key's state is checked: revocation takes
	// effect within the interval, reuse or not.
	d.until = min(s.tick()+int64(s.c.Policy.DataKey.MaxAge), ik.Value().w.hard.Load())
	d.uses.Store(1)
	l, ok := s.writers.Put(id, d)
	if !ok {
		return dst, ErrClosed
	}
	defer l.Release()
	return d.seal(dst, plaintext)
}

// sealOnce seals under a data key of its own.
func (s *Sealer) sealOnce(ctx context.Context, dst []byte, c *Column, p Partition, tag byte, plaintext []byte) ([]byte, error) {
	ik, err := s.latestIntermediate(ctx, p.id)
	if err != nil {
		return dst, err
	}
	defer ik.Release()
	d, err := s.newDataKey(ik.Value().key.Value(), c, p, tag, true)
	if err != nil {
		return dst, s.loadError(err)
	}
	defer d.Destroy()
	return d.seal(dst, plaintext)
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
