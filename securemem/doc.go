// Package securemem keeps keys where they are hard to find by accident.
//
// Open an [Arena], hand it keys with [Arena.NewSecret] and
// [Arena.NewCipher], and call Destroy on each when it is no longer used. Keys
// travel through the program as *[Secret] and *[Cipher]; printing, logging or
// marshalling one shows nothing of it.
//
// # What is protected
//
// An arena owns a few large allocations (slabs) that are locked into RAM,
// excluded from core dumps and bounded by guard pages. Secrets and expanded
// AES key schedules live in slots of these slabs. When the slots for secrets
// are used up, further secrets are kept on the ordinary heap, encrypted with
// AES-256-GCM under a random key of this process that itself lives in a slab.
// A released slot is overwritten with zeros at once. No operation on a key that
// is already in the arena makes a system call for the memory protection.
//
// The slabs come from memguard. Importing it sets the process's core dump limit
// (RLIMIT_CORE) to zero on Unix. Its functions Purge, CatchSignal and Exit are
// never called, and since memguard destroys every protected buffer of the
// process when it runs into a limit, every allocation is tried with the same
// system calls first.
//
// # What is not protected
//
// A key exists for moments outside the slabs: while it is received from a key
// management service, while AES expands it (the expansion on the heap is
// zeroed when it has been moved), and in the registers and stack frames of the
// primitives. The frames are overwritten afterwards. Registers are not: some
// round keys of the last operation stay in vector registers, which a signal or
// a core dump saves, until they are used for something else; and the collector
// may move a stack while a primitive is at work. An application that is built
// with GOEXPERIMENT=runtimesecret (Go 1.26, linux/amd64 and linux/arm64) has
// registers, stacks and heap objects erased by the runtime for the loading of
// keys, not for each value.
//
// Anybody who can read the memory of the process while a key is in use can have
// the key. The protection is against swap, core dumps, and against freed memory
// that shows up elsewhere.
//
// With FIPS 140-3 mode enabled, ciphers stay the objects that the Go
// Cryptographic Module made, on the heap; they are zeroed when destroyed. What
// its HKDF leaves on the heap cannot be.
package securemem
