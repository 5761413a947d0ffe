package rewrite

import "strings"

// LIMIT over rows of which some are left out after opening: the server would
// count those too. It gets no limit then, and the driver hands out as many rows
// as the caller asked for.

// LimitPart says what stands in the place of a LIMIT's value.
type LimitPart uint8

// The parts: a count that ends nothing, an offset that skips nothing.
const (
	LimitCount LimitPart = iota + 1
	LimitOffset
)

// Limit is a LIMIT that the driver applies; nil for a value that the text has
// not.
type Limit struct{ Count, Offset *Value }

// takes reports whether the driver can apply the query's LIMIT.
func (a *analysis) takes(q *Query) bool {
	if len(q.Limit) == 0 {
		return true
	}
	if len(q.Limit) > 2 || len(a.script.Statements) > 1 || a.wordIn(q.Span, "TIES") {
		return false
	}
	for _, e := range q.Limit {
		l, ok := e.(*Literal)
		_, param := e.(*Param)
		if !param && (!ok || l.Odd || l.Kind != LitNumber) || !e.Range().Known() {
			return false
		}
	}
	return true
}

// foundRows reports a SELECT whose rows the server counts for a later one
// (FOUND_ROWS).
func (a *analysis) foundRows(s *Select) bool {
	return a.dialect == MySQL && a.wordIn(s.Span, "SQL_CALC_FOUND_ROWS")
}

// wordIn reports a word among the tokens of a part of the text.
func (a *analysis) wordIn(s Span, word string) bool {
	for _, t := range a.tokens(s) {
		if isWord(&t, word) {
			return true
		}
	}
	return false
}

// takeLimit plans that the driver applies the LIMIT of the statement's own
// query, if rows are left out of its result.
func (a *analysis) takeLimit(q *Query) {
	if s, ok := q.Body.(*Select); !ok || s != a.filterable || len(a.filters)+len(a.liked) == 0 {
		return
	}
	a.limited = a.limitOf(q)
	for i, e := range q.Limit {
		part := LimitCount
		if a.isOffset(q, i) {
			part = LimitOffset
		}
		a.seals.set(e, Out{Value: limitValue(e), Limit: part})
	}
}

// isOffset reports whether the ith value of a LIMIT is the offset.
func (a *analysis) isOffset(q *Query, i int) bool {
	return i == 1 || a.dialect == Postgres && len(q.Limit) == 1 && !strings.Contains(q.Attr, " limit ")
}

func (a *analysis) limitOf(q *Query) *Limit {
	l := &Limit{}
	for i, e := range q.Limit {
		v := limitValue(e)
		if a.isOffset(q, i) {
			l.Offset = &v
		} else {
			l.Count = &v
		}
	}
	return l
}

func limitValue(e Expr) Value {
	if p, ok := e.(*Param); ok {
		return Value{Source: FromArg, Arg: p.N}
	}
	l, _ := e.(*Literal)
	return Value{Source: FromLiteral, Literal: l}
}
