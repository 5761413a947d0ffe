// Package order turns values into bytes that sort as the values do, and those
// into what an index for ranges stores.
//
// There are three steps, and a caller needs the first and one of the others:
//
//   - New makes the Encoding of a column on one engine, and Encoding.Append the
//     bytes of a value: of one size for a column, equal exactly if the engine
//     finds the values equal, and in memcmp order exactly if it finds one
//     smaller than the other. They are as secret as the value.
//   - Reveal encrypts the bytes so that their order stays (order: revealing).
//     Whoever sees two results learns which value is smaller and how many bits
//     the values share from the left.
//   - Levels and Cover name nodes of a tree over the bytes: those above one
//     value, and those that make up a range. A value is in the range exactly if
//     one of its nodes is in the cover. Their keyed hashes show no order.
//
// # What is compared
//
// A value that is compared with a column need not be one that the column can
// hold: 17.5 beside an integer, a number past the column's range. Append then
// returns the nearest value below, or the end of the range, and says so by a
// Place.
//
//	engine      integer  numeric(p,s)  float    date   time   timestamp  text, bytes
//	PostgreSQL  2, 4, 8  1 to 50       8        4      5      8          prefix + 1
//	MySQL       1 to 8   1 to 28       8        4      6      8          prefix + 1
//	SQLite      8        10            8        as text, prefix + 1
//
// The sizes are in bytes. Texts compare by their bytes, as under the collation
// "C" of PostgreSQL, a binary collation without padding on MySQL and SQLite's
// BINARY. Of longer texts only the prefix is looked at: two that share it are
// encoded alike.
package order
