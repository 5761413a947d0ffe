package keycache

import "github.com/hashicorp/golang-lru/v2/simplelru"

// lru is least recently used, by hashicorp/golang-lru.
type lru[K comparable] struct {
	size int
	l    *simplelru.LRU[K, *Ticket[K]]
}

func newLRU[K comparable](size int, evict func(*Ticket[K])) Policy[K] {
	size = max(size, 1)
	l, err := simplelru.NewLRU[K, *Ticket[K]](size, nil)
	if err != nil {
		panic(err) // only for sizes below one
	}
	return &locked[K]{evict: evict, o: &lru[K]{size, l}}
}

func (p *lru[K]) add(t *Ticket[K]) (victim *Ticket[K]) {
	if p.l.Len() >= p.size && !p.l.Contains(t.key) {
		_, victim, _ = p.l.RemoveOldest()
	}
	p.l.Add(t.key, t)
	return victim
}

func (p *lru[K]) hit(t *Ticket[K]) { p.l.Get(t.key) }

func (p *lru[K]) remove(t *Ticket[K]) {
	if now, ok := p.l.Peek(t.key); ok && now == t {
		p.l.Remove(t.key)
	}
}
