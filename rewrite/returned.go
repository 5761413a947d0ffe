package rewrite

// Indexes of what a statement in WITH returns (PostgreSQL): its RETURNING list gets the
// index as one more column, as the list of a query does (equalities.go).
//
//	WITH s AS (UPDATE t SET … RETURNING c , "t"."c_bidx" AS "sealsql_p1") SELECT … WHERE s."sealsql_p1" = $1
//
// A row that is written has the index of what it holds, so that the two belong together
// whatever the statement does.

// changed is a statement that changes data, as a common table.
type changed struct {
	statement Statement
	cols      []column // what it returns
	cte       *cte
	shown     map[returnedColumn]string
}

type returnedColumn struct {
	at   int
	kind indexKind
}

// returnedIndex adds the index of a returned column to the list, and returns its name;
// "" where that cannot be.
func (a *analysis) returnedIndex(c *changed, at int, kind indexKind) string {
	key := returnedColumn{at, kind}
	if name := c.shown[key]; name != "" {
		return name
	}
	if at >= len(c.cols) || listEnd(c.statement) <= 0 || a.depth > 0 {
		return ""
	}
	o := c.cols[at].origin
	if o.rel == nil || o.col < 0 || kind.of(o.flow()) == nil {
		return ""
	}
	col := a.among(o, kind)
	if col < 0 {
		return ""
	}
	if c.shown == nil {
		c.shown = map[returnedColumn]string{}
	}
	c.shown[key] = a.hide(c.statement, o.rel, col)
	return c.shown[key]
}
