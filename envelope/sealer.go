package envelope

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sealsql/sealsql/keycache"
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
	// Logger receives warnings; nil discards them.
	Logger *slog.Logger
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// CacheConfig bounds the key caches. Zero values are defaults.
type CacheConfig struct {
	// Intermediate is the number of intermediate keys (one or a few for a
	// partition) kept for sealing, and again for opening; 10000.
	Intermediate int
	// DataKeys is the number of expanded data keys kept for sealing, one for a
	// column and partition, and again for opening; 1024. Each takes 768 bytes of
	// locked memory.
	DataKeys int
	// IntermediatePolicy decides which intermediate keys stay; nil means second
	// chance.
	IntermediatePolicy func(size int, evict func(string)) keycache.Policy[string]
}

// Sealer seals and opens values. All methods may be called concurrently.
type Sealer struct {
	c     Config
	ids   keyIDs
	arena *securemem.Arena
	log   *slog.Logger
	now   func() time.Time
	base  time.Time
	fixed bool // the clock is not ours

	systems       *keycache.Cache[KeyMeta, *systemKey]
	states        *keycache.Cache[KeyMeta, *systemState] // Created 0: the newest
	intermediates *keycache.Cache[intermediateID, *intermediateKey]
	latest        *keycache.Cache[string, *latestKey]
	writers       *keycache.Cache[dataKeyID, *dataKey]
	readers       *keycache.Cache[dataKeyID, *dataKey]
	seen          doorkeeper
	revoked       stickySet

	columns struct {
		sync.Mutex
		byTag map[[4]byte]string
		n     uint32
	}
	closed atomic.Bool
	close  func() error
}

// closeWait bounds the wait of Close for running loads.
const closeWait = 5 * time.Second

// negativeTTL is how long an absent key is not asked for again. It bounds what
// rows that name keys which do not exist cost the store.
const negativeTTL = 5 * time.Second

// New makes a Sealer. It does no I/O; Warm or the first use loads keys. On
// success the Sealer owns c.KMS and c.Metastore and closes them.
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
	s := &Sealer{c: c, ids: ids, log: c.Logger, now: c.Now, fixed: c.Now != nil}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.now == nil {
		s.now = time.Now
	}
	s.base = s.now()
	if s.arena, err = securemem.Open(c.Memory, securemem.Config{}); err != nil {
		return nil, err
	}
	if !s.arena.Locked() && c.Memory != securemem.Off {
		s.log.Warn("sealsql: memory for keys could not be locked; keys may reach swap (memory: require refuses this)")
	}
	s.columns.byTag = map[[4]byte]string{}
	s.makeCaches()
	s.close = sync.OnceValue(s.shutdown)
	return s, nil
}

func (s *Sealer) makeCaches() {
	missing := func(err error) bool { return errors.Is(err, ErrKeyNotFound) }
	meta := func(k KeyMeta) uint64 { return hashString(k.ID) ^ mix(uint64(k.Created)) }
	n := s.c.Cache.Intermediate
	if n <= 0 {
		n = 10000
	}
	d := s.c.Cache.DataKeys
	if d <= 0 {
		d = 1024
	}
	s.systems = keycache.New[KeyMeta, *systemKey](keycache.Config[KeyMeta]{
		Hash: meta, Size: 256, Negative: negativeTTL, IsNegative: missing,
	})
	s.states = keycache.New[KeyMeta, *systemState](keycache.Config[KeyMeta]{Hash: meta, Size: 256})
	s.intermediates = keycache.New[intermediateID, *intermediateKey](keycache.Config[intermediateID]{
		Hash: func(k intermediateID) uint64 { return hashString(k.partition) ^ mix(uint64(k.created)) },
		Size: n, Negative: negativeTTL, IsNegative: missing,
	})
	s.latest = keycache.New[string, *latestKey](keycache.Config[string]{
		Hash: hashString, Size: n, Policy: s.c.Cache.IntermediatePolicy,
	})
	s.writers = keycache.New[dataKeyID, *dataKey](keycache.Config[dataKeyID]{Hash: dataKeyID.hash, Size: d})
	s.readers = keycache.New[dataKeyID, *dataKey](keycache.Config[dataKeyID]{Hash: dataKeyID.hash, Size: d})
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

// Close wipes keys and closes the metastore and the key management service. It
// waits a few seconds for running loads; a value that is being sealed or opened
// is finished, and its key wiped then. Close may be called twice.
func (s *Sealer) Close() error { return s.close() }

func (s *Sealer) shutdown() error {
	s.closed.Store(true)
	until := time.Now().Add(closeWait)
	s.writers.Close(0)
	s.readers.Close(0)
	s.latest.Close(time.Until(until))
	s.intermediates.Close(time.Until(until))
	s.states.Close(time.Until(until))
	s.systems.Close(time.Until(until))
	s.arena.Close()
	return errors.Join(s.c.Metastore.Close(), s.c.KMS.Close())
}

// tick returns a monotonic time in nanoseconds since the Sealer was made. It is
// the only clock of the warm path.
func (s *Sealer) tick() int64 {
	if s.fixed {
		return int64(s.now().Sub(s.base))
	}
	return int64(time.Since(s.base))
}
