package cli

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sealsql/sealsql/config"
	sealdriver "github.com/sealsql/sealsql/driver"
	"github.com/sealsql/sealsql/internal/leakage"
)

var leakageFormats = []string{"text", "json", "html"}

// databaseOptions name a database whose rows are read, with its configuration.
type databaseOptions struct {
	config, dialect, db, dbEnv string
	rows                       int
}

func (o *databaseOptions) usage() error {
	if engines[o.dialect] == nil {
		return fmt.Errorf("--dialect must be one of %s", strings.Join(dialectNames(), ", "))
	}
	if (o.db == "") == (o.dbEnv == "") {
		return errors.New("exactly one of --db and --db-env is required")
	}
	if o.rows < 1 {
		return errors.New("--rows must be positive")
	}
	return nil
}

func leakageCommand() *cobra.Command {
	var o databaseOptions
	var format, output string
	cmd := &cobra.Command{
		Use:   "leakage --dialect DIALECT --db DSN [--format text|json|html] [--output FILE]",
		Short: "Say what the search indexes of a database give away",
		Long: `Reads the index columns of a database, and the lengths of its records, and says
for each search index what somebody learns who has the database, a backup of it,
or the log of its queries, and no key. It reads through the plain driver, opens
nothing and writes nothing. Of tables of more than --rows rows a random sample is
read (on PostgreSQL one of whole pages).

The output holds counts and shares, never a value or a hash. --format html is one
page that needs nothing else, for the screen and for paper.

A data source name on the command line is seen by all users of the machine:
--db-env takes it from the environment.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if !slices.Contains(leakageFormats, format) {
				return fmt.Errorf("--format must be one of %s", strings.Join(leakageFormats, ", "))
			}
			if err := o.usage(); err != nil {
				return err
			}
			return work(func(cmd *cobra.Command, _ []string) error { return leak(cmd, o, format, output) })(cmd, args)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.config, "config", "", "configuration (default: SEALSQL_CONFIG, else ./sealsql.yaml)")
	f.StringVar(&o.dialect, "dialect", "", "postgres, mysql or sqlite")
	f.StringVar(&o.db, "db", "", "data source name of the database")
	f.StringVar(&o.dbEnv, "db-env", "", "environment variable with the data source name")
	f.IntVar(&o.rows, "rows", leakage.DefaultRows, "rows that are read of each table at most")
	f.StringVar(&format, "format", leakageFormats[0], strings.Join(leakageFormats, ", "))
	f.StringVar(&output, "output", "", "file to write, instead of standard output")
	return cmd
}

func leak(cmd *cobra.Command, o databaseOptions, format, output string) error {
	cfg, err := configured(cmd, o.config)
	if err != nil {
		return err
	}
	if !typesFit(cmd.ErrOrStderr(), cfg, o.dialect) {
		return errReported
	}
	r, _, err := o.measure(cmd.Context(), cfg)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := writeLeakage(&b, r, format); err != nil {
		return err
	}
	if output != "" {
		return replaceFile(output, b.Bytes())
	}
	_, err = b.WriteTo(cmd.OutOrStdout())
	return err
}

func writeLeakage(w io.Writer, r *leakage.Report, format string) error {
	switch format {
	case "json":
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		e.SetEscapeHTML(false)
		return e.Encode(r)
	case "html":
		return r.HTML(w)
	}
	return r.Text(w)
}

// measure reads the database's catalog, and its tables.
func (o *databaseOptions) measure(ctx context.Context, cfg *config.Config) (*leakage.Report, *sealdriver.Inspection, error) {
	dsn, err := dataSource(o.db, o.dbEnv)
	if err != nil {
		return nil, nil, err
	}
	short, cancel := context.WithTimeout(ctx, databaseTime)
	defer cancel()
	i, err := engines[o.dialect].inspect(short, dsn)
	if err != nil {
		return nil, nil, withoutSource(err, dsn)
	}
	cfg.Catalog = asFound(cfg.Catalog, i.Snapshot)
	db, err := sql.Open(plainDrivers[o.dialect], dsn)
	if err != nil {
		return nil, nil, withoutSource(err, dsn)
	}
	defer db.Close()
	r, err := leakage.Measure(ctx, leakage.Options{
		DB: db, Front: engines[o.dialect].frontend, Snapshot: i.Snapshot, Annotations: cfg.Catalog, Rows: o.rows,
	})
	return r, i, withoutSource(err, dsn)
}
