package explain_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/sealsql/sealsql/internal/explain"
	"github.com/sealsql/sealsql/internal/offline"
	"github.com/sealsql/sealsql/schema"
)

// indexed is a table with a search index of every kind.
func indexed(t *testing.T) *offline.World {
	t.Helper()
	typed := func(name string) schema.Type {
		typ, err := schema.ParseType(name)
		if err != nil {
			t.Fatal(err)
		}
		return typ
	}
	binary := schema.CollationBytes
	columns := []*schema.Column{
		{Name: "city", Equality: &schema.Equality{Collation: binary}},
		{Name: "everywhere", Equality: &schema.Equality{Collation: binary, TableScope: true}},
		{Name: "lossy", Equality: &schema.Equality{Collation: binary, Normalize: []schema.Normalizer{schema.Trim}}},
		{Name: "pre", Prefix: &schema.Fragments{Kind: schema.PrefixFragments, Collation: binary}},
		{Name: "suf", Suffix: &schema.Fragments{Kind: schema.SuffixFragments, Collation: binary}},
		{Name: "sub", Contains: &schema.Fragments{Kind: schema.ContainsFragments, Collation: binary}},
		{Name: "pay", Type: typed("int"), Range: &schema.Range{}},
		{Name: "age", Type: typed("int"), Accepted: schema.LeakOrder, Range: &schema.Range{Order: schema.OrderRevealing}},
		{Name: "ssn"},
	}
	cat, err := schema.New([]*schema.Table{{
		Name: "t", Columns: columns, Partition: schema.Partition{Kind: schema.PartitionColumn, Column: "tenant", Type: typed("int")},
		Compounds: []*schema.Compound{
			{Key: "both", Parts: []schema.Part{{Name: "status", Type: typed("text"), Collation: binary}, {Name: "ssn", Collation: binary}}},
			{Key: "wide", TableScope: true, Parts: []schema.Part{{Name: "city"}, {Name: "ssn", Collation: binary}}},
		},
	}}, schema.Options{})
	if err != nil {
		t.Fatal(err)
	}
	w := &offline.World{Known: offline.KnownInferred, Session: session}
	w.Tables = cat
	return w
}

// TestEveryPredicateNamesItsIndexAndItsLeak goes through the forms in which a
// statement can search.
func TestEveryPredicateNamesItsIndexAndItsLeak(t *testing.T) {
	w := indexed(t)
	const where = "SELECT id FROM t WHERE tenant = 1 AND "
	for _, c := range []struct {
		sql, index string
		leak       explain.Leak
		dialects   string
	}{
		{where + "city = 'a'", "t.city_bidx", explain.LeakEquality, "postgres mysql sqlite"},
		{where + "city <> 'a'", "t.city_bidx", explain.LeakEquality, "postgres mysql sqlite"},
		{where + "city IN ('a', 'b')", "t.city_bidx", explain.LeakEquality, "postgres mysql sqlite"},
		{where + "city NOT IN ('a', 'b')", "t.city_bidx", explain.LeakEquality, "postgres mysql sqlite"},
		{where + "city = ANY ('{a,b}')", "t.city_bidx", explain.LeakEquality, "postgres"},
		{where + "city IS DISTINCT FROM 'a'", "t.city_bidx", explain.LeakEquality, "postgres"},
		{where + "city <=> 'a'", "t.city_bidx", explain.LeakEquality, "mysql"},
		{where + "city IS 'a'", "t.city_bidx", explain.LeakEquality, "sqlite"},
		{where + "(id, city) = (1, 'a')", "t.city_bidx", explain.LeakEquality, "postgres mysql sqlite"},
		{where + "CASE city WHEN 'a' THEN 1 ELSE 2 END = 1", "t.city_bidx", explain.LeakEquality, "postgres mysql sqlite"},
		{"SELECT id FROM t WHERE everywhere IN (SELECT everywhere FROM t)", "t.everywhere_bidx", explain.LeakEqualityEverywhere, "postgres mysql sqlite"},
		{"SELECT a.id FROM t a JOIN t b ON a.everywhere = b.everywhere", "t.everywhere_bidx", explain.LeakEqualityEverywhere, "postgres mysql sqlite"},
		{"SELECT id FROM t WHERE everywhere = 'a'", "t.everywhere_bidx", explain.LeakEqualityEverywhere, "postgres mysql sqlite"},
		{"SELECT count(*) FROM t WHERE tenant = 1 GROUP BY city", "t.city_bidx", explain.LeakEquality, "postgres mysql sqlite"},
		{"SELECT DISTINCT city FROM t WHERE tenant = 1", "t.city_bidx", explain.LeakEquality, "postgres mysql sqlite"},
		{"SELECT count(DISTINCT city) FROM t WHERE tenant = 1", "t.city_bidx", explain.LeakEquality, "postgres mysql sqlite"},
		{"SELECT row_number() OVER (PARTITION BY city ORDER BY id) FROM t WHERE tenant = 1", "t.city_bidx", explain.LeakEquality, "postgres mysql sqlite"},
		{"UPDATE t SET id = 2 WHERE tenant = 1 AND city = 'a'", "t.city_bidx", explain.LeakEquality, "postgres mysql sqlite"},
		{"DELETE FROM t WHERE tenant = 1 AND city = 'a'", "t.city_bidx", explain.LeakEquality, "postgres mysql sqlite"},
		{where + "lossy = 'a'", "t.lossy_bidx", explain.LeakEquality, "postgres mysql sqlite"},
		{where + "pre LIKE 'abc%'", "t.pre_pfx", explain.LeakPrefix, "postgres mysql sqlite"},
		{where + "suf LIKE '%abc'", "t.suf_sfx", explain.LeakSuffix, "postgres mysql sqlite"},
		{where + "sub LIKE '%abc%'", "t.sub_sub", explain.LeakPieces, "postgres mysql sqlite"},
		{where + "pay > 3", "t.pay_rng", explain.LeakNear, "postgres mysql sqlite"},
		{where + "pay BETWEEN 3 AND 4", "t.pay_rng", explain.LeakNear, "postgres mysql sqlite"},
		{where + "age > 3", "t.age_rng", explain.LeakOrder, "postgres mysql sqlite"},
		{where + "age = 3", "t.age_rng", explain.LeakOrder, "postgres mysql sqlite"},
		{"SELECT id FROM t WHERE tenant = 1 ORDER BY age", "t.age_rng", explain.LeakOrder, "postgres mysql sqlite"},
		{"SELECT max(age) AS m FROM t WHERE tenant = 1", "t.age_rng", explain.LeakOrder, "postgres mysql sqlite"},
		{where + "status = 'a' AND ssn = 'b'", "t.both_bidx", explain.LeakCombination, "postgres mysql sqlite"},
		{where + "(ssn, status) IN (('b', 'a'))", "t.both_bidx", explain.LeakCombination, "postgres mysql sqlite"},
		{"SELECT id FROM t WHERE city = 'a' AND ssn = 'b'", "t.wide_bidx", explain.LeakCombinationEverywhere, "postgres mysql sqlite"},
	} {
		for dialect := range strings.FieldsSeq(c.dialects) {
			r := describe(t, w, frontends[dialect], c.sql)
			if r.Refusal != nil {
				t.Errorf("%s: %s: %s", dialect, c.sql, r.Refusal.Headline())
				continue
			}
			if !slices.ContainsFunc(r.Searches, func(l explain.Line) bool { return l.Name == c.index && slices.Equal(l.Leaks, []explain.Leak{c.leak}) }) {
				t.Errorf("%s: %s: searched is %+v, want %s", dialect, c.sql, r.Searches, c.index)
			}
			var text strings.Builder
			if err := r.Write(&text); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(text.String(), c.index) || strings.Count(text.String(), "\n") > 25 {
				t.Errorf("%s: %s: the text is\n%s", dialect, c.sql, text.String())
			}
		}
	}
}
