package driver

import (
	"database/sql/driver"
	"fmt"
	"io"

	"github.com/sealsql/sealsql"
	"github.com/sealsql/sealsql/rewrite"
)

// readExtremes reads all rows, and makes one of them: the smallest or greatest
// value of each column.
func (x *call) readExtremes(rows driver.Rows, p *rewrite.ClientSort) (*sortedRows, error) {
	names := rows.Columns()
	if len(names) != len(p.Extremes) {
		return nil, fmt.Errorf("%w: a result has another number of columns than planned", sealsql.ErrCatalogChanged)
	}
	out := &sortedRows{names: append([]string(nil), names...), types: typesOf(rows, len(names))}
	for i, e := range p.Extremes {
		if e.Name != "" {
			out.names[i] = e.Name
		}
	}
	best, values := make([]sortValue, len(names)), make([]driver.Value, len(names))
	found := make([]bool, len(names))
	defer func() {
		for i := range best {
			best[i].wipe()
		}
	}()
	var sorters []*sorter
	for _, k := range p.Keys {
		s, err := newSorter(x.c.cr.front.Dialect(), k)
		if err != nil {
			return nil, &sealsql.ColumnError{Column: k.Column.String(), Op: "sort", Err: err}
		}
		sorters = append(sorters, s)
	}
	for n := 0; ; n++ {
		row := make([]driver.Value, len(names))
		err := rows.Next(row)
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		if n == p.Most {
			return nil, unsortable(p)
		}
		for i, s := range sorters {
			v, err := s.value(x, row[i])
			if err != nil {
				return nil, &sealsql.ColumnError{Column: p.Keys[i].Column.String(), Op: "sort", Err: err}
			}
			if v.null {
				continue
			}
			c := v.compare(&best[i])
			if found[i] && (c == 0 || c > 0 != p.Extremes[i].Max) {
				v.wipe()
				continue
			}
			best[i].wipe()
			best[i], found[i] = v, true
			values[i] = ownValues(row[i : i+1])[0]
		}
	}
	out.rows = [][]driver.Value{values}
	return out, nil
}
