package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/sealsql/sealsql/internal/cli"
	_ "github.com/sealsql/sealsql/kms/vault" // needs no SDK
)

func kmsCommand() *cobra.Command {
	cmd := cli.KMS(load, func(err error) error {
		if errors.Is(err, errReported) {
			return err
		}
		return faultError{err}
	})
	cmd.AddCommand(kmsRepairCommand())
	return cmd
}

func kmsRepairCommand() *cobra.Command {
	var o metastoreOptions
	cmd := &cobra.Command{
		Use:   "repair",
		Short: "Add regions that system keys are not wrapped in",
		Long:  cli.RepairLong,
		Args:  cobra.NoArgs,
	}
	cmd.RunE = o.withKeys(func(cmd *cobra.Command, _ []string, r *keyring) error {
		whole, err := cli.Repair(cmd.Context(), cmd.OutOrStdout(), r.sealer, r.cfg)
		if err == nil && !whole {
			return errReported
		}
		return err
	})
	o.flags(cmd)
	return cmd
}
