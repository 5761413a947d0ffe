package rewrite

// Where a comparison stands in a statement decides what may take its place.

// owner is what a condition belongs to: a SELECT, UPDATE or DELETE.
type owner struct{ where Expr }

// standing says how a comparison stands in a condition.
type standing uint8

// The standings: anywhere; where false and NULL are one (under AND and OR
// alone); where every row of the result has to meet it.
const (
	anywhere standing = iota
	underOr
	conjunctOf
)

// finder knows the conditions and tables of a statement.
type finder struct {
	owners []*owner
	tables []*Table
	// locks is set where the statement changes or locks rows, outer where a join
	// may leave out a table. PostgreSQL locks the rows of such a table only if a
	// condition that names it says that it is not left out.
	locks, outer bool
}

// owner returns what a comparison is a condition of, and how it stands there.
func (f *finder) owner(o *Op) (*owner, standing) {
	for _, w := range f.owners {
		if at, ok := within(w.where, o, conjunctOf); ok {
			return w, at
		}
	}
	return nil, anywhere
}

// within looks for a comparison in a condition, not in its subqueries.
func within(e Expr, o *Op, at standing) (standing, bool) {
	if e == nil {
		return 0, false
	}
	x, ok := e.(*Op)
	if ok && x == o {
		return at, true
	}
	switch {
	case ok && x.Name == "AND":
	case ok && x.Name == "OR":
		at = min(at, underOr)
	default:
		at = anywhere
	}
	es, _ := kids(e)
	for _, k := range es {
		if got, ok := within(k, o, at); ok {
			return got, true
		}
	}
	return 0, false
}

// table returns the table that is named at an offset.
func (f *finder) table(pos int) *Table {
	for _, t := range f.tables {
		if t.Known() && t.Start == pos {
			return t
		}
	}
	return nil
}

func (f *finder) statement(st Statement) {
	switch s := st.(type) {
	case *Query:
		f.query(s)
	case *Insert:
		f.locks = true
		f.with(s.With)
		if s.Values != nil {
			f.body(s.Values)
		}
		f.query(s.Query)
		for _, u := range s.Upserts {
			f.assigns(u.Set)
			f.exprs(append([]Expr{u.Where, u.TargetWhere}, u.Target...))
		}
		f.items(s.Returning)
	case *Update:
		f.locks = true
		f.with(s.With)
		f.from(s.Targets)
		f.from(s.From)
		f.assigns(s.Set)
		f.condition(s.Where)
		f.exprs(s.OrderBy)
		f.items(s.Returning)
	case *Delete:
		f.locks = true
		f.with(s.With)
		f.from(s.Targets)
		f.from(s.From)
		f.condition(s.Where)
		f.exprs(s.OrderBy)
		f.items(s.Returning)
	}
}

func (f *finder) with(w *With) {
	if w == nil {
		return
	}
	for _, c := range w.CTEs {
		f.query(c.Query)
		f.statement(c.DML)
	}
}

func (f *finder) query(q *Query) {
	if q == nil {
		return
	}
	f.locks = f.locks || q.Lock
	f.with(q.With)
	f.body(q.Body)
	f.exprs(q.OrderBy)
	f.exprs(q.Limit)
}

func (f *finder) body(b Body) {
	switch x := b.(type) {
	case *Select:
		f.locks = f.locks || x.Into
		f.items(x.Items)
		f.from(x.From)
		f.condition(x.Where)
		for _, e := range [][]Expr{{x.Having}, x.GroupBy, x.DistinctOn, x.Windows} {
			f.exprs(e)
		}
	case *SetOp:
		f.body(x.Left)
		f.body(x.Right)
	case *Values:
		for _, r := range x.Rows {
			f.exprs(r)
		}
	case *Query:
		f.query(x)
	}
}

func (f *finder) from(list []TableExpr) {
	for _, t := range list {
		switch x := t.(type) {
		case *Table:
			f.tables = append(f.tables, x)
			f.exprs(x.Extra)
		case *Derived:
			f.query(x.Query)
		case *Join:
			f.outer = f.outer || x.Kind == "LEFT" || x.Kind == "RIGHT" || x.Kind == "FULL"
			f.from([]TableExpr{x.Left, x.Right})
			f.expr(x.On)
		case *FuncTable:
			f.exprs(x.Calls)
		}
	}
}

func (f *finder) condition(e Expr) {
	if e != nil {
		f.owners = append(f.owners, &owner{e})
		f.expr(e)
	}
}

func (f *finder) assigns(list []Assign) {
	for i := range list {
		f.expr(list[i].Value)
	}
}

func (f *finder) items(list []SelectItem) {
	for i := range list {
		f.expr(list[i].Expr)
	}
}

func (f *finder) exprs(es []Expr) {
	for _, e := range es {
		f.expr(e)
	}
}

func (f *finder) expr(e Expr) {
	if e == nil {
		return
	}
	es, qs := kids(e)
	f.exprs(es)
	for _, q := range qs {
		f.query(q)
	}
}
