package rewrite

// invisible reports a column that can be named and that "*" does not mean.
func (c *column) invisible() bool { return c.phys != nil && c.phys.Invisible }

// shown reports a column that "*" means.
func (c *column) shown() bool { return !c.hidden && !c.invisible() }

// listed leaves the invisible columns out of those that "*" shows.
func listed(vis []visible) []visible {
	for i, v := range vis {
		if !v.rel.cols[v.col].invisible() {
			continue
		}
		out := append([]visible(nil), vis[:i]...)
		for _, v := range vis[i+1:] {
			if !v.rel.cols[v.col].invisible() {
				out = append(out, v)
			}
		}
		return out
	}
	return vis
}
