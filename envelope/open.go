package envelope

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"unsafe"
)

// Open appends the plaintext of a record to dst and returns it with the type
// tag and the index in cols of the column that it was sealed for. A record of
// any other column is refused. p is the partition that the value must belong
// to; AnyPartition accepts the one that the record names.
//
// Expired and revoked keys open for ever. Errors are ErrNotSealed for bytes
// without the mark, a *RecordError (which matches ErrTampered) for every record
// that is not exactly what Seal made for one of cols and p, a *KeyError when the
// key cannot be had (matching ErrKeyNotFound when it does not exist, which a
// damaged creation time also looks like), ErrPartition, ErrClosed, or the cause
// of ctx; dst is then returned as it was.
func (s *Sealer) Open(ctx context.Context, dst []byte, cols []*Column, p Partition, record []byte) (plaintext []byte, tag byte, column int, err error) {
	if err := ctx.Err(); err != nil {
		return dst, 0, 0, context.Cause(ctx)
	}
	if !p.any && p.id == "" {
		return dst, 0, 0, ErrPartition
	}
	h, err := parse(record)
	if err != nil {
		return dst, 0, 0, err
	}
	column, err = s.columnOf(cols, &h)
	if err != nil {
		return dst, 0, 0, err
	}
	partition, err := partitionOf(p, &h)
	if err != nil {
		return dst, 0, 0, err
	}
	if overlap(dst, record) {
		record = slices.Clone(record)
		h, _ = parse(record)
	}
	out, err := s.open(ctx, dst, cols[column], partition, &h)
	if err != nil {
		return dst, 0, 0, err
	}
	return out, h.tag, column, nil
}

// columnOf finds the column of a record among those that may stand there.
func (s *Sealer) columnOf(cols []*Column, h *header) (int, error) {
	for i, c := range cols {
		if c == nil || c.s != s {
			return 0, errColumn
		}
		if c.tag == h.column {
			return i, nil
		}
	}
	return 0, &RecordError{ReasonColumn}
}

// partitionOf returns the partition whose keys open the record: the expected
// one, which a record that names one must name. The string may be part of the
// record.
func partitionOf(p Partition, h *header) (string, error) {
	named := unsafe.String(unsafe.SliceData(h.partition), len(h.partition))
	switch {
	case p.any && h.partition == nil:
		return "", &RecordError{ReasonPartition}
	case p.any:
		if _, err := PartitionID(named); err != nil {
			return "", &RecordError{ReasonPartition}
		}
		return named, nil
	case h.partition != nil && named != p.id:
		return "", &RecordError{ReasonPartition}
	}
	return p.id, nil
}

func (s *Sealer) open(ctx context.Context, dst []byte, c *Column, partition string, h *header) ([]byte, error) {
	id := dataKeyID{column: c.n, created: h.created, flags: h.flags, tag: h.tag, partition: partition}
	copy(id.salt[:], h.salt)
	if l, ok := s.readers.GetHashed(id.hash(), &id); ok {
		d := l.Value()
		// The id fixes all of the prefix but the commitment, which is public in
		// every record of this salt: an ordinary comparison gives nothing away.
		if bytes.Equal(d.prefix, h.prefix) {
			out, err := d.cipher.Open(dst, h.box, d.ad)
			l.Release()
			return out, recordError(err)
		}
		l.Release()
		return dst, &RecordError{ReasonCommitment}
	}
	return s.openFresh(ctx, dst, c, id, h)
}

// openFresh derives the data key. A salt that is seen for the second time stays
// in the cache: others opened one value and are wiped.
func (s *Sealer) openFresh(ctx context.Context, dst []byte, c *Column, id dataKeyID, h *header) ([]byte, error) {
	if s.closed.Load() {
		return dst, ErrClosed
	}
	id.partition = strings.Clone(id.partition) // caches must not keep the record
	ik, err := s.intermediate(ctx, intermediateID{id.partition, int64(id.created)})
	if err != nil {
		return dst, err
	}
	defer ik.Release()
	keep := !s.cache.NoIntermediate && s.seen.again(h.salt)
	d, err := s.reopen(ik.Value(), c, id.partition, h, !keep)
	if err != nil {
		return dst, err
	}
	if !keep {
		defer d.Destroy()
	} else if l, ok := s.readers.Put(id, d); ok {
		defer l.Release()
	} else {
		return dst, ErrClosed
	}
	out, err := d.cipher.Open(dst, h.box, d.ad)
	return out, recordError(err)
}

// recordError is what a failed authentication is called outside.
func recordError(err error) error {
	if err == nil {
		return nil
	}
	return &RecordError{ReasonAuth}
}
