package envelope_test

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/envelope/builtin"
)

func TestRewrapPutsTheDataKeyUnderTheNewKeyAndLeavesTheValue(t *testing.T) {
	for _, sh := range everyShape() {
		if sh.o.Suite != envelope.SuiteWrapped {
			continue
		}
		t.Run(sh.name, func(t *testing.T) {
			clk := newClock()
			m := builtin.NewMemory()
			s := newSealer(t, func(c *envelope.Config) { c.Now, c.Metastore = clk.now, m })
			c, p := shapedColumn(t, s, "users.ssn", sh.o), partition(t, "tenant-1")
			old := sealRow(t, s, c, p, sh.row, canary)
			kept := bytes.Clone(old)
			clk.pass(100 * 24 * time.Hour)

			rec, err := s.Rewrap(context.Background(), old, c, p)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(old, kept) {
				t.Fatal("the record that was given is changed")
			}
			end := sh.keyAt + sh.keyLen
			if len(rec) != len(old) || !bytes.Equal(rec[end:], old[end:]) {
				t.Fatal("commitment, nonce, ciphertext or tag are others")
			}
			if bytes.Equal(rec[6:10], old[6:10]) || bytes.Equal(rec[sh.keyAt:end], old[sh.keyAt:end]) {
				t.Fatal("creation time or wrapped key are as before")
			}
			// The new record needs the new intermediate key alone.
			fresh := newSealer(t, func(c *envelope.Config) {
				c.Now, c.Metastore = clk.now, without(m, "ss1/ik/shop/orders/tenant-1", 1772600760)
			})
			fc := shapedColumn(t, fresh, "users.ssn", sh.o)
			for range 3 {
				if got, err := openRow(s, c, p, sh.row, rec); err != nil || got != canary {
					t.Fatalf("Open = %q, %v", got, err)
				}
				if got, err := openRow(fresh, fc, p, sh.row, rec); err != nil || got != canary {
					t.Fatalf("without the old key: %q, %v", got, err)
				}
			}
			if _, err := openRow(fresh, fc, p, sh.row, old); !errors.Is(err, envelope.ErrKeyNotFound) {
				t.Fatalf("the old record without its key: %v", err)
			}
			again, err := s.Rewrap(context.Background(), rec, c, p)
			if err != nil || !bytes.Equal(again, rec) {
				t.Fatalf("under the newest key already: %v", err)
			}
		})
	}
}

// hiding is a metastore without one row.
type hiding struct {
	envelope.Metastore
	meta envelope.KeyMeta
}

func without(m envelope.Metastore, id string, created int64) envelope.Metastore {
	return hiding{m, envelope.KeyMeta{ID: id, Created: created}}
}

func (h hiding) Load(ctx context.Context, meta envelope.KeyMeta) (*envelope.KeyRecord, error) {
	if meta == h.meta {
		return nil, envelope.ErrKeyNotFound
	}
	return h.Metastore.Load(ctx, meta)
}

func TestRewrapRefusesWhatItCannotTell(t *testing.T) {
	clk := newClock()
	s := newSealer(t, func(c *envelope.Config) { c.Now = clk.now })
	c := shapedColumn(t, s, "users.ssn", envelope.ColumnOptions{Suite: envelope.SuiteWrapped})
	both := shapedColumn(t, s, "users.ssn", envelope.ColumnOptions{Suite: envelope.SuiteWrapped, Read: []envelope.Suite{envelope.SuiteDerived}})
	carry := shapedColumn(t, s, "users.ssn", envelope.ColumnOptions{Suite: envelope.SuiteWrapped, CarryPartition: true})
	derived, other := column(t, s, "users.ssn", false), shapedColumn(t, s, "users.email", envelope.ColumnOptions{Suite: envelope.SuiteWrapped})
	p, q := partition(t, "p"), partition(t, "q")
	rec := seal(t, s, c, p, canary)
	seal(t, s, c, q, canary)
	flip := func(i int) []byte {
		b := bytes.Clone(rec)
		b[i] ^= 1
		return b
	}
	foreign := shapedColumn(t, newSealer(t, nil), "users.ssn", envelope.ColumnOptions{})
	clk.pass(100 * 24 * time.Hour)
	for _, tc := range []struct {
		name string
		rec  []byte
		c    *envelope.Column
		p    envelope.Partition
		want error
	}{
		{"plain text", []byte("plain"), c, p, envelope.ErrNotSealed},
		{"a derived key", seal(t, s, derived, p, canary), both, p, envelope.ErrNotWrapped},
		{"a derived key in a column that does not read it", seal(t, s, derived, p, canary), c, p, envelope.ErrTampered},
		{"another column", rec, other, p, envelope.ErrWrongColumn},
		{"a column that derives", rec, derived, p, envelope.ErrTampered},
		{"another partition", rec, c, q, envelope.ErrTampered},
		{"another partition, carried", seal(t, s, carry, p, canary), carry, q, envelope.ErrWrongPartition},
		{"any partition", seal(t, s, carry, p, canary), carry, envelope.AnyPartition, envelope.ErrPartition},
		{"no partition", rec, c, envelope.Partition{}, envelope.ErrPartition},
		{"type changed", flip(5), c, p, envelope.ErrTampered},
		{"creation time changed", flip(9), c, p, envelope.ErrKeyNotFound},
		{"wrap nonce changed", flip(14), c, p, envelope.ErrTampered},
		{"wrapped key changed", flip(26), c, p, envelope.ErrTampered},
		{"wrap tag changed", flip(73), c, p, envelope.ErrTampered},
		{"commitment changed", flip(74), c, p, envelope.ErrTampered},
		{"cut", rec[:100], c, p, envelope.ErrTampered},
	} {
		if got, err := s.Rewrap(context.Background(), tc.rec, tc.c, tc.p); !errors.Is(err, tc.want) || got != nil {
			t.Errorf("%s: %v, want %v", tc.name, err, tc.want)
		}
	}
	if _, err := s.Rewrap(context.Background(), rec, foreign, p); err == nil {
		t.Error("a column of another sealer is accepted")
	}
	if _, err := s.Rewrap(context.Background(), rec, nil, p); err == nil {
		t.Error("no column is accepted")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := s.Rewrap(ctx, rec, c, p); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	s.Close()
	if _, err := s.Rewrap(context.Background(), rec, c, p); !errors.Is(err, envelope.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
}

// A damaged value stays damaged: Rewrap does not look at it, Open does.
func TestRewrapDoesNotRepairAValue(t *testing.T) {
	clk := newClock()
	s := newSealer(t, func(c *envelope.Config) { c.Now = clk.now })
	c, p := shapedColumn(t, s, "t.c", envelope.ColumnOptions{Suite: envelope.SuiteWrapped}), partition(t, "p")
	rec := seal(t, s, c, p, canary)
	rec[len(rec)-1] ^= 1
	clk.pass(100 * 24 * time.Hour)
	again, err := s.Rewrap(context.Background(), rec, c, p)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := open(s, c, p, again); !errors.Is(err, envelope.ErrTampered) {
		t.Fatal(err)
	}
}

func TestWrappedDataKeysAreSharedAndFreshAsThePolicySays(t *testing.T) {
	for uses, want := range map[int]int{1: 6, 3: 2} {
		s := newSealer(t, func(c *envelope.Config) { c.Policy.DataKey.MaxUses = uses })
		c, p := shapedColumn(t, s, "t.c", envelope.ColumnOptions{Suite: envelope.SuiteWrapped}), partition(t, "p")
		keys, commits := map[string]bool{}, map[string]bool{}
		for range 6 {
			rec := seal(t, s, c, p, "v")
			keys[string(rec[14:74])], commits[string(rec[74:90])] = true, true
		}
		if len(keys) != want || len(commits) != want {
			t.Errorf("max_uses %d: 6 values under %d data keys, want %d", uses, len(keys), want)
		}
	}
}
