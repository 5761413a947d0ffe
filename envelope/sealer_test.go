package envelope_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/envelope/builtin"
)

// clock is a settable wall clock, which keys that are renewed in the background
// read too.
type clock struct{ ns atomic.Int64 }

func (c *clock) now() time.Time { return time.Unix(0, c.ns.Load()).UTC() }

func (c *clock) pass(d time.Duration) { c.ns.Add(int64(d)) }

func (c *clock) set(t time.Time) { c.ns.Store(t.UnixNano()) }

func newClock() *clock {
	c := &clock{}
	c.set(time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC))
	return c
}

func testKMS(t testing.TB) envelope.KeyManagementService {
	t.Helper()
	k, err := builtin.NewInsecureStatic([]byte("0123456789abcdef0123456789ABCDEF"))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// newSealer makes a sealer on a memory store; change edits its configuration.
func newSealer(t testing.TB, change func(*envelope.Config)) *envelope.Sealer {
	t.Helper()
	c := envelope.Config{Service: "shop", Product: "orders", KMS: testKMS(t), Metastore: builtin.NewMemory()}
	if change != nil {
		change(&c)
	}
	s, err := envelope.New(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func column(t testing.TB, s *envelope.Sealer, id string, carry bool) *envelope.Column {
	t.Helper()
	c, err := s.Column(id, envelope.ColumnOptions{CarryPartition: carry})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func partition(t testing.TB, id string) envelope.Partition {
	t.Helper()
	p, err := envelope.PartitionID(id)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func seal(t testing.TB, s *envelope.Sealer, c *envelope.Column, p envelope.Partition, text string) []byte {
	t.Helper()
	b, err := s.Seal(context.Background(), nil, c, p, 1, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func open(s *envelope.Sealer, c *envelope.Column, p envelope.Partition, rec []byte) (string, error) {
	b, _, _, err := s.Open(context.Background(), nil, []*envelope.Column{c}, p, rec)
	return string(b), err
}

func TestWhatIsSealedOpens(t *testing.T) {
	for _, carry := range []bool{false, true} {
		for _, uses := range []int{1, 0} {
			s := newSealer(t, func(c *envelope.Config) { c.Policy.DataKey.MaxUses = uses })
			c, p := column(t, s, "users.ssn", carry), partition(t, "tenant-1")
			for _, text := range []string{"", "x", "123-45-6789", string(make([]byte, 100_000))} {
				for range 3 {
					rec := seal(t, s, c, p, text)
					if want := envelope.SealedLen(c, p, len(text)); len(rec) != want {
						t.Fatalf("record of %d bytes, SealedLen says %d", len(rec), want)
					}
					for range 3 {
						got, err := open(s, c, p, rec)
						if err != nil || got != text {
							t.Fatalf("Open = %d bytes, %v", len(got), err)
						}
					}
				}
			}
		}
	}
}

func TestOverheadOfTheDefaultSuiteIs70Bytes(t *testing.T) {
	s := newSealer(t, nil)
	if n := envelope.SealedLen(column(t, s, "a.b", false), partition(t, "p"), 0); n != 70 {
		t.Fatalf("overhead is %d", n)
	}
}

func TestSecondSealerOnTheSameStoreOpens(t *testing.T) {
	m := builtin.NewMemory()
	share := func(c *envelope.Config) { c.Metastore = m }
	a, b := newSealer(t, share), newSealer(t, share)
	p := partition(t, "p")
	rec := seal(t, a, column(t, a, "users.ssn", false), p, "value")
	if got, err := open(b, column(t, b, "users.ssn", false), p, rec); err != nil || got != "value" {
		t.Fatalf("Open = %q, %v", got, err)
	}
}

func TestClosedSealerRefuses(t *testing.T) {
	s := newSealer(t, nil)
	c, p := column(t, s, "users.ssn", false), partition(t, "p")
	rec := seal(t, s, c, p, "value")
	for range 2 {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Seal(context.Background(), nil, c, p, 1, nil); !errors.Is(err, envelope.ErrClosed) {
		t.Errorf("Seal: %v", err)
	}
	if _, err := open(s, c, p, rec); !errors.Is(err, envelope.ErrClosed) {
		t.Errorf("Open: %v", err)
	}
	if err := s.Warm(context.Background()); !errors.Is(err, envelope.ErrClosed) {
		t.Errorf("Warm: %v", err)
	}
}
