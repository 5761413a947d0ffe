package rewrite

import (
	"strconv"
	"strings"
)

// What grouping by indexes writes, and how it is proven.

// grouping collects the edits of keys, of values that are picked from their
// groups, and of DISTINCT.
func (b *builder) grouping() {
	for e, h := range b.a.eq.placed {
		b.edits = append(b.edits, edit{span: e.Range(), text: string(b.writeColumn(nil, h.rel, h.col, false))})
	}
	for ref, p := range b.a.eq.picks {
		open, end := b.a.picking()
		name := ""
		if p.alias != "" {
			name = " AS " + b.a.front.QuoteIdent(p.alias)
		}
		b.edits = append(b.edits, edit{span: Span{ref.Start, ref.Start}, text: open})
		if p.at <= ref.End {
			b.edits = append(b.edits, edit{span: Span{ref.End, ref.End}, text: end + name})
			continue
		}
		b.edits = append(b.edits, edit{span: Span{ref.End, ref.End}, text: end}, edit{span: Span{p.at, p.at}, text: name})
	}
	for _, d := range b.a.eq.distinct {
		if b.a.dialect == Postgres {
			b.edits = append(b.edits, edit{span: Span{d.word.End, d.word.End}, text: "ON (" + b.distinctKeys(d) + ") "})
			continue
		}
		b.edits = append(b.edits, edit{span: d.word}, edit{span: Span{d.at, d.at}, text: " GROUP BY " + b.distinctKeys(d) + " ", tail: true})
	}
}

// picking is what stands around a value that is picked from its group.
func (a *analysis) picking() (open, end string) {
	if a.dialect == Postgres {
		return "(array_agg(", "))[1]"
	}
	return "MIN(", ")"
}

func (b *builder) distinctKeys(d *distinctness) string {
	var out []byte
	for i, k := range d.keys {
		if i > 0 {
			out = append(out, ", "...)
		}
		if k.ordinal > 0 {
			out = strconv.AppendInt(out, int64(k.ordinal), 10)
			continue
		}
		out = b.writeColumn(out, k.of.rel, k.of.col, false)
	}
	return string(out)
}

// picked reports an item that is written under the name of its column.
func (a *analysis) picked(it *SelectItem) bool {
	ref, ok := it.Expr.(*ColumnRef)
	return ok && a.eq.picks[ref].alias != ""
}

// itemAlias compares the alias of an item with that of the edited one.
func (v verifier) itemAlias(x *SelectItem, y *Ident) bool {
	if v.b.a.picked(x) {
		return y != nil && y.Name == v.b.a.eq.picks[x.Expr.(*ColumnRef)].alias
	}
	if name := v.b.a.eq.named[x]; name != "" {
		return y != nil && y.Name == name
	}
	return alias(x.Alias, y)
}

// unpicked takes the aggregate off a picked value; nil for anything else.
func (a *analysis) unpicked(y Expr) Expr {
	name := "MIN"
	if a.dialect == Postgres {
		o, ok := y.(*Opaque)
		if !ok || o.What != "subscript" || o.Attr != "[#]" || len(o.Kids) != 2 || len(o.Queries) > 0 {
			return nil
		}
		if one, ok := o.Kids[1].(*Literal); !ok || one.Kind != LitNumber || one.Value != "1" {
			return nil
		}
		name, y = "array_agg", o.Kids[0]
	}
	c, ok := y.(*Call)
	if !ok || len(c.Name) != 1 || !a.same(c.Name[0].Name, name) || len(c.Args) != 1 || c.Star || c.Distinct || c.Over || len(c.Extra) > 0 {
		return nil
	}
	return c.Args[0]
}

// place holds a key against the column that it became.
func (v verifier) place(h hit, y Expr) bool {
	ref, ok := y.(*ColumnRef)
	if !ok {
		return false
	}
	var path []string
	switch r := h.rel; {
	case r.alias.Name == "":
	case len(r.path) > 1:
		for _, p := range r.path {
			path = append(path, p.Name)
		}
	default:
		path = append(path, r.alias.Name)
	}
	return v.names(append(path, h.rel.cols[h.col].name), ref.Path)
}

// distinct compares DISTINCT and GROUP BY.
func (v verifier) distinct(x, y *Select) bool {
	d := v.b.a.eq.distinct[x]
	if d == nil {
		return x.Distinct == y.Distinct && v.exprs(x.DistinctOn, y.DistinctOn) && v.exprs(x.GroupBy, y.GroupBy)
	}
	got := y.GroupBy
	if v.b.a.dialect == Postgres {
		if got = y.DistinctOn; !v.exprs(x.GroupBy, y.GroupBy) {
			return false
		}
	}
	if y.Distinct || len(got) != len(d.keys) {
		return false
	}
	for i, k := range d.keys {
		if k.ordinal == 0 {
			if !v.place(k.of, got[i]) {
				return false
			}
			continue
		}
		if n, ok := got[i].(*Literal); !ok || n.Value != strconv.Itoa(k.ordinal) {
			return false
		}
	}
	return true
}

// selectAttr is what the edited SELECT has for Attr: on MySQL with the directions
// of a GROUP BY that was added.
func (v verifier) selectAttr(x *Select) string {
	if d := v.b.a.eq.distinct[x]; d != nil && v.b.a.dialect == MySQL {
		return x.Attr + " group " + strings.Repeat("a", len(d.keys))
	}
	return x.Attr
}
