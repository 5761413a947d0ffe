package keycache

import "container/heap"

// lfu is least frequently used; of equals the one used longer ago goes. It is
// our own: see docs/decisions/2026-11-22-cache-policies.md.
type lfu[K comparable] struct {
	size  int
	uses  uint64 // of all keys, to tell equals apart
	items map[K]*lfuItem[K]
	queue lfuQueue[K]
}

type lfuItem[K comparable] struct {
	t     *Ticket[K]
	count uint64
	last  uint64
	at    int // in the queue
}

func newLFU[K comparable](size int, evict func(*Ticket[K])) Policy[K] {
	return &locked[K]{evict: evict, o: &lfu[K]{size: max(size, 1), items: map[K]*lfuItem[K]{}}}
}

func (p *lfu[K]) add(t *Ticket[K]) (victim *Ticket[K]) {
	if it := p.items[t.key]; it != nil {
		it.t = t
		p.use(it)
		return nil
	}
	if len(p.queue) >= p.size {
		it := heap.Pop(&p.queue).(*lfuItem[K])
		delete(p.items, it.t.key)
		victim = it.t
	}
	p.uses++
	it := &lfuItem[K]{t: t, count: 1, last: p.uses}
	p.items[t.key] = it
	heap.Push(&p.queue, it)
	return victim
}

func (p *lfu[K]) hit(t *Ticket[K]) {
	if it := p.items[t.key]; it != nil {
		p.use(it)
	}
}

func (p *lfu[K]) use(it *lfuItem[K]) {
	p.uses++
	it.count++
	it.last = p.uses
	heap.Fix(&p.queue, it.at)
}

func (p *lfu[K]) remove(t *Ticket[K]) {
	if it := p.items[t.key]; it != nil && it.t == t {
		heap.Remove(&p.queue, it.at)
		delete(p.items, t.key)
	}
}

// lfuQueue is a heap with the least used item first.
type lfuQueue[K comparable] []*lfuItem[K]

func (q lfuQueue[K]) Len() int { return len(q) }

func (q lfuQueue[K]) Less(i, j int) bool {
	if q[i].count != q[j].count {
		return q[i].count < q[j].count
	}
	return q[i].last < q[j].last
}

func (q lfuQueue[K]) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].at, q[j].at = i, j
}

func (q *lfuQueue[K]) Push(x any) {
	it := x.(*lfuItem[K])
	it.at = len(*q)
	*q = append(*q, it)
}

func (q *lfuQueue[K]) Pop() any {
	last := len(*q) - 1
	it := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	return it
}
