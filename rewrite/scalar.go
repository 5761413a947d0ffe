package rewrite

// Comparisons with a query that yields one value: c = (SELECT d …). As in
// c IN (SELECT d …) the query yields the index where d is an encrypted column of
// the same group; no row, and NULL, are NULL to the index as they are to the value.

// scalarCompare plans a comparison with one scalar query; done is false where
// there is none.
func (a *analysis) scalarCompare(o *Op, sc *scope) (done bool, err error) {
	if len(o.Args) != 2 {
		return false, nil
	}
	at := -1
	for i, e := range o.Args {
		if q, ok := e.(*Subquery); ok && q.Kind == SubScalar {
			if at >= 0 {
				return false, nil
			}
			at = i
		}
	}
	if at < 0 || !indexComparisons[o.Name] {
		return false, nil
	}
	x, _ := o.Args[at].(*Subquery)
	return true, a.inQuery(o.Args[1-at], x.Query, "=", sc)
}
