package interop

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/securemem"
)

// rows is a metastore of rows as a SQL database has them: JSON text by id and
// time.
type rows struct {
	mu  sync.Mutex
	all []Row
}

func (m *rows) Load(_ context.Context, meta envelope.KeyMeta) (*envelope.KeyRecord, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range m.all {
		if r.ID == meta.ID && r.Created == meta.Created {
			return envelope.ParseKeyRecord(meta, []byte(r.Record))
		}
	}
	return nil, envelope.ErrKeyNotFound
}

func (m *rows) LoadLatest(ctx context.Context, id string) (*envelope.KeyRecord, error) {
	m.mu.Lock()
	newest := int64(0)
	for _, r := range m.all {
		if r.ID == id {
			newest = max(newest, r.Created)
		}
	}
	m.mu.Unlock()
	return m.Load(ctx, envelope.KeyMeta{ID: id, Created: newest})
}

func (m *rows) Store(ctx context.Context, rec *envelope.KeyRecord) (bool, error) {
	text, err := json.Marshal(rec)
	if err != nil {
		return false, err
	}
	if _, err := m.Load(ctx, rec.Meta); !errors.Is(err, envelope.ErrKeyNotFound) {
		return false, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.all = append(m.all, Row{ID: rec.Meta.ID, Created: rec.Meta.Created, Record: string(text)})
	return true, nil
}

func (m *rows) Close() error { return nil }

// sorted returns the rows by id and time.
func (m *rows) sorted() []Row {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := slices.Clone(m.all)
	slices.SortFunc(out, func(a, b Row) int {
		return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Created, b.Created))
	})
	return out
}

// staticKMS wraps under the master key of a file. Unlike the service of package
// envelope/builtin it takes any 32 bytes, published test keys too: it protects
// nothing.
type staticKMS struct {
	arena  *securemem.Arena
	cipher *securemem.Cipher
}

var _ envelope.AsherahKMS = (*staticKMS)(nil)

func newStaticKMS(key string) (*staticKMS, error) {
	if len(key) != securemem.SecretSize {
		return nil, errors.New("static_master_key has not 32 bytes")
	}
	a, err := securemem.Open(securemem.Off, securemem.Config{MaxBytes: 16 << 10})
	if err != nil {
		return nil, err
	}
	c, err := a.NewCipher([]byte(key))
	return &staticKMS{a, c}, err
}

var errOnlyAsherah = errors.New("this key management service has Asherah's format only")

func (*staticKMS) EncryptKey(context.Context, envelope.KeyContext, []byte) ([]byte, error) {
	return nil, errOnlyAsherah
}

func (*staticKMS) DecryptKey(context.Context, envelope.KeyContext, []byte) ([]byte, error) {
	return nil, errOnlyAsherah
}

func (k *staticKMS) EncryptAsherahKey(_ context.Context, key []byte) ([]byte, error) {
	return k.cipher.SealNonceLast(nil, key)
}

func (k *staticKMS) DecryptAsherahKey(_ context.Context, wrapped []byte) ([]byte, error) {
	key, err := k.cipher.OpenNonceLast(slices.Clone(wrapped))
	if err != nil {
		return nil, envelope.ErrTampered
	}
	return key, nil
}

func (k *staticKMS) Close() error {
	k.cipher.Destroy()
	k.arena.Close()
	return nil
}

// The key management services of sets.
const (
	static  = "static"
	fakeAWS = "aws-fake"
)

func (s *Set) service() (envelope.AsherahKMS, error) {
	switch s.KMS {
	case static:
		return newStaticKMS(s.StaticMasterKey)
	case fakeAWS:
		return newFakeAWS(s.RegionKeys, s.down)
	}
	return nil, fmt.Errorf("the set needs the key management service %q; sets with %s and %s are known", s.KMS, static, fakeAWS)
}

// open makes the sealer of a set on a store. now is its clock, nil the real one.
func (s *Set) open(ctx context.Context, m envelope.Metastore, now func() time.Time) (*envelope.Sealer, *envelope.Asherah, error) {
	kms, err := s.service()
	if err != nil {
		return nil, nil, err
	}
	sealer, err := envelope.New(ctx, envelope.Config{
		Service: s.Service, Product: s.Product, KMS: kms, Metastore: m,
		Memory: securemem.Off, Now: now,
	})
	if err != nil {
		return nil, nil, errors.Join(err, kms.Close())
	}
	a, err := sealer.Asherah(envelope.AsherahOptions{RegionSuffix: s.RegionSuffix})
	if err != nil {
		return nil, nil, errors.Join(err, sealer.Close())
	}
	return sealer, a, nil
}
