package envelope_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/envelope/builtin"
	"github.com/sealsql/sealsql/internal/synclog"
)

// shop is a process under load on a clock that a test moves: several goroutines
// seal and open values of several partitions all the time.
type shop struct {
	t     *testing.T
	now   atomic.Int64 // Unix nanoseconds
	kms   *moodyKMS
	store *moodyStore
	logs  synclog.Buffer
	s     *envelope.Sealer
	c     *envelope.Column
	first map[string][]byte // a value of each partition, from the beginning
}

var errDown = errors.New("connection refused")

// moodyKMS fails while down is set.
type moodyKMS struct {
	envelope.KeyManagementService
	down  atomic.Bool
	calls atomic.Int64
}

func (k *moodyKMS) EncryptKey(ctx context.Context, kc envelope.KeyContext, key []byte) ([]byte, error) {
	k.calls.Add(1)
	if k.down.Load() {
		return nil, errDown
	}
	return k.KeyManagementService.EncryptKey(ctx, kc, key)
}

func (k *moodyKMS) DecryptKey(ctx context.Context, kc envelope.KeyContext, w []byte) ([]byte, error) {
	k.calls.Add(1)
	if k.down.Load() {
		return nil, errDown
	}
	return k.KeyManagementService.DecryptKey(ctx, kc, w)
}

// moodyStore fails while down is set.
type moodyStore struct {
	*builtin.Memory
	down atomic.Bool
}

func (m *moodyStore) Load(ctx context.Context, meta envelope.KeyMeta) (*envelope.KeyRecord, error) {
	if m.down.Load() {
		return nil, errDown
	}
	return m.Memory.Load(ctx, meta)
}

func (m *moodyStore) LoadLatest(ctx context.Context, id string) (*envelope.KeyRecord, error) {
	if m.down.Load() {
		return nil, errDown
	}
	return m.Memory.LoadLatest(ctx, id)
}

func (m *moodyStore) Store(ctx context.Context, r *envelope.KeyRecord) (bool, error) {
	if m.down.Load() {
		return false, errDown
	}
	return m.Memory.Store(ctx, r)
}

const shopPartitions = 20

func newShop(t *testing.T, change func(*envelope.Config)) *shop {
	x := &shop{t: t, kms: &moodyKMS{KeyManagementService: testKMS(t)}, store: &moodyStore{Memory: builtin.NewMemory()}, first: map[string][]byte{}}
	x.now.Store(time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC).UnixNano())
	x.s = newSealer(t, func(c *envelope.Config) {
		c.KMS, c.Metastore = x.kms, x.store
		c.Now = func() time.Time { return time.Unix(0, x.now.Load()) }
		c.Logger = slog.New(slog.NewTextHandler(&x.logs, nil))
		c.Policy.DataKey.MaxUses = 1 // each value asks for the intermediate key
		if change != nil {
			change(c)
		}
	})
	x.c = column(t, x.s, "users.ssn", true)
	for i := range shopPartitions {
		id := fmt.Sprint("tenant-", i)
		x.first[id] = seal(t, x.s, x.c, partition(t, id), "first")
	}
	return x
}

// minute moves the clock on by one and has four goroutines seal a value of each
// partition and open its first one. It returns the errors by what they match.
func (x *shop) minute() (sealing, opening []error) {
	x.t.Helper()
	x.now.Add(int64(time.Minute))
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for id, rec := range x.first {
				p := partition(x.t, id)
				_, err := x.s.Seal(context.Background(), nil, x.c, p, 1, []byte("v"))
				text, openErr := open(x.s, x.c, p, rec)
				if openErr == nil && text != "first" {
					openErr = fmt.Errorf("opened %q", text)
				}
				mu.Lock()
				if err != nil {
					sealing = append(sealing, err)
				}
				if openErr != nil {
					opening = append(opening, openErr)
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return sealing, opening
}

// minutes is several of them, in each of which everything must work.
func (x *shop) minutes(n int) {
	x.t.Helper()
	for i := range n {
		if sealing, opening := x.minute(); len(sealing)+len(opening) > 0 {
			x.t.Fatalf("minute %d: %d values were not sealed, %d not opened: %v %v", i, len(sealing), len(opening), sealing[:min(1, len(sealing))], opening[:min(1, len(opening))])
		}
	}
}

// A process that has its system key asks the key service for nothing: an hour
// without it, in which states are checked and new partitions come, is not
// noticed by any value.
func TestKeyServiceDownForAnHourStopsNoWarmProcess(t *testing.T) {
	x := newShop(t, nil)
	x.minutes(30)
	calls := x.kms.calls.Load()
	x.kms.down.Store(true)
	for i := range 6 {
		x.minutes(10)
		seal(t, x.s, x.c, partition(t, fmt.Sprint("new-", i)), "of a new partition")
	}
	if n := x.kms.calls.Load() - calls; n != 0 {
		t.Errorf("the key service was asked %d times", n)
	}
	// What does need it says so, and goes on as soon as it is back.
	keys, err := x.s.Keys()
	if err != nil {
		t.Fatal(err)
	}
	var ke *envelope.KeyError
	if _, err := keys.RotateSystem(context.Background()); !errors.Is(err, errDown) || !errors.As(err, &ke) || !strings.HasPrefix(ke.Provider, "kms") || ke.Hint == "" {
		t.Errorf("rotating without the key service: %v", err)
	}
	x.kms.down.Store(false)
	if _, err := keys.RotateSystem(context.Background()); err != nil {
		t.Errorf("after the outage: %v", err)
	}
	x.minutes(70)
}

// The system key expires while the key service is down: sealing ends with an
// error that names the service, opening goes on, and all is well without a
// restart when it is back.
func TestSystemKeyThatExpiresWithoutTheKeyServiceStopsSealingAlone(t *testing.T) {
	x := newShop(t, func(c *envelope.Config) { c.Policy.ExpireAfter = 30 * time.Minute })
	x.minutes(20)
	x.kms.down.Store(true)
	x.minutes(9) // still of age
	x.minute()
	sealing, opening := x.minute()
	var ke *envelope.KeyError
	if len(opening) > 0 || len(sealing) != 4*shopPartitions || !errors.As(sealing[0], &ke) || !strings.HasPrefix(ke.Provider, "kms") || !errors.Is(sealing[0], errDown) {
		t.Fatalf("%d values were not sealed, %d not opened: %v", len(sealing), len(opening), sealing[:1])
	}
	x.kms.down.Store(false)
	x.minutes(20)
}

// T28: without the metastore keys seal until max_stale and open for ever; a log
// line says so; the process recovers by itself.
func TestMetastoreDownEndsSealingAtMaxStaleAndNothingElse(t *testing.T) {
	x := newShop(t, func(c *envelope.Config) { c.Policy.RevokeCheck, c.Policy.MaxStale = 10*time.Minute, 25*time.Minute })
	x.minutes(30)
	x.store.down.Store(true)
	from := x.now.Load()
	stopped := time.Duration(0)
	for range 60 {
		sealing, opening := x.minute()
		if len(opening) > 0 {
			t.Fatalf("opening: %v", opening[0])
		}
		since := time.Duration(x.now.Load() - from)
		for _, err := range sealing {
			if !errors.Is(err, envelope.ErrStale) || !errors.Is(err, errDown) {
				t.Fatalf("after %v: %v", since, err)
			}
		}
		if len(sealing) == 4*shopPartitions && stopped == 0 {
			stopped = since
		}
		if len(sealing) == 0 && stopped > 0 {
			t.Fatalf("a value was sealed after %v", since)
		}
	}
	// The last check was between now and an interval ago when the store failed.
	if stopped < 14*time.Minute || stopped > 26*time.Minute {
		t.Errorf("sealing ended after %v", stopped)
	}
	if !strings.Contains(x.logs.String(), "the state of a key could not be checked") || !strings.Contains(x.logs.String(), errDown.Error()) {
		t.Errorf("the log does not say so: %s", x.logs.String())
	}
	x.store.down.Store(false)
	x.minutes(30)
}

// hangingStore answers nothing while it hangs.
type hangingStore struct {
	*builtin.Memory
	hang atomic.Pointer[chan struct{}]
}

func (m *hangingStore) LoadLatest(ctx context.Context, id string) (*envelope.KeyRecord, error) {
	if c := m.hang.Load(); c != nil {
		select {
		case <-*c:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return m.Memory.LoadLatest(ctx, id)
}

// A store that does not answer at all holds a key that is due to be checked up
// for a moment, not until its own timeout; the answer counts when it comes.
func TestStoreThatHangsHoldsASealerUpForAMoment(t *testing.T) {
	store := &hangingStore{Memory: builtin.NewMemory()}
	clk := newClock()
	s := newSealer(t, func(c *envelope.Config) {
		c.Metastore, c.Now, c.Policy.DataKey.MaxUses = store, clk.now, 1
	})
	c, p := column(t, s, "t.c", false), partition(t, "p")
	old := seal(t, s, c, p, "v")
	keys, err := s.Keys()
	if err != nil {
		t.Fatal(err)
	}
	clk.pass(70 * time.Minute)
	if err := keys.Revoke(context.Background(), envelope.KeyMeta{ID: intermediateID, Created: created(old)}); err != nil {
		t.Fatal(err)
	}
	wait := make(chan struct{})
	store.hang.Store(&wait)
	begin := time.Now()
	if got := created(seal(t, s, c, p, "v")); got != created(old) {
		t.Errorf("sealed under %d", got)
	}
	if d := time.Since(begin); d > 30*time.Second {
		t.Errorf("it took %v", d)
	}
	close(wait)
	store.hang.Store(nil)
	for end := time.Now().Add(30 * time.Second); created(seal(t, s, c, p, "v")) == created(old); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the revoked key goes on sealing")
		}
	}
}
