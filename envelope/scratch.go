package envelope

import "sync"

// scratch is a buffer for the length of one call.
type scratch struct{ b []byte }

var scratches = sync.Pool{New: func() any { return &scratch{make([]byte, 0, 512)} }}

// maxScratch bounds the buffers that go back to the pool.
const maxScratch = 64 << 10

func takeScratch() *scratch { return scratches.Get().(*scratch) }

// give puts the buffer back. Its content must not be secret.
func (x *scratch) give() {
	if cap(x.b) > maxScratch {
		return
	}
	x.b = x.b[:0]
	scratches.Put(x)
}

// wipe puts a buffer back that held a value.
func (x *scratch) wipe() {
	clear(x.b[:cap(x.b)])
	x.give()
}
