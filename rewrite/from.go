package rewrite

import (
	"strings"

	"github.com/sealsql/sealsql/schema"
)

// with defines the CTEs of a WITH clause in sc.
func (a *analysis) with(w *With, sc *scope) error {
	if w == nil {
		return nil
	}
	sc.ctes = map[string]*cte{}
	// SQLite reads every WITH as WITH RECURSIVE.
	recursive := w.Recursive || a.dialect == SQLite
	for i, c := range w.CTEs {
		if recursive {
			if err := a.forward(c, w.CTEs[i+1:]); err != nil {
				return err
			}
		}
		if err := a.cte(c, recursive, sc); err != nil {
			return err
		}
	}
	return nil
}

func (a *analysis) cte(c *CTE, recursive bool, sc *scope) error {
	key := a.fold(c.Name.Name)
	var cols []column
	var err error
	var by *changed
	switch {
	case c.DML != nil:
		cols, err = a.dml(c.DML, sc)
		by = &changed{statement: c.DML, cols: cols}
	case recursive:
		cols, err = a.recursive(c, key, sc)
	default:
		cols, err = a.query(c.Query, sc, len(c.Columns) == 0)
	}
	if err != nil {
		return err
	}
	if cols, err = a.rename(cols, c.Columns, c.Start); err != nil {
		return err
	}
	open := a.openBody(c)
	if walks(a.dialect, c) {
		// SEARCH and CYCLE compare and sort by columns, and add some.
		if err := a.noSealed(cols, ReasonOrder, c.Start, "SEARCH and CYCLE compare the rows; leave the encrypted column out of the recursion"); err != nil {
			return err
		}
		open = true
	}
	cols = a.textNulls(cols)
	sc.ctes[key] = &cte{name: c.Name.Name, cols: cols, open: open}
	if by != nil && !open {
		by.cte = sc.ctes[key]
		sc.ctes[key].changed = by
	}
	if rec := a.recursionOf(c.Query); rec != nil && !rec.closed && !open {
		sc.ctes[key].recursion = rec
		return nil
	}
	if c.DML == nil && !open && !(recursive && a.queryNames(c.Query, key)) {
		if len(c.Columns) == 0 || a.dialect == Postgres {
			sc.ctes[key].query = c.Query
		}
		sc.ctes[key].source = &source{query: c.Query, names: c.Columns, owner: c, cte: sc.ctes[key]}
	}
	return nil
}

// walks reports a SEARCH or CYCLE clause: the front end writes it behind the
// one digit of MATERIALIZED.
func walks(d Dialect, c *CTE) bool { return d == Postgres && len(c.Attr) > 1 }

// forward refuses a CTE that reads a later one: when it is analysed the name
// would still mean a table.
func (a *analysis) forward(c *CTE, later []*CTE) error {
	for _, l := range later {
		if c.DML != nil || a.queryNames(c.Query, a.fold(l.Name.Name)) {
			return a.refuse(c.Start, ReasonAmbiguous, c.Name.Name, "define "+l.Name.Name+" before it is read")
		}
	}
	return nil
}

// openBody reports whether the columns of a CTE could not all be told.
func (a *analysis) openBody(c *CTE) bool {
	if len(c.Columns) > 0 {
		return false
	}
	if c.DML != nil {
		items, _ := topItems(c.DML)
		return a.openItems(items)
	}
	return a.openQuery(c.Query)
}

// openQuery reports a "*" over relations whose columns are not known: the
// query may have more columns than the analysis lists, all of them clear.
func (a *analysis) openQuery(q *Query) bool {
	if q == nil {
		return false
	}
	return a.openArm(q.Body)
}

func (a *analysis) openArm(b Body) bool {
	switch x := b.(type) {
	case *Select:
		return a.openItems(x.Items)
	case *SetOp:
		return a.openArm(x.Left) || a.openArm(x.Right)
	case *Query:
		return a.openArm(x.Body)
	}
	return false
}

func (a *analysis) openItems(items []SelectItem) bool {
	for i := range items {
		if star, ok := items[i].Expr.(*Star); ok && a.openStar[star] {
			return true
		}
	}
	return false
}

// recursive analyses a CTE that may name itself: the first arm of a set
// operation gives the columns, the second must not add sealed ones.
func (a *analysis) recursive(c *CTE, key string, sc *scope) ([]column, error) {
	if !a.queryNames(c.Query, key) {
		return a.query(c.Query, sc, len(c.Columns) == 0)
	}
	set, ok := c.Query.Body.(*SetOp)
	if !ok || a.names(set.Left, key) || a.withNames(c.Query.With, key) {
		return nil, a.refuse(c.Start, ReasonStatement, c.Name.Name, "write the recursion as one first part and one recursive part")
	}
	inner := &scope{up: sc}
	if err := a.with(c.Query.With, inner); err != nil {
		return nil, err
	}
	left, _, err := a.bodyOf(set.Left, inner, false)
	if err != nil {
		return nil, err
	}
	left = a.textNulls(left)
	seed, err := a.rename(append([]column(nil), left...), c.Columns, c.Start)
	if err != nil {
		return nil, err
	}
	if inner.ctes == nil {
		inner.ctes = map[string]*cte{}
	}
	rec := a.recurses(c, set)
	inner.ctes[key] = &cte{name: c.Name.Name, cols: seed, open: a.openArm(set.Left), recursion: rec}
	right, _, err := a.bodyOf(set.Right, inner, false)
	if err != nil {
		return nil, err
	}
	cols, err := a.uniteRecursion(c, rec, set, left, right)
	if err != nil {
		return nil, err
	}
	for i := range cols {
		if i >= len(left) || len(cols[i].flow) != len(left[i].flow) {
			if len(cols[i].flow) == 0 {
				continue
			}
			return nil, a.refuse(c.Start, ReasonSetOperation, cols[i].flow[0].col.String(), "the recursive part must yield the encrypted columns of the first part")
		}
	}
	if rec != nil {
		if err := a.recursionEnds(rec); err != nil {
			return nil, err
		}
		if cols, err = a.keptRecursion(rec, cols); err != nil {
			return nil, err
		}
	}
	outer := &scope{up: inner, outputs: cols}
	for _, e := range c.Query.OrderBy {
		if err := a.sortKey(e, outer, ReasonOrder); err != nil {
			return nil, err
		}
	}
	for _, e := range c.Query.Limit {
		if err := a.limit(e, inner); err != nil {
			return nil, err
		}
	}
	return cols, nil
}

// queryNames reports whether a relation of that name is read anywhere in a query.
func (a *analysis) queryNames(q *Query, key string) bool {
	return q != nil && a.names(q, key)
}

func (a *analysis) withNames(w *With, key string) bool {
	if w == nil {
		return false
	}
	for _, c := range w.CTEs {
		if a.queryNames(c.Query, key) {
			return true
		}
	}
	return false
}

// names reports whether a relation of that name is read anywhere in a body.
func (a *analysis) names(b Body, key string) bool {
	found := false
	eachTable(b, func(t *Table) {
		if len(t.Path) == 1 && a.fold(t.Path[0].Name) == key {
			found = true
		}
	})
	return found
}

// dml analyses a statement that stands in a WITH clause.
func (a *analysis) dml(st Statement, sc *scope) ([]column, error) {
	switch s := st.(type) {
	case *Insert:
		return a.insert(s, sc, true)
	case *Update:
		return a.update(s, sc, true)
	case *Delete:
		return a.delete(s, sc, true)
	case *Merge:
		return a.merge(s, sc, true)
	}
	return nil, a.refuse(st.Pos(), ReasonStatement, "", "")
}

// rename applies a column alias list.
func (a *analysis) rename(cols []column, names []Ident, pos int) ([]column, error) {
	if len(names) == 0 {
		return cols, nil
	}
	cols = append([]column(nil), cols...)
	i := 0
	for k := range cols {
		if cols[k].hidden {
			continue
		}
		if i < len(names) {
			cols[k].name = names[i].Name
		}
		i++
	}
	if i < len(names) {
		// More names than known columns: an open "*" lies beneath. The extra
		// names stand for clear columns unless something sealed was counted.
		for k := range cols {
			if len(cols[k].flow) > 0 {
				return nil, a.refuse(pos, ReasonAmbiguous, cols[k].flow[0].col.String(), "the column list does not fit; name the columns in the query")
			}
		}
		for ; i < len(names); i++ {
			cols = append(cols, column{name: names[i].Name})
		}
	}
	return cols, nil
}

// from brings the relations of a FROM list into sc.
func (a *analysis) from(list []TableExpr, sc *scope) error {
	if !sc.joined && reorders(list) {
		sc.joined, sc.star = true, a.starOf(sc.rels...)
	}
	for _, t := range list {
		vis, merged, err := a.tableExpr(t, sc)
		if err != nil {
			return err
		}
		sc.star = append(sc.star, vis...)
		sc.merged = append(sc.merged, merged...)
	}
	return nil
}

// tableExpr adds relations to sc and returns what "*" shows of them, in order.
func (a *analysis) tableExpr(t TableExpr, sc *scope) ([]visible, []string, error) {
	switch x := t.(type) {
	case *Table:
		r, err := a.table(x, sc)
		if err != nil {
			return nil, nil, err
		}
		return a.add(r, sc), nil, nil
	case *Derived:
		r, err := a.derived(x, sc)
		if err != nil {
			return nil, nil, err
		}
		return a.add(r, sc), nil, nil
	case *FuncTable:
		return a.funcTable(x, sc)
	case *Join:
		return a.join(x, sc)
	}
	return nil, nil, a.refuse(t.Pos(), ReasonStatement, "", "")
}

func (a *analysis) add(r *relation, sc *scope) []visible {
	if sc.rels == nil {
		sc.rels = a.work.inScope.Many(2)[:0]
	}
	r.owner = sc.owner
	sc.rels = append(sc.rels, r)
	if !sc.joined {
		return nil
	}
	return a.starOf(r)
}

// reorders reports joins that have to know what their sides show.
func reorders(list []TableExpr) bool {
	for _, t := range list {
		j, ok := t.(*Join)
		if !ok {
			continue
		}
		sides := [...]TableExpr{j.Left, j.Right}
		if len(j.Using) > 0 || j.Natural || j.Alias != nil || reorders(sides[:]) {
			return true
		}
	}
	return false
}

// table resolves a named relation to a CTE or through the catalog.
func (a *analysis) table(t *Table, sc *scope) (*relation, error) {
	if err := a.clearAll(t.Extra, sc, ReasonExpression); err != nil {
		return nil, err
	}
	name := t.Path[len(t.Path)-1]
	alias := name
	if t.Alias != nil {
		alias = *t.Alias
	}
	if len(t.Path) == 1 {
		if c := a.findCTE(sc, name); c != nil {
			r, err := a.relationOf(alias, c.cols, c.open, t.ColumnAliases, t.Start)
			if err == nil && (len(t.ColumnAliases) == 0 || a.dialect == Postgres) {
				r.query, r.source, r.changed = c.query, c.source, c.changed
				if rec := c.recursion; rec != nil {
					r.query, r.recursion = rec.cte.Query, rec
					rec.readers = append(rec.readers, r)
				}
			}
			c.readers = append(c.readers, r)
			return r, err
		}
	}
	rel := a.cat.Relation(t.Path)
	if rel.readSets {
		a.effects |= EffectSession
	}
	switch rel.Verdict {
	case VerdictClear, VerdictAnnotated, VerdictView:
	case VerdictUnknown:
		return nil, a.refuse(t.Start, rel.Reason, shown(name), rel.Hint)
	default:
		return nil, a.refuse(t.Start, rel.Reason, name.Name, rel.Hint)
	}
	if rel.Lacks != "" && a.bringsValues() {
		return nil, a.refuse(t.Start, ReasonUnknownColumn, name.Name, rel.Lacks)
	}
	if err := a.useShape(t, rel); err != nil {
		return nil, err
	}
	r := a.work.relations.One()
	r.base, r.open, r.partCol, r.pos = rel, rel.Open, -1, t.Start
	if rel.Verdict == VerdictView {
		var err error
		if r, err = a.view(rel, t); err != nil {
			return nil, err
		}
	} else {
		r.cols, r.partCol, r.rowAt = a.columnsOf(rel)
	}
	r.alias = alias
	if t.Alias == nil {
		r.path = t.Path
	}
	if rel.Annotation != nil {
		a.touch(rel.Annotation)
	}
	if len(t.ColumnAliases) > 0 {
		if err := a.complete(t.Start, r); err != nil {
			return nil, err
		}
		if r.open && r.sensitive() {
			return nil, a.refuse(t.Start, ReasonCatalog, name.Name, "column aliases need the catalog; alias the columns in the select list")
		}
		for i := range r.cols {
			if r.cols[i].hidden && i < len(t.ColumnAliases) {
				return nil, a.refuse(t.Start, ReasonHiddenColumn, name.Name, "the names would fall on columns that belong to sealsql; alias the columns in the select list")
			}
		}
		cols, err := a.rename(r.cols, t.ColumnAliases, t.Start)
		if err != nil {
			return nil, err
		}
		r.cols = cols
	}
	return r, nil
}

// baseColumns are the columns of a base table as scopes see them, and the place
// of its partition column (-1 without one) and, plus 1, of its row identity (0
// without one): the columns of the catalog, or, where that is not read, the ones
// that the configuration names. inContext says
// that the partition comes from the context, not from the rows. The slice is
// shared by every plan and never changed.
func baseColumns(rel *Relation, inContext bool) (cols []column, part, rowAt int) {
	t := rel.Annotation
	cols = make([]column, 0, len(rel.Columns))
	for i := range rel.Columns {
		p := &rel.Columns[i]
		cols = append(cols, column{name: p.Name, phys: p, declared: true})
	}
	if t == nil {
		return cols, -1, 0
	}
	byRow := t.Partition.Kind == schema.PartitionColumn
	if rel.Open {
		for _, c := range t.Columns {
			cols = append(cols, column{name: c.Name})
			for _, x := range c.Indexes() {
				cols = append(cols, column{name: x.Physical()})
			}
		}
		if byRow {
			cols = append(cols, column{name: t.Partition.Column, declared: true})
		}
		if t.Row.Column != "" {
			cols = append(cols, column{name: t.Row.Column, declared: true})
		}
	}
	part = -1
	for i := range cols {
		if byRow && strings.EqualFold(cols[i].name, t.Partition.Column) {
			part = i
		}
	}
	rowAt = rowColumn(cols, t)
	ref := partRef{kind: partConst}
	switch {
	case t.Relaxed:
		ref.kind = partRelaxed
	case byRow && !inContext && part < 0:
		ref.kind = partLost
	case byRow && !inContext:
		ref = partRef{kind: partRow, col: part}
	}
	for i := range cols {
		if c := t.Column(cols[i].name); c != nil {
			cols[i].declared = false
			cols[i].flow = flow{{col: c, part: ref, row: rowRef(c, rowAt), phys: cols[i].phys}}
		}
		if t.IndexColumn(cols[i].name) != nil {
			cols[i].declared, cols[i].hidden = false, true
		}
	}
	return cols, part, rowAt
}

// shownColumns are the columns that "*" shows, the list itself where it shows
// all; distinct is set where no two names are one.
func shownColumns(cols []column) (shown []column, distinct bool) {
	names := map[string]bool{}
	for i := range cols {
		if !cols[i].shown() {
			continue
		}
		names[strings.ToLower(cols[i].name)] = true
		shown = append(shown, cols[i])
	}
	if distinct = len(names) == len(shown) && !names[""]; len(shown) == len(cols) {
		return cols, distinct
	}
	return shown, distinct
}

// columnsOf returns the columns of a base table, prepared with the catalog
// where there is one.
func (a *analysis) columnsOf(rel *Relation) (cols []column, part, rowAt int) {
	if a.depth > 0 {
		return definedColumns(rel, a.opt.ContextPartition)
	}
	at := 0
	if a.opt.ContextPartition {
		at = 1
	}
	if p := &rel.prepared[at]; p.cols != nil {
		return p.cols, p.part, p.rowAt
	}
	return baseColumns(rel, a.opt.ContextPartition)
}

// relationOf makes a relation of a query's result columns.
func (a *analysis) relationOf(alias Ident, cols []column, open bool, aliases []Ident, pos int) (*relation, error) {
	cols, err := a.rename(cols, aliases, pos)
	if err != nil {
		return nil, err
	}
	return &relation{alias: alias, open: open, partCol: -1, pos: pos, cols: cols}, nil
}

func (a *analysis) derived(d *Derived, sc *scope) (*relation, error) {
	up := sc.up
	if d.Lateral {
		up = sc
	} else if up == nil {
		up = &scope{}
	}
	cols, err := a.query(d.Query, a.cteScope(sc, up), len(d.ColumnAliases) == 0)
	if err != nil {
		return nil, err
	}
	cols = a.textNulls(cols)
	var alias Ident
	if d.Alias != nil {
		alias = *d.Alias
	}
	open := a.openQuery(d.Query)
	r, err := a.relationOf(alias, cols, open, d.ColumnAliases, d.Start)
	if err == nil && !open {
		if len(d.ColumnAliases) == 0 || a.dialect == Postgres {
			r.query = d.Query
		}
		r.source = &source{query: d.Query, names: d.ColumnAliases, owner: d}
	}
	return r, err
}

// cteScope lets a derived table see the CTEs of the query that it stands in,
// without seeing its other relations.
func (a *analysis) cteScope(sc, up *scope) *scope {
	if up == sc || sc.ctes == nil {
		return up
	}
	return &scope{up: up, ctes: sc.ctes}
}

func (a *analysis) funcTable(f *FuncTable, sc *scope) ([]visible, []string, error) {
	if r, err := a.unnested(f, sc); r != nil || err != nil {
		return a.add(r, sc), nil, err
	}
	if err := a.clearAll(f.Calls, sc, ReasonFunction); err != nil {
		return nil, nil, err
	}
	if err := a.useCallShape(f); err != nil {
		return nil, nil, err
	}
	r := &relation{open: true, partCol: -1, pos: f.Start}
	if f.Alias != nil {
		r.alias = *f.Alias
	}
	for _, c := range f.ColumnAliases {
		r.cols = append(r.cols, column{name: c.Name})
	}
	return a.add(r, sc), nil, nil
}
