package envelope_test

import (
	"context"
	"crypto/fips140"
	"strconv"
	"testing"

	"github.com/sealsql/sealsql/envelope"
)

// Five allocations are the floor: two for each of the ciphers' objects, the
// record, and what the floor keeps on the heap besides. The others are rows,
// entries of caches and the load; the eviction policy has its own, which are
// left out here by a cache that does not fill.
func TestTheFirstValueOfAPartitionAllocatesLittle(t *testing.T) {
	if raceEnabled || fips140.Enabled() {
		t.Skip("the race detector and FIPS 140-3 mode have allocations of their own")
	}
	s := newSealer(t, nil)
	c, pt, ctx, i := column(t, s, "users.ssn", true), make([]byte, 64), context.Background(), 0
	got := testing.AllocsPerRun(1000, func() {
		i++
		p, err := envelope.PartitionID("tenant" + strconv.Itoa(i))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Seal(ctx, nil, c, p, 1, pt); err != nil {
			t.Fatal(err)
		}
	})
	if got > 17 {
		t.Errorf("%v allocations, want at most 17", got)
	}
}
