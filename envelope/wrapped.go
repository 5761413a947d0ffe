package envelope

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"errors"

	"github.com/sealsql/sealsql/keycache"
	"github.com/sealsql/sealsql/securemem"
)

// wrapKeyID names the key that wraps the data keys of one column and partition
// under one intermediate key.
type wrapKeyID struct {
	column    uint32
	created   int64
	partition string
}

func (k wrapKeyID) hash() uint64 {
	return hashString(k.partition) ^ mix(uint64(k.created)<<20^uint64(k.column))
}

// wrapKey is an expanded wrap key.
type wrapKey struct{ cipher *securemem.Cipher }

func (k *wrapKey) Destroy() { k.cipher.Destroy() }

// wrapKeyOf leases the wrap key of a column and partition, deriving it when it is
// not there: HKDF-Expand(intermediate key, label | context, 32). At most 2^32
// data keys may be wrapped under one (SP 800-38D §8.3): see drawn.
func (s *Sealer) wrapKeyOf(ik *intermediateKey, c *Column, partition string) (l keycache.Lease[wrapKeyID, *wrapKey], err error) {
	id := wrapKeyID{column: c.n, created: ik.created, partition: partition}
	if l, ok := s.wraps.Get(id); ok {
		return l, nil
	}
	info := append([]byte("sealsql/v1/wrap-data-key"), c.context(partition)[:]...)
	x := takeTransit()
	defer x.wipe()
	if err := ik.secret.Expand(x.drk[:], info); err != nil {
		return l, err
	}
	cipher, err := s.newCipher(SuiteWrapped, x.drk[:], false)
	if err != nil {
		return l, err
	}
	l, ok := s.wraps.Put(id, &wrapKey{cipher})
	if !ok {
		return l, ErrClosed
	}
	return l, nil
}

// freshWrapped appends a new data key, wrapped, to b and fills x. head is the
// header of the record.
func (s *Sealer) freshWrapped(b, head []byte, ik *intermediateKey, v *place, x *transit, context *[sha256.Size]byte) ([]byte, error) {
	_, _ = rand.Read(x.drk[:]) // documented never to fail
	if err := x.k.fromDataKey(&x.drk, context); err != nil {
		return b, err
	}
	return s.wrapDataKey(b, head, ik, v.c, v.p.id, &x.drk, context)
}

// wrapDataKey appends nonce, wrapped key and tag.
func (s *Sealer) wrapDataKey(b, head []byte, ik *intermediateKey, c *Column, partition string, drk *[keySize]byte, context *[sha256.Size]byte) ([]byte, error) {
	l, err := s.wrapKeyOf(ik, c, partition)
	if err != nil {
		return b, err
	}
	defer l.Release()
	ad := takeScratch()
	defer ad.give()
	ad.b = append(append(ad.b, head...), context[:]...)
	return l.Value().cipher.Seal(b, drk[:], ad.b)
}

// wrappedDataKey is told of every data key that was wrapped, and replaces the
// intermediate key where the lot has fallen on it. prefix ends with the key block
// and the commitment.
func (s *Sealer) wrappedDataKey(ctx context.Context, partition string, created int64, prefix []byte) {
	if s.drawn(prefix[len(prefix)-commitSize-SuiteWrapped.keyBlock():]) {
		s.renew(ctx, partition, created)
	}
}

// unwrapDataKey fills x from the wrapped key of a record.
func (s *Sealer) unwrapDataKey(ik *intermediateKey, c *Column, partition string, h *header, x *transit) error {
	if err := s.unwrapInto(&x.drk, ik, c, partition, h); err != nil {
		return err
	}
	return x.k.fromDataKey(&x.drk, c.context(partition))
}

func (s *Sealer) unwrapInto(drk *[keySize]byte, ik *intermediateKey, c *Column, partition string, h *header) error {
	l, err := s.wrapKeyOf(ik, c, partition)
	if err != nil {
		return err
	}
	defer l.Release()
	ad := takeScratch()
	defer ad.give()
	ad.b = append(append(ad.b, h.head()...), c.context(partition)[:]...)
	if _, err := l.Value().cipher.Open(drk[:0], h.block(), ad.b); err != nil {
		return &RecordError{ReasonCommitment}
	}
	return nil
}

// fromDataKey computes HKDF-Expand(data key, "sealsql" | suite byte | context,
// 48): the key of the payload and the commitment. The random key itself encrypts
// nothing, so that wrapping it again never meets what it encrypted.
func (k *derived) fromDataKey(drk *[keySize]byte, context *[sha256.Size]byte) error {
	info := deriveInfo(SuiteWrapped, context, nil)
	return securemem.Expand(k[:], drk, info[:8+sha256.Size])
}

// ErrNotWrapped is returned by Rewrap for a record of another suite.
var ErrNotWrapped = errors.New("sealsql: only records of the suite AES-256-GCM-wrapped can be re-wrapped")

// Rewrap puts the data key of a record (suite SuiteWrapped) under the
// intermediate key with which values of the partition are sealed now, and
// returns the new record. Commitment, nonce, ciphertext and tag stay as they
// are: the value is neither decrypted nor checked, and neither its row identity
// nor its plaintext is needed. A record that is under that key already comes
// back as a copy. record is not changed.
//
// The data key stays the same one. Re-wrapping retires intermediate keys; it
// does not help against somebody who had the old key and the record.
//
// Errors are ErrNotWrapped, and those of Open and Seal. AnyPartition is
// ErrPartition.
func (s *Sealer) Rewrap(ctx context.Context, record []byte, c *Column, p Partition) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	var h header
	if err := h.parse(record); err != nil {
		return nil, err
	}
	if p.any {
		return nil, ErrPartition
	}
	if _, err := s.expected([]*Column{c}, &p, &h); err != nil {
		return nil, err
	}
	if h.suite != SuiteWrapped {
		return nil, ErrNotWrapped
	}
	if s.closed.Load() {
		return nil, ErrClosed
	}
	return s.rewrap(ctx, record, c, p, &h)
}

func (s *Sealer) rewrap(ctx context.Context, record []byte, c *Column, p Partition, h *header) ([]byte, error) {
	old, err := s.intermediate(ctx, intermediateID{p.id, int64(h.created)})
	if err != nil {
		return nil, err
	}
	defer old.Release()
	latest, err := s.latestIntermediate(ctx, p.id)
	if err != nil {
		return nil, err
	}
	defer latest.Release()
	securemem.ReserveStack()
	x := takeTransit()
	defer x.wipe()
	if err := s.unwrapInto(&x.drk, old.Value(), c, p.id, h); err != nil {
		return nil, err
	}
	if err := x.check(c.context(p.id), h.commit()); err != nil {
		return nil, err
	}
	ik := latest.Value().key.Value()
	if ik.created == old.Value().created {
		return append([]byte(nil), record...), nil
	}
	out := appendHeadFrom(make([]byte, 0, len(record)), h, uint32(ik.created))
	if out, err = s.wrapDataKey(out, out, ik, c, p.id, &x.drk, c.context(p.id)); err != nil {
		return nil, s.loadError(err)
	}
	out = append(out, h.commit()...)
	s.wrappedDataKey(ctx, p.id, ik.created, out)
	return append(out, h.box()...), nil
}

// check holds an unwrapped data key against the commitment.
func (x *transit) check(context *[sha256.Size]byte, commit []byte) error {
	if err := x.k.fromDataKey(&x.drk, context); err != nil {
		return err
	}
	if subtle.ConstantTimeCompare(x.k.commit(), commit) != 1 {
		return &RecordError{ReasonCommitment}
	}
	return nil
}

// appendHeadFrom copies the header of a record with another creation time.
func appendHeadFrom(b []byte, h *header, created uint32) []byte {
	b = append(b, h.head()...)
	binary.BigEndian.PutUint32(b[len(b)-len(h.head())+offCreated:], created)
	return b
}
