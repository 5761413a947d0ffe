package envelope

import (
	"slices"
	"sync"
	"sync/atomic"
)

// indexVersions are the versions of secrets that a Sealer's indexes use, within
// partitions and across them.
type indexVersions struct {
	mu                 sync.Mutex
	partitioned, table []int
	// complete says that the secrets of table were seen to be there, or cannot be
	// made any more.
	complete atomic.Bool
}

func (v *indexVersions) of(table bool) *[]int {
	if table {
		return &v.table
	}
	return &v.partitioned
}

// use notes an index.
func (v *indexVersions) use(table bool, version int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if l := v.of(table); !slices.Contains(*l, version) {
		*l = append(*l, version)
		slices.Sort(*l)
		v.complete.Store(false)
	}
}

func (v *indexVersions) versions(table bool) []int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(*v.of(table))
}
