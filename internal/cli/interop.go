package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/sealsql/sealsql/internal/interop"
)

func interopCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "interop",
		Short: "Exchange records with Asherah, to check that each reads the other",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(interopVerifyCommand(), interopEmitCommand())
	return cmd
}

func interopVerifyCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "verify FILE",
		Short: "Open the records of a file of interop cases",
		Long: `Reads a file of key rows and records in Asherah's format, as sealsql interop
emit writes it, opens every record and compares. Prints a line for each case and
then how many passed and failed; the exit code is 1 if any failed. System keys
may be wrapped by a static master key, or be in the envelope of Asherah's AWS
service ("kms": "aws-fake"), with keys of the file in the place of its regions.`,
		Args: cobra.ExactArgs(1),
		RunE: work(func(cmd *cobra.Command, args []string) error {
			return interopVerify(cmd.Context(), cmd.OutOrStdout(), args[0])
		}),
	}
}

func interopVerify(ctx context.Context, w io.Writer, path string) error {
	r, err := os.Open(path)
	if err != nil {
		return err
	}
	defer r.Close()
	f, err := interop.Read(r)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	passed, failed := 0, 0
	f.Verify(ctx, func(r interop.Result) {
		if r.Err == nil {
			passed++
			fmt.Fprintf(w, "ok    %s/%s\n", r.Set, r.Case)
			return
		}
		failed++
		fmt.Fprintf(w, "FAIL  %s/%s: %v\n", r.Set, r.Case, r.Err)
	})
	fmt.Fprintf(w, "%d passed, %d failed\n", passed, failed)
	if failed > 0 {
		return errReported
	}
	return nil
}

func interopEmitCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "emit [FILE]",
		Short: "Write a file of interop cases",
		Long: `Seals values in Asherah's format under keys made for this purpose, and writes
them with the keys to FILE, or to the standard output: for sealsql interop
verify, and for tests of other implementations. The master key in the file
protects nothing else.`,
		Args: cobra.MaximumNArgs(1),
		RunE: work(func(cmd *cobra.Command, args []string) error {
			f, err := interop.Emit(cmd.Context(), time.Now())
			if err != nil {
				return err
			}
			if len(args) == 0 {
				return f.Write(cmd.OutOrStdout())
			}
			return writeFile(args[0], f.Write)
		}),
	}
}

// writeFile writes a new file, or over an old one.
func writeFile(path string, write func(io.Writer) error) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() {
		if e := f.Close(); err == nil {
			err = e
		}
	}()
	return write(f)
}
