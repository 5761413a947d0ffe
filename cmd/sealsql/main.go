// Command sealsql checks configurations, makes keys and prepares databases for
// the encrypted database/sql drivers of this module.
//
// Every command is a function in a file of its own; root lists them.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// The exit codes.
const (
	exitOK    = 0
	exitFault = 1 // what was asked for is not so: a faulty file, a change that orphans data
	exitUsage = 2 // the command line is wrong
)

// errReported ends a command whose output has said what is wrong.
var errReported = errors.New("reported")

// faultError marks an error of the work itself, as against one of the command
// line, which cobra finds.
type faultError struct{ err error }

func (e faultError) Error() string { return e.err.Error() }
func (e faultError) Unwrap() error { return e.err }

func run(args []string, stdout, stderr io.Writer) int {
	cmd := root()
	cmd.SetArgs(args)
	cmd.SetOut(stdout)
	cmd.SetErr(stderr)
	err := cmd.ExecuteContext(context.Background())
	var fault faultError
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errReported):
		return exitFault
	case errors.As(err, &fault):
		fmt.Fprintln(stderr, "sealsql:", err)
		return exitFault
	}
	fmt.Fprintf(stderr, "sealsql: %v\nTry sealsql --help.\n", err)
	return exitUsage
}

// root is the command without arguments. A new command is one line here.
func root() *cobra.Command {
	cmd := &cobra.Command{
		Use:           "sealsql",
		Short:         "Transparent column encryption for Go's database/sql",
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	cmd.CompletionOptions.HiddenDefaultCmd = true
	cmd.AddCommand(
		auditCommand(),
		configCommand(),
		ddlCommand(),
		explainCommand(),
		indexCommand(),
		interopCommand(),
		keysCommand(),
		kmsCommand(),
		lintCommand(),
		metastoreCommand(),
		shredCommand(),
		versionCommand(),
	)
	return cmd
}

// work makes a cobra function of one whose errors are faults, not wrong usage.
func work(f func(cmd *cobra.Command, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		if err := f(cmd, args); err != nil {
			return faultError{err}
		}
		return nil
	}
}
