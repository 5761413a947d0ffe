package cli

import (
	"github.com/spf13/cobra"

	"github.com/sealsql/sealsql/config"
)

func configSchemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of sealsql.yaml, for editors",
		Args:  cobra.NoArgs,
		RunE: work(func(cmd *cobra.Command, _ []string) error {
			_, err := cmd.OutOrStdout().Write(config.JSONSchema())
			return err
		}),
	}
}
