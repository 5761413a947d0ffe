package offline

import (
	"slices"

	"github.com/sealsql/sealsql/internal/script"
	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/schema"
)

// Infer returns a catalog for one statement in which everything is as the
// statement says: every table that it names exists and is an ordinary one; an
// annotated table has its annotated columns, its partition column, and the
// columns that the statement names and may mean there; any other table has
// whatever columns are asked of it. Triggers, views and routines do not exist.
//
// So "*" over an annotated table stands for fewer columns than the table has,
// and what the driver refuses because of the real catalog is planned.
func Infer(f rewrite.Frontend, session *rewrite.Session, ann Annotations, names rewrite.Names, parsed *rewrite.Script) rewrite.Catalog {
	c := &inferred{
		Catalog: rewrite.NewCatalog(f.Dialect(), nil, names, ann.Tables, ann.Declarations),
		dialect: f.Dialect(),
	}
	if parsed != nil {
		for _, st := range parsed.Statements {
			c.collect(st)
		}
	}
	return c
}

// inferred is the Catalog of one statement.
type inferred struct {
	rewrite.Catalog
	dialect rewrite.Dialect
	// bare are the names without a qualifier, qualified those with one, by
	// qualifier; owners are the tables that a qualifier may mean.
	bare      []string
	qualified map[string][]string
	owners    map[string][]*schema.Table
}

func (c *inferred) collect(st rewrite.Statement) {
	c.qualified, c.owners = map[string][]string{}, map[string][]*schema.Table{}
	results, relations := c.declared(st)
	sorted := map[*rewrite.ColumnRef]bool{}
	script.Walk(st, func(node any) bool {
		switch n := node.(type) {
		case *rewrite.Query:
			markSorted(sorted, n.OrderBy)
		case *rewrite.Select:
			markSorted(sorted, n.GroupBy)
			markSorted(sorted, []rewrite.Expr{n.Having})
		case *rewrite.Insert:
			for _, id := range n.Columns {
				c.bare = append(c.bare, id.Name)
			}
		case *rewrite.ColumnRef:
			name := n.Path[len(n.Path)-1].Name
			if len(n.Path) > 1 {
				q := n.Path[len(n.Path)-2].Name
				c.qualified[q] = append(c.qualified[q], name)
				return true
			}
			// The name of a result column behind ORDER BY means that, and the
			// name of a relation its whole row.
			if !relations[name] && !(sorted[n] && results[name]) {
				c.bare = append(c.bare, name)
			}
		}
		return true
	})
}

// declared lists the names of result columns and of relations in a statement,
// and fills owners.
func (c *inferred) declared(st rewrite.Statement) (results, relations map[string]bool) {
	results, relations = map[string]bool{}, map[string]bool{}
	own := func(name string, t *schema.Table) {
		relations[name] = true
		c.owners[name] = append(c.owners[name], t)
	}
	script.Walk(st, func(node any) bool {
		switch n := node.(type) {
		case *rewrite.SelectItem:
			if n.Alias != nil {
				results[n.Alias.Name] = true
			}
		case *rewrite.Table:
			t := c.Annotated(n.Path)
			own(n.Path[len(n.Path)-1].Name, t)
			if n.Alias != nil {
				own(n.Alias.Name, t)
			}
		case *rewrite.CTE:
			own(n.Name.Name, nil)
		case *rewrite.Derived:
			if n.Alias != nil {
				own(n.Alias.Name, nil)
			}
		case *rewrite.FuncTable:
			if n.Alias != nil {
				own(n.Alias.Name, nil)
			}
		}
		return true
	})
	return results, relations
}

func markSorted(sorted map[*rewrite.ColumnRef]bool, es []rewrite.Expr) {
	for _, e := range es {
		if e == nil {
			continue
		}
		script.Walk(e, func(node any) bool {
			if ref, ok := node.(*rewrite.ColumnRef); ok {
				sorted[ref] = true
			}
			_, inner := node.(*rewrite.Query)
			return !inner
		})
	}
}

// Relation resolves a name.
func (c *inferred) Relation(path []rewrite.Ident) *rewrite.Relation {
	rel := c.Catalog.Relation(path)
	switch {
	case rel.Verdict == rewrite.VerdictAnnotated:
		out := *rel
		out.Open, out.Columns = false, c.columns(rel.Annotation)
		return &out
	case rel.Verdict == rewrite.VerdictUnknown && rel.Reason == rewrite.ReasonUnknownRelation && !c.Mentions(path[len(path)-1].Name):
		return &rewrite.Relation{ID: rel.ID, Kind: rewrite.RelTable, Verdict: rewrite.VerdictClear, Open: true}
	}
	return rel
}

// columns are those that an annotated table has.
func (c *inferred) columns(t *schema.Table) []rewrite.CatalogColumn {
	var out []rewrite.CatalogColumn
	add := func(name string) {
		same := func(x rewrite.CatalogColumn) bool {
			return x.Name == name || schema.EqualNames(x.Name, name) && (c.dialect != rewrite.Postgres || t.Column(name) != nil)
		}
		if !slices.ContainsFunc(out, same) {
			out = append(out, rewrite.CatalogColumn{Name: name, BytewiseEqual: true})
		}
	}
	for _, col := range t.Columns {
		add(col.Name)
		out[len(out)-1].Type = rewrite.CarrierType(c.dialect, col)
	}
	if t.Partition.Kind == schema.PartitionColumn {
		add(t.Partition.Column)
	}
	for q, names := range c.qualified {
		owners, known := c.owners[q]
		// Unknown qualifiers are excluded, new, old and the like.
		if known && !slices.Contains(owners, t) {
			continue
		}
		for _, name := range names {
			add(name)
		}
	}
	for _, name := range c.bare {
		add(name)
	}
	sortBehind(out, len(t.Columns))
	return out
}

// sortBehind puts the columns from n on in order, so that plans do not depend
// on the order of a map.
func sortBehind(cols []rewrite.CatalogColumn, n int) {
	slices.SortFunc(cols[n:], func(a, b rewrite.CatalogColumn) int {
		switch {
		case a.Name < b.Name:
			return -1
		case a.Name > b.Name:
			return 1
		}
		return 0
	})
}
