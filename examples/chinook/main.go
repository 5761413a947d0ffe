// Chinook loads the Chinook sample database (a shop that sells music) three
// times: plain through the plain driver, and twice through the encrypting
// driver, with one partition for all rows and with a partition per row. Names,
// addresses, phones, faxes and e-mails of customers and employees are encrypted.
// It then runs the queries that such a shop runs on all three, compares the
// answers, tries to write past the encrypting driver, and searches the databases'
// files for what must not be there.
//
//	go run ./examples/chinook -data DIR        # -v lists all queries
//	go run ./examples/chinook -data DIR -engine postgres -dsn postgres://…
//	go run ./examples/chinook -data DIR -engine mysql -dsn 'root:…@tcp(…)/'
//
// DIR holds sqlite.sql, postgres.sql and mysql.sql: the scripts of
// github.com/lerocha/chinook-database, version 1.4.5 (MIT licence). They are
// read in place. SQLite works in a temporary directory; on a server the login
// must be allowed to create databases, and what is created is dropped again.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "chinook: %v\n", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("chinook", flag.ExitOnError)
	data := flags.String("data", "", "directory with the Chinook scripts (required)")
	name := flags.String("engine", "sqlite", "sqlite, postgres or mysql")
	dsn := flags.String("dsn", "", "server, in the plain driver's form; not for sqlite")
	verbose := flags.Bool("v", false, "list every query and every write that a guard has stopped")
	if err := flags.Parse(args); err != nil {
		return err
	}
	e, ok := engines[*name]
	if !ok {
		return fmt.Errorf("unknown engine %q: want sqlite, postgres or mysql", *name)
	}
	if *data == "" {
		return fmt.Errorf("-data is missing: the directory with %s", e.script)
	}
	if (*dsn == "") != (e.createDatabase == "") {
		return fmt.Errorf("-dsn names the server for postgres and mysql, and is not for sqlite")
	}
	report, err := demonstrate(ctx, e, *data, *dsn)
	if report != nil {
		report.print(os.Stdout, *verbose)
	}
	return err
}
