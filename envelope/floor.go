package envelope

import "sync"

// floors remembers, for every key id, the highest creation time under which this
// process has sealed, so that a writer of the metastore who deletes the newest
// row does not bring an older key back (threats T26). It outlives the caches:
// a key that was evicted or has reached its time to live leaves its floor here.
//
// Ids are kept by a hash with a secret seed. Two ids that share one (of a
// million, with probability 2^-25) share the higher floor, which makes one key
// that was not needed.
type floors struct {
	mu  sync.Mutex
	set map[uint64]uint32
}

// maxFloors bounds the set; an entry takes some 25 bytes. Beyond it, any one is
// forgotten: what is lost is this protection, for that id.
const maxFloors = 1 << 20

// of returns the floor of an id, 0 if there is none.
func (x *floors) of(id string) int64 {
	h := hashString(id)
	x.mu.Lock()
	defer x.mu.Unlock()
	return int64(x.set[h])
}

// put remembers that a key created then is used from now on. It is lower than
// what was there only where the clock of the machine was set back.
func (x *floors) put(id string, created int64) {
	h := hashString(id)
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.set == nil {
		x.set = map[uint64]uint32{}
	}
	if len(x.set) >= maxFloors {
		x.forget(h)
	}
	x.set[h] = uint32(min(created, Tombstone))
}

// forget makes room for an id that is not in the set.
func (x *floors) forget(h uint64) {
	if _, known := x.set[h]; known {
		return
	}
	for other := range x.set {
		delete(x.set, other)
		return
	}
}
