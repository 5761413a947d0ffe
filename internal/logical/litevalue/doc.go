// Package litevalue is the codec of SQLite as modernc.org/sqlite speaks it.
//
// Call New with the options of the connection string and use the result as a
// logical.Codec.
//
// # What is replicated
//
// SQLite types values, not columns. An argument becomes one of the storage
// classes as the driver binds it (time.Time as text, bool as integer, NaN as
// NULL); then the affinity of the column's declared type converts it
// (sqlite.org/datatype3.html §3); the class that results is the tag of the
// payload:
//
//	INTEGER  TagInt64     REAL  TagFloat64     TEXT  TagText     BLOB  TagBytes
//
// Lengths and precisions in a declaration change nothing: varchar(3) holds any
// text. Affinity follows the words as they are declared: "datetime", "uuid",
// "json", "boolean" and "varbinary(8)" are NUMERIC, so text that reads as a
// number becomes one. The neutral name "bytes" stands for blob.
//
// When read, text in columns declared exactly DATE, DATETIME or TIMESTAMP
// becomes time.Time where it parses, as the driver does it.
//
// Tables declared STRICT, and databases stored as UTF-16, are not replicated:
// there a value may be kept that the plain engine would have refused or
// changed.
//
// # Number conversion
//
// SQLite converts between text and floating point in its own way, not quite
// correctly rounded: it reads at most 19 to 20 significant digits and writes
// 17 after rounding to 18 first. Both ways are replicated for SQLite 3.53 and
// compared with the live engine in the tests.
package litevalue
