package cli

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sealsql/sealsql/audit"
)

func auditCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Check and search the audit trail",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(auditHeadCommand(), auditInitCommand(), auditQueryCommand(), auditVerifyCommand())
	return cmd
}

const auditFiles = `The trail is read from the files given, in their order (- is standard input), else
from the file or the table that the configuration names.`

func auditVerifyCommand() *cobra.Command {
	var o metastoreOptions
	var heads string
	cmd := &cobra.Command{
		Use:   "verify [--head FILE] [TRAIL]...",
		Short: "Find lines that were changed, removed or reordered",
		Long: `Checks every line of an audit trail under the key that authenticates it, and that
none is missing between the first and the last of each writer. With --head, also
that nothing is missing up to the heads that sealsql audit head printed earlier;
without it, the last lines of a writer, or all of them, may have been removed
unseen. Exit status 1 says that something is wrong.

` + auditFiles,
	}
	cmd.RunE = o.withKeys(func(cmd *cobra.Command, args []string, r *keyring) error {
		known, err := readHeads(heads)
		if err != nil {
			return err
		}
		report, err := r.verify(cmd, &o, args, known)
		if err != nil {
			return err
		}
		return printVerified(cmd.OutOrStdout(), report, heads != "")
	})
	o.flags(cmd)
	cmd.Flags().StringVar(&heads, "head", "", "heads that were kept elsewhere")
	return cmd
}

func printVerified(w io.Writer, r *audit.Report, anchored bool) error {
	for _, f := range r.Faults {
		place := "no line"
		if f.Line > 0 {
			place = fmt.Sprintf("line %d", f.Line)
		}
		if f.Writer != "" {
			place += fmt.Sprintf(" (writer %s, number %d)", f.Writer, f.Seq)
		}
		fmt.Fprintf(w, "%s: %s\n", place, f.What)
	}
	for _, writer := range r.Open {
		fmt.Fprintf(w, "note: writer %s has not ended its trail: it runs, was killed, or its last lines were removed\n", writer)
	}
	if !anchored {
		fmt.Fprintln(w, "note: without --head it cannot be seen whether the last lines of a writer, or all of them, were removed")
	}
	fmt.Fprintf(w, "%s of %s, %s\n", counted(r.Lines, "line"), counted(len(r.Heads), "writer"), counted(len(r.Faults), "fault"))
	if len(r.Faults) > 0 {
		return errReported
	}
	return nil
}

func auditHeadCommand() *cobra.Command {
	var o metastoreOptions
	cmd := &cobra.Command{
		Use:   "head [TRAIL]...",
		Short: "Print where the trail ends, to be kept elsewhere",
		Long: `Checks the trail and prints the last line's number and MAC of each writer, one
JSON object a line. Kept where those who can write to the trail cannot, it shows
later (audit verify --head) whether lines were removed.

` + auditFiles,
	}
	cmd.RunE = o.withKeys(func(cmd *cobra.Command, args []string, r *keyring) error {
		report, err := r.verify(cmd, &o, args, nil)
		if err != nil {
			return err
		}
		if len(report.Faults) > 0 {
			fmt.Fprintln(cmd.ErrOrStderr(), counted(len(report.Faults), "fault")+": see sealsql audit verify")
			return errReported
		}
		out := json.NewEncoder(cmd.OutOrStdout())
		for _, h := range report.Heads {
			if err := out.Encode(h); err != nil {
				return err
			}
		}
		return nil
	})
	o.flags(cmd)
	return cmd
}

func auditQueryCommand() *cobra.Command {
	var o metastoreOptions
	var q audit.Query
	var from, to string
	cmd := &cobra.Command{
		Use:   "query [--key KEY] [--actor ACTOR] [--from TIME] [--to TIME] [TRAIL]...",
		Short: "Print the lines of the audit trail that are about something",
		Long: `Prints lines as they are, to be read by a person or a program. It does not verify
them: sealsql audit verify does.

` + auditFiles,
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		var err error
		if q.From, err = parseTime(from); err == nil {
			q.To, err = parseTime(to)
		}
		if err != nil {
			return err
		}
		if err := o.check(); err != nil {
			return err
		}
		return work(func(cmd *cobra.Command, args []string) error { return auditQuery(cmd, &o, &q, args) })(cmd, args)
	}
	o.flags(cmd)
	f := cmd.Flags()
	f.StringVar(&q.Key, "key", "", "a key's id, with @ and its creation time or without")
	f.StringVar(&from, "from", "", "not before this time (RFC 3339, or a date)")
	f.StringVar(&to, "to", "", "before this time")
	f.StringVar(&q.Actor, "actor", "", "of this actor")
	f.StringVar(&q.Purpose, "purpose", "", "for this purpose")
	f.StringVar(&q.Table, "table", "", "about this table")
	f.StringVar(&q.Column, "column", "", "about this column")
	f.StringVar(&q.Partition, "partition", "", "about this partition")
	f.StringVar(&q.Op, "op", "", "of this operation (read, write, key.revoke, …)")
	return cmd
}

func auditQuery(cmd *cobra.Command, o *metastoreOptions, q *audit.Query, args []string) error {
	var r *keyring
	if len(args) == 0 {
		var err error
		if r, err = o.open(cmd); err != nil {
			return err
		}
		defer r.sealer.Close()
	}
	w := bufio.NewWriter(cmd.OutOrStdout())
	bad := 0
	err := eachTrail(cmd, r, o, args, func(in io.Reader) error {
		lines := bufio.NewScanner(in)
		lines.Buffer(nil, audit.MaxLine+2)
		for lines.Scan() {
			l, err := audit.ParseLine(lines.Bytes())
			if err != nil {
				bad++
				continue
			}
			if q.Matches(&l.Record) {
				w.Write(lines.Bytes())
				w.WriteByte('\n')
			}
		}
		return lines.Err()
	})
	if err = errors.Join(err, w.Flush()); err == nil && bad > 0 {
		fmt.Fprintln(cmd.ErrOrStderr(), counted(bad, "line")+" could not be read: see sealsql audit verify")
		return errReported
	}
	return err
}

func auditInitCommand() *cobra.Command {
	var o metastoreOptions
	cmd := &cobra.Command{
		Use:   "init --dialect DIALECT --dsn DSN",
		Short: "Create the table of the audit trail",
		Long: `Creates the table that the configuration names (audit: {table: NAME}) in the
application's database if it does not exist. The application's role needs INSERT
and SELECT on it and nothing else.`,
		Args: cobra.NoArgs,
	}
	cmd.RunE = o.withKeys(func(cmd *cobra.Command, _ []string, r *keyring) error {
		if r.cfg.Audit.Table == "" {
			return errors.New("the configuration names no audit table; write audit: {table: NAME}")
		}
		text, err := audit.TableDDL(o.dialect, r.cfg.Audit.Table)
		if err != nil {
			return err
		}
		db, err := r.plainDB(&o)
		if err != nil {
			return err
		}
		defer db.Close()
		if _, err := db.ExecContext(cmd.Context(), text); err != nil {
			return err
		}
		_, err = fmt.Fprintln(cmd.OutOrStdout(), "Table "+r.cfg.Audit.Table+" is there. The application's role needs SELECT and INSERT on it and nothing else.")
		return err
	})
	o.flags(cmd)
	return cmd
}

func parseTime(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, nil
		}
	}
	return time.Time{}, errors.New("a time is written as 2026-11-22T10:00:00Z or 2026-11-22")
}

func readHeads(path string) ([]audit.Head, error) {
	if path == "" {
		return nil, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var out []audit.Head
	d := json.NewDecoder(io.LimitReader(f, maxUsage))
	for d.More() {
		var h audit.Head
		if err := d.Decode(&h); err != nil || h.Writer == "" || h.Seq < 1 || h.MAC == "" {
			return nil, fmt.Errorf("%s does not hold heads as sealsql audit head prints them", path)
		}
		out = append(out, h)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%s holds no head", path)
	}
	return out, nil
}

func (r *keyring) verify(cmd *cobra.Command, o *metastoreOptions, args []string, heads []audit.Head) (*audit.Report, error) {
	v := audit.NewVerifier(r.sealer, heads)
	err := eachTrail(cmd, r, o, args, func(in io.Reader) error { return v.ReadAll(cmd.Context(), in) })
	return v.Report(), err
}

// eachTrail calls f for every part of a trail.
func eachTrail(cmd *cobra.Command, r *keyring, o *metastoreOptions, args []string, f func(io.Reader) error) error {
	if len(args) == 0 {
		switch {
		case r.cfg.Audit.File != "":
			args = []string{r.cfg.Audit.File}
		case r.cfg.Audit.Table != "":
			return r.trailTable(cmd.Context(), o, f)
		default:
			return errors.New("the configuration names no file or table of an audit trail: name the file")
		}
	}
	for _, path := range args {
		if err := trailFile(cmd, path, f); err != nil {
			return err
		}
	}
	return nil
}

func trailFile(cmd *cobra.Command, path string, f func(io.Reader) error) error {
	if path == "-" {
		return f(cmd.InOrStdin())
	}
	in, err := os.Open(path)
	if err != nil {
		return err
	}
	defer in.Close()
	return f(in)
}

// trailTable reads the lines of a table, those of one writer in order.
func (r *keyring) trailTable(ctx context.Context, o *metastoreOptions, f func(io.Reader) error) (err error) {
	db, err := r.plainDB(o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	// LIMIT, since a sql_select_limit of MySQL would leave the last lines out, which no
	// line behind them would show.
	rows, err := db.QueryContext(ctx, "SELECT line FROM "+r.cfg.Audit.Table+" ORDER BY writer, seq LIMIT 9223372036854775807")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	var text string
	for rows.Next() {
		if err := rows.Scan(&text); err != nil {
			return err
		}
		if err := f(io.MultiReader(strings.NewReader(text), bytes.NewReader([]byte("\n")))); err != nil {
			return err
		}
	}
	return rows.Err()
}

// plainDB opens the application's database without encryption.
func (r *keyring) plainDB(o *metastoreOptions) (*sql.DB, error) {
	dsn, err := dataSource(o.dsn, o.dsnEnv)
	if err != nil {
		return nil, err
	}
	if dsn == "" || o.dialect == "" {
		return nil, errors.New("the application's database is needed: name it with --dialect and --dsn or --dsn-env")
	}
	r.dsn = dsn
	return sql.Open(plainDrivers[o.dialect], dsn)
}
