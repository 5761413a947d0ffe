// Package lint finds the statements of a program and plans each of them, so
// that a team learns what the driver would refuse before it does.
//
// It reads SQL scripts, query files of sqlc, Go source and lines of JSON. Its
// report never holds a value of a statement (threats T12).
package lint
