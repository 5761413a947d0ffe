// Package killtest holds tests that kill processes (SIGKILL) and look at what is
// left: the command `sealsql` while it moves indexes, re-wraps, rotates, revokes
// and destroys keys, and programs that write meanwhile, in their first use of keys
// too. It has no code of its own.
//
// Programs write down in a journal, in a file, what they are about to do and what
// the database acknowledged. After each kill that was chosen for it everybody is
// killed, and the database is compared with the journals: every row has the value
// that was acknowledged (or one that was under way), every index finds exactly its
// rows, keys open, no plaintext is in the files.
//
// Processes are killed after a time, before or after a message to the server was
// forwarded, when its answer came (PostgreSQL, MySQL: a relay between them counts
// messages), before a row is changed or a transaction committed (SQLite, by its
// hooks). All of it is drawn from a seed that is printed: SEALSQL_KILLTEST_SEED
// takes another, SEALSQL_KILLTEST_TIME is how long each test goes on under
// SEALSQL_LONG=1 (two minutes if not set). A seed repeats what is drawn, not how
// processes interleave.
package killtest
