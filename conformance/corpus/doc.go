// Package corpus runs the rewriter over statements that applications, object
// mappers and the test suites of the engines send. It consists of tests: see
// docs/corpus.md for what they found.
//
// The statements lie beside the repository, in ../shared/sql-corpus
// (SEALSQL_SHARED names another place); a bare clone lacks them, and the tests
// say so.
package corpus
