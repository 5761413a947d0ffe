package rewrite

// joinedTexts refuses encrypted columns around || under MySQL's PIPES_AS_CONCAT:
// there it is no OR but binds tighter than any comparison, and c = $1 || x, read as a
// comparison of c with $1, compares c with the two joined.
func (a *analysis) joinedTexts(x *Opaque, sc *scope) (err error) {
	if a.dialect != MySQL || x.What != "||" || !a.session.PipesAsConcat {
		return nil
	}
	for _, kid := range x.Kids {
		eachColumn(kid, func(ref *ColumnRef) {
			h, _, found, e := a.resolve(ref, sc)
			if err == nil && e == nil && found && len(h.flow()) > 0 {
				err = a.refuse(ref.Start, ReasonExpression, h.flow()[0].col.String(), "under sql_mode PIPES_AS_CONCAT || joins texts before anything is compared; write OR, or CONCAT")
			}
		})
	}
	return err
}
