package rewrite

import "github.com/sealsql/sealsql/schema"

// verify proves that the edited text is the caller's apart from the planned
// nodes (design: the last step of every plan): by its tokens where the edits
// allow it, else by parsing it again and comparing the trees. Whatever the
// edits did to the meaning of the text shows as a difference.
func (b *builder) verify() error {
	fills := b.standIns()
	text := b.plan.Shape(b.a.front)
	if b.provenByTokens(text, fills) || b.provenByParsing(text) {
		return nil
	}
	return b.a.refuse(-1, ReasonVerify, "", "write the statement in a plainer form")
}

func (b *builder) provenByParsing(text string) bool {
	got, err := b.a.front.Parse(text, b.a.session)
	defer got.release()
	return err == nil && verifier{b: b}.script(b.a.script, got)
}

// standIns are the constants that stand in the holes while the text is proven.
func (b *builder) standIns() []string {
	if len(b.plan.Holes) == 0 {
		return nil
	}
	out := make([]string, len(b.plan.Holes))
	for i := range out {
		out[i] = standIn(b.a.front, &b.plan.Holes[i].Out)
	}
	return out
}

// standIn is a constant as it may come to stand in a hole.
func standIn(f Frontend, o *Out) string {
	switch {
	case o.List:
		return f.StringLiteral("{}")
	case o.Limit != 0:
		return "1"
	case o.Decide != nil:
		return "TRUE"
	case o.Pattern == PatternAll:
		return f.StringLiteral("{1}")
	case o.Index != nil && isArray(f.Dialect(), o.Index):
		return f.StringLiteral("{1}")
	case o.Index != nil:
		return f.BytesLiteral([]byte{0xF9, 0})
	case o.Seal == nil:
		return f.StringLiteral("p")
	case o.Seal.Carrier == schema.CarrierText:
		return f.StringLiteral(armourPrefix + "Af")
	}
	return f.BytesLiteral([]byte{0xF9, 0})
}

// Shape is the plan's text with a constant in every hole that is of the kind of
// what will stand there: a text to prepare or to look at, not to run.
func (p *Plan) Shape(f Frontend) string {
	text, _ := FillHoles(p, func(h Hole) (string, error) { return standIn(f, &h.Out), nil })
	return text
}

// FillHoles writes the text of a plan with every hole filled in.
func FillHoles(p *Plan, literal func(Hole) (string, error)) (string, error) {
	if len(p.Holes) == 0 {
		return p.Text, nil
	}
	out := make([]byte, 0, len(p.Text)+256*len(p.Holes))
	last := 0
	for _, h := range p.Holes {
		l, err := literal(h)
		if err != nil {
			return "", err
		}
		out = append(out, p.Text[last:h.At]...)
		out = append(out, l...)
		last = h.At
	}
	return string(append(out, p.Text[last:]...)), nil
}

type verifier struct {
	b *builder
	// copy is set while the copy of a form is compared with it.
	copy *indexForm
}

func (v verifier) script(x, y *Script) bool {
	if len(x.Statements)+v.b.a.behind != len(y.Statements) || len(y.Markers) != v.markers() {
		return false
	}
	for _, st := range y.Statements[len(x.Statements):] {
		if !v.statement(x.Statements[0], st) { // ALTER TABLE of the same table
			return false
		}
	}
	for i := range x.Statements {
		if !v.statement(x.Statements[i], y.Statements[i]) {
			return false
		}
	}
	return true
}

// markers is the number of placeholders that the edited text must have.
func (v verifier) markers() int {
	n := 0
	for _, s := range v.b.slots {
		if s.n > 0 {
			n++
		}
	}
	return n
}

func (v verifier) statement(x, y Statement) bool {
	switch x := x.(type) {
	case *Query:
		y, ok := y.(*Query)
		return ok && v.query(x, y)
	case *Insert:
		y, ok := y.(*Insert)
		return ok && v.insert(x, y)
	case *Update:
		y, ok := y.(*Update)
		return ok && v.update(x, y)
	case *Delete:
		y, ok := y.(*Delete)
		return ok && v.delete(x, y)
	case *Merge:
		y, ok := y.(*Merge)
		return ok && v.merge(x, y)
	case *Other:
		y, ok := y.(*Other)
		return ok && v.other(x, y)
	}
	return false
}

func (v verifier) other(x, y *Other) bool {
	if x.Kind != y.Kind || x.Verb != y.Verb || x.Name != y.Name || x.Temp != y.Temp || len(x.Relations) != len(y.Relations) {
		return false
	}
	for i := range x.Relations {
		if !v.table(x.Relations[i], y.Relations[i]) {
			return false
		}
	}
	if (x.Inner == nil) != (y.Inner == nil) {
		return false
	}
	if len(v.b.a.ddl) > 0 {
		return y.Query == nil // the guards are new expressions
	}
	// Attr may hold the text of the explained statement, which has changed.
	return v.exprs(x.Exprs, y.Exprs) && v.query(x.Query, y.Query) && (x.Inner == nil || v.statement(x.Inner, y.Inner))
}

func (v verifier) insert(x, y *Insert) bool {
	g := v.b.a.grown.at(x)
	if names := v.b.a.columns.at(x); names != nil {
		if !v.names(*names, y.Columns) {
			return false
		}
	} else if !v.columns(x, g, y.Columns) || x.HasColumns != y.HasColumns {
		return false
	}
	if (x.Values == nil) != (y.Values == nil) || len(x.Upserts) != len(y.Upserts) {
		return false
	}
	for i := range x.Upserts {
		if !v.upsert(x.Upserts[i], y.Upserts[i]) {
			return false
		}
	}
	return v.with(x.With, y.With) && v.table(x.Target, y.Target) &&
		(x.Values == nil || v.grownRows(x, g, y.Values.Rows)) && v.query(x.Query, y.Query) &&
		x.DefaultValues == y.DefaultValues && x.SetForm == y.SetForm && x.Replace == y.Replace && x.Ignore == y.Ignore &&
		alias(x.RowAlias, y.RowAlias) && idents(x.RowColumns, y.RowColumns) && x.Attr == y.Attr &&
		v.items(x, x.Returning, y.Returning)
}

func (v verifier) names(want []string, got []Ident) bool {
	if len(want) != len(got) {
		return false
	}
	for i := range want {
		if want[i] != got[i].Name {
			return false
		}
	}
	return true
}

func (v verifier) upsert(x, y *Upsert) bool {
	return x.Duplicate == y.Duplicate && x.DoNothing == y.DoNothing && x.Constraint == y.Constraint &&
		v.targets(x.Target, y.Target) && v.expr(x.TargetWhere, y.TargetWhere) && v.assigns(x.Set, y.Set) && v.expr(x.Where, y.Where)
}

func (v verifier) assigns(x, y []Assign) bool {
	at := 0
	for i := range x {
		if at = v.addedAssigns(&x[i], true, y, at); at < 0 {
			return false
		}
		if at >= len(y) || len(x[i].Columns) != len(y[at].Columns) || !v.expr(x[i].Value, y[at].Value) {
			return false
		}
		for k := range x[i].Columns {
			if !idents(x[i].Columns[k].Path, y[at].Columns[k].Path) {
				return false
			}
		}
		if at = v.addedAssigns(&x[i], false, y, at+1); at < 0 {
			return false
		}
	}
	return at == len(y)
}

func (v verifier) update(x, y *Update) bool {
	return v.with(x.With, y.With) && v.tables(x.Targets, y.Targets) && v.assigns(x.Set, y.Set) && v.tables(x.From, y.From) &&
		v.narrowedExpr(x, nil, x.Where, y.Where) && v.exprs(x.OrderBy, y.OrderBy) && v.exprs(x.Limit, y.Limit) &&
		x.Ignore == y.Ignore && x.Replace == y.Replace && x.Attr == y.Attr && v.items(x, x.Returning, y.Returning)
}

func (v verifier) delete(x, y *Delete) bool {
	return v.with(x.With, y.With) && v.tables(x.Targets, y.Targets) && v.tables(x.From, y.From) && x.Multi == y.Multi &&
		v.narrowedExpr(x, nil, x.Where, y.Where) && v.exprs(x.OrderBy, y.OrderBy) && v.exprs(x.Limit, y.Limit) && x.Attr == y.Attr &&
		v.items(x, x.Returning, y.Returning)
}

func (v verifier) merge(x, y *Merge) bool {
	if len(x.Whens) != len(y.Whens) {
		return false
	}
	for i, w := range x.Whens {
		o := y.Whens[i]
		if w.Match != o.Match || w.Attr != o.Attr || !v.expr(w.Cond, o.Cond) || !v.assigns(w.Set, o.Set) ||
			(w.Insert == nil) != (o.Insert == nil) || w.Insert != nil && !v.insert(w.Insert, o.Insert) {
			return false
		}
	}
	return v.with(x.With, y.With) && v.table(x.Target, y.Target) && v.tableExpr(x.Source, y.Source) &&
		v.narrowedExpr(x, nil, x.On, y.On) && x.Attr == y.Attr && v.items(x, x.Returning, y.Returning)
}

func (v verifier) query(x, y *Query) bool {
	if x == nil || y == nil {
		return x == nil && y == nil
	}
	if r := v.b.a.recursionOf(x); r != nil && r.kept != nil {
		return v.recursion(r, x, y)
	}
	return v.with(x.With, y.With) && v.body(x.Body, y.Body) && v.exprs(x.OrderBy, y.OrderBy) && v.exprs(x.Limit, y.Limit) &&
		x.Attr == y.Attr && x.Lock == y.Lock
}

func (v verifier) body(x, y Body) bool {
	switch x := x.(type) {
	case *Select:
		y, ok := y.(*Select)
		return ok && v.selectCore(x, y)
	case *SetOp:
		if u := v.b.a.eq.unions[x]; u != nil {
			return v.union(x, u, y)
		}
		y, ok := y.(*SetOp)
		return ok && x.Name == y.Name && x.All == y.All && v.body(x.Left, y.Left) && v.body(x.Right, y.Right)
	case *Values:
		y, ok := y.(*Values)
		return ok && v.grownList(x, y)
	case *Query:
		y, ok := y.(*Query)
		return ok && v.query(x, y)
	}
	return false
}

func (v verifier) selectCore(x, y *Select) bool {
	where, ok := v.narrowedBy(x, nil, y.Where)
	return ok && v.distinct(x, y) && v.items(x, x.Items, y.Items) &&
		v.tables(x.From, y.From) && v.where(x.Where, where) && v.expr(x.Having, y.Having) &&
		v.exprs(x.Windows, y.Windows) && x.Into == y.Into && v.selectAttr(x) == y.Attr
}

// items compares select lists: expanded stars and added columns are what the
// plan says, everything else is as it was.
func (v verifier) items(owner any, x, y []SelectItem) bool {
	i := 0
	for k := range x {
		if star, ok := x[k].Expr.(*Star); ok {
			if vis := v.b.a.expanded(star); vis != nil {
				for _, c := range vis {
					if i >= len(y) || y[i].Alias != nil || !v.names1(y[i].Expr, c.rel.cols[c.col].name) {
						return false
					}
					i++
				}
				if !v.hiddenItems(&x[k], y, &i) {
					return false
				}
				continue
			}
		}
		if i >= len(y) || !v.itemAlias(&x[k], y[i].Alias) || !v.expr(x[k].Expr, y[i].Expr) {
			return false
		}
		i++
		if !v.hiddenItems(&x[k], y, &i) {
			return false
		}
	}
	if s, ok := owner.(*Select); ok {
		for _, add := range v.b.a.listed[s] {
			if i >= len(y) || !v.addedItem(add, &y[i]) {
				return false
			}
			i++
		}
	}
	return v.hiddenItems(owner, y, &i) && i == len(y)
}

// hiddenItems compares the columns that were added behind a list, or one of its
// items, with those from the ith on.
func (v verifier) hiddenItems(owner any, y []SelectItem, i *int) bool {
	for _, h := range v.b.a.hiddenOf(owner) {
		if *i >= len(y) || y[*i].Alias == nil || y[*i].Alias.Name != h.name || !v.names1(y[*i].Expr, h.rel.cols[h.col].name) {
			return false
		}
		*i++
	}
	return true
}

func (v verifier) names1(e Expr, name string) bool {
	ref, ok := e.(*ColumnRef)
	return ok && ref.Path[len(ref.Path)-1].Name == name
}

func (v verifier) with(x, y *With) bool {
	if x == nil || y == nil {
		return x == nil && y == nil
	}
	if x.Recursive != y.Recursive || len(x.CTEs) != len(y.CTEs) {
		return false
	}
	for i := range x.CTEs {
		c, d := x.CTEs[i], y.CTEs[i]
		if c.Name.Name != d.Name.Name || !v.columnList(c, c.Columns, d.Columns) || c.Attr != d.Attr || !v.query(c.Query, d.Query) ||
			(c.DML == nil) != (d.DML == nil) || c.DML != nil && !v.statement(c.DML, d.DML) {
			return false
		}
	}
	return true
}

func (v verifier) tables(x, y []TableExpr) bool {
	if len(x) != len(y) {
		return false
	}
	for i := range x {
		if !v.tableExpr(x[i], y[i]) {
			return false
		}
	}
	return true
}

func (v verifier) table(x, y *Table) bool {
	if x == nil || y == nil {
		return x == nil && y == nil
	}
	return idents(x.Path, y.Path) && alias(x.Alias, y.Alias) && idents(x.ColumnAliases, y.ColumnAliases) &&
		x.Only == y.Only && x.Attr == y.Attr && v.exprs(x.Extra, y.Extra)
}

func (v verifier) tableExpr(x, y TableExpr) bool {
	switch x := x.(type) {
	case *Table:
		if text, ok := v.b.a.shaped[x]; ok {
			return v.derivedShape(x, text, y)
		}
		y, ok := y.(*Table)
		return ok && v.table(x, y)
	case *Derived:
		y, ok := y.(*Derived)
		return ok && v.query(x.Query, y.Query) && alias(x.Alias, y.Alias) && v.columnList(x, x.ColumnAliases, y.ColumnAliases) && x.Lateral == y.Lateral
	case *Join:
		y, ok := y.(*Join)
		return ok && x.Kind == y.Kind && v.tableExpr(x.Left, y.Left) && v.tableExpr(x.Right, y.Right) && v.joinOn(x, y) &&
			v.using(x, y) && alias(x.Alias, y.Alias)
	case *FuncTable:
		if s, ok := v.b.a.shapedCalls[x]; ok {
			return v.derivedCall(x, s, y)
		}
		y, ok := y.(*FuncTable)
		return ok && v.exprs(x.Calls, y.Calls) && alias(x.Alias, y.Alias) && idents(x.ColumnAliases, y.ColumnAliases) &&
			x.Lateral == y.Lateral && x.Attr == y.Attr
	}
	return false
}

func (v verifier) rows(x, y [][]Expr) bool {
	if len(x) != len(y) {
		return false
	}
	for i := range x {
		if !v.exprs(x[i], y[i]) {
			return false
		}
	}
	return true
}

func (v verifier) exprs(x, y []Expr) bool {
	if len(x) != len(y) {
		return false
	}
	for i := range x {
		if !v.expr(x[i], y[i]) {
			return false
		}
	}
	return true
}

func (v verifier) queries(x, y []*Query) bool {
	if len(x) != len(y) {
		return false
	}
	for i := range x {
		if !v.query(x[i], y[i]) {
			return false
		}
	}
	return true
}

// expr compares expressions. A planned parameter or literal must have become
// exactly what its slot says.
func (v verifier) expr(x, y Expr) bool {
	if x == nil || y == nil {
		return x == nil && y == nil
	}
	if h, ok := v.b.a.eq.placed[x]; ok {
		return v.place(h, y)
	}
	if done, ok := v.ranged(x, y); done {
		return ok
	}
	if inner, ok := v.b.a.eq.peeled[x]; ok {
		return v.expr(inner, y)
	}
	switch x := x.(type) {
	case *Param:
		s := v.b.mark(x)
		if v.copy != nil {
			s = v.copy.slots[x]
		}
		return s != nil && v.slot(s, y)
	case *ColumnRef:
		if t := v.b.a.truths[x]; t != nil {
			return v.truth(x, t, y)
		}
		if _, ok := v.b.a.eq.picks[x]; ok {
			y = v.b.a.unpicked(y)
		}
		y, ok := y.(*ColumnRef)
		if v.copy != nil && v.copy.names[x] != "" {
			n := len(x.Path) - 1
			return ok && len(y.Path) == n+1 && idents(x.Path[:n], y.Path[:n]) && y.Path[n].Name == v.copy.names[x]
		}
		if done, same := v.combinedRef(x, y); done {
			return same
		}
		if e := v.b.a.indexOn(x); e != nil {
			n := len(x.Path) - 1
			return ok && len(y.Path) == n+1 && idents(x.Path[:n], y.Path[:n]) && y.Path[n].Name == v.b.a.indexName(x, e)
		}
		if ok && v.b.a.eq.qualified[x] != nil {
			return v.qualified(x, y)
		}
		return ok && idents(x.Path, y.Path)
	case *Star:
		y, ok := y.(*Star)
		return ok && idents(x.Path, y.Path)
	case *Literal:
		s := v.b.literal(x)
		if v.copy != nil {
			s = v.copy.slots[x]
		}
		if s != nil {
			return v.slot(s, y)
		}
		if typ := v.b.a.typed[x]; typ != "" {
			if v.copy != nil {
				typ = v.copy.null
			}
			return typedNull(typ, y)
		}
		y, ok := y.(*Literal)
		return ok && x.Kind == y.Kind && x.Value == y.Value && x.Odd == y.Odd
	case *Call:
		if _, ok := v.b.a.eq.nullified[x]; ok && v.copy == nil {
			return v.nullify(x, y)
		}
		y, ok := y.(*Call)
		return ok && idents(x.Name, y.Name) && v.exprs(x.Args, y.Args) && v.exprs(x.Extra, y.Extra) &&
			x.Star == y.Star && x.Distinct == y.Distinct && x.Over == y.Over && x.Attr == y.Attr
	case *Op:
		if d := v.b.a.decided[x]; d != nil {
			return v.decided(d, y)
		}
		y, ok := y.(*Op)
		return ok && x.Name == y.Name && x.Attr == y.Attr && v.exprs(x.Args, y.Args)
	case *IsNull:
		y, ok := y.(*IsNull)
		return ok && x.Not == y.Not && v.expr(x.X, y.X)
	case *In:
		y, ok := y.(*In)
		return ok && x.Not == y.Not && v.expr(x.X, y.X) && v.exprs(x.List, y.List) && v.query(x.Query, y.Query)
	case *Subquery:
		y, ok := y.(*Subquery)
		return ok && x.Kind == y.Kind && x.Op == y.Op && v.expr(x.X, y.X) && v.query(x.Query, y.Query)
	case *Case:
		y, ok := y.(*Case)
		return ok && v.caseExpr(x, y)
	case *Cast:
		if typ := v.b.a.retyped[x]; typ != "" {
			return typedNull(typ, y) && isNull(unwrapped(x))
		}
		if inner, ok := v.b.a.casts[x]; ok {
			return v.expr(inner, y)
		}
		y, ok := y.(*Cast)
		return ok && x.Type == y.Type && v.expr(x.X, y.X)
	case *Row:
		y, ok := y.(*Row)
		return ok && v.exprs(x.Items, y.Items)
	case *Default:
		_, ok := y.(*Default)
		return ok
	case *ValuesRef:
		y, ok := y.(*ValuesRef)
		return ok && v.expr(x.Column, y.Column)
	case *Opaque:
		y, ok := y.(*Opaque)
		return ok && x.What == y.What && x.Attr == y.Attr && v.exprs(x.Kids, y.Kids) && v.queries(x.Queries, y.Queries)
	}
	return false // a node without a rule
}

func (v verifier) slot(s *slot, y Expr) bool {
	if s.n > 0 {
		if s.carried {
			c, ok := y.(*Cast)
			if !ok || c.Type != v.b.carrier(s) {
				return false
			}
			y = c.X
		}
		p, ok := y.(*Param)
		return ok && p.N == s.n
	}
	if c, ok := y.(*Cast); ok {
		y = c.X
	}
	_, ok := y.(*Literal)
	return ok
}

func (v verifier) caseExpr(x, y *Case) bool {
	if len(x.Whens) != len(y.Whens) || !v.expr(x.Operand, y.Operand) || !v.expr(x.Else, y.Else) {
		return false
	}
	for i := range x.Whens {
		if !v.expr(x.Whens[i].Cond, y.Whens[i].Cond) || !v.expr(x.Whens[i].Then, y.Whens[i].Then) {
			return false
		}
	}
	return true
}

func idents(x, y []Ident) bool {
	if len(x) != len(y) {
		return false
	}
	for i := range x {
		if x[i].Name != y[i].Name || x[i].Quoted != y[i].Quoted {
			return false
		}
	}
	return true
}

func alias(x, y *Ident) bool {
	if x == nil || y == nil {
		return x == nil && y == nil
	}
	return x.Name == y.Name
}
