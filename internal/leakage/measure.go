package leakage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/schema"
)

// Options say what is measured.
type Options struct {
	// DB is a plain pool, not an encrypting one; SELECT on the tables suffices.
	DB *sql.DB
	// Front is that of the engine.
	Front rewrite.Frontend
	// Snapshot is the database's catalog.
	Snapshot *rewrite.Snapshot
	// Annotations are the encrypted columns.
	Annotations *schema.Catalog
	// Rows bounds the rows that are read of each table: 100,000 if zero. Of
	// longer tables a random sample is read; on PostgreSQL one of whole pages.
	Rows int
}

// DefaultRows is Options.Rows if that is zero.
const DefaultRows = 100_000

// Measure reads the tables of a database. Nothing is written or opened.
func Measure(ctx context.Context, o Options) (*Report, error) {
	if o.Rows <= 0 {
		o.Rows = DefaultRows
	}
	r := &Report{Version: 1, Dialect: o.Front.Dialect().String(), Tables: []Table{}}
	for i := range o.Snapshot.Relations {
		rel := &o.Snapshot.Relations[i]
		if rel.Kind != rewrite.RelTable && rel.Kind != rewrite.RelPartitioned || rel.Temp || len(rel.Parents) > 0 {
			continue // the rows of a child are among those of its parent
		}
		t := o.Annotations.Lookup(rel.ID.Schema, rel.ID.Name)
		if t == nil {
			continue
		}
		m := newMeasurement(o, rel, t)
		if err := m.read(ctx); err != nil {
			return nil, fmt.Errorf("table %s: %w", m.table.Name, err)
		}
		r.Tables = append(r.Tables, m.report())
	}
	return r, nil
}

// measurement is that of one table.
type measurement struct {
	o         Options
	dialect   rewrite.Dialect
	of        *schema.Table
	table     Table
	quoted    string
	columns   []*columnMeter
	partition string // quoted; "" without such a column
}

// columnMeter counts what one column gives away.
type columnMeter struct {
	of                *schema.Column
	quoted            string
	null              int64
	lengths           map[int64]int64
	shortest, longest int64
	indexes           []*indexMeter
}

// indexMeter counts what one index gives away.
type indexMeter struct {
	of              schema.Index
	quoted          string
	unfilled, stray int64
	// array: PostgreSQL shows a contains index as an array of numbers.
	array bool
	// complete says, for a compound index, whether the row has all values.
	complete *sql.NullInt64
	equal    *counter
	levels   []*counter
	tokens   tokenCounter
	order    orderCounter
}

func newMeasurement(o Options, rel *rewrite.SnapshotRelation, t *schema.Table) *measurement {
	m := &measurement{o: o, dialect: o.Front.Dialect(), of: t, quoted: o.Front.QuoteIdent(rel.ID.Name)}
	m.table.Name, m.table.Partition = rel.ID.Name, t.Partition.Kind.String()
	if rel.ID.Schema != "" {
		m.quoted = o.Front.QuoteIdent(rel.ID.Schema) + "." + m.quoted
	}
	find := func(name string) (string, bool) {
		for i := range rel.Columns {
			if schema.EqualNames(rel.Columns[i].Name, name) {
				return o.Front.QuoteIdent(rel.Columns[i].Name), true
			}
		}
		m.table.Lacks = append(m.table.Lacks, name)
		return "", false
	}
	for _, c := range t.Columns {
		quoted, ok := find(c.Name)
		if !ok {
			continue
		}
		cm := &columnMeter{of: c, quoted: quoted, lengths: map[int64]int64{}}
		for _, x := range c.Indexes() {
			if quoted, ok := find(x.Physical()); ok {
				cm.indexes = append(cm.indexes, &indexMeter{of: x, quoted: quoted, equal: newCounter(), array: m.dialect == rewrite.Postgres})
			}
		}
		m.columns = append(m.columns, cm)
	}
	if t.Partition.Kind == schema.PartitionColumn {
		m.partition, _ = find(t.Partition.Column)
	}
	return m
}

func (m *measurement) read(ctx context.Context) error {
	if len(m.columns) == 0 {
		return nil
	}
	if err := m.o.DB.QueryRowContext(ctx, "SELECT count(*) FROM "+m.quoted).Scan(&m.table.Total); err != nil {
		return err
	}
	m.table.Sampled = m.table.Total > int64(m.o.Rows)
	rows, err := m.o.DB.QueryContext(ctx, m.query())
	if err != nil {
		return err
	}
	err = m.rows(rows)
	return errors.Join(err, rows.Close())
}

// query selects the partition, and of each column the length and the indexes.
func (m *measurement) query() string {
	list := []string{"NULL"}
	if m.partition != "" {
		list[0] = m.partition
	}
	for _, c := range m.columns {
		list = append(list, m.length(c))
		for _, x := range c.indexes {
			e := x.quoted
			if f, ok := x.of.(*schema.Fragments); ok && f.Kind == schema.ContainsFragments && m.dialect == rewrite.Postgres {
				e = "CAST(" + e + " AS text)"
			}
			list = append(list, e)
			if c, ok := x.of.(*schema.Compound); ok {
				list = append(list, m.complete(c))
			}
		}
	}
	return "SELECT " + strings.Join(list, ", ") + " FROM " + m.quoted + m.sample()
}

// complete is 1 where all columns of a compound index have a value, else NULL.
func (m *measurement) complete(x *schema.Compound) string {
	var conds []string
	for i := range x.Parts {
		conds = append(conds, m.o.Front.QuoteIdent(x.Parts[i].Name)+" IS NOT NULL")
	}
	return "CASE WHEN " + strings.Join(conds, " AND ") + " THEN 1 END"
}

// length is the number of bytes of a record.
func (m *measurement) length(c *columnMeter) string {
	switch {
	case m.dialect == rewrite.SQLite:
		return "length(CAST(" + c.quoted + " AS BLOB))"
	case m.dialect == rewrite.Postgres && c.of.Carrier == schema.CarrierAsherah:
		return "octet_length(CAST(" + c.quoted + " AS text))"
	}
	return "octet_length(" + c.quoted + ")"
}

// sample is the end of the query, which takes about as many rows as allowed.
func (m *measurement) sample() string {
	if !m.table.Sampled {
		return ""
	}
	limit := " LIMIT " + strconv.Itoa(m.o.Rows)
	part := min(1, 1.1*float64(m.o.Rows)/float64(m.table.Total))
	switch m.dialect {
	case rewrite.Postgres:
		return " TABLESAMPLE SYSTEM (" + strconv.FormatFloat(100*part, 'f', 6, 64) + ")" + limit
	case rewrite.MySQL:
		return " WHERE rand() < " + strconv.FormatFloat(part, 'f', 9, 64) + limit
	}
	return " WHERE (random() & 2147483647) < " + strconv.FormatInt(int64(part*(1<<31)), 10) + limit
}

func (m *measurement) rows(rows *sql.Rows) error {
	var partition sql.RawBytes
	cells := []any{&partition}
	lengths := make([]sql.NullInt64, len(m.columns))
	var indexes []*sql.RawBytes
	for i, c := range m.columns {
		cells = append(cells, &lengths[i])
		for _, x := range c.indexes {
			indexes = append(indexes, new(sql.RawBytes))
			cells = append(cells, indexes[len(indexes)-1])
			if _, ok := x.of.(*schema.Compound); ok {
				x.complete = new(sql.NullInt64)
				cells = append(cells, x.complete)
			}
		}
	}
	for rows.Next() {
		if err := rows.Scan(cells...); err != nil {
			return err
		}
		m.table.Read++
		at := indexes
		for i, c := range m.columns {
			c.value(lengths[i])
			for _, x := range c.indexes {
				value := lengths[i].Valid
				if x.complete != nil {
					value = x.complete.Valid
				}
				if err := x.index(string(partition), value, *at[0]); err != nil {
					return err
				}
				at = at[1:]
			}
		}
	}
	return rows.Err()
}

func (c *columnMeter) value(length sql.NullInt64) {
	if !length.Valid {
		c.null++
		return
	}
	n := length.Int64
	if len(c.lengths) == 0 || n < c.shortest {
		c.shortest = n
	}
	c.longest = max(c.longest, n)
	c.lengths[n]++
}

func (x *indexMeter) index(partition string, value bool, b []byte) error {
	switch {
	case b == nil && value:
		x.unfilled++
	case b != nil && !value:
		x.stray++
	}
	if b == nil {
		return nil
	}
	switch of := x.of.(type) {
	case *schema.Range:
		if of.Order == schema.OrderRevealing {
			if of.TableScope {
				partition = ""
			}
			x.order.add(partition, b)
			return nil
		}
		if of.Paths() {
			x.level(beginnings(b, of.Rooted()))
			break
		}
		x.level(pieces(b, hiddenLevel))
	case *schema.Fragments:
		if of.Kind != schema.ContainsFragments {
			x.level(pieces(b, schema.TokenBytes))
			break
		}
		tokens, ok := tokensOf(b, x.array)
		if !ok {
			return fmt.Errorf("column %s does not hold the tokens of an index", of.Name)
		}
		x.tokens.add(tokens)
		return nil
	}
	x.equal.add(b)
	return nil
}

// hiddenLevel is the size of a level of a range that hides the order, in bytes;
// levelBits the leading bits of the value that it stands for.
const (
	hiddenLevel = 16
	levelBits   = 4
)

// beginnings are those of a path: one for each level, half a byte longer each, with
// the hash in front that tells partitions apart.
func beginnings(path []byte, rooted bool) [][]byte {
	head := 0
	if rooted {
		head = min(hiddenLevel, len(path))
	}
	var out [][]byte
	for i := head; i < len(path); i++ {
		out = append(out, append(slices.Clone(path[:i]), path[i]&0xF0), path[:i+1])
	}
	return out
}

func (x *indexMeter) level(hashes [][]byte) {
	for i, h := range hashes {
		if i == len(x.levels) {
			x.levels = append(x.levels, newCounter())
		}
		x.levels[i].add(h)
	}
}
