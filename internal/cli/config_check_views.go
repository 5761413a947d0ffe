package cli

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/sealsql/sealsql/config"
	sealdriver "github.com/sealsql/sealsql/driver"
	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/schema"
)

// summarizeViews prints the declared views.
func summarizeViews(w io.Writer, c *schema.Catalog) {
	for _, v := range c.Views() {
		fmt.Fprintf(w, "\nview %s:", v)
		for i := range v.Columns {
			c := &v.Columns[i]
			of := c.Of
			if of == "" {
				of = "clear"
			}
			if i > 0 {
				fmt.Fprint(w, ",")
			}
			fmt.Fprintf(w, " %s is %s", c.Name, of)
		}
		fmt.Fprintln(w)
	}
}

// compareViews prints which declared views the database does not have, or has
// otherwise; found tells whether there are any.
func compareViews(w io.Writer, front rewrite.Frontend, i *sealdriver.Inspection, cfg *config.Config) (found bool) {
	cat := rewrite.NewCatalog(front.Dialect(), i.Snapshot, i.Session.Names, cfg.Catalog, declarations(cfg))
	for _, v := range cfg.Catalog.Views() {
		for _, name := range viewNames(v, i) {
			text := []byte("SELECT 1 FROM ")
			if name.Schema != "" {
				text = append(front.AppendIdent(text, name.Schema), '.')
			}
			var u *rewrite.UnsupportedError
			_, err := rewrite.PlanOnce(front, string(front.AppendIdent(text, name.Name)), cat, &i.Session.Plan, rewrite.Options{})
			if !errors.As(err, &u) {
				continue
			}
			if !found {
				fmt.Fprint(w, "\nviews are declared otherwise than the database has them:\n")
			}
			found = true
			fmt.Fprintf(w, "  %s: %s\n", v, u.Hint)
		}
	}
	return found
}

// viewNames are the relations that a declaration means; its own name where the
// database has none.
func viewNames(v *schema.View, i *sealdriver.Inspection) []rewrite.RelationID {
	var out []rewrite.RelationID
	for k := range i.Snapshot.Relations {
		id := i.Snapshot.Relations[k].ID
		near := v.Schema != "" || slices.Contains(i.Session.Names.SearchPath, id.Schema)
		if schema.EqualNames(id.Name, v.Name) && near && (v.Schema == "" || schema.EqualNames(id.Schema, v.Schema)) {
			out = append(out, id)
		}
	}
	if len(out) == 0 {
		out = append(out, rewrite.RelationID{Schema: v.Schema, Name: v.Name})
	}
	return out
}
