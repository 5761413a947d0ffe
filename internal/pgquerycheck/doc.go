// Package pgquerycheck compares how PostgreSQL's own parser reads a statement
// with how package rewrite/postgres does. It is a module of its own, with tests
// only, because PostgreSQL's parser is C: `make test` runs it where there is a C
// compiler and says so where there is none.
package pgquerycheck
