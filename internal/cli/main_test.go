package cli

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	_ "github.com/sealsql/sealsql/kms/vault"
)

func run(args []string, stdout, stderr io.Writer) int { return Run("sealsql", args, stdout, stderr) }

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"sealsql": func() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) },
		// tenantwriter is a process that writes while others shred.
		"tenantwriter": tenantWriter,
	})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("SEALSQL_CONFIG", "")
			vectors, err := filepath.Abs("../interop/testdata/asherah-static.json")
			e.Setenv("ASHERAH_VECTORS", vectors)
			return err
		},
	})
}
