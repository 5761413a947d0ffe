package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/sealsql/sealsql/internal/cli"
	_ "github.com/sealsql/sealsql/kms/vault" // needs no SDK
)

func kmsCommand() *cobra.Command {
	return cli.KMS(load, func(err error) error {
		if errors.Is(err, errReported) {
			return err
		}
		return faultError{err}
	})
}
