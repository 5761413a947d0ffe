// Package hatch keeps the way to inner connections inside this module: functions
// that hand one out without a warning in the log take a Key, which no other
// module can name. Programs use InsecureBypassEncryption of package driver.
package hatch

// Key is proof of being in this module. Its field keeps other struct types from
// being assignable to it.
type Key struct{ _ byte }
