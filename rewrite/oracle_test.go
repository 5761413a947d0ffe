package rewrite_test

import (
	"fmt"
	"maps"
	"strings"

	"github.com/sealsql/sealsql/rewrite"
)

// oracle judges a text that goes out by itself: it looks for values of the
// caller that are in clear and says of each whether it is stored in, compared
// with or put beside what may be an encrypted column. It knows names, and takes
// every column that may be meant for the one that is meant: what it calls clear
// is clear, what it calls a leak may have to be looked at.
type oracle struct {
	w       *world
	raw     func(*rewrite.Param) bool // sent as the caller gave it
	secret  func(*rewrite.Literal) bool
	sealed  func(rewrite.Expr) bool // the value is sealed somewhere in the statement
	tables  map[string]bool
	near    map[string]bool // the tables of the innermost query
	aliases map[string]string
	ctes    map[string]bool
	sealedN map[string]bool // names of derived columns that may be encrypted
	tainted map[string]bool // names of derived columns that may be the value
	changed bool
	leak    string
	found   int
}

// flow says what becomes of a value.
type flow struct {
	beside []rewrite.Expr // compared with it, or in one expression with it
	store  *rewrite.ColumnRef
	into   string // the table of store, "" where it is not told
	name   string // of the derived column that it is
	up     *flow
}

func lower(s string) string { return strings.ToLower(s) }

// sealedIn reports whether a table of the world has an encrypted column, or one
// that belongs to sealsql, of that name.
func (o *oracle) sealedIn(table, column string) bool {
	for _, t := range o.w.tables {
		if table != "" && lower(t.Name) != table {
			continue
		}
		for _, c := range t.Columns {
			names := []string{c.Name}
			if c.Equality != nil {
				names = append(names, c.Equality.Name)
			}
			if c.Range != nil {
				names = append(names, c.Range.Name)
			}
			if c.Prefix != nil {
				names = append(names, c.Prefix.Name)
			}
			if c.Suffix != nil {
				names = append(names, c.Suffix.Name)
			}
			if c.Contains != nil {
				names = append(names, c.Contains.Name)
			}
			for _, n := range names {
				if lower(n) == column {
					return true
				}
			}
		}
		for _, x := range t.Compounds {
			if lower(x.Name) == column {
				return true
			}
		}
	}
	return false
}

func (o *oracle) sealedRef(r *rewrite.ColumnRef) bool {
	name := lower(r.Path[len(r.Path)-1].Name)
	if o.sealedN[name] {
		return true
	}
	if len(r.Path) > 1 {
		q := lower(r.Path[len(r.Path)-2].Name)
		if t, ok := o.aliases[q]; ok {
			return o.isTable(t) && o.sealedIn(t, name)
		}
		if o.isTable(q) {
			return o.sealedIn(q, name)
		}
	}
	if len(r.Path) == 1 {
		for t := range o.near {
			if o.has(t, name) {
				return o.sealedIn(t, name)
			}
		}
	}
	for t := range o.tables {
		if o.isTable(t) && o.sealedIn(t, name) {
			return true
		}
	}
	return false
}

// has reports whether a table has a column of that name.
func (o *oracle) has(table, name string) bool {
	for _, r := range o.w.snap.Relations {
		for _, c := range r.Columns {
			if lower(r.ID.Name) == table && lower(c.Name) == name {
				return true
			}
		}
	}
	return false
}

func (o *oracle) isTable(name string) bool {
	for _, r := range o.w.snap.Relations {
		if lower(r.ID.Name) == name && r.Kind == rewrite.RelTable {
			return true
		}
	}
	return false
}

// hasSealed looks for encrypted columns in an expression, subqueries included.
func (o *oracle) hasSealed(e rewrite.Expr) (bad bool) {
	if e == nil {
		return false
	}
	switch x := e.(type) {
	case *rewrite.ColumnRef:
		return o.sealedRef(x)
	case *rewrite.IsNull: // a truth value
		return false
	case *rewrite.Op:
		if conditions[x.Name] || compares(x.Name) {
			return false
		}
	case *rewrite.In:
		return false
	case *rewrite.Subquery:
		if x.Kind == rewrite.SubExists {
			return false
		}
		return o.queryHas(x.Query)
	case *rewrite.Case:
		for _, w := range x.Whens {
			bad = bad || o.hasSealed(w.Then)
		}
		return bad || o.hasSealed(x.Else)
	case *rewrite.Call:
		switch callName(x) {
		case "count", "isnull":
			return false
		case "nvl2", "if", "iif":
			for _, e := range x.Args[min(1, len(x.Args)):] {
				bad = bad || o.hasSealed(e)
			}
			return bad
		}
	}
	es, qs := kidsOf(e)
	for _, k := range es {
		bad = bad || o.hasSealed(k)
	}
	for _, q := range qs {
		bad = bad || o.queryHas(q)
	}
	return bad
}

func callName(c *rewrite.Call) string {
	if len(c.Name) == 0 {
		return ""
	}
	return lower(c.Name[len(c.Name)-1].Name)
}

// queryHas reports whether a query yields what may be encrypted.
func (o *oracle) queryHas(q *rewrite.Query) (bad bool) {
	tables, aliases, near := maps.Clone(o.tables), maps.Clone(o.aliases), o.near
	defer func() { o.tables, o.aliases, o.near = tables, aliases, near }()
	o.near = map[string]bool{}
	eachFrom(q, o.noteTable)
	eachItem(q, func(i int, e rewrite.Expr) { bad = bad || o.hasSealed(e) })
	return bad
}

// eachFrom calls fn for every table that a query reads, not those of its
// subqueries.
func eachFrom(b rewrite.Body, fn func(*rewrite.Table)) {
	var table func(t rewrite.TableExpr)
	table = func(t rewrite.TableExpr) {
		switch x := t.(type) {
		case *rewrite.Table:
			fn(x)
		case *rewrite.Join:
			table(x.Left)
			table(x.Right)
		}
	}
	switch x := b.(type) {
	case *rewrite.Query:
		if x != nil {
			eachFrom(x.Body, fn)
		}
	case *rewrite.SetOp:
		eachFrom(x.Left, fn)
		eachFrom(x.Right, fn)
	case *rewrite.Select:
		for _, t := range x.From {
			table(t)
		}
	}
}

func (o *oracle) noteTable(x *rewrite.Table) {
	if x == nil || len(x.Path) == 0 {
		return
	}
	name := lower(x.Path[len(x.Path)-1].Name)
	if o.ctes[name] && len(x.Path) == 1 {
		name = "(" + name + ")"
	}
	o.tables[name] = true
	if o.near != nil {
		o.near[name] = true
	}
	if x.Alias != nil {
		o.aliases[lower(x.Alias.Name)] = name
	} else if name[0] == '(' {
		o.aliases[name[1:len(name)-1]] = name
	}
}

// eachItem calls fn for what a query yields.
func eachItem(b rewrite.Body, fn func(i int, e rewrite.Expr)) {
	switch x := b.(type) {
	case *rewrite.Query:
		if x != nil {
			eachItem(x.Body, fn)
		}
	case *rewrite.Select:
		for i := range x.Items {
			fn(i, x.Items[i].Expr)
		}
	case *rewrite.SetOp:
		eachItem(x.Left, fn)
		eachItem(x.Right, fn)
	case *rewrite.Values:
		for _, r := range x.Rows {
			for i, e := range r {
				fn(i, e)
			}
		}
	}
}

func kidsOf(e rewrite.Expr) (es []rewrite.Expr, qs []*rewrite.Query) {
	switch x := e.(type) {
	case *rewrite.Call:
		es = x.Args
	case *rewrite.Op:
		es = x.Args
	case *rewrite.Cast:
		es = []rewrite.Expr{x.X}
	case *rewrite.Row:
		es = x.Items
	case *rewrite.ValuesRef:
		es = []rewrite.Expr{x.Column}
	case *rewrite.Opaque:
		es, qs = x.Kids, x.Queries
	}
	return es, qs
}

var conditions = map[string]bool{"AND": true, "OR": true, "NOT": true, "XOR": true}

func compares(op string) bool {
	switch op {
	case "=", "<>", "<", "<=", ">", ">=", "<=>", "BETWEEN", "NOT BETWEEN", "~", "!~", "~*", "!~*", "~~", "!~~":
		return true
	}
	if strings.HasSuffix(op, " ANY") || strings.HasSuffix(op, " ALL") || strings.HasSuffix(op, " SOME") {
		return true
	}
	for _, w := range []string{"LIKE", "IS", "GLOB", "REGEXP", "RLIKE", "SIMILAR", "MATCH"} {
		if strings.Contains(op, w) {
			return true
		}
	}
	return false
}

// place judges a value of the caller that is sent in clear.
func (o *oracle) place(e rewrite.Expr, f *flow) {
	o.found++
	taken := false
	for ; f != nil; f = f.up {
		for _, b := range f.beside {
			if o.hasSealed(b) {
				o.blame("beside an encrypted column", e)
				return
			}
			if _, ok := b.(*rewrite.ColumnRef); ok {
				taken = true
			}
		}
		if f.store != nil {
			taken = true
			name := lower(f.store.Path[len(f.store.Path)-1].Name)
			if f.into != "" && o.isTable(f.into) && o.sealedIn(f.into, name) || (f.into == "" || !o.isTable(f.into)) && o.sealedRef(f.store) {
				o.blame("into an encrypted column", e)
				return
			}
		}
		if f.name != "" {
			taken = true
			if !o.tainted[f.name] {
				o.tainted[f.name], o.changed = true, true
			}
		}
	}
	if !taken && o.sealed(e) {
		o.blame("also sealed", e)
	}
}

func (o *oracle) blame(how string, e rewrite.Expr) {
	if o.leak == "" {
		o.leak = fmt.Sprintf("%s at %d (%T)", how, e.Pos(), e)
	}
}

func others(es []rewrite.Expr, i int) []rewrite.Expr {
	out := make([]rewrite.Expr, 0, len(es))
	for k, e := range es {
		if k != i && e != nil {
			out = append(out, e)
		}
	}
	return out
}

func (o *oracle) list(es []rewrite.Expr, f *flow) {
	for _, e := range es {
		o.expr(e, f)
	}
}

func (o *oracle) expr(e rewrite.Expr, f *flow) {
	switch x := e.(type) {
	case nil:
	case *rewrite.Literal:
		if o.secret(x) {
			o.place(x, f)
		}
	case *rewrite.Param:
		if o.raw(x) {
			o.place(x, f)
		}
	case *rewrite.ColumnRef:
		if o.tainted[lower(x.Path[len(x.Path)-1].Name)] {
			o.place(x, f)
		}
	case *rewrite.Op:
		switch {
		case conditions[x.Name]:
			o.list(x.Args, nil)
		case compares(x.Name):
			o.together(x.Args, nil)
		default:
			o.together(x.Args, f)
		}
	case *rewrite.IsNull:
		o.expr(x.X, nil)
	case *rewrite.In:
		if x.Query != nil {
			o.withQuery(x.X, x.Query)
			return
		}
		for _, y := range x.List {
			o.together([]rewrite.Expr{x.X, y}, nil)
		}
	case *rewrite.Subquery:
		switch x.Kind {
		case rewrite.SubExists:
			o.query(x.Query, nil)
		case rewrite.SubQuantified:
			o.withQuery(x.X, x.Query)
		default:
			o.query(x.Query, func(int) *flow { return f })
		}
	case *rewrite.Case:
		var shown []rewrite.Expr
		for _, w := range x.Whens {
			shown = append(shown, w.Then)
			if x.Operand != nil {
				o.together([]rewrite.Expr{x.Operand, w.Cond}, nil)
			} else {
				o.expr(w.Cond, nil)
			}
		}
		o.together(append(shown, x.Else), f)
	case *rewrite.Call:
		args := x.Args
		switch callName(x) {
		case "nvl2", "if", "iif": // the first is a truth value
			if len(args) > 1 {
				o.expr(args[0], nil)
				args = args[1:]
			}
		case "lag", "lead", "nth_value": // the second is a number of rows
			if len(args) > 1 {
				o.expr(args[1], nil)
				args = append([]rewrite.Expr{args[0]}, args[2:]...)
			}
		case "count":
			o.list(args, nil)
			args = nil
		}
		o.together(args, f)
		o.list(x.Extra, nil)
	case *rewrite.Cast:
		o.expr(x.X, f)
	case *rewrite.Row:
		o.list(x.Items, f)
	case *rewrite.Opaque:
		o.together(x.Kids, f)
		for _, q := range x.Queries {
			o.query(q, func(int) *flow { return f })
		}
	}
}

// together walks expressions of which each stands beside the others.
func (o *oracle) together(es []rewrite.Expr, up *flow) {
	if len(es) == 2 {
		a, okA := es[0].(*rewrite.Row)
		b, okB := es[1].(*rewrite.Row)
		if okA && okB && len(a.Items) == len(b.Items) {
			for i := range a.Items {
				o.together([]rewrite.Expr{a.Items[i], b.Items[i]}, up)
			}
			return
		}
		for i, r := range []*rewrite.Row{a, b} {
			if q, ok := es[1-i].(*rewrite.Subquery); ok && r != nil && q.Kind == rewrite.SubScalar {
				o.withQuery(r, q.Query)
				return
			}
		}
	}
	for i, e := range es {
		o.expr(e, &flow{beside: others(es, i), up: up})
	}
}

// withQuery compares x with the rows of a query.
func (o *oracle) withQuery(x rewrite.Expr, q *rewrite.Query) {
	items := map[int][]rewrite.Expr{}
	eachItem(q, func(i int, e rewrite.Expr) { items[i] = append(items[i], e) })
	if r, ok := x.(*rewrite.Row); ok {
		for i, e := range r.Items {
			o.expr(e, &flow{beside: items[i]})
		}
		o.query(q, func(i int) *flow {
			if i < len(r.Items) {
				return &flow{beside: []rewrite.Expr{r.Items[i]}}
			}
			return nil
		})
		return
	}
	o.expr(x, &flow{beside: items[0]})
	o.query(q, func(int) *flow { return &flow{beside: []rewrite.Expr{x}} })
}

func (o *oracle) query(q *rewrite.Query, to func(i int) *flow) {
	if q == nil {
		return
	}
	if to == nil {
		to = func(int) *flow { return nil }
	}
	o.with(q.With)
	o.body(q.Body, to)
	o.list(q.OrderBy, nil)
	o.list(q.Limit, nil)
}

func (o *oracle) with(w *rewrite.With) {
	if w == nil {
		return
	}
	for _, c := range w.CTEs {
		o.ctes[lower(c.Name.Name)] = true
		if c.Query != nil {
			o.named(c.Query, c.Columns)
		} else if c.DML != nil {
			o.statement(c.DML)
		}
	}
}

// named walks a query whose columns have names for others.
func (o *oracle) named(q *rewrite.Query, names []rewrite.Ident) {
	own := map[int]string{}
	eachItem(q, func(i int, e rewrite.Expr) {
		name := fmt.Sprintf("column%d", i+1)
		if r, ok := e.(*rewrite.ColumnRef); ok {
			name = lower(r.Path[len(r.Path)-1].Name)
		}
		if own[i] == "" {
			own[i] = name
		}
	})
	aliasesOf(q, own)
	for i, n := range names {
		own[i] = lower(n.Name)
	}
	eachItem(q, func(i int, e rewrite.Expr) {
		if n := own[i]; o.hasSealed(e) && !o.sealedN[n] {
			o.sealedN[n], o.changed = true, true
		}
		if _, star := e.(*rewrite.Star); star {
			for _, n := range names {
				if n := lower(n.Name); !o.sealedN[n] {
					o.sealedN[n], o.changed = true, true
				}
			}
		}
	})
	o.query(q, func(i int) *flow { return &flow{name: own[i]} })
}

func aliasesOf(b rewrite.Body, own map[int]string) {
	switch x := b.(type) {
	case *rewrite.Query:
		aliasesOf(x.Body, own)
	case *rewrite.SetOp:
		aliasesOf(x.Left, own)
	case *rewrite.Select:
		for i := range x.Items {
			if a := x.Items[i].Alias; a != nil {
				own[i] = lower(a.Name)
			}
		}
	}
}

func (o *oracle) body(b rewrite.Body, to func(i int) *flow) {
	switch x := b.(type) {
	case *rewrite.Query:
		o.query(x, to)
	case *rewrite.SetOp:
		side := func(other rewrite.Body) func(i int) *flow {
			items := map[int][]rewrite.Expr{}
			eachItem(other, func(i int, e rewrite.Expr) { items[i] = append(items[i], e) })
			return func(i int) *flow { return &flow{beside: items[i], up: to(i)} }
		}
		o.body(x.Left, side(x.Right))
		o.body(x.Right, side(x.Left))
	case *rewrite.Values:
		for k, r := range x.Rows {
			for i, e := range r {
				var beside []rewrite.Expr
				if len(x.Rows) < 20 {
					for l, s := range x.Rows {
						if l != k && i < len(s) {
							beside = append(beside, s[i])
						}
					}
				}
				o.expr(e, &flow{beside: beside, up: to(i)})
			}
		}
	case *rewrite.Select:
		tables, aliases, near := maps.Clone(o.tables), maps.Clone(o.aliases), o.near
		defer func() { o.tables, o.aliases, o.near = tables, aliases, near }()
		o.near = map[string]bool{}
		for _, t := range x.From {
			o.table(t)
		}
		for i := range x.Items {
			o.expr(x.Items[i].Expr, to(i))
		}
		o.expr(x.Where, nil)
		o.expr(x.Having, nil)
		o.list(x.GroupBy, nil)
		o.list(x.DistinctOn, nil)
		o.list(x.Windows, nil)
	}
}

func (o *oracle) table(t rewrite.TableExpr) {
	switch x := t.(type) {
	case *rewrite.Table:
		o.noteTable(x)
		if x == nil {
			return
		}
		for i, a := range x.ColumnAliases {
			name := lower(x.Path[len(x.Path)-1].Name)
			if o.isTable(name) && o.sealedIn(name, lower(o.physical(name, i, false))) {
				o.sealedN[lower(a.Name)] = true
			}
		}
		o.list(x.Extra, nil)
	case *rewrite.Derived:
		o.named(x.Query, x.ColumnAliases)
		if x.Alias != nil {
			o.aliases[lower(x.Alias.Name)] = ""
		}
	case *rewrite.Join:
		o.table(x.Left)
		o.table(x.Right)
		o.expr(x.On, nil)
	case *rewrite.FuncTable:
		f := &flow{name: "value"}
		if x.Alias != nil {
			f.name = lower(x.Alias.Name)
			o.aliases[f.name] = ""
		}
		if len(x.ColumnAliases) > 0 {
			f.name = lower(x.ColumnAliases[0].Name)
		}
		o.list(x.Calls, f)
	}
}

func (o *oracle) sets(set []rewrite.Assign, into string) {
	for _, a := range set {
		at := func(i int) *flow {
			if i < len(a.Columns) {
				return &flow{store: a.Columns[i], into: into}
			}
			return nil
		}
		switch v := a.Value.(type) {
		case *rewrite.Row:
			if len(a.Columns) > 1 {
				for i, e := range v.Items {
					o.expr(e, at(i))
				}
				continue
			}
		case *rewrite.Subquery:
			o.query(v.Query, at)
			continue
		}
		o.expr(a.Value, at(0))
	}
}

func (o *oracle) returning(items []rewrite.SelectItem) {
	for i := range items {
		o.expr(items[i].Expr, nil)
	}
}

func single(ts []rewrite.TableExpr) string {
	if len(ts) == 1 {
		if t, ok := ts[0].(*rewrite.Table); ok {
			return lower(t.Path[len(t.Path)-1].Name)
		}
	}
	return ""
}

func (o *oracle) statement(st rewrite.Statement) {
	switch x := st.(type) {
	case *rewrite.Query:
		o.query(x, nil)
	case *rewrite.Insert:
		o.insert(x)
	case *rewrite.Update:
		o.with(x.With)
		for _, t := range append(append([]rewrite.TableExpr{}, x.Targets...), x.From...) {
			o.table(t)
		}
		o.sets(x.Set, single(x.Targets))
		o.expr(x.Where, nil)
		o.list(x.OrderBy, nil)
		o.list(x.Limit, nil)
		o.returning(x.Returning)
	case *rewrite.Delete:
		o.with(x.With)
		for _, t := range append(append([]rewrite.TableExpr{}, x.Targets...), x.From...) {
			o.table(t)
		}
		o.expr(x.Where, nil)
		o.list(x.OrderBy, nil)
		o.list(x.Limit, nil)
		o.returning(x.Returning)
	case *rewrite.Merge:
		o.with(x.With)
		o.table(x.Target)
		o.table(x.Source)
		o.expr(x.On, nil)
		into := lower(x.Target.Path[len(x.Target.Path)-1].Name)
		for _, w := range x.Whens {
			o.expr(w.Cond, nil)
			o.sets(w.Set, into)
			if w.Insert != nil {
				o.rows(w.Insert, into)
			}
		}
		o.returning(x.Returning)
	case *rewrite.Other:
		if x.Inner != nil {
			o.statement(x.Inner)
		}
		if x.Query != nil {
			o.query(x.Query, nil)
		}
		o.list(x.Exprs, nil)
	}
}

func (o *oracle) insert(x *rewrite.Insert) {
	o.with(x.With)
	o.table(x.Target)
	into := lower(x.Target.Path[len(x.Target.Path)-1].Name)
	o.rows(x, into)
	for _, u := range x.Upserts {
		o.list(u.Target, nil)
		o.expr(u.TargetWhere, nil)
		o.sets(u.Set, into)
		o.expr(u.Where, nil)
	}
	o.returning(x.Returning)
}

func (o *oracle) rows(x *rewrite.Insert, into string) {
	at := func(i int) *flow {
		if i < len(x.Columns) {
			return &flow{store: &rewrite.ColumnRef{Path: []rewrite.Ident{x.Columns[i]}}, into: into}
		}
		return &flow{store: &rewrite.ColumnRef{Path: []rewrite.Ident{{Name: o.physical(into, i, x.HasColumns)}}}, into: into}
	}
	if x.Values != nil {
		o.body(x.Values, at)
	}
	o.query(x.Query, at)
}

// physical is the i-th column of a table.
func (o *oracle) physical(table string, i int, listed bool) string {
	for _, r := range o.w.snap.Relations {
		if lower(r.ID.Name) == table && i < len(r.Columns) && !listed {
			return r.Columns[i].Name
		}
	}
	return "?"
}

// judge returns how a canary leaves in a plan's text or arguments, "" if it does
// not.
func judge(front rewrite.Frontend, w *world, s *rewrite.Session, p *rewrite.Plan, canary string) string {
	if p.First != nil {
		for i := range p.First.Lookups {
			if l := judge(front, w, s, p.First.Lookups[i].Plan, canary); l != "" {
				return "lookup: " + l
			}
		}
		return judge(front, w, s, p.First.Main, canary)
	}
	if p.Sorted != nil {
		return judge(front, w, s, p.Sorted.Plan, canary)
	}
	if p.Executes != nil {
		return ""
	}
	text := p.Shape(front)
	script, err := front.Parse(text, s)
	if err != nil {
		return ""
	}
	outs := p.Args
	if p.Prepares != nil {
		outs = p.Prepares.Args
	}
	same := p.ArgsSame && p.Prepares == nil
	args := map[int]bool{} // sealed somewhere
	lits := map[string]bool{}
	note := func(o *rewrite.Out) {
		if o.Column() == nil {
			return
		}
		values := []rewrite.Value{o.Value}
		if o.Combined != nil {
			values = nil // of clear columns too
		}
		for _, v := range values {
			if v.Source == rewrite.FromArg {
				args[v.Arg] = true
			} else if v.Literal != nil && strings.Contains(v.Literal.Value, canary) {
				lits[v.Literal.Value] = true
			}
		}
	}
	for i := range outs {
		note(&outs[i])
	}
	for i := range p.Holes {
		note(&p.Holes[i].Out)
	}
	source := func(n int) (int, bool) {
		if same {
			return n, true
		}
		if n < 1 || n > len(outs) {
			return 0, false
		}
		x := &outs[n-1]
		return x.Value.Arg, x.Value.Source == rewrite.FromArg && x.Column() == nil && x.PartitionOf == nil && x.Limit == 0 && x.Decide == nil && !x.Null
	}
	// One value at a time: the literal, then each argument.
	cands := []int{0}
	for n := 1; n <= p.Params; n++ {
		cands = append(cands, n)
	}
	for _, cand := range cands {
		o := &oracle{
			w: w, sealedN: map[string]bool{}, tainted: map[string]bool{},
			raw: func(x *rewrite.Param) bool {
				arg, ok := source(x.N)
				return ok && cand > 0 && arg == cand
			},
			sealed: func(e rewrite.Expr) bool {
				l, ok := e.(*rewrite.Literal)
				return cand > 0 && args[cand] || ok && lits[l.Value]
			},
			secret: func(l *rewrite.Literal) bool { return cand == 0 && strings.Contains(l.Value, canary) },
		}
		for round := 0; round < 6; round++ {
			o.changed, o.leak, o.found = false, "", 0
			o.tables, o.aliases = map[string]bool{}, map[string]string{}
			o.ctes = map[string]bool{}
			for _, st := range script.Statements {
				o.tables, o.aliases, o.near = map[string]bool{}, map[string]string{}, nil
				o.statement(st)
			}
			if !o.changed {
				break
			}
		}
		if o.leak != "" {
			return o.leak
		}
	}
	return ""
}
