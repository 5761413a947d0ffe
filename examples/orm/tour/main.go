package tour

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	_ "github.com/sealsql/sealsql/driver/sqlite" // also registers the plain driver
)

// Main runs an application on SQLite in a temporary directory, prints a table and
// exits with 1 if a step failed.
func Main(name string, app App) { MainOn(Shop, name, app) }

// MainOn does so with another schema.
func MainOn(s Schema, name string, app App) {
	if err := demonstrate(context.Background(), s, name, app); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(1)
	}
}

func demonstrate(ctx context.Context, s Schema, name string, app App) error {
	dir, err := os.MkdirTemp("", name)
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "sealsql.yaml")
	if err := os.WriteFile(file, []byte(s.Config(SQLite)), 0o600); err != nil {
		return err
	}
	data := filepath.Join(dir, "sealed.db")
	plain, err := open(ctx, s, SQLite, SQLite.Plain(), "file:"+filepath.Join(dir, "plain.db")+"?_pragma=foreign_keys(1)")
	if err != nil {
		return err
	}
	defer plain.Close()
	sealed, err := open(ctx, s, SQLite, SQLite.Sealed(), "file:"+data+"?_pragma=foreign_keys(1)&sealsql_config="+file)
	if err != nil {
		return err
	}
	defer sealed.Close()
	lines, err := Run(ctx, app, SQLite, plain, sealed)
	if err != nil {
		return err
	}
	fmt.Printf("%s on %s and on sqlite, step by step:\n", name, SQLite.Sealed())
	Print(os.Stdout, lines)
	if err := Failed(lines); err != nil {
		return err
	}
	raw, err := os.ReadFile(data)
	if err != nil {
		return err
	}
	for _, w := range s.Words {
		if strings.Contains(string(raw), w) {
			return fmt.Errorf("%q is in the database's file", w)
		}
	}
	fmt.Printf("%d steps came to the same; none of %d words is in the database's file of %d bytes\n", len(lines), len(s.Words), len(raw))
	return nil
}

func open(ctx context.Context, s Schema, e Engine, driver, dsn string) (*sql.DB, error) {
	db, err := sql.Open(driver, dsn)
	if err != nil {
		return nil, err
	}
	if err := s.Create(ctx, db, e); err != nil {
		db.Close()
		return nil, err
	}
	return db, nil
}
