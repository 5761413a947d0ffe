package rewrite

import (
	"slices"
	"strings"
)

// Recursive common tables of UNION, without ALL. The server compares the records of
// rows with their indexes, and so keeps rows apart that come from different rows of
// the tables. What is read from the table is its groups:
//
//	WITH RECURSIVE t (c, d) AS (SELECT c, 1 FROM u UNION SELECT u.c, d + 1 FROM u JOIN t ON u.p = t.c) SELECT c, d FROM t
//	WITH RECURSIVE t (c, d) AS (WITH RECURSIVE "t" ("c", "d", "sealsql_p1") AS (SELECT c, 1 , u.c_bidx AS "sealsql_p1" FROM u
//	UNION SELECT u.c, d + 1 , u.c_bidx AS "sealsql_p2" FROM u JOIN t ON u.p_bidx = t."sealsql_p1")
//	SELECT (array_agg("c"))[1] AS "c", "d", "sealsql_p1" FROM "t" GROUP BY "d", "sealsql_p1") SELECT c, d FROM t
//
// That is the same set: what the recursive part makes of a row it makes of each row
// with equal values, so that the groups of all rows are those of the groups. This holds
// where it looks at one row at a time: not with windows, groups and LIMIT. It ends where
// the plain one ends, since there are only so many records of each value.

const distinctRecursionHint = "use UNION ALL; or UNION over columns with exact search indexes that are selected as they are, each under a name of its own, in a recursive part without windows, groups and LIMIT"

// uniteRecursion unites the parts of a recursive common table.
func (a *analysis) uniteRecursion(c *CTE, rec *recursion, set *SetOp, left, right []column) ([]column, error) {
	if rec == nil || set.All || len(left) != len(right) || !anyFlow(left) && !anyFlow(right) || anyHashed(left) || anyHashed(right) {
		return a.unite(set, left, right)
	}
	all := *set
	all.All = true
	cols, err := a.unite(&all, left, right)
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(cols, func(c column) bool { return len(c.flow) > 0 })
	if at < 0 || !a.rowByRow(rec, a.fold(c.Name.Name)) {
		return nil, a.refuse(set.Start, ReasonSetOperation, shownColumnOf(cols, at), distinctRecursionHint)
	}
	return cols, nil
}

func shownColumnOf(cols []column, at int) string {
	if at < 0 {
		return ""
	}
	return cols[at].flow[0].col.String()
}

// rowByRow reports a recursive part that makes of each row of the common table what
// it makes of it alone, in a common table that is nothing but the two parts.
func (a *analysis) rowByRow(r *recursion, key string) bool {
	q := r.cte.Query
	if q.With != nil || len(q.OrderBy)+len(q.Limit) > 0 || q.Lock || !r.set.Known() {
		return false
	}
	s, ok := r.set.Right.(*Select)
	if !ok || s.Distinct || len(s.GroupBy)+len(s.DistinctOn)+len(s.Windows) > 0 || s.Having != nil ||
		slices.ContainsFunc(s.Items, func(it SelectItem) bool { return looksAround(it.Expr) }) {
		return false
	}
	named, all := 0, 0
	for _, t := range s.From {
		named += a.namedIn(t, key)
	}
	eachTable(s, func(t *Table) {
		if len(t.Path) == 1 && a.fold(t.Path[0].Name) == key {
			all++
		}
	})
	return named == 1 && all == 1
}

// namedIn counts how often a FROM item names a relation outside of queries, on a side
// of joins whose rows are never missing.
func (a *analysis) namedIn(t TableExpr, key string) int {
	switch x := t.(type) {
	case *Table:
		if len(x.Path) == 1 && a.fold(x.Path[0].Name) == key {
			return 1
		}
	case *Join:
		n := 0
		if x.Kind != "RIGHT" && x.Kind != "FULL" {
			n += a.namedIn(x.Left, key)
		}
		if x.Kind != "LEFT" && x.Kind != "FULL" {
			n += a.namedIn(x.Right, key)
		}
		return n
	}
	return 0
}

// looksAround reports a call, outside of the queries in an expression, that may look at
// other rows than one.
func looksAround(e Expr) bool {
	if e == nil {
		return false
	}
	if c, ok := e.(*Call); ok && (c.Over || c.Star || c.Distinct || len(c.Extra) > 0 || aggregates[strings.ToLower(c.Name[len(c.Name)-1].Name)]) {
		return true
	}
	inside, _ := kids(e)
	return slices.ContainsFunc(inside, looksAround)
}

// keptRecursion plans the groups of a recursive UNION over these columns.
func (a *analysis) keptRecursion(r *recursion, cols []column) ([]column, error) {
	if r.set.All || !anyFlow(cols) {
		return cols, nil
	}
	cols, err := a.rename(slices.Clone(cols), r.cte.Columns, r.cte.Start)
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(cols, func(c column) bool { return len(c.flow) > 0 })
	refused := a.refuse(r.set.Start, ReasonSetOperation, shownColumnOf(cols, at), distinctRecursionHint)
	names := map[string]bool{}
	var kept []unionColumn
	for i := range cols {
		c := &cols[i]
		if c.name == "" || names[strings.ToLower(c.name)] || c.hidden || r.closed {
			return nil, refused
		}
		names[strings.ToLower(c.name)] = true
		k := unionColumn{name: c.name}
		if len(c.flow) > 0 {
			if k.index = a.outputIndex(r.cte.Query, i, byEquality); k.index == "" {
				return nil, refused
			}
			c.flow = pickedFlow(c.flow, nil)
		} else if c.consts != nil {
			if err := a.settleClear(c.consts, false); err != nil {
				return nil, err
			}
		}
		c.consts, c.konst, c.origin = nil, nil, hit{}
		kept = append(kept, k)
	}
	r.kept = kept
	return cols, nil
}

// text is what stands before the parts and behind them.
func (r *recursion) text(a *analysis) (before, behind string) {
	f := a.front
	pick := func(name string) string {
		switch a.dialect {
		case Postgres:
			return "(array_agg(" + name + "))[1] AS " + name
		case MySQL:
			return "MIN(" + name + ") AS " + name
		}
		return name
	}
	var names, list, keys []string
	for _, c := range r.kept {
		name := f.QuoteIdent(c.name)
		names = append(names, name)
		if c.index != "" {
			list, keys = append(list, pick(name)), append(keys, f.QuoteIdent(c.index))
			continue
		}
		list, keys = append(list, name), append(keys, name)
	}
	for _, key := range r.wanted {
		index := f.QuoteIdent(a.eq.shown[key])
		names = append(names, index)
		if slices.Contains(keys, index) {
			list = append(list, index)
		} else {
			list = append(list, pick(index))
		}
	}
	table := f.QuoteIdent(r.cte.Name.Name)
	return "WITH RECURSIVE " + table + " (" + strings.Join(names, ", ") + ") AS (",
		") SELECT " + strings.Join(list, ", ") + " FROM " + table + " GROUP BY " + strings.Join(keys, ", ")
}

// recursions writes what stands around the parts; what stands behind them is
// returned.
func (b *builder) recursions() (ends []edit) {
	for _, q := range byPlace(b.a.eq.recursions) {
		r := b.a.eq.recursions[q]
		if r.kept == nil {
			continue
		}
		before, behind := r.text(b.a)
		b.edits = append(b.edits, edit{span: Span{r.set.Start, r.set.Start}, text: before})
		ends = append(ends, edit{span: Span{r.set.End, r.set.End}, text: behind + " ", tail: true})
	}
	return ends
}

// recursion holds the query of a recursive common table against what it became: what
// stands around its parts is what its text says by itself.
func (v verifier) recursion(r *recursion, x, y *Query) bool {
	before, behind := r.text(v.b.a)
	around, err := v.b.a.front.Parse(before+"SELECT 1"+behind, v.b.a.session)
	defer around.release()
	if err != nil || len(around.Statements) != 1 {
		return false
	}
	q, ok := around.Statements[0].(*Query)
	if !ok || x.With != nil || !plainQuery(y) || y.With == nil || !y.With.Recursive || len(q.With.CTEs) != 1 || len(y.With.CTEs) != 1 {
		return false
	}
	c, d := q.With.CTEs[0], y.With.CTEs[0]
	if c.Name.Name != d.Name.Name || !idents(c.Columns, d.Columns) || c.Attr != d.Attr || d.DML != nil || d.Query == nil ||
		d.Query.With != nil || !plainQuery(d.Query) {
		return false
	}
	return v.body(q.Body, y.Body) && v.body(x.Body, d.Query.Body)
}

// plainQuery reports a query without clauses behind its body.
func plainQuery(q *Query) bool { return len(q.OrderBy)+len(q.Limit) == 0 && !q.Lock }
