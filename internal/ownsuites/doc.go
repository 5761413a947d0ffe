// Package ownsuites runs test suites that others wrote for drivers, or on top
// of them, once with the plain driver and once through the wrapper, and compares
// test by test: pgx's suite of its database/sql driver, that of
// go-sql-driver/mysql, and that of sqlx on the three engines.
//
// The suites come from the module cache at the time of the test. A copy is
// edited where it opens a database or asks for the inner driver's connection,
// and built once; the environment decides which driver the same binary uses.
// A test that fails plainly may fail wrapped; every other difference fails.
package ownsuites
