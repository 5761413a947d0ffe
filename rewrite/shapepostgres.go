package rewrite

import (
	"strings"

	"github.com/sealsql/sealsql/schema"
)

// postgresType is a logical type as PostgreSQL's catalog describes it.
type postgresType struct {
	oid, len   int
	udt, name  string // pg_type.typname, information_schema's data_type
	mod        int    // atttypmod; -1 for none
	chars      int
	precision  int
	radix      int
	scale      int
	hasScale   bool
	fraction   int // digits of seconds; -1 for none
	collatable bool
}

// postgresArrays are the OIDs of arrays by those of their elements.
var postgresArrays = map[int]int{
	16: 1000, 17: 1001, 21: 1005, 23: 1007, 20: 1016, 25: 1009, 114: 199, 700: 1021, 701: 1022, 1042: 1014, 1043: 1015,
	1082: 1182, 1083: 1183, 1114: 1115, 1184: 1185, 1700: 1231, 2950: 2951, 3802: 3807,
}

// describePostgres looks a logical type up. The OIDs are those of pg_type.dat,
// which never change.
func describePostgres(t schema.Type) postgresType {
	p := postgresType{len: -1, mod: -1, fraction: -1}
	set := func(oid, size int, udt, name string) postgresType {
		p.oid, p.len, p.udt, p.name = oid, size, udt, name
		return p
	}
	integer := func(oid, bits int, udt, name string) postgresType {
		p.precision, p.radix, p.hasScale = bits, 2, true
		return set(oid, bits/8, udt, name)
	}
	second := func(oid int, udt, name string) postgresType {
		if p.fraction = 6; t.HasFraction {
			p.fraction, p.mod = t.Fraction, t.Fraction
		}
		return set(oid, 8, udt, name)
	}
	switch t.Kind {
	case schema.KindArray:
		e := describePostgres(t.Element())
		p.mod, p.collatable = e.mod, e.collatable
		return set(postgresArrays[e.oid], -1, "_"+e.udt, "ARRAY")
	case schema.KindText:
		p.collatable = true
		if p.chars = t.Length; t.Length > 0 {
			p.mod = t.Length + 4
		}
		switch {
		case t.Fixed:
			return set(1042, -1, "bpchar", "character")
		case strings.Contains(t.Base, "char"):
			return set(1043, -1, "varchar", "character varying")
		}
		return set(25, -1, "text", "text")
	case schema.KindBytes:
		return set(17, -1, "bytea", "bytea")
	case schema.KindInt:
		switch {
		case t.Bits <= 16:
			return integer(21, 16, "int2", "smallint")
		case t.Bits <= 32:
			return integer(23, 32, "int4", "integer")
		}
		return integer(20, 64, "int8", "bigint")
	case schema.KindFloat:
		p.radix = 2
		if t.Bits == 32 || t.Base == "real" {
			p.precision = 24
			return set(700, 4, "float4", "real")
		}
		p.precision = 53
		return set(701, 8, "float8", "double precision")
	case schema.KindBool:
		return set(16, 1, "bool", "boolean")
	case schema.KindNumeric:
		p.radix = 10
		if t.HasPrecision {
			p.precision, p.scale, p.hasScale, p.mod = t.Precision, t.Scale, true, t.Precision<<16|t.Scale+4
		}
		return set(1700, -1, "numeric", "numeric")
	case schema.KindDate:
		p.fraction = 0
		return set(1082, 4, "date", "date")
	case schema.KindTime:
		return second(1083, "time", "time without time zone")
	case schema.KindTimestamp:
		return second(1114, "timestamp", "timestamp without time zone")
	case schema.KindTimestampTZ:
		return second(1184, "timestamptz", "timestamp with time zone")
	case schema.KindUUID:
		return set(2950, 16, "uuid", "uuid")
	case schema.KindJSON:
		if t.Base == "jsonb" {
			return set(3802, -1, "jsonb", "jsonb")
		}
		return set(114, -1, "json", "json")
	}
	return p
}

func (s *shaping) postgresColumns() string {
	const cardinal, chars, ident = "::information_schema.cardinal_number", "::information_schema.character_data", "::information_schema.sql_identifier"
	replace := s.replaced(func(_ *schema.Table, t schema.Type) map[string]string {
		p := describePostgres(t)
		octets := "NULL"
		if p.collatable && t.Kind != schema.KindArray {
			if octets = "1073741824"; p.chars > 0 {
				octets = number(4 * p.chars)
			}
		}
		m := map[string]string{
			"data_type": literal(p.name), "udt_name": literal(p.udt), "character_maximum_length": orNull(p.chars), "character_octet_length": octets,
			"numeric_precision": orNull(p.precision), "numeric_precision_radix": orNull(p.radix), "numeric_scale": "NULL", "datetime_precision": "NULL",
			"domain_catalog": "NULL", "domain_schema": "NULL", "domain_name": "NULL",
		}
		if p.hasScale {
			m["numeric_scale"] = number(p.scale)
		}
		if p.fraction >= 0 {
			m["datetime_precision"] = number(p.fraction)
		}
		return m
	}, map[string]string{
		"data_type": chars, "udt_name": ident, "character_maximum_length": cardinal, "character_octet_length": cardinal,
		"numeric_precision": cardinal, "numeric_precision_radix": cardinal, "numeric_scale": cardinal, "datetime_precision": cardinal,
		"domain_catalog": ident, "domain_schema": ident, "domain_name": ident,
	})
	if marks := s.defaults("column_default", chars); marks != "" {
		replace["column_default"] = marks
	}
	return s.selectWith(replace, s.notIndex())
}

// isAttribute is the condition that a row of pg_attribute is a column.
func (s *shaping) isAttribute(t *schema.Table, column string) string {
	cond := "lower(attname) = " + literal(strings.ToLower(column)) +
		" AND EXISTS (SELECT 1 FROM pg_catalog.pg_class sealsql_c JOIN pg_catalog.pg_namespace sealsql_n ON sealsql_n.oid = sealsql_c.relnamespace" +
		" WHERE sealsql_c.oid = attrelid AND sealsql_c.relkind IN ('r', 'p') AND lower(sealsql_c.relname) = " + literal(strings.ToLower(t.Name))
	if t.Schema != "" {
		cond += " AND lower(sealsql_n.nspname) = " + literal(strings.ToLower(t.Schema))
	}
	return cond + ")"
}

// isViewAttribute is the condition that a row of pg_attribute is a column of a
// view. Which number the view has is asked once.
func (s *shaping) isViewAttribute(v *Relation, column string) string {
	return "attname = " + literal(column) + " AND attrelid = (SELECT sealsql_c.oid FROM pg_catalog.pg_class sealsql_c JOIN pg_catalog.pg_namespace sealsql_n" +
		" ON sealsql_n.oid = sealsql_c.relnamespace WHERE sealsql_c.relname = " + literal(v.ID.Name) + " AND sealsql_n.nspname = " + literal(v.ID.Schema) + ")"
}

func (s *shaping) postgresAttributes() string {
	arms := map[string]*strings.Builder{}
	var hidden []string
	arm := func(is string, t schema.Type) {
		p := describePostgres(t)
		collation := "0"
		if p.collatable {
			collation = "100" // "default"
		}
		for name, v := range map[string]string{"atttypid": number(p.oid), "atttypmod": number(p.mod), "attlen": number(p.len), "attcollation": collation} {
			if arms[name] == nil {
				arms[name] = &strings.Builder{}
			}
			arms[name].WriteString(" WHEN " + is + " THEN " + v)
		}
	}
	for _, t := range s.tables {
		for _, c := range t.Columns {
			arm(s.isAttribute(t, c.Name), c.Type)
			for _, x := range c.Hidden() {
				hidden = append(hidden, "NOT ("+s.isAttribute(t, x.Physical())+")")
			}
		}
	}
	s.shownIn(
		func(v *Relation, c ViewColumn) { arm(s.isViewAttribute(v, c.Name), c.Column.Type) },
		func(v *Relation, c ViewColumn) { hidden = append(hidden, "NOT ("+s.isViewAttribute(v, c.Name)+")") },
	)
	replace := map[string]string{}
	for name, typ := range map[string]string{"atttypid": "oid", "atttypmod": "int4", "attlen": "int2", "attcollation": "oid"} {
		replace[name] = "(CASE" + arms[name].String() + " ELSE " + name + " END)::" + typ
	}
	return s.selectWith(replace, strings.Join(hidden, " AND "))
}

// postgresIndexes shows indexes over index columns as indexes over their
// columns.
func (s *shaping) postgresIndexes() string {
	var pairs []string
	for _, t := range s.tables {
		for _, c := range t.Columns {
			for _, x := range c.Hidden() {
				pair := "lower(sealsql_h.attname) = " + literal(strings.ToLower(x.Physical())) + " AND lower(sealsql_v.attname) = " + literal(strings.ToLower(c.Name)) +
					" AND lower(sealsql_c.relname) = " + literal(strings.ToLower(t.Name))
				if t.Schema != "" {
					pair += " AND lower(sealsql_n.nspname) = " + literal(strings.ToLower(t.Schema))
				}
				pairs = append(pairs, pair)
			}
		}
	}
	if len(pairs) == 0 {
		return ""
	}
	where := s.notPatternIndex("relname")
	if where != "" {
		where = "indexrelid IN (SELECT sealsql_i.oid FROM pg_catalog.pg_class AS sealsql_i WHERE " + where + ")"
	}
	return s.selectWith(map[string]string{
		"indkey": "(SELECT pg_catalog.string_agg(COALESCE((SELECT sealsql_v.attnum FROM pg_catalog.pg_attribute sealsql_h" +
			" JOIN pg_catalog.pg_attribute sealsql_v ON sealsql_v.attrelid = sealsql_h.attrelid" +
			" JOIN pg_catalog.pg_class sealsql_c ON sealsql_c.oid = sealsql_h.attrelid" +
			" JOIN pg_catalog.pg_namespace sealsql_n ON sealsql_n.oid = sealsql_c.relnamespace" +
			" WHERE sealsql_h.attrelid = indrelid AND sealsql_h.attnum = sealsql_k.n AND (" + strings.Join(pairs, " OR ") + ")), sealsql_k.n)::text, ' ' ORDER BY sealsql_k.o)::int2vector" +
			" FROM pg_catalog.unnest(indkey::int2[]) WITH ORDINALITY sealsql_k (n, o))",
	}, where)
}

// postgresIndexTexts does so in the texts of the view pg_indexes, behind the
// names of the index and of its table.
func (s *shaping) postgresIndexTexts() string {
	const keys = "pg_catalog.strpos(indexdef, ' USING ')"
	var arms strings.Builder
	for _, t := range s.tables {
		text := "pg_catalog.substr(indexdef, " + keys + ")"
		for _, c := range t.Columns {
			for _, x := range c.Hidden() {
				if simpleName(x.Physical()) {
					text = "pg_catalog.regexp_replace(" + text + ", " + literal("[[:<:]]"+x.Physical()+"[[:>:]]") + ", " + literal(s.spelt(c.Name)) + ", 'g')"
					continue
				}
				text = "pg_catalog.replace(" + text + ", " + literal(s.quote(x.Physical())) + ", " + literal(s.spelt(c.Name)) + ")"
			}
		}
		arms.WriteString(" WHEN lower(tablename) = " + literal(strings.ToLower(t.Name)))
		if t.Schema != "" {
			arms.WriteString(" AND lower(schemaname) = " + literal(strings.ToLower(t.Schema)))
		}
		arms.WriteString(" THEN pg_catalog.left(indexdef, " + keys + " - 1) OPERATOR(pg_catalog.||) " + text)
	}
	s.names = []string{"schemaname", "tablename", "indexname", "tablespace", "indexdef"}
	return s.selectWith(map[string]string{"indexdef": "(CASE" + arms.String() + " ELSE indexdef END)"}, s.notPatternIndex("indexname"))
}

// spelt is a name as PostgreSQL prints it.
func (s *shaping) spelt(name string) string {
	if simpleName(name) {
		return name
	}
	return s.quote(name)
}

// simpleName reports a name that needs no quotes, unless it is a keyword.
func simpleName(name string) bool {
	for i := range len(name) {
		if b := name[i]; (b < 'a' || b > 'z') && b != '_' && (i == 0 || b < '0' || b > '9') {
			return false
		}
	}
	return name != ""
}

func (s *shaping) postgresConstraints() string {
	return "(SELECT * FROM " + s.from() + " WHERE lower(conname) NOT LIKE " + literal(guardPrefix+"%") + ")"
}
