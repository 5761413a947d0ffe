// Package physical derives the physical schema of encrypted columns: what a
// database holds where the application speaks of text, numbers and dates.
//
// Script turns a script of logical DDL into what a DBA runs through the plain
// driver. Compare looks at an existing database and says what it lacks. Both
// print; neither connects to anything, and neither moves a value: columns that
// hold plaintext are made to fail, not converted.
//
// The statements that the encrypting drivers send for CREATE TABLE come from
// the same planner (package rewrite), so a table is the same whichever way it
// was made.
package physical
