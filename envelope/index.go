package envelope

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/sealsql/sealsql/keycache"
	"github.com/sealsql/sealsql/securemem"
)

// Index computes blind indexes of one kind. It is immutable.
type Index struct {
	s     *Sealer
	n     uint32
	label [sha256.Size]byte
	size  int
	table bool
	// version names the secret that the key is derived from.
	version int
}

// IndexOptions are what an index is derived from: changing any of them makes
// another index, and stored ones useless.
type IndexOptions struct {
	// Kind keeps the keys of indexes of different kinds apart: a word of ASCII
	// letters; empty is "equality".
	Kind string
	// Group is shared by columns whose values are compared; 1 to 255 bytes.
	Group string
	// Version counts the keys of a group, from 1 to MaxIndexVersion: each has a
	// secret of its own, so that the keys of one tell nothing of another's.
	Version int
	// Steps name the normalisation of values.
	Steps []string
	// Bits is the size: 8 to 256 in steps of 8.
	Bits int
	// TableScope makes equal values of all partitions equal indexes.
	TableScope bool
}

// MaxIndexVersion bounds the version of an index key.
const MaxIndexVersion = 20000

// Index prepares an index. An index within partitions makes the Sealer create
// an index secret with the first key of each partition.
func (s *Sealer) Index(o IndexOptions) (*Index, error) {
	if o.Group == "" || len(o.Group) > maxColumnID || !utf8.ValidString(o.Group) {
		return nil, errors.New("sealsql: the group of an index must be 1 to 255 bytes of valid UTF-8")
	}
	if o.Bits < 8 || o.Bits > 256 || o.Bits%8 != 0 || o.Version < 1 || o.Version > MaxIndexVersion {
		return nil, fmt.Errorf("sealsql: an index has 8 to 256 bits in steps of 8, and a version from 1 to %d", MaxIndexVersion)
	}
	if o.Kind == "" {
		o.Kind = "equality"
	}
	b := appendField(appendField(nil, "sealsql/v1/"+o.Kind), s.c.Service)
	b = appendField(appendField(b, s.c.Product), o.Group)
	b = binary.BigEndian.AppendUint32(b, uint32(o.Version))
	b = binary.BigEndian.AppendUint32(b, uint32(o.Bits))
	for _, step := range o.Steps {
		b = appendField(b, step)
	}
	x := &Index{s: s, label: sha256.Sum256(b), size: o.Bits / 8, table: o.TableScope, version: o.Version}
	s.indexes.use(o.TableScope, o.Version)
	x.n = s.indexes.n.Add(1)
	return x, nil
}

// Size is the length of an index in bytes.
func (x *Index) Size() int { return x.size }

// indexKeyID names a derived index key; partition is empty across partitions.
type indexKeyID struct {
	index     uint32
	partition string
}

func (k indexKeyID) hash() uint64 { return k.hashed(hashString(k.partition)) }

// hashed is hash for callers who have hashString of the partition at hand.
func (k *indexKeyID) hashed(partition uint64) uint64 { return partition ^ mix(uint64(k.index)) }

var noPartition = hashString("")

// indexKey is the key of one index within one scope.
type indexKey struct{ secret *securemem.Expander }

func (k *indexKey) Destroy() { k.secret.Destroy() }

// AppendIndex appends the index of a message, Size bytes, to dst: a keyed hash
// that is equal for equal messages of one index and scope and otherwise tells
// nothing without the key. p is ignored where the index spans partitions.
//
// Errors are ErrPartition, ErrClosed, the cause of ctx, or a *KeyError, which
// matches ErrIndexKey where the secret is not there.
func (s *Sealer) AppendIndex(ctx context.Context, dst []byte, x *Index, p Partition, message []byte) ([]byte, error) {
	l, err := s.indexLease(ctx, x, p)
	if err != nil {
		return dst, err
	}
	defer l.Release()
	n := len(dst)
	dst = append(dst, make([]byte, x.size)...)
	return dst, l.Value().secret.Expand(dst[n:], [securemem.LabelSize]byte([]byte("sealsql=")), message)
}

// indexLease returns the key of an index in its scope; the caller releases it.
func (s *Sealer) indexLease(ctx context.Context, x *Index, p Partition) (keycache.Lease[indexKeyID, *indexKey], error) {
	var none keycache.Lease[indexKeyID, *indexKey]
	if x == nil || x.s != s {
		return none, errors.New("sealsql: index belongs to another sealer")
	}
	id, h := indexKeyID{index: x.n}, noPartition
	if !x.table {
		if id.partition, h = p.id, p.h; p.id == "" {
			return none, ErrPartition
		}
	}
	if l, ok := s.indexes.keys.FindHashed(id.hashed(h), &id); ok {
		return l, nil
	}
	return s.indexLoad(ctx, x, id)
}

func (s *Sealer) indexLoad(ctx context.Context, x *Index, id indexKeyID) (keycache.Lease[indexKeyID, *indexKey], error) {
	l, err := s.indexes.keys.GetOrLoad(ctx, id, func(ctx context.Context) (*indexKey, error) {
		return loading(ctx, s.obs.ix, s.indexMeta(id.partition, x.version).ID, func(ctx context.Context) (*indexKey, error) { return s.loadIndexKey(ctx, x, id.partition) })
	})
	if err != nil {
		return l, s.loadError(err)
	}
	return l, nil
}

// indexCreated is the creation time of the secret of version 1, and the distance
// from one version to the next: processes which make one at the same moment agree
// on it.
const indexCreated = 86400

const indexLabel = "sealsql/v1/index-secret"

// loadIndexKey derives the key of an index from its scope's secret.
func (s *Sealer) loadIndexKey(ctx context.Context, x *Index, partition string) (*indexKey, error) {
	secret, err := s.indexSecret(ctx, partition, x.version)
	if err != nil {
		return nil, err
	}
	defer secret.Destroy()
	derived, err := secret.DeriveExpander(append([]byte("sealsql/v1/index"), x.label[:]...))
	if err != nil {
		return nil, err
	}
	return &indexKey{derived}, nil
}

// indexWait is for the moment between the storing of the first system key and
// that of the secret across partitions by the process that made it.
const (
	indexWait  = 100 * time.Millisecond
	indexTries = 10
)

// indexSecret loads the secret of a scope. An absent one is made only where nothing
// can be stored yet, for a partition without any key and for a service without any
// partition: anywhere else a new one would find nothing and let duplicates in
// (threats T20).
func (s *Sealer) indexSecret(ctx context.Context, partition string, version int) (*securemem.Secret, error) {
	meta := s.indexMeta(partition, version)
	rec, err := s.load(ctx, meta)
	for i := 0; partition == "" && errors.Is(err, ErrKeyNotFound) && i < indexTries; i++ {
		if i == 0 {
			// The first system key brings the secret with it.
			sys, err := s.latestSystem(ctx)
			if err != nil {
				return nil, err
			}
			sys.Release()
		} else if err := pause(ctx, indexWait); err != nil {
			return nil, err
		}
		rec, err = s.load(ctx, meta)
	}
	if errors.Is(err, ErrKeyNotFound) {
		if err := s.makeAbsentSecret(ctx, partition, version); err != nil {
			return nil, err
		}
		rec, err = s.load(ctx, meta)
	}
	if errors.Is(err, ErrKeyNotFound) {
		return nil, s.indexMissing(meta)
	}
	if err != nil {
		return nil, err
	}
	return s.unwrapIndex(ctx, rec)
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}

func (s *Sealer) indexMeta(partition string, version int) KeyMeta {
	return KeyMeta{s.scheme.(*compactScheme).indexSecret(partition), indexCreated * int64(version)}
}

func (s *Sealer) indexMissing(meta KeyMeta) error {
	return &KeyError{
		Op: "load", KeyID: meta.ID, Created: meta.Created, Provider: providerName("metastore", s.store), Err: ErrIndexKey,
		Hint: "restore the row from a backup of the metastore; if search was declared after the keys were made, run sealsql index init once; if the index is moved to another version of its key, run sealsql reindex",
	}
}

// makeAbsentSecret makes the secret of a scope in which nothing can be stored yet.
func (s *Sealer) makeAbsentSecret(ctx context.Context, partition string, version int) error {
	if partition != "" {
		return s.makePartitionSecret(ctx, partition, version)
	}
	empty, err := s.withoutPartitions(ctx)
	if err == nil && !empty {
		err = s.indexMissing(s.indexMeta(partition, version))
	}
	if err != nil {
		return err
	}
	_, err = s.storeIndexSecret(ctx, partition, version)
	return err
}

// ensureTableSecrets sees, before the first key of a partition is made, that the
// secrets across partitions are there: once there is such a key nobody could tell
// an unfinished beginning from a secret that was taken away.
func (s *Sealer) ensureTableSecrets(ctx context.Context) error {
	if s.indexes.complete.Load() {
		return nil
	}
	for _, version := range s.indexes.versions(true) {
		switch _, err := s.load(ctx, s.indexMeta("", version)); {
		case err == nil:
			continue
		case !errors.Is(err, ErrKeyNotFound):
			return err
		}
		empty, err := s.withoutPartitions(ctx)
		if err == nil && empty {
			_, err = s.storeIndexSecret(ctx, "", version)
		}
		if err != nil {
			return err
		}
	}
	s.indexes.complete.Store(true)
	return nil
}

// withoutPartitions reports whether there is no key of a partition, of either
// format, that a value could be sealed under. The process that made the first
// system key may have ended, or lost the metastore's answer, before it stored the
// secret across partitions: then the next one does so. A metastore that cannot
// list its rows does not know.
func (s *Sealer) withoutPartitions(ctx context.Context) (bool, error) {
	store, ok := s.store.(Keeper)
	if !ok {
		return false, nil
	}
	k := &Keys{s: s, store: store}
	for _, prefix := range []string{s.ids().prefix, asherahIntermediate} {
		err := k.groups(ctx, prefix, func(rows []StoredKey) error {
			if _, ours := k.info(rows[0].Meta); ours {
				return errHasPartitions
			}
			return nil
		})
		if err != nil {
			if errors.Is(err, errHasPartitions) {
				err = nil
			}
			return false, err
		}
	}
	return true, nil
}

var errHasPartitions = errors.New("sealsql: there are keys of partitions")

// makePartitionSecret makes the secret of a partition that has no key yet.
func (s *Sealer) makePartitionSecret(ctx context.Context, partition string, version int) error {
	_, err := s.loadLatest(ctx, s.scheme.intermediateID(partition), s.now().Add(s.policy.Skew).Unix())
	switch {
	case err == nil:
		return s.indexMissing(s.indexMeta(partition, version))
	case !errors.Is(err, ErrKeyNotFound):
		return err
	}
	_, err = s.storeIndexSecret(ctx, partition, version)
	return err
}

// CreateIndexSecret makes the secret of a partition's indexes, or with the zero
// Partition that of the indexes across partitions, where there is none: when
// search is declared for data that are stored already. created is false when
// there is one.
func (s *Sealer) CreateIndexSecret(ctx context.Context, p Partition) (created bool, err error) {
	return s.CreateIndexVersion(ctx, p, 1)
}

// CreateIndexVersion is CreateIndexSecret for the secret of a version of the key
// (IndexOptions.Version), of which CreateIndexSecret makes the first.
func (s *Sealer) CreateIndexVersion(ctx context.Context, p Partition, version int) (created bool, err error) {
	if p.any {
		return false, ErrPartition
	}
	if version < 1 || version > MaxIndexVersion {
		return false, fmt.Errorf("sealsql: a version of an index key is a number from 1 to %d", MaxIndexVersion)
	}
	return s.storeIndexSecret(ctx, p.id, version)
}

func (s *Sealer) storeIndexSecret(ctx context.Context, partition string, version int) (created bool, err error) {
	sys, err := s.latestSystem(ctx)
	if err != nil {
		return false, err
	}
	defer sys.Release()
	return s.storeIndexUnder(ctx, sys.Value().key.Value(), partition, version)
}

func (s *Sealer) storeIndexUnder(ctx context.Context, parent *systemKey, partition string, version int) (created bool, err error) {
	rec := &KeyRecord{Meta: s.indexMeta(partition, version), Parent: &parent.meta}
	secret, err := s.arena.NewRandomSecret()
	if err != nil {
		return false, err
	}
	defer secret.Destroy()
	if rec.Key, err = parent.wrap.SealSecret(nil, secret, rowContext(indexLabel, rec)); err == nil {
		s.wrapped(ctx, parent, rec)
		rec.State, err = s.scheme.state(parent, rec, nil)
	}
	if err != nil {
		return false, err
	}
	created, err = s.putRow(ctx, rec)
	if err != nil {
		return false, storeError("store", rec.Meta, s.store, err)
	}
	if created {
		s.event(ctx, "create", rec.Meta, s.store, nil)
		s.obs.rec.KeyCreated(levelIndex, false)
	}
	return created, nil
}

func (s *Sealer) unwrapIndex(ctx context.Context, rec *KeyRecord) (*securemem.Secret, error) {
	if err := s.checkParent(rec); err != nil {
		return nil, err
	}
	sys, err := s.system(ctx, *rec.Parent)
	if err != nil {
		return nil, err
	}
	defer sys.Release()
	if err := s.readable(sys.Value(), rec); err != nil {
		return nil, err
	}
	if ok, err := s.scheme.authentic(sys.Value(), rec); err != nil || !ok || rec.Revoked {
		if err == nil {
			err = rowFault(rec.Meta, "the state of the index secret is not authentic, or it was revoked")
		}
		return nil, err
	}
	if len(rec.Key) != keySize+securemem.Overhead {
		return nil, rowFault(rec.Meta, "the index secret has the wrong size")
	}
	return s.arena.FillSecret(func(key []byte) error {
		if _, err := sys.Value().wrap.Open(key[:0], rec.Key, rowContext(indexLabel, rec)); err != nil {
			return rowFault(rec.Meta, "the index secret does not unwrap under its parent")
		}
		return nil
	})
}

// makeIndexes prepares the part of a Sealer that indexes need.
func (s *Sealer) makeIndexes() {
	s.indexes.keys = dataCache[indexKeyID, *indexKey](&s.c.Cache, indexKeyID.hash)
	s.firstSystem = func(ctx context.Context, key *systemKey) error {
		for _, version := range s.indexes.versions(true) {
			if _, err := s.storeIndexUnder(ctx, key, "", version); err != nil {
				return err
			}
		}
		return nil
	}
	s.firstOfPartition = func(ctx context.Context, partition string) error {
		if err := s.ensureTableSecrets(ctx); err != nil {
			return fmt.Errorf("sealsql: index secret across partitions: %w", err)
		}
		for _, version := range s.indexes.versions(false) {
			if _, err := s.storeIndexSecret(ctx, partition, version); err != nil {
				return fmt.Errorf("sealsql: index secret of a new partition: %w", err)
			}
		}
		return nil
	}
}
