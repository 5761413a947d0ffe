package driver

import (
	"database/sql"
	"database/sql/driver"
	"testing"

	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/schema"
)

// BenchmarkPassing is what the wrapper adds to a statement that passes: the
// inner driver does nothing.
func BenchmarkPassing(b *testing.B) {
	cat, err := schema.New([]*schema.Table{{Name: "users", Columns: []*schema.Column{{Name: "ssn"}}}}, schema.Options{})
	if err != nil {
		b.Fatal(err)
	}
	eng := newFakeEngine()
	eng.snapshot = func() *rewrite.Snapshot {
		return &rewrite.Snapshot{Relations: []rewrite.SnapshotRelation{{
			ID: rewrite.RelationID{Schema: "main", Name: "clear"}, Kind: rewrite.RelTable,
			Columns: []rewrite.CatalogColumn{{Name: "id"}},
		}}}
	}
	wrapped, err := New(&quietDB{}, &pathEngine{eng}, Options{Annotations: cat, Sealer: newSealer(b)})
	if err != nil {
		b.Fatal(err)
	}
	for name, c := range map[string]driver.Connector{"plain": &quietDB{}, "wrapped": wrapped} {
		b.Run(name, func(b *testing.B) {
			pool := sql.OpenDB(c)
			defer pool.Close()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := pool.Exec("INSERT INTO clear (id) VALUES (?)", int64(1)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
