package rewrite

// notes holds what the analysis notes of nodes, in the order in which it met
// them. A statement has few such nodes, which are found by looking through
// them; a statement with many gets an index.
type notes[K comparable, V any] struct {
	list  []note[K, V]
	index map[K]int
	only  [1]note[K, V] // memory of the first
}

type note[K comparable, V any] struct {
	node  K
	value V
}

// fewNotes is the number of notes up to which no index is worth it.
const fewNotes = 16

// at returns the place of what is noted of node, or nil.
func (n *notes[K, V]) at(node K) *V {
	if n.index != nil {
		if i, ok := n.index[node]; ok {
			return &n.list[i].value
		}
		return nil
	}
	for i := range n.list {
		if n.list[i].node == node {
			return &n.list[i].value
		}
	}
	return nil
}

// set notes v of node, in the place of what was noted of it before. The result
// holds until the next call.
func (n *notes[K, V]) set(node K, v V) *V {
	if p := n.at(node); p != nil {
		*p = v
		return p
	}
	if n.list == nil {
		n.list = n.only[:0]
	}
	n.list = append(n.list, note[K, V]{node, v})
	i := len(n.list) - 1
	switch {
	case n.index != nil:
		n.index[node] = i
	case len(n.list) > fewNotes:
		n.index = make(map[K]int, 2*len(n.list))
		for k := range n.list {
			n.index[n.list[k].node] = k
		}
	}
	return &n.list[i].value
}
