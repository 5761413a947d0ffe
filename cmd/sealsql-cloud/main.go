// Command sealsql-cloud has the commands of sealsql with every key management
// service and metastore linked in. It is a module of its own, so that nobody who
// uses the library or sealsql downloads their SDKs.
package main

import (
	"os"

	"github.com/sealsql/sealsql/internal/cli"
	_ "github.com/sealsql/sealsql/kms/aws"
	_ "github.com/sealsql/sealsql/kms/azure"
	_ "github.com/sealsql/sealsql/kms/gcp"
	_ "github.com/sealsql/sealsql/kms/vault"
	_ "github.com/sealsql/sealsql/metastore/dynamodb"
)

func main() { os.Exit(cli.Run("sealsql-cloud", os.Args[1:], os.Stdout, os.Stderr)) }
