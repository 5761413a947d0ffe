package rewrite

import (
	"slices"
	"strings"

	"github.com/sealsql/sealsql/schema"
)

// Sorting in the driver of more than plain rows: groups by their keys, the first row of
// each by DISTINCT ON, set operations by what they show, and by CASE over columns.

// sortableGroups reports a SELECT with GROUP BY of which each group is one row.
func sortableGroups(s *Select) bool {
	if len(s.GroupBy) == 0 || s.Distinct || s.Into || len(s.DistinctOn)+len(s.Windows) > 0 || strings.Contains(strings.ToUpper(s.Attr), "ROLLUP") {
		return false
	}
	return !slices.ContainsFunc(s.GroupBy, func(e Expr) bool { _, other := e.(*Opaque); return other }) // CUBE and the like
}

// sortsGroups reports a key of the groups whose values the driver tells apart as the
// index does that the groups are made by: by their bytes.
func sortsGroups(h hit, sc *scope) bool {
	return isKey(sc.keys, h) && h.exactIndex() != nil && equalByBytes(h.flow())
}

// equalByBytes reports columns whose equality, where one is declared, is that of the
// values that the driver sorts: texts by their bytes.
func equalByBytes(f flow) bool {
	return !slices.ContainsFunc(f, func(s sealed) bool {
		e := s.col.Equality
		return e != nil && e.Collation != schema.CollationNone && e.Collation != schema.CollationBytes
	})
}

// keepsFirst reports a plain SELECT with DISTINCT ON (PostgreSQL).
func (a *analysis) keepsFirst(s *Select) bool {
	if len(s.DistinctOn) == 0 {
		return false
	}
	rows := *s
	rows.DistinctOn = nil
	q := *a.script.Statements[0].(*Query)
	q.Body = &rows
	return a.rowsAlone(&q, &rows)
}

// firstOfEach reports that DISTINCT ON and the first items of ORDER BY name the same
// columns, as PostgreSQL demands where it sees both.
func (a *analysis) firstOfEach(q *Query, s *Select, sc *scope) bool {
	n := len(s.DistinctOn)
	if n > len(q.OrderBy) {
		return false
	}
	on, by := make([]hit, n), make([]hit, n)
	for i := range n {
		on[i], _ = a.keyColumn(s.DistinctOn[i], sc)
		by[i], _ = a.keyColumn(q.OrderBy[i], sc)
		if on[i].rel == nil || by[i].rel == nil || !equalByBytes(on[i].flow()) {
			return false
		}
	}
	for i := range n {
		if !slices.Contains(by, on[i]) || !slices.Contains(on, by[i]) {
			return false
		}
	}
	return true
}

// distinctOnSpan covers DISTINCT ON and its parentheses.
func (a *analysis) distinctOnSpan(s *Select) Span {
	toks := words(a.tokens(s.Range()))
	if !s.Known() || !toks.is("SELECT") || !toks[1:].is("DISTINCT") || !toks[2:].is("ON") {
		return Span{}
	}
	depth := 0
	for i := 3; i < len(toks); i++ {
		if depth += nesting(&toks[i]); depth == 0 {
			return Span{toks[1].Start, toks[i].End}
		}
	}
	return Span{}
}

// sortElsewhere plans sort keys that are no column of the query's tables. done is false
// for all others.
func (a *analysis) sortElsewhere(e Expr, q *Query, sc *scope) (done bool, err error) {
	if q != a.sortable() {
		return a.hoistFrom(e, q, sc), nil
	}
	switch b := q.Body.(type) {
	case *SetOp:
		return a.sortShown(e, q, sc), nil
	case *Select:
		if x, ok := e.(*Case); ok && a.verifiable(b) {
			return a.sortCase(x, q, sc)
		}
	}
	return false, nil
}

// sortShown notes a key that is a column of a set operation, by its name or number.
func (a *analysis) sortShown(e Expr, q *Query, sc *scope) bool {
	at := a.unionKey(e, sc)
	if at < 0 || slices.ContainsFunc(sc.outputs[:at+1], func(c column) bool { return c.hidden }) {
		return false
	}
	var cols []*schema.Column
	for _, f := range sc.outputs[at].flow {
		cols = append(cols, f.col)
	}
	if !equalByBytes(sc.outputs[at].flow) { // which of two equal values is shown is not known
		return false
	}
	return sortTogether(cols) && a.sortItem(q, sortedKey{item: e, shown: at + 1, cols: cols})
}

// sortTogether reports columns that the driver sorts as one.
func sortTogether(cols []*schema.Column) bool {
	for _, c := range cols {
		if c.ClientSort == 0 || !c.Type.Same(cols[0].Type) {
			return false
		}
	}
	return len(cols) > 0
}

// sortCase notes CASE … THEN c … END over columns and NULL.
func (a *analysis) sortCase(x *Case, q *Query, sc *scope) (done bool, err error) {
	var cols []*schema.Column
	for _, e := range caseResults(x) {
		if isNull(e) {
			continue
		}
		ref, ok := e.(*ColumnRef)
		if !ok {
			return false, nil
		}
		h, _, found, err := a.resolve(ref, &scope{rels: sc.rels})
		if err != nil || !found || !a.genuine(ref, h) || len(h.flow()) != 1 {
			return false, nil
		}
		cols = append(cols, h.flow()[0].col)
	}
	if !sortTogether(cols) || a.namesItem(x, q.Body.(*Select)) || !a.sortItem(q, sortedKey{item: x, cols: cols}) {
		return false, nil
	}
	_, err = a.value(x, sc, ReasonOrder, nil)
	return true, err
}

func caseResults(x *Case) (out []Expr) {
	for _, w := range x.Whens {
		out = append(out, w.Then)
	}
	if x.Else != nil {
		out = append(out, x.Else)
	}
	return out
}

// namesItem reports a name inside an expression that may mean an item of the select list,
// as it does in ORDER BY on MySQL and SQLite.
func (a *analysis) namesItem(e Expr, s *Select) bool {
	if _, bare := e.(*ColumnRef); bare || a.dialect == Postgres {
		return false
	}
	named := false
	eachColumn(e, func(ref *ColumnRef) { named = named || a.renamed(ref, &scope{aliases: s.Items}) })
	return named
}

// answersAnew reports a function that answers otherwise when it is asked once more.
func (a *analysis) answersAnew(e Expr) bool {
	if c, ok := e.(*Call); ok && eachTime[strings.ToLower(c.Name[len(c.Name)-1].Name)] {
		return true
	}
	es, _ := kids(e)
	return slices.ContainsFunc(es, a.answersAnew)
}

// numbersRows reports an item of a select list that depends on the order in which rows
// are shown: engines compute those behind the sorting.
func (a *analysis) numbersRows(s *Select) bool {
	return slices.ContainsFunc(s.Items, func(it SelectItem) bool { return countsOn(it.Expr) })
}

func countsOn(e Expr) bool {
	switch x := e.(type) {
	case *Opaque:
		if x.What == ":=" {
			return true
		}
	case *Call:
		switch strings.ToLower(x.Name[len(x.Name)-1].Name) {
		case "nextval", "setval", "currval", "lastval", "last_insert_id":
			return true
		}
	}
	es, _ := kids(e)
	return slices.ContainsFunc(es, countsOn)
}

// sortSetOp writes a set operation up to its ORDER BY, and returns where it goes on.
// Nothing stands beside what it shows: every key is one of its columns.
func (a *analysis) sortSetOp(q *Query, p *ClientSort, w *textWriter) (end int, hint string) {
	terms, at, end := a.orderTerms(q)
	if terms == nil || len(terms) != len(a.sorted) {
		return 0, clientSetHint
	}
	for i, k := range a.sorted {
		if k.item != q.OrderBy[i] || terms[i].expr != k.item.Range() {
			return 0, clientTermHint
		}
		p.take(a.directed(k, terms[i]), k.cols)
	}
	w.source(Span{0, at})
	return end, ""
}

const clientSetHint = "the driver sorts the rows of a set operation by encrypted columns that it shows, and by no clear ones"
