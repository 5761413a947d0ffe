// Package vars publishes statistics by expvar, which shows them as JSON at
// /debug/vars of http.DefaultServeMux. Importing it links net/http, which is why
// it is a package of its own.
package vars

import (
	"expvar"

	"github.com/sealsql/sealsql/observe"
)

// Publish publishes what r counts as an observe.Stats under the given name. Like
// expvar.Publish it panics when the name is taken, and cannot be undone: r stays
// in memory.
func Publish(name string, r *observe.Recorder) {
	expvar.Publish(name, expvar.Func(func() any { return r.Stats() }))
}
