package rewrite

import (
	"strings"

	"github.com/sealsql/sealsql/schema"
)

// Keys over encrypted columns are keys over their equality indexes: primary and
// unique keys as they stand, foreign keys where both sides are compared by one
// hash. The server then tells which rows of the two tables belong together, as
// it would of a join.

// foreignKey reads [CONSTRAINT name] FOREIGN KEY [name] (columns) REFERENCES
// table [(columns)] … of a table and returns the edits that turn encrypted
// columns into their indexes; none where all columns are clear.
func (a *analysis) foreignKey(own *schema.Table, toks words) ([]edit, error) {
	at := toks[0].Start
	for len(toks) > 0 && !toks.is("FOREIGN", "KEY") {
		toks = toks[1:]
	}
	for len(toks) > 0 && !isPunct(toks[0], "(") {
		toks = toks[1:]
	}
	from, rest := names(toks)
	if from == nil || !rest.is("REFERENCES") {
		return nil, a.refuse(at, ReasonDDL, own.Name, ddlHint)
	}
	path, rest := a.relationName(rest[1:])
	to, actions := names(rest)
	other := a.cat.Annotated(path)
	var edits []edit
	for i, t := range from {
		c := own.Column(a.foldToken(t))
		var target *schema.Column
		if other != nil && i < len(to) {
			target = other.Column(a.foldToken(to[i]))
		}
		switch {
		case own.IndexColumn(a.foldToken(t)) != nil, other != nil && i < len(to) && other.IndexColumn(a.foldToken(to[i])) != nil:
			return nil, a.refuse(t.Start, ReasonHiddenColumn, own.Name, indexColumnHint)
		case c == nil && target == nil:
			continue
		case c == nil || target == nil || len(from) != len(to):
			return nil, a.refuse(t.Start, ReasonDDL, keySubject(c, target), "a foreign key joins two encrypted columns of one group, or two clear ones, and names the columns of both tables")
		case !sameHash(c, target):
			return nil, a.refuse(t.Start, ReasonDDL, c.String(), "give both columns search: equality with one group and the same settings")
		case target.Equality.Unique == schema.NotUnique:
			return nil, a.refuse(to[i].Start, ReasonDDL, target.String(), uniqueHint)
		}
		q := a.front.QuoteIdent
		edits = append(edits,
			edit{span: Span{t.Start, t.End}, text: q(c.Equality.Name)},
			edit{span: Span{to[i].Start, to[i].End}, text: q(target.Equality.Name)})
	}
	return edits, a.keyActions(own, actions, len(edits) > 0)
}

// keyActionWords are those that may stand behind the columns of a foreign key.
// SQLite takes further constraints there, without a comma.
var keyActionWords = []string{
	"ON", "DELETE", "UPDATE", "CASCADE", "RESTRICT", "NO", "ACTION", "SET", "NULL", "DEFAULT", "MATCH", "FULL", "SIMPLE", "PARTIAL",
	"NOT", "DEFERRABLE", "INITIALLY", "DEFERRED", "IMMEDIATE", "VALID", "ENFORCED",
}

// keyActions refuses what would change an index and not the value beside it,
// and what is no action.
func (a *analysis) keyActions(own *schema.Table, toks words, sealed bool) error {
	for len(toks) > 0 {
		switch {
		case !toks[:1].any(keyActionWords...):
			return a.refuse(toks[0].Start, ReasonDDL, own.Name, "nothing but ON DELETE, ON UPDATE, MATCH, DEFERRABLE and NOT VALID may stand behind a foreign key")
		case sealed && (toks.is("ON", "UPDATE", "CASCADE") || toks.is("ON", "UPDATE", "SET") || toks.is("ON", "DELETE", "SET")):
			return a.refuse(toks[0].Start, ReasonDDL, own.Name, "the server would change the search index and leave the value behind it: ON UPDATE takes RESTRICT or NO ACTION, ON DELETE also CASCADE")
		}
		emptied, rest := words(nil), toks[1:]
		if a.dialect == Postgres && (toks.is("SET", "NULL") || toks.is("SET", "DEFAULT")) {
			emptied, rest = names(toks[2:])
		}
		if err := a.emptiedByKey(own, emptied); err != nil {
			return err
		}
		toks = rest
	}
	return nil
}

// emptiedByKey refuses the columns of PostgreSQL's ON DELETE SET NULL (columns) by which
// values are opened or found.
func (a *analysis) emptiedByKey(own *schema.Table, columns words) error {
	for _, t := range columns {
		switch name := a.foldToken(t); {
		case own.Column(name) != nil:
			return a.refuse(t.Start, ReasonDDL, own.Column(name).String(), "the server sets clear columns alone")
		case own.IndexColumn(name) != nil:
			return a.refuse(t.Start, ReasonHiddenColumn, own.Name, indexColumnHint)
		case own.Partition.Kind == schema.PartitionColumn && strings.EqualFold(own.Partition.Column, name), strings.EqualFold(own.Row.Column, name):
			return a.refuse(t.Start, ReasonDDL, own.Name+"."+name, "the values of the row would open for nobody: leave the column out")
		case own.ClearPart(name) != nil:
			return a.refuse(t.Start, ReasonDDL, own.Name+"."+name, "the server would leave the compound index behind: leave the column out")
		}
	}
	return nil
}

// keySubject names the encrypted one of two columns.
func keySubject(c, d *schema.Column) string {
	if c == nil {
		c = d
	}
	return c.String()
}

// sameHash reports whether two columns are compared by their hashes wherever
// their rows are.
func sameHash(c, d *schema.Column) bool {
	if c.Equality == nil || d.Equality == nil || !c.Equality.Joins(d.Equality) {
		return false
	}
	if c.Equality.TableScope {
		return true
	}
	p, q := c.Table.Partition, d.Table.Partition
	return p.Kind == schema.PartitionConst && q.Kind == schema.PartitionConst && p.Const == q.Const
}

// names reads a parenthesised list of names; nil where something else stands.
func names(toks words) (list []Token, rest words) {
	if len(toks) == 0 || !isPunct(toks[0], "(") {
		return nil, toks
	}
	for i, t := range toks[1:] {
		switch {
		case isPunct(t, ")"):
			return list, toks[i+2:]
		case isName(t):
			list = append(list, t)
		case !isPunct(t, ","):
			return nil, toks
		}
	}
	return nil, toks
}

// isForeignKey reports whether a table constraint is a foreign key.
func isForeignKey(toks words) bool {
	if toks.is("CONSTRAINT") && len(toks) > 1 {
		toks = toks[1:].skip("IF", "NOT", "EXISTS")
		if !toks.is("FOREIGN", "KEY") && len(toks) > 0 {
			toks = toks[1:]
		}
	}
	return toks.is("FOREIGN", "KEY")
}

// primary notes the columns of a primary key over indexes and refuses what no
// index stands for: SQLite's rowid, which the server fills in.
func (d *tableDefinition) primary(toks words) error {
	for _, t := range toks {
		c := d.t.Column(d.a.foldToken(t))
		if !isName(t) || c == nil {
			continue
		}
		if d.a.dialect == SQLite && c.Type.Kind == schema.KindInt {
			return d.a.refuse(t.Start, ReasonDDL, c.String(), "SQLite fills in integer primary keys: leave the column clear, or use another type")
		}
		d.keyed = append(d.keyed, c)
	}
	return nil
}

// ownKey reports whether a column may carry PRIMARY KEY in its definition: its
// index is unique by itself, and the server does not fill it in.
func (d *tableDefinition) ownKey(c *schema.Column) bool {
	return c.Equality != nil && c.Equality.Unique != schema.NotUnique && d.standalone(c) &&
		(d.a.dialect != SQLite || c.Type.Kind != schema.KindInt)
}

// notNull adds NOT NULL to the columns of a primary key, which has it without
// saying so; SQLite's has not.
func (d *tableDefinition) notNull() {
	if d.a.dialect == SQLite {
		return
	}
	for _, c := range d.keyed {
		if p, ok := d.places[c]; ok && !p.notNull {
			d.edits[p.edit].text += " NOT NULL"
			d.places[c] = place{p.edit, true}
		}
	}
}

// place is the edit of a column's type.
type place struct {
	edit    int
	notNull bool
}

// isPrimaryKey reports whether a constraint is a primary key.
func isPrimaryKey(toks words) bool {
	if toks.is("CONSTRAINT") && len(toks) > 2 && !strings.EqualFold(toks[1].Text, "PRIMARY") {
		toks = toks[2:]
	}
	return toks.is("PRIMARY", "KEY")
}
