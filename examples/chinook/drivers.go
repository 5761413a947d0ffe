package main

// The plain drivers, to compare with, and the encrypting ones.
import (
	_ "github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	_ "github.com/sealsql/sealsql/driver/mysql"
	_ "github.com/sealsql/sealsql/driver/postgres"
	_ "github.com/sealsql/sealsql/driver/sqlite"
)
