package cli

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	sealdriver "github.com/sealsql/sealsql/driver"
	"github.com/sealsql/sealsql/internal/indexmove"
	"github.com/sealsql/sealsql/internal/reindex"
	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/schema"
)

// reindexOptions are the flags of sealsql reindex.
type reindexOptions struct {
	metastoreOptions
	cutOver, finish, abort, status, yes, wait bool
	rate, chunk                               int
	pause                                     time.Duration
}

func (o *reindexOptions) usage() error {
	n := 0
	for _, set := range []bool{o.cutOver, o.finish, o.abort, o.status} {
		if set {
			n++
		}
	}
	switch {
	case n > 1:
		return errors.New("one of --cut-over, --finish, --abort and --status, or none")
	case engines[o.dialect] == nil:
		return fmt.Errorf("--dialect must be one of %s", strings.Join(dialectNames(), ", "))
	case o.dsn == "" && o.dsnEnv == "":
		return errors.New("one of --dsn and --dsn-env is required")
	case o.rate < 0 || o.chunk < 1 || o.chunk > 10000 || o.pause < 0:
		return errors.New("--rate and --pause are not negative, --chunk is from 1 to 10000")
	}
	return nil
}

func reindexCommand() *cobra.Command {
	var o reindexOptions
	cmd := &cobra.Command{
		Use:   "reindex --dialect DIALECT --dsn DSN TABLE.COLUMN[.KIND]",
		Short: "Move, add or drop a search index while programs run",
		Long: `Moves the index of a column to the definition that stands as next: beside it in
the configuration: other normalisers, lengths or bits, another scope, or another
version of the key. Or adds an index that is declared with state: adding to rows
that are stored, or drops one with state: dropping. Programs go on reading and
writing all the time.

    sealsql reindex            adds the column, and fills it until nothing is missing
    sealsql reindex --cut-over compares every row, has the server refuse rows without
                               the index, and has programs search it
    sealsql reindex --finish   has programs stop writing the old one, and drops it;
                               of an index that is dropped the only step
    sealsql reindex --abort    gives up a move that is not live
    sealsql reindex --status   says how far it has come

Give every program the configuration with next: or state: before --cut-over (of an
index that is dropped: before --finish): those that do not have it then fail, instead of writing rows that are not found. Give every
program the configuration with the new definition alone after --finish.

Each can be stopped and run again. DDL is printed first, and run with --yes. KIND
is equality, prefix, suffix, contains or range, and needed where more than one
index of the column is moved. An index over several columns is TABLE.INDEX.`,
		Args: cobra.ExactArgs(1),
	}
	run := o.withKeys(func(cmd *cobra.Command, args []string, r *keyring) error { return runReindex(cmd, args[0], &o, r) })
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := o.usage(); err != nil {
			return err
		}
		return run(cmd, args)
	}
	o.flags(cmd)
	f := cmd.Flags()
	f.BoolVar(&o.cutOver, "cut-over", false, "make the next index the one that is searched")
	f.BoolVar(&o.finish, "finish", false, "drop the other one")
	f.BoolVar(&o.abort, "abort", false, "give up a move that is not live, and drop the next index")
	f.BoolVar(&o.status, "status", false, "say how far the move has come")
	f.BoolVar(&o.yes, "yes", false, "run the DDL that is printed")
	f.BoolVar(&o.wait, "wait", false, "with --finish and --abort: wait until programs have noticed, rather than say when to come again")
	f.IntVar(&o.rate, "rate", 0, "rows a second at most (0: as fast as it goes)")
	f.DurationVar(&o.pause, "pause", 0, "pause between chunks")
	f.IntVar(&o.chunk, "chunk", 500, "rows that are read, and written in one transaction")
	return cmd
}

// reindexTime bounds one run; what is done then is kept.
const reindexTime = 30 * 24 * time.Hour

func runReindex(cmd *cobra.Command, target string, o *reindexOptions, r *keyring) error {
	move, err := moveOf(r.cfg.Catalog, target)
	if err != nil {
		return err
	}
	dsn, err := dataSource(o.dsn, o.dsnEnv)
	if err != nil {
		return err
	}
	r.dsn = dsn
	ctx, cancel := context.WithTimeout(cmd.Context(), reindexTime)
	defer cancel()
	db, err := sql.Open(plainDrivers[o.dialect], dsn)
	if err != nil {
		return err
	}
	defer db.Close()
	if o.dialect == "sqlite" {
		db.SetMaxOpenConns(1)
		if _, err := db.ExecContext(ctx, "PRAGMA busy_timeout = 30000"); err != nil {
			return err
		}
	}
	bar := newProgress(cmd.ErrOrStderr(), "rows", 0)
	m := &reindex.Mover{
		DB: db, Front: engines[o.dialect].frontend, Sealer: r.sealer, Keys: r.Keys, Annotations: r.cfg.Catalog, Move: move,
		Inspect: func(ctx context.Context) (*sealdriver.Inspection, error) { return engines[o.dialect].inspect(ctx, dsn) },
		Chunk:   o.chunk, Rate: o.rate, Pause: o.pause,
		CatalogAge: r.cfg.MaxAge, Follow: r.cfg.Policy.MaxStale + sealdriver.MoveInterval(r.cfg),
		Log: func(format string, args ...any) {
			bar.end()
			fmt.Fprintf(cmd.OutOrStdout(), format+"\n", args...)
		},
		Progress: func(seen, _, total int) {
			bar.total = total
			bar.at(seen)
		},
	}
	m.Approve = func(statements []string) error {
		bar.end()
		for _, s := range statements {
			fmt.Fprintln(cmd.OutOrStdout(), s+";")
		}
		if !o.yes {
			return errors.New("nothing of this was run: run it again with --yes")
		}
		return nil
	}
	if err := m.Open(ctx); err != nil {
		return err
	}
	defer m.Close()
	return stepOf(ctx, m, o)
}

func stepOf(ctx context.Context, m *reindex.Mover, o *reindexOptions) error {
	switch {
	case o.status:
		st := m.State()
		if st.Step == "" {
			m.Log("not begun")
			return nil
		}
		m.Log("%s since %s", st.Step, st.At().UTC().Format(time.RFC3339))
		return nil
	case o.cutOver:
		return m.CutOver(ctx)
	case o.finish:
		return o.waiting(ctx, m, m.Finish)
	case o.abort:
		return o.waiting(ctx, m, m.Abort)
	}
	if st := m.State(); !st.Step.Before(indexmove.Guarded) && st.Step != "" {
		m.Log("%s: nothing to fill", st.Step)
		return nil
	}
	if err := m.Fill(ctx); err != nil {
		return err
	}
	m.Log("filled; give every program this configuration, then run sealsql reindex --cut-over")
	return nil
}

// waiting repeats a step whose time has not come, and says so once.
func (o *reindexOptions) waiting(ctx context.Context, m *reindex.Mover, step func(context.Context) error) error {
	told := indexmove.Step("")
	for {
		err := step(ctx)
		if !o.wait || !errors.Is(err, reindex.ErrNotYet) {
			return err
		}
		if at := m.State().Step; at != told {
			m.Log("%v", err)
			told = at
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(time.Second):
		}
	}
}

// moveOf finds the move of "table.column" or "table.column.kind".
func moveOf(c *schema.Catalog, target string) (schema.Move, error) {
	var found []schema.Move
	for _, m := range c.Moves() {
		names := []string{m.Name()}
		if t := m.Column().Table; t.Schema != "" {
			names = append(names, t.Schema+"."+m.Name())
		}
		for _, name := range names {
			if schema.EqualNames(target, name) || schema.EqualNames(target, name+"."+m.Kind) {
				found = append(found, m)
				break
			}
		}
	}
	switch len(found) {
	case 0:
		return schema.Move{}, fmt.Errorf("the configuration declares no next: and no state: for an index of %s", target)
	case 1:
		return found[0], nil
	}
	return schema.Move{}, fmt.Errorf("several indexes of %s are moved: add .%s or another kind", target, found[0].Kind)
}

// asFound is a catalog at the stages of its moves that the tables show: an index
// without its column is not written.
func asFound(c *schema.Catalog, snap *rewrite.Snapshot) *schema.Catalog {
	return c.At(func(m schema.Move) schema.Stage {
		from, to, filled := m.From == nil, m.To == nil, false
		for i := range snap.Relations {
			rel := &snap.Relations[i]
			if c.Lookup(rel.ID.Schema, rel.ID.Name) == m.Column().Table {
				from = from || physicalColumn(rel, m.From.Physical()) != nil
				to = to || physicalColumn(rel, m.To.Physical()) != nil
				filled = m.From == nil && rewrite.IndexGuarded(rel, m.To) && !rewrite.HasMark(rel, m.To)
			}
		}
		switch {
		case filled:
			return schema.StageLive
		case to && from:
			return schema.StageFilling
		case to:
			return schema.StageFinished
		}
		return schema.StageNone
	})
}
