package corpus_test

import (
	"slices"
	"strconv"
	"strings"
)

// position says what a statement does with a column. Positions come from a walk
// of the parser's own tree that shares nothing with package rewrite, so that
// the two can be compared.
type position uint32

const (
	projected  position = 1 << iota // bare, in a list whose values reach the caller
	carried                         // bare, in the list of a derived table or CTE
	assigned                        // target of a parameter, literal, NULL, DEFAULT or excluded.c
	kept                            // in CASE, COALESCE, IF or a cast, on its way to a result or a column
	computed                        // target of anything else
	moved                           // bare, on its way into another column or table
	tested                          // IS NULL, count(c), EXISTS (SELECT c …)
	predicate                       // compared, anywhere
	ordered                         // ORDER BY, also of a window
	grouped                         // GROUP BY, DISTINCT, set operations, PARTITION BY
	expression                      // operand of a function or operator
	keyed                           // conflict target
	joined                          // USING, NATURAL
	whole                           // the row as one value
	defined                         // DDL
	viewed                          // in the list of a view
	inside                          // under a function or operator of what is compared, sorted or grouped, or beside one
)

var positionNames = []string{
	"projected", "carried", "assigned", "kept", "computed", "moved", "tested", "predicate", "ordered", "grouped", "expression", "keyed", "joined",
	"whole row", "defined", "viewed", "inside",
}

func (p position) String() string {
	var out []string
	for i, n := range positionNames {
		if p&(1<<i) != 0 {
			out = append(out, n)
		}
	}
	return strings.Join(out, " ")
}

// plain is what the target of the corpus run is measured over; wide has the
// forms that keep a value in addition.
const (
	plain = projected | carried | assigned
	wide  = plain | kept | tested
)

// within turns the position of an expression into that of what stands deeper
// in it.
func (p position) within() position {
	if p&(projected|carried|assigned|kept|computed|moved|tested|viewed) != 0 {
		return expression
	}
	return p | inside
}

// truth is within for AND, OR and NOT, under which a comparison is still one.
func (p position) truth() position {
	if p&(predicate|ordered|grouped) != 0 {
		return p
	}
	return p.within()
}

// table is a relation that a statement names, with the columns that it uses.
type table struct {
	schema, name string
	cols         []string
	use          map[string]position
	types        map[string]string // of casts under which values are assigned
}

func (t *table) add(col string, p position) {
	if _, ok := t.use[col]; !ok {
		t.cols = append(t.cols, col)
	}
	t.use[col] |= p
}

// cast notes the type of a cast under which a value is assigned; more than one
// make none.
func (t *table) cast(col, typ string) {
	if typ == "" {
		return
	}
	if old, ok := t.types[col]; ok && old != typ {
		typ = "unknown"
	}
	t.types[col] = typ
}

func (t *table) has(col string) bool { _, ok := t.use[col]; return ok }

// rows is what a query yields; arms are those of a set operation, which share
// the names of the first.
type rows struct {
	items []item
	arms  []*rows
}

// item is one of a select list: a bare column, a star, or something else.
type item struct {
	name string
	ref  *ref
	star *ref // qualifier and scope
	null bool // the literal NULL, which fits everything
	val  bool // a parameter or literal
	kept bool // CASE, COALESCE and the like
}

// source is what a name in FROM stands for: a table, rows, or with open a
// function whose columns are not known.
type source struct {
	alias string
	table *table
	rows  *rows
	cols  []string
	open  bool
}

// scope is where names are looked up.
type scope struct {
	up      *scope
	sources []*source
	ctes    map[string]*source
}

func (s *scope) child() *scope { return &scope{up: s} }

// empty reports whether there is nothing that could have a column.
func (s *scope) empty() bool {
	for ; s != nil; s = s.up {
		if len(s.sources) > 0 {
			return false
		}
	}
	return true
}

// cte finds a common table expression.
func (s *scope) cte(name string) *source {
	for ; s != nil; s = s.up {
		if c := s.ctes[name]; c != nil {
			return c
		}
	}
	return nil
}

func (s *scope) define(name string, c *source) {
	if s.ctes == nil {
		s.ctes = map[string]*source{}
	}
	s.ctes[name] = c
}

// ref is a use of a name.
type ref struct {
	scope      *scope
	qual, name string
	pos        position
}

// maxDepth ends the search through recursive CTEs.
const maxDepth = 8

// bound is a column of a table.
type bound struct {
	table *table
	col   string
}

// store is a value list without column names: the i-th value goes to the i-th
// column of the table.
type store struct {
	table *table
	pos   []position
}

// facts is what one statement names and does.
type facts struct {
	fold   func(string) string
	home   string // the schema of unqualified names
	system func(schema, name string) bool
	tables []*table
	refs   []*ref
	stars  []*ref
	usings []*using
	stores []store
	unions []*rows
	feeds  []feed
	copies []copied
	wholes []*source
	// meets are columns that are compared with each other, sets the rows that
	// set operations compare; last is the query that was walked last.
	meets   [][]*ref
	sets    []*rows
	last    *rows
	returns *rows // what reaches the caller
	// broken is set for statements that no engine takes: a name that nothing in
	// them can have.
	broken bool
}

// using is a column that joins sources; natural joins have the empty name and
// join by every column that two of them share. The last right of them are joined
// to those before.
type using struct {
	name    string
	sources []*source
	right   int
}

// joinedBy are the sources that have the column of USING: those of the right
// side, and of the left side those that are known to have it or, where none is,
// its last one. An engine takes the statement only if one column is meant.
func (f *facts) joinedBy(u *using) (out []*source) {
	n := len(u.sources) - u.right
	for _, s := range u.sources[:n] {
		if s.table != nil && s.table.has(u.name) || slices.Contains(s.cols, u.name) || s.rows != nil && f.yields(s, u.name, 0) {
			out = append(out, s)
		}
	}
	if out == nil && n > 0 {
		out = append(out, u.sources[n-1])
	}
	return append(out, u.sources[n:]...)
}

// copied is an assignment of a bare column.
type copied struct {
	table *table
	col   string
	ref   *ref
}

// feed is an INSERT … SELECT: the source's columns go to the target's.
type feed struct {
	table *table
	cols  []string
	rows  *rows
}

func (f *facts) relation(schema, name string) *table {
	if f.system(schema, name) {
		return nil
	}
	if schema == "" {
		schema = f.home
	}
	schema, name = f.fold(schema), f.fold(name)
	for _, t := range f.tables {
		if t.schema == schema && t.name == name {
			return t
		}
	}
	t := &table{schema: schema, name: name, use: map[string]position{}, types: map[string]string{}}
	f.tables = append(f.tables, t)
	return t
}

// from adds a named relation to a scope: a CTE where there is one.
func (f *facts) from(sc *scope, schema, name, alias string, cols []string) *source {
	if alias == "" {
		alias = name
	}
	if schema == "" {
		if c := sc.cte(f.fold(name)); c != nil {
			s := *c
			s.alias = f.fold(alias)
			if len(cols) > 0 {
				s.cols = f.folded(cols)
			}
			sc.sources = append(sc.sources, &s)
			return &s
		}
	}
	s := &source{alias: f.fold(alias), table: f.relation(schema, name), cols: f.folded(cols)}
	s.open = s.table == nil
	sc.sources = append(sc.sources, s)
	return s
}

func (f *facts) folded(names []string) []string {
	var out []string
	for _, n := range names {
		out = append(out, f.fold(n))
	}
	return out
}

// use notes a name; qual is empty or the last qualifier.
func (f *facts) use(sc *scope, qual, name string, p position) *ref {
	r := &ref{sc, f.fold(qual), f.fold(name), p}
	f.refs = append(f.refs, r)
	return r
}

// star notes "*" or "q.*".
func (f *facts) star(sc *scope, qual string, p position) *ref {
	r := &ref{sc, f.fold(qual), "*", p}
	f.stars = append(f.stars, r)
	return r
}

// outputs looks a name or an ordinal up among the items of a select list, as
// ORDER BY and GROUP BY do.
func (r *rows) output(name string) *ref {
	if n, err := strconv.Atoi(name); err == nil {
		if n >= 1 && n <= len(r.items) {
			return r.items[n-1].ref
		}
		return nil
	}
	for i := range r.items {
		if r.items[i].name == name && r.items[i].ref != nil {
			return r.items[i].ref
		}
	}
	return nil
}

// named reports whether a select list has an item of that name.
func (r *rows) named(name string) bool {
	return slices.ContainsFunc(r.items, func(it item) bool { return it.name == name })
}

// resolve binds what was noted to tables: qualified names first, since they
// tell which table has a column.
func (f *facts) resolve() {
	for _, qualified := range []bool{true, false} {
		for _, r := range f.refs {
			if (r.qual != "") == qualified {
				b, known := f.bind(r, 0)
				if b != nil {
					b.table.add(b.col, r.pos)
				}
				f.broken = f.broken || !known
			}
		}
	}
	for _, s := range f.stores {
		f.store(s)
	}
	for _, s := range f.wholes {
		f.wholeRow(s, 0)
	}
	for range 2 { // feeds may add columns to starred tables
		for _, r := range f.stars {
			f.spread(r)
		}
		for _, fd := range f.feeds {
			f.feed(fd)
		}
		f.feeds, f.stores = nil, nil
	}
	for _, c := range f.copies {
		if c.table != nil && f.constant(c.ref) {
			c.table.use[c.col] = c.table.use[c.col]&^computed | kept
		}
	}
	for _, u := range f.usings {
		f.join(u)
	}
}

// join marks the columns of USING and NATURAL.
func (f *facts) join(u *using) {
	seen := map[string]int{}
	if u.name != "" {
		for _, s := range f.joinedBy(u) {
			if b := f.column(s, u.name, 0); b != nil {
				b.table.add(b.col, joined)
			}
		}
		return
	}
	for _, s := range u.sources {
		for _, c := range f.columns(s, 0) {
			seen[c]++
		}
	}
	for c, n := range seen {
		for _, s := range u.sources {
			if b := f.column(s, c, 0); n > 1 && b != nil {
				b.table.add(b.col, joined)
			}
		}
	}
}

// columns lists the names that a source is known to have.
func (f *facts) columns(s *source, depth int) (out []string) {
	switch {
	case s.cols != nil || depth > maxDepth:
		return s.cols
	case s.table != nil:
		return s.table.cols
	case s.rows == nil:
		return nil
	}
	for _, it := range s.rows.items {
		if it.star == nil {
			out = append(out, it.name)
			continue
		}
		for _, under := range it.star.scope.sources {
			out = append(out, f.columns(under, depth+1)...)
		}
	}
	return out
}

// store gives a value list without names the first columns of its table.
func (f *facts) store(s store) {
	if s.table == nil {
		return
	}
	s.table.pad(len(s.pos))
	for i, p := range s.pos {
		s.table.add(s.table.cols[i], p)
	}
}

// pad makes up columns until the table has n.
func (t *table) pad(n int) {
	for k := 1; len(t.cols) < n; k++ {
		if name := "c" + strconv.Itoa(k); !t.has(name) {
			t.add(name, 0)
		}
	}
}

// feed marks the targets of an INSERT … SELECT.
func (f *facts) feed(fd feed) {
	if fd.table == nil {
		return
	}
	arms := fd.rows.arms
	if arms == nil {
		arms = []*rows{fd.rows}
	}
	width := len(fd.cols)
	items := make([][]item, len(arms))
	for i, a := range arms {
		items[i] = f.unstarred(a.items)
		width = max(width, len(items[i]))
	}
	pos := make([]position, width)
	for i := range pos {
		pos[i] = assigned
		for _, list := range items {
			switch {
			case i >= len(list):
				pos[i] = computed
			case list[i].val, list[i].null:
			case list[i].kept || f.itself(fd, i, list[i].ref) || f.constant(list[i].ref):
				pos[i] = kept
			default:
				pos[i] = computed
			}
		}
	}
	if len(fd.cols) == 0 {
		f.store(store{fd.table, pos})
		return
	}
	for i, c := range fd.cols {
		fd.table.add(c, pos[i])
	}
}

// unstarred writes the stars of a select list out.
func (f *facts) unstarred(items []item) (out []item) {
	for _, it := range items {
		if it.star == nil {
			out = append(out, it)
			continue
		}
		for _, s := range it.star.scope.sources {
			if it.star.qual != "" && s.alias != it.star.qual {
				continue
			}
			for _, c := range f.columns(s, 0) {
				out = append(out, item{name: c, ref: &ref{scope: &scope{sources: []*source{s}}, qual: s.alias, name: c}})
			}
		}
	}
	return out
}

// itself reports whether the i-th value of a feed comes from the column that it
// goes to.
func (f *facts) itself(fd feed, i int, r *ref) bool {
	if r == nil {
		return false
	}
	b, _ := f.bind(r, 0)
	cols := fd.cols
	if len(cols) == 0 {
		cols = fd.table.cols
	}
	return b != nil && b.table == fd.table && i < len(cols) && b.col == cols[i]
}

// constant reports whether a column is one of rows that hold parameters and
// literals only: a VALUES list, or the like.
func (f *facts) constant(r *ref) bool {
	if r == nil {
		return false
	}
	for sc := r.scope; sc != nil; sc = sc.up {
		for _, s := range sc.sources {
			if s.rows == nil || r.qual != "" && s.alias != r.qual {
				continue
			}
			names := s.cols
			if len(names) == 0 {
				for _, it := range s.rows.items {
					names = append(names, it.name)
				}
			}
			if i := slices.Index(names, r.name); i >= 0 {
				return s.rows.constant(i)
			}
		}
	}
	return false
}

func (r *rows) constant(i int) bool {
	arms := r.arms
	if arms == nil {
		arms = []*rows{r}
	}
	return !slices.ContainsFunc(arms, func(a *rows) bool { return i >= len(a.items) || !a.items[i].val && !a.items[i].null })
}

// spread gives every column under a star its position; a table of which
// nothing else is known gets two columns.
func (f *facts) spread(r *ref) {
	for _, s := range r.scope.sources {
		if s.table == nil || r.qual != "" && s.alias != r.qual {
			continue
		}
		s.table.pad(2)
		for _, c := range s.table.cols {
			s.table.add(c, r.pos)
		}
	}
}

// bind finds the column that a use names, nil for one that no table has; known
// is false where nothing can have the name.
func (f *facts) bind(r *ref, depth int) (b *bound, known bool) {
	if depth > maxDepth {
		return nil, true
	}
	for sc := r.scope; sc != nil; sc = sc.up {
		if r.qual != "" {
			for _, s := range sc.sources {
				if s.alias == r.qual {
					return f.column(s, r.name, depth), true
				}
			}
			continue
		}
		if b, ok := f.unqualified(sc, r, depth); ok {
			return b, true
		}
	}
	return nil, false
}

// unqualified binds a bare name in one scope. A source that is known to have
// the column wins, then the first table; ok is false where the scope has
// neither.
func (f *facts) unqualified(sc *scope, r *ref, depth int) (b *bound, ok bool) {
	var first *source
	for _, s := range sc.sources {
		switch {
		case s.alias == r.name && s.open:
			return nil, true
		case s.table != nil && s.cols == nil && s.table.has(r.name), s.rows != nil && f.yields(s, r.name, 0):
			return f.column(s, r.name, depth), true
		case slices.Contains(s.cols, r.name):
			return f.column(s, r.name, depth), true
		}
		if first == nil && (s.table != nil && s.cols == nil || s.cols == nil && f.accepts(s, 0)) {
			first = s
		}
	}
	if first != nil {
		return f.column(first, r.name, depth), true
	}
	return nil, slices.ContainsFunc(sc.sources, func(s *source) bool { return s.open })
}

// accepts reports whether a source may have columns that are not known yet: its
// list has a star over a table.
func (f *facts) accepts(s *source, depth int) bool {
	if s.rows == nil || depth > maxDepth {
		return s.table != nil
	}
	for _, it := range s.rows.items {
		if it.star == nil {
			continue
		}
		for _, under := range it.star.scope.sources {
			if (it.star.qual == "" || under.alias == it.star.qual) && f.accepts(under, depth+1) {
				return true
			}
		}
	}
	return false
}

// yields reports whether the rows of a source have a column of that name.
func (f *facts) yields(s *source, name string, depth int) bool {
	if depth > maxDepth {
		return false
	}
	if slices.Contains(s.cols, name) {
		return true
	}
	for _, it := range s.rows.items {
		if it.star == nil {
			if it.name == name {
				return true
			}
			continue
		}
		for _, under := range it.star.scope.sources {
			if it.star.qual != "" && under.alias != it.star.qual {
				continue
			}
			if under.table != nil && under.table.has(name) || under.rows != nil && f.yields(under, name, depth+1) {
				return true
			}
		}
	}
	return false
}

// column finds a column of a source in the table that it comes from.
func (f *facts) column(s *source, name string, depth int) *bound {
	if depth > maxDepth {
		return nil
	}
	if s.table != nil {
		return &bound{s.table, name}
	}
	if s.rows == nil {
		return nil
	}
	at := slices.Index(s.cols, name)
	if s.alias == name && at < 0 && !f.yields(s, name, 0) {
		return nil // the row as one value
	}
	for i, it := range s.rows.items {
		if it.star == nil && (i == at || at < 0 && it.name == name) {
			if it.ref == nil {
				return nil
			}
			b, _ := f.bind(it.ref, depth+1)
			return b
		}
	}
	for _, it := range s.rows.items {
		if it.star == nil || at >= 0 {
			continue
		}
		for _, under := range it.star.scope.sources {
			if it.star.qual != "" && under.alias != it.star.qual {
				continue
			}
			alone := len(it.star.scope.sources) == 1 || it.star.qual != ""
			if under.table != nil && (under.table.has(name) || alone) || under.rows != nil && (f.yields(under, name, 0) || f.accepts(under, 0)) {
				return f.column(under, name, depth+1)
			}
		}
	}
	return nil
}

// wholeRow marks everything that a derived table yields.
func (f *facts) wholeRow(s *source, depth int) {
	if s.table != nil {
		f.stars = append(f.stars, &ref{&scope{sources: []*source{s}}, "", "*", whole})
		return
	}
	if s.rows == nil || depth > maxDepth {
		return
	}
	for _, it := range s.rows.items {
		switch {
		case it.star != nil:
			for _, under := range it.star.scope.sources {
				f.wholeRow(under, depth+1)
			}
		case it.ref != nil:
			if b, _ := f.bind(it.ref, 0); b != nil {
				b.table.add(b.col, whole)
			}
		}
	}
}

// mixed adds grouped to the columns that a UNION ALL puts beside others than
// those of set: that must be refused whatever the rewriter can do.
func (f *facts) mixed(set map[bound]bool) bool {
	for _, u := range f.unions {
		width := 0
		for _, a := range u.arms {
			width = max(width, len(a.items))
		}
		for i := range width {
			in, out := false, false
			for _, a := range u.arms {
				if i >= len(a.items) || a.items[i].null {
					continue
				}
				b := (*bound)(nil)
				if a.items[i].ref != nil {
					b, _ = f.bind(a.items[i].ref, 0)
				}
				if b != nil && set[*b] {
					in = true
				} else {
					out = true
				}
			}
			if in && out {
				return true
			}
		}
	}
	return false
}
