package rewrite

import (
	"slices"
	"strconv"
	"strings"

	"github.com/sealsql/sealsql/schema"
)

// ORDER BY over encrypted columns that no index of theirs sorts is done by the
// driver, up to a number of rows (schema.ClientSort): the statement is run
// without ORDER BY and LIMIT and with its sort keys behind its list. Of keys that
// are clear the server says the rank, so that they sort as it sorts them. What is
// run is a statement as an application could have written it, and is planned
// and verified like any other.

// ClientSort is a query whose rows the driver sorts.
type ClientSort struct {
	Text string
	// Args are the caller's ordinals for the parameters of Text, which are
	// numbered from 1 in their order.
	Args []int
	// Keys are the last columns of its result, in the order in which they sort.
	Keys []SortKey
	// Limit is applied after sorting; nil for none.
	Limit *Limit
	// Most is the number of rows that may be sorted; Text asks for one more.
	Most int
	// Distinct keeps one of the rows whose keys are all equal.
	Distinct bool
	// Extremes, where there are any, make one row of all: of each key, which is a
	// column, the smallest or greatest value, NULL where every row has NULL.
	Extremes []Extreme
	// Plan is that of Text.
	Plan *Plan
}

// SortKey is one key. Column is nil for a rank, which is never NULL and always
// ascends.
type SortKey struct {
	Column           *schema.Column
	Desc, NullsFirst bool
}

// sortedKey is an item of ORDER BY that the driver sorts by.
type sortedKey struct {
	item Expr
	h    hit
}

const (
	clientSortHint = "the driver sorts the rows of a plain SELECT by columns with client_sort, without DISTINCT, GROUP BY, aggregates, locks and set operations"
	clientTermHint = "write the items of ORDER BY as columns, with ASC, DESC and NULLS alone"
)

// sortFirst notes an item of the statement's own ORDER BY; false where the driver
// cannot sort by it.
func (a *analysis) sortFirst(e Expr, h hit) bool {
	q := a.sortable()
	if q == nil || h.flow()[0].col.ClientSort == 0 || h.rel.alias.Name == "" {
		return false
	}
	for _, item := range q.OrderBy {
		if item == e {
			a.sorted = append(a.sorted, sortedKey{e, h})
			return true
		}
	}
	return false
}

// sortable returns the statement's own query, if the driver can sort its rows.
func (a *analysis) sortable() *Query {
	if a.opt.Lookup || a.depth > 0 || len(a.script.Statements) != 1 {
		return nil
	}
	q, ok := a.script.Statements[0].(*Query)
	if !ok || q.Lock || !a.takes(q) {
		return nil
	}
	s, ok := q.Body.(*Select)
	if !ok || s != a.own || s.ItemsEnd < 0 || a.foundRows(s) || !a.verifiable(s) && !a.distinctBy.of(s) {
		return nil
	}
	return q
}

// clientSort plans the query that is run.
func (a *analysis) clientSort() (*Plan, error) {
	q := a.sortable()
	refuse := func(hint string) (*Plan, error) {
		if len(a.sorted) == 0 {
			return nil, a.refuse(a.own.Start, ReasonGroup, a.distinctBy.first().String(), hint)
		}
		first := a.sorted[0]
		return nil, a.refuse(first.item.Pos(), ReasonOrder, first.h.flow()[0].col.String(), hint)
	}
	if q == nil {
		return refuse(clientSortHint)
	}
	terms, at, end := a.orderTerms(q)
	if terms == nil && len(q.OrderBy) > 0 {
		return refuse(clientTermHint)
	}
	p := &ClientSort{}
	w := textWriter{a: a}
	s := a.own
	list := a.itemsEnd(s)
	if d := a.distinctBy; d != nil {
		if !a.sortsWhatIsShown(q) {
			return refuse(clientDistinctHint)
		}
		p.Distinct = true
		w.source(Span{0, d.word.Start})
		w.source(Span{d.word.End, list})
	} else {
		w.source(Span{0, list})
	}
	for i, t := range terms {
		w.put(", ")
		key, ok := a.sortTerm(q, s, i, t, &w)
		if !ok {
			return refuse(clientTermHint)
		}
		p.Keys = append(p.Keys, key)
		if key.Column != nil && (p.Most == 0 || key.Column.ClientSort < p.Most) {
			p.Most = key.Column.ClientSort
		}
	}
	if !a.distinctKeys(p, &w) {
		return refuse(clientDistinctHint)
	}
	if len(q.OrderBy) == 0 {
		at, end = a.endOf(q)
	}
	if list != s.ItemsEnd {
		w.put(" ")
	}
	w.source(Span{list, at})
	w.put(" LIMIT " + strconv.Itoa(p.Most+1) + " ")
	w.source(Span{end, len(a.script.Text)})
	p.Text, p.Args = w.b.String(), w.args
	if len(q.Limit) > 0 {
		p.Limit = a.limitOf(q)
	}
	plan, err := PlanOnce(a.front, p.Text, a.cat, a.session, Options{HasArgs: a.opt.HasArgs, Prepare: a.opt.Prepare, ContextPartition: a.opt.ContextPartition})
	if err != nil {
		return nil, elsewhere(err, -1)
	}
	p.Plan = plan
	b := &builder{a: a, plan: &Plan{Params: a.script.Params, Tables: a.touched, Sorted: p}}
	b.names()
	return b.plan, nil
}

// itemsEnd is where columns are added to a select list: on SQLite behind the
// comments that follow it, which are part of the last item's name.
func (a *analysis) itemsEnd(s *Select) int {
	if a.dialect != SQLite {
		return s.ItemsEnd
	}
	for _, t := range a.script.Tokens {
		if t.Start >= s.ItemsEnd {
			if strings.TrimSpace(a.script.Text[s.ItemsEnd:t.Start]) != "" {
				return t.Start
			}
			break
		}
	}
	return s.ItemsEnd
}

// sortTerm writes the column of one key.
func (a *analysis) sortTerm(q *Query, s *Select, i int, t orderTerm, w *textWriter) (SortKey, bool) {
	e := q.OrderBy[i]
	for _, k := range a.sorted {
		if k.item != e {
			continue
		}
		w.put(a.columnText(k.h.rel, k.h.col))
		key := SortKey{Column: k.h.flow()[0].col, Desc: t.desc, NullsFirst: t.desc == (a.dialect == Postgres)}
		if t.nulls != "" {
			key.NullsFirst = t.nulls == "FIRST"
		}
		return key, t.expr == e.Range()
	}
	expr := t.expr
	item := a.itemMeant(e, s)
	if windowed(e) || item != nil && windowed(item) {
		return SortKey{}, false // a window function takes no other
	}
	if item != nil {
		if t.expr != e.Range() || !item.Range().Known() || !a.balanced(item.Range()) {
			return SortKey{}, false
		}
		expr = item.Range()
	} else if l, ok := e.(*Literal); ok && l.Kind == LitNumber {
		return SortKey{}, false // the number of a column of a star
	}
	w.put("DENSE_RANK() OVER (ORDER BY ")
	w.source(expr)
	w.source(Span{t.expr.End, t.end})
	w.put(")")
	return SortKey{}, true
}

// windowed reports a window function in an expression.
func windowed(e Expr) bool {
	if c, ok := e.(*Call); ok && c.Over {
		return true
	}
	es, _ := kids(e)
	return slices.ContainsFunc(es, windowed)
}

// itemMeant is the expression of the select list that a sort key means by its
// number or alias.
func (a *analysis) itemMeant(e Expr, s *Select) Expr {
	switch x := e.(type) {
	case *Literal:
		n := ordinalValue(x.Value)
		if x.Kind != LitNumber || n < 1 || n > len(s.Items) {
			return nil
		}
		for i := range s.Items[:n] {
			if _, star := s.Items[i].Expr.(*Star); star {
				return nil
			}
		}
		return s.Items[n-1].Expr
	case *ColumnRef:
		if len(x.Path) != 1 {
			return nil
		}
		for i := range s.Items {
			if al := s.Items[i].Alias; al != nil && a.same(al.Name, x.Path[0].Name) {
				return s.Items[i].Expr
			}
		}
	}
	return nil
}

// orderTerm is an item of ORDER BY in the text: its expression, and where what
// stands behind that ends.
type orderTerm struct {
	expr  Span
	end   int
	desc  bool
	nulls string
}

// orderTerms finds the items of a query's ORDER BY in the text, where the clause
// begins, and where the query ends; nil where they are not found.
func (a *analysis) orderTerms(q *Query) (terms []orderTerm, at, end int) {
	toks := a.tokens(q.Span)
	depth, from := 0, -1
	for i := range toks {
		depth += nesting(&toks[i])
		if depth == 0 && isWord(&toks[i], "ORDER") && i+1 < len(toks) && isWord(&toks[i+1], "BY") {
			from = i
		}
	}
	if from < 0 || len(toks) == 0 {
		return nil, 0, 0
	}
	end = toks[len(toks)-1].End
	if toks[len(toks)-1].Text == ";" && toks[len(toks)-1].Kind == TokPunct {
		end = toks[len(toks)-1].Start
	}
	var term []Token
	for i := from + 2; ; i++ {
		last := i == len(toks) || depth == 0 && (isWord(&toks[i], "LIMIT") || isWord(&toks[i], "OFFSET") || isWord(&toks[i], "FETCH") || toks[i].Kind == TokPunct && toks[i].Text == ";")
		if last || depth == 0 && toks[i].Kind == TokPunct && toks[i].Text == "," {
			t, ok := termOf(term)
			if !ok {
				return nil, 0, 0
			}
			terms, term = append(terms, t), nil
			if last {
				break
			}
			continue
		}
		depth += nesting(&toks[i])
		term = append(term, toks[i])
	}
	if len(terms) != len(q.OrderBy) || depth != 0 {
		return nil, 0, 0
	}
	return terms, toks[from].Start, end
}

func nesting(t *Token) int {
	switch {
	case t.Kind != TokPunct:
	case t.Text == "(":
		return 1
	case t.Text == ")":
		return -1
	}
	return 0
}

// termOf takes ASC, DESC and NULLS off an item.
func termOf(toks []Token) (t orderTerm, ok bool) {
	n := len(toks)
	if n == 0 {
		return t, false
	}
	t.end = toks[n-1].End
	if n > 2 && isWord(&toks[n-2], "NULLS") {
		switch {
		case isWord(&toks[n-1], "FIRST"):
			t.nulls = "FIRST"
		case isWord(&toks[n-1], "LAST"):
			t.nulls = "LAST"
		}
		n -= 2
	}
	if n > 1 && (isWord(&toks[n-1], "ASC") || isWord(&toks[n-1], "DESC")) {
		t.desc = isWord(&toks[n-1], "DESC")
		n--
	}
	t.expr = Span{toks[0].Start, toks[n-1].End}
	return t, true
}
