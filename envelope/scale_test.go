package envelope_test

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/binary"
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
	"github.com/sealsql/sealsql/internal/testenv"
)

// endless is a metastore that has a row for every intermediate key anybody asks
// for and keeps none of them: each is computed. Only the system key is stored.
type endless struct {
	envelope.Metastore
	t       testing.TB
	created int64
	loads   atomic.Int64

	once   sync.Once
	parent envelope.KeyMeta
	wrap   cipher.AEAD
	state  []byte
}

const scaleMaster = "0123456789abcdef0123456789ABCDEF"

func newEndless(t testing.TB) *endless {
	return &endless{Metastore: builtin.NewMemory(), t: t, created: time.Now().Unix() - 60}
}

func (m *endless) LoadLatest(ctx context.Context, id string) (*envelope.KeyRecord, error) {
	if !strings.HasPrefix(id, "ss1/ik/") {
		return m.Metastore.LoadLatest(ctx, id)
	}
	return m.row(ctx, id)
}

func (m *endless) Load(ctx context.Context, meta envelope.KeyMeta) (*envelope.KeyRecord, error) {
	if !strings.HasPrefix(meta.ID, "ss1/ik/") {
		return m.Metastore.Load(ctx, meta)
	}
	return m.row(ctx, meta.ID)
}

// row makes the row of an intermediate key, as the package documentation has it.
func (m *endless) row(ctx context.Context, id string) (*envelope.KeyRecord, error) {
	m.loads.Add(1)
	m.once.Do(func() { m.derive(ctx) })
	key := sha256.Sum256([]byte(id))
	ad := specField(specField(make([]byte, 0, 256), "sealsql/v1/intermediate"), id)
	ad = binary.BigEndian.AppendUint64(ad, uint64(m.created))
	ad = binary.BigEndian.AppendUint64(specField(ad, m.parent.ID), uint64(m.parent.Created))
	fields := specField(specField(make([]byte, 0, 256), "sealsql/v1/state"), id)
	fields = binary.BigEndian.AppendUint64(fields, uint64(m.created))
	fields = binary.BigEndian.AppendUint64(specField(fields, m.parent.ID), uint64(m.parent.Created))
	sum := sha256.Sum256(append(fields, 0))
	return &envelope.KeyRecord{
		Meta: envelope.KeyMeta{ID: id, Created: m.created}, Parent: &m.parent,
		Key:   m.wrap.Seal(nil, nil, key[:], ad),
		State: specExpand(m.t, m.state, "sealsql/v1/state"+string(sum[:]), 32),
	}, nil
}

// derive computes what wraps rows: the sealer has made the system key.
func (m *endless) derive(ctx context.Context) {
	rec, err := m.Metastore.LoadLatest(ctx, "ss1/sk/shop/orders")
	if err != nil {
		m.t.Error(err)
		return
	}
	ad := bytes.Clone(rec.Key[:9])
	for _, s := range []string{"sealsql/v1/kms", "system-key", "shop", "orders", rec.Meta.ID} {
		ad = specField(ad, s)
	}
	ad = binary.BigEndian.AppendUint64(ad, uint64(rec.Meta.Created))
	root := specGCM(m.t, specExpand(m.t, []byte(scaleMaster), "sealsql/v1/local-kms/wrap", 32), rec.Key[9:], ad)
	block, err := aes.NewCipher(specExpand(m.t, root, "sealsql/v1/wrap-intermediate", 32))
	if err == nil {
		m.wrap, err = cipher.NewGCMWithRandomNonce(block)
	}
	if err != nil {
		m.t.Error(err)
	}
	m.parent, m.state = rec.Meta, specExpand(m.t, root, "sealsql/v1/state-key", 32)
}

// A process with very many partitions: as many live as the cache holds, ten
// times as many touched. With SEALSQL_LONG=1 these are 100,000 and 1,000,000.
func TestMemoryIsBoundedHoweverManyPartitions(t *testing.T) {
	live := 1000
	if testenv.Long() {
		live = 100_000
	}
	store := newEndless(t)
	s := newSealer(t, func(c *envelope.Config) {
		c.Metastore, c.Cache.Intermediate, c.Cache.DataKeys = store, live, 64
	})
	if err := s.Warm(context.Background()); err != nil {
		t.Fatal(err)
	}
	c := column(t, s, "users.ssn", true)
	before := heap()

	begin := time.Now()
	touchPartitions(t, s, c, 0, live)
	t.Logf("%d partitions made live in %v, %d bytes a partition", live, time.Since(begin), (heap()-before)/live)
	loads := store.loads.Load()
	touchPartitions(t, s, c, 0, live)
	if again := store.loads.Load() - loads; int(again) > live/20 {
		t.Errorf("%d of %d live partitions were loaded again", again, live)
	}

	stop := make(chan struct{})
	delays := warmDelays(t, s, c, stop)
	begin = time.Now()
	touchPartitions(t, s, c, live, 5*live)
	half := heap()
	touchPartitions(t, s, c, 5*live, 10*live)
	full := heap()
	close(stop)
	t.Logf("%d partitions touched in %v, %d bytes of heap, %d at half", 10*live, time.Since(begin), full-before, half-before)
	if limit := half + half/10 + 1<<20; full > limit {
		t.Errorf("the heap grows: %d bytes, %d at half", full, half)
	}
	if per := (full - before) / live; per > 4096 {
		t.Errorf("%d bytes for every live partition", per)
	}
	if n := runtime.NumGoroutine(); n > 50 {
		t.Errorf("%d goroutines", n)
	}
	d := <-delays
	if len(d) == 0 {
		t.Fatal("no warm value was sealed meanwhile")
	}
	slices.Sort(d)
	t.Logf("%d warm values sealed meanwhile: median %v, 99 of 100 within %v, longest %v", len(d), d[len(d)/2], d[len(d)*99/100], d[len(d)-1])
}

// touchPartitions seals and opens a value in each, on two goroutines.
func touchPartitions(t *testing.T, s *envelope.Sealer, c *envelope.Column, from, to int) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var next atomic.Int64
	next.Store(int64(from))
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for {
				i := next.Add(1) - 1
				if i >= int64(to) {
					return
				}
				p := partition(t, "tenant-"+strconv.FormatInt(i, 10))
				rec, err := s.Seal(ctx, nil, c, p, 1, []byte("value"))
				if err != nil {
					t.Error(err)
					return
				}
				if got, err := open(s, c, p, rec); err != nil || got != "value" {
					t.Errorf("%q, %v", got, err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// warmDelays seals values of one partition until stop and returns how long each
// took.
func warmDelays(t *testing.T, s *envelope.Sealer, c *envelope.Column, stop <-chan struct{}) <-chan []time.Duration {
	out := make(chan []time.Duration, 1)
	p := partition(t, "warm")
	go func() {
		var all []time.Duration
		defer func() { out <- all }()
		for {
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
			}
			begin := time.Now()
			if _, err := s.Seal(context.Background(), nil, c, p, 1, []byte("warm")); err != nil {
				t.Error(err)
				return
			}
			all = append(all, time.Since(begin))
		}
	}()
	return out
}

func heap() int {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}
