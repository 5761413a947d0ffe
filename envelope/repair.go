package envelope

import (
	"context"
	"errors"
	"sync"
	"time"
)

// KeyRepairer is implemented by key management services that wrap a key several
// times, in several regions, and go on when one of them fails. What is missing
// is added later: by whoever loads the row and may change it, or by sealsql kms
// repair.
type KeyRepairer interface {
	// Incomplete names the regions that are configured and in which a key is not
	// wrapped. It asks nobody.
	Incomplete(wrapped []byte) []string
	// RepairKey has those regions wrap the key as well and returns the bytes that
	// replace wrapped, with the names of the regions that were added; nil and no
	// error when nothing is missing. The key stays the same.
	RepairKey(ctx context.Context, kc KeyContext, wrapped []byte) (repaired []byte, added []string, err error)
	// RepairAsherahKey is RepairKey for keys in Asherah's format.
	RepairAsherahKey(ctx context.Context, wrapped []byte) (repaired []byte, added []string, err error)
}

// replacer is the part of a metastore that repairing needs.
type replacer interface {
	Replace(ctx context.Context, old, rec *KeyRecord) (replaced bool, err error)
}

// repairTime bounds one repair.
const repairTime = time.Minute

// repairs runs at most one repair at a time, beside the requests.
type repairs struct {
	mu     sync.Mutex
	busy   bool
	closed bool
	stop   context.CancelFunc
	wait   sync.WaitGroup
}

// begin reports whether a repair may run, and gives its context.
func (r *repairs) begin() (context.Context, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.busy || r.closed {
		return nil, false
	}
	ctx, stop := context.WithTimeout(context.Background(), repairTime)
	r.busy, r.stop = true, stop
	r.wait.Add(1)
	return ctx, true
}

func (r *repairs) end() {
	r.mu.Lock()
	r.stop()
	r.busy = false
	r.mu.Unlock()
	r.wait.Done()
}

// close ends the repair that runs and lets none begin.
func (r *repairs) close() {
	r.mu.Lock()
	r.closed = true
	if r.busy {
		r.stop()
	}
	r.mu.Unlock()
	r.wait.Wait()
}

// mend looks whether the row of a system key lacks a region, and has it added
// if so. It returns at once. Rows are looked at when they are loaded: at the
// start, and after that once in every check interval. A metastore that this
// process may not change is left as it is; the log says which regions are
// missing either way.
func (h *hierarchy) mend(rec *KeyRecord) {
	r, ok := h.kms.(KeyRepairer)
	if !ok || !repairable(rec) {
		return
	}
	missing := r.Incomplete(rec.Key)
	if len(missing) == 0 {
		return
	}
	ctx, ok := h.mending.begin()
	if !ok {
		return
	}
	rec = rec.Clone()
	go func() {
		defer h.mending.end()
		added, err := repairRow(ctx, h.store, rec, func(ctx context.Context) ([]byte, []string, error) {
			return h.scheme.repairSystem(ctx, r, rec.Meta, rec.Key)
		})
		log := h.log.With("key_id", rec.Meta.ID, "created", rec.Meta.Created)
		switch {
		case h.closed.Load():
		case err != nil:
			log.Warn("sealsql: a system key is not wrapped in every region; sealsql kms repair adds them", "missing", missing, "error", err)
		case len(added) > 0:
			log.Info("sealsql: a system key was wrapped in further regions", "added", added)
		}
	}()
}

// repairable leaves out rows whose state authenticates the wrapped key as well:
// retired and destroyed keys, which nobody opens by.
func repairable(rec *KeyRecord) bool { return rec.Status() <= StatusRevoked }

// repairRow replaces the wrapped key of a row by a repaired one.
func repairRow(ctx context.Context, store Metastore, rec *KeyRecord, repair func(context.Context) ([]byte, []string, error)) ([]string, error) {
	w, ok := store.(replacer)
	if !ok {
		return nil, errNotReplaceable
	}
	wrapped, added, err := repair(ctx)
	if err != nil || wrapped == nil {
		return nil, err
	}
	fixed := rec.Clone()
	fixed.Key = wrapped
	replaced, err := w.Replace(ctx, rec, fixed)
	if err != nil || !replaced { // another process was first, or the row changed
		return nil, err
	}
	return added, nil
}

// Repair looks at the rows of the system keys of a service and product, the
// newest first, and adds the regions that they lack. It returns what it did for
// each row that lacked any, also after an error of one.
//
// suffixes are the region suffixes of keys in Asherah's format, the empty one
// for keys without; nil leaves that format out. The metastore must be able to
// look past rows (BoundedLoader), as all of this module are.
func Repair(ctx context.Context, c Config, suffixes []string) ([]Repaired, error) {
	r, ok := c.KMS.(KeyRepairer)
	if !ok {
		return nil, nil // nothing can be missing
	}
	store, ok := c.Metastore.(BoundedLoader)
	if !ok {
		return nil, errNotListed
	}
	ids, err := newKeyIDs(c.Service, c.Product)
	if err != nil {
		return nil, err
	}
	schemes := []scheme{&compactScheme{keyIDs: ids, kms: c.KMS, service: c.Service, product: c.Product}}
	if a, ok := c.KMS.(AsherahKMS); ok {
		for _, suffix := range suffixes {
			x, err := newAsherahScheme(a, c.Service, c.Product, suffix)
			if err != nil {
				return nil, err
			}
			schemes = append(schemes, x)
		}
	}
	var out []Repaired
	for _, x := range schemes {
		done, err := repairAll(ctx, c.Metastore, store, r, x)
		out = append(out, done...)
		if err != nil {
			return out, err
		}
	}
	return out, nil
}

// Repaired is what Repair did for one row.
type Repaired struct {
	Meta KeyMeta
	// Missing and Added are regions; what is in both was repaired.
	Missing, Added []string
	Err            error
}

// lastCreated is where looking for rows begins: records have four bytes for the
// time, the last of which can be of a row that is no key.
const lastCreated int64 = 1<<32 - 2

func repairAll(ctx context.Context, store Metastore, rows BoundedLoader, r KeyRepairer, x scheme) (out []Repaired, err error) {
	for notAfter := lastCreated; ; {
		rec, err := rows.LoadLatestBefore(ctx, x.systemID(), notAfter)
		if errors.Is(err, ErrKeyNotFound) {
			return out, nil
		}
		if err != nil {
			return out, storeError("load", KeyMeta{ID: x.systemID()}, store, err)
		}
		if rec.Meta.Created > notAfter {
			return out, rowFault(rec.Meta, "the metastore returned another row")
		}
		notAfter = rec.Meta.Created - 1
		missing := r.Incomplete(rec.Key)
		if len(missing) == 0 || !repairable(rec) {
			continue
		}
		done := Repaired{Meta: rec.Meta, Missing: missing}
		done.Added, done.Err = repairRow(ctx, store, rec, func(ctx context.Context) ([]byte, []string, error) {
			return x.repairSystem(ctx, r, rec.Meta, rec.Key)
		})
		out = append(out, done)
	}
}

var (
	errNotReplaceable = errors.New("the metastore cannot change rows")
	errNotListed      = errors.New("sealsql: the metastore cannot look past its newest row")
)

func (x *compactScheme) repairSystem(ctx context.Context, r KeyRepairer, meta KeyMeta, wrapped []byte) ([]byte, []string, error) {
	return r.RepairKey(ctx, x.keyContext(meta), wrapped)
}

func (x *asherahScheme) repairSystem(ctx context.Context, r KeyRepairer, _ KeyMeta, wrapped []byte) ([]byte, []string, error) {
	return r.RepairAsherahKey(ctx, wrapped)
}

// Repair is the function Repair with what the Sealer was made of.
func (s *Sealer) Repair(ctx context.Context, suffixes []string) ([]Repaired, error) {
	return Repair(ctx, s.c, suffixes)
}
