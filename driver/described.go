package driver

import (
	"database/sql/driver"

	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/schema"
)

// describedRows lists the columns of an annotated table, or of a view over one,
// with their logical types in place of those of their carriers, for programs that
// ask a table how it is made before they use it. Index columns of a view are left
// out. Everything else of the report is the engine's.
type describedRows struct {
	*rows
	plan       *rewrite.Plan
	name, kind int // the columns of the report that hold name and type
}

var _ driver.Rows = (*describedRows)(nil)

// reports are the reports that list columns, by the labels that they begin with
// and that of the type: DESCRIBE and SHOW COLUMNS of MySQL, PRAGMA table_info
// and table_xinfo of SQLite.
var reports = []struct {
	first, name, kind string
}{
	{"Field", "Field", "Type"},
	{"cid", "name", "type"},
}

// described returns the rows of a report; other reports stay as they are.
func described(rows driver.Rows, p *rewrite.Plan) driver.Rows {
	cols := rows.Columns()
	for _, r := range reports {
		if len(cols) == 0 || cols[0] != r.first {
			continue
		}
		d := &describedRows{passing(rows, cols), p, -1, -1}
		for i, c := range cols {
			switch c {
			case r.name:
				d.name = i
			case r.kind:
				d.kind = i
			}
		}
		if d.name >= 0 && d.kind >= 0 {
			return d
		}
	}
	return rows
}

// passing are rows of which nothing is opened.
func passing(inner driver.Rows, names []string) *rows {
	return &rows{inner: inner, plan: &rewrite.Plan{Results: make([]rewrite.Open, len(names))}, opener: &opener{}, names: names}
}

// Next reads a row of the report.
func (d *describedRows) Next(dest []driver.Value) error {
	var c *schema.Column
	for hidden := true; hidden; {
		if err := d.rows.Next(dest); err != nil {
			return err
		}
		c, hidden = d.column(textOf(dest[d.name]))
	}
	if c == nil {
		return nil
	}
	switch dest[d.kind].(type) {
	case []byte:
		dest[d.kind] = []byte(logicalName(c))
	case string: // SQLite; MySQL's are bytes
		dest[d.kind] = rewrite.SQLiteTypeName(c.Type)
	}
	return nil
}

// column finds the encrypted column that one of the report is or shows; nil for
// clear ones. hidden are columns of a view that hold indexes.
func (d *describedRows) column(name string) (c *schema.Column, hidden bool) {
	if t := d.plan.Describes; t != nil {
		return t.Column(name), false
	}
	for _, v := range d.plan.DescribesView {
		if schema.EqualNames(v.Name, name) {
			return v.Column, v.Hidden
		}
	}
	return nil, false
}

func textOf(v driver.Value) string {
	switch v := v.(type) {
	case []byte:
		return string(v)
	case string:
		return v
	}
	return ""
}

// logicalName is the type as it was declared.
func logicalName(c *schema.Column) string {
	if c.Type.Declared != "" {
		return c.Type.Declared
	}
	return c.Type.Name
}
