package rewrite

import "slices"

// ORDER BY of a query in FROM, without LIMIT, says nothing by the standard; but the
// rows of a plain SELECT over nothing else come in that order, and applications count
// on it:
//
//	SELECT d.id FROM (SELECT id, age FROM staff ORDER BY age) d WHERE d.id > $1 LIMIT 10
//
// (MariaDB drops such an order, and MySQL where it makes a table of the query.) Where
// the driver has to sort, the order is moved to the query around, as an
// application could have written it, and that statement is planned.

// hoist is an ORDER BY that is moved.
type hoist struct {
	from, to *Query
	// names are what the keys are called around.
	names []string
}

// hoistFrom notes the ORDER BY of a query in FROM of which an item, e, is an encrypted
// column that the driver sorts by; false where it cannot be moved.
func (a *analysis) hoistFrom(e Expr, q *Query, sc *scope) bool {
	if a.hoisted != nil && a.hoisted.from == q {
		return true
	}
	h, _ := a.keyColumn(e, sc)
	if a.hoisted != nil || a.dialect == MySQL || a.opt.Lookup || a.depth > 0 || h.rel == nil || len(h.flow()) != 1 || h.flow()[0].col.ClientSort == 0 || revealed(h) {
		return false
	}
	to, alias := a.readerOf(q)
	if s, ok := q.Body.(*Select); to == nil || len(q.Limit) > 0 || q.Lock || ok && a.numbersRows(s) {
		return false
	}
	x := &hoist{from: q, to: to}
	for _, key := range q.OrderBy {
		name := a.shownKey(key, sc)
		if name == "" {
			return false
		}
		x.names = append(x.names, a.front.QuoteIdent(alias)+"."+a.front.QuoteIdent(name))
	}
	a.hoisted = x
	return true
}

// readerOf finds the query that reads q and nothing else, row by row, along the FROM of
// the statement's own query, and what it calls it.
func (a *analysis) readerOf(q *Query) (reader *Query, alias string) {
	if len(a.script.Statements) != 1 {
		return nil, ""
	}
	at, _ := a.script.Statements[0].(*Query)
	own := at
	for at != nil {
		s, ok := at.Body.(*Select)
		if !ok || len(s.From) != 1 || len(at.OrderBy) > 0 || at.Lock || len(s.Windows) > 0 || !a.rowsAlone(at, s) ||
			slices.ContainsFunc(s.Items, func(it SelectItem) bool { return windowed(it.Expr) }) {
			return nil, ""
		}
		var next *Query
		switch t := s.From[0].(type) {
		case *Derived:
			if next = t.Query; t.Alias != nil && len(t.ColumnAliases) == 0 {
				alias = t.Alias.Name
			}
		case *Table:
			if next = a.readOnce(own, t); t.Alias != nil {
				alias = t.Alias.Name
			} else {
				alias = t.Path[len(t.Path)-1].Name
			}
		}
		if next == q && alias != "" {
			return at, alias
		}
		at, alias = next, ""
	}
	return nil, ""
}

// readOnce is the query of a common table of the statement that t reads, and nothing else
// does; nil for other tables.
func (a *analysis) readOnce(own *Query, t *Table) (of *Query) {
	if own.With == nil || own.With.Recursive || len(t.Path) != 1 || len(t.ColumnAliases) > 0 {
		return nil
	}
	count := 0
	w := tableWalk{fn: func(x *Table) {
		if len(x.Path) == 1 && a.same(x.Path[0].Name, t.Path[0].Name) {
			count++
		}
	}}
	w.query(own)
	for _, c := range own.With.CTEs {
		if a.same(c.Name.Name, t.Path[0].Name) && c.DML == nil && len(c.Columns) == 0 && c.Attr == "" {
			of = c.Query
		}
	}
	if count != 1 {
		return nil
	}
	return of
}

// shownKey is the name of the result column that a sort key is; "" where it is none, or
// another has the name as well.
func (a *analysis) shownKey(e Expr, sc *scope) string {
	at := a.unionKey(e, sc)
	if ref, ok := e.(*ColumnRef); ok && at < 0 {
		h, _, found, err := a.resolve(ref, &scope{rels: sc.rels})
		if err != nil || !found {
			return ""
		}
		at = slices.IndexFunc(sc.outputs, func(c column) bool { return !c.hidden && c.origin == h })
	}
	if at < 0 {
		return ""
	}
	n := 0
	for i := range sc.outputs {
		if a.same(sc.outputs[i].name, sc.outputs[at].name) {
			n++
		}
	}
	if n != 1 || sc.outputs[at].hidden {
		return ""
	}
	return sc.outputs[at].name
}

// hoistedPlan plans the statement with the order moved.
func (a *analysis) hoistedPlan() (*Plan, error) {
	x := a.hoisted
	refuse := func() (*Plan, error) {
		return nil, a.refuse(x.from.OrderBy[0].Pos(), ReasonOrder, "", clientTermHint)
	}
	terms, cut, _ := a.orderTerms(x.from)
	place := a.orderPlace(x.to)
	if terms == nil || place < 0 || place < terms[len(terms)-1].end {
		return refuse()
	}
	text := a.script.Text
	out := text[:cut] + text[terms[len(terms)-1].end:place] + " ORDER BY "
	for i, t := range terms {
		if t.expr != x.from.OrderBy[i].Range() {
			return refuse()
		}
		if i > 0 {
			out += ", "
		}
		out += x.names[i] + text[t.expr.End:t.end]
	}
	p, err := PlanOnce(a.front, out+" "+text[place:], a.cat, a.session, a.opt)
	if err != nil {
		return nil, elsewhere(err, x.from.OrderBy[0].Pos())
	}
	return p, nil
}

// orderPlace is where ORDER BY stands in a query that has none; negative where it is not
// known.
func (a *analysis) orderPlace(q *Query) int {
	s := q.Body.(*Select)
	toks := a.tokens(q.Span)
	depth, at := 0, -1
	for i := range toks {
		if depth == 0 && toks[i].Start >= s.ItemsEnd && (isWord(&toks[i], "LIMIT") || isWord(&toks[i], "OFFSET") || isWord(&toks[i], "FETCH") || toks[i].Kind == TokPunct && toks[i].Text == ";") {
			return toks[i].Start
		}
		depth += nesting(&toks[i])
		at = toks[i].End
	}
	if depth != 0 || !q.Known() {
		return -1
	}
	return at
}
