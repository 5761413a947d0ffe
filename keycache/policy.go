package keycache

// Policy decides which keys stay when a cache is full. It never decides what a
// look-up finds: a policy that loses or delays calls costs hits, not
// correctness. Added and Removed are called in the order of the changes, one at
// a time; Hit concurrently.
type Policy[K comparable] interface {
	// Hit says that k was looked up and found.
	Hit(k K)
	// Added says that k entered the cache. For everything that shall leave, the
	// policy calls the evict function that it was made with, now or later, but
	// never from within Removed.
	Added(k K)
	// Removed says that k left the cache, for whatever reason.
	Removed(k K)
	// Close ends the policy; it calls evict no more after it returned.
	Close()
}
