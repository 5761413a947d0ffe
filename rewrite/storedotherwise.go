package rewrite

import (
	"slices"
	"strings"

	"github.com/sealsql/sealsql/schema"
)

// storedOtherwise reports a column that identifies partitions or rows and in which the
// server stores another value than the one it is given. Values were sealed for what was
// given, and would open for nobody.
func storedOtherwise(d Dialect, name string, c *CatalogColumn, declared schema.Type) *Finding {
	physical := c.stored()
	switch {
	case declared.Kind == schema.KindText && storesOtherText(d, physical):
		return &Finding{name, "the server stores another text in a column of this type than it is given", "write the type of the database in the configuration, or make the column a varchar: it is " + physical}
	case declared.Kind == schema.KindNumeric && roundsOtherwise(d, physical, declared):
		return &Finding{name, "the server rounds what is stored in it otherwise than the type of the configuration does", "write the type of the database in the configuration: " + physical}
	case declared.Kind == schema.KindInt && d == MySQL && storesOtherInt(physical):
		return &Finding{name, "the server gives other values than numbers, or years for them", "make the column an integer: it is " + physical}
	}
	return nil
}

// convertingTypes are types, without modifiers, that the configuration has no names for
// and that store a text in a form of their own: a label in the case of the definition or
// for its number, an address without its zeros, zero bytes at the end.
var convertingTypes = map[Dialect][]string{
	MySQL: {"enum", "set", "binary", "bit", "year", "inet4", "inet6"},
	Postgres: {
		"inet", "cidr", "macaddr", "macaddr8", "bit", "money", "interval", "time",
		`"char"`, "oid", "xid", "cid", "tid", "pg_lsn", "tsvector", "tsquery", "hstore", "jsonpath",
		"point", "line", "lseg", "box", "path", "polygon", "circle",
		"regclass", "regtype", "regproc", "regprocedure", "regoper", "regoperator", "regrole", "regnamespace", "regconfig", "regdictionary",
		"int4range", "int8range", "numrange", "tsrange", "tstzrange", "daterange",
		"int4multirange", "int8multirange", "nummultirange", "tsmultirange", "tstzmultirange", "datemultirange",
	},
}

// storesOtherText reports a type that makes another text of some: '07' is 7 to numbers,
// a UUID is in lower case, a time of another zone is in that of the session.
func storesOtherText(d Dialect, physical string) bool {
	if d == SQLite {
		return liteAffinity(physical) == affinityNumeric
	}
	physical = strings.ToLower(physical)
	base, _, _ := strings.Cut(strings.ReplaceAll(physical, "(", " "), " ")
	if slices.Contains(convertingTypes[d], base) || d == Postgres && strings.HasSuffix(physical, "[]") {
		return true
	}
	t, err := schema.ParseType(physical)
	return err == nil && t.Kind != schema.KindText && t.Kind != schema.KindBytes
}

// storesOtherInt reports MySQL's YEAR, which makes 2007 of 7, and BIT, which is read as bytes.
func storesOtherInt(physical string) bool {
	base, _, _ := strings.Cut(strings.ToLower(physical), "(")
	return base == "year" || base == "bit"
}

// roundsOtherwise reports a number with another scale than that of the configuration.
// SQLite's columns have none, and where the configuration has none, values are the
// program's to round.
func roundsOtherwise(d Dialect, physical string, declared schema.Type) bool {
	t, err := schema.ParseType(physical)
	if d == SQLite || err != nil {
		return false
	}
	switch t.Kind {
	case schema.KindInt, schema.KindFloat:
		return true
	case schema.KindNumeric:
		return declared.HasPrecision && (t.HasPrecision || d == MySQL) && !heldAlike(d, t, declared)
	}
	return false
}
