package driver

import (
	"testing"

	"github.com/sealsql/sealsql/rewrite"
)

// mysqlFront says that it is MySQL's.
type mysqlFront struct{ rewrite.Frontend }

func (mysqlFront) Dialect() rewrite.Dialect { return rewrite.MySQL }

func TestATableThatIsGoneForAMomentIsReadOnceMore(t *testing.T) {
	in := func(schema, name string, columns ...rewrite.CatalogColumn) rewrite.SnapshotRelation {
		return rewrite.SnapshotRelation{ID: rewrite.RelationID{Schema: schema, Name: name}, Kind: rewrite.RelTable, Columns: columns}
	}
	relation := func(name string, columns ...rewrite.CatalogColumn) rewrite.SnapshotRelation {
		return in("shop", name, columns...)
	}
	of := func(list ...rewrite.SnapshotRelation) *rewrite.Snapshot { return &rewrite.Snapshot{Relations: list} }
	column := rewrite.CatalogColumn{Name: "ssn", Type: "varbinary(200)"}
	whole := of(relation("users", column), relation("other", column), in("wiki", "pages", column))
	session := &Session{}
	session.Names.SearchPath = []string{"shop"}
	for _, tc := range []struct {
		name   string
		mysql  bool
		before *rewrite.Snapshot
		reads  []*rewrite.Snapshot
		want   int // the reading that holds
	}{
		{"annotated table is gone and comes back", true, whole, []*rewrite.Snapshot{of(relation("other", column)), whole}, 1},
		{"annotated table has no columns for a moment", true, whole, []*rewrite.Snapshot{of(relation("users"), relation("other", column)), whole}, 1},
		{"annotated table was dropped", true, whole, []*rewrite.Snapshot{of(relation("other", column)), of(relation("other", column)), whole}, 1},
		{"clear table is gone and comes back", true, whole, []*rewrite.Snapshot{of(relation("users", column)), whole}, 1},
		{"clear table of another database was dropped", true, whole, []*rewrite.Snapshot{of(relation("users", column), relation("other", column)), whole}, 0},
		{"nothing was known", true, nil, []*rewrite.Snapshot{of(), whole}, 0},
		{"catalogs of other engines are of one moment", false, whole, []*rewrite.Snapshot{of(), whole}, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := newHarness(t)
			if tc.mysql {
				h.eng.front = mysqlFront{h.eng.front}
			}
			reads := 0
			h.eng.snapshot = func() *rewrite.Snapshot {
				reads++
				return tc.reads[reads-1]
			}
			var known []*state
			if tc.before != nil {
				known = []*state{nil, {snap: tc.before}}
			}
			got, err := h.cr.cats.snapshot(t.Context(), nil, session, known)
			if err != nil || got != tc.reads[tc.want] || reads != tc.want+1 {
				t.Errorf("%d readings, %v", reads, err)
			}
		})
	}
}
