package schema

// Transit says whether an index comes or goes while rows are stored.
type Transit uint8

// The transits. Settled indexes are written and searched. One that is Adding is
// filled by sealsql reindex and searched when every row has it. One that is
// Dropping is not searched any more, and written until no program searches it.
const (
	Settled Transit = iota
	Adding
	Dropping
)

// Transits are the words of the configuration.
var Transits = map[string]Transit{"adding": Adding, "dropping": Dropping}

// TransitOf is that of an index.
func TransitOf(x Index) Transit {
	switch x := x.(type) {
	case *Equality:
		return x.Transit
	case *Fragments:
		return x.Transit
	case *Range:
		return x.Transit
	case *Compound:
		return x.Transit
	}
	return Settled
}

// transit puts the indexes of a column that are added or dropped among those
// that statements write and do not search.
func (b *builder) transit(t *Table, c *Column) {
	b.inTransit(t, c, "equality", intoTransit(&c.Equality, &c.Next.Equality))
	b.inTransit(t, c, "prefix", intoTransit(&c.Prefix, &c.Next.Prefix))
	b.inTransit(t, c, "suffix", intoTransit(&c.Suffix, &c.Next.Suffix))
	b.inTransit(t, c, "contains", intoTransit(&c.Contains, &c.Next.Contains))
	b.inTransit(t, c, "range", intoTransit(&c.Range, &c.Next.Range))
}

func (b *builder) inTransit(t *Table, c *Column, kind string, ok bool) {
	if !ok {
		b.report(t, c.Name, "search."+kind+".state", "an index that comes or goes is not moved", "leave next out")
	}
}

// intoTransit reports false where the index is to be moved as well.
func intoTransit[T interface {
	comparable
	Index
}](now, next *T,
) bool {
	var none T
	switch {
	case *next != none && TransitOf(*next) != Settled && *now != none:
		return false
	case *now == none || TransitOf(*now) == Settled:
		return true
	case *next != none:
		return false
	}
	*now, *next = none, *now
	return true
}

// inTransit reports an index of that kind that comes or goes.
func (c *Column) inTransit(kind string) bool {
	for _, x := range c.Next.list() {
		if TransitOf(x) != Settled && kindOf(x) == kind {
			return true
		}
	}
	return false
}

func kindOf(x Index) string {
	switch x := x.(type) {
	case *Fragments:
		return x.Kind.String()
	case *Range:
		return "range"
	case *Compound:
		return "compound"
	}
	return "equality"
}
