package cli

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version of the program, of Go and of the source",
		Args:  cobra.NoArgs,
		RunE: work(func(cmd *cobra.Command, _ []string) error {
			info, ok := debug.ReadBuildInfo()
			printVersion(cmd.OutOrStdout(), cmd.Root().Name(), info, ok)
			return nil
		}),
	}
}

// printVersion prints what the Go tool recorded at build time; a version set
// by hand could disagree with the source.
func printVersion(w io.Writer, program string, info *debug.BuildInfo, ok bool) {
	version, revision, modified := "unknown", "", ""
	if ok {
		version = info.Main.Version
		for _, s := range info.Settings {
			switch {
			case s.Key == "vcs.revision":
				revision = s.Value
			case s.Key == "vcs.modified" && s.Value == "true":
				modified = ", modified"
			}
		}
	}
	fmt.Fprintf(w, "%s %s %s %s/%s\n", program, version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	if revision != "" {
		fmt.Fprintf(w, "source %s%s\n", revision, modified)
	}
}
