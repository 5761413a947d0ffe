package driver

import (
	"database/sql/driver"
	"errors"

	"github.com/sealsql/sealsql"
	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/schema"
)

// rowOf is where the row identity of a group's records is found. The zero value
// is for columns that do not bind rows.
type rowOf struct {
	bound bool
	// from is the inner column that holds the identity, or -1 where id is it.
	from int
	id   string
	// err says why a value given in the statement is no identity. It matters only
	// when a row is read: one that equals NULL or nonsense there is not.
	err error
}

func (r rowOf) same(o rowOf) bool {
	return r.bound == o.bound && r.from == o.from && r.id == o.id && r.err == nil && o.err == nil
}

// rowOf evaluates what the plan says of a column's row; nil is a column that
// does not bind rows.
func (x *call) rowOf(c *schema.Column, s *rewrite.RowSource) (rowOf, error) {
	switch {
	case s == nil && !c.BindsRow():
		return rowOf{}, nil
	case s == nil || s.Value == nil && (s.ResultColumn < 0 || s.ResultColumn >= len(x.plan.Results)):
		return rowOf{}, errors.New("sealsql: plan opens a bound column without a row")
	case s.Value == nil:
		return rowOf{bound: true, from: s.ResultColumn}, nil
	}
	id, err := x.rowID(s.Value, c.Table)
	return rowOf{bound: true, from: -1, id: id, err: err}, nil
}

// rowID evaluates a row identity to the form that enters the associated data
// (threats T14).
func (x *call) rowID(v *rewrite.Value, t *schema.Table) (string, error) {
	switch v.Source {
	case rewrite.FromArg:
		raw, err := x.raw(v)
		if err != nil {
			return "", err
		}
		return canonicalRow(x.codec, raw, t)
	case rewrite.FromLiteral:
		lit, null, err := literalOf(v.Literal)
		if err != nil || null {
			return "", rowError(t, envelope.ErrRow)
		}
		id, err := x.codec.CanonicalLiteral(&t.Row.Type, lit)
		return checkRow(id, err, t)
	}
	return "", errors.New("sealsql: plan takes a row from an unknown source")
}

func canonicalRow(codec logical.Codec, v any, t *schema.Table) (string, error) {
	if v == nil {
		return "", rowError(t, envelope.ErrRow)
	}
	id, err := codec.Canonical(&t.Row.Type, v)
	return checkRow(id, err, t)
}

func checkRow(id string, err error, t *schema.Table) (string, error) {
	if err == nil && (id == "" || len(id) > envelope.MaxRow) {
		err = envelope.ErrRow
	}
	if err != nil {
		return "", rowError(t, err)
	}
	return id, nil
}

// rowError says for which table a row identity is missing or wrong.
func rowError(t *schema.Table, err error) *sealsql.ColumnError {
	return &sealsql.ColumnError{
		Column: t.Name + "." + t.Row.Column, Op: "row", Err: err,
		Hint: "the program gives the key of each row, never NULL, in the type that bind_row declares",
	}
}

// rowID returns the identity that a group's records are bound to.
func (o *opener) rowID(g *group, row []driver.Value) (string, error) {
	switch {
	case !g.row.bound:
		return "", nil
	case g.row.from < 0:
		return g.row.id, g.row.err
	}
	v := row[g.row.from]
	if b, ok := v.([]byte); ok && g.table.Row.Type.Kind == schema.KindUUID {
		v = string(b) // MariaDB's UUID columns are read as text
	}
	return canonicalRow(o.codec, v, g.table)
}
