package rewrite

import (
	"slices"
	"strings"

	"github.com/sealsql/sealsql/schema"
)

// JOIN … USING (c) and NATURAL JOIN over encrypted columns: the tables are joined
// by their indexes, which are columns of one name. What USING would have merged
// stays apart then; where the text names c alone, it is that of the side whose
// row is always there.
//
//	SELECT c FROM t LEFT JOIN u USING (id, c)
//	SELECT "t"."c" FROM t LEFT JOIN u USING (id, "c_bidx")

// usingIndex is what becomes of a join.
type usingIndex struct {
	// names are those that USING has, places where the changed ones stand.
	names  []string
	places []edit
}

// mergedColumn is an encrypted column that a join merges.
type mergedColumn struct {
	name string
	rels []*relation
	// of is the column that it is.
	of hit
}

const usingHint = "join by name over encrypted columns that have exact search indexes of one group and of one name, in tables; or write the condition with ON and qualify the column"

// usingIndexes plans a join over encrypted columns, with the columns of both
// sides; sealed are the names of these among all.
func (a *analysis) usingIndexes(j *Join, names []Ident, sealed map[string]bool, left, right []visible, sc *scope) error {
	refused := func(col *schema.Column) error {
		name := ""
		if col != nil { // neither side shows the name once
			name = col.String()
		}
		return a.refuse(names[0].Start, ReasonJoin, name, usingHint)
	}
	u := &usingIndex{}
	for _, n := range names {
		if !sealed[n.Name] {
			u.names = append(u.names, n.Name)
			continue
		}
		l, r := sideColumn(left, n.Name), sideColumn(right, n.Name)
		col := sealedOf(l, r)
		if l.rel == nil || r.rel == nil || j.Kind == "FULL" || j.Alias != nil {
			return refused(col)
		}
		x, y := l.exactIndex(), r.exactIndex()
		if x == nil || y == nil || !x.Joins(y) || l.rel.annotated() == nil || r.rel.annotated() == nil || l.rel.view != nil || r.rel.view != nil ||
			x.Name != y.Name || !a.soleIndex(left, l, x.Name, sc) || !a.soleIndex(right, r, y.Name, sc) {
			return refused(col)
		}
		if !a.joinedPartition(x, names, l, r) || !a.confineJoined(x, j, names, l, r) {
			return a.refuse(names[0].Start, ReasonPartition, col.String(), partScopeHint)
		}
		u.names = append(u.names, x.Name)
		m := mergedColumn{name: n.Name, of: l}
		if j.Kind == "RIGHT" {
			m.of = r
		}
		for _, h := range []hit{l, r} {
			m.rels = append(m.rels, a.mergedWith(sc, h, n.Name)...)
		}
		sc.mergers = append(sc.mergers, m)
	}
	if !a.placeUsing(j, names, u) {
		return refused(sealedOf(sideColumn(left, firstOf(names, sealed)), sideColumn(right, firstOf(names, sealed))))
	}
	if a.eq.joins == nil {
		a.eq.joins = map[*Join]*usingIndex{}
	}
	a.eq.joins[j] = u
	return nil
}

func firstOf(names []Ident, sealed map[string]bool) string {
	for _, n := range names {
		if sealed[n.Name] {
			return n.Name
		}
	}
	return ""
}

// sideColumn is the one column of that name that a side of a join shows; the zero
// hit where it shows none or several.
func sideColumn(side []visible, name string) hit {
	var out hit
	for _, v := range side {
		if !strings.EqualFold(v.rel.cols[v.col].name, name) {
			continue
		}
		if out.rel != nil {
			return hit{}
		}
		out = hit{v.rel, v.col}
	}
	return out
}

func sealedOf(hits ...hit) *schema.Column {
	for _, h := range hits {
		if f := h.flow(); len(f) > 0 {
			return f[0].col
		}
	}
	return nil
}

// mergedWith are the relations whose column of that name a join has merged with
// this one.
func (a *analysis) mergedWith(sc *scope, h hit, name string) []*relation {
	for _, m := range sc.mergers {
		if strings.EqualFold(m.name, name) && slices.Contains(m.rels, h.rel) {
			return m.rels
		}
	}
	return []*relation{h.rel}
}

// soleIndex reports that no other table of a side has a column with the name of
// the index, unless it is merged with this one.
func (a *analysis) soleIndex(side []visible, h hit, name string, sc *scope) bool {
	merged := a.mergedWith(sc, h, h.rel.cols[h.col].name)
	for _, v := range side {
		if slices.Contains(merged, v.rel) {
			continue
		}
		for i := range v.rel.cols {
			if strings.EqualFold(v.rel.cols[i].name, name) {
				return false
			}
		}
	}
	return true
}

// joinedPartition proves that rows that are joined are of one partition, or that
// the index spans all: USING may name the partition as well.
func (a *analysis) joinedPartition(x schema.Index, names []Ident, l, r hit) bool {
	if x.AllPartitions() {
		return true
	}
	if p, ok := a.partitionAt(l); ok {
		q, ok := a.partitionAt(r)
		return ok && a.samePartitions(p, q)
	}
	return a.joinsPartition(names, l, r)
}

// joinsPartition reports that USING names the partition of both sides.
func (a *analysis) joinsPartition(names []Ident, l, r hit) bool {
	t, u := l.rel.annotated().Partition, r.rel.annotated().Partition
	if l.rel.partCol < 0 || r.rel.partCol < 0 || !strings.EqualFold(t.Column, u.Column) || !t.Type.Same(u.Type) ||
		!bytewise(l.rel, l.rel.partCol, t.Type.Kind) || !bytewise(r.rel, r.rel.partCol, u.Type.Kind) {
		return false
	}
	return slices.ContainsFunc(names, func(n Ident) bool { return strings.EqualFold(n.Name, t.Column) })
}

// placeUsing finds where the names stand, or where they are written.
func (a *analysis) placeUsing(j *Join, names []Ident, u *usingIndex) bool {
	var end int
	attr := ""
	switch r := j.Right.(type) {
	case *Table:
		end, attr = r.End, r.Attr
		if r.Alias != nil {
			end = max(end, r.Alias.End)
		}
		if len(r.ColumnAliases) > 0 || r.Alias != nil && !r.Alias.Known() {
			return false
		}
	default:
		return false
	}
	toks := a.script.Tokens
	at := slices.IndexFunc(toks, func(t Token) bool { return t.Start >= end })
	if j.Natural {
		return attr == "" && a.placeNatural(j, u, end)
	}
	for at >= 0 && at < len(toks) && !words(toks[at:]).is("USING") {
		at++
	}
	if at < 0 || at+2*len(names)+1 >= len(toks) || !isPunct(toks[at+1], "(") || !isPunct(toks[at+2*len(names)+1], ")") {
		return false
	}
	for i, n := range names {
		t := toks[at+2+2*i]
		if !isName(t) || !strings.EqualFold(t.Text, n.Name) {
			return false
		}
		if u.names[i] != n.Name {
			u.places = append(u.places, edit{kind: editName, span: t.Span, name: u.names[i]})
		}
	}
	return true
}

// placeNatural writes USING in the place of NATURAL.
func (a *analysis) placeNatural(j *Join, u *usingIndex, end int) bool {
	toks := words(a.tokens(Span{j.Left.Range().End, j.Right.Range().Start}))
	for i := range toks {
		if !toks[i:].is("NATURAL") {
			continue
		}
		list := ""
		for k, n := range u.names {
			if k > 0 {
				list += ", "
			}
			list += a.front.QuoteIdent(n)
		}
		u.places = append(u.places, edit{span: toks[i].Span}, edit{span: Span{end, end}, text: " USING (" + list + ") "})
		return true
	}
	return false
}

// mergedBare finds the column that a name alone means where a join has merged
// several.
func (a *analysis) mergedBare(ref *ColumnRef, among []*relation, sc *scope) (hit, bool) {
	name := ref.Path[0].Name
	for i := len(sc.mergers) - 1; i >= 0; i-- {
		m := sc.mergers[i]
		if !a.same(m.name, name) || slices.ContainsFunc(among, func(r *relation) bool { return !slices.Contains(m.rels, r) }) {
			continue
		}
		if a.eq.qualified == nil {
			a.eq.qualified = map[*ColumnRef]*relation{}
		}
		a.eq.qualified[ref] = m.of.rel
		return m.of, true
	}
	return hit{}, false
}

// joinings writes the names that joins have now, and qualifies columns that they
// no longer merge.
func (b *builder) joinings() {
	for _, u := range b.a.eq.joins {
		b.edits = append(b.edits, u.places...)
	}
	for ref, r := range b.a.eq.qualified {
		if b.a.indexRead(ref) == nil {
			text := b.a.front.AppendIdent(b.writeQualifier(nil, r), ref.Path[0].Name)
			b.edits = append(b.edits, edit{span: ref.Path[0].Span, text: string(text)})
		}
	}
}

// using compares the names of a join.
func (v verifier) using(x, y *Join) bool {
	u := v.b.a.eq.joins[x]
	if u == nil {
		return idents(x.Using, y.Using) && x.Natural == y.Natural
	}
	return v.names(u.names, y.Using) && !y.Natural
}

// qualified compares a name that has become qualified.
func (v verifier) qualified(x *ColumnRef, y *ColumnRef) bool {
	r := v.b.a.eq.qualified[x]
	return v.names(append(qualifierOf(r), x.Path[0].Name), y.Path)
}
