package session_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/envelope/builtin"
	"github.com/sealsql/sealsql/internal/synclog"
	"github.com/sealsql/sealsql/keycache"
	"github.com/sealsql/sealsql/session"
)

// fault is one of the known faults of Asherah for Go. A fault without a test
// says why it cannot be here, or what is left of it.
type fault struct {
	n    int
	name string // what holds here
	test func(t *testing.T)
	why  string
}

// The faults, in the order of their list.
var faults = []fault{
	{n: 1, name: "a revoked key stops encrypting within the check interval, and newer keys are adopted", test: revocationTakesEffect},
	{n: 2, name: "a key revoked in its first minute is replaced once", test: revocationWithinTheMinute},
	{
		n: 3, name: "compact records and key rows are bound to their place", test: rowsAndRecordsAreBound,
		why: "Asherah's format has no associated data, and cannot get any: its documentation says what that means",
	},
	{
		n: 4, name: "wraps under one key are counted, compact records commit to their key and name their version", test: wrapsAreBounded,
		why: "Asherah's format has neither commitment nor version",
	},
	{
		n: 5, name: "ids are compared whole and byte by byte", test: idsAreComparedWhole,
		why: "the underscore stays ambiguous between service and product in Asherah's ids: a factory that has one logs a warning; compact ids escape",
	},
	{n: 6, name: "a partition that is not UTF-8 is refused at once", test: invalidPartitionsAreRefused},
	{n: 7, name: "an intermediate row without parent is an error", test: rowsWithoutParentAreErrors},
	{n: 8, name: "errors of the store are reported, and a key that won a race is checked", test: storeErrorsAreReported},
	{n: 9, name: "no new key is made because an old one cannot be had", test: outagesMakeNoKeys},
	{n: 10, name: "loads end with their caller's patience and release what they leased", test: loadsAreCancelledAndReleased},
	{n: 11, name: "an ended context stops a warm call and one that waits", test: endedContextsStopCalls},
	{n: 12, why: "no cloud service is part of this module's core; those of kms/ are tested there"},
	{n: 13, name: "an evicted key serves its users to the end", test: evictedKeysServeTheirUsers},
	{n: 14, name: "a key from the future never encrypts", test: futureKeysDoNotEncrypt},
	{n: 15, name: "twenty thousand partitions need no more locked memory and mappings than a few", test: manyPartitionsFit},
	{n: 16, name: "a warm encryption touches no new page", test: warmEncryptionMapsNothing},
	{n: 17, name: "an encryption costs the same beside twenty thousand live keys", test: liveKeysCostNothing},
	{n: 18, name: "a cached key takes less than two KiB in all", test: cachedKeysAreSmall},
	{
		n: 19, name: "an idle factory has no goroutine", test: idleFactoriesHaveNoGoroutine,
		why: "linking memguard still sets the limit of core dumps to zero, which securemem documents",
	},
	{n: 20, name: "a warm partition does not wait for twenty cold ones", test: warmCallsDoNotWait},
	{n: 21, name: "states are read again in the background, spread over time, and absent keys are remembered", test: refreshIsInTheBackground},
	{n: 22, name: "a new session reads nothing, and a session in use stays cached", test: sessionsShareKeysAndStay},
	{n: 23, name: "partitions and sessions that are gone leave nothing behind", test: nothingIsLeftBehind},
	{n: 24, name: "a slow wipe holds up nobody", test: slowWipesHoldUpNobody},
	{
		n: 25, name: "usual JSON is read and written without reflection; compact records are small", test: recordsAreCheap,
		why: "the size of Asherah's JSON is part of its format",
	},
	{n: 26, name: "calls allocate a handful of times", test: callsAllocateLittle},
	{
		n: 27, name: "creation times are stored in UTC, tables have names and definitions", test: tablesAreFlexible,
		why: "there is no call for several records at once: in the compact format they share a derived key instead",
	},
	{
		n: 28, name: "published master keys are refused, and the making of keys is logged", test: knownKeysAreRefused,
		why: "re-encryption of stored records is left to tools",
	},
}

func TestAsherahsFaultsAreNotHere(t *testing.T) {
	for i, f := range faults {
		if f.n != i+1 || f.test == nil && f.why == "" {
			t.Fatalf("entry %d: number %d, or neither test nor reason", i, f.n)
		}
		if f.test == nil {
			continue
		}
		t.Run(fmt.Sprintf("%02d %s", f.n, f.name), f.test)
	}
	if len(faults) != 28 {
		t.Fatalf("%d entries", len(faults))
	}
}

func revocationTakesEffect(t *testing.T) {
	for _, level := range []string{"intermediate", "system"} {
		t.Run(level, func(t *testing.T) {
			formats(t, func(t *testing.T, w *scene) {
				s := w.session()
				old := encrypt(t, s, "old")
				id := map[string]string{"intermediate": w.ik, "system": w.sk}[level]
				w.store.revoke(id, made(old))
				for range 4 { // as often as it was observed in Asherah
					w.pass(61 * time.Minute)
					if made(encrypt(t, s, "v")) == made(old) {
						t.Fatal("a revoked key encrypts")
					}
				}
				opens(t, s, old, "old")
			})
		})
	}
	t.Run("newer key", func(t *testing.T) {
		formats(t, func(t *testing.T, w *scene) {
			s := w.session()
			old := encrypt(t, s, "old")
			w.pass(3 * time.Hour)
			impatient := get(t, w.factory(func(c *session.Config) { c.Policy.ExpireKeyAfter = time.Hour }), "p")
			newer := encrypt(t, impatient, "newer")
			if made(newer) == made(old) {
				t.Fatal("the other process made no key")
			}
			w.pass(61 * time.Minute)
			if made(encrypt(t, s, "v")) != made(newer) {
				t.Fatal("the other process's newer key is not adopted")
			}
		})
	})
}

func revocationWithinTheMinute(t *testing.T) {
	formats(t, func(t *testing.T, w *scene) {
		w.clock = w.clock.Truncate(time.Minute).Add(10 * time.Second)
		old := encrypt(t, w.session(), "old")
		w.store.revoke(w.ik, made(old))
		w.store.revoke(w.sk, made(old))
		s := w.session()
		fresh := encrypt(t, s, "new")
		if made(fresh) <= made(old) {
			t.Fatal("the revoked key, or one of its time, encrypts")
		}
		before := w.store.calls()
		for range 100 {
			if made(encrypt(t, s, "v")) != made(fresh) {
				t.Fatal("another key is made")
			}
		}
		if n := w.store.calls() - before; n != 0 {
			t.Fatalf("%d calls for 100 warm records", n)
		}
		opens(t, s, old, "old")
	})
	t.Run("expiry shorter than the precision", func(t *testing.T) {
		formats(t, func(t *testing.T, w *scene) {
			s := get(t, w.factory(func(c *session.Config) { c.Policy.ExpireKeyAfter = 10 * time.Second }), "p")
			old := encrypt(t, s, "v")
			w.pass(11 * time.Second)
			if made(encrypt(t, s, "v")) <= made(old) {
				t.Fatal("no rotation")
			}
			before := w.store.calls()
			for range 50 {
				encrypt(t, s, "v")
			}
			if n := w.store.calls() - before; n != 0 {
				t.Fatalf("%d calls for 50 warm records", n)
			}
		})
	})
}

func rowsAndRecordsAreBound(t *testing.T) {
	w := newScene(t, session.Compact)
	f := w.factory(nil)
	p, q := get(t, f, "p"), get(t, f, "q")
	ofP, ofQ := encrypt(t, p, "p"), encrypt(t, q, "q")
	row, err := w.store.Metastore.Load(ctx, envelope.KeyMeta{ID: "ss1/ik/shop/orders/q", Created: made(ofQ)})
	if err != nil {
		t.Fatal(err)
	}
	w.store.set(func() {
		w.store.edit[envelope.KeyMeta{ID: w.ik, Created: made(ofP)}] = func(r *envelope.KeyRecord) { r.Key, r.State = row.Key, row.State }
	})
	if _, err := w.session().Decrypt(ctx, *ofP); !errors.Is(err, envelope.ErrTampered) {
		t.Errorf("q's key in p's row: %v", err)
	}
	for i := range ofQ.Data {
		r := session.DataRowRecord{Data: slices.Clone(ofQ.Data)}
		r.Data[i] ^= 1
		if _, err := q.Decrypt(ctx, r); err == nil {
			t.Errorf("byte %d is not authenticated", i)
		}
	}
	// A database writer cannot bring a revoked key back.
	s := w.session()
	w.store.revoke("ss1/ik/shop/orders/q", made(ofQ))
	if made(encrypt(t, get(t, w.factory(nil), "q"), "v")) == made(ofQ) {
		t.Error("a state that is not authentic counts")
	}
	s.Close()
}

func wrapsAreBounded(t *testing.T) {
	w := newScene(t, session.Asherah)
	sealer, err := envelope.New(ctx, envelope.Config{Service: "shop", Product: "orders", KMS: w.kms, Metastore: w.store, KeepOpen: true, Now: w.now})
	if err != nil {
		t.Fatal(err)
	}
	defer sealer.Close()
	a, err := sealer.Asherah(envelope.AsherahOptions{MaxRecords: 100})
	if err != nil {
		t.Fatal(err)
	}
	p, err := a.Partition("p")
	if err != nil {
		t.Fatal(err)
	}
	count := map[int64]int{}
	for range 250 {
		r, err := p.Encrypt(ctx, nil)
		if err != nil {
			t.Fatal(err)
		}
		count[made(r)]++
	}
	if len(count) != 3 {
		t.Errorf("records by key: %v, want 100, 100, 50", count)
	}
	for _, n := range count {
		if n > 100 {
			t.Errorf("%d records under one key", n)
		}
	}
	r := encrypt(t, newScene(t, session.Compact).session(), "v")
	if !envelope.IsRecord(r.Data) || r.Data[3]>>4 != 1 {
		t.Error("a compact record does not say its version")
	}
}

// loose answers a question for an id with the row of another, as a table with a
// collation that ignores case does.
type loose struct{ *probe }

func (l loose) LoadLatest(ctx context.Context, id string) (*envelope.KeyRecord, error) {
	r, err := l.probe.LoadLatest(ctx, strings.Replace(id, "alice", "Alice", 1))
	return r, err
}

func (l loose) Load(ctx context.Context, m envelope.KeyMeta) (*envelope.KeyRecord, error) {
	m.ID = strings.Replace(m.ID, "alice", "Alice", 1)
	return l.probe.Load(ctx, m)
}

func idsAreComparedWhole(t *testing.T) {
	w := newScene(t, session.Asherah)
	named := func(product, suffix string) *session.Session {
		return get(t, w.factory(func(c *session.Config) { c.Product, c.RegionSuffix = product, suffix }), "p")
	}
	db2 := encrypt(t, named("db2", ""), "v")
	east := encrypt(t, named("db", "east"), "v")
	for name, r := range map[string]*session.DataRowRecord{"product db2": db2, "region east": east} {
		if _, err := named("db", "eas").Decrypt(ctx, *r); !errors.Is(err, envelope.ErrWrongPartition) {
			t.Errorf("a suffixed session of product db opens a record of %s: %v", name, err)
		}
	}
	formats(t, func(t *testing.T, w *scene) {
		encrypt(t, get(t, w.factory(nil), "Alice"), "v")
		f, err := session.NewSessionFactory(&session.Config{Service: "shop", Product: "orders", Format: w.format}, loose{w.store}, w.kms, session.WithClock(w.now))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := get(t, f, "alice").Encrypt(ctx, nil); !errors.Is(err, envelope.ErrTampered) {
			t.Errorf("alice encrypts under the key of Alice: %v", err)
		}
	})
}

func invalidPartitionsAreRefused(t *testing.T) {
	formats(t, func(t *testing.T, w *scene) {
		if _, err := w.factory(nil).GetSession("a\xff"); !errors.Is(err, envelope.ErrPartition) {
			t.Errorf("GetSession: %v", err)
		}
	})
}

func rowsWithoutParentAreErrors(t *testing.T) {
	formats(t, func(t *testing.T, w *scene) {
		r := encrypt(t, w.session(), "v")
		w.store.set(func() {
			w.store.edit[envelope.KeyMeta{ID: w.ik, Created: made(r)}] = func(r *envelope.KeyRecord) { r.Parent = nil }
		})
		s := w.session()
		var ke *envelope.KeyError
		if _, err := s.Decrypt(ctx, *r); !errors.Is(err, envelope.ErrTampered) || !errors.As(err, &ke) || ke.KeyID != w.ik {
			t.Errorf("Decrypt: %v", err)
		}
		if _, err := s.Encrypt(ctx, nil); !errors.Is(err, envelope.ErrTampered) || !errors.As(err, &ke) || ke.KeyID != w.ik {
			t.Errorf("Encrypt: %v", err)
		}
	})
}

func storeErrorsAreReported(t *testing.T) {
	formats(t, func(t *testing.T, w *scene) {
		denied := errors.New("permission denied")
		w.store.failStore = denied
		var ke *envelope.KeyError
		if _, err := w.session().Encrypt(ctx, nil); !errors.Is(err, denied) || !errors.As(err, &ke) || ke.Op != "store" {
			t.Errorf("Encrypt: %v", err)
		}
	})
	t.Run("winner", func(t *testing.T) {
		formats(t, func(t *testing.T, w *scene) {
			// Another process is faster with the same key, and it is revoked.
			var lost *envelope.KeyRecord
			w.store.beforeStore = func(r *envelope.KeyRecord) {
				if r.Meta.ID != w.ik || lost != nil {
					return
				}
				lost = r.Clone()
				lost.Revoked = true
				if _, err := w.store.Metastore.Store(ctx, lost); err != nil {
					t.Error(err)
				}
			}
			if r := encrypt(t, w.session(), "v"); lost == nil || made(r) == lost.Meta.Created {
				t.Error("the revoked key that won the race encrypts")
			}
		})
	})
}

func outagesMakeNoKeys(t *testing.T) {
	formats(t, func(t *testing.T, w *scene) {
		r := encrypt(t, w.session(), "v")
		down := errors.New("connection refused")
		w.store.set(func() { w.store.fail, w.store.failID = down, w.sk })
		stored := w.store.stores.Load()
		if _, err := w.session().Encrypt(ctx, nil); !errors.Is(err, down) {
			t.Errorf("system key not to be had: %v", err)
		}
		w.store.set(func() {
			w.store.fail = nil
			w.store.edit[envelope.KeyMeta{ID: w.ik, Created: made(r)}] = func(r *envelope.KeyRecord) { r.Key[7] ^= 1 }
		})
		if _, err := w.session().Encrypt(ctx, nil); !errors.Is(err, envelope.ErrTampered) {
			t.Errorf("intermediate key damaged: %v", err)
		}
		if n := w.store.stores.Load() - stored; n != 0 {
			t.Errorf("%d keys were made", n)
		}
	})
}

func loadsAreCancelledAndReleased(t *testing.T) {
	formats(t, func(t *testing.T, w *scene) {
		r := encrypt(t, w.session(), "v")
		s := w.session()
		release := w.store.stop()
		defer release()
		short, cancel := context.WithCancel(ctx)
		done := make(chan error)
		go func() { _, err := s.Decrypt(short, *r); done <- err }()
		<-w.store.entered
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Decrypt: %v", err)
		}
		release()
		opens(t, s, r, "v")

		// Without caches each call loads both keys, and lets them go: a slot of
		// locked memory that was not given back would show after this many.
		before := status("VmLck")
		f := w.factory(func(c *session.Config) { session.WithNoCache()(c.Policy) })
		uncached := get(t, f, "p")
		for range 3000 {
			opens(t, uncached, r, "v")
		}
		if grown := status("VmLck") - before; grown > 600 {
			t.Errorf("locked memory grew by %d KiB", grown)
		}
	})
}

func endedContextsStopCalls(t *testing.T) {
	formats(t, func(t *testing.T, w *scene) {
		f := w.factory(nil)
		s := get(t, f, "p")
		r := encrypt(t, s, "warm")
		gaveUp := errors.New("gave up")
		ended, cancel := context.WithCancelCause(ctx)
		cancel(gaveUp)
		if _, err := s.Encrypt(ended, nil); !errors.Is(err, gaveUp) {
			t.Errorf("Encrypt: %v", err)
		}
		if _, err := s.Decrypt(ended, *r); !errors.Is(err, gaveUp) {
			t.Errorf("Decrypt: %v", err)
		}
		release := w.store.stop()
		defer release()
		waiting, cancel := context.WithCancelCause(ctx)
		errs := make(chan error)
		for range 2 { // the one that loads, and one that waits for it
			go func() { _, err := get(t, f, "cold").Encrypt(waiting, nil); errs <- err }()
		}
		<-w.store.entered
		cancel(gaveUp)
		for range 2 {
			if err := <-errs; !errors.Is(err, gaveUp) {
				t.Errorf("Encrypt: %v", err)
			}
		}
	})
}

func evictedKeysServeTheirUsers(t *testing.T) {
	formats(t, func(t *testing.T, w *scene) {
		f := w.factory(func(c *session.Config) { c.Policy.IntermediateKeyCacheMaxSize = 1 })
		var wg sync.WaitGroup
		for g := range 4 {
			wg.Go(func() {
				for i := range 200 {
					s, err := f.GetSession(fmt.Sprint("p", (g+i)%7))
					if err != nil {
						t.Error(err)
						return
					}
					r, err := s.Encrypt(ctx, []byte("v"))
					if err != nil {
						t.Error(err)
						return
					}
					opens(t, s, r, "v")
				}
			})
		}
		wg.Wait()
	})
}

func futureKeysDoNotEncrypt(t *testing.T) {
	formats(t, func(t *testing.T, w *scene) {
		w.pass(30 * 24 * time.Hour)
		ahead := encrypt(t, w.session(), "ahead")
		w.pass(-30 * 24 * time.Hour)
		s := w.session()
		if r := encrypt(t, s, "v"); made(r) >= made(ahead) {
			t.Error("a key from the future encrypts")
		}
		opens(t, s, ahead, "ahead")
	})
}

// many is the number of partitions with which Asherah's secure memory is at or
// near its end.
const many = 20_000

// rememberNothing is a store that takes every row and keeps none but the system
// key's, so that memory can be measured.
type rememberNothing struct{ envelope.Metastore }

func (m rememberNothing) Store(ctx context.Context, r *envelope.KeyRecord) (bool, error) {
	if r.Parent != nil {
		return true, nil
	}
	return m.Metastore.Store(ctx, r)
}

func (w *scene) forgetfulFactory(keys int) *session.SessionFactory {
	w.t.Helper()
	c := &session.Config{Service: "shop", Product: "orders", Policy: session.NewCryptoPolicy(session.WithSharedIntermediateKeyCache(keys)), Format: w.format}
	c.Policy.DataKey.MaxUses = 1
	f, err := session.NewSessionFactory(c, rememberNothing{builtin.NewMemory()}, w.kms)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { f.Close() })
	return f
}

func touch(t testing.TB, f *session.SessionFactory, from, to int) {
	t.Helper()
	for i := from; i < to; i++ {
		s := get(t, f, fmt.Sprint("partition ", i))
		encrypt(t, s, "v")
		s.Close()
	}
}

func manyPartitionsFit(t *testing.T) {
	formats(t, func(t *testing.T, w *scene) {
		f := w.forgetfulFactory(many)
		touch(t, f, 0, 10)
		locked, maps := status("VmLck"), lockedMappings()
		touch(t, f, 10, many)
		if grown := status("VmLck") - locked; grown > 4<<10 {
			t.Errorf("locked memory grew by %d KiB", grown)
		}
		// Asherah maps and locks each key's memory.
		if grown := lockedMappings() - maps; grown > 16 {
			t.Errorf("%d new mappings", grown)
		}
	})
}

func warmEncryptionMapsNothing(t *testing.T) {
	formats(t, func(t *testing.T, w *scene) {
		s := w.session()
		run := func(n int) {
			for range n {
				encrypt(t, s, "some text of a value")
			}
		}
		heap()
		run(20_000) // the heap finds its size
		// A page that is mapped and locked for each call faults at least once, in
		// every round; a heap that grows does in some.
		least := int64(1 << 62)
		for rounds := 0; least > 1000 && rounds < 50; rounds++ {
			before := pageFaults()
			run(2000)
			least = min(least, pageFaults()-before)
		}
		if least > 1000 {
			t.Errorf("%d page faults in 2000 calls", least)
		}
	})
}

func liveKeysCostNothing(t *testing.T) {
	formats(t, func(t *testing.T, w *scene) {
		f := w.forgetfulFactory(2 * many)
		s := get(t, f, "p")
		work := make([]byte, 4<<10)
		took := func(f func()) float64 {
			from := time.Now()
			for range 100 {
				f()
			}
			return float64(time.Since(from))
		}
		// Calls take turns with work that knows no keys: a machine that is busy is
		// it for both.
		measure := func() float64 {
			var ratios []float64
			for range 61 {
				call := took(func() { encrypt(t, s, "v") })
				ratios = append(ratios, call/took(func() { sha256.Sum256(work) }))
			}
			slices.Sort(ratios)
			return ratios[len(ratios)/2]
		}
		measure()
		alone := measure()
		touch(t, f, 0, many)
		beside := measure()
		t.Logf("a call costs %.2f alone, %.2f beside %d keys", alone, beside, many)
		if beside > 3*alone {
			t.Errorf("a call costs %.1f times as much beside %d keys", beside/alone, many)
		}
	})
}

func cachedKeysAreSmall(t *testing.T) {
	formats(t, func(t *testing.T, w *scene) {
		const n = many / 2
		f := w.forgetfulFactory(n)
		touch(t, f, 0, 10)
		locked, before := status("VmLck"), heap()
		touch(t, f, 10, n)
		each := (heap() - before + int64(status("VmLck")-locked)<<10) / n
		t.Logf("%d bytes for a key", each)
		if each > 2<<10 {
			t.Errorf("%d bytes for a key", each)
		}
		runtime.KeepAlive(f)
	})
}

func idleFactoriesHaveNoGoroutine(t *testing.T) {
	formats(t, func(t *testing.T, w *scene) {
		before := runtime.NumGoroutine()
		var all []*session.SessionFactory
		for range 10 {
			f := w.factory(nil)
			encrypt(t, get(t, f, "p"), "v")
			all = append(all, f)
		}
		if n := settled(before); n > before {
			t.Errorf("%d goroutines, %d before", n, before)
		}
		runtime.KeepAlive(all)
	})
}

func warmCallsDoNotWait(t *testing.T) {
	formats(t, func(t *testing.T, w *scene) {
		f := w.factory(nil)
		s := get(t, f, "p")
		r := encrypt(t, s, "v")
		release := w.store.stop()
		defer release()
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() { encrypt(t, get(t, f, fmt.Sprint("cold ", i)), "v") })
		}
		for range 20 {
			<-w.store.entered
		}
		encrypt(t, s, "v") // returns while the twenty hang
		opens(t, s, r, "v")
		release()
		wg.Wait()
	})
}

func refreshIsInTheBackground(t *testing.T) {
	formats(t, func(t *testing.T, w *scene) {
		s := w.session()
		r := encrypt(t, s, "v")
		// Late in the interval the state is read again, while nobody waits.
		release := w.store.stop()
		w.pass(59*time.Minute + 30*time.Second)
		encrypt(t, s, "v")
		<-w.store.entered
		encrypt(t, s, "v")
		release()

		// A key that does not exist is asked for once, however many records name
		// it.
		if r.Key != nil {
			r.Key.ParentKeyMeta.Created -= 60
		} else {
			r.Data[9]--
		}
		before := w.store.loads.Load()
		for range 100 {
			if _, err := s.Decrypt(ctx, *r); !errors.Is(err, envelope.ErrKeyNotFound) {
				t.Fatalf("Decrypt: %v", err)
			}
		}
		if n := w.store.loads.Load() - before; n > 2 { // one may be of the refresh
			t.Errorf("%d loads for 100 records that name an absent key", n)
		}
	})
	t.Run("spread", func(t *testing.T) {
		// Of fifty keys that were loaded together, some are read again after 48
		// minutes, and all after 54.
		for after, want := range map[time.Duration]func(n int) bool{
			48 * time.Minute: func(n int) bool { return n > 0 && n < 50 },
			54 * time.Minute: func(n int) bool { return n == 50 },
		} {
			w := newScene(t, session.Asherah)
			f := w.factory(nil)
			touch(t, f, 0, 50)
			w.store.set(func() { clear(w.store.read) })
			w.pass(after)
			touch(t, f, 0, 50)
			f.Close() // waits for the readings
			n := 0
			for id := range w.store.read {
				if strings.HasPrefix(id, "_IK_") {
					n++
				}
			}
			if !want(n) {
				t.Errorf("after %v %d of 50 keys are read again", after, n)
			}
		}
	})
}

func sessionsShareKeysAndStay(t *testing.T) {
	TestSessionsShareKeys(t)
	TestSessionCacheDurationIsIdleTime(t)
}

func nothingIsLeftBehind(t *testing.T) {
	formats(t, func(t *testing.T, w *scene) {
		f := w.forgetfulFactory(100)
		touch(t, f, 0, 1000)
		before, goroutines := heap(), runtime.NumGoroutine()
		touch(t, f, 1000, 6000)
		// The floor below which a key never encrypts again outlives the caches
		// (threats T26): a map of at most 2^20 numbers, which grows by doubling.
		if each := (heap() - before) / 5000; each > 100 { // Asherah: 179
			t.Errorf("%d bytes stay of each partition that was ever seen", each)
		}
		if n := settled(goroutines + 5); n > goroutines+5 {
			t.Errorf("%d goroutines, %d before", n, goroutines)
		}
		runtime.KeepAlive(f)
	})
	TestSessionsThatAreForgottenHoldNothing(t)
}

// slow is a value that takes its time to be wiped.
type slow struct{ wiping, wiped chan struct{} }

func (s *slow) Destroy() {
	if s.wiping != nil {
		close(s.wiping)
		<-s.wiped
	}
}

func slowWipesHoldUpNobody(t *testing.T) {
	c := keycache.New[int, *slow](keycache.Config[int]{Hash: func(k int) uint64 { return uint64(k) }, Size: 2})
	first := &slow{make(chan struct{}), make(chan struct{})}
	put := func(k int, v *slow) {
		if l, ok := c.Put(k, v); ok {
			l.Release()
		}
	}
	put(1, first)
	go c.Delete(1)
	<-first.wiping
	for k := 2; k < 20; k++ {
		put(k, &slow{})
		if l, ok := c.Get(k); ok {
			l.Release()
		}
	}
	close(first.wiped)
	c.Close(0)
}

func recordsAreCheap(t *testing.T) {
	s := newScene(t, session.Asherah).session()
	payload := make([]byte, 64<<10)
	rec, err := s.Seal(ctx, nil, payload)
	if err != nil {
		t.Fatal(err)
	}
	dst := make([]byte, 0, 70<<10)
	if n := testing.AllocsPerRun(20, func() {
		if _, err := s.Open(ctx, dst, rec); err != nil {
			t.Fatal(err)
		}
	}); n > 5 {
		t.Errorf("opening 64 KiB of JSON allocates %v times", n)
	}
	small, err := newScene(t, session.Compact).session().Seal(ctx, nil, []byte("sixteen bytes..."))
	if err != nil || len(small) > 16+73 {
		t.Errorf("a compact record of 16 bytes has %d, %v", len(small), err)
	}
}

func callsAllocateLittle(t *testing.T) {
	limits := map[session.Format][2]float64{session.Asherah: {8, 6}, session.Compact: {2, 1}}
	for format, limit := range limits {
		w := newScene(t, format)
		s := get(t, w.factory(func(c *session.Config) { c.Policy.DataKey.MaxUses = 0 }), "p")
		payload, dst := make([]byte, 64), make([]byte, 0, 200)
		rec, err := s.Seal(ctx, nil, payload)
		if err != nil {
			t.Fatal(err)
		}
		if n := testing.AllocsPerRun(100, func() { _, _ = s.Seal(ctx, nil, payload) }); n > limit[0] {
			t.Errorf("%s: Seal allocates %v times", format, n)
		}
		if n := testing.AllocsPerRun(100, func() { _, _ = s.Open(ctx, dst, rec) }); n > limit[1] {
			t.Errorf("%s: Open allocates %v times", format, n)
		}
	}
}

func tablesAreFlexible(t *testing.T) {
	for _, d := range []builtin.Dialect{builtin.Postgres, builtin.MySQL, builtin.SQLite} {
		m, err := builtin.OpenSQL(nil, d, builtin.SQLOptions{Table: "keys.wrapped"})
		if err != nil || !strings.Contains(m.DDL(), "wrapped") || !strings.Contains(m.DDL(), "PRIMARY KEY (id, created)") {
			t.Errorf("%s: %v", d, err)
		}
	}
	local := time.Local
	defer func() { time.Local = local }()
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	time.Local = zone
	m := memorySQLite(t)
	// Two instants with one wall clock in New York: the fold of 1 November 2026.
	for _, at := range []int64{1793511000, 1793514600} {
		rec := &envelope.KeyRecord{Meta: envelope.KeyMeta{ID: "k", Created: at}, Key: []byte{1}}
		if ok, err := m.Store(ctx, rec); !ok || err != nil {
			t.Fatalf("%d: Store = %t, %v", at, ok, err)
		}
		if r, err := m.Load(ctx, rec.Meta); err != nil || r.Meta.Created != at {
			t.Fatalf("%d: %v", at, err)
		}
	}
}

func knownKeysAreRefused(t *testing.T) {
	if _, err := builtin.NewInsecureStatic([]byte("thisIsAStaticMasterKeyForTesting")); err == nil {
		t.Error("the published test key is accepted")
	}
	var log synclog.Buffer
	w := newScene(t, session.Asherah)
	f, err := session.NewSessionFactory(&session.Config{Service: "shop", Product: "orders"}, w.store, w.kms,
		session.WithLogger(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := encrypt(t, get(t, f, "p"), "canary of the payload")
	for _, id := range []string{w.sk, w.ik} {
		if !strings.Contains(log.String(), id) {
			t.Errorf("the making of %s is not logged", id)
		}
	}
	if s := log.String(); strings.Contains(s, "canary") || strings.Contains(s, base64.StdEncoding.EncodeToString(r.Data)) {
		t.Error("the log holds the payload or the record")
	}
}
