package lifecycle

import (
	"context"
	"time"

	"github.com/sealsql/sealsql/envelope"
)

// Stats sums up the keys of a service and product.
type Stats struct {
	// Kinds are in the order in which they are listed.
	Kinds []KindStats
}

// KindStats sums up the keys of one kind.
type KindStats struct {
	Kind envelope.KeyKind
	// Keys counts ids, Versions rows; Rotations is what Versions are more.
	Keys, Versions, Rotations int
	// States counts versions by the word of KeyInfo.State.
	States map[string]int
	// Oldest and Newest bound the creation times of active versions; zero for
	// none, and for index secrets, which have no time.
	Oldest, Newest time.Time
	// NextRotation is when the first newest version expires that is active; zero
	// for none. The key is replaced when it is next used then.
	NextRotation time.Time
	// Shredded counts ids whose keys were destroyed.
	Shredded int
}

// Collect counts the keys.
func Collect(ctx context.Context, k *envelope.Keys) (*Stats, error) {
	s := &Stats{}
	last := ""
	err := k.Each(ctx, func(i *envelope.KeyInfo) error {
		x := s.kind(i.Kind)
		if i.Meta.ID != last {
			x.Keys++
		}
		last = i.Meta.ID
		if i.Tombstone {
			x.Shredded++
			return nil
		}
		x.add(i, i.State(k.Now()))
		return nil
	})
	for i := range s.Kinds {
		x := &s.Kinds[i]
		x.Rotations = max(x.Versions-x.Keys, 0)
	}
	return s, err
}

func (s *Stats) kind(kind envelope.KeyKind) *KindStats {
	for i := range s.Kinds {
		if s.Kinds[i].Kind == kind {
			return &s.Kinds[i]
		}
	}
	s.Kinds = append(s.Kinds, KindStats{Kind: kind, States: map[string]int{}})
	return &s.Kinds[len(s.Kinds)-1]
}

func (x *KindStats) add(i *envelope.KeyInfo, state string) {
	x.Versions++
	x.States[state]++
	if state != "active" || i.Kind == envelope.KindIndex || i.Kind == envelope.KindIndexTable {
		return
	}
	created := time.Unix(i.Meta.Created, 0)
	if x.Oldest.IsZero() || created.Before(x.Oldest) {
		x.Oldest = created
	}
	if created.After(x.Newest) {
		x.Newest = created
	}
	if i.Latest && (x.NextRotation.IsZero() || i.Expires.Before(x.NextRotation)) {
		x.NextRotation = i.Expires
	}
}
