// Package offline answers what names mean to a statement where there is no
// database to ask: from a script that creates the tables, or from the statement
// itself.
//
// What it answers is for tools that look at statements before they run. It
// knows less than a connected driver does, so a statement that is planned here
// can still be refused there; package comments of the two kinds of catalog say
// when. Nothing of it may ever authorise sending a statement.
package offline
