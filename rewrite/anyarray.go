package rewrite

import (
	"strings"

	"github.com/sealsql/sealsql/schema"
)

// PostgreSQL's comparisons with the elements of an array: c = ANY ($1),
// c <> ALL (ARRAY[$1, $2]). An argument becomes an array of indexes.

// quantified are the array comparisons that equality answers.
var quantified = map[string]bool{"= ANY": true, "<> ALL": true, "<> ANY": true, "= ALL": true}

const arrayHint = "compare with an array that is bound as one parameter, or with ARRAY[…] of parameters and literals"

// arrayTerm plans the array that an index column is compared with.
func (a *analysis) arrayTerm(e Expr, index *schema.Equality, part PartitionSource) error {
	x, rounded := e, false
	if c, ok := e.(*Cast); ok {
		if rounded = a.roundsElements(c); !a.arrayOf(c, index.Of) {
			return a.refuse(c.Start, ReasonPredicate, index.Of.String(), "cast to an array of the column's own type")
		}
		a.dropCast(c)
		x = c.X
	}
	switch v := x.(type) {
	case *Opaque:
		if v.What != "ARRAY[…]" || len(v.Queries) > 0 {
			break
		}
		return a.arrayElements(v, rounded, index, part)
	case *Param, *Literal:
		if isNull(v) {
			return nil
		}
		if l, ok := v.(*Literal); ok && l.Kind != LitString {
			break
		}
		out, err := a.indexOf(v, index, part)
		if err != nil {
			return err
		}
		out.Compared, out.List, out.Rounded = true, true, rounded
		if p, ok := v.(*Param); ok {
			a.use(paramUse{param: p, seal: index.Of})
		}
		a.seals.set(v, out)
		return nil
	}
	return a.refuse(e.Pos(), ReasonPredicate, index.Of.String(), arrayHint)
}

// roundsElements reports a cast that rounds the elements as the column, whose type it
// names, does with what it stores.
func (a *analysis) roundsElements(c *Cast) bool {
	t, err := schema.ParseType(strings.TrimSuffix(c.Type, "[]"))
	return err == nil && t.Kind != schema.KindText && t.Kind != schema.KindBytes
}

// arrayElements plans ARRAY[…]. The server must be told what its elements are.
func (a *analysis) arrayElements(v *Opaque, rounded bool, index *schema.Equality, part PartitionSource) error {
	for _, k := range v.Kids {
		if err := a.term(k, index, part); err != nil {
			return err
		}
		if isNull(k) {
			continue
		}
		out := a.seals.at(unwrapped(k))
		out.Rounded = out.Rounded || rounded
		a.carries(k)
	}
	return nil
}

// arrayOf reports whether a cast is to an array of the column's type, or of
// texts without a length for a text. One with a length cuts what is longer.
func (a *analysis) arrayOf(c *Cast, col *schema.Column) bool {
	element, ok := strings.CutSuffix(c.Type, "[]")
	t, err := schema.ParseType(element)
	return ok && err == nil && t.Length == 0 && c.Known() && c.X.Range().Known() && a.sameUnder(&col.Type, element)
}
