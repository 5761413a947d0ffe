// Package lifecycle looks after keys over time: it counts what is sealed under
// each ([Counter]), destroys the keys of a partition and proves it ([Shredder]),
// drops versions that nothing needs ([Prune]), and replaces keys before they
// expire ([Rotator]).
//
// Single keys are changed by [github.com/sealsql/sealsql/envelope.Keys]. The
// command sealsql (keys usage, keys prune, shred) is made of this package.
package lifecycle
