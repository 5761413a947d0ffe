// Package regional wraps system keys under master keys in several regions, in
// the envelope of Asherah: one data key encrypts the system key, and every
// region's master key encrypts the data key. Any one region opens it.
//
// The package knows no cloud: it is handed the regions.
package regional

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/internal/failover"
	"github.com/sealsql/sealsql/securemem"
)

// Region encrypts data keys under the master key of one region. Implementations
// are safe for concurrent use; their errors are *envelope.ServiceError.
// Encryption contexts are nil in Asherah's format.
type Region interface {
	// Name is the region's name, as rows have it.
	Name() string
	// Generate makes a data key of 32 bytes, which the caller wipes, and returns
	// it also encrypted, with the full name of the key that did so.
	Generate(ctx context.Context, context map[string]string) (key, blob []byte, arn string, err error)
	// Encrypt encrypts a data key.
	Encrypt(ctx context.Context, context map[string]string, key []byte) (blob []byte, arn string, err error)
	// Decrypt decrypts what Generate or Encrypt made. arn is what the row says;
	// the region must not use a key for being named there, only for being
	// configured. The caller wipes the result.
	Decrypt(ctx context.Context, context map[string]string, blob []byte, arn string) ([]byte, error)
	// Shares reports whether what the key with this full name encrypted can be
	// decrypted here: it is this region's key, or its replica.
	Shares(arn string) bool
}

// Config describes a service.
type Config struct {
	// Name is the registered name of the service, for messages.
	Name string
	// Regions in the order of preference; at least one.
	Regions []Region
	// MinRegions is the number of regions that must have encrypted a new key;
	// 0 means 1. A key that fewer can open is not used.
	MinRegions int
	// Timeout bounds one request to one region; 0 means 5 s.
	Timeout time.Duration
	// Logger is told of regions that fail and come back; nil discards.
	Logger *slog.Logger
	// Failover overrides what is derived of the above, for tests.
	Failover failover.Config
}

// Service is a key management service over regions.
type Service struct {
	c      Config
	log    *slog.Logger
	group  *failover.Group
	order  []int
	closed atomic.Bool
}

var (
	_ envelope.AsherahKMS  = (*Service)(nil)
	_ envelope.KeyRepairer = (*Service)(nil)
)

var (
	errTooLarge = errors.New("the wrapped key is too large: fewer regions, please")
	errNoRegion = errors.New("no region is configured")
	// errNotHere is the answer for a region in which a key was not wrapped.
	errNotHere = errors.New("the key is not wrapped in this region")
)

// New makes a service. It asks nobody.
func New(c Config) (*Service, error) {
	if len(c.Regions) == 0 {
		return nil, errNoRegion
	}
	if c.MinRegions > len(c.Regions) {
		return nil, fmt.Errorf("%d regions are demanded of %d", c.MinRegions, len(c.Regions))
	}
	s := &Service{c: c, log: c.Logger}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	seen := map[string]bool{}
	s.c.Regions = make([]Region, len(c.Regions))
	for i, r := range c.Regions {
		s.c.Regions[i] = observedRegion{r, c.Name}
		if r.Name() == "" || seen[r.Name()] {
			return nil, fmt.Errorf("region %q is named twice, or not at all", r.Name())
		}
		seen[r.Name()] = true
		s.order = append(s.order, i)
	}
	f := c.Failover
	if f.Timeout == 0 {
		f.Timeout = c.Timeout
	}
	f.Changed = s.changed
	s.group = failover.New(len(c.Regions), f)
	return s, nil
}

// Name names the service in messages.
func (s *Service) Name() string { return s.c.Name }

// Close ends the service.
func (s *Service) Close() error {
	if !s.closed.Swap(true) {
		s.group.Close()
	}
	return nil
}

func (s *Service) changed(m int, cause error) {
	if cause == nil {
		s.log.Info("sealsql: a key management service's region answers again", "service", s.c.Name, "region", s.c.Regions[m].Name())
		return
	}
	s.log.Warn("sealsql: a key management service's region is left out until it answers again",
		"service", s.c.Name, "region", s.c.Regions[m].Name(), "error", cause)
}

// EncryptKey implements envelope.KeyManagementService.
func (s *Service) EncryptKey(ctx context.Context, kc envelope.KeyContext, key []byte) ([]byte, error) {
	return s.encrypt(ctx, &kc, key)
}

// EncryptAsherahKey implements envelope.AsherahKMS.
func (s *Service) EncryptAsherahKey(ctx context.Context, key []byte) ([]byte, error) {
	return s.encrypt(ctx, nil, key)
}

// encrypt wraps in our format, or in Asherah's where kc is nil.
func (s *Service) encrypt(ctx context.Context, kc *envelope.KeyContext, key []byte) ([]byte, error) {
	if err := s.ready(ctx); err != nil {
		return nil, err
	}
	var failed failures
	dataKey, first, err := s.generate(ctx, kc, &failed)
	defer clear(dataKey)
	if err != nil {
		return nil, err
	}
	w := &wire{Keks: []kek{first}}
	if kc != nil {
		w.Version = wireVersion
	}
	if w.EncryptedKey, err = lock(dataKey, kc, key); err != nil {
		return nil, err
	}
	s.spread(ctx, kc, dataKey, w, &failed)
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	if len(w.Keks) < s.c.MinRegions {
		return nil, failed.asError(fmt.Sprintf("only %d of the %d regions demanded encrypted the key", len(w.Keks), s.c.MinRegions))
	}
	for _, f := range failed {
		s.log.Warn("sealsql: a new system key is not wrapped in a region; it will be repaired later",
			"service", s.c.Name, "region", f.region, "error", f.err)
	}
	return w.encode()
}

// generate has the first region that answers make a data key.
func (s *Service) generate(ctx context.Context, kc *envelope.KeyContext, failed *failures) (key []byte, k kek, err error) {
	ok := s.group.Try(ctx, s.order, func(ctx context.Context, m int) (failover.Verdict, error) {
		r := s.c.Regions[m]
		got, blob, arn, err := r.Generate(ctx, contextMap(kc))
		if err == nil && (len(got) != securemem.SecretSize || len(blob) == 0) {
			clear(got)
			err = s.malformed(r, "generate")
		}
		if err != nil {
			failed.add(r.Name(), err)
			return verdict(err), err
		}
		key, k = got, kek{r.Name(), arn, blob}
		return failover.Done, nil
	}, func(m int, why error) { failed.add(s.c.Regions[m].Name(), s.leftOut(m, why)) })
	if ok {
		return key, k, nil
	}
	if err := context.Cause(ctx); errors.Is(err, context.Canceled) {
		return nil, k, err
	}
	return nil, k, failed.asError("no region made a data key")
}

// spread has the regions that w lacks encrypt the data key, all at once.
func (s *Service) spread(ctx context.Context, kc *envelope.KeyContext, dataKey []byte, w *wire, failed *failures) (added []string) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	found := make([]*kek, len(s.c.Regions))
	for m, r := range s.c.Regions {
		if w.of(r.Name()) != nil {
			continue
		}
		if other := s.shared(r, w); other != nil {
			found[m] = &kek{r.Name(), other.ARN, other.Blob}
			continue
		}
		wg.Go(func() {
			var cause error
			_, asked := s.group.One(ctx, m, func(ctx context.Context, _ int) (failover.Verdict, error) {
				blob, arn, err := r.Encrypt(ctx, contextMap(kc), dataKey)
				if err == nil && len(blob) == 0 {
					err = s.malformed(r, "encrypt")
				}
				if err == nil {
					found[m] = &kek{r.Name(), arn, blob}
					return failover.Done, nil
				}
				cause = err
				return verdict(err), err
			})
			if !asked {
				cause = s.leftOut(m, failover.ErrLeftOut)
			}
			if cause != nil {
				mu.Lock()
				failed.set(r.Name(), cause)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	for m, k := range found {
		if k != nil {
			w.Keks = append(w.Keks, *k)
			added = append(added, s.c.Regions[m].Name())
			failed.drop(s.c.Regions[m].Name())
		}
	}
	return added
}

// shared finds an encryption that a multi-region key of r decrypts as well.
func (s *Service) shared(r Region, w *wire) *kek {
	for i := range w.Keks {
		if k := &w.Keks[i]; len(k.Blob) > 0 && r.Shares(k.ARN) {
			return k
		}
	}
	return nil
}

// DecryptKey implements envelope.KeyManagementService.
func (s *Service) DecryptKey(ctx context.Context, kc envelope.KeyContext, wrapped []byte) ([]byte, error) {
	return s.decrypt(ctx, &kc, wrapped)
}

// DecryptAsherahKey implements envelope.AsherahKMS.
func (s *Service) DecryptAsherahKey(ctx context.Context, wrapped []byte) ([]byte, error) {
	return s.decrypt(ctx, nil, wrapped)
}

func (s *Service) decrypt(ctx context.Context, kc *envelope.KeyContext, wrapped []byte) ([]byte, error) {
	if err := s.ready(ctx); err != nil {
		return nil, err
	}
	w, err := parse(wrapped, kc == nil)
	if err != nil {
		return nil, err
	}
	dataKey, key, err := s.open(ctx, kc, w)
	clear(dataKey)
	return key, err
}

// open asks the regions in their order for the data key until one gives one
// that opens the envelope.
func (s *Service) open(ctx context.Context, kc *envelope.KeyContext, w *wire) (dataKey, key []byte, err error) {
	var failed failures
	ok := s.group.Try(ctx, s.order, func(ctx context.Context, m int) (failover.Verdict, error) {
		r := s.c.Regions[m]
		k := w.of(r.Name())
		if k == nil {
			k = s.shared(r, w)
		}
		if k == nil {
			failed.add(r.Name(), errNotHere)
			return failover.Next, nil
		}
		got, err := r.Decrypt(ctx, contextMap(kc), k.Blob, k.ARN)
		if err == nil {
			if key, err = unlock(got, kc, w.EncryptedKey); err == nil {
				dataKey = got
				return failover.Done, nil
			}
			clear(got)
		}
		failed.add(r.Name(), err)
		return verdict(err), err
	}, func(m int, why error) { failed.add(s.c.Regions[m].Name(), s.leftOut(m, why)) })
	if ok {
		return dataKey, key, nil
	}
	if err := context.Cause(ctx); errors.Is(err, context.Canceled) {
		return nil, nil, err
	}
	return nil, nil, failed.asError("no region decrypted the key" + s.unknown(w))
}

// unknown names the regions of a row that are not configured.
func (s *Service) unknown(w *wire) string {
	var names []string
	for _, k := range w.Keks {
		known := false
		for _, r := range s.c.Regions {
			known = known || r.Name() == k.Region
		}
		if !known {
			names = append(names, fmt.Sprintf("%q", k.Region))
		}
	}
	if len(names) == 0 {
		return ""
	}
	return " (the row also names regions that are not configured: " + strings.Join(names, ", ") + ")"
}

// ready is the check before every call.
func (s *Service) ready(ctx context.Context) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	if s.closed.Load() {
		return envelope.ErrClosed
	}
	return nil
}

func (s *Service) malformed(r Region, op string) error {
	return &envelope.ServiceError{Service: s.c.Name, Region: r.Name(), Op: op, Fault: envelope.FaultMalformed}
}

func (s *Service) leftOut(m int, why error) error {
	detail := why.Error()
	if cause := s.group.Out(m); cause != nil {
		detail += ": " + cause.Error()
	}
	return &envelope.ServiceError{
		Service: s.c.Name, Region: s.c.Regions[m].Name(), Op: "request", Fault: envelope.FaultUnreachable, Detail: detail,
	}
}

// verdict tells a region in trouble from one that says no.
func verdict(err error) failover.Verdict {
	var e *envelope.ServiceError
	if !errors.As(err, &e) {
		return failover.Next // the envelope's fault
	}
	switch e.Fault {
	case envelope.FaultUnreachable, envelope.FaultThrottled, envelope.FaultMalformed, envelope.FaultUnknown:
		return failover.Failed
	}
	return failover.Next
}

func contextMap(kc *envelope.KeyContext) map[string]string {
	if kc == nil {
		return nil
	}
	return kc.Map()
}

// lock encrypts a system key under a data key.
func lock(dataKey []byte, kc *envelope.KeyContext, key []byte) ([]byte, error) {
	c, err := securemem.NewTransientCipher(dataKey)
	if err != nil {
		return nil, err
	}
	defer c.Destroy()
	if kc == nil {
		return c.SealNonceLast(nil, key)
	}
	return c.Seal(nil, key, kc.AssociatedData())
}

// unlock is the reverse. Its error matches envelope.ErrTampered.
func unlock(dataKey []byte, kc *envelope.KeyContext, box []byte) ([]byte, error) {
	if len(dataKey) != securemem.SecretSize || len(box) != securemem.SecretSize+securemem.Overhead {
		return nil, errForged
	}
	c, err := securemem.NewTransientCipher(dataKey)
	if err != nil {
		return nil, err
	}
	defer c.Destroy()
	var key []byte
	if kc == nil {
		key, err = c.OpenNonceLast(append(make([]byte, 0, len(box)), box...))
	} else {
		key, err = c.Open(make([]byte, 0, securemem.SecretSize), box, kc.AssociatedData())
	}
	if err != nil {
		return nil, errForged
	}
	return key, nil
}
