// Package leakage measures what the search indexes of a database give away to
// somebody who has the database, a backup of it, or the log of its queries, and
// says it in words.
//
// Everything is computed from what such a person sees: the bytes of index
// columns, the lengths of records, NULLs. No key is used and nothing is opened.
// A report holds counts and shares, never a value, a record or a hash.
//
// Measure reads, Report.Text, Report.HTML and encoding/json print, Report.Advice
// says what could be declared otherwise.
package leakage
