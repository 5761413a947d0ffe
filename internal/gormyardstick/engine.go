package main

import "fmt"

// engine is one database and what differs in its use.
type engine struct {
	name, plain string
	server      bool
	admin       string // environment variable with a data source name that may create databases
	collation   string
}

func engineOf(name string) (engine, error) {
	switch name {
	case "postgres":
		return engine{name, "pgx", true, "TEST_POSTGRES_DSN", ""}, nil
	case "mysql":
		return engine{name, "mysql", true, "TEST_MYSQL_DSN", "ci_ai"}, nil
	case "sqlite":
		return engine{name: name, plain: "sqlite"}, nil
	}
	return engine{}, fmt.Errorf("no engine %q", name)
}

// database is the name of the private database of a run.
func (e engine) database(driver string) string {
	if driver == e.plain {
		return "gorm_yardstick_plain"
	}
	return "gorm_yardstick_sealed"
}
