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
	if p.f.rec.SampleSeal() {
		defer p.f.timing(ctx, observe.Encrypt)()
	}
	r, err := p.encryptOne(ctx, payload)
	p.f.sealed(len(payload), err)
	return r, err
}

func (p *partition) decrypt(ctx context.Context, r *envelope.DataRowRecord) ([]byte, error) {
	if p.f.rec.SampleOpen() {
		defer p.f.timing(ctx, observe.Decrypt)()
	}
	out, err := p.decryptOne(ctx, r)
	p.f.opened(len(out), err)
	return out, err
}

func (p *partition) sealBytes(ctx context.Context, dst, payload []byte) (out []byte, err error) {
	if p.f.rec.SampleSeal() {
		defer p.f.timing(ctx, observe.Encrypt)()
	}
	out, err = p.sealOne(ctx, dst, payload)
	p.f.sealed(len(payload), err)
	return out, err
}

func (p *partition) openBytes(ctx context.Context, dst, record []byte) (out []byte, err error) {
	if p.f.rec.SampleOpen() {
		defer p.f.timing(ctx, observe.Decrypt)()
	}
	out, err = p.openOne(ctx, dst, record)
	p.f.opened(len(out)-len(dst), err)
	return out, err
}

// timing begins to time a record; the result ends it. A record that fails is
// timed as well.
func (f *SessionFactory) timing(ctx context.Context, k observe.Kind) func() {
	start := time.Now()
	return func() { f.rec.Took(ctx, k, start) }
}

func (f *SessionFactory) sealed(bytes int, err error) {
	if err != nil {
		f.rec.NotSealed(envelope.Outcome(err))
		return
	}
	f.rec.SealedOne(bytes)
}

func (f *SessionFactory) opened(bytes int, err error) {
	if err != nil {
		f.rec.NotOpened(envelope.Outcome(err))
		return
	}
	f.rec.OpenedOne(bytes)
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
