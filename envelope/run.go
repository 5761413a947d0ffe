package envelope

import (
	"bytes"
	"context"

	"github.com/sealsql/sealsql/keycache"
)

// Run opens values one after the other, as the rows of a result have them in one
// column, and remembers where the last one's data key was: the next value mostly
// has the same. What it remembers is checked against the cache each time: a key
// that was evicted, expired or closed is not used. It keeps one key from being
// wiped, though, until it has the next or Rest is called. The zero Run remembers
// nothing, and a nil one never does. It is for one goroutine.
type Run struct {
	key keycache.Hint[dataKeyID, *dataKey]
	// held is the lease of the key from value to value, which saves taking it anew for
	// each: two atomic operations, of a count that readers of the same table share.
	held   keycache.Lease[dataKeyID, *dataKey]
	from   *keycache.Cache[dataKeyID, *dataKey]
	spared uint64 // look-ups of from
	// prefix is what all records of the key begin with: the key's own, which nobody
	// writes to. The rest is what they were found to be good for.
	prefix    []byte
	of        *Sealer
	cols      []*Column
	partition string
	column    int
	tag       byte
	flags     byte
}

// OpenRow is (*Sealer).OpenRow.
func (r *Run) OpenRow(ctx context.Context, s *Sealer, dst []byte, cols []*Column, p Partition, row string, record []byte) (plaintext []byte, tag byte, column int, err error) {
	return r.open(ctx, s, dst, cols, p, row, record, false)
}

// OpenOwn is OpenRow for a record whose memory the caller gives away, read and
// written by nobody else: the plaintext lies in it, or, where it was compressed,
// in memory of its own. After an error the record is undefined.
func (r *Run) OpenOwn(ctx context.Context, s *Sealer, cols []*Column, p Partition, row string, record []byte) (plaintext []byte, tag byte, column int, err error) {
	return r.open(ctx, s, nil, cols, p, row, record, true)
}

func (r *Run) open(ctx context.Context, s *Sealer, dst []byte, cols []*Column, p Partition, row string, record []byte, own bool) (plaintext []byte, tag byte, column int, err error) {
	if r != nil && r.fits(s, dst, cols, &p, record) && ctx.Err() == nil {
		if d := r.dataKey(s); d != nil {
			if plaintext, err = r.again(d, dst, row, record, own); err != nil {
				return dst, 0, 0, err
			}
			return plaintext, r.tag, r.column, nil
		}
	}
	return r.anew(ctx, s, dst, cols, p, row, record, own)
}

// anew opens a value as the Sealer does, and remembers where its key was.
func (r *Run) anew(ctx context.Context, s *Sealer, dst []byte, cols []*Column, p Partition, row string, record []byte, own bool) (plaintext []byte, tag byte, column int, err error) {
	h := header{own: own}
	plaintext, tag, column, err = s.openRecord(ctx, dst, cols, p, row, record, &h)
	if err == nil && r != nil && h.found != (keycache.Hint[dataKeyID, *dataKey]{}) && !p.any && h.flags&flagCompressed == 0 {
		r.remember(&h, s, cols, p.id, column)
	}
	return plaintext, tag, column, err
}

// fits reports whether a record has the remembered prefix and is opened for what
// the last one was: all that is looked at in a record before it is decrypted is in
// its prefix.
func (r *Run) fits(s *Sealer, dst []byte, cols []*Column, p *Partition, record []byte) bool {
	n := len(r.prefix)
	return n > 0 && len(record) >= n+boxSize && bytes.Equal(record[:n], r.prefix) &&
		!p.any && p.id == r.partition && len(cols) == len(r.cols) && &cols[0] == &r.cols[0] && s == r.of && !overlap(dst, record)
}

// dataKey returns the data key of the last value, nil where it has left the cache.
func (r *Run) dataKey(s *Sealer) *dataKey {
	if r.held.Current() {
		r.spared++
		return r.held.Value()
	}
	r.Rest()
	l, ok := s.readers.GetHinted(r.key)
	if !ok {
		return nil
	}
	r.held, r.from = l, s.readers
	return l.Value()
}

// Holds reports whether the Run keeps a key.
func (r *Run) Holds() bool { return r.from != nil }

// Rest gives the key back that the Run keeps, and still remembers where it was. It
// is called when no value is expected for a while, and at the end of all.
func (r *Run) Rest() {
	if r.from == nil {
		return
	}
	r.held.Release()
	r.from.Spared(r.spared)
	r.held, r.from, r.spared = keycache.Lease[dataKeyID, *dataKey]{}, nil, 0
}

// again opens a value whose key and prefix are those of the last.
func (r *Run) again(d *dataKey, dst []byte, row string, record []byte, own bool) (out []byte, err error) {
	if r.flags&flagRow != 0 {
		if row == "" || len(row) > MaxRow {
			return dst, ErrRow
		}
		out, err = d.openRow(dst, &header{record: record, boxAt: len(r.prefix), own: own}, row)
	} else if box := record[len(r.prefix):]; own {
		out, err = d.cipher.OpenInPlace(box, d.ad)
	} else {
		out, err = d.cipher.Open(dst, box, d.ad)
	}
	if err != nil || r.flags&flagPadded != 0 {
		return unpadded(dst, out, r.flags, recordError(err))
	}
	return out, nil
}

// remember keeps what is known of a record that opened.
func (r *Run) remember(h *header, s *Sealer, cols []*Column, partition string, column int) {
	r.Rest()
	r.key, r.of, r.prefix = h.found, s, h.known
	r.cols, r.partition, r.column = cols, partition, column
	r.tag, r.flags = h.tag, h.flags
}
