// Package sqlite3 stands for the SQLite driver in C that gorm.io/driver/sqlite
// imports and that nothing here opens, so that nobody needs a C compiler.
package sqlite3
