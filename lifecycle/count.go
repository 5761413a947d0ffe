package lifecycle

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/schema"
)

// Counter counts the records of a database by the keys that they name. It reads
// the first bytes of values and decrypts nothing; what it reads is not
// authenticated: a writer of the database can make a key look used, or hide that
// it is by damaging the record.
type Counter struct {
	// DB is a plain pool, not an encrypting one. Reading takes the rights of
	// SELECT on the tables.
	DB *sql.DB
	// Dialect is "postgres", "mysql" or "sqlite".
	Dialect string
	Keys    *envelope.Keys
	Tables  []Table
	// LeftOut names tables with encrypted columns that are not counted, for Usage.
	LeftOut []string
	// Partition, if not empty, leaves out records of others.
	Partition string
	// Page is the number of rows of one query; 2000 if zero.
	Page int
	// Gone is asked when a table cannot be read, whether it was dropped since Tables
	// was made: it has no records then. It may be nil: that is an error then.
	Gone func(ctx context.Context, t *Table) (bool, error)
	// Progress is called after each page with the number of rows that were read,
	// and may store u, from which Count goes on. It may be nil.
	Progress func(rows int64, u *Usage) error
}

// Table is a table with encrypted columns, as it is in the database.
type Table struct {
	// Name is for people; Quoted is spelt as a statement has it.
	Name, Quoted string
	// Key are the columns of a key without NULL, quoted. Without them the table
	// is read by one query, and a count that was stopped begins it anew.
	Key     []string
	Columns []Column
}

// Column is an encrypted column.
type Column struct {
	Schema *schema.Column
	// Quoted is its name as a statement has it.
	Quoted string
}

// Count counts, going on from u if that is not nil and was begun for the same
// tables. It returns what it has even with an error: pass that to go on.
//
// Rows that are written while it runs may be counted or not; a row that is there
// all the time is counted once, where the table has a key.
func (c *Counter) Count(ctx context.Context, u *Usage) (*Usage, error) {
	u, err := c.begin(u)
	if err != nil {
		return u, err
	}
	var rows int64
	for i := range u.Tables {
		rows += u.Tables[i].Rows
	}
	for i := range c.Tables {
		t := &u.Tables[i]
		for !t.Done {
			n, err := c.page(ctx, &c.Tables[i], t)
			if err != nil && c.Gone != nil && ctx.Err() == nil {
				gone, failed := c.Gone(ctx, &c.Tables[i])
				if failed != nil || !gone {
					return u, errors.Join(err, failed)
				}
				*t, n, err = c.Tables[i].dropped(), -t.Rows, nil
			}
			if err != nil {
				return u, err
			}
			rows += n
			if c.Progress != nil {
				if err := c.Progress(rows, u); err != nil {
					return u, err
				}
			}
		}
	}
	u.Ended = time.Now().UTC()
	return u, nil
}

// errOtherCount is returned for going on with a count of something else.
var errOtherCount = errors.New("sealsql: this count was begun for other tables, keys or another partition")

func (c *Counter) begin(u *Usage) (*Usage, error) {
	service, product := c.Keys.Owner()
	if u == nil {
		u = &Usage{Version: UsageVersion, Service: service, Product: product, Began: time.Now().UTC(), Partition: c.Partition, LeftOut: c.LeftOut}
		for i := range c.Tables {
			u.Tables = append(u.Tables, c.Tables[i].empty())
		}
		return u, nil
	}
	if u.Version != UsageVersion || u.Service != service || u.Product != product || u.Partition != c.Partition || len(u.Tables) != len(c.Tables) {
		return u, errOtherCount
	}
	for i := range c.Tables {
		if !c.Tables[i].fits(&u.Tables[i]) {
			return u, errOtherCount
		}
	}
	u.Ended = time.Time{}
	return u, nil
}

func (t *Table) empty() TableUsage {
	u := TableUsage{Table: t.Name}
	for _, col := range t.Columns {
		u.Columns = append(u.Columns, ColumnUsage{Column: col.Schema.Name, Records: map[string]int64{}})
	}
	return u
}

// dropped is the count of a table that is there no more.
func (t *Table) dropped() TableUsage {
	u := t.empty()
	u.Done, u.Dropped = true, true
	return u
}

func (t *Table) fits(u *TableUsage) bool {
	if u.Table != t.Name || len(u.Columns) != len(t.Columns) || len(u.After) != 0 && len(u.After) != len(t.Key) {
		return false
	}
	for i, col := range t.Columns {
		if u.Columns[i].Column != col.Schema.Name {
			return false
		}
		if u.Columns[i].Records == nil {
			u.Columns[i].Records = map[string]int64{}
		}
	}
	return true
}

// page counts the next rows of a table and returns how many they were.
func (c *Counter) page(ctx context.Context, t *Table, u *TableUsage) (n int64, err error) {
	limit := c.Page
	if limit <= 0 {
		limit = 2000
	}
	if len(t.Key) == 0 {
		limit = 0
		*u = t.empty() // what a stopped run counted is counted again
	}
	query, args := c.query(t, u.After, limit)
	rows, err := c.DB.QueryContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	cells := make([]any, len(t.Key)+len(t.Columns))
	heads := make([]sql.RawBytes, len(t.Columns))
	keys := make([]any, len(t.Key))
	for i := range keys {
		cells[i] = &keys[i]
	}
	for i := range heads {
		cells[len(keys)+i] = &heads[i]
	}
	for rows.Next() {
		if err := rows.Scan(cells...); err != nil {
			return n, err
		}
		for i, col := range t.Columns {
			if heads[i] != nil {
				c.count(&u.Columns[i], col.Schema, heads[i])
			}
		}
		n++
	}
	if err := rows.Err(); err != nil {
		return n, err
	}
	u.Rows += n
	if limit == 0 || n < int64(limit) {
		u.Done, u.After = true, nil
		return n, nil
	}
	u.After = u.After[:0]
	for _, k := range keys {
		u.After = append(u.After, Value{k})
	}
	return n, nil
}

// query reads the heads of a page of rows.
func (c *Counter) query(t *Table, after []Value, limit int) (string, []any) {
	var b strings.Builder
	b.WriteString("SELECT ")
	for _, k := range t.Key {
		b.WriteString(k + ", ")
	}
	for i, col := range t.Columns {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(c.head(col))
	}
	b.WriteString(" FROM " + t.Quoted)
	var args []any
	holder := func() string {
		if c.Dialect == "postgres" {
			return "$" + strconv.Itoa(len(args))
		}
		return "?"
	}
	key := strings.Join(t.Key, ", ")
	if len(after) > 0 {
		var holders []string
		for _, v := range after {
			args = append(args, v.V)
			holders = append(holders, holder())
		}
		fmt.Fprintf(&b, " WHERE (%s) > (%s)", key, strings.Join(holders, ", "))
	}
	if limit > 0 {
		args = append(args, limit)
		fmt.Fprintf(&b, " ORDER BY %s LIMIT %s", key, holder())
	}
	return b.String(), args
}

// head is an expression for the beginning of a value.
func (c *Counter) head(col Column) string {
	n := envelope.HeadSize
	switch col.Schema.Carrier {
	case schema.CarrierAsherah:
		if c.Dialect == "postgres" {
			return "CAST(" + col.Quoted + " AS text)"
		}
		return col.Quoted
	case schema.CarrierText:
		n = envelope.ArmouredHeadSize
	}
	return "substr(" + col.Quoted + ", 1, " + strconv.Itoa(n) + ")"
}

// count adds one value.
func (c *Counter) count(u *ColumnUsage, col *schema.Column, value []byte) {
	var h envelope.Head
	var err error
	if col.Carrier == schema.CarrierAsherah {
		h, err = envelope.ReadAsherahHead(value)
	} else {
		h, err = envelope.ReadHead(value)
	}
	switch {
	case errors.Is(err, envelope.ErrNotSealed):
		if c.Partition == "" {
			u.NotSealed++
		}
		return
	case err != nil:
		if c.Partition == "" {
			u.Damaged++
		}
		return
	case h.KeyID == "" && h.Column != schema.Tag(col.ID):
		if c.Partition == "" {
			u.Foreign++
		}
		return
	}
	if key, ok := c.key(col, &h); ok {
		u.Records[key]++
	}
}

// key names the key of a record; false where the record is not counted.
func (c *Counter) key(col *schema.Column, h *envelope.Head) (string, bool) {
	id := h.KeyID
	if id == "" {
		partition := h.Partition
		if partition == "" {
			partition = col.Table.Partition.Const
		}
		if c.Partition != "" && partition != c.Partition {
			return "", false
		}
		var err error
		if id, err = c.Keys.KeyID(envelope.KindPartition, partition); err != nil {
			id = "(no partition)"
		}
	} else if c.Partition != "" && c.Keys.Describe(id).Name != c.Partition {
		return "", false
	}
	return id + "@" + strconv.FormatInt(h.Created, 10), true
}
