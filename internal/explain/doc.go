// Package explain says in words what the planner decides about a statement:
// what becomes of its text, of every parameter and of every result column, what
// of that the database can see, or why the statement is refused.
//
// A Report is made of sections, of lines with one word for what happens and the
// leaks of that. A kind of use that is planned in another way, like a predicate
// over a search index, is one more section.
//
// Values of the statement are in a Report only if that is asked for (threats
// T12).
package explain
