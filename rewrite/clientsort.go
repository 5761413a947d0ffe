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
	// Keys are, in the order in which they sort, the last columns of its result, but
	// for those that are shown.
	Keys []SortKey
	// Limit is applied after sorting; nil for none.
	Limit *Limit
	// Most is the number of rows that may be sorted; Text asks for one more.
	Most int
	// Apart, if it is not 0, is the number of first keys of which one row is kept for
	// all of their values: the one that sorts first.
	Apart int
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
	// Shown is the number, from 1, of the result column that the key is; 0 for a
	// column that was added.
	Shown int
}

// sortedKey is an item of ORDER BY that the driver sorts by: a column, h, or one of a
// set operation's, or CASE over columns.
type sortedKey struct {
	item  Expr
	h     hit
	shown int              // as in SortKey
	cols  []*schema.Column // that its values are of; all have one type
}

const (
	clientSortHint = "the driver sorts the rows of a SELECT by columns with client_sort: plain ones, groups by their keys, and set operations by what they show; aggregates alone, and FOR UPDATE beside LIMIT, it does not"
	clientTermHint = "write the items of ORDER BY as columns, with ASC, DESC and NULLS alone"
)

// sortFirst notes an item of the statement's own ORDER BY; false where the driver
// cannot sort by it.
func (a *analysis) sortFirst(e Expr, h hit, sc *scope) bool {
	col := h.flow()[0].col
	q := a.sortable()
	if q == nil || col.ClientSort == 0 || h.rel.alias.Name == "" {
		return false
	}
	s, ok := q.Body.(*Select)
	if !ok || len(s.GroupBy) > 0 && !sortsGroups(h, sc) || len(s.DistinctOn) > 0 && !a.firstOfEach(q, s, sc) {
		return false
	}
	return a.sortItem(q, sortedKey{item: e, h: h, cols: []*schema.Column{col}})
}

// sortItem notes a key, if it is an item of the query's ORDER BY.
func (a *analysis) sortItem(q *Query, k sortedKey) bool {
	if !slices.Contains(q.OrderBy, k.item) {
		return false
	}
	a.sorted = append(a.sorted, k)
	return true
}

// sortable returns the statement's own query, if the driver can sort its rows.
func (a *analysis) sortable() *Query {
	if a.opt.Lookup || a.depth > 0 || len(a.script.Statements) != 1 {
		return nil
	}
	q, ok := a.script.Statements[0].(*Query)
	if !ok || !a.takes(q) {
		return nil
	}
	switch b := q.Body.(type) {
	case *SetOp:
		if q.Lock || intoBody(b) || a.dialect == MySQL && a.wordIn(q.Span, "SQL_CALC_FOUND_ROWS") {
			return nil
		}
	case *Select:
		if b != a.own || b.ItemsEnd < 0 || a.foundRows(b) || a.numbersRows(b) || q.Lock && len(q.Limit) > 0 {
			return nil
		}
		if !a.verifiable(b) && (q.Lock || !a.distinctBy.of(b) && !sortableGroups(b) && !a.keepsFirst(b)) {
			return nil
		}
	default:
		return nil
	}
	return q
}

// clientSort plans the query that is run.
func (a *analysis) clientSort() (*Plan, error) {
	q := a.sortable()
	if q == nil {
		return a.unsorted(clientSortHint)
	}
	p := &ClientSort{}
	w := textWriter{a: a}
	end, hint := 0, ""
	if s, ok := q.Body.(*Select); ok {
		end, hint = a.sortSelect(q, s, p, &w)
	} else {
		end, hint = a.sortSetOp(q, p, &w)
	}
	if hint != "" {
		return a.unsorted(hint)
	}
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

// unsorted refuses the statement.
func (a *analysis) unsorted(hint string) (*Plan, error) {
	if len(a.sorted) == 0 {
		return nil, a.refuse(a.own.Start, ReasonGroup, a.distinctBy.first().String(), hint)
	}
	first := a.sorted[0]
	return nil, a.refuse(first.item.Pos(), ReasonOrder, first.cols[0].String(), hint)
}

// sortSelect writes a SELECT with its sort keys behind its list, up to its ORDER BY,
// and returns where the query goes on; hint where it cannot.
func (a *analysis) sortSelect(q *Query, s *Select, p *ClientSort, w *textWriter) (end int, hint string) {
	terms, at, end := a.orderTerms(q)
	if terms == nil && len(q.OrderBy) > 0 {
		return 0, clientTermHint
	}
	list := a.itemsEnd(s)
	left := Span{s.Items[0].Start, s.Items[0].Start}
	switch {
	case a.distinctBy != nil:
		if !a.sortsWhatIsShown(q) {
			return 0, clientDistinctHint
		}
		left = a.distinctBy.word
	case len(s.DistinctOn) > 0:
		if left = a.distinctOnSpan(s); !left.Known() {
			return 0, clientTermHint
		}
		p.Apart = len(s.DistinctOn)
	}
	w.source(Span{0, left.Start})
	w.source(Span{left.End, list})
	for i, t := range terms {
		w.put(", ")
		key, ok := a.sortTerm(q, s, i, t, w)
		if !ok {
			return 0, clientTermHint
		}
		p.take(key, a.sortedColumns(q.OrderBy[i]))
	}
	if !a.distinctKeys(p, w) {
		return 0, clientDistinctHint
	}
	if len(q.OrderBy) == 0 {
		at, end = a.endOf(q)
	}
	if list != s.ItemsEnd {
		w.put(" ")
	}
	w.source(Span{list, at})
	return end, ""
}

// take adds a key, and holds the number of rows to the least of its columns'.
func (p *ClientSort) take(k SortKey, cols []*schema.Column) {
	p.Keys = append(p.Keys, k)
	for _, c := range cols {
		if p.Most == 0 || c.ClientSort < p.Most {
			p.Most = c.ClientSort
		}
	}
}

// sortedColumns are the columns that a sort key's values are of; none for a clear one.
func (a *analysis) sortedColumns(e Expr) []*schema.Column {
	for _, k := range a.sorted {
		if k.item == e {
			return k.cols
		}
	}
	return nil
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
		if k.h.rel == nil {
			w.source(t.expr) // CASE
			return a.directed(k, t), true
		}
		w.put(a.columnText(k.h.rel, k.h.col))
		return a.directed(k, t), t.expr == e.Range()
	}
	expr := t.expr
	item := a.itemMeant(e, s)
	if a.dialect == MySQL && (asksQuery(e) || item != nil && asksQuery(item)) {
		return SortKey{}, false // MariaDB 10.11 takes no sorting for such a window, and ranks wrongly by others
	}
	if q.Lock || windowed(e) || item != nil && (windowed(item) || a.answersAnew(item)) {
		return SortKey{}, false // a window function takes no other, and stands beside no lock
	}
	if item != nil {
		if t.expr != e.Range() || !item.Range().Known() || !a.balanced(item.Range()) {
			return SortKey{}, false
		}
		expr = item.Range()
	} else if l, ok := e.(*Literal); ok && l.Kind == LitNumber || a.namesItem(e, s) {
		return SortKey{}, false // the number of a column of a star; a name that means another thing in a window
	}
	w.put("DENSE_RANK() OVER (ORDER BY ")
	w.source(expr)
	w.source(Span{t.expr.End, t.end})
	w.put(")")
	return SortKey{}, true
}

// directed is a key with the direction of its item.
func (a *analysis) directed(k sortedKey, t orderTerm) SortKey {
	key := SortKey{Column: k.cols[0], Desc: t.desc, NullsFirst: t.desc == (a.dialect == Postgres), Shown: k.shown}
	if t.nulls != "" {
		key.NullsFirst = t.nulls == "FIRST"
	}
	return key
}

// windowed reports a window function in an expression.
func windowed(e Expr) bool {
	if c, ok := e.(*Call); ok && c.Over {
		return true
	}
	es, _ := kids(e)
	return slices.ContainsFunc(es, windowed)
}

// asksQuery reports a query in an expression.
func asksQuery(e Expr) bool {
	es, qs := kids(e)
	return len(qs) > 0 || slices.ContainsFunc(es, asksQuery)
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
		locks := i < len(toks) && depth == 0 && q.Lock && (isWord(&toks[i], "FOR") || isWord(&toks[i], "LOCK"))
		if locks {
			end = toks[i].Start // what locks stands behind LIMIT
		}
		last := i == len(toks) || locks || depth == 0 && (isWord(&toks[i], "LIMIT") || isWord(&toks[i], "OFFSET") || isWord(&toks[i], "FETCH") || toks[i].Kind == TokPunct && toks[i].Text == ";")
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
