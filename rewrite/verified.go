package rewrite

import (
	"strings"

	"github.com/sealsql/sealsql/schema"
)

// Whoever can write to the database can exchange the index cells of two rows: a
// search by the index then finds another row than was asked for. Columns with
// schema.Verify have value and index compared when a SELECT finds rows by the
// index (threats T24): both are added to its result where they are not shown.

// Verify is a comparison of a value with its index that the driver makes for
// every row it hands out.
type Verify struct {
	// Value and Cell are the inner result columns of the value and of its index.
	Value, Cell int
	Index       schema.Index
}

// exposeVerified adds the columns that are compared to the select list of the
// statement itself. Where no column can stand beside the list (groups,
// aggregates, DISTINCT, set operations) nothing is compared.
func (a *analysis) exposeVerified(s *Select, sc *scope, cols []column, canAdd bool) []column {
	if s != a.own || !canAdd || !a.verifiable(s) {
		return cols
	}
	for _, r := range sc.rels {
		if r.annotated() == nil && r.view == nil {
			continue
		}
		for i := range r.cols {
			f := r.cols[i].flow
			if len(f) != 1 || f[0].col.Verify == schema.VerifyNever {
				continue
			}
			for _, x := range a.searchedBy(f[0].col) {
				cols = a.exposePair(s, r, i, x, cols)
			}
		}
	}
	return cols
}

// verifiable reports a query of rows, one text by itself.
func (a *analysis) verifiable(s *Select) bool {
	if len(a.script.Statements) != 1 {
		return false
	}
	q, ok := a.script.Statements[0].(*Query)
	return ok && q.Body == Body(s) && a.rowsAlone(q, s)
}

// rowsAlone reports a query that shows each row by itself.
func (a *analysis) rowsAlone(q *Query, s *Select) bool {
	if s.Having != nil || s.Distinct || s.Into || len(s.GroupBy)+len(s.DistinctOn) > 0 {
		return false
	}
	for i := range s.Items {
		if a.maybeAggregate(s.Items[i].Expr) {
			return false
		}
	}
	for _, e := range q.OrderBy {
		if a.maybeAggregate(e) {
			return false
		}
	}
	return true
}

// scalars are functions of one row. Beside any other a column is not added, for
// the function may be an aggregate.
var scalars = map[string]bool{
	"abs": true, "ceil": true, "char_length": true, "concat": true, "date": true, "date_trunc": true, "floor": true, "ifnull": true, "length": true,
	"greatest": true, "least": true, "lower": true, "ltrim": true, "mod": true, "now": true, "nullif": true, "replace": true, "round": true, "rtrim": true, "strftime": true,
	"substr": true, "substring": true, "to_char": true, "trim": true, "upper": true, "coalesce": true, "extract": true, "date_format": true,
}

func (a *analysis) maybeAggregate(e Expr) bool {
	switch x := e.(type) {
	case nil:
		return false
	case *Opaque:
		return true
	case *Call:
		if !x.Over && (len(x.Name) != 1 || !scalars[strings.ToLower(x.Name[0].Name)]) {
			return true
		}
	}
	es, _ := kids(e)
	for _, k := range es {
		if a.maybeAggregate(k) {
			return true
		}
	}
	return false
}

// searchedBy are the indexes of a column by which the statement finds rows, and of
// which each has one form for each value.
func (a *analysis) searchedBy(c *schema.Column) (out []schema.Index) {
	for _, x := range a.indexed.list {
		if e := x.value; e == c.Equality && e != nil {
			out = append(out, e)
			break
		}
	}
	if c.Range == nil {
		return out
	}
	for _, r := range a.ranges.refs {
		if r == c.Range {
			return append(out, r)
		}
	}
	for _, v := range a.ranges.covers {
		if v.index == c.Range {
			return append(out, c.Range)
		}
	}
	return out
}

// exposePair adds a value, unless it is shown or added already, and its index.
func (a *analysis) exposePair(s *Select, r *relation, col int, x schema.Index, cols []column) []column {
	cell := -1
	if r.view != nil {
		cell = r.view.index(col, kindOf(x))
	}
	for i := range r.cols {
		if r.view == nil && r.cols[i].hidden && strings.EqualFold(r.cols[i].name, x.Physical()) {
			cell = i
		}
	}
	if cell < 0 {
		return cols // the catalog does not show it: nothing is searched by it
	}
	v := Verify{Value: -1, Index: x}
	for i := range cols {
		if f := cols[i].flow; len(f) == 1 && f[0].from == r && f[0].col == x.Column() && !cols[i].computed {
			v.Value = i
		}
	}
	if v.Value < 0 {
		v.Value = len(cols)
		var f flow
		for _, y := range r.cols[col].flow {
			f = append(f, r.carry(y))
		}
		cols = append(cols, column{name: a.hide(s, r, col), hidden: true, flow: f, origin: hit{r, col}})
	}
	v.Cell = len(cols)
	cols = append(cols, column{name: a.hide(s, r, cell), hidden: true})
	a.verified = append(a.verified, v)
	return cols
}
