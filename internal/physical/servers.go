package physical

import (
	"slices"
	"strconv"
	"strings"

	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/schema"
)

// alterPostgres prints one ALTER TABLE.
func (c *comparison) alterPostgres(w *work) {
	var actions []string
	for _, col := range w.add {
		actions = append(actions, "ADD COLUMN "+c.front.QuoteIdent(col.Name)+" "+rewrite.CarrierType(rewrite.Postgres, col), "ADD "+guardClause(c.front, w.rel, col))
	}
	for _, col := range w.change {
		name := c.front.QuoteIdent(physicalColumn(w.rel, col).Name)
		actions = append(actions, "ALTER COLUMN "+name+" TYPE "+rewrite.CarrierType(rewrite.Postgres, col)+" USING "+onlyNull(name, col.Carrier))
	}
	for _, col := range w.guard {
		actions = append(actions, "ADD "+guardClause(c.front, w.rel, col))
	}
	actions = append(actions, c.indexActions(w)...)
	c.alter(w, c.front.QuoteIdent(w.rel.ID.Schema)+"."+c.front.QuoteIdent(w.rel.ID.Name), actions)
}

// onlyNull is NULL for NULL and an error for every value: it casts a constant
// to a number, which the server reports without the value. The value itself is
// cut to nothing; it is in the expression so that the server cannot compute the
// cast when it plans the statement, for an empty table, too.
func onlyNull(name string, carrier schema.Carrier) string {
	number := "('sealsql: the column holds values' || left(" + name + "::text, 0))::integer::text"
	if carrier != schema.CarrierBinary {
		return number
	}
	return "decode(" + number + ", 'hex')"
}

// alterMySQL prints one ALTER TABLE. The server converts values to another
// type as it thinks best, so the guard is added in the same statement: it is
// checked on every row before the statement takes effect.
func (c *comparison) alterMySQL(w *work) {
	var actions []string
	for _, col := range w.add {
		actions = append(actions, "ADD COLUMN "+c.front.QuoteIdent(col.Name)+" "+rewrite.CarrierType(rewrite.MySQL, col), "ADD "+guardClause(c.front, w.rel, col))
	}
	for _, col := range w.change {
		actions = append(actions, "MODIFY COLUMN "+c.modified(w, col))
	}
	for _, col := range w.guard {
		actions = append(actions, "ADD "+guardClause(c.front, w.rel, col))
	}
	for _, col := range w.change {
		if !slices.Contains(w.guard, col) {
			c.find(col.String(), "the column has a guard but not a type that holds records", "drop the guard, then run sealsql ddl again")
			return
		}
	}
	actions = append(actions, c.indexActions(w)...)
	name := c.front.QuoteIdent(w.rel.ID.Name)
	if !strings.EqualFold(w.rel.ID.Schema, c.db.Schema) {
		name = c.front.QuoteIdent(w.rel.ID.Schema) + "." + name
	}
	c.alter(w, name, actions)
}

// modified is a column as MODIFY wants it: what is not repeated is lost.
func (c *comparison) modified(w *work, col *schema.Column) string {
	phys := physicalColumn(w.rel, col)
	s := c.front.QuoteIdent(phys.Name) + " " + rewrite.CarrierType(rewrite.MySQL, col)
	if phys.NotNull {
		s += " NOT"
	}
	s += " NULL"
	if comment := c.db.Comments[w.rel.ID][phys.Name]; comment != "" {
		s += " COMMENT " + c.mysqlString(comment)
	}
	return s
}

func (c *comparison) mysqlString(s string) string {
	if !c.db.NoBackslashEscapes {
		s = strings.ReplaceAll(s, `\`, `\\`)
	}
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}

func (c *comparison) alter(w *work, table string, actions []string) {
	if len(actions) == 0 {
		return
	}
	c.report.Changes = append(c.report.Changes, Change{
		Why: w.why(),
		SQL: "ALTER TABLE " + table + "\n  " + strings.Join(actions, ",\n  ") + ";",
	})
}

// mysqlBytes is what a column of a type holds, 0 if that is not known.
func mysqlBytes(typ string) int {
	base, rest, sized := strings.Cut(typ, "(")
	if sized {
		digits, _, _ := strings.Cut(rest, ")")
		n, err := strconv.Atoi(digits)
		if err != nil {
			return 0
		}
		return n
	}
	base, _, _ = strings.Cut(base, " ")
	switch base {
	case "tinyblob", "tinytext":
		return 1<<8 - 1
	case "blob", "text":
		return 1<<16 - 1
	case "mediumblob", "mediumtext":
		return 1<<24 - 1
	case "longblob", "longtext":
		return 1<<32 - 1
	}
	return 0
}
