package rewrite

// Cursor is a cursor that a statement declares: what its rows hold when they
// are fetched. Results is nil where every column passes.
type Cursor struct {
	Name string
	ResultSet
}

// cursor analyses DECLARE, FETCH, MOVE and CLOSE. The rows of a cursor are
// those of its query; they are opened by whoever fetches them, under the plan
// that was made when it was declared.
func (a *analysis) cursor(o *Other) error {
	if o.Query == nil {
		if a.cat.FetchSets() {
			a.effects |= EffectSession
		}
		if o.Fetches {
			a.fetches = append(a.fetches, o.Name)
		}
		return a.contents(o)
	}
	a.declaring = true
	cols, err := a.query(o.Query, nil, true)
	a.declaring = false
	if err != nil {
		return err
	}
	a.results, a.top, a.declares = cols, o.Query, append(a.declares, o.Name)
	return nil
}

// declared moves the results of the query to the cursor: DECLARE itself has
// none.
func (b *builder) declared() {
	if len(b.a.declares) == 0 {
		return
	}
	b.plan.Declares = &Cursor{Name: b.a.declares[0], ResultSet: b.plan.takeResults()}
}
