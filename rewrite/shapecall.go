package rewrite

import (
	"maps"
	"strings"

	"github.com/sealsql/sealsql/schema"
)

// SQLite tells of its catalog through table functions, too: pragma_table_info
// and its like. Where they tell of annotated tables a derived table stands for
// the call, which keeps its arguments: what is edited stands around it.

// calling writes what stands for one call of a table function.
type calling struct {
	quote   func(string) string
	columns []string // of the function, without the hidden ones
	tables  []*schema.Table
	views   []*Relation
	cat     Catalog
}

// tableCalls are the table functions that show annotated columns.
var tableCalls = map[string]struct {
	columns string
	write   func(*calling) (replace map[string]string, where string)
}{
	"pragma_table_info":       {"cid name type notnull dflt_value pk", (*calling).tableInfo},
	"pragma_table_xinfo":      {"cid name type notnull dflt_value pk hidden", (*calling).tableInfo},
	"pragma_index_info":       {"seqno cid name", (*calling).indexInfo},
	"pragma_index_xinfo":      {"seqno cid name desc coll key", (*calling).indexInfo},
	"pragma_foreign_key_list": {"id seq table from to on_update on_delete match", (*calling).foreignKeys},
}

// SQLiteTypeName is a declared type as SQLite's reports of tables spell it: the
// six that it knows by name in upper case, others as they were declared.
func SQLiteTypeName(t schema.Type) string {
	switch t.Declared {
	case "any", "blob", "int", "integer", "real", "text":
		return strings.ToUpper(t.Declared)
	case "":
		return t.Name
	}
	return t.Declared
}

// callShape is what is written around a call.
type callShape struct{ before, behind string }

// useCallShape puts a derived table around a table function that tells of
// annotated columns.
func (a *analysis) useCallShape(f *FuncTable) error {
	if a.dialect != SQLite || len(f.Calls) != 1 || a.depth > 0 {
		return nil
	}
	call, ok := f.Calls[0].(*Call)
	if !ok || len(call.Name) == 0 {
		return nil
	}
	name := strings.ToLower(call.Name[len(call.Name)-1].Name)
	kind, ok := tableCalls[name]
	sh, known := a.cat.(shaper)
	if !ok || !known || len(sh.Tables()) == 0 {
		return nil
	}
	c := &calling{quote: a.front.QuoteIdent, columns: strings.Fields(kind.columns), tables: sh.Tables(), views: a.views(), cat: a.cat}
	replace, where := kind.write(c)
	if len(replace) == 0 && where == "" {
		return nil
	}
	if !f.Known() || len(f.ColumnAliases) > 0 || f.Attr != "" || !constantArgs(call) {
		return a.refuse(call.Start, ReasonCatalog, name, "name the table in a string or a parameter")
	}
	if a.shapedCalls == nil {
		a.shapedCalls = map[*FuncTable]callShape{}
	}
	a.shapedCalls[f] = c.shape(replace, where)
	return nil
}

// constantArgs reports whether a call needs no other relation: a derived table
// could not see it.
func constantArgs(c *Call) bool {
	for _, e := range c.Args {
		switch e.(type) {
		case *Param, *Literal:
		default:
			return false
		}
	}
	return true
}

func (c *calling) shape(replace map[string]string, where string) callShape {
	items := make([]string, len(c.columns))
	for i, n := range c.columns {
		items[i] = c.quote(n)
		if e := replace[n]; e != "" {
			items[i] = e + " AS " + c.quote(n)
		}
	}
	s := callShape{before: "(SELECT " + strings.Join(items, ", ") + " FROM ", behind: ")"}
	if where != "" {
		s.behind = " WHERE " + where + ")"
	}
	return s
}

// about is the condition that the function was asked about a table. The hidden
// columns of the function are its arguments.
func about(t *schema.Table) string {
	return "lower(arg) = " + literal(strings.ToLower(t.Name)) + inSchema(t)
}

func inSchema(t *schema.Table) string {
	if t.Schema == "" {
		return ""
	}
	return " AND (schema IS NULL OR lower(schema) = " + literal(strings.ToLower(t.Schema)) + ")"
}

func (c *calling) isNamed(column, name string) string {
	return "lower(" + c.quote(column) + ") = " + literal(strings.ToLower(name))
}

// tableInfo shows logical types, and no index columns.
func (c *calling) tableInfo() (map[string]string, string) {
	var arms, hidden, defaults strings.Builder
	for _, t := range c.tables {
		for _, col := range t.Columns {
			is := " WHEN " + about(t) + " AND " + c.isNamed("name", col.Name) + " THEN "
			arms.WriteString(is + literal(SQLiteTypeName(col.Type)))
			if col.Default != nil {
				defaults.WriteString(is + literal(markOf(col)))
			}
			for _, x := range col.Hidden() {
				if hidden.Len() > 0 {
					hidden.WriteString(" AND ")
				}
				hidden.WriteString("NOT (" + about(t) + " AND " + c.isNamed("name", x.Physical()) + ")")
			}
		}
	}
	for _, v := range c.views {
		of := c.aboutView(v)
		for _, col := range v.look.cols {
			switch is := of + " AND " + c.isNamed("name", col.Name); {
			case col.Hidden:
				if hidden.Len() > 0 {
					hidden.WriteString(" AND ")
				}
				hidden.WriteString("NOT (" + is + ")")
			case col.Column != nil:
				arms.WriteString(" WHEN " + is + " THEN " + literal(SQLiteTypeName(col.Column.Type)))
			}
		}
	}
	if arms.Len() == 0 {
		return nil, hidden.String()
	}
	replace := map[string]string{"type": "(CASE" + arms.String() + " ELSE " + c.quote("type") + " END)"}
	if defaults.Len() > 0 {
		replace["dflt_value"] = "(CASE" + defaults.String() + " ELSE " + c.quote("dflt_value") + " END)"
	}
	return replace, hidden.String()
}

// indexInfo shows indexes over index columns as indexes over their columns.
func (c *calling) indexInfo() (map[string]string, string) {
	var arms strings.Builder
	for _, t := range c.tables {
		of := "EXISTS (SELECT 1 FROM sqlite_schema AS sealsql_m WHERE sealsql_m.type = 'index' AND lower(sealsql_m.name) = lower(arg) AND lower(sealsql_m.tbl_name) = " +
			literal(strings.ToLower(t.Name)) + ")" + inSchema(t)
		c.names(&arms, t, "name", of)
	}
	return c.named("name", &arms), ""
}

// foreignKeys shows keys over index columns as keys over their columns.
func (c *calling) foreignKeys() (map[string]string, string) {
	var from, to strings.Builder
	for _, t := range c.tables {
		c.names(&from, t, "from", about(t))
		c.names(&to, t, "to", c.isNamed("table", t.Name))
	}
	replace := map[string]string{}
	maps.Copy(replace, c.named("from", &from))
	maps.Copy(replace, c.named("to", &to))
	return replace, ""
}

// names writes, for each index column of a table, the name of what it indexes.
func (c *calling) names(arms *strings.Builder, t *schema.Table, column, of string) {
	for _, col := range t.Columns {
		for _, x := range col.Hidden() {
			arms.WriteString(" WHEN " + c.isNamed(column, x.Physical()) + " AND " + of + " THEN " + literal(col.Name))
		}
	}
}

func (c *calling) named(column string, arms *strings.Builder) map[string]string {
	if arms.Len() == 0 {
		return nil
	}
	return map[string]string{column: "(CASE" + arms.String() + " ELSE " + c.quote(column) + " END)"}
}

// callEdits writes what stands around a call.
func (b *builder) callEdits() {
	for f, s := range b.a.shapedCalls {
		behind := s.behind
		if f.Alias == nil {
			name := f.Calls[0].(*Call).Name
			behind += " AS " + b.a.front.QuoteIdent(name[len(name)-1].Name)
		}
		b.edits = append(b.edits, edit{span: Span{f.Start, f.Start}, text: s.before}, edit{span: Span{f.End, f.End}, text: behind})
	}
}

// derivedCall holds an edited call against the derived table that it must be.
func (v verifier) derivedCall(x *FuncTable, s callShape, y TableExpr) bool {
	d, ok := y.(*Derived)
	if !ok || d.Lateral || d.Alias == nil || len(d.ColumnAliases) > 0 {
		return false
	}
	name := x.Calls[0].(*Call).Name
	if alias := x.Alias; d.Alias.Name != name[len(name)-1].Name && alias == nil || alias != nil && d.Alias.Name != alias.Name {
		return false
	}
	got, gotFrom := derivedFrom(d)
	if gotFrom == nil || !v.exprs(x.Calls, gotFrom.Calls) || gotFrom.Alias != nil || gotFrom.Attr != "" {
		return false
	}
	// The rest is compared with one and the same call in both.
	want, err := v.b.a.front.Parse("SELECT * FROM "+s.before+"pragma_table_info('x')"+s.behind+" AS x", v.b.a.session)
	if err != nil || len(want.Statements) != 1 {
		return false
	}
	q, ok := want.Statements[0].(*Query)
	if !ok {
		return false
	}
	sel, ok := q.Body.(*Select)
	if !ok || len(sel.From) != 1 {
		return false
	}
	w, ok := sel.From[0].(*Derived)
	if !ok {
		return false
	}
	inner, wantFrom := derivedFrom(w)
	if wantFrom == nil {
		return false
	}
	kept := got.From
	got.From = inner.From
	same := v.query(w.Query, d.Query)
	got.From = kept
	return same
}

// derivedFrom returns the SELECT of a derived table that reads one function.
func derivedFrom(d *Derived) (*Select, *FuncTable) {
	s, ok := d.Query.Body.(*Select)
	if !ok || len(s.From) != 1 {
		return nil, nil
	}
	f, _ := s.From[0].(*FuncTable)
	return s, f
}
