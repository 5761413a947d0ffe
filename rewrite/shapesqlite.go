package rewrite

import (
	"sort"
	"strings"

	"github.com/sealsql/sealsql/schema"
)

// sqliteMaster shows the definitions of annotated tables as the application
// wrote them, and indexes over index columns as indexes over their columns.
func (s *shaping) sqliteMaster() string {
	var arms strings.Builder
	for _, t := range s.tables {
		if t.Schema != "" && s.id.Schema != "" && !schema.EqualNames(t.Schema, s.id.Schema) {
			continue
		}
		name := "lower(tbl_name) = " + literal(strings.ToLower(t.Name))
		path := []Ident{{Name: t.Name}}
		if s.id.Schema != "" {
			path = []Ident{{Name: s.id.Schema}, {Name: t.Name}}
		}
		rel := s.cat.Relation(path)
		if rel.Source == "" && t.Rebuilds != nil {
			continue
		}
		if rel.Source != "" {
			if text, ok := logicalTable(s.front, rel.Source, t, s.tables); ok {
				arms.WriteString(" WHEN type = 'table' AND " + name + " THEN " + literal(text))
			}
		}
		// Programs that read the text expect their own quotes in it.
		accents, quotes := "sql", "sql"
		for _, c := range t.Columns {
			for _, x := range c.Hidden() {
				accents = "replace(" + accents + ", " + literal(s.quote(x.Physical())) + ", " + literal("`"+strings.ReplaceAll(c.Name, "`", "``")+"`") + ")"
				quotes = "replace(" + quotes + ", " + literal(s.quote(x.Physical())) + ", " + literal(s.quote(c.Name)) + ")"
			}
		}
		if quotes != "sql" {
			arms.WriteString(" WHEN type = 'index' AND " + name + " THEN CASE WHEN instr(sql, '`') > 0 THEN " + accents + " ELSE " + quotes + " END")
		}
	}
	for _, v := range s.views {
		if text := s.viewText(v); text != "" {
			arms.WriteString(" WHEN type = 'view' AND " + s.same("name", v.ID.Name) + " THEN " + literal(text))
		}
	}
	if arms.Len() == 0 {
		return ""
	}
	where := s.notPatternIndex("name")
	if where != "" {
		where = " WHERE " + where
	}
	return "(SELECT type, name, tbl_name, rootpage, (CASE" + arms.String() + " ELSE sql END) AS sql FROM " + s.from() + where + ")"
}

// logicalTable turns the CREATE TABLE of an annotated table back into what the
// application wrote: logical types for carriers, no index columns, no guards.
// Foreign keys name columns of other tables, too.
func logicalTable(f Frontend, text string, t *schema.Table, tables []*schema.Table) (string, bool) {
	script, err := f.Parse(text, &Session{})
	if err != nil {
		return "", false
	}
	toks := words(script.Tokens)
	open := -1
	for i := range toks {
		if isPunct(toks[i], "(") {
			open = i
			break
		}
	}
	if open < 0 {
		return "", false
	}
	l := &logicalText{t: t, tables: tables}
	depth, from := 0, open+1
	for i := open; i < len(toks); i++ {
		switch {
		case isPunct(toks[i], "("):
			depth++
		case isPunct(toks[i], ")"):
			if depth--; depth == 0 {
				l.element(toks[from:i], toks[from-1])
				return l.apply(text), true
			}
		case isPunct(toks[i], ",") && depth == 1:
			l.element(toks[from:i], toks[from-1])
			from = i + 1
		}
	}
	return "", false
}

// logicalText collects the edits of one definition.
type logicalText struct {
	t      *schema.Table
	tables []*schema.Table
	edits  []edit
}

// element edits one column or constraint; before is the comma or parenthesis
// in front of it.
func (l *logicalText) element(toks words, before Token) {
	if len(toks) == 0 {
		return
	}
	if toks.is("CONSTRAINT") && len(toks) > 1 && strings.HasPrefix(strings.ToLower(toks[1].Text), guardPrefix) || l.t.IndexColumn(toks[0].Text) != nil && !toks[:1].any("CONSTRAINT", "CHECK", "UNIQUE", "PRIMARY", "FOREIGN") {
		kept := ""
		switch { // what the definition of the column said
		case toks[0].Kind != TokWord && toks.any("PRIMARY"):
			kept = " PRIMARY KEY"
		case toks[0].Kind != TokWord && toks.any("UNIQUE"):
			kept = " UNIQUE"
		}
		l.edits = append(l.edits, edit{span: Span{before.Start, toks[len(toks)-1].End}, text: kept})
		return
	}
	c := l.t.Column(toks[0].Text)
	if c == nil || toks[:1].any("CONSTRAINT", "CHECK", "UNIQUE", "PRIMARY", "FOREIGN") {
		l.constraint(toks)
		return
	}
	end := 1
	for end < len(toks) && !typeEnds[strings.ToUpper(toks[end].Text)] {
		end++
	}
	span := Span{toks[0].End, toks[0].End}
	if end > 1 {
		span = Span{toks[1].Start, toks[end-1].End}
	}
	text := c.Type.Declared
	if end == 1 {
		text = " " + text
	}
	l.edits = append(l.edits, edit{span: span, text: text})
	last := Span{toks[len(toks)-1].End, toks[len(toks)-1].End}
	for i := range toks[end:] {
		if rest := toks[end+i:]; rest.is("CONSTRAINT") && len(rest) > 1 && strings.HasPrefix(strings.ToLower(rest[1].Text), guardPrefix) {
			last = Span{rest[0].Start, last.End}
			break
		}
	}
	text = ""
	if c.Default != nil { // GORM reads it to the end of the column
		text = " DEFAULT " + createMarkOf(c)
	}
	if text != "" || last.Start < last.End {
		l.edits = append(l.edits, edit{span: last, text: text})
	}
}

// constraint names columns where index columns stand. Behind REFERENCES they
// are those of the table that is named there.
func (l *logicalText) constraint(toks words) {
	table := l.t
	for i, t := range toks {
		if toks[i:].is("REFERENCES") && i+1 < len(toks) {
			table = l.table(toks[i+1].Text)
		}
		if table == nil || !isName(t) {
			continue
		}
		if x := table.IndexColumn(t.Text); x != nil {
			l.edits = append(l.edits, edit{span: Span{t.Start, t.End}, text: quoted(x.Column().Name)})
		}
	}
}

func (l *logicalText) table(name string) *schema.Table {
	for _, t := range l.tables {
		if schema.EqualNames(t.Name, name) {
			return t
		}
	}
	return nil
}

func quoted(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

func (l *logicalText) apply(text string) string {
	sort.SliceStable(l.edits, func(i, j int) bool { return l.edits[i].span.Start < l.edits[j].span.Start })
	var out strings.Builder
	last := 0
	for _, e := range l.edits {
		if e.span.Start < last {
			continue
		}
		out.WriteString(text[last:e.span.Start])
		out.WriteString(e.text)
		last = e.span.End
	}
	out.WriteString(text[last:])
	return out.String()
}
