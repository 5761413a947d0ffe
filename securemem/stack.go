package securemem

// Primitives leave copies of keys in stack frames that are no longer used:
// arguments, spilled registers, states of hashes. Two things keep them from
// staying there. Before a key comes onto the stack there is room below for all
// that follows, because a stack that grows is copied and the old one, key and
// all, goes back to the allocator. And afterwards what was used is overwritten.
//
// What lives longer than one primitive, like a data key on its way into a cipher,
// is not on the stack at all. What remains: the collector may shrink, thus move,
// the stack of a goroutine that it stops within a primitive, and the kernel saves registers when it
// delivers a signal. Building with GOEXPERIMENT=runtimesecret closes both for
// the loading of keys (shield_secret.go).

const (
	// stackRoom is more than the frames of any operation on a key take in bytes,
	// ours and those of the caller between ReserveStack and the operation.
	stackRoom = 8 << 10
	// stackUsed is more than the frames of one primitive take in bytes.
	stackUsed = 3 << 10
	// stackHashed is more than those of SHA-256 on one block take: the largest of the
	// toolchain's, for AVX2, has 536 bytes.
	stackHashed = 3 << 9
)

// ReserveStack makes room on the stack of the calling goroutine, so that it does
// not move while a key lies on it. Functions that hold a key in a local variable
// call it first; the operations of this package do so themselves.
func ReserveStack() { reserve(false) }

// reserve has a frame of stackRoom bytes. Entering it grows the stack if need
// be; the array is not written to.
//
//go:noinline
func reserve(use bool) {
	if use {
		var room [stackRoom]byte
		touch(room[:])
	}
}

// scrub overwrites the part of the stack that functions called by its caller
// have used.
//
//go:noinline
func scrub() {
	var used [stackUsed]byte
	touch(used[:])
}

// scrubHash is scrub after no more than SHA-256 on single blocks.
//
//go:noinline
func scrubHash() {
	var used [stackHashed]byte
	touch(used[:])
}

// touch keeps the compiler from leaving out the arrays above.
//
//go:noinline
func touch([]byte) {}
