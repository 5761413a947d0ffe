//go:build race

package corpus_test

// raceEnabled: every statement takes ten times as long.
const raceEnabled = true
