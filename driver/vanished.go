package driver

import (
	"context"
	"slices"
	"time"

	"github.com/sealsql/sealsql/rewrite"
)

// snapshot reads the catalog. MySQL and MariaDB collect theirs table by table:
// while ALTER TABLE puts a new table in the place of the old one there may be
// none, or one without columns. So where a table is gone that known had, annotated
// or of the session's own database, the catalog is read once more a moment later,
// and what that says holds: a table that was dropped costs one reading more, and
// one that is altered does not make statements fail.
func (cs *catalogs) snapshot(ctx context.Context, r *Reader, s *Session, known []*state) (*rewrite.Snapshot, error) {
	snap, err := cs.engine.Snapshot(ctx, r, s)
	if err != nil || cs.engine.Frontend().Dialect() != rewrite.MySQL || !cs.vanished(snap, s.Names.SearchPath, known) {
		return snap, err
	}
	wait := time.NewTimer(moment / 2)
	defer wait.Stop()
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-wait.C:
	}
	return cs.engine.Snapshot(ctx, r, s)
}

// vanished reports whether a table of one of known, annotated or in path, is not in
// snap, or has no columns there.
func (cs *catalogs) vanished(snap *rewrite.Snapshot, path []string, known []*state) bool {
	now := map[rewrite.RelationID]bool{}
	for i := range snap.Relations {
		if rel := &snap.Relations[i]; len(rel.Columns) > 0 {
			now[rel.ID] = true
		}
	}
	for _, k := range known {
		if k == nil || k.snap == nil {
			continue
		}
		for i := range k.snap.Relations {
			rel := &k.snap.Relations[i]
			if len(rel.Columns) == 0 || now[rel.ID] {
				continue
			}
			if slices.Contains(path, rel.ID.Schema) || cs.annotations.Lookup(rel.ID.Schema, rel.ID.Name) != nil {
				return true
			}
		}
	}
	return false
}
