package securemem

import (
	"os"
	"sync"

	"github.com/awnumar/memcall"
	"github.com/awnumar/memguard"
)

// slab is one allocation that slots are cut from.
type slab struct {
	mem  []byte
	lock *memguard.LockedBuffer // nil for a slab on the heap
}

// allocating serialises our trials with the allocations that follow them, so
// that two arenas do not pass the trial on the same last free pages.
var allocating sync.Mutex

// lockSlack is left free below the limit: other users of locked memory in the
// process may allocate between the trial and the allocation.
const lockSlack = 4096

// newLockedSlab allocates size bytes (a multiple of the page size) of locked
// memory between guard pages.
func newLockedSlab(size int) (*slab, error) {
	allocating.Lock()
	defer allocating.Unlock()
	if err := tryLock(size); err != nil {
		return nil, err
	}
	b := memguard.NewBuffer(size)
	if b.Size() != size {
		b.Destroy()
		return nil, errShort
	}
	return &slab{mem: b.Bytes(), lock: b}, nil
}

// tryLock makes the system calls of memguard.NewBuffer with a little more
// memory and undoes them. memguard would answer a failing one by destroying
// every protected buffer in the process and panicking.
func tryLock(size int) (err error) {
	page := os.Getpagesize()
	slack := (lockSlack + page - 1) / page * page
	mem, err := memcall.Alloc(2*page + size + slack)
	if err != nil {
		return err
	}
	defer func() {
		if e := memcall.Free(mem); err == nil {
			err = e
		}
	}()
	inner := mem[page : len(mem)-page]
	if err := memcall.Lock(inner); err != nil {
		return err
	}
	if err := memcall.Unlock(inner); err != nil {
		return err
	}
	if err := memcall.Protect(mem[:page], memcall.NoAccess()); err != nil {
		return err
	}
	return memcall.Protect(mem[len(mem)-page:], memcall.NoAccess())
}

func newHeapSlab(size int) *slab {
	mem := make([]byte, size+slotAlign)
	return &slab{mem: alignTo(mem, slotAlign)[:size]}
}

// destroy wipes the slab and gives it back.
func (s *slab) destroy() {
	clear(s.mem)
	if s.lock != nil {
		s.lock.Destroy()
	}
	s.mem, s.lock = nil, nil
}
