package schema

import (
	"maps"
	"slices"
)

// Next are the definitions to which indexes of a column are being moved: each
// stands beside the one of its kind, with a physical column of its own. While a
// move goes on, whatever writes the column writes both indexes, and searches use
// one of them (threats T21). Catalog.At says which.
type Next struct {
	Equality                 *Equality
	Prefix, Suffix, Contains *Fragments
	Range                    *Range
}

// list are the definitions in the order of Column.Indexes.
func (n *Next) list() []Index {
	return indexList(n.Equality, []*Fragments{n.Prefix, n.Suffix, n.Contains}, n.Range)
}

func indexList(e *Equality, fs []*Fragments, r *Range) []Index {
	var out []Index
	if e != nil {
		out = append(out, e)
	}
	for _, f := range fs {
		if f != nil {
			out = append(out, f)
		}
	}
	if r != nil {
		out = append(out, r)
	}
	return out
}

// Stage says how far the move of an index has come.
type Stage uint8

// The stages. In StageNone and StageAborted only the present index is written,
// and the next one's physical column is hidden where there is one. In
// StageFilling both are written and the present one is searched; in StageLive
// the next one is searched. In StageFinished only the next one is written, and
// the other's physical column is hidden.
const (
	StageNone Stage = iota
	StageFilling
	StageLive
	StageFinished
	StageAborted
)

var stageNames = [...]string{"none", "filling", "live", "finished", "aborted"}

// String returns the word for the stage.
func (s Stage) String() string {
	if int(s) < len(stageNames) {
		return stageNames[s]
	}
	return "invalid"
}

// Move is an index that is being moved to another definition, that is added to
// stored rows, or that is dropped.
type Move struct {
	// Kind is "equality", "prefix", "suffix", "contains", "range" or "compound".
	Kind string
	// From and To are the definitions, indexes of one column. From is nil where
	// there was no index, To where there will be none.
	From, To Index
}

// Index is what the move is about: the present definition, or that of an index
// that is added.
func (m *Move) Index() Index {
	if m.From == nil {
		return m.To
	}
	return m.From
}

// Column is the column behind which the index stands.
func (m *Move) Column() *Column { return m.Index().Column() }

// Name is "table.column", of a compound index "table.index".
func (m *Move) Name() string {
	if x, ok := m.Index().(*Compound); ok {
		return x.In.Name + "." + x.Key
	}
	return m.Column().String()
}

// Moves lists what the tables of a catalog as New made it are being moved to.
func (c *Catalog) Moves() []Move {
	if c == nil {
		return nil
	}
	var out []Move
	for _, t := range c.tables {
		out = append(out, t.moves()...)
	}
	return out
}

func (t *Table) moves() []Move {
	var out []Move
	for _, c := range t.Columns {
		if c != nil {
			out = append(out, c.moves()...)
		}
	}
	return append(out, t.compoundMoves()...)
}

func (c *Column) moves() []Move {
	var out []Move
	out = appendMove(out, "equality", c.Equality, c.Next.Equality)
	for _, f := range []struct{ from, to *Fragments }{{c.Prefix, c.Next.Prefix}, {c.Suffix, c.Next.Suffix}, {c.Contains, c.Next.Contains}} {
		if f.to != nil {
			out = appendMove(out, f.to.Kind.String(), f.from, f.to)
		}
	}
	return appendMove(out, "range", c.Range, c.Next.Range)
}

// appendMove adds the move of a kind, if there is one.
func appendMove[T interface {
	comparable
	Index
}](out []Move, kind string, now, next T,
) []Move {
	var none T
	switch {
	case next == none:
		return out
	case now != none:
		return append(out, Move{kind, now, next})
	case TransitOf(next) == Adding:
		return append(out, Move{kind, nil, next})
	case TransitOf(next) == Dropping:
		return append(out, Move{kind, next, nil})
	}
	return out
}

// group names what is searched together: columns of one group change over at
// the same time, or values of two would be compared by indexes of two
// definitions.
//
// One that is added is compared with no other before it is live, and one that is
// dropped with none any more.
func (m *Move) group() string {
	if TransitOf(m.Index()) != Settled {
		return ""
	}
	return groupOf(m.From)
}

func groupOf(x Index) string {
	switch x := x.(type) {
	case *Equality:
		return "=" + x.Group
	case *Range:
		return "<" + x.Group
	}
	return ""
}

// Together lists the moves that change over with m, m among them: those of its
// group, and those of compound indexes and of their columns where both go to
// other normalizers, for a column has one equality.
func (c *Catalog) Together(m Move) []Move {
	in, rest := []Move{m}, slices.DeleteFunc(c.Moves(), func(o Move) bool { return o.Index() == m.Index() })
	for i := 0; i < len(in); i++ {
		rest = slices.DeleteFunc(rest, func(o Move) bool {
			with := coupled(&in[i], &o)
			if with {
				in = append(in, o)
			}
			return with
		})
	}
	return in
}

func coupled(a, b *Move) bool {
	if g := a.group(); g != "" && g == b.group() {
		return true
	}
	return renormalizes(a, b) || renormalizes(b, a)
}

// renormalizes reports the move of a compound index, and that of the equality of
// one of its columns to other steps.
func renormalizes(compound, equality *Move) bool {
	x, ok := compound.From.(*Compound)
	from, is := equality.From.(*Equality)
	if !ok || !is || compound.To == nil || equality.To == nil {
		return false
	}
	return slices.ContainsFunc(x.Parts, func(p Part) bool { return p.Of == from.Of }) && !slices.Equal(from.Steps(), equality.To.(*Equality).Steps())
}

// At returns the catalog as it is at the given stages of its moves: what
// Column.Equality and its like name is what searches use. A group that is not
// live as a whole is searched by the indexes that it had. Tables without a move
// are shared with c; a catalog without any is c.
func (c *Catalog) At(stage func(Move) Stage) *Catalog {
	moves := c.Moves()
	if len(moves) == 0 {
		return c
	}
	at := map[Index]Stage{}
	for _, m := range moves {
		s := stage(m)
		if s == StageLive || s == StageFinished {
			for _, o := range c.Together(m) {
				if os := stage(o); os != StageLive && os != StageFinished {
					s = StageFilling
				}
			}
		}
		at[m.Index()] = s
	}
	out := &Catalog{byName: map[string][]*Table{}, clear: c.clear}
	copies := map[*Table]*Table{}
	for _, t := range c.tables {
		n := t.at(at)
		copies[t] = n
		out.tables = append(out.tables, n)
		key := lower(n.Name)
		out.byName[key] = append(out.byName[key], n)
	}
	out.views = viewsOver(c.views, copies)
	return out
}

func (t *Table) at(at map[Index]Stage) *Table {
	if len(t.moves()) == 0 {
		return t
	}
	stages := map[Index]Stage{}
	n := t.copied(func(from, to Index) { stages[to] = at[from] })
	n.arrangeCompounds(stages)
	for _, c := range n.Columns {
		arrange(c, &c.Equality, &c.Next.Equality, stages)
		arrange(c, &c.Prefix, &c.Next.Prefix, stages)
		arrange(c, &c.Suffix, &c.Next.Suffix, stages)
		arrange(c, &c.Contains, &c.Next.Contains, stages)
		arrange(c, &c.Range, &c.Next.Range, stages)
		c.collect()
	}
	return n
}

// arrange puts the index that is searched into now, and into next the one that
// is only written.
func arrange[T interface {
	comparable
	Index
}](c *Column, now, next *T, stages map[Index]Stage,
) {
	var none T
	switch {
	case *next == none:
		return
	case *now == none:
		arriving(c, now, next, stages[*next])
		return
	}
	switch stages[*now] {
	case StageFilling:
	case StageLive:
		*now, *next = *next, *now
	case StageFinished:
		c.retired = append(c.retired, *now)
		*now, *next = *next, none
	default:
		c.unborn = append(c.unborn, *next)
		*next = none
	}
}

// arriving puts an index that is added, or dropped, where its stage has it.
func arriving[T interface {
	comparable
	Index
}](c *Column, now, next *T, s Stage,
) {
	var none T
	adding := TransitOf(*next) == Adding
	switch {
	case s == StageFilling, !adding && s != StageFinished: // written, not searched
	case !adding:
		c.retired = append(c.retired, *next)
		*next = none
	case s == StageLive, s == StageFinished:
		*now, *next = *next, none
	default:
		c.unborn = append(c.unborn, *next)
		*next = none
	}
}

// Hidden lists the physical columns of indexes that the application does not
// see: those that statements write, and those that they do not write any more,
// or not yet, which need not exist.
func (c *Column) Hidden() []Index {
	if len(c.retired)+len(c.unborn) == 0 {
		return c.indexes
	}
	return slices.Concat(c.indexes, c.retired, c.unborn)
}

// Guarded lists the indexes whose guard the table may have: those that
// statements write, or wrote. The guard of another one would refuse what they
// write.
func (c *Column) Guarded() []Index {
	if len(c.retired) == 0 {
		return c.indexes
	}
	return slices.Concat(c.indexes, c.retired)
}

// Unborn lists the indexes to which others are to be moved and that statements
// do not write yet, or will not.
func (c *Column) Unborn() []Index { return c.unborn }

// Moving reports an index that is written but that no search uses.
func (c *Column) Moving(x Index) bool {
	if x, ok := x.(*Compound); ok {
		return x.idle
	}
	return slices.Contains(c.Next.list(), x)
}

// next checks the definitions to which the indexes of a table are moved. It runs
// after the present ones were completed.
func (b *builder) next(t *Table) {
	for _, c := range t.Columns {
		if c == nil || c.Table == nil {
			continue
		}
		b.transit(t, c)
		for _, x := range []struct {
			kind     string
			now, has bool
		}{
			{"equality", c.Equality != nil, c.Next.Equality != nil},
			{"prefix", c.Prefix != nil, c.Next.Prefix != nil},
			{"suffix", c.Suffix != nil, c.Next.Suffix != nil},
			{"contains", c.Contains != nil, c.Next.Contains != nil},
			{"range", c.Range != nil, c.Next.Range != nil},
		} {
			if x.has && !x.now && !c.inTransit(x.kind) {
				b.report(t, c.Name, "search."+x.kind+".next", "there is no index that could be moved", "declare the index without next")
			}
		}
		for _, m := range c.moves() {
			if m.From != nil && m.To != nil {
				b.moveFaults(t, c, m)
			}
		}
	}
}

func (b *builder) moveFaults(t *Table, c *Column, m Move) {
	field := "search." + m.Kind + ".next"
	if m.To.Physical() == "" {
		b.report(t, c.Name, field, "the next index needs a column of its own", "add column: NAME")
		return
	}
	if m.From.Copies(m.To) && equivalent(m.From, m.To) {
		b.report(t, c.Name, field, "it is defined as the index beside it", "change a setting, or give it the next version: to have a new key")
	}
	if IndexVersion(m.To) < IndexVersion(m.From) {
		b.report(t, c.Name, field+".version", "the next index would go back to an older key", "write a version from that of the index beside it")
	}
	if m.Kind == "equality" && b.nameTaken(t, m.To) { // the others were looked at
		b.report(t, c.Name, field+".column", "the index column has the name of another column", "give it a name of its own")
	}
}

// equivalent reports two indexes of a column that hold the same.
func equivalent(a, b Index) bool {
	switch x := a.(type) {
	case *Equality:
		y := b.(*Equality)
		return x.Unique == y.Unique && x.Collation == y.Collation
	case *Fragments:
		return x.Collation == b.(*Fragments).Collation
	case *Compound:
		return x.Unique == b.(*Compound).Unique && x.Version == b.(*Compound).Version
	}
	return true
}

// groupsMove refuses a group of which only some columns are moved: when these
// are live, they could not be joined with the others.
func (b *builder) groupsMove() {
	all := map[string][]Move{}
	still := map[string]*Column{}
	for _, t := range b.cat.tables {
		for _, c := range t.Columns {
			if c == nil || c.Table == nil {
				continue
			}
			for _, x := range c.indexes {
				if g := groupOf(x); g != "" && (!c.Moving(x) || TransitOf(x) == Adding) {
					still[g+"\x00"+c.String()] = c
				}
			}
			for _, m := range c.moves() {
				if g := m.group(); g != "" && m.From != nil {
					all[g] = append(all[g], m)
					delete(still, g+"\x00"+c.String())
				}
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(still)) {
		c := still[key]
		for g := range all {
			if len(key) > len(g) && key[:len(g)+1] == g+"\x00" {
				b.report(c.Table, c.Name, "search", "other columns of its group are moved to another index, and it is not", "add next: to its index as well, or give it a group of its own")
			}
		}
	}
}

// IndexVersion is the version of the key of an index.
func IndexVersion(x Index) int {
	switch x := x.(type) {
	case *Equality:
		return x.Version
	case *Fragments:
		return x.Version
	case *Range:
		return x.Version
	case *Compound:
		return x.Version
	}
	return 0
}
