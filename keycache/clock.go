package keycache

// The second-chance policy: entries stand on a ring; a hand goes round, clears
// the mark of what was used since it passed last and stops at what was not.

// clock puts e on the ring, in the place of old if that is given, and takes out
// what is over the size. The caller holds the table's lock and releases the
// victim, if any, after it.
func (x *Cache[K, V]) clock(old, e *entry[K, V]) (victim *entry[K, V]) {
	if old != nil {
		e.pos, x.ring[old.pos] = old.pos, e
		return nil
	}
	if len(x.ring) < x.c.Size {
		e.pos = len(x.ring)
		x.ring = append(x.ring, e)
		return nil
	}
	// The first round clears every mark; if users set them all again meanwhile,
	// somebody goes all the same.
	for range 2 * len(x.ring) {
		x.hand = (x.hand + 1) % len(x.ring)
		if !x.ring[x.hand].used.Swap(false) {
			break
		}
	}
	victim = x.ring[x.hand]
	x.t.remove(victim)
	e.pos, x.ring[x.hand] = x.hand, e
	return victim
}

// unring forgets a deleted entry. The caller holds the table's lock.
func (x *Cache[K, V]) unring(e *entry[K, V]) {
	if x.c.Policy != nil {
		return
	}
	last := len(x.ring) - 1
	moved := x.ring[last]
	x.ring[e.pos], moved.pos = moved, e.pos
	x.ring[last] = nil
	x.ring = x.ring[:last]
	if x.hand >= last {
		x.hand = 0
	}
}
