// Package pgquerycheck compares how PostgreSQL's own parser reads a statement
// with how package rewrite/postgres does. It is a module of its own, with tests
// only, because PostgreSQL's parser is C and takes minutes to compile: `make
// parse-check` and `make long` run it where there is a C compiler.
package pgquerycheck
