// Package cli holds commands for the programs that link different key
// management services: sealsql itself, and sealsql-cloud.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sealsql/sealsql/config"
	"github.com/sealsql/sealsql/envelope"
)

// checkTime bounds a check of a key management service.
const checkTime = 2 * time.Minute

// KMS is the command kms. load reads a configuration and prints its faults;
// fault marks errors of the work, as against wrong usage.
func KMS(load func(stderr io.Writer, path string) (*config.Config, error), fault func(error) error) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "kms",
		Short: "Look after the key management service",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	var path string
	check := &cobra.Command{
		Use:   "check",
		Short: "Wrap and unwrap a key, to prove the configuration",
		Long: `Has the key management service of the configuration wrap a key that was made
for this, unwrap it, and refuse it in another key's place. Nothing is stored.
Regions that did not wrap are listed, and the exit code is then 1.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkKMS(cmd, path, load); err != nil {
				return fault(err)
			}
			return nil
		},
	}
	check.Flags().StringVar(&path, "config", "", "configuration (default: SEALSQL_CONFIG, else ./sealsql.yaml)")
	cmd.AddCommand(check)
	return cmd
}

func checkKMS(cmd *cobra.Command, path string, load func(io.Writer, string) (*config.Config, error)) error {
	path, err := config.Find(path)
	if err != nil {
		return err
	}
	cfg, err := load(cmd.ErrOrStderr(), path)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), checkTime)
	defer cancel()
	kms, err := envelope.OpenKMS(ctx, cfg.KMS.Provider, cfg.KMS.Options)
	if err != nil {
		return errors.New(strings.TrimPrefix(err.Error(), "sealsql: "))
	}
	x, err := envelope.CheckKMS(ctx, kms, cfg.Service, cfg.Product)
	if err = errors.Join(err, kms.Close()); err != nil {
		return fmt.Errorf("kms %s: %w", cfg.KMS.Provider, err)
	}
	return report(cmd.OutOrStdout(), cfg.KMS.Provider, x)
}

func report(w io.Writer, provider string, x *envelope.KMSCheck) error {
	fmt.Fprintf(w, "kms %s wraps and unwraps\n", provider)
	fmt.Fprintf(w, "  a key of 32 bytes takes %d bytes; wrapped in %s, unwrapped in %s\n", x.Wrapped, round(x.Wrap), round(x.Unwrap))
	fmt.Fprintln(w, "  in another key's place it is refused")
	if x.Asherah {
		fmt.Fprintln(w, "  Asherah's format: the same")
	} else {
		fmt.Fprintln(w, "  Asherah's format: not with this service")
	}
	if len(x.Missing) > 0 {
		return fmt.Errorf("kms %s: regions that did not wrap: %s", provider, strings.Join(x.Missing, ", "))
	}
	return nil
}

func round(d time.Duration) time.Duration { return d.Round(10 * time.Microsecond) }
