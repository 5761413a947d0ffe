// Package sqlite is the front end of the rewriter for SQLite.
//
// [New] returns it. It reads a text with github.com/sqlc-dev/meyer, whose
// grammar is SQLite's own parse.y and whose nodes carry exact byte ranges, and
// lowers the result to the statement tree of package rewrite.
//
// # What is kept and what is not
//
// Two texts that differ in meaning lower to different trees: what has no place
// of its own in the tree is written into an Attr. Blanks, comments,
// parentheses around one expression, and words that SQLite itself drops (AS
// before an alias, OUTER behind LEFT, INNER before JOIN, the semicolon) are
// not kept. The Attr of an [rewrite.Other] holds the statement's tokens and
// must never be shown: it may hold literals (threats T12).
//
// # Parameters
//
// A parameter's ordinal is that of the caller's argument to which
// modernc.org/sqlite binds it. That is SQLite's own number
// (sqlite3ExprAssignVarNumber) with three additions of the driver:
//
//   - $7 takes the seventh argument whatever number SQLite gave it, and has
//     therefore no Name here;
//   - :a, @a and $a are three parameters to SQLite and one argument to the
//     driver, so all three have the ordinal of the first;
//   - ?1 behind :a is the parameter that SQLite already called ":a" and is
//     bound by that name.
//
// In a text of several statements each statement is numbered from 1 and bound
// from the same list of arguments, so that the ? of "SELECT ?; SELECT ?" is
// the first argument twice. Script.Params is the highest ordinal of all.
// Named parameters whose ordinals would contradict each other between the
// statements set Script.NoEdit.
//
// # Names and strings
//
// SQLite takes "x" for a string when no column is called x. In the rows of an
// INSERT, where there is no column, it is lowered as that string; elsewhere as
// a quoted column name, and the planner refuses one that does not resolve.
// 'x' where a name must stand is that name. The unquoted words TRUE and FALSE
// in an expression are Boolean literals, although SQLite prefers a column of
// that name where there is one: an annotated column must not be called so.
package sqlite
