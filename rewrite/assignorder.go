package rewrite

import (
	"slices"

	"github.com/sealsql/sealsql/schema"
)

// MySQL assigns from left to right, and an expression sees what was assigned
// before it. The indexes of a column that is assigned a form are therefore
// assigned in front of it, so that every condition of the form, in the column's
// own assignment and in the copies for the indexes, sees the row as it was. An
// index that the conditions look at comes last, behind the column.

// formReads are what the conditions of a form see of the column that it is
// assigned to: the column itself, and which of its indexes.
type formReads struct {
	column  bool
	indexes []schema.Index
}

// reads lists what the conditions of a form see of a column.
func (a *analysis) reads(v Expr, c *schema.Column, sc *scope) (r formReads) {
	a.eachCondition(v, func(cond Expr) {
		eachColumn(cond, func(ref *ColumnRef) {
			x := a.indexRead(ref)
			switch {
			case x == nil:
				h, _, found, err := a.resolve(ref, sc)
				r.column = r.column || err == nil && found && len(h.flow()) == 1 && h.flow()[0].col == c
			case x.Column() == c && !slices.Contains(r.indexes, x):
				r.indexes = append(r.indexes, x)
			}
		})
	})
	return r
}

// indexRead is the index that a reference has become; nil for none.
func (a *analysis) indexRead(ref *ColumnRef) schema.Index {
	if e := a.indexOn(ref); e != nil {
		return e
	}
	if r := a.ranges.refs[ref]; r != nil {
		return r
	}
	return nil
}

// eachCondition calls fn for what a form decides by.
func (a *analysis) eachCondition(e Expr, fn func(Expr)) {
	switch x := e.(type) {
	case *Cast:
		a.eachCondition(x.X, fn)
	case *Case:
		if x.Operand != nil {
			fn(x.Operand)
		}
		for _, w := range x.Whens {
			fn(w.Cond)
			a.eachCondition(w.Then, fn)
		}
		if x.Else != nil {
			a.eachCondition(x.Else, fn)
		}
	case *Call:
		form := a.handsOn(x)
		if form == nil {
			return
		}
		for i, arg := range x.Args {
			if form.hands(i, len(x.Args)) {
				a.eachCondition(arg, fn)
			} else {
				fn(arg)
			}
		}
	}
}

// hands reports whether argument i of n is one of those that are handed on.
func (f *valueForm) hands(i, n int) bool {
	last := f.to
	if last < 0 {
		last = n - 1
	}
	return i >= f.from && i <= last && i != f.test
}

const orderOfIndexes = "MySQL assigns one after the other, and the conditions look at two indexes of the column: put one of them into WHERE"

// growForm adds the assignments of the indexes of a column that is assigned a
// form.
func (a *analysis) growForm(s *Assign, ref *ColumnRef, c *schema.Column, v Expr, part PartitionSource, sc *scope) error {
	var r formReads
	if a.dialect == MySQL {
		if r = a.reads(v, c, sc); len(r.indexes) > 1 {
			return a.refuse(ref.Start, ReasonComputed, c.String(), orderOfIndexes)
		}
	}
	ahead := r.column || len(r.indexes) > 0
	for _, x := range c.Own() {
		last := slices.Contains(r.indexes, x)
		add, err := a.besideForm(v, x, part, sc, ahead && last)
		if err != nil {
			return err
		}
		if a.growAssignment(s, ref, add); ahead && !last {
			a.putAhead(s, add)
		}
	}
	return nil
}

// putAhead moves the assignment of an index in front of that of its column.
func (a *analysis) putAhead(s *Assign, add *addition) {
	add.at, add.lead, add.trail, add.ahead = s.Start, add.lead[len(", "):], ", ", true
}
