package explain

import (
	"slices"
	"strings"

	"github.com/sealsql/sealsql/internal/script"
	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/schema"
)

// searches lists the indexes that the text compares or joins by. Where an
// index is written, and where it stands for a unique key, nothing is searched.
func (d *describer) searches() []Line {
	var out []Line
	if d.shape == nil {
		return nil
	}
	seen := map[schema.Index]bool{}
	for _, st := range d.shape.Statements {
		if _, definition := st.(*rewrite.Other); definition {
			continue
		}
		tables, written := tablesOf(st), written(st)
		script.Walk(st, func(node any) bool {
			ref, ok := node.(*rewrite.ColumnRef)
			if !ok || written[ref] {
				return true
			}
			if e := d.index(ref, tables); e != nil && !seen[e] {
				seen[e] = true
				out = append(out, search(len(out)+1, e))
			}
			return true
		})
	}
	return out
}

// tablesOf returns the tables of a statement by the names that stand for them.
func tablesOf(st rewrite.Statement) map[string]string {
	tables := map[string]string{}
	script.Walk(st, func(node any) bool {
		if t, ok := node.(*rewrite.Table); ok {
			name := t.Path[len(t.Path)-1].Name
			tables[name] = name
			if t.Alias != nil {
				tables[t.Alias.Name] = name
			}
		}
		return true
	})
	return tables
}

// written returns the columns of a statement that are written, proposed for
// that, or name a unique key.
func written(st rewrite.Statement) map[*rewrite.ColumnRef]bool {
	refs := map[*rewrite.ColumnRef]bool{}
	add := func(e rewrite.Expr) {
		if v, ok := e.(*rewrite.ValuesRef); ok {
			e = v.Column
		}
		if ref, ok := e.(*rewrite.ColumnRef); ok {
			refs[ref] = true
		}
	}
	script.Walk(st, func(node any) bool {
		switch n := node.(type) {
		case *rewrite.Assign:
			for _, c := range n.Columns {
				add(c)
			}
			add(n.Value)
		case *rewrite.Upsert:
			for _, e := range n.Target {
				add(e)
			}
		}
		return true
	})
	return refs
}

// index returns the index that a column of the sent text is, or nil.
func (d *describer) index(ref *rewrite.ColumnRef, tables map[string]string) schema.Index {
	name := ref.Path[len(ref.Path)-1].Name
	for _, t := range d.plan.Tables {
		e := t.IndexColumn(name)
		if e == nil {
			continue
		}
		if len(ref.Path) == 1 || schema.EqualNames(tables[ref.Path[len(ref.Path)-2].Name], t.Name) {
			return e
		}
	}
	return nil
}

func kindOf(x schema.Index) string {
	switch x := x.(type) {
	case *schema.Range:
		if x.Order == schema.OrderRevealing {
			return "order"
		}
		return "range"
	case *schema.Fragments:
		return x.Kind.String()
	case *schema.Compound:
		return "compound"
	}
	return ""
}

// subject names what an index is of: its column, or all columns of a compound one.
func subject(x schema.Index) string {
	if c, ok := x.(*schema.Compound); ok {
		return c.String()
	}
	return x.Column().String()
}

// subjectType is the type of the values of an index.
func subjectType(x schema.Index) string {
	c, ok := x.(*schema.Compound)
	if !ok {
		return x.Column().Type.String()
	}
	types := make([]string, len(c.Parts))
	for i := range c.Parts {
		types[i] = c.Parts[i].Type.String()
	}
	return strings.Join(types, ", ")
}

func search(n int, e schema.Index) Line {
	return Line{
		Number: n, Name: e.Column().Table.Name + "." + e.Physical(), Action: "searched", Leaks: Searchable(e),
		Uses: []Use{{What: useCompared, Column: subject(e), Type: subjectType(e), Index: e.Physical(), Kind: kindOf(e)}},
	}
}

// distinct drops repetitions and keeps the order.
func distinct(leaks []Leak) []Leak {
	out := []Leak{}
	for _, l := range leaks {
		if !slices.Contains(out, l) {
			out = append(out, l)
		}
	}
	return out
}
