package rewrite

import (
	"slices"
	"strings"

	"github.com/sealsql/sealsql/schema"
)

// Values on their way into an indexed column. Where they come out of a query (a
// list of values, the arms of UNION ALL, INSERT … SELECT, derived tables and
// common tables of these), the query gets a column more for each index, which
// goes into the index column as the values go into theirs:
//
//	UPDATE t SET c = d.c FROM (VALUES (1, $1), (2, $2)) AS d (id, c) WHERE t.id = d.id
//	UPDATE t SET c = d.c, "c_bidx" = d."column3" FROM (VALUES (1, $1, $3), (2, $2, $4)) AS d (id, c) …
//
// Beside a constant stands its index, beside NULL NULL, beside a column the
// index that is copied with it. Nothing else has an index that is known.

// source is the query that a relation is read from.
type source struct {
	query *Query
	// names is the list of column names behind its alias, where it has one, owner
	// the node that holds it.
	names []Ident
	owner any
	// cte is the common table that it is; nil for others.
	cte *cte
}

// lists is what a statement does with such queries.
type lists struct {
	// on: the statement writes.
	on bool
	// outputs are the result columns of its SELECTs.
	outputs map[*Select][]column
	// scopes are those of its SELECTs.
	scopes map[*Select]*scope
	// stars are those that are left as they are, by the relations that they show.
	stars []looseStar
	// rows are the values that lists of values get, by row; names the names that
	// the lists of column names get, by their owner.
	rows  map[*Values][][]*addition
	names map[any][]string
	// shown are the names of indexes that were added.
	shown map[listedIndex]string
}

type looseStar struct {
	star *Star
	x    expansion
}

type listedIndex struct {
	query  *Query
	column int
	index  schema.Index
}

const listHint = "the column has a search index, which the server cannot compute: parameters, literals and columns of the same id: and search group bring theirs along"

// listing reports whether a statement may hand values of queries to columns.
func listing(st Statement) bool {
	q, ok := st.(*Query)
	return !ok || q.With != nil && slices.ContainsFunc(q.With.CTEs, func(c *CTE) bool { return c.DML != nil })
}

// outputsOf keeps the result columns of a SELECT.
func (a *analysis) outputsOf(s *Select, cols []column, sc *scope) {
	if !a.lists.on || a.depth > 0 {
		return
	}
	if a.lists.outputs == nil {
		a.lists.outputs, a.lists.scopes = map[*Select][]column{}, map[*Select]*scope{}
	}
	a.lists.outputs[s], a.lists.scopes[s] = cols, sc
}

// loose notes a star that is not written out.
func (a *analysis) loose(s *Star, x expansion) {
	if a.lists.on && a.depth == 0 {
		a.lists.stars = append(a.lists.stars, looseStar{s, x})
	}
}

// listIndex adds the index of a column to the query that its relation is read
// from, and returns the name that it has there; "" where that cannot be. part is
// the partition that constants are sealed for.
func (a *analysis) listIndex(h hit, to schema.Index, part PartitionSource) string {
	r := h.rel
	if r.source == nil || h.col < 0 {
		return ""
	}
	key := listedIndex{r.source.query, h.col, to}
	name := a.lists.shown[key]
	if name == "" {
		if name = a.growList(h, to, part); name == "" {
			return ""
		}
		if a.lists.shown == nil {
			a.lists.shown = map[listedIndex]string{}
		}
		a.lists.shown[key] = name
		r.source.showTo(readersOf(r), name)
	}
	return name
}

// readersOf are the relations that read the query of r, r among them.
func readersOf(r *relation) []*relation {
	switch {
	case r.recursion != nil:
		return r.recursion.readers
	case r.changed != nil:
		return r.changed.cte.readers
	case r.source != nil && r.source.cte != nil:
		return r.source.cte.readers
	}
	return []*relation{r}
}

// showTo makes the added column one of every relation that reads the query, so
// that no "*" over them stays.
func (src *source) showTo(readers []*relation, name string) {
	hidden := column{name: name, hidden: true}
	for _, r := range readers {
		r.cols = append(r.cols[:len(r.cols):len(r.cols)], hidden)
	}
	if c := src.cte; c != nil {
		c.cols = append(c.cols[:len(c.cols):len(c.cols)], hidden)
	}
}

// growList gives the query of a relation the column.
func (a *analysis) growList(h hit, to schema.Index, part PartitionSource) string {
	src := h.rel.source
	c := &h.rel.cols[h.col]
	if c.consts != nil && !a.sealedAs(c.consts, to.Column()) {
		return ""
	}
	for _, r := range readersOf(h.rel) {
		if r.kept || !a.starsOf(r) {
			return ""
		}
	}
	a.named++
	name := hiddenName(a.named)
	inList := a.dialect != Postgres && len(src.names) > 0 // PostgreSQL takes a shorter list
	if v, ok := src.query.Body.(*Values); ok && !inList {
		name = valuesName(a.dialect, a.listWidth(v))
	}
	arm := name
	if inList {
		arm = ""
	}
	if !a.listBody(src.query.Body, h.col, len(c.flow) > 0 && c.consts == nil, to, part, arm) {
		return ""
	}
	if inList && !a.lengthen(src.owner, src.names, name) {
		return ""
	}
	return name
}

// sealedAs reports constants that have been sealed for a column.
func (a *analysis) sealedAs(c *constants, col *schema.Column) bool {
	out := c.root().sealed
	return out != nil && out.Seal == col
}

// starsOf writes out the stars that show a relation, which would show the added
// column as well.
func (a *analysis) starsOf(r *relation) bool {
	for _, l := range a.lists.stars {
		over := slices.Contains(l.x.rels, r)
		for _, v := range l.x.vis {
			over = over || v.rel == r
		}
		if !over || a.stars.at(l.star) != nil {
			continue
		}
		if !l.star.Known() || !writable(l.x.visible(a)) {
			return false
		}
		a.stars.set(l.star, l.x)
	}
	return true
}

// listWidth is the number of values of each row, with those that were added.
func (a *analysis) listWidth(v *Values) int {
	n := len(v.Rows[0])
	if added := a.lists.rows[v]; added != nil {
		n += len(added[0])
	}
	return n
}

// listBody adds the index of column at to every row or arm. records says that
// the values are records, not constants. name is an alias for the column; "" for
// none.
func (a *analysis) listBody(b Body, at int, records bool, to schema.Index, part PartitionSource, name string) bool {
	switch x := b.(type) {
	case *Query:
		return a.listBody(x.Body, at, records, to, part, name)
	case *SetOp:
		return x.Name == "UNION" && x.All && a.listBody(x.Left, at, records, to, part, name) && a.listBody(x.Right, at, records, to, part, name)
	case *Values:
		return !records && a.listRows(x, at, to, part)
	case *Select:
		return a.listArm(x, at, records, to, part, name)
	}
	return false
}

// listRows adds the index to each row of a list of values.
func (a *analysis) listRows(v *Values, at int, to schema.Index, part PartitionSource) bool {
	if len(v.RowSpans) != len(v.Rows) {
		return false
	}
	if a.lists.rows == nil {
		a.lists.rows = map[*Values][][]*addition{}
	}
	rows := a.lists.rows[v]
	if rows == nil {
		rows = make([][]*addition, len(v.Rows))
	}
	for i, row := range v.Rows {
		if at >= len(row) || !v.RowSpans[i].Known() || !isConstant(row[at]) {
			return false
		}
		add := a.besideListed(row[at], to, part)
		if add == nil {
			return false
		}
		add.at, add.lead, add.carried = v.RowSpans[i].End-1, ", ", true
		rows[i] = append(rows[i], add)
		a.adds = append(a.adds, add)
	}
	a.lists.rows[v] = rows
	return true
}

// listArm adds the index to the list of a SELECT.
func (a *analysis) listArm(s *Select, at int, records bool, to schema.Index, part PartitionSource, name string) bool {
	outs := a.lists.outputs[s]
	if at >= len(outs) || s.ItemsEnd < 0 || s.Distinct || len(s.DistinctOn) > 0 || s.Into || a.openItems(s.Items) {
		return false
	}
	add := a.armAddition(&outs[at], records, to, part)
	if add == nil {
		add = a.listForm(s, at, to, part)
	}
	if add == nil {
		return false
	}
	add.at, add.lead, add.carried = s.ItemsEnd, ", ", true
	if name != "" {
		add.alias, add.trail = name, " AS "+a.front.QuoteIdent(name)
	}
	if a.listed == nil {
		a.listed = map[*Select][]*addition{}
	}
	a.listed[s] = append(a.listed[s], add)
	a.adds = append(a.adds, add)
	return true
}

// listForm is the index of an item that chooses between values: the form once more,
// over indexes. Over groups it chooses between constants only.
func (a *analysis) listForm(s *Select, at int, to schema.Index, part PartitionSource) *addition {
	if at >= len(s.Items) || !part.Known && !to.AllPartitions() {
		return nil
	}
	for i := range s.Items[:at+1] {
		if _, star := s.Items[i].Expr.(*Star); star {
			return nil
		}
	}
	e := s.Items[at].Expr
	if _, ref := e.(*ColumnRef); ref || isConstant(e) {
		return nil
	}
	add, err := a.besideForm(e, to, part, a.lists.scopes[s], false)
	if err != nil || len(add.form.names) > 0 && !a.plainRows(s) {
		return nil
	}
	return add
}

// besideListed is the index of a constant, of whatever type a NULL is; nil where
// it has none.
func (a *analysis) besideListed(e Expr, to schema.Index, part PartitionSource) *addition {
	if isNull(unwrapped(e)) {
		return a.nullIndex(to)
	}
	add, err := a.beside(e, to, part, nil)
	if err != nil {
		return nil
	}
	return add
}

// nullIndex is the index of NULL. PostgreSQL takes a list of nothing but NULL for
// texts, unless one of them has a type.
func (a *analysis) nullIndex(to schema.Index) *addition {
	add := &addition{name: to.Physical(), text: "NULL"}
	if a.dialect == Postgres {
		add.null = nullType(a.dialect, to)
		add.text = typedText(add.null)
	}
	return add
}

// nullType is the type of a NULL among values of an index, on PostgreSQL.
func nullType(d Dialect, x schema.Index) string {
	if isArray(d, x) {
		return "integer[]"
	}
	return "bytea"
}

// armAddition is the index of a selected column; nil where it is not known.
func (a *analysis) armAddition(c *column, records bool, to schema.Index, part PartitionSource) *addition {
	switch {
	case c.null:
		return a.nullIndex(to)
	case c.konst != nil && !records:
		return a.besideListed(c.konst, to, part)
	case c.konst != nil || c.origin.rel == nil || c.origin.col < 0 || c.origin.rel.view != nil:
		return nil
	}
	r := c.origin.rel
	var name string
	if r.annotated() != nil {
		if len(c.flow) != 1 {
			return nil
		}
		from := copiedIndex(c.flow[0].col, to)
		if from == nil {
			return nil
		}
		name = from.Physical()
	} else if name = a.listIndex(c.origin, to, part); name == "" {
		return nil
	}
	path := qualifierOf(r)
	add := &addition{name: to.Physical(), ref: append(path, name)}
	for i, p := range add.ref {
		if i > 0 {
			add.text += "."
		}
		add.text += a.front.QuoteIdent(p)
	}
	return add
}

// qualifierOf is what stands in front of a column's name, as writeQualifier has
// it.
func qualifierOf(r *relation) []string {
	switch {
	case r.alias.Name == "":
		return nil
	case len(r.path) > 1:
		var out []string
		for _, p := range r.path {
			out = append(out, p.Name)
		}
		return out
	}
	return []string{r.alias.Name}
}

// ---- proof ----

// grownList compares a list of values with what was added to it.
func (v verifier) grownList(x, y *Values) bool {
	added := v.b.a.lists.rows[x]
	if added == nil {
		return v.rows(x.Rows, y.Rows)
	}
	if len(x.Rows) != len(y.Rows) {
		return false
	}
	for i, row := range x.Rows {
		if len(y.Rows[i]) != len(row)+len(added[i]) || !v.exprs(row, y.Rows[i][:len(row)]) {
			return false
		}
		for k, add := range added[i] {
			if !v.added(add, y.Rows[i][len(row)+k]) {
				return false
			}
		}
	}
	return true
}

// columnList compares the list of column names behind an alias.
func (v verifier) columnList(owner any, x, y []Ident) bool {
	names := v.b.a.lists.names[owner]
	n := len(y) - len(names)
	return n == len(x) && idents(x, y[:n]) && v.names(names, y[n:])
}

// added compares an item that was added to a select list.
func (v verifier) addedItem(add *addition, y *SelectItem) bool {
	if add.alias == "" && y.Alias != nil || add.alias != "" && (y.Alias == nil || !strings.EqualFold(y.Alias.Name, add.alias)) {
		return false
	}
	return v.added(add, y.Expr)
}
