package envelope

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sealsql/sealsql/keycache"
	"github.com/sealsql/sealsql/observe"
	"github.com/sealsql/sealsql/securemem"
)

// Config is what a Sealer is made of. Service, Product, KMS and Metastore are
// required.
type Config struct {
	// Service and Product name the application; they are part of every key id
	// and bound into every value. Changing one makes stored values unreadable.
	Service, Product string
	KMS              KeyManagementService
	Metastore        Metastore
	Policy           Policy
	Cache            CacheConfig
	// Memory says what happens when key memory cannot be locked; zero is
	// securemem.Prefer.
	Memory securemem.Mode
	// KeepOpen leaves the KMS and the Metastore open when the Sealer is closed,
	// for callers who share them.
	KeepOpen bool
	// Logger receives warnings, and at level debug the making of keys; nil
	// discards them.
	Logger *slog.Logger
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Events, if set, is called for what is done with keys, on whatever goroutine
	// does it: it must not wait, nor use the Sealer. ctx has the values of the
	// call that brought it about.
	Events func(ctx context.Context, e KeyEvent)
	// Recorder counts what the Sealer does with keys; nil makes one. Values are
	// counted by who seals and opens them: the drivers and package session.
	Recorder *observe.Recorder
	// OnClose, if set, is called by Close while keys are still there.
	OnClose func() error
}

// Sealer seals and opens values. All methods may be called concurrently.
type Sealer struct {
	c          Config
	*hierarchy // of the compact format

	writers *keycache.Cache[dataKeyID, *dataKey]
	readers *keycache.Cache[dataKeyID, *dataKey]
	wraps   *keycache.Cache[wrapKeyID, *wrapKey]
	seen    doorkeeper
	hints   hints

	columns struct {
		sync.Mutex
		byTag map[[4]byte]string
		n     uint32
	}
	indexes struct {
		keys *keycache.Cache[indexKeyID, *indexKey]
		n    atomic.Uint32
		indexVersions
	}
	asherah struct {
		sync.Mutex
		all []*Asherah
	}
	unobserved func() // takes the caches out of the statistics
	close      func() error
}

// closeWait bounds the wait of Close for running loads.
const closeWait = 5 * time.Second

// New makes a Sealer. It does no I/O; Warm or the first use loads keys. On
// success the Sealer owns c.KMS and c.Metastore and closes them, unless
// c.KeepOpen is set.
func New(_ context.Context, c Config) (*Sealer, error) {
	if c.KMS == nil || c.Metastore == nil {
		return nil, errors.New("sealsql: a key management service and a metastore are required")
	}
	ids, err := newKeyIDs(c.Service, c.Product)
	if err != nil {
		return nil, err
	}
	if c.Policy, err = c.Policy.withDefaults(); err != nil {
		return nil, err
	}
	if c.Cache, err = c.Cache.withDefaults(); err != nil {
		return nil, err
	}
	if c.Cache.NoIntermediate {
		c.Policy.DataKey.MaxUses = 1 // or data keys would be kept in their place
	}
	v := &services{
		service: c.Service, product: c.Product, store: c.Metastore, kms: c.KMS,
		policy: &c.Policy, cache: c.Cache, log: c.Logger, now: c.Now, fixed: c.Now != nil, events: c.Events,
	}
	if v.log == nil {
		v.log = slog.New(slog.DiscardHandler)
	}
	if v.now == nil {
		v.now = time.Now
	}
	v.base = v.now()
	v.obs = newObserved(&c, v)
	if err := c.Policy.past(v.base); err != nil {
		return nil, err
	}
	if v.arena, err = securemem.Open(c.Memory, securemem.Config{}); err != nil {
		return nil, err
	}
	if !v.arena.Locked() && c.Memory != securemem.Off {
		v.log.Warn("sealsql: memory for keys could not be locked; keys may reach swap (memory: require refuses this)")
	}
	s := &Sealer{c: c}
	s.columns.byTag = map[[4]byte]string{}
	s.makeCaches(v, &compactScheme{keyIDs: ids, kms: c.KMS, service: c.Service, product: c.Product})
	s.close = sync.OnceValue(s.shutdown)
	s.unobserved = v.obs.rec.Add(sealerSource{s})
	return s, nil
}

func (s *Sealer) makeCaches(v *services, x scheme) {
	s.hierarchy = newHierarchy(v, x)
	s.writers = dataCache[dataKeyID, *dataKey](&s.c.Cache, dataKeyID.hash)
	s.readers = dataCache[dataKeyID, *dataKey](&s.c.Cache, dataKeyID.hash)
	s.wraps = dataCache[wrapKeyID, *wrapKey](&s.c.Cache, wrapKeyID.hash)
	s.makeIndexes()
	s.shredded = func(partition string) { s.forgetAll(partition) }
}

// Warm loads the system key, or creates the first one, so that a broken key
// management service or metastore shows now and not at the first value.
func (s *Sealer) Warm(ctx context.Context) error {
	l, err := s.latestSystem(ctx)
	if err != nil {
		return err
	}
	l.Release()
	return nil
}

// Forget drops what is held of a partition's keys: they are loaded again when
// they are needed. Values being sealed or opened are finished first.
func (s *Sealer) Forget(p Partition) { s.forgetAll(p.id) }

func (s *Sealer) forgetAll(partition string) {
	mine := func(_ dataKeyID, d *dataKey) bool { return d.partition == partition }
	s.forget(partition)
	s.writers.DeleteFunc(mine)
	s.readers.DeleteFunc(mine)
	s.wraps.DeleteFunc(func(k wrapKeyID, _ *wrapKey) bool { return k.partition == partition })
	if partition != "" {
		s.indexes.keys.DeleteFunc(func(k indexKeyID, _ *indexKey) bool { return k.partition == partition })
	}
}

// Close wipes keys and closes the metastore and the key management service. It
// waits a few seconds for running loads; a value that is being sealed or opened
// is finished, and its key wiped then. Close may be called twice.
func (s *Sealer) Close() error { return s.close() }

func (s *Sealer) shutdown() error {
	var err error
	if s.c.OnClose != nil {
		err = s.c.OnClose()
	}
	s.unobserved()
	s.hints.close()
	s.closed.Store(true)
	s.mending.close()
	until := time.Now().Add(closeWait)
	s.writers.Close(0)
	s.readers.Close(0)
	s.wraps.Close(0)
	s.indexes.keys.Close(time.Until(until))
	s.closeAsherah(until)
	s.closeCaches(until)
	s.arena.Close()
	if s.c.KeepOpen {
		return err
	}
	return errors.Join(err, s.c.Metastore.Close(), s.c.KMS.Close())
}
