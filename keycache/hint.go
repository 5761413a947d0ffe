package keycache

// Hint remembers where a look-up found its value. It is no right to the value
// and does not keep it from being destroyed. The zero Hint remembers nothing.
type Hint[K comparable, V Value] struct{ e *entry[K, V] }

// Hint returns the place of the lease's value.
func (l Lease[K, V]) Hint() Hint[K, V] { return Hint[K, V]{l.e} }

// GetHinted is Get of the value that h remembers, without looking for it; ok is
// false where it has left the cache.
func (x *Cache[K, V]) GetHinted(h Hint[K, V]) (l Lease[K, V], ok bool) {
	if h.e == nil || h.e.gone.Load() {
		return l, false
	}
	return x.found(h.e)
}

// Current reports whether the cache still holds the lease's value: whoever keeps a
// lease from one use to the next asks before each. A zero Lease is not current.
func (l Lease[K, V]) Current() bool { return l.e != nil && !l.e.gone.Load() }

// Spared counts n look-ups that a lease served which was kept: as hits, though the
// cache was not asked, nor its policy told.
func (x *Cache[K, V]) Spared(n uint64) { x.counts.hits.Add(n) }
