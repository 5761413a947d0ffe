package rewrite

import (
	"slices"
	"strings"

	"github.com/sealsql/sealsql/schema"
)

// partKind says where the partition of a sealed value is found.
type partKind uint8

const (
	partConst   partKind = iota // the table's constant, or the context
	partValue                   // fixed by a conjunct
	partRow                     // a column of the same relation
	partLost                    // not reachable from here: opening is refused
	partRelaxed                 // the record says
)

// partRef locates the partition of a sealed value.
type partRef struct {
	kind  partKind
	value *Value
	// partRow: the column stands at col of the relation that the value comes
	// from. rel is set while a select list is analysed; in the columns of a
	// relation it is the relation itself and not repeated.
	rel *relation
	col int
}

// sealed is one possible source of an encrypted value.
type sealed struct {
	col  *schema.Column
	part partRef
	// row locates the identity that the value is bound to: partValue, partRow or
	// partLost; the zero value for columns that do not bind rows.
	row partRef
	// phys is the physical column that the record was read from; nil where it
	// is not known.
	phys *CatalogColumn
	// from is the relation in scope whose row holds the record; nil for other
	// rows. fixed is the partition of the row where a condition fixes it.
	from  *relation
	fixed *Value
}

// flow is what an expression's value may hold: nil is clear.
type flow []sealed

// column is a column of a relation in scope, or of a query's result.
type column struct {
	name   string
	flow   flow
	hidden bool // added by the plan: not part of "*" and not nameable
	// phys points to the catalog's column for base tables.
	phys *CatalogColumn
	// declared is set for columns that the catalog or the configuration knows
	// to be clear, as threats T4 asks for.
	declared bool
	// consts are parameters and literals that the column holds and that may
	// still be sealed; null is set for columns of nothing but NULL. konst is
	// the one constant that a select item is.
	consts *constants
	null   bool
	konst  Expr
	// computed is set for values of expressions, origin for a column that is
	// selected as it is.
	computed bool
	origin   hit
	// united is set for a column of UNION ALL. computed speaks of its first arm,
	// whose type SQLite gives to the result, lastBare of its last, whose type it
	// gives to what is selected from it.
	united, lastBare bool
	// reserved marks columns of sealsql in the definition of a view, which may
	// name them.
	reserved bool
	// hashed is set for a column of indexes, which only comparisons take.
	hashed *indexedBy
}

// bare reports whether a value that is selected from the column has no declared
// type on SQLite.
func (c *column) bare() bool {
	if c.united {
		return c.lastBare
	}
	return c.computed
}

// typeless reports NULL, or a parameter or literal, of which SQLite declares no
// type.
func (c *column) typeless() bool { return c.null || c.consts != nil && len(c.flow) == 0 }

// label is the name that the result has for the column; "" where the engine
// makes one up.
func (c *column) label() string {
	if c.computed {
		return ""
	}
	return c.name
}

// relation is one item of a FROM list.
type relation struct {
	alias Ident
	path  []Ident
	cols  []column
	open  bool // further columns exist whose names are not known; all clear
	base  *Relation
	fixed *Value // the partition, where a conjunct fixes it
	// asked are partitions that the conditions of joins ask for.
	asked   []askedPartition
	partCol int    // index of the partition column in cols; -1
	row     *Value // the row's identity, where a conjunct fixes it
	rowAt   int    // index of the row identity's column in cols, plus 1; 0
	pos     int
	// owner is the node whose condition its rows pass: see narrow.
	owner any
	// excluded marks the proposed row of an upsert.
	excluded bool
	// view is set for views over annotated tables; partial where they may have
	// columns that are not declared, which nothing may name.
	view    *viewed
	partial bool
	// linked are relations whose partition a condition makes equal.
	linked []*relation
	// listed is the list of its columns, where one has been asked for.
	listed string
	// query is what a derived table or a CTE is read from, where columns can be
	// added to it; kept is set where a "*" over it stays as it is.
	query *Query
	kept  bool
	// source is what it is read from; nil where that is not a query, or not one
	// whose columns are known.
	source *source
	// changed is the statement in WITH that its rows are returned by, recursion the
	// recursive common table that it reads; nil for others.
	changed   *changed
	recursion *recursion
}

func (r *relation) annotated() *schema.Table {
	if r.base == nil {
		return nil
	}
	return r.base.Annotation
}

// sensitive reports whether the relation carries anything that "*" must not
// hand over unseen.
func (r *relation) sensitive() bool {
	if r.annotated() != nil || r.partial {
		return true
	}
	for i := range r.cols {
		if len(r.cols[i].flow) > 0 || r.cols[i].hidden {
			return true
		}
	}
	return false
}

// visible is one column of "*" in order.
type visible struct {
	rel *relation
	col int
	// merged columns of USING are named without qualifier.
	merged bool
}

// scope resolves names in one SELECT core or statement.
type scope struct {
	up   *scope
	rels []*relation
	// owner is the node whose FROM they stand in.
	owner any
	// star is the order of "*" where joined is set, because a join shows other
	// columns than its tables do; else that of rels. It is worth nothing where
	// starBad is set (NATURAL).
	star    []visible
	joined  bool
	starBad Reason
	// rightJoined says that a RIGHT or FULL JOIN is among the tables.
	rightJoined bool
	merged      []string // names merged by USING
	mergers     []mergedColumn
	ctes        map[string]*cte
	// aliases are the items of the select list. A name that no column has may
	// mean an alias: on SQLite in WHERE, ON and HAVING and in subqueries there,
	// on MySQL in HAVING and in subqueries of the list itself.
	aliases []SelectItem
	// outputs are the result columns, visible to ORDER BY and, by dialect, to
	// GROUP BY and HAVING.
	outputs []column
	// keys are the encrypted columns that the rows are grouped by; grouped is set
	// where they are grouped by anything.
	keys    []hit
	grouped bool
	// distinct is what a DISTINCT over encrypted columns became.
	distinct *distinctness
}

type cte struct {
	name  string
	cols  []column
	open  bool
	query *Query // where columns can be added to it
	// source is its query, unless it is recursive or changes data; readers are
	// the relations that read it.
	source    *source
	readers   []*relation
	changed   *changed
	recursion *recursion
}

func (a *analysis) same(x, y string) bool {
	if a.dialect == Postgres {
		return x == y
	}
	return strings.EqualFold(x, y)
}

func (a *analysis) findCTE(sc *scope, name Ident) *cte {
	for ; sc != nil; sc = sc.up {
		if sc.ctes == nil {
			continue
		}
		if c := sc.ctes[a.fold(name.Name)]; c != nil {
			return c
		}
	}
	return nil
}

func (a *analysis) fold(s string) string {
	if a.dialect == Postgres {
		return s
	}
	return strings.ToLower(s)
}

// hit is a resolved column.
type hit struct {
	rel *relation
	col int // -1: a column of an open relation
}

func (h hit) flow() flow {
	if h.rel == nil || h.col < 0 {
		return nil
	}
	return h.rel.cols[h.col].flow
}

// resolve finds the column that a name means. found is false when no relation
// in scope can have it; the name may then be a whole row (row is set) or
// unknown.
func (a *analysis) resolve(ref *ColumnRef, sc *scope) (h hit, row *relation, found bool, err error) {
	name := ref.Path[len(ref.Path)-1]
	for inner := sc; sc != nil; sc = sc.up {
		if len(ref.Path) > 1 {
			h, found, err = a.resolveQualified(ref, sc)
		} else if h, found, err = a.resolveBare(name, ref, sc); found && err == nil && inner != sc {
			a.noteCaptured(ref, h, inner, sc)
		}
		if (!found || h.col < 0) && err == nil && len(ref.Path) == 1 {
			if o := a.aliasSealed(name, sc); o.rel != nil {
				return o, nil, true, nil
			}
		}
		if found && h.col < 0 && len(ref.Path) == 1 {
			if r := a.sensitiveRow(ref, sc); r != nil {
				return hit{}, r, false, nil
			}
			// Only a relation of unknown columns can have the name; if it has
			// not, the server looks further out.
			if o := a.outerSealed(name, sc.up); o.rel != nil {
				return o, nil, true, nil
			}
		}
		if found || err != nil {
			return h, nil, found, err
		}
		if r := a.wholeRow(ref, sc); r != nil {
			return hit{}, r, false, nil
		}
		if err := a.undeclared(ref, sc, inner); err != nil {
			return hit{}, nil, false, err
		}
	}
	return hit{}, nil, false, nil
}

// noteCaptured notes a name alone of a column of a query around, whose index has
// the name of a column nearer by: the server would take that.
func (a *analysis) noteCaptured(ref *ColumnRef, h hit, from, to *scope) {
	if h.rel.query != nil {
		for sc := from; sc != to; sc = sc.up {
			if slices.ContainsFunc(sc.rels, func(r *relation) bool { return r.query == h.rel.query }) {
				a.capture(ref) // it reads the same common table, with the index under the same name
			}
		}
	}
	for _, s := range h.flow() {
		for _, x := range s.col.Indexes() {
			for sc := from; sc != to; sc = sc.up {
				for _, r := range sc.rels {
					if !r.open && !slices.ContainsFunc(r.cols, func(c column) bool { return strings.EqualFold(c.name, x.Physical()) }) {
						continue
					}
					a.capture(ref)
				}
			}
		}
	}
}

func (a *analysis) capture(ref *ColumnRef) {
	if a.captured == nil {
		a.captured = map[*ColumnRef]bool{}
	}
	a.captured[ref] = true
}

// aliasSealed finds a sealed column behind an alias of the scope's own select
// list.
func (a *analysis) aliasSealed(name Ident, sc *scope) (found hit) {
	items := sc.aliases
	sc.aliases = nil // an alias does not see the others
	defer func() { sc.aliases = items }()
	for i := range items {
		if items[i].Alias == nil || !a.same(items[i].Alias.Name, name.Name) {
			continue
		}
		eachColumn(items[i].Expr, func(ref *ColumnRef) {
			if h, _, ok, err := a.resolve(ref, sc); err == nil && ok && len(h.flow()) > 0 {
				found = h
			}
		})
	}
	return found
}

// outerSealed finds a sealed column of that name in the enclosing scopes.
func (a *analysis) outerSealed(name Ident, sc *scope) hit {
	for ; sc != nil; sc = sc.up {
		for _, r := range sc.rels {
			for i := range r.cols {
				if len(r.cols[i].flow) > 0 && strings.EqualFold(r.cols[i].name, name.Name) {
					return hit{r, i}
				}
			}
		}
	}
	return hit{}
}

// sensitiveRow finds a relation that carries something encrypted and whose
// whole row the name may mean, where a relation of unknown columns may have it.
func (a *analysis) sensitiveRow(ref *ColumnRef, sc *scope) *relation {
	for ; sc != nil; sc = sc.up {
		if r := a.wholeRow(ref, sc); r != nil && r.sensitive() {
			return r
		}
	}
	return nil
}

// systemColumns exist without being listed.
var systemColumns = map[Dialect]map[string]bool{
	Postgres: {"ctid": true, "xmin": true, "xmax": true, "cmin": true, "cmax": true, "tableoid": true},
	MySQL:    {"_rowid": true, "row_start": true, "row_end": true},
	SQLite:   {"rowid": true, "oid": true, "_rowid_": true},
}

// unresolved notes a name that no column in scope has. In a statement on an
// annotated table that refuses it: PostgreSQL reads u.f as a call of f over
// the whole row, a column may be newer than the catalog, and a value beside a
// misspelt name would reach the server's log.
func (a *analysis) unresolved(ref *ColumnRef, sc *scope) {
	last := ref.Path[len(ref.Path)-1].Name
	if systemColumns[a.dialect][strings.ToLower(last)] || len(ref.Path) == 1 && a.alias(last, sc) {
		return
	}
	if len(ref.Path) > 1 && a.cat.Annotated(ref.Path[:len(ref.Path)-1]) != nil {
		a.absent = true
	}
	if a.unknown == nil {
		a.unknown = ref
	}
}

// alias reports whether a name is that of a result column in scope.
func (a *analysis) alias(name string, sc *scope) bool {
	for ; sc != nil; sc = sc.up {
		for i := range sc.aliases {
			if al := sc.aliases[i].Alias; al != nil && a.same(al.Name, name) {
				a.byName(sc.aliases[i].Expr)
				return true
			}
		}
		for i := range sc.outputs {
			if a.same(sc.outputs[i].name, name) {
				return true
			}
		}
	}
	return false
}

func (a *analysis) wholeRow(ref *ColumnRef, sc *scope) *relation {
	if a.dialect != Postgres {
		return nil
	}
	name := ref.Path[len(ref.Path)-1].Name
	for _, r := range sc.rels {
		if len(ref.Path) == 1 && a.same(r.alias.Name, name) {
			return r
		}
	}
	return nil
}

func (a *analysis) resolveQualified(ref *ColumnRef, sc *scope) (hit, bool, error) {
	name := ref.Path[len(ref.Path)-1]
	for k, r := range sc.rels {
		if !a.matches(r, ref.Path[:len(ref.Path)-1]) {
			continue
		}
		for i := range r.cols {
			if a.means(&r.cols[i], name.Name) {
				if r.cols[i].hidden {
					return hit{}, false, a.refuse(ref.Start, ReasonHiddenColumn, name.Name, "choose another name")
				}
				if a.dialect != SQLite && a.namedTwice(ref, sc, k, i) {
					return hit{}, false, a.refuse(ref.Start, ReasonAmbiguous, shown(name), "two columns of the query have that name")
				}
				return hit{r, i}, true, nil
			}
		}
		if r.partial {
			return hit{}, false, a.refuse(ref.Start, ReasonView, shown(name), notDeclared(r))
		}
		// A name that the relation does not list is not an annotated column:
		// the configuration, not the catalog, names those.
		return hit{r, -1}, true, nil
	}
	return hit{}, false, nil
}

// means reports whether a name is that of a column. PostgreSQL compares exactly, but a
// near miss on an encrypted column must not pass as unknown.
func (a *analysis) means(c *column, name string) bool {
	return strings.EqualFold(c.name, name) && (a.same(c.name, name) || len(c.flow) > 0)
}

// namedTwice reports whether a qualified name means other columns of the scope
// besides that of relation k, column i, where one of them has a value to be sealed
// or a sealed one: the server refuses the statement, and would keep the values of
// those that were not meant in its log.
func (a *analysis) namedTwice(ref *ColumnRef, sc *scope, k, i int) bool {
	last := ref.Path[len(ref.Path)-1].Name
	holds := func(c *column) bool { return c.consts != nil || len(c.flow) > 0 }
	first := holds(&sc.rels[k].cols[i])
	for n, r := range sc.rels[k:] {
		from := 0
		if n == 0 {
			from = i + 1
		} else if !a.matches(r, ref.Path[:len(ref.Path)-1]) || r.excluded {
			continue
		}
		for j := from; j < len(r.cols); j++ {
			if c := &r.cols[j]; !c.hidden && a.same(c.name, last) && (first || holds(c)) {
				return true
			}
		}
	}
	return false
}

// matches compares a qualifier ("u", "s.users") with a relation.
func (a *analysis) matches(r *relation, q []Ident) bool {
	last := q[len(q)-1].Name
	if len(q) == 1 {
		return r.alias.Name != "" && a.same(r.alias.Name, last)
	}
	if len(r.path) == 0 || !a.same(r.path[len(r.path)-1].Name, last) {
		return false
	}
	if len(r.path) == 1 {
		return true
	}
	return a.same(r.path[len(r.path)-2].Name, q[len(q)-2].Name)
}

func (a *analysis) resolveBare(name Ident, ref *ColumnRef, sc *scope) (hit, bool, error) {
	var got hit
	count, openRel := 0, (*relation)(nil)
	var among []*relation
	for _, r := range sc.rels {
		if r.open {
			openRel = r
		}
		if r.excluded {
			continue
		}
		for i := range r.cols {
			c := &r.cols[i]
			if c.hidden || !a.same(c.name, name.Name) {
				// PostgreSQL compares exactly, but a near miss on an encrypted
				// column must not pass as unknown.
				if c.hidden || len(c.flow) == 0 || !strings.EqualFold(c.name, name.Name) {
					continue
				}
			}
			count++
			among = append(among, r)
			if count == 1 || len(c.flow) > 0 {
				got = hit{r, i}
			}
			break
		}
	}
	if count > 1 && len(got.flow()) > 0 {
		if h, ok := a.mergedBare(ref, among, sc); ok {
			return h, true, nil
		}
		return hit{}, false, a.refuse(ref.Start, ReasonAmbiguous, got.flow()[0].col.String(), "qualify the column with its table")
	}
	if count > 0 {
		return got, true, nil
	}
	if reserves(sc, name.Name) {
		// The server would take it, and neither a relation of unknown columns nor
		// a query around.
		return hit{}, false, a.refuse(ref.Start, ReasonHiddenColumn, shown(name), indexColumnHint)
	}
	if openRel != nil {
		return hit{openRel, -1}, true, nil
	}
	return hit{}, false, nil
}

// reserves reports whether an annotated table in scope has an index column of
// that name.
func reserves(sc *scope, name string) bool {
	for _, r := range sc.rels {
		if t := r.annotated(); t != nil && !r.excluded && t.IndexColumn(name) != nil {
			return true
		}
	}
	return false
}
