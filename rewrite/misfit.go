package rewrite

// Queries whose number of columns does not fit the place where they stand. The
// server refuses such a statement, and keeps in its log what stood in the wrong
// place: the value of an encrypted column may be among it. In a statement over an
// annotated table they are refused, once the analysis has come to the end and knows
// that there is one.

const misfitHint = "a query has another number of columns than the place where it stands takes"

// anyWidth is the number of columns of a query that may have any.
const anyWidth = -1

// opposite notes how many columns the queries among operands may have that are
// compared: as many as the row on the other side. Two queries may be rows both, but
// on PostgreSQL. list is the query of IN, or nil.
func (a *analysis) opposite(operands []Expr, list *Query) {
	queries, width := 0, 0
	if list != nil {
		queries++
	}
	for _, e := range operands {
		switch x := e.(type) {
		case *Subquery:
			queries++
		case *Row:
			width = rowWidth(x)
		}
	}
	if queries == 0 || width == 0 && (queries < 2 || a.dialect == Postgres) {
		return
	}
	if width == 0 {
		width = anyWidth
	}
	for _, e := range operands {
		if q, ok := e.(*Subquery); ok && q.Kind == SubScalar {
			a.rows = append(a.rows, rowQuery{q.Query, width})
		}
	}
}

// rowQuery is a query that is a row of so many columns.
type rowQuery struct {
	query *Query
	width int
}

// rowWidth is the number of columns of a row, if that is known.
func rowWidth(r *Row) int {
	for _, it := range r.Items {
		if _, star := it.(*Star); star {
			return anyWidth
		}
	}
	return len(r.Items)
}

// fits notes a query that is used as a value, or as the row that opposite found,
// and has another number of columns.
func (a *analysis) fits(q *Query, cols []column) {
	want := 1
	for _, r := range a.rows {
		if r.query == q {
			want = r.width
		}
	}
	a.fitsWidth(q, cols, want)
}

func (a *analysis) fitsWidth(q *Query, cols []column, want int) {
	if a.misfit == 0 && want != anyWidth && len(cols) != want && !a.openQuery(q) {
		a.misfit = 1 + max(0, q.Start)
	}
}

// comparedWidth is how many columns a query may have that x is compared with.
func (a *analysis) comparedWidth(x Expr) int {
	switch x := x.(type) {
	case *Row:
		return rowWidth(x)
	case *Subquery:
		if a.dialect != Postgres {
			return anyWidth
		}
	case *Star, *Opaque:
		return anyWidth
	}
	return 1
}

// fitsArms notes a set operation whose sides have different numbers of columns.
func (a *analysis) fitsArms(s *SetOp, left, right []column) {
	if a.misfit == 0 && columnsSeen(left) != columnsSeen(right) && !a.openArm(s.Left) && !a.openArm(s.Right) {
		a.misfit = 1 + max(0, s.Start)
	}
}

func columnsSeen(cols []column) int {
	n := 0
	for i := range cols {
		if !cols[i].hidden {
			n++
		}
	}
	return n
}
