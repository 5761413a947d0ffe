package rewrite

import (
	"slices"
	"strings"
	"sync"

	"github.com/sealsql/sealsql/schema"
)

// The database's catalog tells of views over annotated tables, too: their columns
// have the logical types, and the index columns that they show are left out, of
// their lists of columns and of their texts.

// ViewColumn is a column of a view over annotated tables, as the application is
// to see it.
type ViewColumn struct {
	Name string
	// Column is the encrypted column whose values it shows; nil for others. Where
	// it shows values of several, they have one type.
	Column *schema.Column
	// Hidden columns hold search indexes: no statement names them.
	Hidden bool
}

// viewLook is what reports of the catalog show of a view.
type viewLook struct {
	once sync.Once
	cols []ViewColumn
	// lists are the select lists of the definition that show indexes, as they stand
	// in its text, and as they are without.
	lists [][2]string
}

// look reads a view once for all reports. Views that are refused are reported as
// they are.
func (a *analysis) look(rel *Relation) *viewLook {
	l := rel.look
	l.once.Do(func() {
		sub := newAnalysis(a.work, a.front, a.script, a.cat, a.session, Options{})
		r, err := sub.view(rel, &Table{Path: []Ident{{Name: rel.ID.Name}}})
		if err != nil {
			return
		}
		hides := false
		for i := range r.cols {
			c := &r.cols[i]
			v := ViewColumn{Name: c.name, Hidden: c.hidden}
			if !c.hidden {
				v.Column = oneType(c.flow)
			}
			hides = hides || c.hidden
			l.cols = append(l.cols, v)
		}
		for _, s := range byPlace(r.view.defined) {
			if hides {
				l.list(s.Items, r.view.defined[s], rel.view.script.Text)
			}
		}
	})
	return l
}

// oneType is the column whose type all values of a flow have, or nil.
func oneType(f flow) *schema.Column {
	for i := range f {
		if f[i].col.Type.Declared != f[0].col.Type.Declared {
			return nil
		}
	}
	if len(f) == 0 {
		return nil
	}
	return f[0].col
}

// list leaves the hidden columns out of a select list.
func (l *viewLook) list(items []SelectItem, cols []column, text string) {
	if len(items) != len(cols) || !slices.ContainsFunc(cols, func(c column) bool { return c.reserved }) {
		return // "*", which shows no names
	}
	var kept strings.Builder
	last := -1
	for i := range items {
		if _, star := items[i].Expr.(*Star); star || !items[i].Known() {
			return
		}
		if cols[i].reserved {
			continue
		}
		if last >= 0 { // what stands between two items, with the white space of this one
			kept.WriteString(text[items[i-1].End:items[i].Start])
		}
		kept.WriteString(text[items[i].Start:items[i].End])
		last = i
	}
	if last >= 0 {
		l.lists = append(l.lists, [2]string{text[items[0].Start:items[len(items)-1].End], kept.String()})
	}
}

// without is a definition without the lists' indexes.
func (l *viewLook) without(text string) string {
	for _, x := range l.lists {
		text = strings.ReplaceAll(text, x[0]+"  ", x[1]+" ") // a blank of ours behind what was added
		text = strings.ReplaceAll(text, x[0], x[1])
	}
	return text
}

// views are the views over annotated tables whose columns are known.
func (a *analysis) views() []*Relation {
	sh, ok := a.cat.(shaper)
	if !ok {
		return nil
	}
	var out []*Relation
	for _, rel := range sh.Views() {
		if len(a.look(rel).cols) > 0 {
			out = append(out, rel)
		}
	}
	return out
}

// isViewColumn is the condition that a row of information_schema tells of a
// column of a view.
func (s *shaping) isViewColumn(v *Relation, column string) string {
	return s.same("column_name", column) + " AND " + s.isView(v, "table_schema", "table_name")
}

func (s *shaping) isView(v *Relation, schemaColumn, nameColumn string) string {
	return s.same(nameColumn, v.ID.Name) + " AND " + s.same(schemaColumn, v.ID.Schema)
}

// same compares a name as the engine does.
func (s *shaping) same(column, name string) string {
	if s.d == Postgres {
		return s.quote(s.column(column)) + " = " + literal(name)
	}
	return "lower(" + s.quote(s.column(column)) + ") = " + literal(strings.ToLower(name))
}

// shownIn calls each for the columns of views that show encrypted ones, and
// hidden for those that show indexes.
func (s *shaping) shownIn(each func(*Relation, ViewColumn), hidden func(*Relation, ViewColumn)) {
	for _, v := range s.views {
		for _, c := range v.look.cols {
			switch {
			case c.Hidden:
				hidden(v, c)
			case c.Column != nil:
				each(v, c)
			}
		}
	}
}

func nothing(*Relation, ViewColumn) {}

// viewTexts leaves index columns out of the definitions of views. What the catalog
// prints may name relations otherwise than it did when it was read, so that only
// the lists are replaced in it.
func (s *shaping) viewTexts(definition, schemaColumn, nameColumn, cast string) string {
	var arms strings.Builder
	text := s.quote(s.column(definition))
	for _, v := range s.views {
		if len(v.look.lists) == 0 {
			continue
		}
		e := text
		if s.d == Postgres {
			e += "::text"
		}
		for _, l := range v.look.lists {
			e = "replace(" + e + ", " + s.text(l[0]) + ", " + s.text(l[1]) + ")"
		}
		arms.WriteString(" WHEN " + s.isView(v, schemaColumn, nameColumn) + " THEN " + e)
	}
	if arms.Len() == 0 {
		return ""
	}
	return s.selectWith(map[string]string{definition: "(CASE" + arms.String() + " ELSE " + text + " END)" + cast}, "")
}

// text writes a text that may hold what a literal reads in a way of its own.
func (s *shaping) text(t string) string {
	if s.d == MySQL {
		return "CONVERT(0x" + hexOf(t) + " USING utf8mb4)"
	}
	return literal(t)
}

func hexOf(t string) string {
	const digits = "0123456789abcdef"
	var b strings.Builder
	for i := range len(t) {
		b.WriteByte(digits[t[i]>>4])
		b.WriteByte(digits[t[i]&15])
	}
	return b.String()
}

func (s *shaping) postgresViews() string {
	s.names = strings.Fields("schemaname viewname viewowner definition")
	return s.viewTexts("definition", "schemaname", "viewname", "")
}

func (s *shaping) postgresMaterialized() string {
	s.names = strings.Fields("schemaname matviewname matviewowner tablespace hasindexes ispopulated definition")
	return s.viewTexts("definition", "schemaname", "matviewname", "")
}

func (s *shaping) informationViews() string {
	cast := ""
	if s.d == Postgres {
		cast = "::information_schema.character_data"
		s.names = strings.Fields("table_catalog table_schema table_name view_definition check_option is_updatable is_insertable_into is_trigger_updatable is_trigger_deletable is_trigger_insertable_into")
	}
	return s.viewTexts("view_definition", "table_schema", "table_name", cast)
}

// viewText is the definition of a view of SQLite without index columns; "" where
// it shows none, or is of another file than the one that is asked.
func (s *shaping) viewText(v *Relation) string {
	file := s.id.Schema
	if file == "" {
		file = "main"
	}
	if len(v.look.lists) == 0 || !schema.EqualNames(v.ID.Schema, file) {
		return ""
	}
	text := v.view.script.Text
	toks := words(v.view.script.Tokens)
	as := slices.IndexFunc(toks, func(t Token) bool { return t.Kind == TokWord && strings.EqualFold(t.Text, "AS") })
	open := slices.IndexFunc(toks, func(t Token) bool { return isPunct(t, "(") })
	if as < 0 || open < 0 || open > as {
		return v.look.without(text)
	}
	// CREATE VIEW v (names) AS
	var names []string
	n := 0
	for i := open + 1; i < as; i++ {
		if isName(toks[i]) && n < len(v.look.cols) {
			if !v.look.cols[n].Hidden {
				names = append(names, text[toks[i].Start:toks[i].End])
			}
			n++
		}
	}
	return text[:toks[open].End] + strings.Join(names, ", ") + text[toks[as-1].Start:toks[as].Start] + v.look.without(text[toks[as].Start:])
}

// aboutView is the condition that a table function was asked about a view. Without
// a schema it finds the first of its name.
func (c *calling) aboutView(v *Relation) string {
	of := "lower(schema) = " + literal(strings.ToLower(v.ID.Schema))
	if c.cat.Relation([]Ident{{Name: v.ID.Name}}) == v {
		of = "(schema IS NULL OR " + of + ")"
	}
	return "lower(arg) = " + literal(strings.ToLower(v.ID.Name)) + " AND " + of
}
