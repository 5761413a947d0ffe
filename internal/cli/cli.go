// Package cli is the commands of sealsql, for the programs that link different
// key management services: sealsql itself, and sealsql-cloud.
//
// Every command is a function in a file of its own; root lists them.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/spf13/cobra"
)

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

// Run carries out a command line, without the program's name in front, and
// returns the exit code: 0, 1 for faults of the work, 2 for wrong usage. program
// is what the program is called in its own texts. The key management services
// and metastores that it links in are those that its main package imports.
func Run(program string, args []string, stdout, stderr io.Writer) int {
	cmd := root()
	name(cmd, program)
	cmd.SetArgs(args)
	cmd.SetOut(stdout)
	cmd.SetErr(stderr)
	called, err := cmd.ExecuteContextC(context.Background())
	var fault faultError
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errReported):
		return exitFault
	case errors.As(err, &fault):
		fmt.Fprintf(stderr, "%s: %s\n", program, strings.TrimPrefix(err.Error(), "sealsql: "))
		return exitFault
	}
	fmt.Fprintf(stderr, "%s: %v\n", program, err)
	if !called.HasSubCommands() {
		fmt.Fprintf(stderr, "Usage: %s\n", called.UseLine())
	}
	fmt.Fprintf(stderr, "Try %s --help.\n", called.CommandPath())
	return exitUsage
}

// namesCommand finds the program's name where a text tells to run a command.
var namesCommand = regexp.MustCompile(`\bsealsql( +[a-z])`)

// name has a command and those below it call the program by its name.
func name(cmd *cobra.Command, program string) {
	if !cmd.HasParent() {
		cmd.Use = program
	}
	cmd.Long = namesCommand.ReplaceAllString(cmd.Long, program+"${1}")
	for _, c := range cmd.Commands() {
		name(c, program)
	}
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
		leakageCommand(),
		lintCommand(),
		metastoreCommand(),
		reindexCommand(),
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
