package offline

import (
	"slices"
	"strings"

	"github.com/sealsql/sealsql/internal/script"
	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/schema"
)

// Infer returns a catalog for one text in which everything is as its statements
// say: every table that they name exists and is an ordinary one; it has the
// columns that the text names and may mean there, and if it is annotated its
// annotated columns and its partition column, too. Triggers, views and routines
// do not exist.
//
// So "*" stands for fewer columns than there are, a value of an INSERT without a
// column list is not known to be encrypted, so that it is refused, and what the
// driver refuses because of the real catalog is planned.
func Infer(f rewrite.Frontend, ann Annotations, names rewrite.Names, parsed *rewrite.Script) rewrite.Catalog {
	c := &inferred{
		Catalog:   rewrite.NewCatalog(f.Dialect(), nil, names, ann.Tables, ann.Declarations),
		dialect:   f.Dialect(),
		qualified: map[string][]string{}, owners: map[string][]rewrite.RelationID{},
		annotated: map[string]bool{}, positional: map[*schema.Table]bool{},
	}
	if parsed != nil {
		for _, st := range parsed.Statements {
			c.collect(st)
		}
	}
	return c
}

// inferred is the Catalog of one text.
type inferred struct {
	rewrite.Catalog
	dialect rewrite.Dialect
	// bare are the names that may belong to any table, qualified those with the
	// name of a table before them, by that name; owners are the tables that it
	// may mean.
	bare      []string
	qualified map[string][]string
	owners    map[string][]rewrite.RelationID
	// annotated are the encrypted columns of the tables in the text, by name;
	// positional the tables that rows without column names are inserted into.
	annotated  map[string]bool
	positional map[*schema.Table]bool
}

// declared are the names that a statement gives.
type declared struct{ results, relations map[string]bool }

func (c *inferred) collect(st rewrite.Statement) {
	d := c.declared(st)
	sorted := map[*rewrite.ColumnRef]bool{}
	script.Walk(st, func(node any) bool {
		switch n := node.(type) {
		case *rewrite.Query:
			markSorted(sorted, n.OrderBy)
		case *rewrite.Select:
			markSorted(sorted, n.GroupBy)
			markSorted(sorted, []rewrite.Expr{n.Having})
		case *rewrite.Insert:
			c.add(n.Columns)
			if t := c.Annotated(n.Target.Path); t != nil && !n.HasColumns && !n.DefaultValues && !n.SetForm {
				c.positional[t] = true
			}
		case *rewrite.Join:
			c.add(n.Using)
		case *rewrite.ColumnRef:
			c.column(n, d, sorted[n])
		}
		return true
	})
}

func (c *inferred) add(ids []rewrite.Ident) {
	for _, id := range ids {
		c.bare = append(c.bare, id.Name)
	}
}

// column notes one reference.
func (c *inferred) column(n *rewrite.ColumnRef, d declared, sorted bool) {
	name := n.Path[len(n.Path)-1].Name
	if len(n.Path) > 1 {
		q := n.Path[len(n.Path)-2].Name
		if len(c.owners[q]) > 0 {
			c.qualified[q] = append(c.qualified[q], name)
			return
		}
		// Behind a query with a name, or excluded, new and old: what it yields
		// under a name of its own is no column of a table.
		if !d.results[name] {
			c.bare = append(c.bare, name)
		}
		return
	}
	// The name of a result column behind ORDER BY means that, and on PostgreSQL
	// the name of a relation its whole row.
	wholeRow := c.dialect == rewrite.Postgres && d.relations[name]
	if !wholeRow && !(sorted && d.results[name]) {
		c.bare = append(c.bare, name)
	}
}

// declared lists what a statement gives names to, and fills owners.
func (c *inferred) declared(st rewrite.Statement) declared {
	d := declared{map[string]bool{}, map[string]bool{}}
	alias := func(id *rewrite.Ident) {
		if id != nil {
			d.relations[id.Name] = true
		}
	}
	script.Walk(st, func(node any) bool {
		switch n := node.(type) {
		case *rewrite.SelectItem:
			if n.Alias != nil {
				d.results[n.Alias.Name] = true
			}
		case *rewrite.Table:
			c.own(n)
			d.relations[n.Path[len(n.Path)-1].Name] = true
			alias(n.Alias)
		case *rewrite.CTE:
			alias(&n.Name)
		case *rewrite.Derived:
			alias(n.Alias)
		case *rewrite.FuncTable:
			alias(n.Alias)
		}
		return true
	})
	return d
}

// own notes a table and the names that stand for it.
func (c *inferred) own(t *rewrite.Table) {
	id := relationID(t.Path)
	names := []string{id.Name}
	if t.Alias != nil {
		names = append(names, t.Alias.Name)
	}
	for _, name := range names {
		if !slices.Contains(c.owners[name], id) {
			c.owners[name] = append(c.owners[name], id)
		}
	}
	if ann := c.Annotated(t.Path); ann != nil {
		for _, col := range ann.Columns {
			c.annotated[strings.ToLower(col.Name)] = true
		}
	}
}

func relationID(path []rewrite.Ident) rewrite.RelationID {
	id := rewrite.RelationID{Name: path[len(path)-1].Name}
	if len(path) > 1 {
		id.Schema = path[len(path)-2].Name
	}
	return id
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
		if c.positional[rel.Annotation] {
			return rel // its columns are not known
		}
		out := *rel
		out.Open, out.Columns = false, c.columns(relationID(path), rel.Annotation)
		return &out
	case rel.Verdict == rewrite.VerdictUnknown && rel.Reason == rewrite.ReasonUnknownRelation && !c.Mentions(path[len(path)-1].Name):
		out := &rewrite.Relation{ID: rel.ID, Kind: rewrite.RelTable, Verdict: rewrite.VerdictClear, Open: true}
		if len(c.annotated) > 0 {
			out.Open, out.Columns = false, c.columns(relationID(path), nil)
		}
		return out
	}
	return rel
}

// columns are those that a table has; t is nil for one that is not annotated.
func (c *inferred) columns(id rewrite.RelationID, t *schema.Table) []rewrite.CatalogColumn {
	var out []rewrite.CatalogColumn
	first := 0
	add := func(name string) {
		same := func(x rewrite.CatalogColumn) bool {
			return x.Name == name || schema.EqualNames(x.Name, name) && (c.dialect != rewrite.Postgres || t != nil && t.Column(name) != nil)
		}
		if !slices.ContainsFunc(out, same) {
			out = append(out, rewrite.CatalogColumn{Name: name, BytewiseEqual: true})
		}
	}
	if t != nil {
		for _, col := range t.Columns {
			add(col.Name)
			out[len(out)-1].Type = rewrite.CarrierType(c.dialect, col)
		}
		for _, col := range t.Columns {
			for _, x := range col.Indexes() {
				add(x.Physical())
				out[len(out)-1].Type = rewrite.IndexType(c.dialect, x)
			}
		}
		first = len(out)
		if t.Partition.Kind == schema.PartitionColumn {
			add(t.Partition.Column)
		}
		if t.Row.Column != "" {
			add(t.Row.Column)
		}
		for _, x := range t.Compounds {
			for i := range x.Parts {
				add(x.Parts[i].Name)
			}
		}
	}
	for q, names := range c.qualified {
		if slices.Contains(c.owners[q], id) {
			for _, name := range names {
				add(name)
			}
		}
	}
	for _, name := range c.bare {
		// The name of an encrypted column means that one, which is listed.
		if !c.annotated[strings.ToLower(name)] {
			add(name)
		}
	}
	sortBehind(out, first)
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
