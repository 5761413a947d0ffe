package session_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/envelope/builtin"
	"github.com/sealsql/sealsql/session"
)

var ctx = context.Background()

func testKMS(t testing.TB) envelope.KeyManagementService {
	t.Helper()
	k, err := builtin.NewInsecureStatic([]byte("0123456789abcdef0123456789ABCDEF"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { k.Close() })
	return k
}

// world is a store, a service and a clock that factories share.
type world struct {
	t     testing.TB
	store *countingStore
	kms   envelope.KeyManagementService
	clock time.Time
}

func newWorld(t testing.TB) *world {
	return &world{
		t: t, store: &countingStore{Metastore: builtin.NewMemory()}, kms: testKMS(t),
		clock: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC),
	}
}

// countingStore counts reads.
type countingStore struct {
	envelope.Metastore
	mu     sync.Mutex
	reads  int
	closed int
}

func (s *countingStore) count() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
}

func (s *countingStore) Load(ctx context.Context, m envelope.KeyMeta) (*envelope.KeyRecord, error) {
	s.count()
	return s.Metastore.Load(ctx, m)
}

func (s *countingStore) LoadLatest(ctx context.Context, id string) (*envelope.KeyRecord, error) {
	s.count()
	return s.Metastore.LoadLatest(ctx, id)
}

func (s *countingStore) Close() error {
	s.closed++
	return nil
}

// factory makes a factory of this world; change edits its configuration.
func (w *world) factory(change func(*session.Config)) *session.SessionFactory {
	w.t.Helper()
	c := &session.Config{Service: "shop", Product: "orders", Policy: session.NewCryptoPolicy()}
	if change != nil {
		change(c)
	}
	f, err := session.NewSessionFactory(c, w.store, w.kms, session.WithClock(func() time.Time { return w.clock }))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { f.Close() })
	return f
}

func get(t testing.TB, f *session.SessionFactory, id string) *session.Session {
	t.Helper()
	s, err := f.GetSession(id)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func encrypt(t testing.TB, s *session.Session, text string) *session.DataRowRecord {
	t.Helper()
	r, err := s.Encrypt(ctx, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

var bothFormats = map[string]func(*session.Config){
	"asherah": nil,
	"compact": func(c *session.Config) { c.Format = session.Compact },
}

func TestWhatIsEncryptedDecrypts(t *testing.T) {
	for name, change := range bothFormats {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			a, b := get(t, w.factory(change), "customer-1"), get(t, w.factory(change), "customer-1")
			for _, text := range []string{"", "x", strings.Repeat("text ", 1000)} {
				r := encrypt(t, a, text)
				got, err := b.Decrypt(ctx, *r)
				if err != nil || got == nil || string(got) != text {
					t.Fatalf("Decrypt = %d bytes (nil %t), %v", len(got), got == nil, err)
				}
				stored, err := json.Marshal(r)
				if err != nil {
					t.Fatal(err)
				}
				var back session.DataRowRecord
				if err := json.Unmarshal(stored, &back); err != nil {
					t.Fatal(err)
				}
				if got, err := b.Decrypt(ctx, back); err != nil || string(got) != text {
					t.Fatalf("through JSON: %v", err)
				}
				sealed, err := a.Seal(ctx, []byte("head"), []byte(text))
				if err != nil || !bytes.HasPrefix(sealed, []byte("head")) {
					t.Fatal(err)
				}
				if got, err := b.Open(ctx, []byte("head"), sealed[4:]); err != nil || string(got) != "head"+text {
					t.Fatalf("Open: %v", err)
				}
			}
		})
	}
}

func TestOtherPartitionsAndProductsAreRefused(t *testing.T) {
	for name, change := range bothFormats {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			f := w.factory(change)
			r := encrypt(t, get(t, f, "customer-1"), "v")
			if _, err := get(t, f, "customer-2").Decrypt(ctx, *r); !errors.Is(err, envelope.ErrWrongPartition) {
				t.Errorf("other partition: %v", err)
			}
			other := w.factory(func(c *session.Config) {
				if change != nil {
					change(c)
				}
				c.Product = "orders2"
			})
			if _, err := get(t, other, "customer-1").Decrypt(ctx, *r); err == nil {
				t.Error("other product: opens")
			}
		})
	}
}

// Neither format is read where it is not asked for, and neither is tried in
// place of the other.
func TestFormatsAreNotMixed(t *testing.T) {
	w := newWorld(t)
	asherah := get(t, w.factory(nil), "p")
	compact := get(t, w.factory(bothFormats["compact"]), "p")
	ra, rc := encrypt(t, asherah, "a"), encrypt(t, compact, "c")
	if _, err := compact.Decrypt(ctx, *ra); !errors.Is(err, envelope.ErrTampered) {
		t.Errorf("Asherah's record in a compact session: %v", err)
	}
	if _, err := asherah.Decrypt(ctx, *rc); !errors.Is(err, envelope.ErrTampered) {
		t.Errorf("compact record in an Asherah session: %v", err)
	}
	sa, _ := asherah.Seal(ctx, nil, []byte("a"))
	sc, _ := compact.Seal(ctx, nil, []byte("c"))
	if _, err := compact.Open(ctx, nil, sa); !errors.Is(err, envelope.ErrNotSealed) {
		t.Errorf("Asherah's record in a compact session: %v", err)
	}
	if _, err := asherah.Open(ctx, nil, sc); !errors.Is(err, envelope.ErrTampered) {
		t.Errorf("compact record in an Asherah session: %v", err)
	}
	both := get(t, w.factory(func(c *session.Config) {
		c.Format, c.ReadFormats = session.Compact, []session.Format{session.Compact, session.Asherah}
	}), "p")
	for _, r := range []*session.DataRowRecord{ra, rc} {
		if _, err := both.Decrypt(ctx, *r); err != nil {
			t.Errorf("migrating: %v", err)
		}
	}
	for _, b := range [][]byte{sa, sc} {
		if _, err := both.Open(ctx, nil, b); err != nil {
			t.Errorf("migrating: %v", err)
		}
	}
}

func TestStoreAndLoad(t *testing.T) {
	w := newWorld(t)
	s := get(t, w.factory(nil), "customer-1")
	rows := map[int]session.DataRowRecord{}
	storer := session.StorerFunc(func(_ context.Context, r session.DataRowRecord) (any, error) {
		rows[len(rows)] = r
		return len(rows) - 1, nil
	})
	loader := session.LoaderFunc(func(_ context.Context, key any) (*session.DataRowRecord, error) {
		if r, ok := rows[key.(int)]; ok {
			return &r, nil
		}
		return nil, nil
	})
	key, err := s.Store(ctx, []byte("v"), storer)
	if err != nil || key != 0 {
		t.Fatalf("Store = %v, %v", key, err)
	}
	if got, err := s.Load(ctx, key, loader); err != nil || string(got) != "v" {
		t.Fatalf("Load = %q, %v", got, err)
	}
	if _, err := s.Load(ctx, 7, loader); !errors.Is(err, session.ErrNoRecord) {
		t.Fatalf("Load of nothing: %v", err)
	}
	down := errors.New("down")
	if _, err := s.Store(ctx, nil, session.StorerFunc(func(context.Context, session.DataRowRecord) (any, error) { return nil, down })); !errors.Is(err, down) {
		t.Fatalf("Store: %v", err)
	}
	if _, err := s.Load(ctx, 0, session.LoaderFunc(func(context.Context, any) (*session.DataRowRecord, error) { return nil, down })); !errors.Is(err, down) {
		t.Fatalf("Load: %v", err)
	}
}

func TestKeysRotateAndOldRecordsOpen(t *testing.T) {
	w := newWorld(t)
	f := w.factory(nil)
	s := get(t, f, "p")
	old := encrypt(t, s, "old")
	w.clock = w.clock.Add(91 * 24 * time.Hour)
	fresh := encrypt(t, s, "new")
	if fresh.Key.ParentKeyMeta.Created == old.Key.ParentKeyMeta.Created {
		t.Fatal("an expired key encrypts")
	}
	for want, r := range map[string]*session.DataRowRecord{"old": old, "new": fresh} {
		if got, err := s.Decrypt(ctx, *r); err != nil || string(got) != want {
			t.Fatalf("Decrypt = %q, %v", got, err)
		}
	}
}

func TestPartitionsThatCannotBeAreRefusedAtOnce(t *testing.T) {
	w := newWorld(t)
	for name, change := range bothFormats {
		for _, id := range []string{"", "a\xff", strings.Repeat("x", 2000)} {
			if _, err := w.factory(change).GetSession(id); !errors.Is(err, envelope.ErrPartition) {
				t.Errorf("%s, %.5q: %v", name, id, err)
			}
		}
	}
	if w.store.reads != 0 {
		t.Errorf("%d reads", w.store.reads)
	}
}

func TestClosedSessionsAndFactoriesRefuse(t *testing.T) {
	w := newWorld(t)
	for _, cached := range []bool{false, true} {
		f := w.factory(func(c *session.Config) { c.Policy.CacheSessions = cached })
		a, b := get(t, f, "p"), get(t, f, "p")
		r := encrypt(t, a, "v")
		for range 2 {
			if err := a.Close(); err != nil {
				t.Fatal(err)
			}
		}
		refuses(t, a, r)
		if _, err := b.Decrypt(ctx, *r); err != nil {
			t.Fatalf("the other session of the partition: %v", err)
		}
		for range 2 {
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
		}
		refuses(t, b, r)
		if _, err := f.GetSession("p"); !errors.Is(err, session.ErrClosed) {
			t.Fatalf("GetSession: %v", err)
		}
	}
	if w.store.closed != 0 {
		t.Fatal("the store is the caller's, and was closed")
	}
	if r := encrypt(t, get(t, w.factory(nil), "p"), "v"); r == nil {
		t.Fatal("the next factory cannot use the store and the service")
	}
}

func refuses(t *testing.T, s *session.Session, r *session.DataRowRecord) {
	t.Helper()
	_, encrypting := s.Encrypt(ctx, nil)
	_, decrypting := s.Decrypt(ctx, *r)
	_, sealing := s.Seal(ctx, nil, nil)
	_, opening := s.Open(ctx, nil, nil)
	_, storing := s.Store(ctx, nil, session.StorerFunc(func(context.Context, session.DataRowRecord) (any, error) { return nil, nil }))
	_, loading := s.Load(ctx, 0, session.LoaderFunc(func(context.Context, any) (*session.DataRowRecord, error) { return r, nil }))
	for i, err := range []error{encrypting, decrypting, sealing, opening, storing, loading} {
		if !errors.Is(err, session.ErrClosed) || !errors.Is(err, envelope.ErrClosed) {
			t.Errorf("call %d: %v", i, err)
		}
	}
}

// A warm factory reads nothing for a new session of a partition that it knows.
func TestSessionsShareKeys(t *testing.T) {
	for name, change := range bothFormats {
		w := newWorld(t)
		f := w.factory(change)
		r := encrypt(t, get(t, f, "p"), "v")
		before := w.store.reads
		for range 10 {
			s := get(t, f, "p")
			encrypt(t, s, "v")
			if _, err := s.Decrypt(ctx, *r); err != nil {
				t.Fatal(err)
			}
			s.Close()
		}
		if n := w.store.reads - before; n != 0 {
			t.Errorf("%s: %d reads for 10 sessions", name, n)
		}
	}
}

func TestWithoutSharingKeysLeaveWithTheSession(t *testing.T) {
	for name, change := range bothFormats {
		w := newWorld(t)
		f := w.factory(func(c *session.Config) {
			if change != nil {
				change(c)
			}
			c.Policy.SharedIntermediateKeyCache = false
		})
		s := get(t, f, "p")
		encrypt(t, s, "v")
		before := w.store.reads
		encrypt(t, s, "v")
		if w.store.reads != before {
			t.Errorf("%s: an open session reads again", name)
		}
		s.Close()
		encrypt(t, get(t, f, "p"), "v")
		if w.store.reads == before {
			t.Errorf("%s: the key stayed", name)
		}
	}
}

func TestWithoutCachesEveryCallReads(t *testing.T) {
	for name, change := range bothFormats {
		w := newWorld(t)
		f := w.factory(func(c *session.Config) {
			if change != nil {
				change(c)
			}
			session.WithNoCache()(c.Policy)
		})
		s := get(t, f, "p")
		r := encrypt(t, s, "v")
		for range 3 {
			before := w.store.reads
			encrypt(t, s, "v")
			if w.store.reads == before {
				t.Errorf("%s: Encrypt read nothing", name)
			}
			before = w.store.reads
			if _, err := s.Decrypt(ctx, *r); err != nil || w.store.reads == before {
				t.Errorf("%s: Decrypt read nothing, %v", name, err)
			}
		}
	}
}

// The session cache counts references: an entry that leaves serves its open
// sessions to the end.
func TestEvictedSessionsGoOn(t *testing.T) {
	w := newWorld(t)
	f := w.factory(func(c *session.Config) {
		c.Policy = session.NewCryptoPolicy(session.WithSessionCache(), session.WithSessionCacheMaxSize(2))
	})
	first := get(t, f, "first")
	r := encrypt(t, first, "v")
	for i := range 20 {
		s := get(t, f, "p"+string(rune('a'+i)))
		encrypt(t, s, "v")
		s.Close()
	}
	if got, err := first.Decrypt(ctx, *r); err != nil || string(got) != "v" {
		t.Fatalf("Decrypt = %q, %v", got, err)
	}
}

// A session that is in use stays beyond the duration, which counts from the last
// use and not from the first.
func TestSessionCacheDurationIsIdleTime(t *testing.T) {
	w := newWorld(t)
	f := w.factory(func(c *session.Config) {
		c.Policy = session.NewCryptoPolicy(session.WithSessionCache())
		c.Policy.SharedIntermediateKeyCache = false // a session that leaves takes its keys along
		c.Policy.RevokeCheckInterval = 1000 * time.Hour
	})
	s := get(t, f, "p")
	encrypt(t, s, "v")
	s.Close()
	before := w.store.reads
	for range 10 {
		w.clock = w.clock.Add(time.Hour)
		s := get(t, f, "p")
		encrypt(t, s, "v")
		s.Close()
	}
	if w.store.reads != before {
		t.Error("a session in use was made anew")
	}
	w.clock = w.clock.Add(2*time.Hour + time.Second)
	s = get(t, f, "p")
	encrypt(t, s, "v")
	s.Close()
	if w.store.reads == before {
		t.Error("an idle session stayed")
	}
	// Idle sessions leave also when nobody asks for them.
	before = w.store.reads
	w.clock = w.clock.Add(3 * time.Hour)
	get(t, f, "other").Close()
	w.clock = w.clock.Add(-3 * time.Hour)
	s = get(t, f, "p")
	encrypt(t, s, "v")
	if w.store.reads == before {
		t.Error("an idle session stayed until it was asked for")
	}
}

func TestSessionsThatAreForgottenHoldNothing(t *testing.T) {
	w := newWorld(t)
	f := w.factory(func(c *session.Config) {
		c.Policy = session.NewCryptoPolicy(session.WithSessionCache(), session.WithSessionCacheMaxSize(10))
		c.Policy.IntermediateKeyCacheMaxSize = 10
	})
	encrypt(t, get(t, f, "warm"), "v")
	before := runtime.NumGoroutine()
	for i := range 500 {
		encrypt(t, get(t, f, "p"+string(rune(i+0x100))), "v") // never closed
	}
	if n := settled(before + 8); n > before+8 { // of 500: the caches have some of their own
		t.Fatalf("%d goroutines, %d before", n, before)
	}
}

func TestManyGoroutinesOpenAndCloseSessions(t *testing.T) {
	for _, shared := range []bool{true, false} {
		w := newWorld(t)
		f := w.factory(func(c *session.Config) {
			c.Policy = session.NewCryptoPolicy(session.WithSessionCache(), session.WithSessionCacheMaxSize(3))
			c.Policy.SharedIntermediateKeyCache = shared
		})
		r := encrypt(t, get(t, f, "p0"), "v")
		var wg sync.WaitGroup
		for g := range 4 {
			wg.Go(func() {
				for i := range 100 {
					s, err := f.GetSession("p" + string(rune('0'+(g+i)%6)))
					if err != nil {
						t.Error(err)
						return
					}
					if _, err := s.Encrypt(ctx, []byte("v")); err != nil {
						t.Error(err)
					}
					if _, err := s.Decrypt(ctx, *r); err != nil && !errors.Is(err, envelope.ErrWrongPartition) {
						t.Error(err)
					}
					s.Close()
				}
			})
		}
		wg.Wait()
	}
}

func TestConfigurationsThatMakeNoSenseAreRefused(t *testing.T) {
	kms, store := testKMS(t), builtin.NewMemory()
	cases := map[string]func(*session.Config){
		"no service":           func(c *session.Config) { c.Service = "" },
		"no product":           func(c *session.Config) { c.Product = "" },
		"policy of zero":       func(c *session.Config) { c.Policy = &session.CryptoPolicy{} },
		"negative expiry":      func(c *session.Config) { c.Policy.ExpireKeyAfter = -1 },
		"no check":             func(c *session.Config) { c.Policy.RevokeCheckInterval = 0 },
		"no precision":         func(c *session.Config) { c.Policy.CreateDatePrecision = 0 },
		"no intermediate keys": func(c *session.Config) { c.Policy.IntermediateKeyCacheMaxSize = 0 },
		"no system keys":       func(c *session.Config) { c.Policy.SystemKeyCacheMaxSize = -1 },
		"no sessions":          func(c *session.Config) { c.Policy.CacheSessions, c.Policy.SessionCacheMaxSize = true, 0 },
		"no duration":          func(c *session.Config) { c.Policy.CacheSessions, c.Policy.SessionCacheDuration = true, 0 },
		"no such format":       func(c *session.Config) { c.Format = 7 },
		"no such read format":  func(c *session.Config) { c.ReadFormats = []session.Format{session.Asherah, 7} },
		"no such eviction":     func(c *session.Config) { c.Policy.IntermediateKeyCacheEvictionPolicy = "random" },
		"zero byte":            func(c *session.Config) { c.RegionSuffix = "a\x00" },
	}
	for name, change := range cases {
		c := &session.Config{Service: "shop", Product: "orders", Policy: session.NewCryptoPolicy()}
		change(c)
		if f, err := session.NewSessionFactory(c, store, kms); err == nil {
			f.Close()
			t.Errorf("%s is accepted", name)
		}
	}
	if _, err := session.NewSessionFactory(nil, store, kms); err == nil {
		t.Error("no configuration is accepted")
	}
	if _, err := session.NewSessionFactory(&session.Config{Service: "s", Product: "p"}, nil, nil); err == nil {
		t.Error("no store and no service are accepted")
	}
	if f, err := session.NewSessionFactory(&session.Config{Service: "s", Product: "p"}, store, kms); err != nil {
		t.Errorf("no policy: %v", err)
	} else {
		f.Close()
	}
}

// regional is a metastore with a region suffix, as Asherah's for DynamoDB.
type regional struct{ envelope.Metastore }

func (regional) GetRegionSuffix() string { return "eu-west-1" }

func TestRegionSuffixComesFromTheStore(t *testing.T) {
	f, err := session.NewSessionFactory(&session.Config{Service: "shop", Product: "orders"}, regional{builtin.NewMemory()}, testKMS(t))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if id := encrypt(t, get(t, f, "p"), "v").Key.ParentKeyMeta.ID; id != "_IK_p_shop_orders_eu-west-1" {
		t.Fatalf("key %s", id)
	}
}

func TestDefaultPolicyIsAsherahs(t *testing.T) {
	p := session.NewCryptoPolicy()
	want := session.CryptoPolicy{
		ExpireKeyAfter: 90 * 24 * time.Hour, RevokeCheckInterval: time.Hour, CreateDatePrecision: time.Minute,
		CacheIntermediateKeys: true, IntermediateKeyCacheMaxSize: 1000, SharedIntermediateKeyCache: true,
		CacheSystemKeys: true, SystemKeyCacheMaxSize: 1000,
		SessionCacheMaxSize: 1000, SessionCacheDuration: 2 * time.Hour,
	}
	if *p != want {
		t.Fatalf("%+v", *p)
	}
}

func TestPolicyOptionsSetTheirFields(t *testing.T) {
	p := session.NewCryptoPolicy(
		session.WithExpireAfterDuration(1), session.WithRevokeCheckInterval(2), session.WithNoCache(),
		session.WithSharedIntermediateKeyCache(3), session.WithSessionCache(), session.WithSessionCacheMaxSize(4),
		session.WithSessionCacheDuration(5),
	)
	got := []any{p.ExpireKeyAfter, p.RevokeCheckInterval, p.CacheSystemKeys, p.CacheIntermediateKeys, p.IntermediateKeyCacheMaxSize, p.CacheSessions, p.SessionCacheMaxSize, p.SessionCacheDuration}
	want := []any{time.Duration(1), time.Duration(2), false, false, 3, true, 4, time.Duration(5)}
	if !slices.Equal(got, want) {
		t.Fatalf("%v", got)
	}
}
