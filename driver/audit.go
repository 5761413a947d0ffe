package driver

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"log/slog"
	"slices"

	"github.com/sealsql/sealsql"
	"github.com/sealsql/sealsql/audit"
	"github.com/sealsql/sealsql/config"
	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/schema"
)

// openAudit makes the trail of a configuration; nil for none. inner is the plain
// connector of the database that an audit table is in.
func openAudit(cfg *config.Config, inner driver.Connector, dialect string) (*audit.Log, error) {
	a := &cfg.Audit
	o := audit.Options{Queue: a.Queue, Logger: slog.Default()}
	if a.Drop {
		o.Policy = audit.Drop
	}
	if a.File != "" {
		f, err := audit.OpenFile(a.File)
		if err != nil {
			return nil, err
		}
		o.Sinks = append(o.Sinks, f)
	}
	if a.Log {
		o.Sinks = append(o.Sinks, audit.Slog{Logger: slog.Default()})
	}
	if a.Table != "" {
		t, err := auditTable(inner, dialect, a.Table)
		if err != nil {
			return nil, errors.Join(err, closeSinks(o.Sinks))
		}
		o.Sinks = append(o.Sinks, t)
	}
	if len(o.Sinks) == 0 {
		return nil, nil
	}
	return audit.New(o)
}

// auditTable opens the table on connections of its own: a line stays though the
// application's transaction rolls back. SQLite has one writer, which the
// application may be for long.
func auditTable(inner driver.Connector, dialect, table string) (audit.Sink, error) {
	if dialect == "sqlite" || inner == nil {
		return nil, errors.New("sealsql: an audit trail in a table is not possible here; write audit: {file: PATH}")
	}
	db := sql.OpenDB(struct{ driver.Connector }{inner})
	db.SetMaxOpenConns(2)
	t, err := audit.OpenTable(db, dialect, table)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return t, nil
}

func closeSinks(sinks []audit.Sink) (err error) {
	for _, s := range sinks {
		err = errors.Join(err, s.Close())
	}
	return err
}

// keyEvents hands what is done with keys to a trail.
func keyEvents(l *audit.Log) func(context.Context, envelope.KeyEvent) {
	return func(ctx context.Context, e envelope.KeyEvent) {
		info := sealsql.Call(ctx)
		key := e.Meta.ID
		if e.Meta.Created != 0 {
			key = audit.KeyVersion(e.Meta)
		}
		l.Key(audit.Event{
			Op: "key." + e.Op, Key: key, Provider: e.Provider, Actor: info.Actor, Purpose: info.Purpose, Failed: e.Err != nil,
		})
	}
}

// trail is what a statement leaves in the audit trail.
type trail struct {
	events []audit.Event
	rows   int64 // -1 where it is not known
	failed bool
	// uncounted are tables of whose deleted rows the database does not tell how
	// many there were.
	uncounted []string
}

// begin waits until the trail has room and finds out what the statement writes.
func (x *call) begin() error {
	if err := x.c.cr.audit.Ready(x.ctx); err != nil {
		return err
	}
	t := &trail{rows: -1}
	for i := range x.plan.Args {
		t.sent(&x.plan.Args[i], x.info)
	}
	for i := range x.plan.Holes {
		t.sent(&x.plan.Holes[i].Out, x.info)
	}
	for _, d := range x.plan.Deleted {
		for _, c := range d.Table.Columns {
			t.add("delete", c, x.info)
		}
		if d.Uncounted {
			t.uncounted = append(t.uncounted, d.Table.String())
		}
	}
	if t.events != nil {
		x.writes = t
	}
	return nil
}

// sent notes what is done with a value that goes out.
func (t *trail) sent(o *rewrite.Out, info sealsql.CallInfo) {
	if t.add("write", o.Seal, info); o.Index != nil && o.Compared {
		t.add("search", o.Index.Column(), info)
	}
}

// recorded reports whether the trail has such statements on a column.
func recorded(op string, c *schema.Column) bool {
	switch op {
	case "read":
		return c.AuditReads
	case "search":
		return c.AuditSearches
	case "delete":
		return c.AuditDeletes
	}
	return c.AuditWrites
}

// add notes a column on which something is done that is recorded.
func (t *trail) add(op string, c *schema.Column, info sealsql.CallInfo) {
	if c == nil || !recorded(op, c) {
		return
	}
	table := c.Table.String()
	i := slices.IndexFunc(t.events, func(e audit.Event) bool { return e.Op == op && e.Table == table })
	if i < 0 {
		e := audit.Event{Op: op, Table: table, Actor: info.Actor, Purpose: info.Purpose, Partition: c.Table.Partition.Const}
		if c.Table.Partition.Kind != schema.PartitionConst && info.HasPartition {
			e.Partition = info.Partition
		}
		t.events, i = append(t.events, e), len(t.events)
	}
	if !slices.Contains(t.events[i].Columns, c.Name) {
		t.events[i].Columns = append(t.events[i].Columns, c.Name)
	}
}

// executed notes the outcome of a statement.
func (x *call) executed(res driver.Result, err error) {
	if x.writes == nil {
		return
	}
	if err == driver.ErrSkip {
		x.writes = nil // it comes again
		return
	}
	if x.writes.failed = err != nil; err != nil || res == nil {
		return
	}
	if n, err := res.RowsAffected(); err == nil {
		x.writes.rows = n
	}
}

// record hands the events to the trail.
func (t *trail) record(ctx context.Context, l *audit.Log) {
	for _, e := range t.events {
		if e.Failed = t.failed; t.rows >= 0 && !(e.Op == "delete" && slices.Contains(t.uncounted, e.Table)) {
			e.Rows = &t.rows
		}
		l.Record(context.WithoutCancel(ctx), e)
	}
}

// reading finds out what rows of the plan show; nil for nothing that is recorded.
func (x *call) reading() *trail {
	if x.c.cr.audit == nil {
		return nil
	}
	t := &trail{}
	for i := range x.plan.Results {
		if x.plan.Results[i].Hidden {
			continue
		}
		for _, c := range x.plan.Results[i].Columns {
			t.add("read", c, x.info)
		}
	}
	if t.events == nil {
		return nil
	}
	return t
}
