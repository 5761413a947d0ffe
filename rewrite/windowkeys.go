package rewrite

import "sort"

// partitionKeys plans PARTITION BY over columns with exact indexes: rows of one
// index are rows of one value. es are the expressions of a window, in which those
// of ORDER BY stand as well.
func (a *analysis) partitionKeys(es []Expr, sc *scope) error {
	var keys []Expr
	for _, e := range es {
		if a.inPartitionBy(e) {
			keys = append(keys, e)
		}
	}
	for _, e := range keys {
		ref, ok := e.(*ColumnRef)
		if !ok {
			continue
		}
		h, _, found, err := a.resolve(ref, sc)
		if err != nil || !found || h.exactIndex() == nil || !a.genuine(ref, h) {
			continue // reported where the window is walked
		}
		if err := a.withinPartition(h, a.clearKeys(keys, sc), ref.Start); err != nil {
			return err
		}
		if err := a.refIndex(ref, h); err != nil {
			return err
		}
	}
	return a.windowOrder(es, sc)
}

// inPartitionBy reports whether an expression stands in the list behind PARTITION
// BY.
func (a *analysis) inPartitionBy(e Expr) bool {
	toks := words(a.script.Tokens)
	at := sort.Search(len(toks), func(i int) bool { return toks[i].Start >= e.Range().Start })
	if !e.Range().Known() {
		return false
	}
	for depth := 0; at > 1; at-- {
		switch t := toks[at-1]; {
		case isPunct(t, ")"):
			depth++
		case isPunct(t, "("):
			if depth--; depth < 0 {
				return false
			}
		case depth == 0 && toks[at-1:].is("BY"):
			return toks[at-2:].is("PARTITION")
		}
	}
	return false
}

// windowList lists the expressions of named windows.
func windowList(windows []Expr) []Expr {
	var out []Expr
	for _, w := range windows {
		if o, ok := w.(*Opaque); ok {
			out = append(out, o.Kids...)
			continue
		}
		out = append(out, w)
	}
	return out
}
