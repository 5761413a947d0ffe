package rewrite

import (
	"slices"
	"strings"

	"github.com/sealsql/sealsql/schema"
)

// While an index is added to stored rows, or dropped, its table bears a mark: a
// CHECK that always holds, and says to programs on another configuration what
// they would not notice. A program that declares the index without state: adding
// would search it before every row has it; one that declares it without state:
// dropping would search it while others do not write it any more. Both find the
// mark in the catalog, as a setup fault.
//
// The mark of an index that is filled names the index alone, so that a program
// which does not know the index goes on.

// FillMark is the CHECK, without the word, of an index that is being filled, and
// the name of the constraint.
func FillMark(f Frontend, x schema.Index) (name, check string) {
	q := f.QuoteIdent(x.Physical())
	return guardName(x.Column().Table.Name, x.Physical()+"_filling"), q + " IS NULL OR " + q + " IS NOT NULL"
}

// DropMark is that of an index that is being dropped.
func DropMark(f Frontend, x schema.Index) (name, check string) {
	q := f.QuoteIdent(x.Column().Name)
	return guardName(x.Column().Table.Name, x.Physical()+"_dropping"),
		q + " IS NULL OR " + q + " IS NOT NULL OR " + f.QuoteIdent(x.Physical()) + " IS NULL"
}

func isFillMark(check string, x schema.Index) bool {
	c := strings.ToLower(x.Physical())
	return slices.Equal(guardWordsOf(check), []string{c, "is", "null", "or", c, "is", "not", "null"})
}

// dropMarkOf is the index that a mark says is being dropped, behind the column.
func dropMarkOf(check string, c *schema.Column) (index string, ok bool) {
	words, name := guardWordsOf(check), strings.ToLower(c.Name)
	if len(words) != 12 || !slices.Equal(words[:9], []string{name, "is", "null", "or", name, "is", "not", "null", "or"}) || !slices.Equal(words[10:], []string{"is", "null"}) {
		return "", false
	}
	return words[9], true
}

// HasMark reports that a table bears the mark that an index is added, or dropped.
func HasMark(r *SnapshotRelation, x schema.Index) bool {
	return slices.ContainsFunc(r.Checks, func(chk string) bool {
		index, dropped := dropMarkOf(chk, x.Column())
		return isFillMark(chk, x) || dropped && schema.EqualNames(index, x.Physical())
	})
}

// knownMark reports the mark of an index that the configuration drops.
func knownMark(check string, c *schema.Column) bool {
	index, ok := dropMarkOf(check, c)
	return ok && slices.ContainsFunc(c.Guarded(), func(x schema.Index) bool {
		return schema.TransitOf(x) == schema.Dropping && schema.EqualNames(x.Physical(), index)
	})
}

// fillFindings are the indexes of a column that the configuration has searched,
// and that rows lack.
func fillFindings(r *SnapshotRelation, c *schema.Column) []Finding {
	var out []Finding
	for _, x := range c.Indexes() {
		if schema.TransitOf(x) == schema.Settled && !c.Moving(x) && slices.ContainsFunc(r.Checks, func(chk string) bool { return isFillMark(chk, x) }) {
			out = append(out, Finding{
				c.String(), "rows still lack the search index " + x.Physical(),
				"declare it with state: adding until sealsql reindex --cut-over is done",
			})
		}
	}
	return out
}
