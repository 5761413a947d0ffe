package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/sealsql/sealsql/config"
)

func configDiffCommand() *cobra.Command {
	var sameKeys bool
	cmd := &cobra.Command{
		Use:   "diff OLD NEW",
		Short: "Tell whether data sealed under one configuration open under another",
		Long: `Compares two configurations and fails (exit status 1) if values that were
stored under OLD do not open under NEW. Run it before a changed configuration
goes into production, for example against the one of the last release.

Changes of the place of keys (kms, metastore) fail too, unless --same-keys says
that the keys themselves are the same there.`,
		Args: cobra.ExactArgs(2),
		RunE: work(func(cmd *cobra.Command, args []string) error {
			before, err := load(cmd.ErrOrStderr(), args[0])
			if err != nil {
				return err
			}
			after, err := load(cmd.ErrOrStderr(), args[1])
			if err != nil {
				return err
			}
			return printChanges(cmd.OutOrStdout(), config.Diff(before, after), sameKeys)
		}),
	}
	cmd.Flags().BoolVar(&sameKeys, "same-keys", false, "the keys are the same in their new place")
	return cmd
}

// printChanges prints the changes; errReported says that data would be lost.
func printChanges(w io.Writer, changes []config.Change, sameKeys bool) error {
	bad := 0
	for _, c := range changes {
		if c.Effect == config.Orphans || c.Effect == config.KeyPlace && !sameKeys {
			bad++
		}
		fmt.Fprintf(w, "%s: %s %s\n", c.Effect, c.Path, c.Message)
		if c.Remedy != "" {
			fmt.Fprintf(w, "    %s\n", c.Remedy)
		}
	}
	switch {
	case len(changes) == 0:
		fmt.Fprintln(w, "OK: no difference")
	case bad == 0:
		fmt.Fprintf(w, "OK: %s, stored data open as before\n", counted(len(changes), "change"))
	default:
		fmt.Fprintf(w, "FAIL: stored data would not open after %s\n", counted(bad, "change"))
		return errReported
	}
	return nil
}
