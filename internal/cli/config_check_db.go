package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sealsql/sealsql/config"
	"github.com/sealsql/sealsql/internal/physical"
)

// checkDatabase compares a configuration with a database: what the database
// lacks, and what its data say of the indexes. It reports whether the database
// is as the configuration has it; advice on indexes is no fault.
func checkDatabase(cmd *cobra.Command, o databaseOptions, cfg *config.Config) (clean bool, err error) {
	r, i, err := o.measure(cmd.Context(), cfg)
	if err != nil {
		return false, err
	}
	w := cmd.OutOrStdout()
	lacking := physical.Compare(engines[o.dialect].frontend, database(i), cfg.Catalog, declarations(cfg))
	clean = lacking.Complete()
	contradicted := compareViews(w, engines[o.dialect].frontend, i, cfg)
	if !clean {
		fmt.Fprintf(w, "\nthe database is not as the configuration has it; sealsql ddl prints what to run where it lacks something:\n")
		for _, f := range lacking.Findings {
			fmt.Fprintf(w, "  %s: %s\n", f.Column, f.Problem)
			if f.Hint != "" {
				fmt.Fprintf(w, "    %s\n", f.Hint)
			}
		}
		for _, c := range lacking.Changes {
			for _, why := range c.Why {
				fmt.Fprintf(w, "  %s\n", why)
			}
		}
	}
	clean = clean && !contradicted
	for _, a := range lacking.Advice {
		fmt.Fprintf(w, "\nadvice: %s\n", strings.Join(a.Why, "; "))
		if a.SQL != "" {
			fmt.Fprintf(w, "  %s\n", strings.ReplaceAll(a.SQL, "\n", "\n  "))
		}
	}
	advice := r.Advice()
	for _, a := range advice {
		fmt.Fprintf(w, "\nadvice: %s\n", a)
	}
	for i := range r.Tables {
		for _, c := range r.Tables[i].Columns {
			for _, x := range c.Indexes {
				clean = clean && x.Unfilled == 0 && x.Stray == 0
			}
		}
	}
	if clean && len(advice)+len(lacking.Advice) == 0 {
		_, err = io.WriteString(w, "\nthe database has what the configuration asks for\n")
	}
	return clean, err
}
