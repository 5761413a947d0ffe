package rewrite

// emptying says where MySQL stores an empty text or 0 in the place of NULL in a column
// that is NOT NULL: no record, so that the value could not be opened, and under IGNORE a
// guard makes the server leave the row out without an error.
type emptying uint8

const (
	emptiesNothing emptying = iota
	// emptiesPlain: without a strict mode. A guard is an error then.
	emptiesPlain
	// emptiesIgnored: under IGNORE.
	emptiesIgnored
)

const emptiedHint = "the column is NOT NULL, and the server would store an empty value in the place of NULL; give a value, or leave out IGNORE, or set a strict sql_mode"

// writes notes how a statement treats NULL.
func (a *analysis) writes(ignore bool) {
	a.emptied = emptiesNothing
	switch {
	case a.dialect != MySQL:
	case ignore:
		a.emptied = emptiesIgnored
	case a.session.Lenient:
		a.emptied = emptiesPlain
	}
}

// leavesEmpty reports a column in which NULL becomes an empty value.
func (a *analysis) leavesEmpty(c *CatalogColumn) bool {
	return a.emptied != emptiesNothing && c != nil && c.NotNull
}

// notEmptied refuses NULL for such a column.
func (a *analysis) notEmptied(r *relation, col, pos int) error {
	c := &r.cols[col]
	if a.leavesEmpty(c.phys) {
		return a.refuse(pos, ReasonDefault, c.flow[0].col.String(), emptiedHint)
	}
	return nil
}

// takesNull refuses what is NULL, or may be, for such a column. Without IGNORE what is
// not known until it runs is left to the guards.
func (a *analysis) takesNull(c *column, to *sink, pos int) error {
	if !a.leavesEmpty(to.phys) {
		return nil
	}
	nothing := c.null && len(c.flow) == 0 && c.consts == nil
	if nothing || a.emptied == emptiesIgnored && len(c.flow) > 0 && c.consts == nil && !c.origin.neverNull() {
		return a.refuse(pos, ReasonDefault, to.col.String(), emptiedHint)
	}
	return nil
}

// neverNull reports a column of a table that is NOT NULL there.
func (h hit) neverNull() bool {
	return h.rel != nil && h.rel.cols[h.col].phys != nil && h.rel.cols[h.col].phys.NotNull
}
