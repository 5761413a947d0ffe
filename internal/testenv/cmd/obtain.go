package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	_ "github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/sealsql/sealsql/internal/testenv"
)

// readyTimeout is how long a server may take from its start to its first answer.
const readyTimeout = time.Minute

// engine is one of the servers that tests need, as a row of a table.
type engine struct {
	name               string
	envDSN, envDataDir string
	driver             string // database/sql's name of the plain driver
	service            string // in docker-compose.yml
	packages           []string
	// find returns the programs, or what was looked for in vain.
	find  func() (programs, error)
	start func(*host, programs) (server, error)
	// containerDSN is the login of the service in docker-compose.yml.
	containerDSN func(port int) string
	envPort      string // read by docker-compose.yml
	// obtain installs packages so that find succeeds; nil is apt-get.
	obtain func(packages ...string) error
	// accept says the version of a server that answers, or why it does not do;
	// nil accepts all.
	accept func(context.Context, *sql.DB) (string, error)
}

// server is a server that answers.
type server struct {
	dsn     string
	dataDir string // "" where the files cannot be read from here
	origin  string // for the reader
}

func (h *host) engines() []engine {
	if h.newest {
		return newestEngines(h)
	}
	return []engine{postgres(), mariadb()}
}

// obtain tries the ways in order. A way that is not open falls through with a
// reason; one that is open and fails ends the run, except Docker, whose images
// may be out of reach.
func (h *host) obtain(e engine) (server, error) {
	if dsn := os.Getenv(e.envDSN); dsn != "" {
		s := server{dsn: dsn, dataDir: os.Getenv(e.envDataDir), origin: "as " + e.envDSN + " says"}
		if err := h.awaitReady(e, dsn, nil); err != nil {
			return server{}, fmt.Errorf("%s: the server that %s names does not answer: %w", e.name, e.envDSN, err)
		}
		return s, nil
	}
	tried := []string{e.envDSN + " is not set"}
	s, err := h.container(e)
	if err == nil {
		return s, nil
	}
	tried = append(tried, err.Error())
	found, err := e.find()
	if err != nil {
		tried = append(tried, err.Error())
		install := e.obtain
		if install == nil {
			install = h.install
		}
		if installErr := install(e.packages...); installErr != nil {
			return server{}, e.unobtainable(append(tried, installErr.Error()))
		}
		if found, err = e.find(); err != nil {
			return server{}, e.unobtainable(append(tried, "after installing: "+err.Error()))
		}
	}
	if h.ctx.Err() != nil {
		return server{}, errInterrupted
	}
	return e.start(h, found)
}

// unobtainable tells what was tried and what the reader can do.
func (e engine) unobtainable(tried []string) error {
	return fmt.Errorf("no %s: %s. Do one of: sudo apt-get install %s | start Docker | set %s",
		e.name, strings.Join(tried, "; "), strings.Join(e.packages, " "), e.envDSN)
}

// accepted asks a server what it is, where that matters.
func (h *host) accepted(e engine, s server) (server, error) {
	if e.accept == nil {
		return s, nil
	}
	db, err := sql.Open(e.driver, s.dsn)
	if err != nil {
		return server{}, errors.New("the DSN does not parse") // the cause may quote it
	}
	defer db.Close()
	text, err := e.accept(h.ctx, db)
	if err != nil {
		return server{}, fmt.Errorf("%s: %s: %w", e.name, s.origin, err)
	}
	s.origin += ", version " + text
	return s, nil
}

// awaitReady pings until the server answers, it is known to have exited, or the
// time is up.
func (h *host) awaitReady(e engine, dsn string, exited <-chan struct{}) error {
	db, err := sql.Open(e.driver, dsn)
	if err != nil {
		return errors.New("the DSN does not parse") // the cause may quote it
	}
	defer db.Close()
	ctx, cancel := context.WithTimeout(h.ctx, readyTimeout)
	defer cancel()
	for {
		err := db.PingContext(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-exited:
			return errors.New("it exited")
		case <-ctx.Done():
			if h.ctx.Err() != nil {
				return errInterrupted
			}
			return fmt.Errorf("no answer within %v: %w", readyTimeout, err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func postgres() engine {
	return engine{
		name: "PostgreSQL", envDSN: testenv.EnvPostgresDSN, envDataDir: testenv.EnvPostgresDataDir,
		driver: "pgx", service: "postgres", packages: []string{"postgresql"},
		find: findPostgres, start: (*host).startPostgres, envPort: "SEALSQL_POSTGRES_PORT",
		containerDSN: func(port int) string {
			return fmt.Sprintf("postgres://postgres:sealsql@127.0.0.1:%d/postgres?sslmode=disable", port)
		},
	}
}

func mariadb() engine {
	return engine{
		name: "MariaDB", envDSN: testenv.EnvMySQLDSN, envDataDir: testenv.EnvMySQLDataDir,
		driver: "mysql", service: "mariadb", packages: []string{"mariadb-server-core", "mariadb-client"},
		find: findMariaDB, start: (*host).startMariaDB, envPort: "SEALSQL_MARIADB_PORT",
		containerDSN: func(port int) string {
			return fmt.Sprintf("root:sealsql@tcp(127.0.0.1:%d)/", port)
		},
	}
}
