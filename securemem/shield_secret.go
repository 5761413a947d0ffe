//go:build goexperiment.runtimesecret

package securemem

import erase "runtime/secret"

// erasing reports whether the runtime erases what a load of a key leaves behind.
const erasing = true

// shielded runs f, which loads a key. The runtime erases registers and stack,
// and heap objects when it collects them.
func shielded(f func()) {
	ReserveStack()
	erase.Do(f)
}
