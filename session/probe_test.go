package session_test

import (
	"context"
	"encoding/binary"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/envelope/builtin"
	"github.com/sealsql/sealsql/session"
)

// probe is a store that a test looks into and interferes with.
type probe struct {
	envelope.Metastore
	mu          sync.Mutex
	edit        map[envelope.KeyMeta]func(*envelope.KeyRecord)
	fail        error
	failID      string // only loads of this id fail
	failStore   error
	beforeStore func(*envelope.KeyRecord)
	read        map[string]int // by id
	loads       atomic.Int64
	stores      atomic.Int64
	block       chan struct{}
	entered     chan struct{}
}

func newProbe() *probe {
	return &probe{Metastore: builtin.NewMemory(), edit: map[envelope.KeyMeta]func(*envelope.KeyRecord){}, read: map[string]int{}}
}

func (s *probe) set(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

// revoke does what Asherah's script does: it sets the mark in the row.
func (s *probe) revoke(id string, created int64) {
	s.set(func() {
		s.edit[envelope.KeyMeta{ID: id, Created: created}] = func(r *envelope.KeyRecord) { r.Revoked = true }
	})
}

// stop makes every read wait until the channel is closed.
func (s *probe) stop() (release func()) {
	block := make(chan struct{})
	s.set(func() { s.block, s.entered = block, make(chan struct{}, 1000) })
	return sync.OnceFunc(func() { s.set(func() { s.block = nil }); close(block) })
}

func (s *probe) ask(ctx context.Context, id string, read func() (*envelope.KeyRecord, error)) (*envelope.KeyRecord, error) {
	s.loads.Add(1)
	s.mu.Lock()
	s.read[id]++
	block, fail := s.block, s.fail
	if s.failID != "" && s.failID != id {
		fail = nil
	}
	s.mu.Unlock()
	if block != nil {
		s.entered <- struct{}{}
		select {
		case <-block:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if fail != nil {
		return nil, fail
	}
	r, err := read()
	if err == nil {
		s.set(func() {
			if f := s.edit[r.Meta]; f != nil {
				f(r)
			}
		})
	}
	return r, err
}

func (s *probe) Load(ctx context.Context, m envelope.KeyMeta) (*envelope.KeyRecord, error) {
	return s.ask(ctx, m.ID, func() (*envelope.KeyRecord, error) { return s.Metastore.Load(ctx, m) })
}

func (s *probe) LoadLatest(ctx context.Context, id string) (*envelope.KeyRecord, error) {
	return s.ask(ctx, id, func() (*envelope.KeyRecord, error) { return s.Metastore.LoadLatest(ctx, id) })
}

func (s *probe) Store(ctx context.Context, r *envelope.KeyRecord) (bool, error) {
	s.stores.Add(1)
	s.mu.Lock()
	err, before := s.failStore, s.beforeStore
	s.mu.Unlock()
	if err != nil {
		return false, err
	}
	if before != nil {
		before(r)
	}
	return s.Metastore.Store(ctx, r)
}

func (s *probe) calls() int64 { return s.loads.Load() + s.stores.Load() }

// scene is processes of one service on one probe, with one clock.
type scene struct {
	t      testing.TB
	store  *probe
	kms    envelope.KeyManagementService
	format session.Format
	sk, ik string // key ids, the latter of partition p
	mu     sync.Mutex
	clock  time.Time
}

// formats runs f in both formats.
func formats(t *testing.T, f func(t *testing.T, w *scene)) {
	for _, format := range []session.Format{session.Asherah, session.Compact} {
		t.Run(format.String(), func(t *testing.T) { f(t, newScene(t, format)) })
	}
}

func newScene(t testing.TB, format session.Format) *scene {
	w := &scene{
		t: t, store: newProbe(), kms: testKMS(t), format: format,
		sk: "_SK_shop_orders", ik: "_IK_p_shop_orders",
		clock: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC),
	}
	if format == session.Compact {
		w.sk, w.ik = "ss1/sk/shop/orders", "ss1/ik/shop/orders/p"
	}
	return w
}

func (w *scene) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.clock
}

func (w *scene) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.clock = w.clock.Add(d)
}

// factory makes a process. A data key serves one value, so that every call asks
// for the intermediate key.
func (w *scene) factory(change func(*session.Config)) *session.SessionFactory {
	w.t.Helper()
	c := &session.Config{Service: "shop", Product: "orders", Policy: session.NewCryptoPolicy(), Format: w.format}
	c.Policy.DataKey.MaxUses = 1
	if change != nil {
		change(c)
	}
	f, err := session.NewSessionFactory(c, w.store, w.kms, session.WithClock(w.now))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { f.Close() })
	return f
}

func (w *scene) session() *session.Session { return get(w.t, w.factory(nil), "p") }

// made is the creation time of the intermediate key that sealed a record.
func made(r *session.DataRowRecord) int64 {
	if r.Key != nil {
		return r.Key.ParentKeyMeta.Created
	}
	return int64(binary.BigEndian.Uint32(r.Data[6:]))
}

func opens(t testing.TB, s *session.Session, r *session.DataRowRecord, want string) {
	t.Helper()
	if got, err := s.Decrypt(ctx, *r); err != nil || string(got) != want {
		t.Errorf("Decrypt = %q, %v", got, err)
	}
}

// status reads a line of /proc/self/status in KiB; -1 where there is none.
func status(name string) int {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return -1
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, name+":"); ok {
			n, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(rest), " kB"))
			if err == nil {
				return n
			}
		}
	}
	return -1
}

// lockedMappings counts the process's mappings of locked memory, of which the
// heap has none; -1 where that is not known.
func lockedMappings() int {
	b, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		return -1
	}
	n := 0
	for line := range strings.Lines(string(b)) {
		if flags, ok := strings.CutPrefix(line, "VmFlags:"); ok && slices.Contains(strings.Fields(flags), "lo") {
			n++
		}
	}
	return n
}

// settled counts goroutines when their number has come down to want, which takes
// a while on a busy machine.
func settled(want int) int {
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(time.Millisecond) {
		if n := runtime.NumGoroutine(); n <= want || time.Now().After(end) {
			return n
		}
	}
}

// heap is the live heap in bytes.
func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
