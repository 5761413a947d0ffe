// Command sealsql checks configurations, looks after keys and prepares databases
// for the encrypted database/sql drivers of this module. Of the key management
// services it has those that need no SDK; sealsql-cloud has the same commands
// with all of them.
package main

import (
	"os"

	"github.com/sealsql/sealsql/internal/cli"
	_ "github.com/sealsql/sealsql/kms/vault"
)

func main() { os.Exit(cli.Run("sealsql", os.Args[1:], os.Stdout, os.Stderr)) }
