package cli

import (
	"io"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/sealsql/sealsql/internal/lint"
	"github.com/sealsql/sealsql/rewrite"
)

var lintFormats = []string{"text", "json", "sarif"}

func lintCommand() *cobra.Command {
	var o planningOptions
	var tests bool
	cmd := &cobra.Command{
		Use:   "lint --dialect DIALECT PATH…",
		Short: "Find the statements that the driver would refuse",
		Long: `Reads SQL scripts and query files of sqlc (.sql), Go source (.go) and lines of
JSON with the members "sql" and "dialect" (.jsonl, .ndjson), plans every statement
in them and reports those that are refused, with their place and what to write
instead. Directories are walked. Of Go, the constant texts are read that are
passed to the functions of database/sql, sqlx and pgx; texts that are put together
at run time are counted, not checked. No value of a statement is printed.

What names mean is read from --db or --schema, or taken from the statements with
--infer-schema; without these only the tables of the configuration are known.

Exit status: 0 if nothing is refused, 1 if something is or cannot be read.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.usage(lintFormats, ""); err != nil {
				return err
			}
			files, err := lint.Find(args, tests)
			if err != nil {
				return err
			}
			return work(func(cmd *cobra.Command, _ []string) error { return lintFiles(cmd, o, files) })(cmd, args)
		},
	}
	o.flags(cmd, lintFormats)
	cmd.Flags().BoolVar(&tests, "tests", false, "read files that end in _test.go as well")
	return cmd
}

func lintFiles(cmd *cobra.Command, o planningOptions, files []string) error {
	w, err := o.world(cmd)
	if err != nil {
		return err
	}
	frontends := map[string]rewrite.Frontend{}
	for name, e := range engines {
		frontends[name] = e.frontend
	}
	report, err := lint.Run(files, lint.Options{Dialect: o.dialect, Frontends: frontends, World: w, WithPartition: o.withPartition})
	if err != nil {
		return err
	}
	return write(cmd.OutOrStdout(), report.Clean(), func(w io.Writer) error {
		switch o.format {
		case "json":
			return report.WriteJSON(w)
		case "sarif":
			return report.WriteSARIF(w, moduleVersion())
		}
		return report.WriteText(w)
	})
}

// moduleVersion is the version that the Go tool recorded, or empty.
func moduleVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return ""
}
