//go:build !goexperiment.runtimesecret

package securemem

// erasing reports whether the runtime erases what a load of a key leaves behind.
const erasing = false

// shielded runs f, which loads a key, and wipes what it leaves on the stack.
func shielded(f func()) {
	ReserveStack()
	defer scrub()
	f()
}
