package rewrite

import (
	"errors"

	"github.com/sealsql/sealsql/schema"
)

var errCompared = errors.New("the cast of a value that is compared")

// comparing says what becomes of the casts around a value that is compared with a
// column of this type: see casting, and castRounds.
func (a *analysis) comparing(e Expr, t *schema.Type) (casts Casts, rounded bool, err error) {
	c, ok := e.(*Cast)
	if !ok {
		return "", false, nil
	}
	if err := a.castsRun(e); err != nil {
		return "", false, err
	}
	if nationalText(c) && t.Base != "text" {
		return "", false, errCompared // the server compares as char(n), whose blanks at the end do not count
	}
	if a.preserves(c, t) {
		if rounded, ok = a.castRounds(c, t); !ok || a.dialect == Postgres && !nationalText(c) && !a.compares(c, t) {
			return "", false, errCompared
		}
		if u, err := schema.ParseType(c.Type); a.dialect != Postgres || err != nil || u.Name == t.Name || u.Kind != schema.KindInt {
			return "", rounded, nil
		}
		// A wider integer: the cast refuses what is out of its range.
	}
	casts, ok = a.casting(e, t)
	if _, _, label := casts.Labels(); label {
		return casts, false, nil
	}
	if !ok || !a.compares(c, t) {
		return "", false, errCompared
	}
	return casts, false, nil
}

// castRounds reports what a cast makes of a constant that is compared: whether
// it rounds and checks the value as the column does, where a comparison by itself
// does not (1.5::int is 2). ok is false where it does something else.
func (a *analysis) castRounds(c *Cast, col *schema.Type) (rounds, ok bool) {
	t, err := schema.ParseType(c.Type)
	if err != nil || t.Kind == schema.KindText || t.Kind == schema.KindBytes {
		return false, true
	}
	if t.Name == col.Name {
		return true, true
	}
	l, literal := c.X.(*Literal) // a wider integer
	return false, !literal || l.Kind == LitNumber && allDigits(l.Value)
}
