// Command sealsql-cloud has the commands of sealsql that talk to a key
// management service, with all services linked in. It is a module of its own,
// so that nobody who uses the library or sealsql downloads their SDKs.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/sealsql/sealsql/config"
	_ "github.com/sealsql/sealsql/envelope/builtin"
	"github.com/sealsql/sealsql/internal/cli"
	_ "github.com/sealsql/sealsql/kms/aws"
	_ "github.com/sealsql/sealsql/kms/azure"
	_ "github.com/sealsql/sealsql/kms/gcp"
	_ "github.com/sealsql/sealsql/kms/vault"
	_ "github.com/sealsql/sealsql/metastore/dynamodb"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// faultError marks what exits with 1: an error of the work. Wrong usage exits
// with 2.
type faultError struct{ error }

var errReported = errors.New("reported")

func run(args []string, stdout, stderr io.Writer) int {
	cmd := &cobra.Command{
		Use:           "sealsql-cloud",
		Short:         "The commands of sealsql that talk to key management services",
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	cmd.CompletionOptions.HiddenDefaultCmd = true
	kms := cli.KMS(load, func(err error) error { return faultError{err} })
	kms.AddCommand(repairCommand())
	cmd.AddCommand(kms)
	cmd.SetArgs(args)
	cmd.SetOut(stdout)
	cmd.SetErr(stderr)
	err := cmd.ExecuteContext(context.Background())
	var fault faultError
	switch {
	case err == nil:
		return 0
	case !errors.As(err, &fault):
		fmt.Fprintf(stderr, "sealsql-cloud: %v\nTry sealsql-cloud --help.\n", err)
		return 2
	case !errors.Is(fault.error, errReported):
		fmt.Fprintln(stderr, "sealsql-cloud:", err)
	}
	return 1
}

// load reads a configuration and prints its faults.
func load(stderr io.Writer, path string) (*config.Config, error) {
	c, err := config.Load(path)
	var faults config.Errors
	if !errors.As(err, &faults) {
		return c, err
	}
	for _, f := range faults {
		fmt.Fprintln(stderr, f)
		fmt.Fprint(stderr, f.Excerpt())
	}
	return nil, errReported
}
