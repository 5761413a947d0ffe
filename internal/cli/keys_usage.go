package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/sealsql/sealsql/lifecycle"
)

func keysUsageCommand() *cobra.Command {
	var o metastoreOptions
	var state, partition string
	var page int
	var asJSON, everywhere bool
	cmd := &cobra.Command{
		Use:   "usage --dialect DIALECT --dsn DSN [--state FILE]",
		Short: "Count the records that are sealed under each key",
		Long: `Counts the records of every encrypted column by the version of the key that they
are sealed under. It reads the beginning of every value through the plain driver
and decrypts nothing: the key management service is not asked.

With --state the count is kept in FILE: stopped, it goes on where it was; done,
the file is the evidence that keys prune takes. A table without a key (unique,
NOT NULL, of integers, text, bytes or uuid) is counted by one query.

--partition counts the records of one partition only.

On MySQL the tables of the database that the data source name names are counted,
and others with the same names are named; --all-databases counts those as well,
in every database that the login sees. keys prune needs a count of all.`,
		Args: cobra.NoArgs,
	}
	cmd.RunE = o.withKeys(func(cmd *cobra.Command, _ []string, r *keyring) error {
		c, err := r.counter(cmd.Context(), &o)
		if err != nil {
			return err
		}
		defer c.DB.Close()
		c.Partition, c.Page = partition, page
		if !everywhere {
			if err := currentOnly(cmd.Context(), c); err != nil {
				return err
			}
		}
		if len(c.LeftOut) > 0 {
			fmt.Fprintf(cmd.ErrOrStderr(), "not counted, because in other databases (--all-databases counts them): %s\n", strings.Join(c.LeftOut, ", "))
		}
		u, err := countUsage(cmd, c, state)
		if err != nil {
			return err
		}
		for _, table := range u.Dropped() {
			fmt.Fprintf(cmd.ErrOrStderr(), "not counted, because it went away meanwhile (dropped, or renamed): %s\n", table)
		}
		if asJSON {
			return json.NewEncoder(cmd.OutOrStdout()).Encode(u)
		}
		return printUsage(cmd.OutOrStdout(), u)
	})
	o.flags(cmd)
	f := cmd.Flags()
	f.StringVar(&state, "state", "", "file that keeps the count")
	f.StringVar(&partition, "partition", "", "count the records of this partition only")
	f.IntVar(&page, "page", 2000, "rows that are read at once")
	f.BoolVar(&asJSON, "json", false, "print the count as JSON")
	f.BoolVar(&everywhere, "all-databases", false, "on MySQL, count in every database that the login sees")
	return cmd
}

// saveEvery is how often a running count is kept.
const saveEvery = 2 * time.Second

// countUsage counts, keeping the state in a file unless that is "".
func countUsage(cmd *cobra.Command, c *lifecycle.Counter, state string) (*lifecycle.Usage, error) {
	var u *lifecycle.Usage
	if state != "" {
		var err error
		if u, err = readUsage(state); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		if u != nil && (u.Complete() || !slices.Equal(u.LeftOut, c.LeftOut)) {
			u = nil // begin anew
		}
	}
	bar := newProgress(cmd.ErrOrStderr(), "rows", 0)
	saved := time.Now()
	c.Progress = func(rows int64, u *lifecycle.Usage) error {
		bar.at(int(rows))
		if state == "" || time.Since(saved) < saveEvery {
			return nil
		}
		saved = time.Now()
		return writeUsage(state, u)
	}
	u, err := c.Count(cmd.Context(), u)
	bar.end()
	if state != "" && u != nil && (err == nil || len(u.Tables) > 0) {
		err = errors.Join(err, writeUsage(state, u))
	}
	return u, err
}

// maxUsage bounds a state file in bytes.
const maxUsage = 256 << 20

func readUsage(path string) (*lifecycle.Usage, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxUsage))
	if err != nil {
		return nil, err
	}
	var u lifecycle.Usage
	if err := json.Unmarshal(b, &u); err != nil || u.Version < 1 || u.Version > lifecycle.UsageVersion {
		return nil, fmt.Errorf("%s is not the state of a count", path)
	}
	if u.Version < lifecycle.UsageVersion {
		return nil, fmt.Errorf("%s is a count of an earlier version, which did not see all records: remove it, and count again", path)
	}
	return &u, nil
}

// writeUsage replaces the file in one step.
func writeUsage(path string, u *lifecycle.Usage) error {
	b, err := json.Marshal(u)
	if err != nil {
		return err
	}
	return replaceFile(path, b)
}

// replaceFile writes a file that only its owner reads, whole or not at all.
func replaceFile(path string, b []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".sealsql-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(b)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

func printUsage(out io.Writer, u *lifecycle.Usage) error {
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "TABLE\tCOLUMN\tRECORDS\tKEY")
	for _, l := range u.Lines() {
		fmt.Fprintf(w, "%s\t%s\t%d\t%s\n", l.Table, l.Column, l.Records, l.Key)
	}
	return w.Flush()
}

func keysPruneCommand() *cobra.Command {
	var o metastoreOptions
	var usage string
	opts := lifecycle.PruneOptions{}
	cmd := &cobra.Command{
		Use:   "prune --usage FILE [--max-versions N]",
		Short: "Retire versions of keys that nothing is sealed under",
		Long: `Retires the older versions of partitions' keys, beyond the newest N of each, under
which a count (sealsql keys usage --state FILE) found nothing. A version that a
record needs is never retired, however many there are; nor is one under which a
process may have sealed after the count began. A retired key can be restored
(keys restore) until it is destroyed (keys destroy).

Backups and copies of records elsewhere are not counted.`,
		Args: cobra.NoArgs,
	}
	cmd.RunE = o.withKeys(func(cmd *cobra.Command, _ []string, r *keyring) (err error) {
		if usage == "" {
			return errors.New("--usage is required: a key is retired with evidence")
		}
		if opts.Usage, err = readUsage(usage); err != nil {
			return err
		}
		w := cmd.OutOrStdout()
		return lifecycle.Prune(cmd.Context(), r.Keys, opts, func(p lifecycle.Pruned) error {
			verdict := "retired"
			switch {
			case !p.Retired:
				verdict = "kept: " + p.Why
			case opts.DryRun:
				verdict = "would be retired"
			}
			_, err := fmt.Fprintf(w, "%s %s\n", printKey(p.Key), verdict)
			return err
		})
	})
	o.flags(cmd)
	cmd.Flags().StringVar(&usage, "usage", "", "the count, as keys usage --state keeps it")
	cmd.Flags().IntVar(&opts.MaxVersions, "max-versions", 1, "versions of each key that are kept in any case")
	cmd.Flags().BoolVar(&opts.DryRun, "dry-run", false, "change nothing")
	return cmd
}

func keysStatsCommand() *cobra.Command {
	var o metastoreOptions
	cmd := &cobra.Command{
		Use:   "stats",
		Short: "Sum up keys, their states, ages and next rotations",
		Args:  cobra.NoArgs,
	}
	cmd.RunE = o.withKeys(func(cmd *cobra.Command, _ []string, r *keyring) error {
		s, err := lifecycle.Collect(cmd.Context(), r.Keys)
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 8, 2, ' ', 0)
		fmt.Fprintln(w, "KIND\tKEYS\tVERSIONS\tROTATIONS\tSHREDDED\tSTATES\tOLDEST ACTIVE\tNEXT ROTATION")
		for _, k := range s.Kinds {
			var states []string
			for _, word := range slices.Sorted(maps.Keys(k.States)) {
				states = append(states, fmt.Sprintf("%s %d", word, k.States[word]))
			}
			age := "-"
			if !k.Oldest.IsZero() {
				age = r.Now().Sub(k.Oldest).Round(time.Minute).String()
			}
			fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%s\t%s\t%s\n", k.Kind, k.Keys, k.Versions, k.Rotations, k.Shredded,
				dash(strings.Join(states, ", ")), age, dash(stamp(k.NextRotation)))
		}
		return w.Flush()
	})
	o.flags(cmd)
	return cmd
}
