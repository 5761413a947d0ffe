package session

import (
	"context"
	"errors"
	"hash/maphash"
	"sync/atomic"

	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/keycache"
)

// DataRowRecord is what Encrypt makes, to be stored as JSON or in parts.
type DataRowRecord = envelope.DataRowRecord

// EnvelopeKeyRecord is the wrapped key of a DataRowRecord.
type EnvelopeKeyRecord = envelope.EnvelopeKeyRecord

// ErrClosed is returned by everything on a closed session or factory. It matches
// envelope.ErrClosed.
var ErrClosed = errClosed{}

type errClosed struct{}

func (errClosed) Error() string        { return "sealsql: session is closed" }
func (errClosed) Is(target error) bool { return target == envelope.ErrClosed }

// Session encrypts and decrypts for one partition. It is a handle of a few
// bytes. All methods may be called concurrently, and Close at any time: calls
// that are running finish.
type Session struct {
	lease  keycache.Lease[string, *partition]
	closed atomic.Bool
}

func (s *Session) partition() (*partition, error) {
	p := s.lease.Value()
	if s.closed.Load() || p.f.closed.Load() {
		return nil, ErrClosed
	}
	return p, nil
}

// Encrypt seals payload. An empty payload is a value, and nil the same.
//
// The record leaks the payload's length, the partition, service and product, and
// the time. Errors are ErrClosed, envelope.ErrTooLarge, the cause of ctx, or an
// *envelope.KeyError.
func (s *Session) Encrypt(ctx context.Context, payload []byte) (*DataRowRecord, error) {
	p, err := s.partition()
	if err != nil {
		return nil, err
	}
	return p.encrypt(ctx, payload)
}

// Decrypt opens a record of this partition. The payload is never nil.
//
// Errors are an *envelope.RecordError, which matches envelope.ErrTampered, for
// whatever is not exactly a record of this partition, service, product and
// region suffix in a format that the factory reads; an *envelope.KeyError when a
// key cannot be had, which matches envelope.ErrKeyNotFound when it does not
// exist; ErrClosed; or the cause of ctx.
func (s *Session) Decrypt(ctx context.Context, record DataRowRecord) ([]byte, error) {
	p, err := s.partition()
	if err != nil {
		return nil, err
	}
	return p.decrypt(ctx, &record)
}

// Seal is Encrypt that appends the record to dst as it is stored: JSON, or a
// compact record. On an error dst is returned as it was.
func (s *Session) Seal(ctx context.Context, dst, payload []byte) ([]byte, error) {
	p, err := s.partition()
	if err != nil {
		return dst, err
	}
	return p.sealBytes(ctx, dst, payload)
}

// Open is Decrypt for what Seal made, and for the JSON of a DataRowRecord in
// Asherah's format; the payload is appended to dst. Bytes that are not a record
// of a format that the factory reads may also be envelope.ErrNotSealed.
func (s *Session) Open(ctx context.Context, dst, record []byte) ([]byte, error) {
	p, err := s.partition()
	if err != nil {
		return dst, err
	}
	return p.openBytes(ctx, dst, record)
}

// Store encrypts payload and hands the record to a Storer, whose key it returns.
func (s *Session) Store(ctx context.Context, payload []byte, store Storer) (key any, err error) {
	r, err := s.Encrypt(ctx, payload)
	if err != nil {
		return nil, err
	}
	return store.Store(ctx, *r)
}

// Load has a Loader find the record of key, and decrypts it.
func (s *Session) Load(ctx context.Context, key any, load Loader) ([]byte, error) {
	if _, err := s.partition(); err != nil {
		return nil, err
	}
	r, err := load.Load(ctx, key)
	if err != nil {
		return nil, err
	}
	if r == nil {
		return nil, ErrNoRecord
	}
	return s.Decrypt(ctx, *r)
}

// Close ends the session. It never fails, and may be called twice.
func (s *Session) Close() error {
	if !s.closed.Swap(true) {
		s.lease.Release()
	}
	return nil
}

// ErrNoRecord is returned by Session.Load when the Loader returns neither a
// record nor an error.
var ErrNoRecord = errors.New("sealsql: the loader found no record")

// Loader finds records, for Session.Load.
type Loader interface {
	// Load returns the record that Storer.Store gave the key for.
	Load(ctx context.Context, key any) (*DataRowRecord, error)
}

// Storer keeps records, for Session.Store.
type Storer interface {
	// Store keeps a record and returns the key by which Load finds it.
	Store(ctx context.Context, record DataRowRecord) (key any, err error)
}

// LoaderFunc is a function as a Loader.
type LoaderFunc func(ctx context.Context, key any) (*DataRowRecord, error)

// Load calls the function.
func (f LoaderFunc) Load(ctx context.Context, key any) (*DataRowRecord, error) { return f(ctx, key) }

// StorerFunc is a function as a Storer.
type StorerFunc func(ctx context.Context, record DataRowRecord) (any, error)

// Store calls the function.
func (f StorerFunc) Store(ctx context.Context, record DataRowRecord) (any, error) {
	return f(ctx, record)
}

var (
	_ Loader = LoaderFunc(nil)
	_ Storer = StorerFunc(nil)
)

var seed = maphash.MakeSeed()

func hash(s string) uint64 { return maphash.String(seed, s) }
