package envelope

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"unsafe"

	"github.com/sealsql/sealsql/securemem"
)

// Open appends the plaintext of a record to dst and returns it with the type
// tag and the index in cols of the column that it was sealed for. A record of
// any other column is refused, and so is one whose suite or form that column
// does not read. p is the partition that the value must belong to; AnyPartition
// accepts the one that the record names.
//
// Expired and revoked keys open for ever. Errors are ErrNotSealed for bytes
// without the mark, a *RecordError (which matches ErrTampered) for every record
// that is not exactly what Seal made for one of cols and p, a *KeyError when the
// key cannot be had (matching ErrKeyNotFound when it does not exist, which a
// damaged creation time also looks like), ErrPartition, ErrRow for a record that
// is bound to a row, ErrClosed, or the cause of ctx; dst is then returned as it
// was.
func (s *Sealer) Open(ctx context.Context, dst []byte, cols []*Column, p Partition, record []byte) (plaintext []byte, tag byte, column int, err error) {
	return s.OpenRow(ctx, dst, cols, p, "", record)
}

// OpenRow is Open for the value of one row: a record that is bound to a row
// opens only with the identity that SealRow was given. Records that are not
// bound, where a column accepts such, ignore it.
func (s *Sealer) OpenRow(ctx context.Context, dst []byte, cols []*Column, p Partition, row string, record []byte) (plaintext []byte, tag byte, column int, err error) {
	var h header
	return s.openRecord(ctx, dst, cols, p, row, record, &h)
}

// openRecord opens a record. Of h, own is given, and the rest is filled in.
func (s *Sealer) openRecord(ctx context.Context, dst []byte, cols []*Column, p Partition, row string, record []byte, h *header) (plaintext []byte, tag byte, column int, err error) {
	if err := ctx.Err(); err != nil {
		return dst, 0, 0, context.Cause(ctx)
	}
	if err := h.parse(record); err != nil {
		return dst, 0, 0, err
	}
	if column, err = s.expected(cols, &p, h); err != nil {
		return dst, 0, 0, err
	}
	if h.flags&flagRow == 0 {
		row = ""
	} else if row == "" || len(row) > MaxRow {
		return dst, 0, 0, ErrRow
	}
	if h.flags&flagCompressed != 0 {
		h.own = false
		plaintext, err = s.openShaped(ctx, dst, cols[column], &p, row, h)
	} else {
		if overlap(dst, record) {
			h.record = slices.Clone(record)
		}
		plaintext, err = s.open(ctx, dst, cols[column], &p, row, h)
		plaintext, err = unpadded(dst, plaintext, h.flags, err)
	}
	if err != nil {
		return dst, 0, 0, err
	}
	return plaintext, h.tag, column, nil
}

// unpadded takes the padding off what was opened behind dst: it lies behind the value,
// and holds nothing of it.
func unpadded(dst, out []byte, flags byte, err error) ([]byte, error) {
	if err != nil || flags&flagPadded == 0 {
		return out, err
	}
	text, ok := unpad(out[len(dst):])
	if !ok {
		clear(out[len(dst):])
		return dst, &RecordError{ReasonPayload}
	}
	return out[:len(dst)+len(text)], nil
}

// openShaped opens into a buffer of its own, where compression, and padding with it, is
// undone.
func (s *Sealer) openShaped(ctx context.Context, dst []byte, c *Column, p *Partition, row string, h *header) ([]byte, error) {
	x := takeScratch()
	defer x.wipe()
	out, err := s.open(ctx, x.b, c, p, row, h)
	if err != nil {
		return dst, err
	}
	x.b = out
	return appendUnshaped(dst, out, h.flags)
}

// expected holds a record against what the caller expects of it, and returns
// the index of its column. AnyPartition in p is replaced by the partition that
// the record names; its id is then a part of the record.
func (s *Sealer) expected(cols []*Column, p *Partition, h *header) (int, error) {
	if !p.any && p.id == "" {
		return 0, ErrPartition
	}
	column, err := s.columnOf(cols, h)
	if err != nil {
		return 0, err
	}
	if err := cols[column].accepts(h); err != nil {
		return 0, err
	}
	if p.any || h.flags&flagPartition != 0 {
		err = checkPartition(p, h)
	}
	return column, err
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

// checkPartition holds the partition that a record names against the expected
// one.
func checkPartition(p *Partition, h *header) error {
	b := h.partition()
	named := unsafe.String(unsafe.SliceData(b), len(b))
	switch {
	case p.any && validPartition(named):
		p.id, p.h = named, hashString(named)
	case p.any || named != p.id:
		return &RecordError{ReasonPartition}
	}
	return nil
}

func (s *Sealer) open(ctx context.Context, dst []byte, c *Column, p *Partition, row string, h *header) ([]byte, error) {
	id := readerID(c, p, h)
	l, ok := s.readers.GetHashed(id.hash(), &id)
	if !ok {
		return s.openFresh(ctx, dst, c, p, row, h)
	}
	d := l.Value()
	// The id fixes all of the prefix but the rest of a wrapped key and the
	// commitment, which are public in every record of this data key: an ordinary
	// comparison gives nothing away.
	if d.partition != p.id || !bytes.Equal(d.prefix, h.prefix()) {
		l.Release()
		return dst, &RecordError{ReasonCommitment}
	}
	h.found, h.known = l.Hint(), d.prefix
	out, err := d.open(dst, h, row)
	l.Release()
	return out, recordError(err)
}

func readerID(c *Column, p *Partition, h *header) dataKeyID {
	return newDataKeyID(p.h, c.n, h.created, (*[saltSize]byte)(h.record[h.keyAt:]), h.flags, h.tag, h.suite)
}

// openFresh recovers the data key. A salt that is seen for the second time stays
// in the cache: others opened one value and are wiped.
func (s *Sealer) openFresh(ctx context.Context, dst []byte, c *Column, p *Partition, row string, h *header) ([]byte, error) {
	if s.closed.Load() {
		return dst, ErrClosed
	}
	partition := p.id
	if p.any {
		partition = strings.Clone(partition) // caches must not keep the record
	}
	ik, err := s.intermediate(ctx, intermediateID{partition, int64(h.created)})
	if err != nil {
		return dst, err
	}
	defer ik.Release()
	if s.cache.NoIntermediate || !s.seen.again(h.block()) {
		return s.openOnce(dst, ik.Value(), c, partition, row, h)
	}
	d, err := s.reopen(ik.Value(), c, partition, h)
	if err != nil {
		return dst, err
	}
	l, ok := s.readers.Put(readerID(c, p, h), d)
	if !ok {
		return dst, ErrClosed
	}
	defer l.Release()
	out, err := d.open(dst, h, row)
	return out, recordError(err)
}

// openOnce opens one value and keeps nothing.
func (s *Sealer) openOnce(dst []byte, ik *intermediateKey, c *Column, partition, row string, h *header) ([]byte, error) {
	securemem.ReserveStack()
	x := takeTransit()
	defer x.wipe()
	if err := s.recoverKey(ik, c, partition, h, x); err != nil {
		return dst, err
	}
	cipher, err := s.newCipher(h.suite, x.k.key(), true)
	if err != nil {
		return dst, err
	}
	defer cipher.Destroy()
	ad := takeScratch()
	defer ad.give()
	ad.b = append(appendBound(ad.b, h.suite, h.prefix(), c.context(partition)), row...)
	out, err := h.openBox(cipher, dst, ad.b)
	return out, recordError(err)
}

// recordError is what a failed authentication is called outside.
func recordError(err error) error {
	if err == nil {
		return nil
	}
	return &RecordError{ReasonAuth}
}
