// Package fuzzsql compares the encrypting driver with the plain one over
// generated programs. It consists of tests: `make fuzz-sql` runs them longer
// than `make test` does.
//
// A run makes tables, some of whose columns are encrypted, twice: in a database
// behind the plain driver and in one behind the encrypting driver. It generates
// statements over them, sends each to both, and demands the same answer: values
// after scanning into any, labels, rows affected, class of error. A statement
// may instead be refused with a typed error. Every value of an encrypted column
// holds a mark that is searched for in all that is sent.
//
// Everything follows from a seed. A difference is shrunk: choices of the
// generator are set to their simplest, and statements before it left out, as
// long as it stays.
package fuzzsql
