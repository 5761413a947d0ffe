// Package keycache holds keys for as long as they are worth holding, and not
// longer than anybody uses them.
//
// [Cache.Get] and [Cache.GetOrLoad] hand out a [Lease]; use the value, then call
// [Lease.Release]. A value that was evicted, replaced or deleted is destroyed
// when its last lease is released, never under a user. Look-ups take no lock
// and make no allocation.
//
// However many callers miss the same key, one load runs, outside any lock. It
// belongs to the cache and not to the caller who started it: a caller whose
// context ends returns at once, the load goes on for the others.
//
// The cache is consistent: what [Cache.Put] or a load stored is what the next
// look-up finds. A [Policy] decides only what has to go when the cache is full;
// [Named] has those that a configuration can name. [Config.TTL] lets go of
// everything after a time.
package keycache
