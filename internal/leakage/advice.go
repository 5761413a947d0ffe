package leakage

import (
	"fmt"
	"math"
	"math/bits"
)

// Advice is one thing that could be declared or done otherwise.
type Advice struct {
	// Where is "table.column", or the table's name.
	Where   string
	Message string
	Hint    string
}

func (a Advice) String() string {
	if a.Hint == "" {
		return a.Where + ": " + a.Message
	}
	return a.Where + ": " + a.Message + "; " + a.Hint
}

// Advice judges what was measured. It looks at what is stored: a column with few
// rows is judged by these.
func (r *Report) Advice() []Advice {
	var out []Advice
	for i := range r.Tables {
		t := &r.Tables[i]
		for _, name := range t.Lacks {
			out = append(out, Advice{t.Name, "the table has no column " + name, "create it as sealsql ddl prints it"})
		}
		for k := range t.Columns {
			for j := range t.Columns[k].Indexes {
				out = append(out, adviceOn(t, &t.Columns[k], &t.Columns[k].Indexes[j])...)
			}
		}
	}
	return out
}

func adviceOn(t *Table, c *Column, x *Index) []Advice {
	var out []Advice
	add := func(message, hint string) { out = append(out, Advice{t.Name + "." + c.Name, message, hint}) }
	of := ""
	if t.Sampled {
		of = " of those that were read"
	}
	if x.Unfilled > 0 {
		add(fmt.Sprintf("rows%s with a value and without an index in %s: %s; searches do not find them", of, x.Physical, number(x.Unfilled)), "write these rows again, and see that the guard is there")
	}
	if x.Stray > 0 {
		add(fmt.Sprintf("rows%s with an index in %s and without a value: %s", of, x.Physical, number(x.Stray)), "they were not written through sealsql; see that the guard is there")
	}
	if x.Kind != "equality" || x.Classes.Rows < enough {
		return out
	}
	k := &x.Classes
	switch {
	case c.Type == "boolean" || c.Type == "bool" || k.Distinct <= 2:
		add(fmt.Sprintf("an index over %s shows which rows are equal, and so almost the values", counted(k.Distinct, "different value")),
			"index it together with a column of many values (indexes: at the table), or not at all")
	case skewed(k):
		add(fmt.Sprintf("values are unevenly spread: %s groups, the most frequent value in %s of the rows; frequencies name such values", number(k.Distinct), percent(float64(k.Largest), float64(k.Rows))),
			"index it together with another column (indexes: at the table), or search by a clear column first and compare after reading")
	case k.Singletons == k.Rows || x.Unique:
	case x.Bits >= 128:
		if b, ok := planned(t.Total, k.Distinct); ok {
			add(fmt.Sprintf("equal values are seen to be equal: %s groups over %s rows", number(k.Distinct), number(k.Rows)),
				fmt.Sprintf("bits: %d would put about %s different values into each group, which hides rare values; comparisons are then filtered by the driver, and groups, keys and joins by it are refused", b, number(max(2, k.Distinct>>b))))
		}
	}
	return out
}

// planned is the number of bits with which a group holds between two values and
// the square root of their number, as CipherSweet's planner has it: enough to
// hide a value among others, and few enough to filter. Only multiples of eight
// are possible. ok is false where none fits, or where the index of a sample says
// too little.
func planned(rows, distinct int64) (b int, ok bool) {
	if distinct < 2 || rows < distinct {
		return 0, false
	}
	most := bits.Len64(uint64(distinct)) - 2 // distinct / 2^b >= 2
	least := int(math.Ceil(math.Log2(float64(distinct)) / 2))
	for b = 8; b <= most; b += 8 {
		if b >= least {
			return b, true
		}
	}
	return 0, false
}

func counted(n int64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return number(n) + " " + what + "s"
}
