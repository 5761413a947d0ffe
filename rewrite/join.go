package rewrite

import "strings"

// join analyses a join and its condition. NATURAL and USING compare columns
// by name; sealed ones are refused.
func (a *analysis) join(j *Join, sc *scope) ([]visible, []string, error) {
	if strings.Contains(j.Kind, "RIGHT") || strings.Contains(j.Kind, "FULL") {
		sc.rightJoined = true
	}
	left, lm, err := a.tableExpr(j.Left, sc)
	if err != nil {
		return nil, nil, err
	}
	right, rm, err := a.tableExpr(j.Right, sc)
	if err != nil {
		return nil, nil, err
	}
	merged := append(lm, rm...)
	vis := append(left[:len(left):len(left)], right...)
	if err := a.joinsDeclared(j, left, right); err != nil {
		return nil, nil, err
	}
	switch {
	case j.Natural:
		if vis, err = a.natural(j, left, right, sc); err != nil {
			return nil, nil, err
		}
	case len(j.Using) > 0:
		if vis, err = a.using(j, j.Using, left, right, sc); err != nil {
			return nil, nil, err
		}
	}
	if j.Alias != nil {
		for _, v := range vis {
			if len(v.rel.cols[v.col].flow) > 0 {
				return nil, nil, a.refuse(j.Start, ReasonJoin, v.rel.cols[v.col].flow[0].col.String(), "an aliased join hides which table a column belongs to; leave out the alias")
			}
			if err := a.joinedBy(v); err != nil {
				return nil, nil, err
			}
		}
	}
	if j.On != nil {
		if err := a.condition(j.On, sc, ReasonPredicate); err != nil {
			return nil, nil, err
		}
		a.partitionsOn(j.On, sc)
	}
	return vis, merged, nil
}

// joinedBy settles constants in a column that is compared by its name.
func (a *analysis) joinedBy(v visible) error {
	if c := v.rel.cols[v.col].consts; c != nil {
		return a.settleClear(c, false)
	}
	return nil
}

// natural is USING with all names that both sides have. Where these are not
// all known, "*" cannot be written out.
func (a *analysis) natural(j *Join, left, right []visible, sc *scope) ([]visible, error) {
	for _, r := range sc.rels {
		if !r.open {
			continue
		}
		if anySealed(left) || anySealed(right) {
			return nil, a.refuse(j.Start, ReasonJoin, "", "write the join's condition with ON")
		}
		sc.starBad = ReasonJoin
	}
	for _, side := range [][2][]visible{{left, right}, {right, left}} {
		if sharesSealed(left, right) {
			break // USING is written instead
		}
		if name := hiddenShared(side[0], side[1]); name != "" {
			return nil, a.refuse(j.Start, ReasonJoin, name, "the server would join by a column that belongs to sealsql; write the join's condition with ON")
		}
	}
	var names []Ident
	for _, l := range left {
		for _, r := range right {
			if name := l.rel.cols[l.col].name; strings.EqualFold(name, r.rel.cols[r.col].name) {
				names = append(names, Ident{Name: name, Span: Span{Start: j.Start}})
				break
			}
		}
	}
	if sc.starBad != 0 {
		return append(left[:len(left):len(left)], right...), nil
	}
	return a.using(j, names, left, right, sc)
}

// sharesSealed reports a name that an encrypted column has on both sides.
func sharesSealed(left, right []visible) bool {
	for _, l := range left {
		for _, r := range right {
			if len(l.rel.cols[l.col].flow) > 0 && len(r.rel.cols[r.col].flow) > 0 && strings.EqualFold(l.rel.cols[l.col].name, r.rel.cols[r.col].name) {
				return true
			}
		}
	}
	return false
}

// hiddenShared returns a hidden column of one side whose name the other side
// has, hidden or not: the server sees both.
func hiddenShared(side, other []visible) string {
	for _, v := range side {
		for i := range v.rel.cols {
			if !v.rel.cols[i].hidden {
				continue
			}
			for _, o := range other {
				for k := range o.rel.cols {
					if strings.EqualFold(o.rel.cols[k].name, v.rel.cols[i].name) {
						return v.rel.cols[i].name
					}
				}
			}
		}
	}
	return ""
}

func anySealed(vs []visible) bool {
	for _, v := range vs {
		if len(v.rel.cols[v.col].flow) > 0 {
			return true
		}
	}
	return false
}

// using checks the columns that a join compares by name, and orders "*" as the
// engine does.
func (a *analysis) using(j *Join, names []Ident, left, right []visible, sc *scope) ([]visible, error) {
	sealed := map[string]bool{}
	for i := range names {
		for _, side := range [][]visible{left, right} {
			for _, v := range side {
				c := &v.rel.cols[v.col]
				if !strings.EqualFold(c.name, names[i].Name) {
					continue
				}
				if len(c.flow) > 0 {
					sealed[names[i].Name] = true
					continue
				}
				if err := a.joinedBy(v); err != nil {
					return nil, err
				}
			}
		}
	}
	if len(sealed) > 0 {
		if err := a.usingIndexes(j, names, sealed, left, right, sc); err != nil {
			return nil, err
		}
	}
	if a.dialect == MySQL && j.Kind == "RIGHT" {
		left, right = right, left
	}
	shared := func(v visible) bool {
		for i := range names {
			if a.same(names[i].Name, v.rel.cols[v.col].name) {
				return true
			}
		}
		return false
	}
	vis := a.starOfJoin(names, left, right, shared)
	for i := range vis {
		if v := &vis[i]; v.merged && sealed[nameIn(names, v.rel.cols[v.col].name)] {
			of := sc.mergers[len(sc.mergers)-1].of
			for _, m := range sc.mergers {
				if strings.EqualFold(m.name, v.rel.cols[v.col].name) {
					of = m.of
				}
			}
			*v = visible{rel: of.rel, col: of.col}
		}
	}
	return vis, nil
}

// nameIn is the spelling of a name in a list.
func nameIn(names []Ident, name string) string {
	for i := range names {
		if strings.EqualFold(names[i].Name, name) {
			return names[i].Name
		}
	}
	return ""
}

// starOfJoin is the order of "*": the shared columns first, once, then the
// rest. PostgreSQL takes them in the order in which they are named, MySQL in
// that of the table that leads, and SQLite leaves them where they are there.
func (a *analysis) starOfJoin(names []Ident, left, right []visible, shared func(visible) bool) []visible {
	var out []visible
	switch a.dialect {
	case Postgres:
		for i := range names {
			for _, v := range left {
				if a.same(v.rel.cols[v.col].name, names[i].Name) {
					out = append(out, visible{rel: v.rel, col: v.col, merged: true})
					break
				}
			}
		}
	default:
		for _, v := range left {
			switch {
			case shared(v):
				out = append(out, visible{rel: v.rel, col: v.col, merged: true})
			case a.dialect == SQLite:
				out = append(out, v)
			}
		}
	}
	for _, v := range left {
		if a.dialect != SQLite && !shared(v) {
			out = append(out, v)
		}
	}
	for _, v := range right {
		if !shared(v) {
			out = append(out, v)
		}
	}
	return out
}
