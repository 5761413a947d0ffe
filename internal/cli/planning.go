package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sealsql/sealsql/envelope/builtin"
	"github.com/sealsql/sealsql/internal/offline"
	"github.com/sealsql/sealsql/internal/script"
	"github.com/sealsql/sealsql/rewrite"
)

// planningOptions are the flags of the commands that plan statements: what is
// encrypted, and what is known of the database.
type planningOptions struct {
	config, annotate, dialect string
	db, dbEnv                 string
	schemas                   []string
	infer                     bool
	defaultSchema, server     string
	withPartition             bool
	format                    string
}

// flags adds the flags to a command; formats are those of --format, the first
// one is the default.
func (o *planningOptions) flags(cmd *cobra.Command, formats []string) {
	f := cmd.Flags()
	f.StringVar(&o.config, "config", "", "configuration (default: SEALSQL_CONFIG, else ./sealsql.yaml)")
	f.StringVar(&o.annotate, "annotate", "", "instead of a configuration: table.column[:type],…")
	f.StringVar(&o.dialect, "dialect", "", "postgres, mysql or sqlite")
	f.StringVar(&o.db, "db", "", "data source name of a database whose catalog is read")
	f.StringVar(&o.dbEnv, "db-env", "", "environment variable with the data source name")
	f.StringArrayVar(&o.schemas, "schema", nil, "instead of a database: script that creates its tables (may be given several times)")
	f.BoolVar(&o.infer, "infer-schema", false, "instead of a database: take from each statement which tables and columns there are")
	f.StringVar(&o.defaultSchema, "default-schema", "", "without a database: schema (MySQL: database) of unqualified names")
	f.StringVar(&o.server, "server-version", "", "without a database: version of the MySQL server, as in 8.0.36 or 10.11.6-MariaDB")
	f.BoolVar(&o.withPartition, "with-partition", false, "plan as under sealsql.WithPartition")
	f.StringVar(&o.format, "format", formats[0], strings.Join(formats, ", "))
}

// usage reports what is wrong with the flags. input is the argument that may
// stand for standard input, or empty.
func (o *planningOptions) usage(formats []string, input string) error {
	if engines[o.dialect] == nil {
		return fmt.Errorf("--dialect must be one of %s", strings.Join(dialectNames(), ", "))
	}
	if !slices.Contains(formats, o.format) {
		return fmt.Errorf("--format must be one of %s", strings.Join(formats, ", "))
	}
	if o.config != "" && o.annotate != "" {
		return errors.New("--config and --annotate exclude each other")
	}
	given := 0
	for _, is := range []bool{o.db != "", o.dbEnv != "", len(o.schemas) > 0, o.infer} {
		if is {
			given++
		}
	}
	if inputs := append(slices.Clone(o.schemas), input); slices.Index(inputs, "-") != lastIndex(inputs, "-") {
		return errors.New("standard input can be read once only")
	}
	if given > 1 {
		return errors.New("--db, --db-env, --schema and --infer-schema exclude each other")
	}
	if (o.db != "" || o.dbEnv != "") && (o.defaultSchema != "" || o.server != "") {
		return errors.New("--default-schema and --server-version are for use without a database")
	}
	if _, err := serverVersion(o.server); err != nil {
		return err
	}
	if o.annotate != "" {
		if _, err := offline.ParseAnnotations(o.annotate); err != nil {
			return fmt.Errorf("--annotate: %w", err)
		}
	}
	return nil
}

func lastIndex(list []string, x string) int {
	for i := len(list) - 1; i >= 0; i-- {
		if list[i] == x {
			return i
		}
	}
	return -1
}

func (o *planningOptions) front() rewrite.Frontend { return engines[o.dialect].frontend }

// world reads the configuration and what there is of the database. Remarks go
// to standard error.
func (o *planningOptions) world(cmd *cobra.Command) (*offline.World, error) {
	w := &offline.World{Known: offline.KnownNone, Names: offline.DefaultSchema(o.defaultSchema)}
	var err error
	if w.Annotations, err = o.annotations(cmd); err != nil {
		return nil, err
	}
	if w.Session, err = serverVersion(o.server); err != nil {
		return nil, err
	}
	switch {
	case o.infer:
		w.Known = offline.KnownInferred
	case len(o.schemas) > 0:
		w.Known = offline.KnownSchema
		w.Schema, err = o.readSchemas(cmd, w)
	case o.db != "" || o.dbEnv != "":
		w.Known = offline.KnownDatabase
		err = o.readDatabase(cmd.Context(), w)
	}
	return w, err
}

func (o *planningOptions) annotations(cmd *cobra.Command) (offline.Annotations, error) {
	if o.annotate != "" {
		tables, err := offline.ParseAnnotations(o.annotate)
		return offline.Annotations{Tables: tables, Declarations: rewrite.Declarations{Metastore: builtin.DefaultTable}}, err
	}
	cfg, err := configured(cmd, o.config)
	if err != nil {
		return offline.Annotations{}, err
	}
	if !typesFit(cmd.ErrOrStderr(), cfg, o.dialect) {
		return offline.Annotations{}, errReported
	}
	return offline.Annotations{Tables: cfg.Catalog, Declarations: declarations(cfg)}, nil
}

// readSchemas learns the scripts that create the tables.
func (o *planningOptions) readSchemas(cmd *cobra.Command, w *offline.World) (*offline.Schema, error) {
	var files []*script.File
	for _, name := range o.schemas {
		text, err := readScript(cmd.InOrStdin(), name)
		if err != nil {
			return nil, err
		}
		files = append(files, script.NewFile(name, text))
	}
	s := offline.New(o.front(), w.Session, w.Annotations, o.defaultSchema)
	for _, p := range s.ReadSchema(files) {
		fmt.Fprintf(cmd.ErrOrStderr(), "%s:%d:%d: not understood; what it defines is not known\n", p.File, p.Line, p.Column)
	}
	return s, nil
}

func (o *planningOptions) readDatabase(ctx context.Context, w *offline.World) error {
	dsn, err := dataSource(o.db, o.dbEnv)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, databaseTime)
	defer cancel()
	i, err := engines[o.dialect].inspect(ctx, dsn)
	if err != nil {
		return withoutSource(err, dsn)
	}
	w.Session = i.Session.Plan
	w.Schema = offline.From(o.front(), w.Session, w.Annotations, i.Snapshot, i.Session.Names)
	return nil
}

// write prints with a function that may fail, as the last thing of a command.
func write(w io.Writer, clean bool, print func(io.Writer) error) error {
	if err := print(w); err != nil {
		return err
	}
	if !clean {
		return errReported
	}
	return nil
}
