package cli

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sealsql/sealsql/config"
	"github.com/sealsql/sealsql/envelope"
)

// repairTime bounds the command.
const repairTime = time.Hour

func kmsRepairCommand() *cobra.Command {
	var o metastoreOptions
	cmd := &cobra.Command{
		Use:   "repair",
		Short: "Add regions that system keys are not wrapped in",
		Long: `Looks at every system key of the configuration's service and product, and has the
key management service's regions that did not wrap it do so now. The keys stay
what they are; the rows of the metastore are changed. Can be run at any time,
also again. Prints a line for each key that lacks a region; the exit code is 1
where one still does.

Programs do the same by themselves where their role may change rows.`,
		Args: cobra.NoArgs,
	}
	cmd.RunE = o.withSealer(func(cmd *cobra.Command, _ []string, r *keyring) error {
		whole, err := repair(cmd.Context(), cmd.OutOrStdout(), r.sealer, r.cfg)
		if err == nil && !whole {
			return errReported
		}
		return err
	})
	o.flags(cmd)
	return cmd
}

// repair adds the regions that system keys lack. whole is false where one still
// lacks any.
func repair(ctx context.Context, w io.Writer, s *envelope.Sealer, cfg *config.Config) (whole bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, repairTime)
	defer cancel()
	suffixes := append([]string{cfg.Asherah.RegionSuffix}, cfg.Asherah.ReadSuffixes...)
	done, err := s.Repair(ctx, suffixes)
	whole = true
	for _, d := range done {
		fmt.Fprintf(w, "%s created %s: lacked %s", d.Meta.ID, time.Unix(d.Meta.Created, 0).UTC().Format(time.RFC3339), strings.Join(d.Missing, ", "))
		switch {
		case d.Err != nil:
			fmt.Fprintf(w, "; not added: %v\n", d.Err)
		case len(d.Added) < len(d.Missing):
			fmt.Fprintf(w, "; added %s; the others did not answer, or another process was first\n", orNone(d.Added))
		default:
			fmt.Fprintln(w, "; added")
		}
		whole = whole && d.Err == nil && len(d.Added) == len(d.Missing)
	}
	if err == nil && len(done) == 0 {
		fmt.Fprintln(w, "every system key is wrapped in every region")
	}
	return whole, err
}

func orNone(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}
