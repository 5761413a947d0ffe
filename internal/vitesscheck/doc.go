// Package vitesscheck runs encrypted-mysql behind vtgate: Vitess's vtcombo, which
// is built from source, beside a MariaDB. Vitess does not support MariaDB, so that
// this says what vtgate makes of our statements and of the protocol, and nothing
// of MySQL behind it. `make test-vitess` runs it; the module is one of its own,
// since Vitess brings 270 others and takes minutes to compile.
package vitesscheck
