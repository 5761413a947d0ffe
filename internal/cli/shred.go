package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/sealsql/sealsql/lifecycle"
)

// shredOptions are the flags of sealsql shred.
type shredOptions struct {
	metastoreOptions
	partition, report, reapply string
	yes, wait, now, trust      bool
	noCount                    bool
}

func shredCommand() *cobra.Command {
	var o shredOptions
	cmd := &cobra.Command{
		Use:   "shred --partition ID --report FILE | --reapply REPORT --report FILE",
		Short: "Destroy the keys of a partition",
		Long: `Destroys the keys of a partition and the secret of its search indexes, so that
nothing sealed under them can be read again, wherever its copies are.

It takes two halves. The first refuses new keys and takes the right to seal and to
open from those that there are; processes go on with what they hold until they
look again (revoke_check) or it leaves their memory (cache). The second half, when
that time is over, overwrites the keys. Without --wait the command does what can
be done now and says when to run it again; with --wait it waits. --now does both
halves at once: only when no process runs that could hold a key, for it would go
on sealing what can never be opened.

The report, in FILE, names the keys, counts the partition's records by table and
key (--no-count does not: it reads every row), says what remains, and is
authenticated. Keep it. After a restore of the key table from an older backup, run
sealsql shred --reapply REPORT before any process starts; if the key of the
report is not in that backup, --trust-report takes the report as it is.

A key that cannot be read, because its row or its system key is damaged, is
destroyed like the others; the command and the report name it.

Reads of what was destroyed are ErrShredded, or NULL with shredded: as_null in the
configuration.`,
		Args: cobra.NoArgs,
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		switch {
		case (o.partition == "") == (o.reapply == ""):
			return errors.New("one of --partition and --reapply is required")
		case o.report == "":
			return errors.New("--report is required: the report is what shows what was destroyed")
		case o.wait && o.now:
			return errors.New("--wait and --now exclude each other")
		}
		return o.withKeys(func(cmd *cobra.Command, _ []string, r *keyring) error { return r.shred(cmd, &o) })(cmd, args)
	}
	o.flags(cmd)
	f := cmd.Flags()
	f.StringVar(&o.partition, "partition", "", "the partition")
	f.StringVar(&o.report, "report", "", "file for the report")
	f.StringVar(&o.reapply, "reapply", "", "report of what is to be destroyed again")
	f.BoolVar(&o.yes, "yes", false, "do not ask")
	f.BoolVar(&o.wait, "wait", false, "wait for the second half")
	f.BoolVar(&o.now, "now", false, "no process runs: do both halves now")
	f.BoolVar(&o.noCount, "no-count", false, "do not count records")
	f.BoolVar(&o.trust, "trust-report", false, "with --reapply: do not verify the report")
	return cmd
}

func (r *keyring) shred(cmd *cobra.Command, o *shredOptions) error {
	s := &lifecycle.Shredder{Keys: r.Keys, Catalog: r.cfg.Catalog}
	if !o.noCount {
		c, err := r.counter(cmd.Context(), &o.metastoreOptions)
		if err != nil {
			return err
		}
		defer c.DB.Close()
		s.Counter = c
	}
	var old *lifecycle.Report
	partition := o.partition
	if o.reapply != "" {
		b, err := readReport(o.reapply)
		if err != nil {
			return err
		}
		if old, err = lifecycle.ParseReport(b); err != nil {
			return err
		}
		partition = old.Partition
	}
	if !o.yes {
		if err := confirm(cmd, fmt.Sprintf("This destroys every value of partition %q.", partition), partition); err != nil {
			return err
		}
	}
	if old != nil {
		report, err := s.Reapply(cmd.Context(), old, o.trust)
		return o.done(cmd, report, err)
	}
	return o.halves(cmd, s)
}

// halves does what is due, and waits for the rest where it shall.
func (o *shredOptions) halves(cmd *cobra.Command, s *lifecycle.Shredder) error {
	ctx := cmd.Context()
	report, err := s.Finish(ctx, o.partition, false) // where the first half was done, and is due
	if err == nil {
		return o.done(cmd, report, nil)
	}
	if report, err = s.Begin(ctx, o.partition); err != nil {
		return err
	}
	if err := o.write(report); err != nil {
		return err
	}
	for _, key := range report.Damaged {
		fmt.Fprintf(cmd.OutOrStdout(), "The row of %s cannot be read: it is left for the second half, which overwrites it.\n", key)
	}
	if !o.now {
		if report.Due.IsZero() {
			return errors.New("begun; keys may stay in the memory of processes for ever (cache ttl): stop them all, and run it again with --now")
		}
		if !o.wait {
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "begun: no new keys are made, and processes let go of those that they hold until %s.\nRun the same command again after that. The report is in %s.\n",
				report.Due.Format(time.RFC3339), o.report)
			return err
		}
		if err := sleepUntil(ctx, report.Due, s.Keys.Now); err != nil {
			return err
		}
	}
	report, err = s.Finish(ctx, o.partition, o.now)
	return o.done(cmd, report, err)
}

func sleepUntil(ctx context.Context, t time.Time, now func() time.Time) error {
	for {
		left := t.Sub(now())
		if left <= 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(min(left+time.Millisecond, time.Minute)):
		}
	}
}

func (o *shredOptions) write(r *lifecycle.Report) error {
	b, err := r.Encode()
	if err != nil {
		return err
	}
	return replaceFile(o.report, b)
}

func (o *shredOptions) done(cmd *cobra.Command, r *lifecycle.Report, err error) error {
	if err != nil {
		return err
	}
	if err := o.write(r); err != nil {
		return err
	}
	var n int64
	for _, x := range r.Records {
		n += x.Records
	}
	w := cmd.OutOrStdout()
	fmt.Fprintf(w, "destroyed %s of partition %q", counted(len(r.Keys), "key"), r.Partition)
	if !r.Counted.IsZero() {
		fmt.Fprintf(w, ", under which %s were sealed", counted(int(n), "record"))
	}
	fmt.Fprintln(w, ".")
	for _, table := range r.NotCounted {
		fmt.Fprintf(w, "Not counted, because it went away meanwhile (dropped, or renamed): %s\n", table)
	}
	for _, key := range r.Damaged {
		fmt.Fprintf(w, "The row of %s could not be read; it was overwritten.\n", key)
	}
	fmt.Fprintf(w, "The report is in %s. What remains:\n", o.report)
	for _, line := range r.Remains {
		if _, err := fmt.Fprintln(w, " - "+line); err != nil {
			return err
		}
	}
	return nil
}

func readReport(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, 64<<20))
}
