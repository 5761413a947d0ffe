package config

import (
	"fmt"

	"github.com/sealsql/sealsql/schema"
)

// views compares declared views: they decide what statements may read, not what
// stored data open.
func (d *differ) views(a, b *schema.Catalog) {
	for _, v := range a.Views() {
		now := viewLike(v, b)
		if now == nil {
			d.add("views."+v.String(), Harmless, "is no longer declared", "where its definition cannot be read, statements that name it are refused")
			continue
		}
		for i := range v.Columns {
			c := &v.Columns[i]
			path := "views." + v.String() + ".columns." + c.Name
			switch o := viewColumnLike(c, now); {
			case o == nil:
				d.add(path, Harmless, "is no longer declared", "where the definition cannot be read, statements that name it are refused")
			case !schema.EqualNames(c.Of, o.Of):
				d.add(path, Harmless, fmt.Sprintf("changed from %s to %s", shownBy(c), shownBy(o)), "make sure that it is what the view shows: where the definition cannot be read, the declaration is taken for it")
			}
		}
		for i := range now.Columns {
			if c := &now.Columns[i]; viewColumnLike(c, v) == nil {
				d.add("views."+v.String()+".columns."+c.Name, Harmless, "is declared now as "+shownBy(c), "")
			}
		}
	}
	for _, v := range b.Views() {
		if viewLike(v, a) == nil {
			d.add("views."+v.String(), Harmless, "is declared now", "make sure that it is what the view shows: where the definition cannot be read, the declaration is taken for it")
		}
	}
}

func viewLike(v *schema.View, in *schema.Catalog) *schema.View {
	for _, o := range in.Views() {
		if schema.EqualNames(o.String(), v.String()) {
			return o
		}
	}
	return nil
}

func viewColumnLike(c *schema.ViewColumn, in *schema.View) *schema.ViewColumn {
	for i := range in.Columns {
		if schema.EqualNames(in.Columns[i].Name, c.Name) {
			return &in.Columns[i]
		}
	}
	return nil
}

// shownBy is what the file says of a column.
func shownBy(c *schema.ViewColumn) string {
	if c.Of == "" {
		return "clear"
	}
	return c.Of
}
