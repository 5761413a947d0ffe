package cli

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sealsql/sealsql/config"
	sealdriver "github.com/sealsql/sealsql/driver"
)

func indexCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "index",
		Short: "Look after search indexes",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(indexInitCommand())
	return cmd
}

// indexOptions are the flags of sealsql index init.
type indexOptions struct {
	metastoreOptions
	partitions []string
}

func indexInitCommand() *cobra.Command {
	var o indexOptions
	cmd := &cobra.Command{
		Use:   "init --dialect DIALECT --dsn DSN [--partition ID]...",
		Short: "Make the secrets of search indexes where there are none",
		Long: `Makes the secrets from which the keys of search indexes are derived, where
there are none: those of constant partitions, of the partitions given with
--partition, and the one across partitions. Needed once when search is declared
for a partition, or a service, that has keys already; the first key of a new one
brings them along. A secret that exists is never replaced.

Rows that are stored have no index until they are written again.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if engines[o.dialect] == nil {
				return fmt.Errorf("--dialect must be one of %s", strings.Join(dialectNames(), ", "))
			}
			if (o.dsn == "") == (o.dsnEnv == "") {
				return errors.New("one of --dsn and --dsn-env is required")
			}
			return work(func(cmd *cobra.Command, _ []string) error { return indexInit(cmd, o) })(cmd, args)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.config, "config", "", "configuration (default: SEALSQL_CONFIG, else ./sealsql.yaml)")
	f.StringVar(&o.dialect, "dialect", "", "postgres, mysql or sqlite")
	f.StringVar(&o.dsn, "dsn", "", "data source name of the application's database")
	f.StringVar(&o.dsnEnv, "dsn-env", "", "environment variable with the data source name")
	f.StringArrayVar(&o.partitions, "partition", nil, "a partition that has keys and no index secret (repeatable)")
	return cmd
}

func indexInit(cmd *cobra.Command, o indexOptions) error {
	path, err := config.Find(o.config)
	if err != nil {
		return err
	}
	if _, err := load(cmd.ErrOrStderr(), path); err != nil {
		return err
	}
	dsn, err := dataSource(o.dsn, o.dsnEnv)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), databaseTime)
	defer cancel()
	made, err := makeIndexSecrets(ctx, o.dialect, dsn, path, o.partitions)
	if err != nil {
		return withoutSource(err, dsn)
	}
	return printMade(cmd.OutOrStdout(), made)
}

func makeIndexSecrets(ctx context.Context, dialect, dsn, path string, partitions []string) (made []string, err error) {
	// The drivers find the configuration as in an application.
	if err := os.Setenv(config.EnvFile, path); err != nil {
		return nil, err
	}
	db, err := sql.Open("encrypted-"+dialect, dsn)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	opener, ok := db.Driver().(driver.DriverContext)
	if !ok {
		return nil, errors.New("the driver has no connector")
	}
	c, err := opener.OpenConnector(dsn)
	if err != nil {
		return nil, err
	}
	if closer, ok := c.(io.Closer); ok {
		defer func() { err = errors.Join(err, closer.Close()) }()
	}
	x, ok := c.(sealdriver.IndexInitializer)
	if !ok {
		return nil, errors.New("the connector is not sealsql's")
	}
	return x.InitIndexes(ctx, partitions...)
}

func printMade(w io.Writer, made []string) error {
	if len(made) == 0 {
		_, err := fmt.Fprintln(w, "nothing to do: every secret exists")
		return err
	}
	for _, id := range made {
		what := "of partition " + id
		if id == "" {
			what = "across partitions"
		}
		if _, err := fmt.Fprintln(w, "made the index secret "+what); err != nil {
			return err
		}
	}
	return nil
}
