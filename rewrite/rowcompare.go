package rewrite

// compareRows plans the comparison of rows, (a, c) = ($1, $2) and (a, c) IN
// (($1, $2), …), column by column. done is false where nothing in them is
// encrypted.
func (a *analysis) compareRows(name string, args []Expr, sc *scope) (done bool, err error) {
	first, ok := args[0].(*Row)
	if !ok || !indexComparisons[name] {
		return false, nil
	}
	columns := make([][]Expr, len(first.Items))
	for _, e := range args {
		r, ok := e.(*Row)
		if !ok || len(r.Items) != len(columns) {
			return false, nil
		}
		for i, x := range r.Items {
			columns[i] = append(columns[i], x)
		}
	}
	sealed := false
	for _, column := range columns {
		sealed = sealed || a.anySealedRef(column, sc)
	}
	if !sealed {
		return false, nil
	}
	for _, column := range columns {
		done, err := a.combinedOperands(column)
		if err == nil && !done {
			done, err = a.indexCompare(name, column, sc)
		}
		if err == nil && !done {
			err = a.compare(column, sc, ReasonPredicate)
		}
		if err != nil {
			return true, err
		}
	}
	return true, nil
}

// lostByRightJoin refuses (a, c) IN … where the index of c stands behind the first
// item and the tables are joined by RIGHT or FULL JOIN: SQLite, up to 3.53 at
// least, takes the index and then loses the rows that have no partner.
func (a *analysis) lostByRightJoin(x *In, sc *scope) error {
	row, ok := x.X.(*Row)
	if !ok || a.dialect != SQLite || !sc.rightJoined || len(row.Items) < 2 {
		return nil
	}
	for _, e := range row.Items[1:] {
		ref, ok := a.unfold(e).inner.(*ColumnRef)
		if !ok || a.indexOn(ref) == nil && a.combined.refs[ref] == nil {
			continue
		}
		if h, _, found, err := a.resolve(ref, sc); err == nil && found && len(h.flow()) > 0 {
			return a.refuse(ref.Start, ReasonPredicate, h.flow()[0].col.String(),
				"SQLite loses rows of a RIGHT or FULL JOIN here; name the encrypted column first in the row, or compare column by column")
		}
	}
	return nil
}

// anySealedRef reports an encrypted column among operands.
func (a *analysis) anySealedRef(es []Expr, sc *scope) bool {
	for _, e := range es {
		if ref, ok := a.unfold(e).inner.(*ColumnRef); ok {
			if h, _, found, err := a.resolve(ref, sc); err == nil && found && len(h.flow()) > 0 {
				return true
			}
		}
	}
	return false
}
