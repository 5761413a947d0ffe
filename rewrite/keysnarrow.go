package rewrite

import (
	"slices"

	"github.com/sealsql/sealsql/schema"
)

// Keys stand in the statement where an index was asked, and nothing of that is
// left to be seen there: the condition of the context's partition (narrow.go) is
// written into the text together with the keys, as a constant.

// keyCut is a place of the statement that is written anew: its text goes in, and
// behind it what the place stands for.
type keyCut struct {
	edit  edit
	place *keyPlace
}

func (p *keysPlanner) cut(at Span, pl keyPlace) {
	p.cuts = append(p.cuts, keyCut{edit{span: at}, &pl})
}

// narrow adds the condition of the context's partition for a table whose keys
// are looked up; false where it has no place, and rows of other partitions are
// seen.
func (p *keysPlanner) narrow(r *relation, c *schema.Column) bool {
	a, t := p.a, r.annotated()
	if t.Partition.Kind == schema.PartitionConst || r.fixed != nil || !a.opt.ContextPartition || !seenWithin(c) {
		return true
	}
	if !a.narrow(r) {
		return false
	}
	if slices.ContainsFunc(p.seen, func(k mergedKey) bool { return k.rel.pos == r.pos }) {
		return true
	}
	p.seen = append(p.seen, mergedKey{rel: r})
	i := slices.IndexFunc(a.narrowed, func(n narrowed) bool { return n.in.owner == r.owner && n.rel.pos == r.pos })
	in := &a.narrowed[i].in
	column := a.columnText(r, r.partCol) + " = "
	p.first.Narrowed = append(p.first.Narrowed, t)
	pl := keyPlace{partition: len(p.first.Narrowed)}
	// A WHERE of its own stands behind an ON that ends where it begins.
	at := edit{kind: editAlso, span: Span{in.at, in.at}, tail: !in.span.Known()}
	lead, behind := keyCut{at, &pl}, keyCut{edit: at}
	lead.edit.text, behind.edit.text = " AND "+column, " "
	switch {
	case in.span.Known():
		p.parenthesise(in.span)
	case !slices.ContainsFunc(p.cuts, func(c keyCut) bool { return c.place != nil && c.edit.tail && c.edit.span == at.span }):
		lead.edit.text = " WHERE " + column
	}
	p.cuts = append(p.cuts, lead, behind)
	return true
}

// parenthesise encloses a condition, once.
func (p *keysPlanner) parenthesise(s Span) {
	if slices.ContainsFunc(p.cuts, func(c keyCut) bool { return c.edit.kind == editOpen && c.edit.span.Start == s.Start }) {
		return
	}
	open := keyCut{edit: edit{kind: editOpen, span: Span{s.Start, s.Start}, text: "("}}
	end := keyCut{edit: edit{span: Span{s.End, s.End}, text: ")"}} // ranks in front of what is added
	p.cuts = append(p.cuts, open, end)
}

// seenWithin reports a column of which patterns find the rows of one partition:
// by an index within partitions, or by opening every value.
func seenWithin(c *schema.Column) bool {
	return scanned(c) != nil || slices.ContainsFunc(c.Fragments(), func(f *schema.Fragments) bool { return !f.AllPartitions() })
}

// narrowedWell proves that the conditions belong to what they were meant for:
// the statement with them, and nothing else changed, is verified as any other.
func (p *keysPlanner) narrowedWell() error {
	if len(p.first.Narrowed) == 0 {
		return nil
	}
	a := newAnalysis(p.a.work, p.a.front, p.a.script, p.a.cat, p.a.session, p.a.opt)
	a.narrowed = slices.Clone(p.a.narrowed)
	b, err := a.edited()
	if err != nil {
		return err
	}
	_, err = b.checked()
	return err
}

// StandIns are constants, one for each of Narrowed, as partitions may come to stand
// in the text: with them it can be looked at, not run. Main is the plan of the
// text with these and no keys.
func (k *KeysFirst) StandIns(f Frontend) []string {
	out := make([]string, len(k.Narrowed))
	for i := range out {
		out[i] = f.StringLiteral("p")
	}
	return out
}
