package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// database is one of the three databases.
type database struct {
	title  string
	dsn    string  // of the plain driver
	name   string  // of the database on the server
	dir    string  // of the file, on SQLite
	db     *sql.DB // as the program uses it: plain or encrypting
	config string  // path of sealsql.yaml, "" for the plain database
}

// workspace holds what a run creates.
type workspace struct {
	engine engine
	dir    string
	server string // DSN
	undo   []func() error
}

func newWorkspace(e engine, server string) (*workspace, error) {
	dir, err := os.MkdirTemp("", "sealsql-chinook-")
	if err != nil {
		return nil, err
	}
	w := &workspace{engine: e, dir: dir, server: server}
	w.undo = append(w.undo, func() error { return os.RemoveAll(dir) })
	return w, nil
}

// close removes everything, the last first, and reports the first error.
func (w *workspace) close() error {
	var first error
	for i := len(w.undo) - 1; i >= 0; i-- {
		if err := w.undo[i](); err != nil && first == nil {
			first = err
		}
	}
	w.undo = nil
	return first
}

// create makes an empty database: a file in a directory of its own, or a
// database on the server.
func (w *workspace) create(ctx context.Context, title string) (*database, error) {
	d := &database{title: title}
	if w.engine.createDatabase == "" {
		d.dir = filepath.Join(w.dir, title)
		d.dsn = "file:" + filepath.Join(d.dir, "chinook.db") + "?_pragma=journal_mode(WAL)&_pragma=foreign_keys(1)&_pragma=busy_timeout(5000)"
		return d, os.Mkdir(d.dir, 0o700)
	}
	suffix, err := random(6)
	if err != nil {
		return nil, err
	}
	d.name = "sealsql_chinook_" + title + "_" + suffix
	if d.dsn, err = w.engine.database(w.server, d.name); err != nil {
		return nil, err
	}
	if err := w.admin(ctx, fmt.Sprintf(w.engine.createDatabase, d.name)); err != nil {
		return nil, fmt.Errorf("create database: %w", err)
	}
	w.undo = append(w.undo, func() error {
		return w.admin(context.WithoutCancel(ctx), fmt.Sprintf(w.engine.dropDatabase, d.name))
	})
	return d, nil
}

func (w *workspace) admin(ctx context.Context, statement string) error {
	return execOn(ctx, w.engine.plain, w.server, statement)
}

// execOn runs statements on one connection of its own.
func execOn(ctx context.Context, driver, dsn string, statements ...string) error {
	db, err := sql.Open(driver, dsn)
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	for _, stmt := range statements {
		if _, err := db.ExecContext(ctx, stmt); err != nil {
			return err
		}
	}
	return nil
}

// loadPlain runs the script as it is.
func (w *workspace) loadPlain(ctx context.Context, s script) (*database, error) {
	d, err := w.create(ctx, "plain")
	if err != nil {
		return nil, err
	}
	if err := w.open(d, w.engine.plain, d.dsn); err != nil {
		return nil, err
	}
	if err := execAll(ctx, d.db, s.ddl); err != nil {
		return nil, fmt.Errorf("create the plain tables: %w", err)
	}
	return d, execAll(ctx, d.db, s.data)
}

// loadSealed creates the tables through the plain driver, in their physical
// form, and sends the script's own INSERT statements through the encrypting
// driver.
func (w *workspace) loadSealed(ctx context.Context, s script, title string, partitioned bool) (*database, error) {
	d, err := w.create(ctx, title)
	if err != nil {
		return nil, err
	}
	if err := w.configure(ctx, d, partitioned); err != nil {
		return nil, err
	}
	if err := w.createSealedTables(ctx, d, s.ddl); err != nil {
		return nil, fmt.Errorf("create the encrypted tables: %w", err)
	}
	if err := w.open(d, w.engine.sealed, w.engine.sealedDSN(d.dsn, d.config)); err != nil {
		return nil, err
	}
	return d, execAll(ctx, d.db, s.data)
}

func (w *workspace) open(d *database, driver, dsn string) error {
	db, err := sql.Open(driver, dsn)
	if err != nil {
		return err
	}
	d.db = db
	w.undo = append(w.undo, db.Close)
	return nil
}

// execAll runs statements; an error names the statement by its number, since
// its text holds people's data.
func execAll(ctx context.Context, db *sql.DB, statements []string) error {
	for i, stmt := range statements {
		if _, err := db.ExecContext(ctx, stmt); err != nil {
			verb, _, _ := strings.Cut(stmt, " ")
			return fmt.Errorf("statement %d (%s): %w", i+1, verb, err)
		}
	}
	return nil
}

func random(bytes int) (string, error) {
	b := make([]byte, bytes)
	if _, err := rand.Read(b); err != nil {
		return "", err
	}
	return hex.EncodeToString(b), nil
}
