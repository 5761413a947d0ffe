package config

import (
	"strings"

	"github.com/sealsql/sealsql/schema"
)

type viewSection struct {
	Columns named[viewColumn] `yaml:"columns" required:"true" doc:"The columns that statements may name: clear, or the encrypted column, partition column or row identity that is shown, as table.column. Columns that are not here are refused."`
}

func (*viewSection) refine(s map[string]any) { property(s, "columns")["minProperties"] = 1 }

func (*viewSection) instead() map[string]string {
	return map[string]string{"definition": "declare its columns: the definition is read from the database", "table": "write columns: {NAME: table.column}"}
}

// viewColumn is what a column of a view shows; empty for clear.
type viewColumn string

const viewColumnPattern = `^(clear|[^.]+\.[^.]+(\.[^.]+)?)$`

func (v *viewColumn) set(text string) (problem, suggestion string) {
	parts := strings.Split(text, ".")
	switch {
	case text == "clear":
		return "", ""
	case len(parts) < 2 || len(parts) > 3 || strings.Contains("."+text+".", ".."):
		suggestion = "write clear, table.column or schema.table.column"
		if schema.Nearest(text, []string{"clear"}) != "" {
			suggestion = "did you mean clear?"
		}
		return "this is neither clear nor a column of a table", suggestion
	}
	*v = viewColumn(text)
	return "", ""
}

func (p *parse) views(raw named[viewSection]) []*schema.View {
	var out []*schema.View
	for i := range raw {
		e := &raw[i]
		at := path("views").key(e.Key)
		schemaName, name, qualified := strings.Cut(e.Key, ".")
		if !qualified {
			schemaName, name = "", e.Key
		}
		if strings.Contains(name, ".") || name == "" || qualified && schemaName == "" {
			p.dec.atKey(at, "this is not the name of a view", "write view or schema.view")
			continue
		}
		if len(e.Value.Columns) == 0 && !p.dec.has(at.key("columns")) {
			continue // reported: the key is missing
		}
		v := &schema.View{Schema: schemaName, Name: name}
		for _, c := range e.Value.Columns {
			v.Columns = append(v.Columns, schema.ViewColumn{Name: c.Key, Of: string(c.Value)})
		}
		out = append(out, v)
	}
	return out
}
