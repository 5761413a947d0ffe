package lifecycle

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/sealsql/sealsql/envelope"
)

// Rotator replaces keys before they expire, so that no statement waits for a new
// key and no store is asked for many at once. Any number of processes may run
// one: in each interval the one that stores the lease row does the work.
type Rotator struct {
	Keys *envelope.Keys
	// Ahead is how long before its expiry a key is replaced; a tenth of the
	// policy's ExpireAfter if zero. It must be longer than RevokeCheck, in which
	// processes take new keys up.
	Ahead time.Duration
	// Every is the interval between looks; an hour if zero.
	Every time.Duration
	// Named are the named keys that are looked at; those of audit trails and
	// reports if nil. With Idle it is all.
	Named []string
	// Idle replaces the keys of all partitions. Otherwise a partition's key is
	// replaced when it is next used after its expiry, so that partitions which
	// are not used any more do not get a new key with every term; system keys and
	// named keys are replaced ahead in either case.
	Idle bool
	// Logger hears of what was done; nil discards it.
	Logger *slog.Logger
}

// Rotated counts what one look did.
type Rotated struct {
	// Lease says that this process had the lease; without it nothing was done.
	Lease bool
	// Keys are the new versions.
	Keys []envelope.KeyMeta
	// Skipped counts partitions whose id is too long to be known from their key.
	Skipped int
}

// Run looks at once and then in every interval, until ctx ends, whose cause it
// returns. Errors of the store are logged and tried again in the next interval.
func (r *Rotator) Run(ctx context.Context) error {
	if err := r.check(); err != nil {
		return err
	}
	for {
		if err := r.turn(ctx); err != nil && ctx.Err() == nil {
			r.log().Warn("sealsql: keys could not be replaced ahead of time", "err", err)
		}
		// Jitter keeps processes that began together from asking together.
		wait := r.every() + time.Duration(rand.Int64N(int64(r.every()/10)+1))
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(wait):
		}
	}
}

// turn looks before it asks for the lease, where looking is cheap: most turns
// have nothing to do, and leave no row behind.
func (r *Rotator) turn(ctx context.Context) error {
	if !r.Idle {
		any := false
		for _, system := range []bool{true, false} {
			due, err := r.allDue(ctx, system)
			if err != nil {
				return err
			}
			any = any || len(due) > 0
		}
		if !any {
			return nil
		}
	}
	_, err := r.Once(ctx)
	return err
}

func (r *Rotator) check() error {
	if r.ahead() <= r.Keys.Policy().RevokeCheck {
		return errors.New("sealsql: keys must be replaced longer ahead than the interval in which processes take them up (revoke_check)")
	}
	if r.ahead() >= r.Keys.Policy().ExpireAfter {
		return errors.New("sealsql: keys cannot be replaced longer ahead than they live (expire_after)")
	}
	return nil
}

// Once looks once, if no other process has done so in this interval.
func (r *Rotator) Once(ctx context.Context) (out Rotated, err error) {
	if err := r.check(); err != nil {
		return out, err
	}
	if out.Lease, err = r.Keys.Lease(ctx, "rotation", r.every()); err != nil || !out.Lease {
		return out, err
	}
	// System keys first: the new keys below are wrapped by the new one.
	for _, system := range []bool{true, false} {
		if err := r.look(ctx, system, &out); err != nil {
			return out, err
		}
	}
	return out, nil
}

// defaultNames are the named keys that programs of this module use: for audit
// trails and reports.
var defaultNames = []string{"audit", "report"}

// allDue lists system keys, or the others, that are due.
func (r *Rotator) allDue(ctx context.Context, system bool) (due []envelope.KeyInfo, err error) {
	look := func(i *envelope.KeyInfo) error {
		if i.Latest && !i.Tombstone && (i.Kind == envelope.KindSystem) == system && r.due(i) {
			due = append(due, *i)
		}
		return nil
	}
	if system {
		err = r.Keys.EachVersion(ctx, envelope.KindSystem, "", look)
		return due, err
	}
	if r.Idle {
		err = r.Keys.Each(ctx, look)
		return due, err
	}
	names := r.Named
	if names == nil {
		names = defaultNames
	}
	for _, name := range names {
		if err := r.Keys.EachVersion(ctx, envelope.KindNamed, name, look); err != nil {
			return nil, err
		}
	}
	return due, nil
}

func (r *Rotator) look(ctx context.Context, system bool, out *Rotated) error {
	due, err := r.allDue(ctx, system)
	if err != nil {
		return err
	}
	for i := range due {
		if due[i].Hashed() {
			out.Skipped++
			continue
		}
		made, err := r.rotate(ctx, &due[i])
		if err != nil {
			return err
		}
		r.log().Info("sealsql: a key was replaced ahead of time", "key_id", made.ID, "created", made.Created)
		out.Keys = append(out.Keys, made)
	}
	return nil
}

// due reports a key that seals now and will not for long.
func (r *Rotator) due(i *envelope.KeyInfo) bool {
	switch i.Kind {
	case envelope.KindSystem, envelope.KindNamed:
	case envelope.KindPartition:
		if !r.Idle {
			return false
		}
	default:
		return false
	}
	now := r.Keys.Now()
	return i.State(now) == "active" && !now.Before(i.Expires.Add(-r.ahead()))
}

func (r *Rotator) rotate(ctx context.Context, i *envelope.KeyInfo) (envelope.KeyMeta, error) {
	switch i.Kind {
	case envelope.KindSystem:
		return r.Keys.RotateSystem(ctx)
	case envelope.KindNamed:
		return r.Keys.RotateNamed(ctx, i.Name)
	}
	p, err := envelope.PartitionID(i.Name)
	if err != nil {
		return i.Meta, err
	}
	return r.Keys.RotatePartition(ctx, p)
}

func (r *Rotator) ahead() time.Duration {
	if r.Ahead > 0 {
		return r.Ahead
	}
	return r.Keys.Policy().ExpireAfter / 10
}

func (r *Rotator) every() time.Duration {
	if r.Every > 0 {
		return r.Every
	}
	return time.Hour
}

func (r *Rotator) log() *slog.Logger {
	if r.Logger == nil {
		return slog.New(slog.DiscardHandler)
	}
	return r.Logger
}
