package cli

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/sealsql/sealsql/config"
)

func configCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Check and compare configurations",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(configCheckCommand(), configDiffCommand(), configSchemaCommand())
	return cmd
}

// load reads a configuration and prints its faults, each with the line it is
// in, as a compiler does. The error is then errReported.
func load(stderr io.Writer, path string) (*config.Config, error) {
	c, err := config.Load(path)
	var faults config.Errors
	if !errors.As(err, &faults) {
		return c, err
	}
	for _, f := range faults {
		fmt.Fprintln(stderr, f)
		fmt.Fprint(stderr, f.Excerpt())
	}
	fmt.Fprintln(stderr, counted(len(faults), "error"))
	return nil, errReported
}

// configured loads the configuration that --config names, or that the drivers would find.
func configured(cmd *cobra.Command, explicit string) (*config.Config, error) {
	path, err := config.Find(explicit)
	if err != nil {
		return nil, err
	}
	return load(cmd.ErrOrStderr(), path)
}

// counted writes a number with its noun.
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
