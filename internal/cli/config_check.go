package cli

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/sealsql/sealsql/config"
	"github.com/sealsql/sealsql/internal/explain"
	"github.com/sealsql/sealsql/internal/leakage"
	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/internal/order"
	"github.com/sealsql/sealsql/schema"
)

func configCheckCommand() *cobra.Command {
	var dialect string
	var o databaseOptions
	cmd := &cobra.Command{
		Use:   "check [FILE]",
		Short: "Check a configuration and say what it protects",
		Long: `Checks a configuration and prints what it encrypts, under which keys, and what
stays visible. FILE defaults to the file that the drivers would use: the one
named by SEALSQL_CONFIG, else ./sealsql.yaml. Nothing is opened but the file.

With --dialect the column types are checked against that engine.

With --db a database is looked at as well: whether it has the carriers, guards and
index columns, whether declared views are what it has, whether rows lack their index, and, from the index columns of a
bounded number of rows, whether an index gives much away and what could be declared
instead. No key is used and nothing is opened. Exit status 1 if the database lacks
something; advice alone is 0.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if _, known := dialects[dialect]; dialect != "" && !known {
				return fmt.Errorf("--dialect must be one of %s", strings.Join(dialectNames(), ", "))
			}
			db := o.db != "" || o.dbEnv != ""
			if o.dialect = dialect; db {
				if err := o.usage(); err != nil {
					return err
				}
			}
			explicit := ""
			if len(args) == 1 {
				explicit = args[0]
			}
			return work(func(cmd *cobra.Command, _ []string) error { return check(cmd, explicit, dialect, o, db) })(cmd, args)
		},
	}
	f := cmd.Flags()
	f.StringVar(&dialect, "dialect", "", "check types against postgres, mysql or sqlite")
	f.StringVar(&o.db, "db", "", "data source name of a database to look at")
	f.StringVar(&o.dbEnv, "db-env", "", "environment variable with the data source name")
	f.IntVar(&o.rows, "rows", leakage.DefaultRows, "with --db: rows that are read of each table at most")
	return cmd
}

func check(cmd *cobra.Command, explicit, dialect string, o databaseOptions, db bool) error {
	c, err := configured(cmd, explicit)
	if err != nil {
		return err
	}
	if dialect != "" && !typesFit(cmd.ErrOrStderr(), c, dialect) {
		return errReported
	}
	if err := summarize(cmd.OutOrStdout(), c); err != nil || !db {
		return err
	}
	clean, err := checkDatabase(cmd, o, c)
	if err == nil && !clean {
		err = errReported
	}
	return err
}

func summarize(w io.Writer, c *config.Config) error {
	tables := c.Catalog.Tables()
	columns := 0
	for _, t := range tables {
		columns += len(t.Columns)
	}
	fmt.Fprintf(w, "OK: %s, %s encrypted\n", counted(len(tables), "table"), counted(columns, "column"))
	fmt.Fprintf(w, "service %s, product %s\n", c.Service, c.Product)
	fmt.Fprintf(w, "master key: %s; wrapped keys: %s\n", c.KMS.Provider, metastoreText(c))
	fmt.Fprintf(w, "keys: %s\n", lifeText(&c.Policy))
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, t := range tables {
		fmt.Fprintf(tw, "\n%s: %s\n", t, partitionText(t))
		for _, col := range t.Columns {
			fmt.Fprintf(tw, "  %s\t%s\t%s\tshows %s%s\n", col.Name, col.Type, c.Algorithm, visible(col), idText(col))
			for _, x := range col.Indexes() {
				if _, compound := x.(*schema.Compound); !compound {
					fmt.Fprintf(tw, "    %s\t\tsearch\tshows %s\n", x.Physical(), explain.Words(explain.Searchable(x)))
				}
			}
		}
		for _, x := range t.Compounds {
			fmt.Fprintf(tw, "  index %s\tshows which rows are equal in all of these columns\n", x)
		}
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	summarizeViews(w, c.Catalog)
	for _, warning := range warnings(c) {
		fmt.Fprintf(w, "\nwarning: %s\n", warning)
	}
	return nil
}

// lifeText says how long keys are used.
func lifeText(p *config.Policy) string {
	text := fmt.Sprintf("replaced after %s, looked up again after %s, sealing %s without an answer", span(p.ExpireAfter), span(p.RevokeCheck), span(p.MaxStale))
	if p.RotateAhead > 0 {
		text += fmt.Sprintf("; the system key is replaced %s ahead", span(p.RotateAhead))
	}
	if !p.NotBefore.IsZero() {
		text += "; none from before " + p.NotBefore.UTC().Format(time.RFC3339) + " seals"
	}
	return text
}

// span writes a length of time as the configuration does.
func span(d time.Duration) string {
	const day = 24 * time.Hour
	if d >= day && d%day == 0 {
		return fmt.Sprintf("%dd", d/day)
	}
	text := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, zero) {
			text = strings.TrimSuffix(text, zero[1:])
		}
	}
	return text
}

func metastoreText(c *config.Config) string {
	switch {
	case c.Metastore.Provider != "sql":
		return c.Metastore.Provider
	case c.Metastore.Same:
		return "table " + c.Metastore.Table + " of the same database (on SQLite a file beside it)"
	}
	return "table " + c.Metastore.Table + " of another database"
}

func partitionText(t *schema.Table) string {
	text := ""
	switch p := t.Partition; p.Kind {
	case schema.PartitionConst:
		text = fmt.Sprintf("one key for all rows (partition %q)", p.Const)
	case schema.PartitionContext:
		text = "a key for each partition given by sealsql.WithPartition"
	case schema.PartitionColumn:
		text = fmt.Sprintf("a key for each value of %s (%s)", p.Column, p.Type)
	}
	if t.Relaxed {
		text += ", not checked on reading"
	}
	return text
}

// visible says what someone who sees the database learns of a value from its
// record.
func visible(c *schema.Column) string {
	switch c.Type.Kind {
	case schema.KindInt, schema.KindFloat, schema.KindBool, schema.KindUUID:
		return "only whether it is NULL"
	}
	switch {
	case c.Sealing.Pad != 0:
		return "its padded length and whether it is NULL"
	case c.Sealing.Compress > 0:
		return "its length when it is compressed and whether it is NULL"
	}
	return "its length and whether it is NULL"
}

// idText mentions an id that is not the one every column has.
func idText(c *schema.Column) string {
	text := ""
	switch c.Carrier {
	case schema.CarrierText:
		text += "; in a text column"
	case schema.CarrierAsherah:
		text += "; in Asherah's format"
	}
	if !schema.EqualNames(c.ID, c.Table.Name+"."+c.Name) {
		text += "; id " + c.ID
	}
	return text
}

func warnings(c *config.Config) []string {
	var out []string
	if c.KMS.Provider == "static" {
		out = append(out, "the master key is in the configuration: for tests only")
	}
	if c.Metastore.Provider == "memory" {
		out = append(out, "the keys are kept in memory: what is stored cannot be read after the program ends")
	}
	for _, t := range c.Catalog.Tables() {
		for _, c := range t.Columns {
			if c.Carrier == schema.CarrierAsherah {
				out = append(out, fmt.Sprintf("%s: in Asherah's format nothing binds a value to its row and column: who can write to the database can put any value of a partition in its place, unnoticed", c))
			}
		}
		out = append(out, orderLeaks(t)...)
		if t.Relaxed {
			out = append(out, fmt.Sprintf("%s: partition_check is relaxed: who can write to the database can show a value of one partition in another", t))
		}
	}
	if c.CatalogMode == "none" {
		out = append(out, "catalog.read is none: views, triggers and routines of the database are not seen; tables that are neither in tables nor in clear_tables are refused")
	}
	return out
}

// orderLeaks says what the indexes of a table that reveal the order tell.
func orderLeaks(t *schema.Table) []string {
	var out []string
	for _, c := range t.Columns {
		if r := c.Range; r != nil && r.Order == schema.OrderRevealing {
			within := " within each partition"
			if r.TableScope || t.Partition.Kind == schema.PartitionConst {
				within = ""
			}
			out = append(out, fmt.Sprintf("%s: order: revealing. Who sees the database or a backup learns%s the order of all values, which are equal, and about how far they are apart; where the distribution of the values is known (ages, dates of birth, salaries), that gives away many of them", c, within))
		}
	}
	return out
}

// typesFit checks every type against the engine and reports those that it does
// not have.
func typesFit(stderr io.Writer, c *config.Config, dialect string) bool {
	fit := true
	report := func(place string, t schema.Type) {
		err := dialects[dialect](&t)
		if err == nil {
			return
		}
		fit = false
		fmt.Fprintf(stderr, "%s: %s: %s\n", c.File, place, problemOf(err))
	}
	for _, t := range c.Catalog.Tables() {
		if t.Partition.Kind == schema.PartitionColumn {
			report("tables."+t.String()+".partition.type", t.Partition.Type)
		}
		for _, col := range t.Columns {
			report("tables."+t.String()+".columns."+col.Name+".type", col.Type)
			if r := col.Range; r == nil {
				continue
			} else if _, err := order.New(dialect, col.Type, r.Prefix, r.RefuseLonger); err != nil {
				fit = false
				fmt.Fprintf(stderr, "%s: tables.%s.columns.%s.search.range: %s\n", c.File, t, col.Name, problemOf(err))
			}
		}
	}
	return fit
}

func dialectNames() []string {
	var names []string
	for name := range dialects {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// problemOf words a codec's error for the configuration.
func problemOf(err error) string {
	var typed *logical.TypeError
	if errors.As(err, &typed) {
		return typed.Type + ": " + typed.Problem
	}
	return err.Error()
}
