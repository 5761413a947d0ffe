package envelope

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"
)

// Notifier is a Metastore that can tell the processes that use it that something
// happened. What it tells is a hint: it may be lost, come late, twice, or from
// anybody who reaches the store.
type Notifier interface {
	Metastore
	// Notify tells all who listen to topic (letters, digits and '-', at most 80).
	Notify(ctx context.Context, topic string) error
	// Listen calls hint for everything that is told about topic, and for what it
	// may have missed. It returns when ctx ends, or the connection is lost.
	Listen(ctx context.Context, topic string, hint func()) error
}

// hints are what makes a process check its keys before their time. Nothing but
// the time of a check depends on them.
type hints struct {
	mu      sync.Mutex
	last    [2]time.Time // of the last checks, the older first
	pending *time.Timer
	closed  bool
}

// hintEvery is the time within which hints bring about two checks: whoever can
// send them (on PostgreSQL every role of the database) may cost the metastore two
// look-ups of each key in use in that time, and no more.
func (p *Policy) hintEvery() time.Duration {
	return min(max(p.RevokeCheck/60, time.Second), time.Minute)
}

// Hint says that the state of keys may have changed. The state of each key is
// read again when the key is next used, instead of when its check interval ends.
// Within a sixtieth of that interval (a second to a minute) there are at most two
// such checks; later hints are honoured together at the end of that time.
//
// A hint is never more than that: no key is taken for revoked because of it, and
// revocation takes effect within the interval without any.
func (s *Sealer) Hint() {
	x := &s.hints
	x.mu.Lock()
	defer x.mu.Unlock()
	wait := s.c.Policy.hintEvery() - time.Since(x.last[0])
	switch {
	case x.closed || x.pending != nil:
	case x.last[0].IsZero() || wait <= 0:
		s.heed()
	default:
		x.pending = time.AfterFunc(wait, func() {
			x.mu.Lock()
			defer x.mu.Unlock()
			x.pending = nil
			if !x.closed {
				s.heed()
			}
		})
	}
}

// heed ends the windows of all keys, and the use of data keys made from them.
// s.hints.mu is held.
func (s *Sealer) heed() {
	s.hints.last = [2]time.Time{s.hints.last[1], time.Now()}
	s.recheck()
	s.asherah.Lock()
	for _, a := range s.asherah.all {
		a.own.recheck()
	}
	s.asherah.Unlock()
	s.writers.DeleteFunc(func(dataKeyID, *dataKey) bool { return true })
}

func (h *hierarchy) recheck() {
	h.states.DeleteFunc(func(_ KeyMeta, v *systemState) bool { v.w.expire(); return false })
	h.latest.DeleteFunc(func(_ string, v *latestKey) bool { v.w.expire(); return false })
}

func (x *hints) close() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.closed = true
	if x.pending != nil {
		x.pending.Stop()
	}
}

// Watch calls Hint for what other processes announce: it looks at one row of the
// metastore in each interval (which is moved about by a tenth), and listens where
// the metastore is a Notifier. What was announced within the last check interval
// before its first look counts too: keys may have been read before that. It
// returns the cause of ctx's end.
func (s *Sealer) Watch(ctx context.Context, every time.Duration) error {
	if every <= 0 {
		return errors.New("sealsql: the interval of watching must be positive")
	}
	var wg sync.WaitGroup
	if n, ok := s.store.(Notifier); ok {
		wg.Go(func() { s.listen(ctx, n) })
	}
	id, seen, known := s.ids().news, int64(0), false
	for ctx.Err() == nil {
		rec, err := s.store.LoadLatest(ctx, id)
		switch {
		case err == nil && rec != nil && rec.Meta.ID == id:
			if known && rec.Meta.Created != seen || !known && s.lately(rec.Meta.Created) {
				s.Hint()
			}
			seen, known = rec.Meta.Created, true
		case errors.Is(err, ErrKeyNotFound):
			known = true
		}
		sleep(ctx, every+time.Duration(rand.Int64N(int64(every)/5+1))-every/10)
	}
	wg.Wait()
	return context.Cause(ctx)
}

// lately reports whether something was announced at a time, in Unix seconds, at
// which a key in use may already have been read.
func (s *Sealer) lately(announced int64) bool {
	return s.now().Unix()-announced <= int64(s.c.Policy.RevokeCheck/time.Second)
}

// maxRelisten bounds the time between attempts to listen.
const maxRelisten = time.Minute

func (s *Sealer) listen(ctx context.Context, n Notifier) {
	pause := time.Second
	for ctx.Err() == nil {
		began := time.Now()
		err := n.Listen(ctx, s.ids().topic(), s.Hint)
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) > maxRelisten {
			pause = time.Second
		}
		s.log.Debug("sealsql: listening for changes of keys ended", "err", err)
		sleep(ctx, pause)
		pause = min(2*pause, maxRelisten)
	}
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// announce tells other processes that a state has changed. They would see it in
// their own time: a failure is no error of the change.
func (k *Keys) announce(ctx context.Context) {
	id, now := k.s.ids().news, k.s.now().Unix()
	rec, err := k.store.LoadLatest(ctx, id)
	if err == nil && rec != nil {
		now = max(now, rec.Meta.Created+1)
	}
	stored := false
	if (err == nil || errors.Is(err, ErrKeyNotFound)) && now < Tombstone {
		rec = &KeyRecord{Meta: KeyMeta{id, now}, Key: []byte{0}}
		if stored, err = k.store.Store(ctx, rec); stored {
			k.dropLeases(ctx, rec.Meta)
		}
	}
	if n, ok := k.s.store.(Notifier); ok {
		err = errors.Join(err, n.Notify(ctx, k.s.ids().topic()))
	}
	if err != nil {
		k.s.log.Warn("sealsql: other processes could not be told of the change; they notice within their check interval", "err", err)
	}
}
