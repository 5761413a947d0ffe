// Leakage makes a small database of customers in a temporary directory, with a
// search index of every kind over invented data, and writes the page of
// `sealsql leakage` about it:
//
//	go run ./examples/leakage                    # writes leakage.html
//	go run ./examples/leakage -format text -out -
//
// The data are the same at each run. Names are drawn evenly and countries
// unevenly, as they are in a shop's database: the page shows what that makes of
// an index.
package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	_ "github.com/sealsql/sealsql/driver/sqlite"

	"github.com/sealsql/sealsql/config"
	"github.com/sealsql/sealsql/driver/sqlite"
	"github.com/sealsql/sealsql/internal/leakage"
	frontend "github.com/sealsql/sealsql/rewrite/sqlite"
)

func main() {
	format := flag.String("format", "html", "html, text or json")
	out := flag.String("out", "leakage.html", "file to write, - for standard output")
	flag.Parse()
	if err := run(context.Background(), *format, *out); err != nil {
		fmt.Fprintf(os.Stderr, "leakage: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, format, out string) error {
	dir, err := os.MkdirTemp("", "sealsql-leakage-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	r, err := measure(ctx, dir)
	if err != nil {
		return err
	}
	if out == "-" {
		return write(os.Stdout, r, format)
	}
	f, err := os.Create(out)
	if err != nil {
		return err
	}
	if err := write(f, r, format); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

func write(w io.Writer, r *leakage.Report, format string) error {
	switch format {
	case "html":
		return r.HTML(w)
	case "text":
		return r.Text(w)
	case "json":
		return json.NewEncoder(w).Encode(r)
	}
	return fmt.Errorf("unknown format %q: want html, text or json", format)
}

// measure fills a database in dir and measures what it gives away.
func measure(ctx context.Context, dir string) (*leakage.Report, error) {
	dsn := "file:" + filepath.Join(dir, "shop.db")
	cfg, err := fill(ctx, dir, dsn)
	if err != nil {
		return nil, err
	}
	i, err := sqlite.Inspect(ctx, dsn)
	if err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	return leakage.Measure(ctx, leakage.Options{DB: db, Front: frontend.New(), Snapshot: i.Snapshot, Annotations: cfg.Catalog})
}

// fill writes the customers through the encrypting driver.
func fill(ctx context.Context, dir, dsn string) (*config.Config, error) {
	path := filepath.Join(dir, "sealsql.yaml")
	if err := os.WriteFile(path, []byte(configuration), 0o600); err != nil {
		return nil, err
	}
	cfg, err := config.Load(path)
	if err != nil {
		return nil, err
	}
	db, err := sql.Open("encrypted-sqlite", dsn+"?sealsql_config="+path)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	if _, err := db.ExecContext(ctx, table); err != nil {
		return nil, err
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	for _, c := range customers() {
		if _, err := tx.ExecContext(ctx, insert, c...); err != nil {
			tx.Rollback()
			return nil, err
		}
	}
	return cfg, tx.Commit()
}
