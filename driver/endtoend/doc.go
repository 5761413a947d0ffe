// Package endtoend holds tests that run one program twice: on plain tables
// through the plain driver, and on encrypted tables through the encrypted one.
// What the program sees must not differ. It has no code of its own.
//
// SQLite always runs; PostgreSQL and MariaDB run where internal/testenv finds
// a server.
package endtoend
