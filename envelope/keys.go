package envelope

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/url"
	"strings"
	"time"
)

// Keys looks after the keys of a Sealer's service and product: it lists them,
// and changes their rows in the metastore. Programs that seal and open need none
// of it.
type Keys struct {
	s     *Sealer
	store Keeper
	alone bool
}

// Keys returns the keys of the Sealer. It fails if the metastore is not a
// Keeper.
func (s *Sealer) Keys() (*Keys, error) {
	k, ok := s.store.(Keeper)
	if !ok {
		return nil, fmt.Errorf("sealsql: %s cannot list or change its rows", providerName("metastore", s.store))
	}
	return &Keys{s: s, store: k}, nil
}

// KeyKind says what a key is for.
type KeyKind string

// The kinds. Those of Asherah's format have rows of their own, in which nothing
// authenticates the state and only revoking is known.
const (
	KindSystem           KeyKind = "system"
	KindPartition        KeyKind = "partition"   // seals the values of a partition
	KindIndex            KeyKind = "index"       // secret of a partition's search indexes
	KindIndexTable       KeyKind = "index-table" // secret of indexes across partitions
	KindNamed            KeyKind = "named"       // authenticates audit trails and reports
	KindAsherahSystem    KeyKind = "asherah-system"
	KindAsherahPartition KeyKind = "asherah-partition"
)

// KeyInfo describes one version of a key. Nothing in it is secret.
type KeyInfo struct {
	Meta KeyMeta
	Kind KeyKind
	// Name is the partition, as far as its id tells it, or the name of a named
	// key. Of a partition whose id is too long for a row it is "~" and a hash.
	Name string
	// Parent names the system key that wraps it; zero for system keys.
	Parent KeyMeta
	Status Status
	// Authentic says that Status verifies. A key whose state does not is treated
	// as revoked, and does not open if Status is beyond revoked.
	Authentic bool
	// Expires is the end of the time in which the key seals, by the Sealer's
	// policy.
	Expires time.Time
	// Latest marks the newest version of its id.
	Latest bool
	// Tombstone marks the row that says that the id's keys are destroyed.
	Tombstone bool
	// At is when destroying began (StatusDestroying has none) or ended.
	At time.Time
	// Err is why the row, or the key that authenticates it, cannot be read.
	Err error
}

// State is the word for the key's state at time now: active, expired, future,
// revoked, retired, destroying, destroyed, damaged; or unchecked where the metastore or
// the key service did not answer, or the service has another master key (Err).
func (i *KeyInfo) State(now time.Time) string {
	switch {
	case i.Status > StatusRevoked && (i.Authentic || i.Kind == KindSystem):
		return i.Status.String()
	case i.Err != nil && !damaged(i.Err):
		return "unchecked"
	case i.Err != nil || i.Status > StatusRevoked:
		return "damaged"
	case i.Status == StatusRevoked || !i.Authentic:
		return StatusRevoked.String()
	case i.Kind == KindIndex || i.Kind == KindIndexTable: // never expire
		return StatusActive.String()
	case !now.Before(i.Expires):
		return "expired"
	case i.Future(now):
		return "future"
	}
	return StatusActive.String()
}

// Future reports a key whose creation time lies in the future by more than 10
// minutes: it was made by a clock that was wrong, or forged.
func (i *KeyInfo) Future(now time.Time) bool {
	return !i.Tombstone && time.Unix(i.Meta.Created, 0).After(now.Add(maxSkew))
}

// maxSkew is the age below zero at which a key is called one from the future.
const maxSkew = 10 * time.Minute

// page is the number of rows that are read at once.
const page = 500

// Each calls f for every version of every key, in the order of ids and creation
// times. A row that cannot be read, or whose system key cannot be had, is reported in
// KeyInfo.Err. The error is that of the metastore, or f's.
func (k *Keys) Each(ctx context.Context, f func(*KeyInfo) error) error {
	v := verifier{s: k.s, failed: map[KeyMeta]error{}}
	for _, prefix := range k.prefixes() {
		if err := k.groups(ctx, prefix, func(rows []StoredKey) error { return k.describe(ctx, &v, rows, f) }); err != nil {
			return err
		}
	}
	return nil
}

// describe calls f for the versions of one key.
func (k *Keys) describe(ctx context.Context, v *verifier, rows []StoredKey, f func(*KeyInfo) error) error {
	for i := range rows {
		info, ok := k.info(rows[i].Meta)
		if !ok {
			return nil
		}
		info.Latest = i == len(rows)-1 || i == len(rows)-2 && rows[i+1].Meta.Created == Tombstone
		v.fill(ctx, info, &rows[i])
		if err := f(info); err != nil {
			return err
		}
	}
	return nil
}

// EachVersion is Each for one key, which KeyID names. Other rows are not read.
func (k *Keys) EachVersion(ctx context.Context, kind KeyKind, name string, f func(*KeyInfo) error) error {
	id, err := k.KeyID(kind, name)
	if err != nil {
		return err
	}
	rows, err := k.versions(ctx, id)
	if err != nil {
		return err
	}
	return k.describe(ctx, &verifier{s: k.s, failed: map[KeyMeta]error{}}, rows, f)
}

// Versions describes every version of an id, the oldest first, with its tombstone. A
// row that cannot be read is reported in KeyInfo.Err.
func (k *Keys) Versions(ctx context.Context, id string) (all []KeyInfo, err error) {
	if _, ok := k.info(KeyMeta{ID: id}); !ok {
		return nil, errForeignKey
	}
	rows, err := k.versions(ctx, id)
	if err != nil {
		return nil, err
	}
	err = k.describe(ctx, &verifier{s: k.s, failed: map[KeyMeta]error{}}, rows, func(i *KeyInfo) error {
		all = append(all, *i)
		return nil
	})
	return all, err
}

func (k *Keys) prefixes() []string {
	ids := k.s.ids()
	return []string{"_IK_", "_SK_" + k.s.service + "_" + k.s.product, ids.prefix, ids.named, ids.system, ids.index, ids.table}
}

// Show describes one key version; for Created 0, the newest.
func (k *Keys) Show(ctx context.Context, meta KeyMeta) (*KeyInfo, error) {
	info, ok := k.info(meta)
	if !ok {
		return nil, errForeignKey
	}
	rec, err := k.row(ctx, meta)
	if err != nil {
		return nil, err
	}
	latest, err := k.newest(ctx, meta.ID)
	if err != nil && !errors.Is(err, ErrKeyNotFound) && !errors.Is(err, ErrTampered) {
		return nil, err // the newest may be damaged, and this one not
	}
	info.Meta, info.Latest = rec.Meta, latest != nil && latest.Meta == rec.Meta
	v := verifier{s: k.s, failed: map[KeyMeta]error{}}
	v.fill(ctx, info, &StoredKey{Meta: rec.Meta, Record: rec})
	return info, nil
}

// row loads a row; for Created 0 the newest that is not the tombstone.
func (k *Keys) row(ctx context.Context, meta KeyMeta) (*KeyRecord, error) {
	if meta.Created != 0 {
		return k.s.load(ctx, meta)
	}
	return k.newest(ctx, meta.ID)
}

func (k *Keys) newest(ctx context.Context, id string) (*KeyRecord, error) {
	rec, err := k.store.LoadLatest(ctx, id)
	if b, ok := k.store.(BoundedLoader); ok && err == nil && rec != nil && rec.Meta.Created == Tombstone {
		rec, err = b.LoadLatestBefore(ctx, id, Tombstone-1)
	}
	return checkRow(rec, err, KeyMeta{ID: id}, k.store)
}

var errForeignKey = errors.New("sealsql: this is not the id of a key of the configured service and product")

// info reads what an id tells; false for a key of others.
func (k *Keys) info(meta KeyMeta) (*KeyInfo, bool) {
	ids, id := k.s.ids(), meta.ID
	info := &KeyInfo{Meta: meta, Tombstone: meta.Created == Tombstone}
	asherah := "_" + k.s.service + "_" + k.s.product
	cut := func(kind KeyKind, prefix string) bool {
		rest, ok := strings.CutPrefix(id, prefix)
		if ok {
			info.Kind, info.Name = kind, unescapeID(rest)
		}
		return ok
	}
	switch {
	case id == ids.system:
		info.Kind = KindSystem
	case id == ids.table:
		info.Kind = KindIndexTable
	case cut(KindPartition, ids.prefix), cut(KindIndex, ids.index), cut(KindNamed, ids.named):
	case id == "_SK"+asherah || strings.HasPrefix(id, "_SK"+asherah+"_"):
		info.Kind = KindAsherahSystem
	case strings.HasPrefix(id, asherahIntermediate) && len(id) > len(asherahIntermediate)+len(asherah):
		at := strings.LastIndex(id, asherah)
		rest := id[max(at, 0)+len(asherah):]
		if at <= len(asherahIntermediate) || rest != "" && rest[0] != '_' {
			return nil, false
		}
		info.Kind, info.Name = KindAsherahPartition, id[len(asherahIntermediate):at]
	default:
		return nil, false
	}
	return info, true
}

// unescapeID undoes escapeID.
func unescapeID(s string) string {
	if out, err := url.PathUnescape(s); err == nil {
		return out
	}
	return s
}

// groups calls f with all rows of each id.
func (k *Keys) groups(ctx context.Context, prefix string, f func([]StoredKey) error) error {
	var group []StoredKey
	var after KeyMeta
	for {
		rows, err := k.store.List(ctx, prefix, after, page)
		if err != nil {
			return storeError("list", KeyMeta{ID: prefix}, k.store, err)
		}
		for _, r := range rows {
			if len(group) > 0 && group[0].Meta.ID != r.Meta.ID {
				if err := f(group); err != nil {
					return err
				}
				group = nil
			}
			group, after = append(group, r), r.Meta
		}
		if len(rows) < page {
			break
		}
	}
	if len(group) == 0 {
		return nil
	}
	return f(group)
}

// verifier checks the states of rows. A system key that could not be unwrapped
// is not tried for every row.
type verifier struct {
	s      *Sealer
	failed map[KeyMeta]error
}

func (v *verifier) fill(ctx context.Context, info *KeyInfo, row *StoredKey) {
	info.Expires = time.Unix(info.Meta.Created, 0).Add(v.s.policy.ExpireAfter)
	if row.Err != nil {
		info.Err = row.Err
		return
	}
	rec := row.Record
	info.Status, info.At = rec.Status(), destroyedAt(rec)
	if rec.Parent != nil {
		info.Parent = *rec.Parent
	}
	if info.Kind == KindAsherahSystem || info.Kind == KindAsherahPartition {
		info.Authentic, info.Status = true, min(info.Status, StatusRevoked) // nothing says otherwise
		return
	}
	if info.Kind == KindSystem && info.Status == StatusDestroyed {
		return
	}
	info.Authentic, info.Err = v.authentic(ctx, rec)
}

// authentic reports whether the state of a row verifies.
func (v *verifier) authentic(ctx context.Context, rec *KeyRecord) (bool, error) {
	meta := rec.Meta
	if rec.Parent != nil {
		if err := v.s.checkParent(rec); err != nil {
			return false, err
		}
		meta = *rec.Parent
	}
	if err := v.failed[meta]; err != nil {
		return false, err
	}
	if rec.Parent == nil && rec.Status() > StatusRevoked {
		return v.ownState(ctx, rec)
	}
	sys, err := v.s.system(ctx, meta)
	if err != nil {
		v.failed[meta] = err
		return false, err
	}
	defer sys.Release()
	return v.s.scheme.authentic(sys.Value(), rec)
}

// ownState checks the state of a system key that may not be used any more.
func (v *verifier) ownState(ctx context.Context, rec *KeyRecord) (bool, error) {
	sys, err := v.s.rawSystem(ctx, rec)
	if err != nil {
		return false, err
	}
	defer sys.Destroy()
	return v.s.scheme.authentic(sys, rec)
}

// destroyedAt reads the time that stands in the place of a destroyed key.
func destroyedAt(rec *KeyRecord) time.Time {
	if rec.Status() != StatusDestroyed || len(rec.Key) != markSize {
		return time.Time{}
	}
	var n uint64
	for _, c := range rec.Key {
		n = n<<8 | uint64(c)
	}
	return time.Unix(int64(min(n, math.MaxInt32*4)), 0)
}

// KeyID returns the id of a partition's keys, of the secret of its search
// indexes, or of a named key; for KindSystem and KindIndexTable name is ignored.
func (k *Keys) KeyID(kind KeyKind, name string) (string, error) {
	ids := k.s.ids()
	switch kind {
	case KindSystem:
		return ids.system, nil
	case KindIndexTable:
		return ids.table, nil
	case KindNamed:
		return ids.named + name, checkKeyName(name)
	case KindPartition, KindIndex:
		if !validPartition(name) {
			return "", ErrPartition
		}
		if kind == KindIndex {
			return ids.indexSecret(name), nil
		}
		return ids.intermediate(name), nil
	}
	return "", errors.New("sealsql: keys of this kind have no name")
}

// Hashed reports a partition whose id is not told by its keys' ids, because it
// is too long.
func (i *KeyInfo) Hashed() bool {
	return (i.Kind == KindPartition || i.Kind == KindIndex) && len(i.Name) == hashedLen && i.Name[0] == '~'
}

// Describe says what an id is for; a key of others has no Kind.
func (k *Keys) Describe(id string) *KeyInfo {
	info, ok := k.info(KeyMeta{ID: id})
	if !ok {
		return &KeyInfo{Meta: KeyMeta{ID: id}}
	}
	return info
}

// Owner returns the service and the product whose keys these are.
func (k *Keys) Owner() (service, product string) { return k.s.service, k.s.product }

// Sealer returns the Sealer whose keys these are.
func (k *Keys) Sealer() *Sealer { return k.s }
