package rewrite

import (
	"cmp"
	"slices"
)

// byPlace returns the keys of a map of nodes in the order of the text, the outer
// of two that begin at one place first. Whatever is taken, refused or written one
// after the other goes by it: a statement has one plan and one error.
func byPlace[K interface {
	comparable
	Node
}, V any](m map[K]V) []K {
	if len(m) == 0 {
		return nil
	}
	keys := make([]K, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	if len(keys) > 1 {
		slices.SortFunc(keys, func(x, y K) int {
			a, b := x.Range(), y.Range()
			return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(b.End, a.End))
		})
	}
	return keys
}
