package session

import (
	"context"
	"time"

	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/keycache"
	"github.com/sealsql/sealsql/observe"
)

// Recorder returns what counts the factory's records, keys and requests.
func (f *SessionFactory) Recorder() *observe.Recorder { return f.rec }

// Stats is a snapshot of Recorder.
func (f *SessionFactory) Stats() observe.Stats { return f.rec.Stats() }

func (p *partition) encrypt(ctx context.Context, payload []byte) (*envelope.DataRowRecord, error) {
	start := p.f.sealing()
	r, err := p.encryptOne(ctx, payload)
	p.f.sealed(ctx, start, len(payload), err)
	return r, err
}

func (p *partition) sealBytes(ctx context.Context, dst, payload []byte) ([]byte, error) {
	start := p.f.sealing()
	out, err := p.sealOne(ctx, dst, payload)
	p.f.sealed(ctx, start, len(payload), err)
	return out, err
}

func (p *partition) decrypt(ctx context.Context, r *envelope.DataRowRecord) ([]byte, error) {
	start := p.f.opening()
	out, err := p.decryptOne(ctx, r)
	p.f.opened(ctx, start, len(out), err)
	return out, err
}

func (p *partition) openBytes(ctx context.Context, dst, record []byte) ([]byte, error) {
	start := p.f.opening()
	out, err := p.openOne(ctx, dst, record)
	p.f.opened(ctx, start, len(out)-len(dst), err)
	return out, err
}

// sealing returns when a record's sealing began if it is one to be timed, and
// the zero time otherwise.
func (f *SessionFactory) sealing() (start time.Time) {
	if f.rec.SampleSeal() {
		start = time.Now()
	}
	return start
}

func (f *SessionFactory) opening() (start time.Time) {
	if f.rec.SampleOpen() {
		start = time.Now()
	}
	return start
}

func (f *SessionFactory) sealed(ctx context.Context, start time.Time, bytes int, err error) {
	if err != nil {
		f.rec.NotSealed(envelope.Outcome(err))
		return
	}
	f.rec.Sealed(1, bytes)
	if !start.IsZero() {
		f.rec.Took(ctx, observe.Encrypt, start)
	}
}

func (f *SessionFactory) opened(ctx context.Context, start time.Time, bytes int, err error) {
	if err != nil {
		f.rec.NotOpened(envelope.Outcome(err))
		return
	}
	f.rec.Opened(1, bytes)
	if !start.IsZero() {
		f.rec.Took(ctx, observe.Decrypt, start)
	}
}

// sessionSource counts the session cache.
type sessionSource struct {
	c *keycache.Cache[string, *partition]
}

const tierSession = "session"

func (s sessionSource) Counters(st *observe.Stats) {
	st.AddCache(tierSession, envelope.CacheCounters(s.c.Stats()))
}

func (s sessionSource) Gauges(st *observe.Stats) {
	st.AddCache(tierSession, observe.Cache{Entries: s.c.Len()})
}
