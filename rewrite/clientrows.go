package rewrite

import (
	"slices"
	"strconv"
	"strings"

	"github.com/sealsql/sealsql/schema"
)

// DISTINCT over encrypted columns, and the smallest and greatest of their values,
// where no index tells them and the columns have client_sort: the driver reads the
// rows, at most so many as it may sort.

// Extreme is MIN or MAX of a column.
type Extreme struct {
	Max bool
	// Name is that of the result's column where the engine would not give it that
	// of the call; else empty.
	Name string
}

// sortedDistinct is a DISTINCT that the driver answers: the word in the text, and
// what each column of the result is.
type sortedDistinct struct {
	s    *Select
	word Span
	cols []column
}

// extremed is a call of MIN or MAX that the driver answers.
type extremed struct {
	call *Call
	h    hit
}

const clientDistinctHint = "the driver tells rows of a plain SELECT DISTINCT apart by columns with client_sort and clear expressions without parameters, and sorts them by what is selected"

func (d *sortedDistinct) of(s *Select) bool { return d != nil && d.s == s }

// first is the first encrypted column that is shown.
func (d *sortedDistinct) first() *schema.Column {
	for i := range d.cols {
		if f := d.cols[i].flow; len(f) > 0 {
			return f[0].col
		}
	}
	return nil
}

// distinctFirst notes the DISTINCT of the statement's own query; false where an
// index answers it, or the driver cannot.
func (a *analysis) distinctFirst(s *Select, cols []column, sc *scope) bool {
	if s != a.own || len(cols) != len(s.Items) || s.Having != nil || s.Into || len(s.GroupBy)+len(s.DistinctOn)+len(s.Windows) > 0 {
		return false
	}
	indexed := true
	for i := range cols {
		c := &cols[i]
		if len(c.flow) == 0 {
			continue
		}
		if len(c.flow) != 1 || c.flow[0].col.ClientSort == 0 || c.origin.rel == nil || c.origin.col < 0 || c.origin.rel.alias.Name == "" || !equalByBytes(c.flow) {
			return false
		}
		indexed = indexed && c.origin.exactIndex() != nil
	}
	d := &distinctness{}
	if indexed && !a.ordersBySealed(sc) || slices.ContainsFunc(s.Items, func(it SelectItem) bool { return a.maybeAggregate(it.Expr) }) || !a.placeDistinct(s, d) {
		return false
	}
	a.distinctBy = &sortedDistinct{s, d.word, slices.Clone(cols)}
	if a.sortable() == nil {
		a.distinctBy = nil
	}
	return a.distinctBy != nil
}

// ordersBySealed reports that the statement's own query is sorted by an encrypted
// column that no index sorts.
func (a *analysis) ordersBySealed(sc *scope) bool {
	q, ok := a.script.Statements[0].(*Query)
	return ok && slices.ContainsFunc(q.OrderBy, func(e Expr) bool {
		h, _ := a.keyColumn(e, sc)
		if h.rel == nil || len(h.flow()) == 0 {
			return false
		}
		r := h.flow()[0].col.Range
		return r == nil || r.Order != schema.OrderRevealing
	})
}

// sortsWhatIsShown reports that the rows that DISTINCT leaves have one order: by
// what the list shows.
func (a *analysis) sortsWhatIsShown(q *Query) bool {
	for _, e := range q.OrderBy {
		if a.itemMeant(e, a.own) != nil {
			continue
		}
		ref, ok := e.(*ColumnRef)
		if !ok {
			return false
		}
		h, _, found, err := a.resolve(ref, &scope{rels: a.distinctRels()})
		if err != nil || !found || h.col < 0 || !slices.ContainsFunc(a.distinctBy.cols, func(c column) bool { return c.origin == h }) {
			return false
		}
	}
	return true
}

// distinctRels are the relations that the columns shown are of.
func (a *analysis) distinctRels() (out []*relation) {
	for i := range a.distinctBy.cols {
		if r := a.distinctBy.cols[i].origin.rel; r != nil && !slices.Contains(out, r) {
			out = append(out, r)
		}
	}
	return out
}

// distinctKeys writes a key for each column that is shown.
func (a *analysis) distinctKeys(p *ClientSort, w *textWriter) bool {
	d := a.distinctBy
	if d == nil {
		return true
	}
	for i := range d.cols {
		c, it := &d.cols[i], &d.s.Items[i]
		at := it.Expr.Range()
		switch {
		case len(c.flow) > 0:
			w.put(", " + a.columnText(c.origin.rel, c.origin.col))
			p.take(SortKey{Column: c.flow[0].col}, []*schema.Column{c.flow[0].col})
		case c.null || c.konst != nil: // one value in every row
		case !at.Known() || a.onceOnly(it.Expr) || !a.balanced(at) || a.dialect == MySQL && asksQuery(it.Expr) ||
			slices.ContainsFunc(a.script.Markers, func(m *Param) bool { return m.Start >= at.Start && m.Start < at.End }):
			return false
		default:
			w.put(", DENSE_RANK() OVER (ORDER BY ")
			w.source(at)
			w.put(")")
			p.Keys = append(p.Keys, SortKey{})
		}
	}
	p.Apart = len(p.Keys)
	return true
}

// endOf is where a query without ORDER BY ends for what is run: in front of LIMIT,
// and behind all of it.
func (a *analysis) endOf(q *Query) (at, end int) {
	toks := a.tokens(q.Span)
	depth, at := 0, -1
	for i := range toks {
		depth += nesting(&toks[i])
		if depth == 0 && toks[i].Start >= a.own.ItemsEnd && at < 0 && (isWord(&toks[i], "LIMIT") || isWord(&toks[i], "OFFSET") || isWord(&toks[i], "FETCH")) {
			at = toks[i].Start
		}
	}
	end = len(a.script.Text)
	if n := len(toks); n > 0 {
		end = toks[n-1].End
		if toks[n-1].Text == ";" && toks[n-1].Kind == TokPunct {
			end = toks[n-1].Start
		}
	}
	if at < 0 || len(q.Limit) == 0 {
		at = end
	}
	return at, end
}

// extremeFirst notes a call of MIN or MAX in the list of the statement's own query;
// false where an index answers it, or the driver cannot.
func (a *analysis) extremeFirst(c *Call, ref *ColumnRef, h hit) bool {
	s := a.own
	if s == nil || a.opt.Lookup || a.depth > 0 || len(a.script.Statements) != 1 || c.Distinct || c.Over || c.Attr != "" || len(c.Extra) > 0 || len(h.flow()) != 1 || h.col < 0 ||
		h.rel.alias.Name == "" || h.rel.view != nil || a.foundRows(s) {
		return false
	}
	col := h.flow()[0].col
	if col.ClientSort == 0 || col.Range != nil && col.Range.Order == schema.OrderRevealing || !a.genuine(ref, h) {
		return false
	}
	// PostgreSQL has none of these.
	if k := col.Type.Kind; a.dialect == Postgres && (k == schema.KindBool || k == schema.KindUUID || k == schema.KindBytes) {
		return false
	}
	q, ok := a.script.Statements[0].(*Query)
	if !ok || q.Body != Body(s) || q.Lock || len(q.Limit)+len(q.OrderBy) > 0 || s.Distinct || s.Having != nil || s.Into || s.ItemsEnd < 0 || len(s.GroupBy)+len(s.DistinctOn)+len(s.Windows) > 0 {
		return false
	}
	for i := range s.Items {
		if call, ok := s.Items[i].Expr.(*Call); !ok || !isExtreme(call) || !s.Items[i].Known() || !call.Known() {
			return false
		}
	}
	if !slices.ContainsFunc(s.Items, func(it SelectItem) bool { return it.Expr == Expr(c) }) {
		return false
	}
	a.extremed = append(a.extremed, extremed{c, h})
	return true
}

// clientExtremes plans the query that is run for MIN and MAX: one for the columns.
func (a *analysis) clientExtremes() (*Plan, error) {
	s := a.own
	q := a.script.Statements[0].(*Query)
	first := a.extremed[0]
	if len(a.extremed) != len(s.Items) {
		return nil, a.refuse(first.call.Start, ReasonFunction, first.h.flow()[0].col.String(), extremeHint)
	}
	p := &ClientSort{}
	w := textWriter{a: a}
	w.source(Span{0, s.Items[0].Start})
	b := &builder{a: a, plan: &Plan{Params: a.script.Params, Tables: a.touched, Sorted: p}}
	for i := range s.Items {
		it, x := &s.Items[i], a.extremed[i]
		if i > 0 {
			w.put(", ")
		}
		if text := a.columnText(x.h.rel, x.h.col); a.dialect == SQLite {
			w.put("COALESCE(" + text + ", NULL)") // which has no declared type, as MIN and MAX have none
		} else {
			w.put(text)
		}
		out := Extreme{Max: strings.EqualFold(x.call.Name[len(x.call.Name)-1].Name, "max")}
		switch {
		case it.Alias != nil:
			w.source(Span{x.call.End, it.End})
		case a.dialect == Postgres:
			out.Name, _ = figureName(x.call)
		default:
			out.Name = b.label(it)
		}
		col := x.h.flow()[0].col
		p.Extremes = append(p.Extremes, out)
		p.take(SortKey{Column: col}, []*schema.Column{col})
	}
	_, end := a.endOf(q)
	w.source(Span{s.ItemsEnd, end})
	w.put(" LIMIT " + strconv.Itoa(p.Most+1) + " ")
	w.source(Span{end, len(a.script.Text)})
	p.Text, p.Args = w.b.String(), w.args
	plan, err := PlanOnce(a.front, p.Text, a.cat, a.session, Options{HasArgs: a.opt.HasArgs, Prepare: a.opt.Prepare, ContextPartition: a.opt.ContextPartition})
	if err != nil {
		return nil, elsewhere(err, -1)
	}
	p.Plan = plan
	b.names()
	return b.plan, nil
}
