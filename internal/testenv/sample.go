package testenv

import (
	"hash/fnv"
	"testing"
)

// Sampled reports whether tests take samples of what they would run: with the
// race detector, which makes a statement five to ten times as slow and finds in
// the hundredth what it found in the tenth, but not in make long. Packages that
// ask are tested without the race detector as well, and then take all: WHOLE in
// the Makefile names them. What runs concurrently is never sampled.
func Sampled() bool { return raceEnabled && !Long() }

// Sample returns all, or where Sampled n of them in their order, evenly spread;
// which, depends on the name of the test, so that tests take different ones.
func Sample[T any](t testing.TB, all []T, n int) []T {
	if !Sampled() || n >= len(all) {
		return all
	}
	return sample(t.Name(), all, n)
}

func sample[T any](name string, all []T, n int) []T {
	h := fnv.New32a()
	h.Write([]byte(name))
	at := int(h.Sum32() % uint32(len(all)))
	var out []T
	for i, x := range all {
		// n of the positions after at begin another n-th of the whole.
		k := (i - at + len(all)) % len(all)
		if k*n%len(all) < n {
			out = append(out, x)
		}
	}
	return out
}
