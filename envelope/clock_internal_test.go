package envelope

import (
	"testing"
	"time"
)

// eventually waits for what the scheduler may delay.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal(what)
		}
	}
}

// The clock of sealing is never ahead, and goes on while somebody asks; then it
// stops, and begins again with the present time.
func TestTheClockOfSealingFollowsTheTimeWhileItIsUsed(t *testing.T) {
	v := &services{base: time.Now()}
	for range 2 {
		first := v.recentTick()
		if now := v.tick(); first > now || v.recent.at.Load() == 0 {
			t.Fatalf("it says %d at %d", first, now)
		}
		eventually(t, "it stands still while it is used", func() bool {
			got := v.recentTick()
			if now := v.tick(); got > now {
				t.Fatalf("it says %d at %d", got, now)
			}
			return got >= first+3*int64(recentStep)
		})
		eventually(t, "its timer goes on while nobody asks", func() bool { return v.recent.at.Load() == 0 })
	}
	v.recentTick()
	v.closed.Store(true)
	closed := time.Now()
	eventually(t, "its timer goes on after Close", func() bool { return v.recent.at.Load() == 0 })
	t.Logf("stopped %v after Close", time.Since(closed))
}

// A clock that is not ours is asked each time: nobody knows how it goes.
func TestTheClockOfSealingIsTheConfiguredOne(t *testing.T) {
	now := time.Unix(1000, 0)
	v := &services{base: now, fixed: true, now: func() time.Time { return now }}
	for range 3 {
		now = now.Add(time.Second)
		if got := v.recentTick(); got != v.tick() || got == 0 {
			t.Errorf("it says %d at %d", got, v.tick())
		}
	}
}
