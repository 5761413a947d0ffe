package envelope

import (
	"context"

	"github.com/sealsql/sealsql/securemem"
)

// IndexKey is the key of an index while UseIndex runs.
type IndexKey struct{ key *indexKey }

// UseIndex calls f with the key of an index in its scope, for indexes that take
// more of it than one hash of a value. p is ignored where the index spans
// partitions. Errors are those of f and of AppendIndex. f must not keep the key.
func (s *Sealer) UseIndex(ctx context.Context, x *Index, p Partition, f func(*IndexKey) error) error {
	l, err := s.indexLease(ctx, x, p)
	if err != nil {
		return err
	}
	defer l.Release()
	return f(&IndexKey{key: l.Value()})
}

// Expand fills out, at most 32 bytes, with HKDF-Expand of the key with the info
// "sealsql<" | SHA-256(message): a pseudorandom function of messages of any
// length, apart from what AppendIndex computes.
func (k *IndexKey) Expand(out, message []byte) error {
	return k.key.secret.Expand(out, [securemem.LabelSize]byte([]byte("sealsql<")), message)
}
