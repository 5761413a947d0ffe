package cli

import (
	"fmt"
	"path/filepath"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/sealsql/sealsql/envelope/builtin"
)

func keysGenerateCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "generate FILE",
		Short: "Make a master key in a new file",
		Long: `Makes a master key of 32 random bytes and writes it to FILE, readable by its
owner only. A file that exists is never overwritten. The key itself is not
printed.`,
		Args: cobra.ExactArgs(1),
		RunE: work(func(cmd *cobra.Command, args []string) error {
			if err := builtin.GenerateKeyFile(args[0]); err != nil {
				return err
			}
			_, err := fmt.Fprintf(cmd.OutOrStdout(), afterGenerate, args[0], strconv.Quote(absolute(args[0])))
			return err
		}),
	}
}

const afterGenerate = `%s holds a new master key; only you can read it.

Name it in sealsql.yaml:

    kms: {file: %s}

Keep a copy in a safe place, apart from the database and its backups. Without
this key nothing that is sealed under it can be read again; with it and the
database everything can. Do not commit it.
`

// absolute is for a line that goes into a file in another directory.
func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}
