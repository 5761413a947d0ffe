package driver

import (
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/sealsql/sealsql"
	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/schema"
)

// A search by pattern for which the column has no index (rewrite.Like.Scan)
// reads every row that meets the other conditions. What bounds it is the number
// of rows that are opened and left out: those that match are the answer, which
// the application has asked for.

// scan counts the rows that were opened in vain.
type scan struct {
	of         *schema.Column
	most, vain int
}

// scanned returns the bound of the plan's searches, nil where an index answers
// them all: the smallest.
func (x *call) scanned() *scan {
	var s *scan
	for _, l := range x.plan.Likes {
		if l.Scan != nil && (s == nil || l.Of.Scan < s.most) {
			s = &scan{of: l.Of, most: l.Of.Scan}
		}
	}
	return s
}

// left counts a row that is left out.
func (s *scan) left() error {
	if s == nil {
		return nil
	}
	if s.vain++; s.vain <= s.most {
		return nil
	}
	return &sealsql.ColumnError{
		Column: s.of.String(), Op: "index", Err: sealsql.ErrTooManyRows,
		Hint: fmt.Sprintf("the column has no index for patterns, and more than %d rows were read that do not match; add search: {prefix: default}, {suffix: default} or {contains: default}, narrow the condition, or raise limits.scan_rows", s.most),
	}
}

// comparedBy is the index that says how the values of a comparison are encoded.
func comparedBy(l *rewrite.Like) schema.Index {
	switch {
	case l.Scan != nil:
		return l.Scan
	case len(l.Indexes) > 0:
		return l.Indexes[0]
	}
	return nil
}

func likeCollation(l *rewrite.Like) schema.Collation {
	if l.Scan != nil {
		return l.Scan.Collation
	}
	if len(l.Indexes) == 0 {
		return schema.CollationNone // a range, which compares bytes
	}
	return l.Indexes[0].Collation
}

// scanValue is what goes out in the pattern's place: an empty index, which none
// is less than, or NULL.
func (x *call) scanValue(o *rewrite.Out) (driver.Value, error) {
	for i, l := range x.plan.Likes {
		switch {
		case l != o.Like || i >= len(x.patterns):
		case x.patterns[i].null:
			return nil, nil
		default:
			return []byte{}, nil
		}
	}
	return nil, errors.New("sealsql: plan names a pattern that it has not")
}
