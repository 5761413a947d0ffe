package driver

import (
	"context"
	"errors"
	"strings"

	"github.com/sealsql/sealsql"
	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/schema"
)

// seals holds the sealer and its prepared columns. It is immutable.
type seals struct {
	sealer *envelope.Sealer
	// single holds each column as a list of one, the form that opening takes.
	single map[*schema.Column][]*envelope.Column
	// self holds each annotated column likewise.
	self map[*schema.Column][]*schema.Column
	// asherah seals the columns in its format; nil where there are none.
	asherah *asherahSeals
	// indexes holds the search indexes.
	indexes map[schema.Index]index
}

func newSeals(s *envelope.Sealer, annotations *schema.Catalog, d rewrite.Dialect) (*seals, error) {
	out := &seals{
		sealer: s,
		single: map[*schema.Column][]*envelope.Column{},
		self:   map[*schema.Column][]*schema.Column{},

		indexes: map[schema.Index]index{},
	}
	for _, t := range annotations.Tables() {
		for _, c := range t.Columns {
			col, err := s.Column(c.ID, columnOptions(c))
			if err != nil {
				return nil, &sealsql.ColumnError{Column: c.String(), Op: "seal", Err: err}
			}
			out.single[c] = []*envelope.Column{col}
			out.self[c] = []*schema.Column{c}
			for _, x := range c.Indexes() {
				if out.indexes[x], err = newIndex(s, x, d); err != nil {
					return nil, &sealsql.ColumnError{Column: c.String(), Op: "index", Err: err}
				}
			}
		}
	}
	return out, nil
}

func (s *seals) column(c *schema.Column) *envelope.Column { return s.single[c][0] }

// sealError names the column of a failure to seal. Refusals and errors of the
// context keep their identity inside.
func sealError(c *schema.Column, err error) error {
	return &sealsql.ColumnError{Column: c.String(), Op: "seal", Err: err}
}

// openError names the columns that a value was expected to belong to.
func openError(cols []*schema.Column, err error) error {
	e := &sealsql.ColumnError{Column: columnNames(cols), Op: "open", Err: err}
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
	case errors.Is(err, envelope.ErrNotSealed):
		e.Hint = "the column holds a value that was not written through sealsql; migrate it, or repair the row"
	case errors.Is(err, envelope.ErrTampered):
		e.Hint = "the stored record was changed, or belongs to another column, partition or row; restore the row from a backup"
	}
	return e
}

func columnNames(cols []*schema.Column) string {
	names := make([]string, len(cols))
	for i, c := range cols {
		names[i] = c.String()
	}
	return strings.Join(names, "|")
}

// partitionError says for which table a partition is missing or wrong.
func partitionError(t *schema.Table, err error, hint string) error {
	if hint == partitionHint && t.Partition.Kind == schema.PartitionContext {
		hint = contextHint
	}
	return &sealsql.ColumnError{Column: t.String(), Op: "partition", Err: err, Hint: hint}
}

// guardError replaces the database's error, which shows the failing row.
func guardError(p *rewrite.Plan, constraint string) error {
	column := constraint
	if len(p.Tables) == 1 {
		column = p.Tables[0].String() + " (" + constraint + ")"
	}
	if guardOfAnother(p, constraint) {
		return &sealsql.ColumnError{
			Column: column, Op: "guard", Err: sealsql.ErrPlaintextBlocked,
			Hint: "the table demands a search index that this process did not write: give it the configuration that declares the index (next: of sealsql reindex)",
		}
	}
	return &sealsql.ColumnError{
		Column: column, Op: "guard", Err: sealsql.ErrPlaintextBlocked,
		Hint: "the value was not sealed by this driver: the column is missing from this process's configuration, or was written by other means",
	}
}

// guardOfAnother reports a guard that belongs to no column and no index that the
// statement writes, in a table that it is about.
func guardOfAnother(p *rewrite.Plan, constraint string) bool {
	if constraint == rewrite.RecordDomainGuard {
		return false // of whichever column
	}
	for _, t := range p.Tables {
		for _, c := range t.Columns {
			if strings.EqualFold(rewrite.GuardName(c), constraint) {
				return false
			}
			for _, x := range c.Indexes() {
				if strings.EqualFold(rewrite.IndexGuardName(x), constraint) {
					return false
				}
			}
		}
	}
	return len(p.Tables) > 0
}
