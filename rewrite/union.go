package rewrite

import (
	"slices"
	"strings"
)

// UNION over encrypted columns: the arms are united with all their rows and their
// indexes, and one row of each group is kept.
//
//	SELECT a, c FROM t UNION SELECT b, d FROM u
//	SELECT "a", (array_agg("c"))[1] AS "c" FROM (SELECT a, c, t.c_bidx AS "sealsql_p1" FROM t
//	UNION ALL SELECT b, d, u.d_bidx AS "sealsql_p2" FROM u) AS "sealsql_u" GROUP BY "a", "sealsql_p1"
//
// INTERSECT and EXCEPT likewise: see setops.go.

// union is such an operation. ops are the operations that its arms are united
// by, itself among them.
type union struct {
	cols []unionColumn
	ops  []*SetOp
	arms []*Select
	// marker is the column that says which arm a row comes from, formula which
	// groups stay; "" where all do.
	marker, formula string
	// nth is the column with the number of a row among its equals of one side,
	// for INTERSECT ALL and EXCEPT ALL; "" for all others.
	nth string
}

type unionColumn struct {
	name  string
	index string // the index beside an encrypted column; "" for a clear one
}

const (
	unionAlias = "sealsql_u"
	unionHint  = "use UNION ALL, or UNION over columns of one search group that are selected as they are, each under a name of its own"
)

// markUnion notes the operations inside one that makes its rows distinct: what
// they would make distinct the outer one does.
func (a *analysis) markUnion(s *SetOp) {
	if s.counts() || a.eq.within[s] {
		return
	}
	var u union
	if !u.collect(s, false) {
		return
	}
	for _, op := range u.ops[1:] {
		if a.eq.within == nil {
			a.eq.within = map[*SetOp]bool{}
		}
		a.eq.within[op] = true
	}
}

// uniteArms unites the arms of a set operation.
func (a *analysis) uniteArms(s *SetOp, left, right []column) ([]column, error) {
	if s.Name == "UNION" && s.All || anyHashed(left) || anyHashed(right) || !anyFlow(left) && !anyFlow(right) || len(left) != len(right) {
		return a.unite(s, left, right)
	}
	all := *s
	all.Name, all.All = "UNION", true
	cols, err := a.unite(&all, left, right)
	if err != nil || a.eq.within[s] {
		return cols, err
	}
	return a.unionOf(s, cols)
}

func anyFlow(cols []column) bool {
	return slices.ContainsFunc(cols, func(c column) bool { return len(c.flow) > 0 })
}

// unionOf plans a UNION over these columns.
func (a *analysis) unionOf(s *SetOp, cols []column) ([]column, error) {
	at := slices.IndexFunc(cols, func(c column) bool { return len(c.flow) > 0 })
	refused := a.refuse(s.Start, ReasonSetOperation, cols[at].flow[0].col.String(), unionHint)
	u := &union{}
	if !u.collect(s, s.counts()) || !s.Known() || a.depth > 0 {
		return nil, refused
	}
	names := map[string]bool{}
	out := make([]column, len(cols))
	for i := range cols {
		c := cols[i]
		if c.name == "" || names[strings.ToLower(c.name)] || c.hidden {
			return nil, refused
		}
		names[strings.ToLower(c.name)] = true
		k := unionColumn{name: c.name}
		if len(c.flow) > 0 {
			if k.index = a.armIndex(u.arms, i, byEquality); k.index == "" {
				return nil, refused
			}
			if err := a.onePartition(u.arms, i); err != nil {
				return nil, err
			}
			c.flow = pickedFlow(a.keptFlow(s, u, i), nil)
			c.computed, c.united = c.bare(), false
		} else if c.consts != nil {
			if err := a.settleClear(c.consts, false); err != nil {
				return nil, err
			}
		}
		c.consts, c.konst, c.origin = nil, nil, hit{}
		u.cols, out[i] = append(u.cols, k), c
	}
	a.mark(s, u)
	if a.eq.unions == nil {
		a.eq.unions = map[*SetOp]*union{}
	}
	a.eq.unions[s] = u
	return out, nil
}

// collect lists the operations of s and its arms, from the left. In parentheses
// may stand a SELECT, or another operation without clauses of its own. rows says
// that it matters how often a row occurs.
func (u *union) collect(s *SetOp, rows bool) bool {
	if len(u.ops) > 0 && (s.counts() && s.Name != "UNION" || rows && !(s.All && s.Name == "UNION")) {
		return false
	}
	u.ops = append(u.ops, s)
	return u.arm(s.Left, rows) && u.arm(s.Right, rows)
}

func (u *union) arm(b Body, rows bool) bool {
	switch x := b.(type) {
	case *Select:
		u.arms = append(u.arms, x)
		return true
	case *SetOp:
		return u.collect(x, rows)
	case *Query:
		switch y := x.Body.(type) {
		case *Select:
			u.arms = append(u.arms, y)
			return x.With == nil
		case *SetOp:
			return x.With == nil && len(x.OrderBy)+len(x.Limit) == 0 && !x.Lock && u.collect(y, rows)
		}
	}
	return false
}

// onePartition proves that the values of all arms are of one partition, or that
// their index spans all (threats T23).
func (a *analysis) onePartition(arms []*Select, at int) error {
	var part PartitionSource
	for i, s := range arms {
		o := a.eq.outputsOf(s)[at].origin
		e := o.exactIndex()
		if e.TableScope {
			continue
		}
		p, ok := a.partitionAt(o)
		if !ok || !a.confine(o) || i > 0 && !a.samePartitions(p, part) {
			return a.refuse(s.Start, ReasonPartition, e.Of.String(), groupPartHint)
		}
		part = p
	}
	return nil
}

// ---- its text and its proof ----

// unions writes what stands around the arms. What stands behind them is returned,
// to stand behind whatever is added to the last of them.
func (b *builder) unions() (ends []edit) {
	for _, s := range byPlace(b.a.eq.unions) {
		u := b.a.eq.unions[s]
		before, behind := u.text(b.a)
		b.edits = append(b.edits, edit{span: Span{s.Start, s.Start}, text: before})
		ends = append(ends, edit{span: Span{s.End, s.End}, text: behind + " ", tail: true})
		for _, op := range u.ops {
			b.keepAll(op)
		}
	}
	return ends
}

// text is what stands before the united arms and behind them.
func (u *union) text(a *analysis) (before, behind string) {
	f := a.front
	var list, names, keys []string
	for _, c := range u.cols {
		name := f.QuoteIdent(c.name)
		names = append(names, name)
		if c.index == "" {
			list, keys = append(list, name), append(keys, name)
			continue
		}
		switch a.dialect {
		case Postgres:
			list = append(list, "(array_agg("+name+"))[1] AS "+name)
		case MySQL:
			list = append(list, "MIN("+name+") AS "+name)
		default:
			list = append(list, name)
		}
		names, keys = append(names, f.QuoteIdent(c.index)), append(keys, f.QuoteIdent(c.index))
	}
	before, behind = "SELECT "+strings.Join(list, ", ")+" FROM (", ") AS "+f.QuoteIdent(unionAlias)
	if u.nth != "" {
		mark := f.QuoteIdent(u.marker)
		before += "SELECT " + strings.Join(append(names, mark), ", ") + ", row_number() OVER (PARTITION BY " + strings.Join(append(keys, mark), ", ") + ") AS " + f.QuoteIdent(u.nth) + " FROM ("
		behind = ") AS " + f.QuoteIdent(unionAlias) + behind
		keys = append(keys, f.QuoteIdent(u.nth))
	}
	behind += " GROUP BY " + strings.Join(keys, ", ")
	if u.formula != "" {
		behind += " HAVING " + u.formula
	}
	return before, behind
}

// keepAll makes a set operation UNION ALL.
func (b *builder) keepAll(op *SetOp) {
	toks := words(b.a.tokens(Span{op.Left.Range().End, op.Right.Range().Start}))
	for i := range toks {
		if !toks[i:].is(op.Name) {
			continue
		}
		if op.Name != "UNION" {
			b.edits = append(b.edits, edit{span: toks[i].Span, text: "UNION"})
		}
		switch next := toks[i+1:]; {
		case op.All:
		case next.is("DISTINCT") || next.is("DISTINCTROW"):
			b.edits = append(b.edits, edit{span: next[0].Span, text: "ALL"})
		default:
			b.edits = append(b.edits, edit{span: Span{toks[i].End, toks[i].End}, text: " ALL "})
		}
	}
}

// union holds a set operation against what it became: what stands around the
// arms is what its text says by itself.
func (v verifier) union(x *SetOp, u *union, y Body) bool {
	before, behind := u.text(v.b.a)
	around, err := v.b.a.front.Parse(before+"SELECT 1"+behind, v.b.a.session)
	defer around.release()
	if err != nil || len(around.Statements) != 1 {
		return false
	}
	q, ok := around.Statements[0].(*Query)
	return ok && v.around(q.Body, y, func(arms Body) bool { return v.unionArms(x, arms) })
}

// around compares what stands around the arms. The derived table without one in
// x holds them.
func (v verifier) around(x, y Body, arms func(Body) bool) bool {
	s, ok := x.(*Select)
	z, isSelect := y.(*Select)
	if !ok || !isSelect {
		return false
	}
	if len(s.From) != 1 || len(z.From) != 1 {
		return false
	}
	d, ok := s.From[0].(*Derived)
	e, isDerived := z.From[0].(*Derived)
	if !ok || !isDerived || !alias(d.Alias, e.Alias) || d.Lateral != e.Lateral || len(e.ColumnAliases) > 0 ||
		e.Query.With != nil || len(e.Query.OrderBy)+len(e.Query.Limit) > 0 || e.Query.Lock {
		return false
	}
	one, other := *s, *z
	one.From, other.From = nil, nil
	return v.selectCore(&one, &other) && v.inside(d.Query.Body, e.Query.Body, arms)
}

// inside goes on inside a derived table.
func (v verifier) inside(x, y Body, arms func(Body) bool) bool {
	if s, ok := x.(*Select); ok && len(s.From) == 0 {
		return arms(y)
	}
	return v.around(x, y, arms)
}

// unionArms compares the arms, which are united one after the other whatever the
// order of the operations was.
func (v verifier) unionArms(x, y Body) bool {
	before, after := armsOf(x, nil), armsOf(y, nil)
	if len(before) != len(after) || !keepsAll(y) {
		return false
	}
	for i := range before {
		q, ok := before[i].(*Query)
		if ok {
			_, ok = q.Body.(*SetOp)
		}
		if !ok {
			if !v.body(before[i], after[i]) {
				return false
			}
			continue
		}
		z, isQuery := after[i].(*Query)
		if !isQuery || z.With != nil || len(z.OrderBy)+len(z.Limit) > 0 || z.Lock || !v.unionArms(q.Body, z.Body) {
			return false
		}
	}
	return true
}

// armsOf lists what set operations unite; those in parentheses are arms.
func armsOf(b Body, list []Body) []Body {
	if s, ok := b.(*SetOp); ok {
		return armsOf(s.Right, armsOf(s.Left, list))
	}
	return append(list, b)
}

// keepsAll reports that every operation is UNION ALL.
func keepsAll(b Body) bool {
	s, ok := b.(*SetOp)
	return !ok || s.Name == "UNION" && s.All && keepsAll(s.Left) && keepsAll(s.Right)
}
