package rewrite

// kids returns the expressions and queries directly under e.
func kids(e Expr) (es []Expr, qs []*Query) {
	switch x := e.(type) {
	case *Call:
		es = append(append(es, x.Args...), x.Extra...)
	case *Op:
		es = x.Args
	case *IsNull:
		es = []Expr{x.X}
	case *In:
		es = append([]Expr{x.X}, x.List...)
		if x.Query != nil {
			qs = []*Query{x.Query}
		}
	case *Subquery:
		if x.X != nil {
			es = []Expr{x.X}
		}
		qs = []*Query{x.Query}
	case *Case:
		if x.Operand != nil {
			es = append(es, x.Operand)
		}
		for _, w := range x.Whens {
			es = append(es, w.Cond, w.Then)
		}
		if x.Else != nil {
			es = append(es, x.Else)
		}
	case *Cast:
		es = []Expr{x.X}
	case *Row:
		es = x.Items
	case *ValuesRef:
		es = []Expr{x.Column}
	case *Opaque:
		es, qs = x.Kids, x.Queries
	}
	return es, qs
}

// eachColumn calls fn for every column name in e, not entering subqueries.
func eachColumn(e Expr, fn func(*ColumnRef)) {
	if e == nil {
		return
	}
	if ref, ok := e.(*ColumnRef); ok {
		fn(ref)
		return
	}
	es, _ := kids(e)
	for _, k := range es {
		eachColumn(k, fn)
	}
}

// eachTable calls fn for every named relation under a body.
func eachTable(b Body, fn func(*Table)) {
	w := tableWalk{fn: fn}
	w.body(b)
}

// eachLiteral calls fn for every literal under a query.
func eachLiteral(q *Query, fn func(*Literal)) {
	w := tableWalk{fn: func(*Table) {}, literal: fn}
	w.query(q)
}

type tableWalk struct {
	fn      func(*Table)
	literal func(*Literal) // or nil
}

func (w tableWalk) body(b Body) {
	switch x := b.(type) {
	case *Select:
		for i := range x.Items {
			w.expr(x.Items[i].Expr)
		}
		for _, t := range x.From {
			w.table(t)
		}
		for _, e := range [][]Expr{{x.Where, x.Having}, x.GroupBy, x.DistinctOn, x.Windows} {
			w.exprs(e)
		}
	case *SetOp:
		w.body(x.Left)
		w.body(x.Right)
	case *Values:
		for _, r := range x.Rows {
			w.exprs(r)
		}
	case *Query:
		w.query(x)
	}
}

func (w tableWalk) query(q *Query) {
	if q == nil {
		return
	}
	if q.With != nil {
		for _, c := range q.With.CTEs {
			w.query(c.Query)
		}
	}
	w.body(q.Body)
	w.exprs(q.OrderBy)
	w.exprs(q.Limit)
}

func (w tableWalk) table(t TableExpr) {
	switch x := t.(type) {
	case *Table:
		w.fn(x)
		w.exprs(x.Extra)
	case *Derived:
		w.query(x.Query)
	case *Join:
		w.table(x.Left)
		w.table(x.Right)
		w.expr(x.On)
	case *FuncTable:
		w.exprs(x.Calls)
	}
}

func (w tableWalk) exprs(es []Expr) {
	for _, e := range es {
		w.expr(e)
	}
}

func (w tableWalk) expr(e Expr) {
	if e == nil {
		return
	}
	if l, ok := e.(*Literal); ok && w.literal != nil {
		w.literal(l)
	}
	es, qs := kids(e)
	w.exprs(es)
	for _, q := range qs {
		w.query(q)
	}
}
