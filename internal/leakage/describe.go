package leakage

import (
	"maps"
	"slices"

	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/schema"
)

func (m *measurement) report() Table {
	t := m.table
	t.Columns = []Column{}
	for _, c := range m.columns {
		t.Columns = append(t.Columns, m.column(c))
	}
	return t
}

func (m *measurement) column(c *columnMeter) Column {
	out := Column{
		Name: c.of.Name, Type: c.of.Type.String(), Null: c.null, Shortest: c.shortest, Longest: c.longest,
		Lengths: classesOf(slices.Collect(maps.Values(c.lengths))), Padded: c.of.Sealing.Pad != 0,
		Fixed: fixedLength(m.dialect, c.of.Type), Indexes: []Index{},
	}
	out.Lengths.Curve = nil
	for _, x := range c.indexes {
		out.Indexes = append(out.Indexes, m.index(x))
	}
	return out
}

// fixedLength reports a type whose records have one length.
func fixedLength(d rewrite.Dialect, t schema.Type) bool {
	switch t.Kind {
	case schema.KindInt, schema.KindFloat, schema.KindBool, schema.KindUUID:
		return d != rewrite.SQLite
	}
	return false
}

func (m *measurement) index(x *indexMeter) Index {
	out := Index{Physical: x.of.Physical(), Scope: "partition", Unfilled: x.unfilled, Stray: x.stray}
	if x.of.AllPartitions() {
		out.Scope = "table"
	}
	out.Classes = x.equal.classes()
	switch of := x.of.(type) {
	case *schema.Equality:
		out.Kind, out.Bits, out.Unique = "equality", of.Bits, of.Unique != schema.NotUnique
		if of.Group != of.Of.ID {
			out.Group = of.Group
		}
	case *schema.Compound:
		out.Kind, out.Bits, out.Unique = "compound", of.Bits, of.Unique
		for i := range of.Parts {
			out.Columns = append(out.Columns, of.Parts[i].Name)
		}
	case *schema.Fragments:
		out.Kind = of.Kind.String()
		if of.Kind == schema.ContainsFragments {
			out.Tokens, out.Classes = x.tokens.tokens(), x.tokens.classes()
			break
		}
		for i, l := range x.levels {
			if i < len(of.Lengths) {
				out.Levels = append(out.Levels, Level{of.Lengths[i], l.classes()})
			}
		}
	case *schema.Range:
		if of.Group != of.Of.ID {
			out.Group = of.Group
		}
		if out.Kind = "range"; of.Order == schema.OrderRevealing {
			out.Kind, out.Order, out.Classes = "order", x.order.order(), x.order.classes()
			break
		}
		for i, l := range x.levels {
			out.Levels = append(out.Levels, Level{levelBits * (i + 1), l.classes()})
		}
	}
	out.Risk = risk(x.of, &out)
	say(&m.table, m.of, x.of, &out)
	return out
}

// few is a number of groups that a person can go through by hand; enough rows
// are needed before frequencies tell anything.
const (
	few    = 16
	enough = 20
)

// risk judges an index by what its column holds.
func risk(of schema.Index, x *Index) Risk {
	c := &x.Classes
	switch {
	case c.Rows == 0:
		return RiskNone
	case x.Kind != "compound" && of.Column().Type.Kind == schema.KindBool, x.Kind == "order", x.Kind == "contains":
		return RiskHigh
	case x.Kind == "prefix" || x.Kind == "suffix" || x.Kind == "range":
		if len(x.Levels) > 0 && skewed(&x.Levels[0].Classes) && skewed(&x.Levels[len(x.Levels)-1].Classes) {
			return RiskHigh
		}
		return RiskMedium
	case skewed(c):
		return RiskHigh
	case float64(c.Singletons) >= 0.99*float64(c.Rows):
		return RiskLow
	}
	return RiskMedium
}

// skewed reports few groups, or one that holds much: frequencies then name
// values.
func skewed(c *Classes) bool {
	return c.Rows >= enough && (c.Distinct <= few && c.Distinct*4 < c.Rows || c.Share() >= 0.1)
}
