package regional_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/envelope/builtin"
	"github.com/sealsql/sealsql/internal/failover"
	"github.com/sealsql/sealsql/internal/regional"
	"github.com/sealsql/sealsql/internal/synclog"
)

// rows is a metastore whose rows can be replaced, or not.
type rows struct {
	*builtin.Memory
	mu     sync.Mutex
	fixed  map[envelope.KeyMeta][]byte
	denied error
}

func (m *rows) edit(r *envelope.KeyRecord, err error) (*envelope.KeyRecord, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err == nil && m.fixed[r.Meta] != nil {
		r.Key = bytes.Clone(m.fixed[r.Meta])
	}
	return r, err
}

func (m *rows) Load(ctx context.Context, meta envelope.KeyMeta) (*envelope.KeyRecord, error) {
	return m.edit(m.Memory.Load(ctx, meta))
}

func (m *rows) LoadLatest(ctx context.Context, id string) (*envelope.KeyRecord, error) {
	return m.edit(m.Memory.LoadLatest(ctx, id))
}

func (m *rows) LoadLatestBefore(ctx context.Context, id string, before int64) (*envelope.KeyRecord, error) {
	return m.edit(m.Memory.LoadLatestBefore(ctx, id, before))
}

func (m *rows) Replace(ctx context.Context, old, rec *envelope.KeyRecord) (bool, error) {
	now, err := m.Load(ctx, old.Meta)
	if err != nil || !bytes.Equal(now.Key, old.Key) {
		return false, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.denied == nil {
		m.fixed[rec.Meta] = bytes.Clone(rec.Key)
	}
	return m.denied == nil, m.denied
}

func newSealer(t *testing.T, m envelope.Metastore, s *regional.Service, log *synclog.Buffer) *envelope.Sealer {
	t.Helper()
	e, err := envelope.New(t.Context(), envelope.Config{
		Service: "shop", Product: "orders", KMS: s, Metastore: m, KeepOpen: true, Logger: slog.New(slog.NewTextHandler(log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

const systemID = "ss1/sk/shop/orders"

func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !f(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal(what)
		}
	}
}

// A system key is made while a region is down; the next process that loads the
// row adds the region, and a third opens by that region alone.
func TestARowIsRepairedByTheNextProcessThatLoadsIt(t *testing.T) {
	a, b := newRegion("a"), newRegion("b")
	m := &rows{Memory: builtin.NewMemory(), fixed: map[envelope.KeyMeta][]byte{}}
	var log synclog.Buffer
	b.set(envelope.FaultUnreachable)
	if err := newSealer(t, m, open(t, regional.Config{}, a, b), &log).Warm(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.set(0)
	s := open(t, regional.Config{}, a, b)
	if err := newSealer(t, m, s, &log).Warm(t.Context()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "not repaired", func() bool {
		rec, err := m.LoadLatest(t.Context(), systemID)
		return err == nil && len(s.Incomplete(rec.Key)) == 0
	})
	a.set(envelope.FaultUnreachable)
	if err := newSealer(t, m, open(t, regional.Config{}, a, b), &log).Warm(t.Context()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "not logged", func() bool { return log.Has("further regions", systemID, "[b]") })
}

func TestARowThatMayNotBeChangedIsReported(t *testing.T) {
	a, b := newRegion("a"), newRegion("b")
	var log synclog.Buffer
	for name, m := range map[string]envelope.Metastore{
		"permission denied":  &rows{Memory: builtin.NewMemory(), fixed: map[envelope.KeyMeta][]byte{}, denied: errors.New("permission denied")},
		"cannot change rows": struct{ envelope.Metastore }{builtin.NewMemory()},
	} {
		b.set(envelope.FaultDisabled)
		if err := newSealer(t, m, open(t, regional.Config{}, a, b), &log).Warm(t.Context()); err != nil {
			t.Fatal(err)
		}
		b.set(0)
		if err := newSealer(t, m, open(t, regional.Config{}, a, b), &log).Warm(t.Context()); err != nil {
			t.Fatal(err)
		}
		eventually(t, "not logged: "+name, func() bool { return log.Has(systemID, "missing=[b]", name) })
	}
}

func TestRepairGoesOverEveryRowOfBothFormats(t *testing.T) {
	a, b := newRegion("a"), newRegion("b")
	m := &rows{Memory: builtin.NewMemory(), fixed: map[envelope.KeyMeta][]byte{}}
	s := open(t, regional.Config{Failover: failover.Config{Threshold: 1000}}, a, b)
	b.set(envelope.FaultThrottled)
	for created := int64(1795310040); created < 1795310043; created++ {
		kc := envelope.KeyContext{Service: "shop", Product: "orders", KeyID: systemID, Created: created, Purpose: envelope.PurposeSystemKey}
		key, err := s.EncryptKey(t.Context(), kc, systemKey)
		if err != nil {
			t.Fatal(err)
		}
		old, err := s.EncryptAsherahKey(t.Context(), systemKey)
		if err != nil {
			t.Fatal(err)
		}
		for id, key := range map[string][]byte{systemID: key, "_SK_shop_orders_a": old} {
			if ok, err := m.Store(t.Context(), &envelope.KeyRecord{Meta: envelope.KeyMeta{ID: id, Created: created}, Key: key}); !ok || err != nil {
				t.Fatal(err)
			}
		}
	}
	// A retired key's state authenticates the wrapped bytes: it is left alone.
	retired := &envelope.KeyRecord{Meta: envelope.KeyMeta{ID: systemID, Created: 1795310050}, Key: wrap(t, s), Revoked: true}
	retired.State = append([]byte{byte(envelope.StatusRetired)}, make([]byte, 32)...)
	if ok, err := m.Store(t.Context(), retired); !ok || err != nil {
		t.Fatal(err)
	}
	c := envelope.Config{Service: "shop", Product: "orders", KMS: s, Metastore: m}
	done, err := envelope.Repair(t.Context(), c, []string{"a"})
	if err != nil || len(done) != 6 || done[0].Err == nil || len(done[0].Missing) != 1 {
		t.Fatalf("%+v, %v", done, err)
	}
	b.set(0)
	for _, want := range []int{6, 0} {
		done, err = envelope.Repair(t.Context(), c, []string{"a"})
		if err != nil || len(done) != want {
			t.Fatalf("%+v, %v", done, err)
		}
		for _, d := range done {
			if d.Err != nil || len(d.Added) != 1 || d.Added[0] != "b" {
				t.Errorf("%+v", d)
			}
		}
	}
}

func TestWhatAFaultNeedsIsInTheKeysError(t *testing.T) {
	a := newRegion("a")
	a.set(envelope.FaultDenied)
	var log synclog.Buffer
	err := newSealer(t, builtin.NewMemory(), open(t, regional.Config{}, a), &log).Warm(t.Context())
	var e *envelope.KeyError
	if !errors.As(err, &e) || e.KeyID != systemID || e.Provider != "kms fake" || !strings.Contains(e.Hint, "permissions") || !strings.Contains(err.Error(), "arn:a:key/1") {
		t.Fatalf("%v", err)
	}
}
