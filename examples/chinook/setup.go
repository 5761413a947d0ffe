package main

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"

	"github.com/sealsql/sealsql/envelope/builtin"
)

// configure writes what an operator prepares once: a master key that only this
// user can read (sealsql keys generate), the configuration, and on a server the
// table for wrapped keys (sealsql metastore init; on SQLite the driver makes a
// file beside the database).
func (w *workspace) configure(ctx context.Context, d *database, partitioned bool) error {
	dir := filepath.Join(w.dir, d.title+"-config")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	key := filepath.Join(dir, "master.key")
	if err := builtin.GenerateKeyFile(key); err != nil {
		return err
	}
	d.config = filepath.Join(dir, "sealsql.yaml")
	if err := os.WriteFile(d.config, []byte(w.engine.configuration(key, partitioned)), 0o600); err != nil {
		return err
	}
	if w.engine.metastore == "" {
		return nil
	}
	db, err := sql.Open(w.engine.plain, d.dsn)
	if err != nil {
		return err
	}
	store, err := builtin.OpenSQL(db, w.engine.metastore, builtin.SQLOptions{})
	if err != nil {
		return errors.Join(err, db.Close())
	}
	return errors.Join(store.Init(ctx), store.Close())
}
