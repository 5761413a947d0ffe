package rewrite

import (
	"slices"
	"strings"

	"github.com/sealsql/sealsql/schema"
)

// castTypes are PostgreSQL's spellings of the types whose casts the driver
// applies, without modifiers. A word that is not among them may be the name of a
// type or domain that somebody made.
var castTypes = func() map[string]bool {
	m := map[string]bool{}
	for _, s := range strings.Split("smallint|int2|int|integer|int4|bigint|int8|real|float4|float|float8|double precision|numeric|decimal|dec|"+
		"text|varchar|character varying|char varying|char|character|bytea|boolean|bool|date|time|time without time zone|"+
		"timestamp|timestamp without time zone|timestamptz|timestamp with time zone|uuid|json|jsonb", "|") {
		m[s] = true
	}
	return m
}()

// castType is the type of a cast whose effect is known.
func castType(spelling string) (schema.Type, bool) {
	words := spelling
	if open, end := strings.IndexByte(words, '('), strings.IndexByte(words, ')'); open >= 0 && end > open {
		words = words[:open] + words[end+1:]
	}
	t, err := schema.ParseType(spelling)
	return t, err == nil && castTypes[words]
}

// assignCasts are the kinds into which the server converts a value of another kind
// when it is assignCasts, but for what depends on settings (documentation of
// PostgreSQL §10.4, pg_cast); explicitCasts are those that a cast has beyond them.
var (
	assignCasts = map[schema.Kind][]schema.Kind{
		schema.KindInt:       {schema.KindNumeric, schema.KindFloat, schema.KindText},
		schema.KindNumeric:   {schema.KindInt, schema.KindFloat, schema.KindText},
		schema.KindFloat:     {schema.KindInt, schema.KindNumeric},
		schema.KindBool:      {schema.KindText},
		schema.KindUUID:      {schema.KindText},
		schema.KindJSON:      {schema.KindText},
		schema.KindDate:      {schema.KindTimestamp},
		schema.KindTimestamp: {schema.KindDate, schema.KindTime},
	}
	explicitCasts = map[schema.Kind][]schema.Kind{
		schema.KindInt:  {schema.KindBool},
		schema.KindBool: {schema.KindInt},
		schema.KindText: {
			schema.KindBytes, schema.KindInt, schema.KindFloat, schema.KindBool, schema.KindNumeric, schema.KindDate,
			schema.KindTime, schema.KindTimestamp, schema.KindTimestampTZ, schema.KindUUID, schema.KindJSON,
		},
	}
)

func converted(from, to schema.Kind, cast bool) bool {
	return from == to || slices.Contains(assignCasts[from], to) || cast && slices.Contains(explicitCasts[from], to)
}

// convertsOnPostgres reports whether the driver knows what a chain of casts
// around a constant gives in a column. A parameter takes the type of the
// innermost cast, and would have it wherever else it stands.
func (a *analysis) convertsOnPostgres(x Expr, casts []string, col *schema.Type) bool {
	if p, ok := x.(*Param); ok && a.repeated(p) {
		return false
	}
	var from schema.Type
	for i, spelling := range casts {
		t, ok := castType(spelling)
		if !ok || i > 0 && !converted(from.Kind, t.Kind, true) {
			return false
		}
		from = t
	}
	return converted(from.Kind, col.Kind, false)
}

// repeated reports a parameter that stands in the text more than once.
func (a *analysis) repeated(p *Param) bool {
	n := 0
	for i := range a.script.Markers {
		if a.script.Markers[i].N == p.N {
			n++
		}
	}
	return n != 1
}

// handedOn reports whether what casts give is still that behind a form that hands
// it on: there the server may convert it to the type of what stands beside it,
// which keeps values of the column's family but floating point and padded texts.
func (a *analysis) handedOn(c *Cast, casts Casts, col *schema.Type) bool {
	if _, _, label := casts.Labels(); label {
		return true // a text, as the column
	}
	if casts == "" || a.dialect == SQLite {
		return true
	}
	t, ok := castType(c.Type)
	return ok && a.dialect == Postgres && t.Kind == col.Kind && t.Kind != schema.KindFloat && !t.Fixed
}

// castsOnMySQL are the kinds of columns that take what a cast of MySQL gives, by
// its first word. Beyond them the server reads it once more, as a number or date.
var castsOnMySQL = map[string][]schema.Kind{
	"signed":   {schema.KindInt, schema.KindNumeric, schema.KindFloat, schema.KindBool, schema.KindText},
	"unsigned": {schema.KindInt, schema.KindNumeric, schema.KindFloat, schema.KindBool, schema.KindText},
	"decimal":  {schema.KindInt, schema.KindNumeric, schema.KindFloat, schema.KindText},
	"double":   {schema.KindInt, schema.KindFloat},
	"char":     {schema.KindText},
	"date":     {schema.KindDate, schema.KindTimestamp, schema.KindText},
	"datetime": {schema.KindTimestamp}, // TIMESTAMP(v) has as many digits as v, in a text
}

// convertsOnMySQL reports whether the driver knows what a cast gives in a column.
func convertsOnMySQL(casts []string, col *schema.Type) bool {
	if len(casts) != 1 {
		return false
	}
	word := casts[0]
	if i := strings.IndexAny(word, " ("); i >= 0 {
		word = word[:i]
	}
	return slices.Contains(castsOnMySQL[word], col.Kind)
}
