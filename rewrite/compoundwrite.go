package rewrite

import (
	"slices"
	"strings"

	"github.com/sealsql/sealsql/schema"
)

// Compound indexes in statements that write. Whatever writes one column of an
// index writes the index, for which it must know the values of all of them.

const (
	compoundInsertHint = "the column is part of a compound index: give every column of the index a parameter or a literal of its own"
	compoundUpdateHint = "the column is part of a compound index, which the server cannot compute: assign all of its columns parameters or literals, or fix those that keep their value in the WHERE clause (column = value)"
)

// compoundValue says of one column of an index what a row has there.
type compoundValue struct {
	null  bool
	value *Value
	casts Casts
}

// growCompounds adds the compound indexes of an INSERT of values.
func (a *analysis) growCompounds(in *insertion, g *growth) error {
	s := in.st
	for _, x := range in.rel.annotated().Compounds {
		at, all, err := a.partColumns(in, x)
		if err != nil {
			return err
		}
		if !all { // a column that is left out is NULL, and so is the index
			continue
		}
		g.names = append(g.names, x.Name)
		for r, row := range s.Values.Rows {
			place, err := a.rowEnd(in, row, r, x.Column())
			if err != nil {
				return err
			}
			add, err := a.rowCompound(in, x, at, row)
			if err != nil {
				return err
			}
			if add.at, add.lead = place, ", "; s.SetForm {
				add.lead, add.trail = a.front.QuoteIdent(add.name)+" = ", ", "
			}
			for len(g.rows) <= r {
				g.rows = append(g.rows, nil)
			}
			g.rows[r] = append(g.rows[r], add)
		}
	}
	return nil
}

// partColumns finds the columns of an index among those of an INSERT. all is
// false where one is left out, which must then be NULL.
func (a *analysis) partColumns(in *insertion, x *schema.Compound) (at []int, all bool, err error) {
	all = true
	for i := range x.Parts {
		p := &x.Parts[i]
		k := slices.IndexFunc(in.cols, func(c int) bool { return c >= 0 && strings.EqualFold(in.rel.cols[c].name, p.Name) })
		if at = append(at, k); k >= 0 {
			continue
		}
		all = false
		if c := a.columnIndex(in.rel, p.Name); p.Of == nil && (c < 0 || filledIn(in.rel, c)) {
			return nil, false, a.refuse(in.st.Start, ReasonDefault, in.rel.alias.Name+"."+p.Name, compoundInsertHint)
		}
	}
	return at, all, nil
}

// filledIn reports a column that the server gives a value when none is given.
func filledIn(r *relation, col int) bool {
	p := r.cols[col].phys
	return p == nil || p.Default != "" || p.Generated
}

// rowCompound is the index of a row that is inserted.
func (a *analysis) rowCompound(in *insertion, x *schema.Compound, at []int, row []Expr) (*addition, error) {
	values := make([]compoundValue, len(at))
	for i, k := range at {
		if k >= len(row) {
			return nil, a.refuse(in.st.Start, ReasonAmbiguous, in.rel.alias.Name, "a row has fewer values than columns")
		}
		v, err := a.partValue(&x.Parts[i], row[k], in.rel, compoundInsertHint)
		if err != nil {
			return nil, err
		}
		values[i] = v
	}
	return a.compoundAddition(x, values, func() (PartitionSource, error) { return a.rowPartition(in, row) })
}

// partValue is the value of a column of an index that is assigned e.
func (a *analysis) partValue(p *schema.Part, e Expr, r *relation, hint string) (compoundValue, error) {
	name := r.alias.Name + "." + p.Name
	switch x := e.(type) {
	case *Default:
		if c := a.columnIndex(r, p.Name); p.Of == nil && (c < 0 || filledIn(r, c)) {
			return compoundValue{}, a.refuse(x.Start, ReasonDefault, name, hint)
		}
		return compoundValue{null: true}, nil
	case *Cast:
		typ := &p.Type
		if p.Of != nil {
			typ = &p.Of.Type
		}
		casts, ok := a.casting(x, typ)
		if !ok {
			return compoundValue{}, a.refuse(x.Start, ReasonComputed, name, hint)
		}
		v, err := a.partValue(p, unwrapped(x), r, hint)
		v.casts = casts
		return v, err
	}
	if isNull(e) {
		return compoundValue{null: true}, nil
	}
	v := plainConstant(e)
	if v == nil {
		return compoundValue{}, a.refuse(e.Pos(), ReasonComputed, name, hint)
	}
	return compoundValue{value: v}, nil
}

// compoundAddition describes the index of a row with these values.
func (a *analysis) compoundAddition(x *schema.Compound, values []compoundValue, part func() (PartitionSource, error)) (*addition, error) {
	add := &addition{name: x.Name}
	c := &Combined{}
	for _, v := range values {
		if v.null {
			add.text = "NULL"
			return add, nil
		}
		c.Values = append(c.Values, *v.value)
		c.Casts = append(c.Casts, v.casts)
	}
	if !slices.ContainsFunc(c.Casts, func(x Casts) bool { return x != "" }) {
		c.Casts = nil
	}
	p, err := part()
	if err != nil {
		return nil, err
	}
	add.out = Out{Index: x, Partition: indexPartition(x, p), Combined: c, Value: c.Values[0]}
	for _, v := range c.Values {
		if v.Source == FromArg {
			add.out.Value = v
			break
		}
	}
	return add, nil
}

// assignment is a value that an UPDATE or an upsert gives a column.
type assignment struct {
	st    *Assign
	ref   *ColumnRef
	value Expr
}

// compoundAssigns adds the compound indexes to the assignments of one table.
// fixed are values that WHERE gives columns, excluded is set for upserts, whose
// proposed row has its index; part is the partition of the rows.
func (a *analysis) compoundAssigns(r *relation, list []Assign, fixed map[string]*Value, excluded *relation, sc *scope, part func() (PartitionSource, error)) error {
	t := r.annotated()
	if t == nil || len(t.Compounds) == 0 {
		return nil
	}
	set := a.assignments(r, list)
	for _, x := range t.Compounds {
		if err := a.compoundAssign(x, r, set, fixed, excluded, sc, part); err != nil {
			return err
		}
	}
	return nil
}

// assignments lists what the columns of a table are assigned, by lower-case
// name; those that keep their value are left out.
func (a *analysis) assignments(r *relation, list []Assign) map[string]assignment {
	set := map[string]assignment{}
	for i := range list {
		for k, ref := range list[i].Columns {
			h, _, found, err := a.resolve(ref, &scope{rels: []*relation{r}})
			if err != nil || !found || h.rel != r || h.col < 0 {
				continue
			}
			v := assigned(&list[i], k)
			if v != nil && assignsItself(v, ref) {
				continue
			}
			set[strings.ToLower(r.cols[h.col].name)] = assignment{&list[i], ref, v}
		}
	}
	return set
}

func (a *analysis) compoundAssign(x *schema.Compound, r *relation, set map[string]assignment, fixed map[string]*Value, excluded *relation, sc *scope, part func() (PartitionSource, error)) error {
	var last *assignment
	proposed, null := true, false
	values := make([]compoundValue, len(x.Parts))
	var missing error
	for i := range x.Parts {
		p := &x.Parts[i]
		as, ok := set[strings.ToLower(p.Name)]
		if !ok {
			if proposed = false; fixed[strings.ToLower(p.Name)] == nil || !comparedBy(x, i) {
				missing = a.refuse(0, ReasonComputed, r.alias.Name+"."+p.Name, compoundUpdateHint)
				continue
			}
			values[i].value = fixed[strings.ToLower(p.Name)]
			continue
		}
		last = &as
		if excluded != nil && a.isProposed(as.value, p, excluded, sc) {
			continue
		}
		if proposed = false; as.value == nil {
			return a.refuse(as.ref.Start, ReasonComputed, r.alias.Name+"."+p.Name, compoundUpdateHint)
		}
		v, err := a.partValue(p, as.value, r, compoundUpdateHint)
		if err != nil {
			return err
		}
		values[i], null = v, null || v.null
	}
	switch {
	case last == nil:
		return nil
	case !last.st.Known():
		return a.refuse(last.ref.Start, ReasonExpression, x.String(), "write the assignment in a plainer form")
	case null: // whatever the others are
		a.growAssignment(last.st, last.ref, &addition{name: x.Name, text: "NULL"})
		return nil
	case proposed:
		return a.proposedCompound(x, last)
	case missing != nil:
		u := missing.(*UnsupportedError)
		u.Pos = last.ref.Start
		return u
	}
	if excluded != nil && slices.ContainsFunc(values, func(v compoundValue) bool { return v.value == nil }) {
		return a.refuse(last.ref.Start, ReasonComputed, x.String(), "assign all columns of the compound index from the proposed row (excluded), or all of them values")
	}
	add, err := a.compoundAddition(x, values, part)
	if err != nil {
		return err
	}
	a.growAssignment(last.st, last.ref, add)
	return nil
}

// comparedBy reports that a WHERE which compares a part of an index finds no
// values equal that differ in the index: one that is being moved to or from other
// normalizers may tell more of them apart than the one that is searched.
func comparedBy(x *schema.Compound, part int) bool {
	if x.Searched() || x.Parts[part].Of == nil {
		return true
	}
	steps := x.Parts[part].Equality().Steps()
	if e := x.Parts[part].Of.Equality; e != nil {
		return slices.Equal(e.Steps(), steps)
	}
	for _, o := range x.In.Compounds {
		if i := o.Part(x.Parts[part].Name); i >= 0 && o.Searched() && !slices.Equal(o.Parts[i].Equality().Steps(), steps) {
			return false
		}
	}
	return true
}

// isProposed reports a value that is the column of the row that an upsert could
// not insert.
func (a *analysis) isProposed(v Expr, p *schema.Part, excluded *relation, sc *scope) bool {
	ref := proposedRef(v)
	if ref == nil {
		return false
	}
	if _, values := v.(*ValuesRef); values {
		return strings.EqualFold(ref.Path[len(ref.Path)-1].Name, p.Name)
	}
	h, _, found, err := a.resolve(ref, sc)
	return err == nil && found && h.rel == excluded && h.col >= 0 && a.originalName(excluded, h.col) == strings.ToLower(p.Name)
}

// originalName is the table's name of a column that a row alias may have renamed.
func (a *analysis) originalName(excluded *relation, col int) string {
	if col < len(excluded.base.Columns) {
		return strings.ToLower(excluded.base.Columns[col].Name)
	}
	return strings.ToLower(excluded.cols[col].name)
}

// proposedCompound takes the index of the row that could not be inserted along.
func (a *analysis) proposedCompound(x *schema.Compound, last *assignment) error {
	ref := proposedRef(last.value)
	_, values := last.value.(*ValuesRef)
	form := a.proposedForm(ref, values)
	a.growAssignment(last.st, last.ref, &addition{
		name: x.Name, text: form[0] + a.front.QuoteIdent(x.Name) + form[1], ref: append(qualifiers(ref), x.Name),
	})
	return nil
}

// fixedValues are the columns of a table that the top of a WHERE gives values.
func (a *analysis) fixedValues(where Expr, r *relation, sc *scope) map[string]*Value {
	if where == nil || r.annotated() == nil || len(r.annotated().Compounds) == 0 {
		return nil
	}
	out := map[string]*Value{}
	for _, cond := range conjuncts(where) {
		o, ok := cond.(*Op)
		if !ok || o.Name != "=" {
			continue
		}
		for _, e := range a.equations(o, sc) {
			if e.at.rel != r {
				continue
			}
			name := strings.ToLower(r.cols[e.at.col].name)
			for _, x := range r.annotated().Compounds {
				if i := x.Part(name); i >= 0 && a.isPart(&x.Parts[i], r, &e) {
					out[name] = plainConstant(e.values[0])
				}
			}
		}
	}
	return out
}

// updateCompounds adds the compound indexes to an UPDATE.
func (a *analysis) updateCompounds(s *Update, targets int, sc *scope) error {
	for _, r := range sc.rels[:targets] {
		part := func() (PartitionSource, error) {
			return a.updatePartition(s, r, r.annotated().Compounds[0].Column(), s.Start)
		}
		if err := a.compoundAssigns(r, s.Set, a.fixedValues(s.Where, r, sc), nil, sc, part); err != nil {
			return err
		}
	}
	return nil
}

// compoundTarget makes the columns of a conflict target that are those of a
// compound index its column. The first one becomes it, the others go.
func (a *analysis) compoundTarget(list []Expr, rel *relation) error {
	t := rel.annotated()
	if t == nil {
		return nil
	}
	for _, x := range t.Compounds {
		var refs []*ColumnRef
		before := map[*ColumnRef]int{} // where the element in front of it ends
		for i, e := range list {
			if ref, ok := e.(*ColumnRef); ok && len(ref.Path) == 1 && x.Part(ref.Path[0].Name) >= 0 && ref.Path[0].Known() && (i == 0 || list[i-1].Range().Known()) {
				if refs = append(refs, ref); i > 0 {
					before[ref] = list[i-1].Range().End
				}
			}
		}
		if len(refs) != len(x.Parts) || !x.Searched() {
			continue
		}
		if !x.Unique {
			return a.refuse(refs[0].Start, ReasonConflictTarget, x.String(), "declare the compound index unique: true, or name a key over clear columns")
		}
		if a.combined.refs == nil {
			a.combined.refs, a.combined.values = map[*ColumnRef]*schema.Compound{}, map[Expr]*combination{}
		}
		if a.combined.dropped == nil {
			a.combined.dropped = map[Expr]Span{}
		}
		for i, ref := range refs {
			if a.combined.refs[ref] = x; i > 0 {
				a.combined.dropped[ref] = Span{before[ref], ref.Path[0].End}
			}
		}
		return nil
	}
	return nil
}

// selectCompounds adds the compound indexes of INSERT … SELECT to the select
// list: those of constants.
func (a *analysis) selectCompounds(in *insertion, g *growth) error {
	for _, x := range in.rel.annotated().Compounds {
		at, all, err := a.partColumns(in, x)
		if err != nil {
			return err
		}
		if add := a.copiedCompound(in, x, at); all && add != nil {
			if err := a.listCompound(in, g, x, add); err != nil {
				return err
			}
			continue
		}
		values := make([]compoundValue, len(at))
		for i, k := range at {
			if !all {
				break
			}
			switch {
			case k >= len(in.selected):
				return a.refuse(in.st.Query.Start, ReasonComputed, x.String(), compoundInsertHint)
			case in.selected[k].null:
				all = false
			case in.selected[k].konst == nil:
				return a.refuse(in.st.Query.Start, ReasonComputed, x.String(), compoundInsertHint)
			default:
				if values[i], err = a.partValue(&x.Parts[i], in.selected[k].konst, in.rel, compoundInsertHint); err != nil {
					return err
				}
			}
		}
		if !all {
			continue // one is NULL, and so is the index
		}
		add, err := a.compoundAddition(x, values, (&selectedRows{a: a, in: in}).partition)
		if err != nil {
			return err
		}
		if err := a.listCompound(in, g, x, add); err != nil {
			return err
		}
	}
	return nil
}

// listCompound adds a compound index behind the select list of an INSERT. Of groups it
// would be one more column that is no key.
func (a *analysis) listCompound(in *insertion, g *growth, x *schema.Compound, add *addition) error {
	s, ok := in.st.Query.Body.(*Select)
	if !ok || s.ItemsEnd < 0 || s.Distinct || a.openQuery(in.st.Query) || len(s.GroupBy) > 0 && add.ref != nil {
		return a.refuse(in.st.Query.Start, ReasonComputed, x.String(), "the columns have a compound index: insert from one plain SELECT, or from VALUES")
	}
	a.listBehind(s, g, add)
	return nil
}

// copiedCompound is the index of a row that is copied from the same table, or
// from the one for which it is rebuilt: all its columns are selected as they are.
// That the records are of one partition has been proven for the records.
func (a *analysis) copiedCompound(in *insertion, x *schema.Compound, at []int) *addition {
	var from *schema.Compound
	var rel *relation
	for i, k := range at {
		if k < 0 || k >= len(in.selected) {
			return nil
		}
		o := in.selected[k].origin
		if o.rel == nil || o.col < 0 || o.rel.view != nil || o.rel.annotated() == nil || rel != nil && o.rel != rel {
			return nil
		}
		if rel = o.rel; from == nil {
			for _, y := range rel.annotated().Compounds {
				if y.Copies(x) {
					from = y
				}
			}
		}
		if from == nil || !strings.EqualFold(rel.cols[o.col].name, from.Parts[i].Name) {
			return nil
		}
	}
	add := &addition{name: x.Name}
	if rel.alias.Name != "" && len(rel.path) < 2 {
		add.text, add.ref = a.front.QuoteIdent(rel.alias.Name)+".", []string{rel.alias.Name}
	}
	add.text, add.ref = add.text+a.front.QuoteIdent(from.Name), append(add.ref, from.Name)
	return add
}

// listBehind adds an index behind a select list.
func (a *analysis) listBehind(s *Select, g *growth, add *addition) {
	add.at, add.lead, add.carried = s.ItemsEnd, ", ", true
	g.names = append(g.names, add.name)
	if a.listed == nil {
		a.listed = map[*Select][]*addition{}
	}
	a.listed[s], a.adds = append(a.listed[s], add), append(a.adds, add)
}
