package session

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/keycache"
)

// partition is what the sessions of a partition share. It holds no keys.
type partition struct {
	f       *SessionFactory
	id      string
	asherah *envelope.AsherahPartition
	compact envelope.Partition
	used    atomic.Int64 // Unix nanoseconds, for the session cache
}

func (f *SessionFactory) prepare(id string) (*partition, error) {
	p := &partition{f: f, id: id}
	var err error
	if f.asherah != nil {
		if p.asherah, err = f.asherah.Partition(id); err != nil {
			return nil, err
		}
	}
	if f.column != nil {
		if p.compact, err = envelope.PartitionID(id); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// Destroy is called when no session of the partition is open and none is kept.
func (p *partition) Destroy() {
	if p.f.shared {
		return
	}
	if p.asherah != nil {
		p.asherah.Forget()
	}
	if p.f.column != nil {
		p.f.sealer.Forget(p.compact)
	}
}

// reads reports whether records of the format open.
func (p *partition) reads(f Format) bool { return slices.Contains(p.f.read, f) }

func (p *partition) encryptOne(ctx context.Context, payload []byte) (*envelope.DataRowRecord, error) {
	if p.f.format == Asherah {
		return p.asherah.Encrypt(ctx, payload)
	}
	rec, err := p.f.sealer.Seal(ctx, nil, p.f.column, p.compact, 0, payload)
	if err != nil {
		return nil, err
	}
	return &envelope.DataRowRecord{Data: rec}, nil
}

// decryptOne tells the formats by whether there is a key beside the data. A record
// of the one is an error in the other, so nothing is tried twice.
func (p *partition) decryptOne(ctx context.Context, r *envelope.DataRowRecord) ([]byte, error) {
	if r.Key == nil && p.reads(Compact) {
		return p.open(ctx, []byte{}, r.Data)
	}
	if !p.reads(Asherah) {
		return nil, &envelope.RecordError{Reason: envelope.ReasonFormat}
	}
	return p.asherah.Decrypt(ctx, r)
}

func (p *partition) sealOne(ctx context.Context, dst, payload []byte) ([]byte, error) {
	if p.f.format == Asherah {
		return p.asherah.Seal(ctx, dst, payload)
	}
	return p.f.sealer.Seal(ctx, dst, p.f.column, p.compact, 0, payload)
}

// openOne tells the formats by the mark of compact records, which no JSON has.
func (p *partition) openOne(ctx context.Context, dst, record []byte) ([]byte, error) {
	if envelope.IsRecord(record) && p.reads(Compact) {
		return p.open(ctx, dst, record)
	}
	if !p.reads(Asherah) {
		return dst, envelope.ErrNotSealed
	}
	return p.asherah.Open(ctx, dst, record)
}

func (p *partition) open(ctx context.Context, dst, record []byte) ([]byte, error) {
	out, _, _, err := p.f.sealer.Open(ctx, dst, []*envelope.Column{p.f.column}, p.compact, record)
	return out, err
}

func newSessionCache(size int) *keycache.Cache[string, *partition] {
	return keycache.New[string, *partition](keycache.Config[string]{Hash: hash, Size: size})
}

// sweep takes out, now and then, what nobody got for too long.
func (f *SessionFactory) sweep(now time.Time) {
	last := f.swept.Load()
	if now.Sub(time.Unix(0, last)) <= f.idle/4 || !f.swept.CompareAndSwap(last, now.UnixNano()) {
		return
	}
	f.cache.DeleteFunc(func(_ string, p *partition) bool { return f.stale(p, now) })
}

func (f *SessionFactory) stale(p *partition, now time.Time) bool {
	return now.Sub(time.Unix(0, p.used.Load())) > f.idle
}

// fromCache leases a partition from the session cache. One that nobody got for
// too long is made anew.
func (f *SessionFactory) fromCache(id string) (keycache.Lease[string, *partition], error) {
	now := f.now()
	f.sweep(now)
	if l, ok := f.cache.Get(id); ok {
		if p := l.Value(); !f.stale(p, now) {
			p.used.Store(now.UnixNano())
			return l, nil
		}
		l.Release()
	}
	p, err := f.prepare(id)
	if err != nil {
		return keycache.Lease[string, *partition]{}, err
	}
	p.used.Store(now.UnixNano())
	l, ok := f.cache.Put(id, p)
	if !ok {
		return l, ErrClosed
	}
	return l, nil
}
