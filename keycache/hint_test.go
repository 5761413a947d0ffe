package keycache

import "testing"

func TestAHintFindsItsValueWhileTheCacheHoldsIt(t *testing.T) {
	c := newCache(1, nil)
	a, b := &thing{id: 1}, &thing{id: 2}
	l, _ := c.Put("a", a)
	h := l.Hint()
	l.Release()
	again, ok := c.GetHinted(h)
	if !ok || again.Value() != a {
		t.Fatal("not found")
	}
	if got := c.Stats().Hits; got != 1 {
		t.Errorf("%d hits counted, want 1", got)
	}
	// Evicted while it is leased: the value lives, and is not given out again.
	m, _ := c.Put("b", b)
	if _, ok := c.GetHinted(h); ok {
		t.Error("found after it was evicted")
	}
	wantGone(t, a, 0)
	again.Release()
	wantGone(t, a, 1)
	if _, ok := c.GetHinted(h); ok {
		t.Error("found after it was destroyed")
	}
	h = m.Hint()
	m.Release()
	c.Close(0)
	if _, ok := c.GetHinted(h); ok {
		t.Error("found after the cache was closed")
	}
	if _, ok := c.GetHinted(Hint[string, *thing]{}); ok {
		t.Error("found by a hint that remembers nothing")
	}
}

func TestAKeptLeaseIsCurrentWhileTheCacheHoldsTheValue(t *testing.T) {
	c := newCache(1, nil)
	a := &thing{id: 1}
	l, _ := c.Put("a", a)
	if !l.Current() || (Lease[string, *thing]{}).Current() {
		t.Fatal("the cache holds it, and nothing else")
	}
	c.Spared(3)
	if got := c.Stats().Hits; got != 3 {
		t.Errorf("%d hits, want 3", got)
	}
	m, _ := c.Put("b", &thing{id: 2})
	m.Release()
	if l.Current() {
		t.Error("current after it was evicted")
	}
	wantGone(t, a, 0)
	l.Release()
	wantGone(t, a, 1)
}
