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

// union is such an operation. ops are the operations that its arms are united
// by, itself among them.
type union struct {
	cols []unionColumn
	ops  []*SetOp
}

type unionColumn struct {
	name  string
	index string // the index beside an encrypted column; "" for a clear one
}

const (
	unionAlias = "sealsql_u"
	unionHint  = "use UNION ALL, or UNION over columns of one search group that are selected as they are, each under a name of its own"
)

// markUnion notes that an arm of a UNION is one itself: what it would make
// distinct the outer one does.
func (a *analysis) markUnion(s *SetOp) {
	x, ok := s.Left.(*SetOp)
	if !ok || s.Name != "UNION" || x.Name != "UNION" || s.All && !a.eq.within[s] {
		return
	}
	if a.eq.within == nil {
		a.eq.within = map[*SetOp]bool{}
	}
	a.eq.within[x] = true
}

// uniteArms unites the arms of a set operation.
func (a *analysis) uniteArms(s *SetOp, left, right []column) ([]column, error) {
	if s.Name != "UNION" || s.All || anyHashed(left) || anyHashed(right) || !anyFlow(left) && !anyFlow(right) || len(left) != len(right) {
		return a.unite(s, left, right)
	}
	all := *s
	all.All = true
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
	arms, ok := u.arms(s, nil)
	if !ok || !s.Known() || a.depth > 0 {
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
			if k.index = a.armIndex(arms, i); k.index == "" {
				return nil, refused
			}
			if err := a.onePartition(arms, i); err != nil {
				return nil, err
			}
			c.flow = pickedFlow(c.flow, nil)
			c.computed, c.united = c.bare(), false
		} else if c.consts != nil {
			if err := a.settleClear(c.consts, false); err != nil {
				return nil, err
			}
		}
		c.consts, c.konst, c.origin = nil, nil, hit{}
		u.cols, out[i] = append(u.cols, k), c
	}
	if a.eq.unions == nil {
		a.eq.unions = map[*SetOp]*union{}
	}
	a.eq.unions[s] = u
	return out, nil
}

// arms lists the SELECTs of a UNION. In parentheses may stand one of them, not
// another operation.
func (u *union) arms(b Body, list []*Select) ([]*Select, bool) {
	switch x := b.(type) {
	case *Select:
		return append(list, x), true
	case *SetOp:
		if x.Name != "UNION" {
			return nil, false
		}
		u.ops = append(u.ops, x)
		list, ok := u.arms(x.Left, list)
		if !ok {
			return nil, false
		}
		return u.arms(x.Right, list)
	case *Query:
		s, ok := x.Body.(*Select)
		return append(list, s), ok && x.With == nil
	}
	return nil, false
}

// onePartition proves that the values of all arms are of one partition, or that
// their index spans all (threats T23).
func (a *analysis) onePartition(arms []*Select, at int) error {
	var part PartitionSource
	for i, s := range arms {
		o := a.eq.outputs[s][at].origin
		e := o.exactIndex()
		if e.TableScope {
			continue
		}
		p, ok := a.partitionAt(o)
		if !ok || i > 0 && !samePartition(p, part) {
			return a.refuse(s.Start, ReasonPartition, e.Of.String(), groupPartHint)
		}
		part = p
	}
	return nil
}

// ---- its text and its proof ----

func (b *builder) unions() {
	for s, u := range b.a.eq.unions {
		f := b.a.front
		var list, keys []string
		for _, c := range u.cols {
			name := f.QuoteIdent(c.name)
			if c.index == "" {
				list, keys = append(list, name), append(keys, name)
				continue
			}
			switch b.a.dialect {
			case Postgres:
				list = append(list, "(array_agg("+name+"))[1] AS "+name)
			case MySQL:
				list = append(list, "MIN("+name+") AS "+name)
			default:
				list = append(list, name)
			}
			keys = append(keys, f.QuoteIdent(c.index))
		}
		b.edits = append(
			b.edits,
			edit{span: Span{s.Start, s.Start}, text: "SELECT " + strings.Join(list, ", ") + " FROM ("},
			edit{span: Span{s.End, s.End}, text: ") AS " + f.QuoteIdent(unionAlias) + " GROUP BY " + strings.Join(keys, ", ") + " "},
		)
		for _, op := range u.ops {
			b.keepAll(op)
		}
	}
}

// keepAll makes UNION UNION ALL.
func (b *builder) keepAll(op *SetOp) {
	if op.All {
		return
	}
	toks := words(b.a.tokens(Span{op.Left.Range().End, op.Right.Range().Start}))
	for i := range toks {
		if !toks[i:].is("UNION") {
			continue
		}
		e := edit{span: Span{toks[i].End, toks[i].End}, text: " ALL "}
		if toks[i+1:].is("DISTINCT") || toks[i+1:].is("DISTINCTROW") {
			e = edit{span: toks[i+1].Span, text: "ALL"}
		}
		b.edits = append(b.edits, e)
	}
}

// union holds a UNION against what it became.
func (v verifier) union(x *SetOp, u *union, y Body) bool {
	s, ok := y.(*Select)
	if !ok || s.Distinct || len(s.DistinctOn)+len(s.Windows) > 0 || len(s.From) != 1 || s.Where != nil || s.Having != nil || s.Into ||
		len(s.Items) != len(u.cols) || len(s.GroupBy) != len(u.cols) {
		return false
	}
	attr := ""
	if v.b.a.dialect == MySQL {
		attr = " group " + strings.Repeat("a", len(u.cols))
	}
	d, ok := s.From[0].(*Derived)
	if !ok || s.Attr != attr || d.Lateral || d.Alias == nil || d.Alias.Name != unionAlias || len(d.ColumnAliases) > 0 ||
		d.Query.With != nil || len(d.Query.OrderBy)+len(d.Query.Limit) > 0 || d.Query.Lock {
		return false
	}
	for i, c := range u.cols {
		key, e := c.name, s.Items[i].Expr
		if c.index != "" {
			if key = c.index; v.b.a.dialect != SQLite {
				e = v.b.a.unpicked(e)
				if s.Items[i].Alias == nil || s.Items[i].Alias.Name != c.name {
					return false
				}
			}
		}
		if !v.bare(e, c.name) || !v.bare(s.GroupBy[i], key) {
			return false
		}
	}
	return v.unionArms(x, d.Query.Body)
}

// bare reports a reference by a name alone.
func (v verifier) bare(e Expr, name string) bool {
	ref, ok := e.(*ColumnRef)
	return ok && len(ref.Path) == 1 && ref.Path[0].Name == name
}

func (v verifier) unionArms(x, y Body) bool {
	s, ok := x.(*SetOp)
	if !ok {
		return v.body(x, y)
	}
	z, ok := y.(*SetOp)
	return ok && z.Name == "UNION" && z.All && v.unionArms(s.Left, z.Left) && v.unionArms(s.Right, z.Right)
}
