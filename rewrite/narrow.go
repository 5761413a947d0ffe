package rewrite

import (
	"slices"

	"github.com/sealsql/sealsql/schema"
)

// Where the context alone names the partition, the statement sees rows of every
// partition, and an index within partitions is asked with the hash of one. Each
// table whose index is asked so is narrowed to the rows of that partition: the
// plan adds "partition column = partition" to the condition through which its
// rows pass, so that what the index says is true of every row that is left
// (threats T23).
//
//	SELECT id FROM docs d WHERE d.mail <> $1 OR d.id = 3
//	SELECT id FROM docs d WHERE ( "d"."mail_bidx" <> $1 OR d.id = 3 ) AND "d"."tenant" = $2
//
// That is the WHERE of the query, or the ON of the outer join that may leave the
// table's columns NULL: in WHERE the condition would drop those rows as well.

// narrowed is a table with the condition that is added for it.
type narrowed struct {
	rel *relation
	in  condition
	// slot is the partition in the text.
	slot *slot
}

// condition is a WHERE or an ON: of a *Select, *Update, *Delete or *Merge, or of
// one of its joins.
type condition struct {
	owner any
	join  *Join
	// span covers what stands there, without the word; zero where nothing does.
	span Span
	// at is where something is added: behind the span, or where WHERE would stand.
	at int
	// found is set where at was found among the tokens, so that only parsing
	// proves it.
	found bool
}

func (c *condition) same(o *condition) bool { return c.owner == o.owner && c.join == o.join }

// narrow adds the condition of the context's partition for a table; false where
// it has no place.
func (a *analysis) narrow(r *relation) bool {
	t := r.annotated()
	switch {
	case t == nil || t.Partition.Kind == schema.PartitionContext:
		return false
	case t.Partition.Kind == schema.PartitionConst || r.fixed != nil:
		return true
	case !a.opt.ContextPartition || r.owner == nil || r.partCol < 0 || r.partCol >= len(r.cols) ||
		!bytewise(r, r.partCol, t.Partition.Type.Kind):
		return false
	}
	for i := range a.narrowed {
		if n := &a.narrowed[i]; n.in.owner == r.owner && n.rel.pos == r.pos {
			return true
		}
	}
	in, ok := a.conditionOver(r)
	if !ok {
		return false
	}
	// In text order, and ON before the WHERE that may begin at the same place.
	i := len(a.narrowed)
	for i > 0 && (a.narrowed[i-1].in.at > in.at || a.narrowed[i-1].in.at == in.at && a.narrowed[i-1].in.join == nil && in.join != nil) {
		i--
	}
	a.narrowed = slices.Insert(a.narrowed, i, narrowed{rel: r, in: in})
	return true
}

// askedPartition is a partition that the condition of a join asks for.
type askedPartition struct {
	value *Value
	pos   int
}

// partitionsOn notes the partitions that a condition of a join asks for. Where a table is
// narrowed to the context's partition, another one would find nothing: it is an error,
// as in WHERE.
func (a *analysis) partitionsOn(on Expr, sc *scope) {
	if !a.opt.ContextPartition || !partitioned(sc.rels) {
		return
	}
	for _, cond := range conjuncts(on) {
		op, ok := cond.(*Op)
		if !ok || op.Name != "=" || len(op.Args) != 2 {
			continue
		}
		for i := range op.Args {
			ref, ok := op.Args[i].(*ColumnRef)
			v := constant(op.Args[1-i])
			if !ok || v == nil {
				continue
			}
			h, _, found, err := a.resolve(ref, &scope{rels: sc.rels})
			if err == nil && found && h.rel.partCol >= 0 && h.col == h.rel.partCol {
				h.rel.asked = append(h.rel.asked, askedPartition{v, ref.Start})
			}
		}
	}
}

// owns says whose condition the rows pass that come into a scope. Nothing can be
// added to the definition of a view.
func (a *analysis) owns(sc *scope, owner any) {
	if a.opt.ContextPartition && a.depth == 0 {
		sc.owner = owner
	}
}

// confine narrows the tables that the values of a column are of; false where
// rows of other partitions remain.
func (a *analysis) confine(h hit) bool {
	r := h.rel
	if r.annotated() != nil {
		return a.narrow(r)
	}
	if !a.seesOthers(h) {
		return true
	}
	if r.query == nil || r.kept || a.recursionOf(r.query) != nil {
		return false
	}
	arms, ok := selectsOf(r.query.Body, nil)
	if !ok {
		return false
	}
	for _, s := range arms {
		outs := a.eq.outputs.at(s)
		if outs == nil || h.col >= len(*outs) || (*outs)[h.col].origin.rel == nil || !a.confine((*outs)[h.col].origin) {
			return false
		}
	}
	return true
}

// confineJoined narrows tables that are joined by the name of a column, unless
// the partition is one of the names. USING takes no other condition: where one
// side's rows are of the partition, those that have the same hash are as well.
func (a *analysis) confineJoined(x schema.Index, j *Join, names []Ident, l, r hit) bool {
	if x.AllPartitions() || a.joinsPartition(names, l, r) {
		return true
	}
	left, right := a.confine(l), a.confine(r)
	switch j.Kind {
	case "LEFT":
		return left
	case "RIGHT":
		return right
	}
	return left || right
}

// conditionOver finds the condition that is true of the rows of a table which
// its query, or an outer join around it, goes on with.
func (a *analysis) conditionOver(r *relation) (condition, bool) {
	c := condition{owner: r.owner}
	var from []TableExpr
	switch s := r.owner.(type) {
	case *Select:
		from, c.span, c.at, c.found = s.From, s.WhereSpan, -1, true
		if s.Where == nil {
			c.at = a.behindFrom(s)
		}
	case *Update:
		from = append(s.Targets[:len(s.Targets):len(s.Targets)], s.From...)
		c.span, c.at = s.WhereSpan, s.WhereAt
		if cursorOnly(s.Where) {
			return c, false
		}
	case *Delete:
		if from = s.From; !s.Multi {
			from = append(s.Targets[:len(s.Targets):len(s.Targets)], s.From...)
		}
		c.span, c.at = s.WhereSpan, s.WhereAt
		if cursorOnly(s.Where) {
			return c, false
		}
	case *Merge:
		if s.Target.Start != r.pos || slices.ContainsFunc(s.Whens, func(w *MergeWhen) bool { return w.Match == MergeNotBySource }) {
			return c, false
		}
		c.span = a.onSpan(s.On)
		c.at, c.found = c.span.End, true
		return c, c.span.Known()
	default:
		return c, false
	}
	for _, t := range from {
		p := pathTo(t, r.pos)
		if !p.found {
			continue
		}
		if p.hidden {
			return c, false
		}
		if p.under != nil {
			c.join, c.span, c.found = p.under, a.onSpan(p.under.On), true
			c.at = c.span.End
			return c, c.span.Known() && p.under.Kind != "FULL"
		}
		if c.span.Known() {
			c.at = c.span.End
			return c, a.balanced(c.span)
		}
		return c, c.at > 0 && !hasWhere(r.owner)
	}
	return c, false
}

// hasWhere reports a condition whose place in the text is not known.
func hasWhere(owner any) bool {
	switch s := owner.(type) {
	case *Select:
		return s.Where != nil
	case *Update:
		return s.Where != nil
	case *Delete:
		return s.Where != nil
	}
	return true
}

// tablePath is the way to a table in a FROM list.
type tablePath struct {
	found bool
	// under is the innermost join that may leave the table's columns NULL.
	under *Join
	// hidden is set where the alias of a join hides the table's name.
	hidden bool
}

func pathTo(t TableExpr, pos int) tablePath {
	switch x := t.(type) {
	case *Table:
		return tablePath{found: x.Known() && x.Start == pos}
	case *Join:
		p, outer := pathTo(x.Left, pos), x.Kind == "RIGHT" || x.Kind == "FULL"
		if !p.found {
			p, outer = pathTo(x.Right, pos), x.Kind == "LEFT" || x.Kind == "FULL"
		}
		if p.found && p.under == nil {
			if outer {
				p.under = x
			} else {
				p.hidden = p.hidden || x.Alias != nil
			}
		}
		return p
	}
	return tablePath{}
}

// onSpan is the condition behind the word ON, with its parentheses; zero where
// it is not found.
func (a *analysis) onSpan(on Expr) Span {
	if on == nil || !on.Range().Known() {
		return Span{}
	}
	toks := words(a.script.Tokens)
	i := slices.IndexFunc(toks, func(t Token) bool { return t.Start >= on.Range().Start })
	for i > 0 && isPunct(toks[i-1], "(") {
		i--
	}
	if i < 1 || !toks[i-1:].is("ON") {
		return Span{}
	}
	end := clauseEnd(toks, i, endsOn)
	if end < i || toks[end].End < on.Range().End {
		return Span{}
	}
	return Span{toks[i].Start, toks[end].End}
}

// behindFrom is where the FROM of a query without WHERE ends; -1 where that is
// not found.
func (a *analysis) behindFrom(s *Select) int {
	toks := words(a.script.Tokens)
	i := slices.IndexFunc(toks, func(t Token) bool { return t.Start >= s.ItemsEnd })
	if s.ItemsEnd < 0 || i < 0 || len(s.Items) == 0 {
		return -1
	}
	if star, ok := s.Items[0].Expr.(*Star); !ok || !star.Keyword {
		if !toks[i:].is("FROM") {
			return -1
		}
		i++
	}
	end := clauseEnd(toks, i, endsFrom)
	if end < i {
		return -1
	}
	return toks[end].End
}

// clauseEnd is the last token of what begins at token i: in front of the first
// outside of its parentheses that ends it.
func clauseEnd(toks words, i int, ends func(words) bool) int {
	depth := 0
	for ; i < len(toks); i++ {
		switch {
		case isPunct(toks[i], "("):
			depth++
		case isPunct(toks[i], ")"):
			depth--
		}
		if depth < 0 || isPunct(toks[i], ";") || depth == 0 && ends(toks[i:]) {
			break
		}
	}
	return i - 1
}

// behindWhere are the words that may follow FROM and WHERE.
var behindWhere = []string{"WHERE", "GROUP", "HAVING", "WINDOW", "ORDER", "LIMIT", "OFFSET", "FETCH", "UNION", "INTERSECT", "EXCEPT", "MINUS", "INTO", "LOCK", "PROCEDURE", "RETURNING"}

func endsFrom(toks words) bool {
	switch {
	case slices.ContainsFunc(behindWhere, func(w string) bool { return toks.is(w) }):
		return true
	case toks.is("FOR"):
		return len(toks) > 1 && (toks[1:].is("UPDATE") || toks[1:].is("SHARE") || toks[1:].is("NO") || toks[1:].is("KEY"))
	case toks.is("ON"):
		return len(toks) > 1 && (toks[1:].is("CONFLICT") || toks[1:].is("DUPLICATE"))
	}
	return false
}

func endsOn(toks words) bool {
	if endsFrom(toks) || isPunct(toks[0], ",") || len(toks) > 1 && (toks[1:].is("JOIN") || toks[1:].is("OUTER")) && isJoinWord(toks[0]) {
		return true
	}
	return slices.ContainsFunc([]string{"JOIN", "NATURAL", "STRAIGHT_JOIN", "ON", "USING", "SET", "WHEN"}, func(w string) bool { return toks.is(w) })
}

func isJoinWord(t Token) bool {
	return slices.ContainsFunc([]string{"LEFT", "RIGHT", "FULL", "INNER", "CROSS"}, func(w string) bool { return isWord(&t, w) })
}

// ---- its text and its proof ----

// narrowSlots makes the slots of the partitions.
func (b *builder) narrowSlots() {
	list := b.a.narrowed
	list = slices.DeleteFunc(list, func(n narrowed) bool { return n.rel.fixed != nil }) // the text says so itself
	b.a.narrowed = list
	for i := range list {
		n := &list[i]
		n.slot = b.a.work.slots.One()
		*n.slot = slot{at: n.in.at, out: Out{Value: Value{Source: FromContextPartition}, PartitionOf: n.rel.annotated()}}
		b.slots = append(b.slots, n.slot)
		for _, p := range n.rel.asked {
			b.plan.Checks = append(b.plan.Checks, Check{A: *p.value, B: Value{Source: FromContextPartition}, Table: n.rel.annotated(), Pos: p.pos})
		}
	}
}

// narrowing writes the conditions.
func (b *builder) narrowing() {
	for i := range b.a.narrowed {
		n := &b.a.narrowed[i]
		first := i == 0 || !b.a.narrowed[i-1].in.same(&n.in)
		e := edit{kind: editAlso, span: Span{n.in.at, n.in.at}, slot: n.slot, rel: n.rel}
		if n.slot.n == 0 {
			e.hole = &n.slot.out
		}
		switch known := n.in.span.Known(); {
		case first && known:
			from, to := n.in.span.Start, n.in.span.End
			b.edits = append(b.edits, edit{kind: editOpen, span: Span{from, from}, until: to})
			e.kind = editAnd
		case first && n.in.found:
			e.kind = editSought
		case first:
			e.kind = editWhere
		}
		b.edits = append(b.edits, e)
	}
}

// compare orders edits by their places. Of several at one, what opens a
// condition stands before all of it, what is added to it behind all of it, and
// what ends its query behind that.
func (e *edit) compare(o *edit) int {
	if e.span.Start != o.span.Start {
		return e.span.Start - o.span.Start
	}
	return e.rank() - o.rank()
}

func (e *edit) rank() int {
	switch {
	case e.kind == editOpen:
		return 0
	case e.span.End > e.span.Start:
		return 4
	case e.tail:
		return 3
	case e.kind == editAnd, e.kind == editAlso, e.kind == editWhere, e.kind == editSought:
		return 2
	}
	return 1
}

// narrowedBy takes the added conditions off an edited one, and returns what is
// left.
func (v verifier) narrowedBy(owner any, join *Join, e Expr) (Expr, bool) {
	list := v.b.a.narrowed
	for i := len(list) - 1; i >= 0; i-- {
		n := &list[i]
		if n.in.owner != owner || n.in.join != join {
			continue
		}
		added, rest := e, Expr(nil)
		if and, ok := e.(*Op); ok && and.Name == "AND" && len(and.Args) > 1 {
			last := len(and.Args) - 1
			added, rest = and.Args[last], and.Args[0]
			if last > 1 { // a front end that flattens
				rest = &Op{Span: and.Span, Name: "AND", Args: and.Args[:last], Attr: and.Attr}
			}
		}
		eq, ok := added.(*Op)
		if !ok || eq.Name != "=" || len(eq.Args) != 2 || !v.place(hit{n.rel, n.rel.partCol}, eq.Args[0]) || !v.slot(n.slot, eq.Args[1]) {
			return nil, false
		}
		e = rest
	}
	return e, true
}

// joinOn compares the conditions of a join.
func (v verifier) joinOn(x, y *Join) bool {
	on := y.On
	for i := range v.b.a.narrowed {
		if n := &v.b.a.narrowed[i]; n.in.join == x {
			rest, ok := v.narrowedBy(n.in.owner, x, y.On)
			if !ok {
				return false
			}
			on = rest
			break
		}
	}
	return v.expr(x.On, on)
}

// narrowedExpr compares a condition with the edited one.
func (v verifier) narrowedExpr(owner any, join *Join, x, y Expr) bool {
	rest, ok := v.narrowedBy(owner, join, y)
	return ok && v.expr(x, rest)
}

// narrowsRows reports that a condition is added anywhere but in an UPDATE,
// whose protocol does not change what it returns.
func (a *analysis) narrowsRows() bool {
	return slices.ContainsFunc(a.narrowed, func(n narrowed) bool {
		_, update := n.in.owner.(*Update)
		return !update
	})
}
