package main

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
)

// canaries are what to search files for.
type canaries struct {
	secret []string // written to encrypted columns only
	open   []string // written to clear columns: they prove that the search can see
}

// finding is the result of searching a database's files.
type finding struct {
	what   string
	secret []string // files that hold an encrypted value in clear: none
	open   int      // files that hold a clear value: at least one, or the search is blind
	files  int
	bytes  int64
}

// err says what is wrong with a finding.
func (f *finding) err() error {
	switch {
	case len(f.secret) > 0:
		return fmt.Errorf("%s: an encrypted value lies in clear in %v", f.what, f.secret)
	case f.open == 0:
		return fmt.Errorf("%s: the search does not even find a clear value", f.what)
	}
	return nil
}

// searchEverything looks for the marks of this run in every file: on SQLite the
// database, its log and its key table; on a server the whole data directory
// with all logs. It returns nil where the server's files are out of reach.
func (w *workspace) searchEverything(ctx context.Context, d *database, m marks) (*finding, error) {
	dir, err := w.files(ctx, d)
	if dir == "" || err != nil {
		return nil, err
	}
	return searchFiles("values of this run, in all files", dir, canaries{secret: []string{m.secret}, open: []string{m.open}})
}

// searchOwn looks for the sample's own addresses, phones, faxes and e-mails in
// the files of this database alone: the server's logs also hold what was
// written to the plain one.
func (w *workspace) searchOwn(ctx context.Context, d, plain *database) (*finding, error) {
	dir, err := w.files(ctx, d)
	if dir == "" || err != nil {
		return nil, err
	}
	if d.dir == "" {
		if dir, err = w.engine.ownDir(ctx, d, dir); err != nil {
			return nil, err
		}
	}
	c, err := w.sampleCanaries(ctx, plain)
	if err != nil {
		return nil, err
	}
	return searchFiles(fmt.Sprintf("%d values of the sample, in its own files", len(c.secret)), dir, c)
}

// files returns the directory of the database or of its server, with
// everything written to it; "" where it is out of reach.
func (w *workspace) files(ctx context.Context, d *database) (string, error) {
	if d.dir != "" {
		return d.dir, nil
	}
	dir := os.Getenv(w.engine.dataDir)
	if dir == "" {
		return "", nil
	}
	if err := execOn(ctx, w.engine.plain, d.dsn, w.engine.flush...); err != nil {
		return "", fmt.Errorf("flush: %w", err)
	}
	return dir, nil
}

// shortest keeps out values that could stand in a file by chance.
const shortest = 8

func (w *workspace) sampleCanaries(ctx context.Context, plain *database) (canaries, error) {
	var c canaries
	for _, name := range []string{"Address", "Phone", "Fax", "Email"} {
		for _, table := range []string{"Customer", "Employee"} {
			values, err := w.column(ctx, plain.db, name, table)
			if err != nil {
				return c, err
			}
			c.secret = append(c.secret, values...)
		}
	}
	var err error
	c.open, err = w.column(ctx, plain.db, "Company", "Customer")
	return c, err
}

func (w *workspace) column(ctx context.Context, db *sql.DB, name, table string) ([]string, error) {
	rows, err := db.QueryContext(ctx, w.engine.spell("SELECT "+name+" FROM "+table+" WHERE "+name+" IS NOT NULL"))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var values []string
	for rows.Next() {
		var v string
		if err := rows.Scan(&v); err != nil {
			return nil, err
		}
		if len(v) >= shortest {
			values = append(values, v)
		}
	}
	return values, rows.Err()
}

func searchFiles(what, dir string, c canaries) (*finding, error) {
	f := &finding{what: what}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			err = f.add(path, c)
		}
		if errors.Is(err, fs.ErrNotExist) && path != dir {
			return nil // a server removes files as it runs
		}
		return err
	})
	return f, err
}

func (f *finding) add(path string, c canaries) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	f.files++
	f.bytes += int64(len(content))
	if holdsAny(content, c.secret) {
		f.secret = append(f.secret, path)
	}
	if holdsAny(content, c.open) {
		f.open++
	}
	return nil
}

func holdsAny(content []byte, values []string) bool {
	for _, v := range values {
		if bytes.Contains(content, []byte(v)) {
			return true
		}
	}
	return false
}

// postgresDir and mysqlDir find a database's directory in the server's.
func postgresDir(ctx context.Context, d *database, dataDir string) (string, error) {
	var oid int64
	err := d.db.QueryRowContext(ctx, "SELECT oid::bigint FROM pg_database WHERE datname = $1", d.name).Scan(&oid)
	return filepath.Join(dataDir, "base", strconv.FormatInt(oid, 10)), err
}

func mysqlDir(_ context.Context, d *database, dataDir string) (string, error) {
	return filepath.Join(dataDir, d.name), nil
}
