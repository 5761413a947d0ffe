package main

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"github.com/sealsql/sealsql/config"
	"github.com/sealsql/sealsql/internal/physical"
)

// physicalDDL is what `sealsql ddl --schema` prints for the script's
// definitions: encrypted columns get a type that holds records, and a guard.
// All else comes back as it is. A DBA runs it once.
func (e engine) physicalDDL(configFile string, ddl []string) ([]string, error) {
	cfg, err := config.Load(configFile)
	if err != nil {
		return nil, err
	}
	text, problems := physical.Script(e.front, cfg.Catalog, strings.Join(ddl, ";\n"), physical.Options{})
	if len(problems) > 0 {
		all := make([]error, len(problems))
		for i, p := range problems {
			all[i] = p
		}
		return nil, errors.Join(all...)
	}
	return split(text, e.backslash), nil
}

func (w *workspace) createSealedTables(ctx context.Context, d *database, ddl []string) error {
	statements, err := w.engine.physicalDDL(d.config, ddl)
	if err != nil {
		return err
	}
	db, err := sql.Open(w.engine.plain, d.dsn)
	if err != nil {
		return err
	}
	defer db.Close()
	return execAll(ctx, db, statements)
}
