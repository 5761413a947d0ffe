package envelope

import (
	"slices"
	"sync"
)

// indexVersions are the versions of secrets that a Sealer's indexes use, within
// partitions and across them.
type indexVersions struct {
	mu                 sync.Mutex
	partitioned, table []int
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
	}
}

func (v *indexVersions) versions(table bool) []int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(*v.of(table))
}
