package rewrite

import (
	"slices"
	"strings"

	"github.com/sealsql/sealsql/schema"
)

// Keys over all columns of a compound index are keys over its column.

// compoundKey turns the columns of a compound index in the first parentheses of
// a key into the index column. Columns beside them stay. It returns no edits where
// the key has not all columns of an index, and which of its tokens it has dealt
// with.
func (a *analysis) compoundKey(t *schema.Table, toks words, unique bool) (edits []edit, done map[int]bool, err error) {
	open := 0
	for open < len(toks) && !isPunct(toks[open], "(") {
		open++
	}
	for _, x := range t.Compounds {
		at := a.keyParts(x, toks, open)
		if at == nil || !x.Searched() {
			continue
		}
		if unique && !x.Unique {
			return nil, nil, a.refuse(toks[at[0]].Start, ReasonDDL, x.String(), "declare the compound index unique: true: the unique key is over its column")
		}
		done = map[int]bool{}
		for k, i := range at {
			done[i] = true
			if k == 0 {
				edits = append(edits, edit{span: Span{toks[i].Start, toks[i].End}, text: a.front.QuoteIdent(x.Name)})
				continue
			}
			// With the comma in front of it: the first one that is met stays.
			edits = append(edits, edit{span: Span{toks[i-1].Start, toks[i].End}, text: ""})
		}
		return edits, done, nil
	}
	return nil, nil, nil
}

// keyParts are the tokens of the columns of an index in a list of names; nil
// where one is missing, or the list holds anything but names.
func (a *analysis) keyParts(x *schema.Compound, toks words, open int) []int {
	var at []int
	met := make([]bool, len(x.Parts))
	for i := open + 1; i < len(toks) && !isPunct(toks[i], ")"); i++ {
		switch {
		case isPunct(toks[i], ","):
		case !isName(toks[i]), !isPunct(toks[i-1], "(") && !isPunct(toks[i-1], ","), i+1 >= len(toks) || !isPunct(toks[i+1], ",") && !isPunct(toks[i+1], ")"):
			return nil
		default:
			if p := x.Part(a.foldToken(toks[i])); p >= 0 && !met[p] {
				met[p], at = true, append(at, i)
			}
		}
	}
	if len(at) != len(x.Parts) {
		return nil
	}
	return at
}

// compoundIndexOver makes CREATE INDEX over all columns of a compound index one
// over its column, and reports which of the index's keys it has dealt with.
func (a *analysis) compoundIndexOver(o *Other, t *schema.Table) (done map[string]bool, err error) {
	if t == nil || len(t.Compounds) == 0 {
		return nil, nil
	}
	toks := words(a.tokens(o.Range()))
	edits, at, err := a.compoundKey(t, toks, toks.any("UNIQUE"))
	if err != nil || len(edits) == 0 {
		return nil, err
	}
	done = map[string]bool{}
	for i := range at {
		done[a.foldToken(toks[i])] = true
	}
	a.ddl = append(a.ddl, edits...)
	a.touch(t)
	return done, nil
}

const compoundPartHint = "the column is part of a compound index, which is computed from its values: take the index out of the configuration first, or use the plain driver"

// parts refuses changes of columns that a compound index is computed from, but
// for whether they may be NULL.
func (w *alteration) parts(act words) error {
	column := act[min(1, len(act)):].skip("COLUMN").skip("IF", "EXISTS")
	if !act[:1].any("DROP", "ALTER", "MODIFY", "CHANGE", "RENAME") || len(column) == 0 || !isName(column[0]) {
		return nil
	}
	name := w.a.foldToken(column[0])
	for _, x := range w.t.Compounds {
		i := x.Part(name)
		if i < 0 || act.is("ALTER") && (column[1:].is("SET", "NOT", "NULL") || column[1:].is("DROP", "NOT", "NULL") || x.Parts[i].Of != nil) ||
			x.Parts[i].Of != nil && (act.is("MODIFY") || act.is("CHANGE")) {
			continue
		}
		return w.refuse(column, x.String(), compoundPartHint)
	}
	return nil
}

// partProblem compares the clear columns of a compound index with what the
// configuration says of them: the index is computed from values as the configured
// type has them, and must be what the server finds equal.
func partProblem(d Dialect, r *SnapshotRelation, x *schema.Compound) *Finding {
	for i := range x.Parts {
		p := &x.Parts[i]
		if p.Of != nil {
			continue
		}
		name := x.In.Name + "." + p.Name
		c := r.physical(p.Name)
		if c == nil {
			return &Finding{name, "the table has no column of that name, which a compound index names", "correct indexes: in the configuration"}
		}
		t, err := schema.ParseType(c.Type)
		switch {
		case d == SQLite && strings.EqualFold(c.Type, "integer") && slices.ContainsFunc(r.Unique, func(key []string) bool { return len(key) == 1 && schema.EqualNames(key[0], p.Name) }):
			return &Finding{name, "a compound index names SQLite's row id, which has further names and is filled in by the server", "take it out of the index"}
		case c.Generated:
			return &Finding{name, "a compound index names a column that the server computes", "take it out of the index"}
		case err != nil || !heldAlike(d, t, p.Type):
			return &Finding{name, "its type is not the one that the compound index has for it", "write the type of the database in the configuration: " + c.Type}
		case p.Type.Kind == schema.KindText && c.BytewiseEqual != (p.Collation <= schema.CollationBytes):
			return &Finding{name, "the server compares it otherwise than the compound index does", "write collation: binary where the column compares bytes, else ci or ci_ai, for it in the configuration"}
		}
	}
	return nil
}

// heldAlike reports types that hold a value in the same form. Lengths do not
// matter: what is too long is an error.
func heldAlike(d Dialect, a, b schema.Type) bool {
	if a.Kind != b.Kind || a.Fixed != b.Fixed || a.Unsigned != b.Unsigned {
		return false
	}
	switch a.Kind {
	case schema.KindNumeric:
		return a.HasPrecision == b.HasPrecision && a.Precision == b.Precision && a.Scale == b.Scale
	case schema.KindTime, schema.KindTimestamp, schema.KindTimestampTZ:
		return d == SQLite || fractionOf(d, a) == fractionOf(d, b)
	}
	return true
}

// fractionOf is the number of fractional digits of a type of time.
func fractionOf(d Dialect, t schema.Type) int {
	if !t.HasFraction && d == Postgres {
		return 6
	}
	return t.Fraction
}

// physical is the column of that name, or nil.
func (r *SnapshotRelation) physical(name string) *CatalogColumn {
	for i := range r.Columns {
		if schema.EqualNames(r.Columns[i].Name, name) {
			return &r.Columns[i]
		}
	}
	return nil
}

// partsDefined asks for all columns of the compound indexes that stand behind a
// column of the statement: their guards name them.
func (d *tableDefinition) partsDefined(closing Token) error {
	for _, x := range d.t.Compounds {
		if d.names[x.Column()] == "" {
			continue // added later
		}
		for i := range x.Parts {
			if !containsFold(d.defined, x.Parts[i].Name) {
				return d.a.refuse(closing.Start, ReasonDDL, x.String(), "define "+x.Parts[i].Name+" in the same statement, or take the compound index out of the configuration")
			}
		}
	}
	return nil
}
