// Package messages holds no code: its test reads what errors and log lines of the
// product are made of, and fails where one is given a value, a key, a statement or
// a data source name.
package messages
