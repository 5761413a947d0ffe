package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sealsql/sealsql/config"
	sealdriver "github.com/sealsql/sealsql/driver"
	"github.com/sealsql/sealsql/internal/physical"
	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/schema"
)

// ddlOptions are the flags of sealsql ddl.
type ddlOptions struct {
	config, dialect       string
	schema, db, dbEnv     string
	defaultSchema, server string
	check                 bool
}

func ddlCommand() *cobra.Command {
	var o ddlOptions
	cmd := &cobra.Command{
		Use:   "ddl --dialect DIALECT (--schema FILE | --db DSN)",
		Short: "Print the physical DDL of encrypted columns",
		Long: `With --schema FILE (or - for standard input): reads the CREATE TABLE statements
and the rest of a schema as the application would write it, and prints what to
run in the database: encrypted columns get a type that holds records and a CHECK
that keeps anything else out. Other statements come out unchanged. What cannot be
kept, such as an index over an encrypted column, is an error with its line.

With --db DSN: looks at the catalog of an existing database and prints what is
missing there: columns, types, guards; what must not be there is in comments.

Nothing is executed, and no row is read. A data source name on the command line
is seen by all users of the machine: --db-env takes it from the environment.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.usage(); err != nil {
				return err
			}
			return work(func(cmd *cobra.Command, _ []string) error { return ddl(cmd, o) })(cmd, args)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.config, "config", "", "configuration (default: SEALSQL_CONFIG, else ./sealsql.yaml)")
	f.StringVar(&o.dialect, "dialect", "", "postgres, mysql or sqlite")
	f.StringVar(&o.schema, "schema", "", "script of the logical schema, - for standard input")
	f.StringVar(&o.db, "db", "", "data source name of an existing database")
	f.StringVar(&o.dbEnv, "db-env", "", "environment variable with the data source name")
	f.BoolVar(&o.check, "check", false, "with --db: exit with status 1 if anything is missing")
	f.StringVar(&o.defaultSchema, "default-schema", "", "with --schema: schema (MySQL: database) of unqualified names")
	f.StringVar(&o.server, "server-version", "", "with --schema: version of the MySQL server, as in 8.0.36 or 10.11.6-MariaDB")
	return cmd
}

func (o *ddlOptions) usage() error {
	if engines[o.dialect] == nil {
		return fmt.Errorf("--dialect must be one of %s", strings.Join(dialectNames(), ", "))
	}
	given := 0
	for _, s := range []string{o.schema, o.db, o.dbEnv} {
		if s != "" {
			given++
		}
	}
	if given != 1 {
		return errors.New("exactly one of --schema, --db and --db-env is required")
	}
	if _, err := serverVersion(o.server); err != nil {
		return err
	}
	return nil
}

func ddl(cmd *cobra.Command, o ddlOptions) error {
	cfg, err := configured(cmd, o.config)
	if err != nil {
		return err
	}
	if !typesFit(cmd.ErrOrStderr(), cfg, o.dialect) {
		return errReported
	}
	if o.schema != "" {
		return ddlOfScript(cmd, o, cfg)
	}
	return ddlOfDatabase(cmd, o, cfg)
}

func declarations(cfg *config.Config) rewrite.Declarations {
	return rewrite.Declarations{
		Routines: cfg.Declarations.Routines, Triggers: cfg.Declarations.Triggers, Metastore: cfg.Metastore.Table,
	}
}

func ddlOfScript(cmd *cobra.Command, o ddlOptions, cfg *config.Config) error {
	text, err := readScript(cmd.InOrStdin(), o.schema)
	if err != nil {
		return err
	}
	session, err := serverVersion(o.server)
	if err != nil {
		return err
	}
	// The columns of indexes that are moved belong to sealsql reindex.
	annotations := cfg.Catalog.At(func(schema.Move) schema.Stage { return schema.StageNone })
	out, problems := physical.Script(engines[o.dialect].frontend, annotations, text, physical.Options{
		Schema: o.defaultSchema, Session: session, Declarations: declarations(cfg),
	})
	for _, p := range problems {
		fmt.Fprintf(cmd.ErrOrStderr(), "%s:%s\n", o.schema, compilerStyle(p))
	}
	if len(problems) > 0 {
		fmt.Fprintln(cmd.ErrOrStderr(), counted(len(problems), "error"))
		return errReported
	}
	_, err = io.WriteString(cmd.OutOrStdout(), out)
	return err
}

// compilerStyle puts the hint on a line of its own.
func compilerStyle(p physical.Problem) string {
	hint := p.Hint
	p.Hint = ""
	if hint == "" {
		return p.Error()
	}
	return p.Error() + "\n    " + hint
}

// readScript reads no more than the front ends accept.
func readScript(stdin io.Reader, file string) (string, error) {
	in := stdin
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return "", err
		}
		defer f.Close()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, rewrite.MaxTextBytes+1))
	if err != nil {
		return "", err
	}
	if len(text) > rewrite.MaxTextBytes {
		return "", fmt.Errorf("%s: the script is longer than %d bytes; take the data out of it", file, rewrite.MaxTextBytes)
	}
	return string(text), nil
}

// serverVersion reads "8.0.36" and "10.11.6-MariaDB".
func serverVersion(text string) (rewrite.Session, error) {
	s := rewrite.Session{ModeKnown: true, MariaDB: strings.Contains(strings.ToLower(text), "mariadb")}
	if text == "" {
		return s, nil
	}
	number, _, _ := strings.Cut(text, "-")
	parts := strings.Split(number, ".")
	for len(parts) < 3 {
		parts = append(parts, "0")
	}
	for _, p := range parts {
		n, err := strconv.Atoi(p)
		if err != nil || n < 0 || n > 99 || len(parts) > 3 {
			return s, errors.New("--server-version must look like 8.0.36 or 10.11.6-MariaDB")
		}
		s.Version = s.Version*100 + n
	}
	return s, nil
}

func ddlOfDatabase(cmd *cobra.Command, o ddlOptions, cfg *config.Config) error {
	dsn, err := dataSource(o.db, o.dbEnv)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), databaseTime)
	defer cancel()
	e := engines[o.dialect]
	i, err := e.inspect(ctx, dsn)
	if err != nil {
		return withoutSource(err, dsn)
	}
	report := physical.Compare(e.frontend, database(i), asFound(cfg.Catalog, i.Snapshot), declarations(cfg))
	w := cmd.OutOrStdout()
	if report.Complete() {
		if _, err := fmt.Fprintln(w, "-- Nothing is missing."); err != nil || len(report.Advice) == 0 {
			return err
		}
		_, err := fmt.Fprintf(w, "-- Views that could be searched, if they were made anew by their owner:\n\n%s", report)
		return err
	}
	if _, err := fmt.Fprintf(w, "-- What the database lacks. Nothing has been executed. Run it as the owner of the\n-- tables, not through an encrypting driver, and stop at the first error.\n\n%s", report); err != nil {
		return err
	}
	if o.check {
		return errReported
	}
	return nil
}

func database(i *sealdriver.Inspection) *physical.Database {
	db := &physical.Database{
		Snapshot: i.Snapshot, NoBackslashEscapes: i.Session.Plan.NoBackslashEscapes,
		Comments: i.Comments, Sources: i.Sources, Names: i.Session.Names, Session: i.Session.Plan,
		Views: map[rewrite.RelationID]physical.ViewClauses{},
	}
	for id, c := range i.Views {
		db.Views[id] = physical.ViewClauses(c)
	}
	if path := i.Session.Names.SearchPath; len(path) > 0 {
		db.Schema = path[0]
	}
	return db
}
