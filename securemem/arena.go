package securemem

import (
	"crypto/rand"
	"errors"
	"os"
	"sync"
	"unsafe"
)

const (
	slotAlign  = 64
	smallSlot  = 64  // a secret
	largeSlot  = 768 // an expanded AES-256-GCM
	firstSlab  = 256 << 10
	defaultMax = 4 << 20
	// smallShare is the part of a slab that is cut into small slots, in 1/8.
	smallShare = 1
)

var errShort = errors.New("securemem: short allocation")

type class uint8

const (
	small class = iota
	large
)

func (c class) size() int {
	if c == small {
		return smallSlot
	}
	return largeSlot
}

// Arena owns the slabs of one user of keys. Its methods may be called
// concurrently.
type Arena struct {
	mode   Mode
	locked bool
	max    int

	mu      sync.Mutex
	slabs   []*slab
	bytes   int
	full    bool // no further slab can be had
	free    [2][]*byte
	live    int // secrets and ciphers that need the slabs or the session key
	closed  bool
	session *Cipher // encrypts secrets that have no slot
}

// Config holds what is optional about an arena.
type Config struct {
	// MaxBytes bounds the slabs together; zero means 4 MiB. The arena begins
	// with at most 256 KiB and doubles on demand.
	MaxBytes int
}

// Open makes an arena. Under mode Require it fails with *[LockError] when no
// memory can be locked; it never panics on a limit.
func Open(mode Mode, c Config) (*Arena, error) {
	if c.MaxBytes <= 0 {
		c.MaxBytes = defaultMax
	}
	a := &Arena{mode: mode, max: c.MaxBytes, locked: mode != Off}
	if err := a.firstSlab(); err != nil {
		return nil, err
	}
	var key [32]byte
	defer clear(key[:])
	_, _ = rand.Read(key[:]) // documented never to fail
	var err error
	if a.session, err = a.NewCipher(key[:]); err != nil {
		a.Close()
		return nil, err
	}
	a.live = 0 // the session cipher goes with the slabs, it does not keep them
	return a, nil
}

// Locked reports whether the arena's slabs are locked into RAM.
func (a *Arena) Locked() bool { return a.locked }

// Close refuses further use of the arena. Its slabs are wiped and unmapped at
// once when no secret or cipher is alive, else when the last one is destroyed:
// memory is never taken from under a user. Close may be called twice.
func (a *Arena) Close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return
	}
	a.closed = true
	a.unmapIfDone()
}

// firstSlab allocates the largest of 256 KiB, 128 KiB, … one page that can be
// locked.
func (a *Arena) firstSlab() error {
	page := os.Getpagesize()
	size := min(firstSlab, roundUp(a.max, page))
	if !a.locked {
		a.add(newHeapSlab(size))
		return nil
	}
	var err error
	for ; size >= page; size = size / 2 / page * page {
		var s *slab
		if s, err = newLockedSlab(size); err == nil {
			a.add(s)
			return nil
		}
	}
	if a.mode == Require {
		return &LockError{Wanted: page + lockSlack, Limit: memlockLimit(), Err: err}
	}
	a.locked = false
	a.add(newHeapSlab(min(firstSlab, roundUp(a.max, page))))
	return nil
}

// grow adds a slab as large as all there are, if that is allowed and possible.
// The caller holds mu. The system calls are a handful and happen a few times in
// the life of an arena.
func (a *Arena) grow() bool {
	size := a.bytes
	if a.full || a.closed || a.bytes+size > a.max {
		return false
	}
	if !a.locked {
		a.add(newHeapSlab(size))
		return true
	}
	s, err := newLockedSlab(size)
	if err != nil {
		a.full = true
		return false
	}
	a.add(s)
	return true
}

// add cuts a slab into slots.
func (a *Arena) add(s *slab) {
	a.slabs = append(a.slabs, s)
	a.bytes += len(s.mem)
	smalls := len(s.mem) / 8 * smallShare / smallSlot * smallSlot
	for off := 0; off+smallSlot <= smalls; off += smallSlot {
		a.free[small] = append(a.free[small], &s.mem[off])
	}
	for off := smalls; off+largeSlot <= len(s.mem); off += largeSlot {
		a.free[large] = append(a.free[large], &s.mem[off])
	}
}

// take returns a zeroed slot, or nil when there are no more than leave.
func (a *Arena) take(c class, leave int) (*byte, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return nil, ErrDestroyed
	}
	if len(a.free[c]) <= leave && !a.grow() {
		return nil, nil
	}
	n := len(a.free[c]) - 1
	if n < leave {
		return nil, nil
	}
	p := a.free[c][n]
	a.free[c] = a.free[c][:n]
	a.live++
	return p, nil
}

// put wipes a slot and takes it back.
func (a *Arena) put(c class, p *byte) {
	clear(slotBytes(c, p))
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.closed {
		a.free[c] = append(a.free[c], p)
	}
	a.drop()
}

// hold counts a secret without a slot, which needs the session key.
func (a *Arena) hold() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return ErrDestroyed
	}
	a.live++
	return nil
}

// drop ends the use of a slot or of the session key. The caller holds mu.
func (a *Arena) drop() {
	a.live--
	if a.closed {
		a.unmapIfDone()
	}
}

func (a *Arena) unmapIfDone() {
	if a.live > 0 {
		return
	}
	if a.session != nil {
		zero(a.session.aead)
		a.session.aead, a.session.slot = nil, nil
	}
	a.free = [2][]*byte{} // no pointer may outlive the mapping
	for _, s := range a.slabs {
		s.destroy()
	}
	a.slabs = nil
}

func slotBytes(c class, p *byte) []byte { return unsafe.Slice(p, c.size()) }

func roundUp(n, unit int) int { return (n + unit - 1) / unit * unit }

func alignTo(b []byte, align int) []byte {
	off := int(-uintptr(unsafe.Pointer(unsafe.SliceData(b))) & uintptr(align-1))
	return b[off:]
}
