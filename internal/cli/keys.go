package cli

import (
	"github.com/spf13/cobra"
)

func keysCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "keys",
		Short: "Make and look after keys",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(
		keysCreateCommand(), keysGenerateCommand(), keysListCommand(), keysPruneCommand(), keysRewrapCommand(),
		keysRotateCommand(), keysShowCommand(), keysStatsCommand(), keysUsageCommand(),
	)
	for _, c := range keyChanges {
		cmd.AddCommand(keyChangeCommand(c))
	}
	return cmd
}
