package rewrite

import "slices"

// On MySQL the tables of tokens of a pattern are joined, so that the optimizer, which
// looks up how many rows a token has, begins with the rarest; and in a table of their
// own, which DISTINCT keeps from being merged: merged, it would read the annotated
// table for each row of the first token, before it asks for the others.

// writeSideJoin writes the query of the keys that have all tokens.
func (b *builder) writeSideJoin(out []byte, p *likePart) []byte {
	f, names := b.a.front, keyNames(len(p.side.keys))
	table := f.QuoteIdent(p.side.table.Schema) + "." + f.QuoteIdent(p.side.table.Name)
	out = append(out, "SELECT "+qualified(sideKeys, names)+" FROM (SELECT DISTINCT "+qualified(sideAlias(0), names)+" FROM "...)
	for i := range p.slots {
		if i > 0 {
			out = append(out, ", "...)
		}
		out = append(out, table+" AS "+sideAlias(i)...)
	}
	for i, s := range p.slots {
		word := " AND "
		if i == 0 {
			word = " WHERE "
		}
		out = b.writeSlot(append(out, word+sideAlias(i)+".token = "...), s)
		for _, n := range names {
			if i > 0 {
				out = append(out, " AND "+sideAlias(i)+"."+n+" = "+sideAlias(0)+"."+n...)
			}
		}
	}
	return append(out, ") AS "+sideKeys...)
}

// sideKeys is the alias of the table of the keys.
const sideKeys = "sealsql_t0"

// qualified writes names with a qualifier.
func qualified(qualifier string, names []string) string {
	return prefixed(qualifier+".", func(name string) string { return name }, names)
}

// sideJoin compares a query with what writeSideJoin writes.
func (v verifier) sideJoin(p *likePart, q *Query) bool {
	names := keyNames(len(p.side.keys))
	s := bareSelect(q)
	if s == nil || s.Distinct || s.Where != nil || !spellsItems(s, sideKeys, names) || len(s.From) != 1 {
		return false
	}
	d, ok := s.From[0].(*Derived)
	if !ok || d.Lateral || len(d.ColumnAliases) > 0 || d.Alias == nil || d.Alias.Name != sideKeys {
		return false
	}
	s = bareSelect(d.Query)
	if s == nil || !s.Distinct || !spellsItems(s, sideAlias(0), names) || len(s.From) != len(p.slots) {
		return false
	}
	conds := conjuncts(s.Where)
	for i := range p.slots {
		if !p.isSide(s.From[i], i) || len(conds) == 0 || !v.sideEquals(sideAlias(i)+".token", "", p.slots[i], conds[0]) {
			return false
		}
		if conds = conds[1:]; i == 0 {
			continue
		}
		for _, n := range names {
			if len(conds) == 0 || !v.sideEquals(sideAlias(i)+"."+n, sideAlias(0)+"."+n, nil, conds[0]) {
				return false
			}
			conds = conds[1:]
		}
	}
	return len(conds) == 0
}

// bareSelect is the SELECT of a query that has nothing but items, tables and a
// condition; nil for all others.
func bareSelect(q *Query) *Select {
	s, ok := q.Body.(*Select)
	if !ok || q.With != nil || len(q.OrderBy)+len(q.Limit) > 0 ||
		len(s.GroupBy)+len(s.DistinctOn)+len(s.Windows) > 0 || s.Having != nil || s.Into {
		return nil
	}
	return s
}

func spellsItems(s *Select, qualifier string, names []string) bool {
	return slices.EqualFunc(s.Items, names, func(it SelectItem, n string) bool { return spelt(it.Expr) == qualifier+"."+n })
}

// isSide reports the table of tokens under the alias of token i.
func (p *likePart) isSide(e TableExpr, i int) bool {
	t, ok := e.(*Table)
	return ok && len(t.Path) == 2 && t.Path[0].Name == p.side.table.Schema && t.Path[1].Name == p.side.table.Name &&
		t.Alias != nil && t.Alias.Name == sideAlias(i)
}
