package driver

import (
	"context"
	"slices"

	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/schema"
)

// IndexInitializer is implemented by the connectors of this package.
type IndexInitializer interface {
	// InitIndexes makes the secrets of search indexes that do not exist: those
	// of the constant partitions of tables with indexes, of the partitions
	// given, and the one across partitions where an index has that scope. It
	// returns the partitions whose secret it made, "" standing for the one
	// across. Secrets that exist stay as they are. Rows that were stored
	// without an index are not found by it.
	InitIndexes(ctx context.Context, partitions ...string) (made []string, err error)
}

// InitIndexes implements IndexInitializer.
func (cr *connector) InitIndexes(ctx context.Context, partitions ...string) (made []string, err error) {
	across, want := cr.indexScopes()
	for _, id := range partitions {
		if !slices.Contains(want, id) {
			want = append(want, id)
		}
	}
	if across {
		want = append(want, "")
	}
	for _, id := range want {
		var p envelope.Partition
		if id != "" {
			if p, err = envelope.PartitionID(id); err != nil {
				return made, err
			}
		}
		some := false
		for _, version := range cr.indexVersions(id == "") {
			ok, err := cr.seals.sealer.CreateIndexVersion(ctx, p, version)
			if err != nil {
				return made, err
			}
			some = some || ok
		}
		if some {
			made = append(made, id)
		}
	}
	return made, nil
}

// indexVersions lists the versions of keys that indexes within partitions, or
// across them, have.
func (cr *connector) indexVersions(across bool) []int {
	var out []int
	for e := range cr.seals.indexes {
		if v := schema.IndexVersion(e); e.AllPartitions() == across && !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	slices.Sort(out)
	return out
}

// indexScopes lists the constant partitions with indexes, and whether one spans
// all of them.
func (cr *connector) indexScopes() (across bool, partitions []string) {
	for e := range cr.seals.indexes {
		switch t := e.Column().Table; {
		case e.AllPartitions():
			across = true
		case t.Partition.Kind == schema.PartitionConst && !slices.Contains(partitions, t.Partition.Const):
			partitions = append(partitions, t.Partition.Const)
		}
	}
	slices.Sort(partitions)
	return across, partitions
}
