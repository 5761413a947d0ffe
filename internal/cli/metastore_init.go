package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sealsql/sealsql/config"
)

func metastoreCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "metastore",
		Short: "Look after the table of wrapped keys",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(metastoreInitCommand())
	return cmd
}

// metastoreOptions are the flags of sealsql metastore init.
type metastoreOptions struct {
	config, dialect, dsn, dsnEnv string
}

func metastoreInitCommand() *cobra.Command {
	var o metastoreOptions
	cmd := &cobra.Command{
		Use:   "init --dialect DIALECT [--dsn DSN]",
		Short: "Create the key table",
		Long: `Creates the table of wrapped keys that the configuration names (metastore: sql)
if it does not exist, and prints the grants that the application's role needs.

--dsn names the application's database, for "sql: same". On SQLite the table is
in a file beside the database, created with access for its owner only. It is not
needed where the configuration names another database itself.

A data source name on the command line is seen by all users of the machine:
--dsn-env takes it from the environment.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if engines[o.dialect] == nil {
				return fmt.Errorf("--dialect must be one of %s", strings.Join(dialectNames(), ", "))
			}
			if o.dsn != "" && o.dsnEnv != "" {
				return errors.New("--dsn and --dsn-env exclude each other")
			}
			return work(func(cmd *cobra.Command, _ []string) error { return metastoreInit(cmd, o) })(cmd, args)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.config, "config", "", "configuration (default: SEALSQL_CONFIG, else ./sealsql.yaml)")
	f.StringVar(&o.dialect, "dialect", "", "postgres, mysql or sqlite")
	f.StringVar(&o.dsn, "dsn", "", "data source name of the application's database")
	f.StringVar(&o.dsnEnv, "dsn-env", "", "environment variable with the data source name")
	return cmd
}

func metastoreInit(cmd *cobra.Command, o metastoreOptions) error {
	cfg, err := configured(cmd, o.config)
	if err != nil {
		return err
	}
	m := cfg.Metastore
	if m.Provider != "sql" {
		return fmt.Errorf("the metastore is %s, which has no table; write metastore: {sql: same}", m.Provider)
	}
	dsn, err := metastoreSource(o, m)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), databaseTime)
	defer cancel()
	file, err := engines[o.dialect].initKeys(ctx, dsn, m)
	if err != nil {
		return withoutSource(withoutSource(err, dsn), secondSource(m))
	}
	_, err = fmt.Fprint(cmd.OutOrStdout(), grants(o.dialect, m.Table, file))
	return err
}

// metastoreSource is the application's database, needed only where the key
// table is in it.
func metastoreSource(o metastoreOptions, m config.Metastore) (string, error) {
	if !m.Same {
		return "", nil
	}
	dsn, err := dataSource(o.dsn, o.dsnEnv)
	if err == nil && dsn == "" {
		err = errors.New("the key table is in the application's database (sql: same): name it with --dsn or --dsn-env")
	}
	return dsn, err
}
