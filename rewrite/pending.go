package rewrite

import (
	"strings"

	"github.com/sealsql/sealsql/schema"
)

// A configuration may name columns that their table does not have yet: a
// release that adds one starts before its migration ran, and a history of
// migrations creates tables before it adds their columns. Such a table can be
// altered, read by statements without values, and filled with what is in the
// database already. Everything else is refused, since the name may as well be
// misspelt, and the column that was meant would be written, or compared, in
// clear.

// bringsValues reports whether the text has parameters or strings, but for the
// parameters of LIMIT and OFFSET, which migrators bind when they look at a
// table. SQLite reads a name in double quotes as a string where nothing has that
// name.
func (a *analysis) bringsValues() bool {
	for i, t := range a.script.Tokens {
		switch t.Kind {
		case TokParam:
			if before := words(a.script.Tokens[max(i-1, 0):i]); !before.is("LIMIT") && !before.is("OFFSET") {
				return true
			}
		case TokString:
			return true
		case TokQuoted:
			if a.dialect == SQLite && a.script.Text[t.Start] == '"' {
				return true
			}
		}
	}
	return false
}

// movesOnly reports whether nothing is in the text that could be stored: what it
// writes is in the database already. Migrators copy tables into new ones so.
func (a *analysis) movesOnly() bool {
	for _, t := range a.script.Tokens {
		if t.Kind == TokNumber {
			return false
		}
	}
	return !a.bringsValues()
}

// has reports whether the relation has a column of that name.
func (r *SnapshotRelation) has(column string) bool {
	for i := range r.Columns {
		if strings.EqualFold(r.Columns[i].Name, column) {
			return true
		}
	}
	return false
}

func pendingHint(c *schema.Column) string {
	return "the table does not have the encrypted column " + c.Name + " yet: add it with ALTER TABLE, or correct its name in the configuration"
}

// Pending lists the annotated columns that their tables do not have.
func Pending(snap *Snapshot, annotations *schema.Catalog) []*schema.Column {
	var out []*schema.Column
	for i := range snap.Relations {
		r := &snap.Relations[i]
		t := annotations.Lookup(r.ID.Schema, r.ID.Name)
		if t == nil || t.Rebuilds != nil || r.Temp || r.Kind != RelTable && r.Kind != RelPartitioned {
			continue
		}
		for _, c := range t.Columns {
			if !r.has(c.Name) {
				out = append(out, c)
			}
		}
	}
	return out
}

// Unborn lists the indexes that statements do not write, or not yet
// (schema.Column.Unborn), of whose columns the snapshot's tables have one.
func Unborn(snap *Snapshot, annotations *schema.Catalog) []schema.Index {
	var out []schema.Index
	for i := range snap.Relations {
		r := &snap.Relations[i]
		t := annotations.Lookup(r.ID.Schema, r.ID.Name)
		if t == nil || r.Temp {
			continue
		}
		for _, c := range t.Columns {
			for _, x := range c.Unborn() {
				if r.has(x.Physical()) {
					out = append(out, x)
				}
			}
		}
	}
	return out
}
