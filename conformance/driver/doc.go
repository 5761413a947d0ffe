// Package drivertest checks an encrypting driver against a live database.
//
// Property throws random statements with a marked value at a database and
// looks for the mark in everything that was sent: whatever the shape of the
// statement, it is either planned, and then the mark went out sealed, or
// refused before anything was sent. Wire and RecordConn capture what was sent.
package drivertest
