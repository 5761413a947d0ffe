package rewrite

// Merge is MERGE: rows of Source are matched with those of Target, and each
// pair, or what is left alone, is given to the first of Whens whose condition
// holds.
type Merge struct {
	Span
	With         *With
	Target       *Table
	Source       TableExpr
	On           Expr
	Whens        []*MergeWhen
	Returning    []SelectItem
	ReturningEnd int
	Attr         string
}

// MergeMatch says which rows a WHEN clause is about.
type MergeMatch uint8

// The matches. MergeNotMatched rows are of the source alone, MergeNotBySource
// ones (PostgreSQL 17) of the target alone.
const (
	MergeMatched MergeMatch = iota + 1
	MergeNotMatched
	MergeNotBySource
)

// MergeWhen is one WHEN clause. Set is not nil for UPDATE, Insert for INSERT;
// with neither it is DELETE, which Delete says, or DO NOTHING.
type MergeWhen struct {
	Match  MergeMatch
	Cond   Expr
	Set    []Assign
	Insert *Insert
	Delete bool
	Attr   string
}

func (*Merge) statement() {}

// merge analyses MERGE. A clause that updates is an UPDATE whose condition is
// ON, one that inserts an INSERT of one row whose values may name the columns
// of the source.
func (a *analysis) merge(s *Merge, up *scope, expose bool) ([]column, error) {
	sc := &scope{up: up}
	if err := a.with(s.With, sc); err != nil {
		return nil, err
	}
	target, err := a.target(s.Target, sc)
	if err != nil {
		return nil, err
	}
	a.owns(sc, s)
	target.owner = sc.owner
	source := &scope{up: up, ctes: sc.ctes}
	if err := a.from([]TableExpr{s.Source}, source); err != nil {
		return nil, err
	}
	both := &scope{up: up, ctes: sc.ctes, rels: append([]*relation{target}, source.rels...)}
	if err := a.condition(s.On, both, ReasonPredicate); err != nil {
		return nil, err
	}
	for _, w := range s.Whens {
		if err := a.mergeWhen(s, w, target, source, both); err != nil {
			return nil, err
		}
	}
	shown := source.star
	if !source.joined {
		shown = a.starOf(source.rels...)
	}
	both.joined, both.star = true, append(append([]visible(nil), shown...), a.starOf(target)...)
	both.starBad = source.starBad
	return a.returning(s, s.Returning, s.ReturningEnd, both, expose)
}

func (a *analysis) mergeWhen(s *Merge, w *MergeWhen, target *relation, source, both *scope) error {
	alone := &scope{up: both.up, ctes: both.ctes, rels: []*relation{target}}
	sees := both
	switch w.Match {
	case MergeNotMatched:
		sees = source
	case MergeNotBySource:
		sees = alone
	}
	if err := a.condition(w.Cond, sees, ReasonPredicate); err != nil {
		return err
	}
	if w.Delete {
		if err := a.replaces(target); err != nil {
			return err
		}
	}
	if w.Insert != nil {
		return a.mergeInsert(w.Insert, target, source)
	}
	return a.mergeUpdate(s, w, target, sees)
}

// mergeUpdate analyses the assignments of a clause. What ON fixes of the
// partition holds for rows that match, and only for these: the relation that
// they are written to is another one than that of the other clauses.
func (a *analysis) mergeUpdate(s *Merge, w *MergeWhen, target *relation, sees *scope) error {
	row := *target
	own := &scope{rels: []*relation{&row}}
	values := &scope{up: sees.up, ctes: sees.ctes, rels: own.rels}
	if w.Match == MergeMatched {
		values.rels = append(values.rels[:1:1], sees.rels[1:]...)
		a.fix(s.On, own)
	}
	as := &Update{Span: s.Span, WhereAt: -1}
	for i := range w.Set {
		if err := a.updateSet(as, &w.Set[i], own, values); err != nil {
			return err
		}
	}
	if t := target.annotated(); t != nil && len(t.Compounds) > 0 {
		var fixed map[string]*Value
		if w.Match == MergeMatched {
			fixed = a.fixedValues(s.On, &row, own)
		}
		part := func() (PartitionSource, error) { return a.updatePartition(as, &row, t.Compounds[0].Column(), s.Start) }
		return a.compoundAssigns(&row, w.Set, fixed, nil, values, part)
	}
	return nil
}

// mergeInsert analyses the row that a clause inserts.
func (a *analysis) mergeInsert(s *Insert, target *relation, source *scope) error {
	in := &insertion{st: s, rel: target, sc: source, partAt: -1}
	if err := a.targetColumns(in); err != nil {
		return err
	}
	if err := a.source(in); err != nil {
		return err
	}
	if err := a.omitted(in); err != nil {
		return err
	}
	return a.growInsert(in)
}
