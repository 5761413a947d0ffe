package offline

import (
	"errors"
	"fmt"
	"strings"

	"github.com/sealsql/sealsql/schema"
)

// ParseAnnotations reads "table.column, schema.table.column:type, …": encrypted
// columns for a quick look, as text unless a type is named, with one key for
// all rows.
func ParseAnnotations(text string) (*schema.Catalog, error) {
	var tables []*schema.Table
	byName := map[string]*schema.Table{}
	for _, item := range splitItems(text) {
		name, typ, typed := strings.Cut(strings.TrimSpace(item), ":")
		parts := strings.Split(name, ".")
		if len(parts) < 2 || len(parts) > 3 {
			return nil, fmt.Errorf("%q is not table.column, table.column:type or schema.table.column", item)
		}
		col := &schema.Column{Name: parts[len(parts)-1]}
		if typed {
			t, err := schema.ParseType(typ)
			if err != nil {
				return nil, fmt.Errorf("%q: %w", item, err)
			}
			col.Type = t
		}
		t := &schema.Table{Name: parts[len(parts)-2]}
		if len(parts) == 3 {
			t.Schema = parts[0]
		}
		if known := byName[t.String()]; known != nil {
			t = known
		} else {
			byName[t.String()] = t
			tables = append(tables, t)
		}
		t.Columns = append(t.Columns, col)
	}
	if len(tables) == 0 {
		return nil, errors.New("no column is named")
	}
	return schema.New(tables, schema.Options{})
}

// splitItems cuts at commas outside of parentheses, so that numeric(10,2) is
// one item.
func splitItems(text string) []string {
	var out []string
	depth, from := 0, 0
	for i := range len(text) {
		switch text[i] {
		case '(':
			depth++
		case ')':
			depth--
		case ',':
			if depth == 0 {
				out, from = append(out, text[from:i]), i+1
			}
		}
	}
	if rest := text[from:]; strings.TrimSpace(rest) != "" {
		out = append(out, rest)
	}
	return out
}
