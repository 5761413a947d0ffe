package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/sealsql/sealsql/config"
	"github.com/sealsql/sealsql/driver/mysql"
	"github.com/sealsql/sealsql/driver/postgres"
	"github.com/sealsql/sealsql/driver/sqlite"
	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/internal/cli"
)

// openers open the keys of a configuration, by the engine of the key table.
var openers = map[string]func(dsn string, cfg *config.Config) (*envelope.Sealer, error){
	"postgres": postgres.OpenKeys,
	"mysql":    mysql.OpenKeys,
	"sqlite":   sqlite.OpenKeys,
}

type repairOptions struct{ config, dialect, dsnEnv string }

func repairCommand() *cobra.Command {
	var o repairOptions
	cmd := &cobra.Command{
		Use:   "repair",
		Short: "Add regions that system keys are not wrapped in",
		Long:  cli.RepairLong,
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.repair(cmd); err != nil {
				return faultError{err}
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.config, "config", "", "configuration (default: SEALSQL_CONFIG, else ./sealsql.yaml)")
	f.StringVar(&o.dialect, "dialect", "", "postgres, mysql or sqlite: the engine of the key table, where the metastore is sql")
	f.StringVar(&o.dsnEnv, "dsn-env", "", "environment variable with the data source name of the application's database")
	return cmd
}

func (o *repairOptions) repair(cmd *cobra.Command) (err error) {
	path, err := config.Find(o.config)
	if err != nil {
		return err
	}
	cfg, err := load(cmd.ErrOrStderr(), path)
	if err != nil {
		return err
	}
	open := openers[o.dialect]
	if cfg.Metastore.Provider != "sql" {
		open = sqlite.OpenKeys // opens no database
	}
	if open == nil {
		return errors.New("the key table is in a SQL database: --dialect must be postgres, mysql or sqlite")
	}
	dsn := os.Getenv(o.dsnEnv)
	if dsn == "" && cfg.Metastore.Same {
		return errors.New("the key table is in the application's database (sql: same): --dsn-env must name an environment variable with its data source name")
	}
	s, err := open(dsn, cfg)
	if err != nil {
		return fmt.Errorf("open keys: %w", err)
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	whole, err := cli.Repair(cmd.Context(), cmd.OutOrStdout(), s, cfg)
	if err == nil && !whole {
		return errReported
	}
	return err
}
