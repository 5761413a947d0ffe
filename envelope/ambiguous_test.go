package envelope_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/envelope/builtin"
)

var errLost = errors.New("connection reset by peer")

// lossy is a metastore of which one answer to Store is lost: after the row was
// stored, or before.
type lossy struct {
	*builtin.Memory
	at      int32 // the call, from 1
	applied bool
	calls   atomic.Int32
}

func (m *lossy) Store(ctx context.Context, r *envelope.KeyRecord) (bool, error) {
	if m.calls.Add(1) != m.at {
		return m.Memory.Store(ctx, r)
	}
	if m.applied {
		if _, err := m.Memory.Store(ctx, r); err != nil {
			return false, err
		}
	}
	return false, errLost
}

// Whichever answer of the metastore is lost while the first keys are made: what
// is sealed afterwards opens in every process, finds what every process writes,
// and nothing has to be repaired by hand.
func TestALostAnswerOfTheStoreLosesNothing(t *testing.T) {
	for _, applied := range []bool{true, false} {
		for at := int32(1); at <= 5; at++ {
			t.Run(fmt.Sprintf("applied %t, call %d", applied, at), func(t *testing.T) {
				m := &lossy{Memory: builtin.NewMemory(), at: at, applied: applied}
				process := func() (*envelope.Sealer, *envelope.Column, []*envelope.Index) {
					s := newSealer(t, func(c *envelope.Config) { c.Metastore, c.KeepOpen = m, true })
					var all []*envelope.Index
					for _, table := range []bool{true, false} {
						x, err := s.Index(envelope.IndexOptions{Group: "g", Version: 1, Bits: 128, TableScope: table})
						if err != nil {
							t.Fatal(err)
						}
						all = append(all, x)
					}
					return s, column(t, s, "t.c", false), all
				}
				a, ac, ax := process()
				p := partition(t, "p")
				var rec []byte
				var tags [2][]byte
				work := func() (err error) {
					if rec, err = a.Seal(bg, nil, ac, p, 1, []byte("v")); err != nil {
						return err
					}
					for i, x := range ax {
						if tags[i], err = a.AppendIndex(bg, nil, x, p, []byte("m")); err != nil {
							return err
						}
					}
					return nil
				}
				if err := work(); err != nil {
					if !errors.Is(err, errLost) {
						t.Fatalf("first: %v", err)
					}
					if err := work(); err != nil {
						t.Fatalf("again: %v", err)
					}
				}
				b, bc, bx := process()
				if got, err := open(b, bc, p, rec); err != nil || got != "v" {
					t.Fatalf("in another process: %q, %v", got, err)
				}
				for i, x := range bx {
					if tag, err := b.AppendIndex(bg, nil, x, p, []byte("m")); err != nil || string(tag) != string(tags[i]) {
						t.Fatalf("index %d in another process: %v", i, err)
					}
				}
			})
		}
	}
}
