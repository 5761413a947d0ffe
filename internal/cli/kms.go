package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sealsql/sealsql/envelope"
)

// checkTime bounds a check of a key management service.
const checkTime = 2 * time.Minute

func kmsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "kms",
		Short: "Look after the key management service",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(kmsCheckCommand(), kmsRepairCommand())
	return cmd
}

func kmsCheckCommand() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Wrap and unwrap a key, to prove the configuration",
		Long: `Has the key management service of the configuration wrap a key that was made
for this, unwrap it, and refuse it in another key's place. Nothing is stored.
Regions that did not wrap are listed, and the exit code is then 1.`,
		Args: cobra.NoArgs,
		RunE: work(func(cmd *cobra.Command, _ []string) error { return checkKMS(cmd, path) }),
	}
	cmd.Flags().StringVar(&path, "config", "", "configuration (default: SEALSQL_CONFIG, else ./sealsql.yaml)")
	return cmd
}

func checkKMS(cmd *cobra.Command, path string) error {
	cfg, err := configured(cmd, path)
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
	return printKMSCheck(cmd.OutOrStdout(), cfg.KMS.Provider, x)
}

func printKMSCheck(w io.Writer, provider string, x *envelope.KMSCheck) error {
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
