module github.com/sealsql/sealsql/internal/gormyardstick

go 1.26.0
