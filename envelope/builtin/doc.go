// Package builtin holds the key management services and metastores that every
// program has: master keys from an environment variable, a file or (for tests)
// the configuration itself, and metastores in memory and in a SQL database.
//
// Importing it registers the services "env", "file" and "static" and the
// metastore "memory". The SQL metastore is opened with [OpenSQL] on a *sql.DB
// of the caller's: no database driver is imported here.
package builtin
