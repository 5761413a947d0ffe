package rewrite

import "github.com/sealsql/sealsql/schema"

// castRounds reports what a cast makes of a constant that is compared: whether
// it rounds and checks the value as the column does, where a comparison by itself
// does not (1.5::int is 2). ok is false where it does something else.
func (a *analysis) castRounds(c *Cast, col *schema.Column) (rounds, ok bool) {
	t, err := schema.ParseType(c.Type)
	if err != nil || a.dialect == SQLite || t.Kind == schema.KindText || t.Kind == schema.KindBytes {
		return false, true
	}
	if t.Name == col.Type.Name {
		return true, true
	}
	l, literal := c.X.(*Literal) // a wider integer
	return false, !literal || l.Kind == LitNumber && allDigits(l.Value)
}
