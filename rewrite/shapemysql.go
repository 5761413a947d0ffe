package rewrite

import (
	"strings"

	"github.com/sealsql/sealsql/schema"
)

func (s *shaping) mysqlColumns() string {
	replace := s.replaced(s.describeMySQL, nil)
	for _, name := range []string{"character_maximum_length", "character_octet_length", "numeric_precision", "numeric_scale", "datetime_precision"} {
		// Beside an unsigned column a literal would make the result a decimal.
		as := " AS UNSIGNED)"
		if !s.maria && !strings.HasPrefix(name, "numeric_") { // those of MySQL are read as int64
			as = " AS SIGNED)"
		}
		replace[name] = "CAST(" + replace[name] + as
	}
	if marks := s.defaults("column_default", ""); marks != "" {
		replace["column_default"] = marks
	}
	if key := s.mysqlKeys(); key != "" {
		replace["column_key"] = key
	}
	return s.selectWith(replace, s.notIndex())
}

// describeMySQL describes a column of a table. What CREATE TABLE says of texts
// holds for its columns; JSON is a type of MySQL, and a text of MariaDB.
func (s *shaping) describeMySQL(t *schema.Table, typ schema.Type) map[string]string {
	m := describeMySQL(typ)
	if name, _, ok := strings.Cut(m["column_type"], "("); ok && typ.Kind == schema.KindInt && !s.widths {
		m["column_type"] = name + "'"
		if typ.Unsigned {
			m["column_type"] = name + " unsigned'"
		}
	}
	switch {
	case typ.Kind == schema.KindJSON && s.maria:
		m["collation_name"] = "'utf8mb4_bin'"
	case typ.Kind == schema.KindJSON:
		m["data_type"], m["column_type"] = "'json'", "'json'"
		for _, none := range []string{"character_maximum_length", "character_octet_length", "character_set_name", "collation_name"} {
			m[none] = "NULL"
		}
	case m["collation_name"] != "NULL":
		m["collation_name"] = "COALESCE((SELECT sealsql_t.TABLE_COLLATION FROM information_schema.TABLES AS sealsql_t WHERE sealsql_t.TABLE_NAME = " + literal(t.Name) +
			" AND sealsql_t.TABLE_SCHEMA = " + s.quote(s.id.Name) + "." + s.quote(s.column("table_schema")) + "), @@collation_database)"
		m["character_set_name"] = "substring_index(" + m["collation_name"] + ", '_', 1)"
	}
	return m
}

// mariaGuards leaves the guards' constraints out, but those of JSON columns: by
// a constraint with the name of the column MariaDB shows that a text is JSON.
func (s *shaping) mariaGuards() string {
	name := s.quote(s.column("constraint_name"))
	guard := "lower(" + name + ") LIKE " + literal(guardPrefix+"%")
	var names, clauses, json strings.Builder
	for _, t := range s.tables {
		for _, c := range t.Columns {
			if c.Type.Kind != schema.KindJSON {
				continue
			}
			is := "lower(" + name + ") = " + literal(strings.ToLower(GuardName(c))) + " AND lower(" + s.quote(s.column("table_name")) + ") = " + literal(strings.ToLower(t.Name))
			names.WriteString(" WHEN " + is + " THEN " + literal(c.Name))
			clauses.WriteString(" WHEN " + is + " THEN " + literal("json_valid("+s.quote(c.Name)+")"))
			json.WriteString(" OR " + is)
		}
	}
	where := "NOT (" + guard + ")"
	if json.Len() == 0 {
		return "(SELECT * FROM " + s.from() + " WHERE " + where + ")"
	}
	column := func(lower string, arms *strings.Builder) string {
		return "(CASE" + arms.String() + " ELSE " + s.quote(s.column(lower)) + " END)"
	}
	var levels strings.Builder
	levels.WriteString(" WHEN " + guard + " THEN 'Column'")
	return s.selectWith(map[string]string{
		"constraint_name": column("constraint_name", &names), "check_clause": column("check_clause", &clauses), "level": column("level", &levels),
	}, where+json.String())
}

// mysqlKeys shows the keys over index columns as keys over their columns.
func (s *shaping) mysqlKeys() string {
	var arms strings.Builder
	column := func(name string) string { return s.quote(s.column(name)) }
	own := s.quote(s.id.Name) + "."
	for _, t := range s.tables {
		for _, c := range t.Columns {
			if c.Equality == nil {
				continue
			}
			arms.WriteString(" WHEN " + s.isColumn(t, c.Name) + " THEN (SELECT k." + column("column_key") + " FROM " + s.from() + " AS k WHERE k." +
				column("table_schema") + " = " + own + column("table_schema") + " AND k." + column("table_name") + " = " + own + column("table_name") +
				" AND lower(k." + column("column_name") + ") = " + literal(strings.ToLower(c.Equality.Name)) + ")")
		}
	}
	if arms.Len() == 0 {
		return ""
	}
	return "(CASE" + arms.String() + " ELSE " + column("column_key") + " END)"
}

// describeMySQL describes a logical type as information_schema.COLUMNS does.
func describeMySQL(t schema.Type) map[string]string {
	m := map[string]string{
		"column_type": literal(mysqlName(t)), "data_type": literal(mysqlBase(t)), "character_maximum_length": "NULL", "character_octet_length": "NULL",
		"numeric_precision": "NULL", "numeric_scale": "NULL", "datetime_precision": "NULL", "character_set_name": "NULL", "collation_name": "NULL",
	}
	switch t.Kind {
	case schema.KindText, schema.KindJSON:
		n := t.Length
		if n == 0 {
			n = familyBytes(mysqlBase(t))
		}
		m["character_maximum_length"], m["character_octet_length"] = number(n), number(n)
		if t.Length > 0 {
			m["character_octet_length"] = number(4 * t.Length)
		}
		m["character_set_name"], m["collation_name"] = "'utf8mb4'", "@@collation_database"
	case schema.KindBytes:
		n := t.Length
		if n == 0 {
			n = familyBytes(mysqlBase(t))
		}
		m["character_maximum_length"], m["character_octet_length"] = number(n), number(n)
	case schema.KindInt, schema.KindBool:
		digits := map[int]string{8: "3", 16: "5", 24: "7", 32: "10", 64: "19"}[t.Bits]
		if t.Kind == schema.KindBool {
			digits = "3"
		}
		if t.Bits == 64 && t.Unsigned {
			digits = "20"
		}
		m["numeric_precision"], m["numeric_scale"] = digits, "0"
	case schema.KindNumeric:
		p, sc := 10, 0
		if t.HasPrecision {
			p, sc = t.Precision, t.Scale
		}
		m["numeric_precision"], m["numeric_scale"] = number(p), number(sc)
	case schema.KindFloat:
		if m["numeric_precision"] = "22"; mysqlBase(t) == "float" {
			m["numeric_precision"] = "12"
		}
	case schema.KindTime, schema.KindTimestamp, schema.KindTimestampTZ:
		m["datetime_precision"] = number(t.Fraction)
	}
	return m
}

// mysqlBase is the type's name without modifiers as the server prints it.
func mysqlBase(t schema.Type) string {
	switch t.Kind {
	case schema.KindBool:
		return "tinyint"
	case schema.KindInt:
		return map[int]string{8: "tinyint", 16: "smallint", 24: "mediumint", 32: "int", 64: "bigint"}[t.Bits]
	case schema.KindNumeric:
		return "decimal"
	case schema.KindFloat:
		if t.Bits == 32 || t.Base == "float" && t.Bits == 0 {
			return "float"
		}
		return "double"
	case schema.KindTimestampTZ:
		return "timestamp"
	case schema.KindTimestamp:
		if t.Base == "datetime" {
			return "datetime"
		}
		return "timestamp"
	case schema.KindJSON:
		return "longtext" // MariaDB's json
	case schema.KindText:
		switch {
		case t.Fixed:
			return "char"
		case t.Length > 0:
			return "varchar"
		case strings.HasSuffix(t.Base, "text"):
			return t.Base
		}
		return "text"
	case schema.KindBytes:
		switch {
		case t.Fixed:
			return "binary"
		case t.Length > 0:
			return "varbinary"
		case strings.HasSuffix(t.Base, "blob"):
			return t.Base
		}
		return "blob"
	}
	return t.Base
}

// mysqlName is the type with its modifiers, as the server prints it.
func mysqlName(t schema.Type) string {
	name := mysqlBase(t)
	switch t.Kind {
	case schema.KindBool:
		return "tinyint(1)"
	case schema.KindText, schema.KindBytes:
		if t.Length > 0 {
			return name + "(" + number(t.Length) + ")"
		}
	case schema.KindInt:
		// MariaDB and old MySQL print display widths, one less without a sign.
		width := map[string]int{"tinyint": 4, "smallint": 6, "mediumint": 9, "int": 11, "bigint": 20}[name]
		if t.Unsigned {
			if name != "bigint" {
				width--
			}
			return name + "(" + number(width) + ") unsigned"
		}
		return name + "(" + number(width) + ")"
	case schema.KindNumeric:
		p, sc := 10, 0
		if t.HasPrecision {
			p, sc = t.Precision, t.Scale
		}
		return name + "(" + number(p) + "," + number(sc) + ")"
	case schema.KindTime, schema.KindTimestamp, schema.KindTimestampTZ:
		if t.Fraction > 0 {
			return name + "(" + number(t.Fraction) + ")"
		}
	}
	return name
}
