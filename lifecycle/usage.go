package lifecycle

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// UsageVersion is the version of counts. Those of version 1 may lack records, and are
// no evidence.
const UsageVersion = 2

// Usage is how many records are sealed under which keys, as far as a count has
// come. It is plain data: a count that was stopped goes on from a stored one.
type Usage struct {
	// Version is UsageVersion.
	Version int `json:"version"`
	// Service and Product say whose keys.
	Service string `json:"service"`
	Product string `json:"product"`
	// Began and Ended bound the time of the count, in UTC; Ended is zero while it
	// is not complete.
	Began time.Time `json:"began"`
	Ended time.Time `json:"ended,omitzero"`
	// Partition is set where only records of one partition were counted.
	Partition string       `json:"partition,omitempty"`
	Tables    []TableUsage `json:"tables"`
	// LeftOut are tables with encrypted columns that were not counted.
	LeftOut []string `json:"left_out,omitempty"`
}

// TableUsage is the count of one table.
type TableUsage struct {
	// Table is its name in the database.
	Table string `json:"table"`
	// Rows were read; Done says that there are no more.
	Rows int64 `json:"rows"`
	Done bool  `json:"done"`
	// Dropped says that the table was there when the count began, and was not when
	// it was read.
	Dropped bool `json:"dropped,omitempty"`
	// After is the key of the last row that was read, for going on.
	After   []Value       `json:"after,omitempty"`
	Columns []ColumnUsage `json:"columns"`
}

// ColumnUsage is the count of one column.
type ColumnUsage struct {
	Column string `json:"column"`
	// Records are by name of the key, "id@created".
	Records map[string]int64 `json:"records"`
	// NotSealed are values that are not records, Foreign records of another
	// column, Damaged values that carry the mark of a record and are none.
	NotSealed int64 `json:"not_sealed,omitempty"`
	Foreign   int64 `json:"foreign,omitempty"`
	Damaged   int64 `json:"damaged,omitempty"`
}

// Complete reports whether every table was counted to its end.
func (u *Usage) Complete() bool { return !u.Ended.IsZero() }

// Records returns the number of records by key over all tables.
func (u *Usage) Records() map[string]int64 {
	sum := map[string]int64{}
	for i := range u.Tables {
		for _, c := range u.Tables[i].Columns {
			for key, n := range c.Records {
				sum[key] += n
			}
		}
	}
	return sum
}

// Dropped names the tables that went away while they were counted.
func (u *Usage) Dropped() []string {
	var out []string
	for i := range u.Tables {
		if u.Tables[i].Dropped {
			out = append(out, u.Tables[i].Table)
		}
	}
	return out
}

// Line is one line of a usage report.
type Line struct {
	Table, Column, Key string
	Records            int64
}

// Lines lists the counts by table, column and key.
func (u *Usage) Lines() []Line {
	var out []Line
	for i := range u.Tables {
		t := &u.Tables[i]
		for _, c := range t.Columns {
			for _, key := range slices.Sorted(maps.Keys(c.Records)) {
				out = append(out, Line{t.Table, c.Column, key, c.Records[key]})
			}
			for _, x := range []struct {
				word string
				n    int64
			}{{"(not sealed)", c.NotSealed}, {"(of another column)", c.Foreign}, {"(damaged)", c.Damaged}} {
				if x.n > 0 {
					out = append(out, Line{t.Table, c.Column, x.word, x.n})
				}
			}
		}
	}
	slices.SortStableFunc(out, func(a, b Line) int {
		return cmp.Or(cmp.Compare(a.Table, b.Table), cmp.Compare(a.Column, b.Column))
	})
	return out
}
