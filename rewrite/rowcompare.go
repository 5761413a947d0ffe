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
