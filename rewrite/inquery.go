package rewrite

import "slices"

// Queries whose columns are compared: c IN (SELECT d …), c = ANY (SELECT d …).
// Where the list of the query shows an encrypted column with an exact index, it
// shows the index instead.

// hash marks a query whose columns are compared and nothing else.
func (a *analysis) hash(q *Query) {
	arms, ok := selectsOf(q.Body, nil)
	if !ok {
		return
	}
	if a.eq.hashed == nil {
		a.eq.hashed = map[*Select]bool{}
	}
	for _, s := range arms {
		a.eq.hashed[s] = true
	}
}

// hashedItem makes an item of such a query the index of its column, where that
// is what it is.
func (a *analysis) hashedItem(it *SelectItem, c column) column {
	ref, ok := it.Expr.(*ColumnRef)
	if !ok || c.origin.rel == nil || c.origin.col < 0 {
		return c
	}
	h := c.origin
	e := h.exactIndex()
	if e == nil {
		return c
	}
	part, ok := a.partitionAt(h)
	if !ok && !e.TableScope || a.refIndex(ref, h) != nil {
		return c // refused by whoever takes the value
	}
	return column{name: c.name, origin: h, hashed: &indexedBy{index: e, part: indexPartition(e, part), others: !e.TableScope && !a.confine(h)}}
}

func anyHashed(cols []column) bool {
	for i := range cols {
		if cols[i].hashed != nil {
			return true
		}
	}
	return false
}

// uniteHashed merges the arms of a set operation over indexes: every kind of
// them compares what it should.
func (a *analysis) uniteHashed(s *SetOp, left, right []column) ([]column, error) {
	refused := func(c *column) error {
		return a.refuse(s.Start, ReasonSetOperation, c.hashed.index.Of.String(), "both sides must be columns of one search group")
	}
	out := make([]column, len(left))
	for i := range left {
		l := left[i]
		if i >= len(right) {
			if l.hashed != nil {
				return nil, refused(&l)
			}
			continue
		}
		r := right[i]
		if l.null && r.hashed != nil {
			l, r = r, l
		}
		switch {
		case l.hashed == nil && r.hashed == nil:
			if err := a.noSealed([]column{l, r}, ReasonSetOperation, s.Start, hints[ReasonSetOperation]); err != nil {
				return nil, err
			}
		case l.hashed == nil:
			return nil, refused(&r)
		case r.hashed == nil && !r.null, r.hashed != nil && !(l.hashed.index.Joins(r.hashed.index) && a.samePartitions(l.hashed.part, r.hashed.part)):
			return nil, refused(&l)
		}
		if r.hashed != nil && r.hashed.others {
			l.hashed = r.hashed
		}
		out[i] = column{name: left[i].name, hashed: l.hashed, declared: left[i].declared && r.declared, null: l.null && r.null}
	}
	return out, nil
}

// samePartitions reports that two partitions are one. Where two literals say so,
// the plan serves no text with others. Under a context, whatever fixes a partition
// is compared with the context's before anything is sent.
func (a *analysis) samePartitions(x, y PartitionSource) bool {
	same := x.Value != nil && y.Value != nil && (a.opt.ContextPartition || a.equalValue(x.Value, y.Value))
	return x.Known == y.Known && x.Const == y.Const && (same || sameValue(x.Value, y.Value))
}

// inQuery plans "x op (query)" for IN, op ANY and op ALL, and "=" for every
// comparison of equality with the one value of a query.
func (a *analysis) inQuery(x Expr, q *Query, op string, sc *scope) error {
	left := []Expr{x}
	if r, ok := x.(*Row); ok {
		left = r.Items
	}
	equality := op == "IN" || op == "=" || op == "= ANY" || op == "<> ALL" || op == "<> ANY" || op == "= ALL"
	if equality {
		a.hash(q)
	}
	cols, err := a.query(q, sc, false)
	if err != nil {
		return err
	}
	a.fitsWidth(q, cols, a.comparedWidth(x))
	if !anyHashed(cols) && !(equality && a.listsCompared(left, cols, sc)) || len(cols) != len(left) || a.openQuery(q) {
		before := len(a.clears)
		if err := a.compare(left, sc, ReasonPredicate); err != nil {
			return err
		}
		if op == "IN" {
			a.freeOperands(op, left, before)
		}
		return a.noSealed(cols, ReasonExpression, q.Start, "a subquery used as a value must yield clear columns, or columns with exact search indexes")
	}
	for i, e := range left {
		if equality && a.listsCompared(left[i:i+1], cols[i:i+1], sc) {
			if err := a.compareListed(e, x, cols[i].consts, sc); err != nil {
				return err
			}
			continue
		}
		if cols[i].hashed == nil {
			if err := a.compare([]Expr{e}, sc, ReasonPredicate); err != nil {
				return err
			}
			if err := a.noSealed(cols[i:i+1], ReasonExpression, q.Start, hints[ReasonPredicate]); err != nil {
				return err
			}
			continue
		}
		if err := a.compareHashed(e, x, cols[i].hashed, sc); err != nil {
			return err
		}
	}
	return nil
}

// compareHashed plans what indexes are compared with: a column of their group, a
// parameter, a literal or NULL. whole is the operand that e is, or is an item of.
func (a *analysis) compareHashed(e, whole Expr, with *indexedBy, sc *scope) error {
	if with.others && !slices.Contains(a.positive, whole) {
		return a.refuse(e.Pos(), ReasonPartition, with.index.Of.String(), otherRowsHint)
	}
	ref, ok := e.(*ColumnRef)
	if !ok {
		return a.term(e, with.index, with.part)
	}
	h, err := a.lookUp(ref, sc)
	if err != nil {
		return err
	}
	x := h.exactIndex()
	if x == nil || !x.Joins(with.index) {
		return a.refuse(ref.Start, ReasonPredicate, with.index.Of.String(), "give both columns the same search group and the same index, or compare them in the application")
	}
	if !x.TableScope {
		if part, ok := a.partitionAt(h); !ok || !a.samePartitions(part, with.part) {
			return a.refuse(ref.Start, ReasonPartition, x.Of.String(), partScopeHint)
		}
	}
	if err := a.found(x, []Expr{whole}, []*ColumnRef{ref}, []hit{h}); err != nil {
		return err
	}
	return a.refIndex(ref, h)
}
