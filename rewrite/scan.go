package rewrite

import "github.com/sealsql/sealsql/schema"

// LIKE over a column that is searched by equality alone has no index to ask. It
// is planned all the same, because applications and object mappers send it: the
// server hands over every row that has a value and meets the other conditions,
// and the driver leaves out those that do not match, as it does behind a lossy
// index. How many rows it may open in vain is bounded (schema.Column.Scan).

// scanned returns the index for equality of a column whose values may be compared
// with patterns one by one, or nil.
func scanned(c *schema.Column) *schema.Equality {
	e := c.Equality
	if c.Scan <= 0 || e == nil || len(c.Fragments()) > 0 || c.Type.Kind != schema.KindText || c.Type.Fixed || e.Collation == schema.CollationNormalized {
		return nil
	}
	return e
}

// scanPart plans the condition that there is a value: its index is not less than
// an empty one, which goes out in the pattern's place, or NULL for NULL.
func (a *analysis) scanPart(l *liked) error {
	if err := a.operator(">=", l.op.Start); err != nil {
		return err
	}
	a.narrow(l.rel) // every row is opened, and those of other partitions do not open
	out := Out{Value: l.like.Pattern, Index: l.like.Scan, Compared: true, Text: l.like.Text, Like: l.like, Pattern: PatternLow}
	l.parts = append(l.parts, likePart{kind: partScan, outs: []Out{out}})
	return nil
}

func (b *builder) writeScan(out []byte, l *liked, p *likePart) []byte {
	last := l.ref.Path[len(l.ref.Path)-1]
	out = append(out, b.a.script.Text[l.ref.Start:last.Start]...) // the qualifiers, as they are
	out = b.a.front.AppendIdent(out, l.like.Scan.Name)
	return b.writeSlot(append(out, " >= "...), p.slots[0])
}

func (v verifier) scan(l *liked, p *likePart, y Expr) bool {
	o, ok := y.(*Op)
	if !ok || o.Name != ">=" || len(o.Args) != 2 {
		return false
	}
	ref, ok := o.Args[0].(*ColumnRef)
	n := len(l.ref.Path) - 1
	return ok && len(ref.Path) == n+1 && idents(l.ref.Path[:n], ref.Path[:n]) && ref.Path[n].Name == l.like.Scan.Name && v.slot(p.slots[0], o.Args[1])
}
