package lifecycle

import (
	"context"
	"errors"
	"fmt"

	"github.com/sealsql/sealsql/envelope"
)

// Pruned is what Prune thinks of one key version that seals no more.
type Pruned struct {
	Key     envelope.KeyMeta
	Name    string // the partition
	Records int64
	// Retired says that it was retired, or would be; otherwise Why it was not.
	Retired bool
	Why     string
}

// PruneOptions say which versions Prune retires.
type PruneOptions struct {
	// Usage is the evidence: a complete count of all tables.
	Usage *Usage
	// MaxVersions is the number of versions of a partition's key that are kept
	// whether anything is sealed under them or not, the newest among them; 1 if
	// zero.
	MaxVersions int
	// DryRun changes nothing.
	DryRun bool
}

// Prune retires the versions of partitions' keys beyond the newest MaxVersions
// under which nothing is sealed. A version that the count found, and one under
// which a process may have sealed after the count began, stays, however many
// there are. Retired keys can be restored until they are destroyed.
//
// What the count does not see are backups, replicas of other tables, exports of
// records: a retired key opens nothing in those either.
func Prune(ctx context.Context, k *envelope.Keys, o PruneOptions, f func(Pruned) error) error {
	service, product := k.Owner()
	u := o.Usage
	switch {
	case u == nil || !u.Complete() || u.Partition != "":
		return errors.New("sealsql: a complete count of all tables is needed: run sealsql keys usage to its end")
	case u.Version != UsageVersion:
		return errors.New("sealsql: the count was made by an earlier version, which did not see all records: count again")
	case len(u.LeftOut) > 0:
		return fmt.Errorf("sealsql: the count left %d tables out, the first of which is %s: count with --all-databases", len(u.LeftOut), u.LeftOut[0])
	case u.Service != service || u.Product != product:
		return errOtherCount
	}
	for i := range u.Tables {
		if u.Tables[i].Dropped { // or moved to a name where its records were not counted
			return fmt.Errorf("sealsql: the table %s went away while it was counted: count again", u.Tables[i].Table)
		}
		for _, c := range u.Tables[i].Columns {
			if c.Damaged+c.Foreign > 0 {
				return fmt.Errorf("sealsql: the count found values in %s.%s that name no key for sure: look at them first", u.Tables[i].Table, c.Column)
			}
		}
	}
	p := pruner{k: k, o: o, used: u.Records(), do: f}
	if p.o.MaxVersions < 1 {
		p.o.MaxVersions = 1
	}
	var versions []envelope.KeyInfo
	err := k.Each(ctx, func(i *envelope.KeyInfo) error {
		if i.Kind != envelope.KindPartition || i.Tombstone {
			return nil
		}
		if len(versions) > 0 && versions[0].Meta.ID != i.Meta.ID {
			if err := p.partition(ctx, versions); err != nil {
				return err
			}
			versions = versions[:0]
		}
		versions = append(versions, *i)
		return nil
	})
	if err != nil {
		return err
	}
	return p.partition(ctx, versions)
}

type pruner struct {
	k    *envelope.Keys
	o    PruneOptions
	used map[string]int64
	do   func(Pruned) error
}

// partition looks at all versions of one key, the oldest first.
func (p *pruner) partition(ctx context.Context, versions []envelope.KeyInfo) error {
	for i := 0; i < len(versions)-p.o.MaxVersions; i++ {
		v := &versions[i]
		if v.Status > envelope.StatusRevoked {
			continue
		}
		x := Pruned{Key: v.Meta, Name: v.Name, Records: p.used[name(v.Meta)]}
		switch {
		case v.Err != nil:
			x.Why = "its row cannot be read"
		case x.Records > 0:
			x.Why = fmt.Sprintf("%d records are sealed under it", x.Records)
		case !p.quiet(v, &versions[i+1]):
			x.Why = "a process may have sealed under it after the count began"
		default:
			x.Retired = true
		}
		if x.Retired && !p.o.DryRun {
			if err := p.k.Retire(ctx, v.Meta); err != nil {
				return err
			}
		}
		if err := p.do(x); err != nil {
			return err
		}
	}
	return nil
}

// quiet reports whether no process could seal under v when the count began: it
// had expired, or a newer version was there for so long that all have looked.
func (p *pruner) quiet(v, next *envelope.KeyInfo) bool {
	return p.k.SealsUntil(v, next.Meta.Created).Before(p.o.Usage.Began)
}
