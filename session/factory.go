package session

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/keycache"
	"github.com/sealsql/sealsql/observe"
	"github.com/sealsql/sealsql/securemem"
)

// Format names a format of records.
type Format uint8

const (
	// Asherah is the format of Asherah's libraries.
	Asherah Format = iota
	// Compact is the format of this module's drivers: a record in
	// DataRowRecord.Data with Key nil, 71 bytes and the partition's id longer
	// than the payload.
	Compact
)

func (f Format) String() string {
	switch f {
	case Asherah:
		return "asherah"
	case Compact:
		return "compact"
	}
	return fmt.Sprintf("Format(%d)", uint8(f))
}

// compactColumn is the domain of compact records that are made here: they do
// not open as the value of a column, nor the other way round.
const compactColumn = "sealsql/session"

// Config is what a SessionFactory is made for. Service and Product are required.
type Config struct {
	// Service and Product name the application; they are part of every key id.
	// Changing one makes stored records unreadable.
	Service, Product string
	// Policy is nil for NewCryptoPolicy().
	Policy *CryptoPolicy
	// RegionSuffix is appended to key ids, as Asherah does with the region
	// suffix of its DynamoDB metastore. Where it is empty, a metastore that has a
	// method RegionSuffix() string (or Asherah's GetRegionSuffix) is asked.
	RegionSuffix string
	// ReadSuffixes lists further suffixes whose records open; "" for records
	// from before there was one.
	ReadSuffixes []string
	// Format is the format of new records.
	Format Format
	// ReadFormats lists the formats that open; nil means Format only.
	ReadFormats []Format
}

// Option changes a factory.
type Option func(*options)

type options struct {
	logger *slog.Logger
	memory securemem.Mode
	now    func() time.Time
	rec    *observe.Recorder
}

// WithLogger sends warnings, and at level debug the making of keys, to l.
// Without it nothing is logged. Logs hold key ids, and with them the ids of
// partitions, never keys or payloads.
func WithLogger(l *slog.Logger) Option { return func(o *options) { o.logger = l } }

// WithMemory says what happens when key memory cannot be locked;
// securemem.Prefer unless given. It takes the place of Asherah's secret
// factories.
func WithMemory(m securemem.Mode) Option { return func(o *options) { o.memory = m } }

// WithClock replaces the wall clock, for tests of expiry.
func WithClock(now func() time.Time) Option { return func(o *options) { o.now = now } }

// WithRecorder counts with r instead of a Recorder of the factory's own, so that
// several factories are counted together.
func WithRecorder(r *observe.Recorder) Option { return func(o *options) { o.rec = r } }

// SessionFactory makes sessions. A program needs one for a service and product.
// All methods may be called concurrently.
type SessionFactory struct {
	sealer  *envelope.Sealer
	asherah *envelope.Asherah // nil where the format is neither read nor written
	column  *envelope.Column  // nil likewise
	format  Format
	read    []Format
	shared  bool
	idle    time.Duration
	now     func() time.Time
	closed  atomic.Bool
	cache   *keycache.Cache[string, *partition] // nil: sessions are not kept
	swept   atomic.Int64                        // Unix nanoseconds
	rec     *observe.Recorder
	left    func() // takes the session cache out of the statistics
}

// NewSessionFactory makes a factory on a key store and a key management service,
// which stay open when it is closed. It does no I/O; the first use of a session
// does, or Warm.
//
// Asherah's format needs a service that implements envelope.AsherahKMS, as
// those of envelope/builtin do.
func NewSessionFactory(c *Config, store envelope.Metastore, kms envelope.KeyManagementService, opts ...Option) (*SessionFactory, error) {
	if c == nil {
		return nil, errors.New("sealsql: a configuration is required")
	}
	policy := c.Policy
	if policy == nil {
		policy = NewCryptoPolicy()
	}
	if err := policy.check(); err != nil {
		return nil, err
	}
	var o options
	for _, opt := range opts {
		opt(&o)
	}
	f := &SessionFactory{format: c.Format, read: c.ReadFormats, shared: policy.SharedIntermediateKeyCache, idle: policy.SessionCacheDuration, now: o.now}
	if f.now == nil {
		f.now = time.Now
	}
	if f.read == nil {
		f.read = []Format{c.Format}
	}
	p, caches := policy.envelope()
	var err error
	f.sealer, err = envelope.New(context.Background(), envelope.Config{
		Service: c.Service, Product: c.Product, KMS: kms, Metastore: store, KeepOpen: true,
		Policy: p, Cache: caches, Memory: o.memory, Logger: o.logger, Now: o.now, Recorder: o.rec,
	})
	if err != nil {
		return nil, err
	}
	if err := f.formats(c, store); err != nil {
		return nil, errors.Join(err, f.sealer.Close())
	}
	f.rec = f.sealer.Recorder()
	if policy.CacheSessions {
		f.cache = newSessionCache(policy.SessionCacheMaxSize)
		f.left = f.rec.Add(sessionSource{f.cache})
	}
	return f, nil
}

// formats prepares those that are written or read.
func (f *SessionFactory) formats(c *Config, store envelope.Metastore) (err error) {
	for _, format := range append(slices.Clone(f.read), f.format) {
		switch {
		case format == Asherah && f.asherah == nil:
			f.asherah, err = f.sealer.Asherah(envelope.AsherahOptions{
				RegionSuffix: regionSuffix(c, store), ReadSuffixes: c.ReadSuffixes,
			})
		case format == Compact && f.column == nil:
			f.column, err = f.sealer.Column(compactColumn, envelope.ColumnOptions{CarryPartition: true})
		case format > Compact:
			err = fmt.Errorf("sealsql: %s is not a format", format)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func regionSuffix(c *Config, store envelope.Metastore) string {
	if c.RegionSuffix != "" {
		return c.RegionSuffix
	}
	switch m := store.(type) {
	case interface{ RegionSuffix() string }:
		return m.RegionSuffix()
	case interface{ GetRegionSuffix() string }:
		return m.GetRegionSuffix()
	}
	return ""
}

// Warm loads the system key, or creates the first one, so that a broken key
// management service or store shows now and not at the first record.
func (f *SessionFactory) Warm(ctx context.Context) error {
	if f.format == Compact {
		return f.sealer.Warm(ctx)
	}
	return f.asherah.Warm(ctx)
}

// GetSession returns a session for the partition: 1 to about 1000 bytes of valid
// UTF-8 (200 in the compact format), compared byte by byte. Anything else is
// envelope.ErrPartition. It does no I/O. The caller closes the session; one that
// is forgotten holds no keys and no goroutine.
func (f *SessionFactory) GetSession(id string) (*Session, error) {
	if f.closed.Load() {
		return nil, ErrClosed
	}
	if f.cache == nil {
		p, err := f.prepare(id)
		if err != nil {
			return nil, err
		}
		return &Session{lease: keycache.Own[string](p)}, nil
	}
	l, err := f.fromCache(id)
	if err != nil {
		return nil, err
	}
	return &Session{lease: l}, nil
}

// Close wipes the factory's keys. The store and the key management service stay
// open. Sessions fail from then on with ErrClosed. It may be called twice.
func (f *SessionFactory) Close() error {
	f.closed.Store(true)
	if f.cache != nil {
		f.left()
		f.cache.Close(0)
	}
	return f.sealer.Close()
}
