package envelope

import "sync"

// transit holds a key on its way into a cipher, or under another key. It is not on the stack: the
// collector may shrink, thus copy, the stack of a goroutine that it stops, and
// what the old one held goes back to the allocator as it is. What is on the heap
// stays where it is and is wiped there.
type transit struct {
	// drk is a random data key, as it is wrapped, or another key on its own.
	drk [keySize]byte
	// k is what encrypts the payload, and the commitment.
	k derived
}

var transits = sync.Pool{New: func() any { return new(transit) }}

func takeTransit() *transit { return transits.Get().(*transit) }

// wipe puts it back.
func (x *transit) wipe() {
	*x = transit{}
	transits.Put(x)
}
