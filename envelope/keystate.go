package envelope

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"sync"
	"time"

	"github.com/sealsql/sealsql/securemem"
)

// stateSize is the length of the MAC in a row's State. States beyond revoked,
// which earlier versions of this package do not know, stand in one byte in front
// of it: those take such a row for revoked.
const stateSize = sha256.Size

// stateMAC appends the State of a key row to dst: its status, beyond revoked,
// and what authenticates that under the system key. The MAC is HKDF-Expand used
// as a pseudorandom function over a hash of the fields.
func stateMAC(dst []byte, key *securemem.Secret, rec *KeyRecord) ([]byte, error) {
	status := rec.Status()
	x := takeScratch()
	defer x.give()
	x.b = append(appendRowContext(x.b, "sealsql/v1/state", rec), byte(status))
	if status > StatusRevoked {
		x.b = appendField(x.b, string(rec.Key))
		dst = append(dst, byte(status))
	}
	sum := sha256.Sum256(x.b)
	const label = "sealsql/v1/state"
	var info [len(label) + sha256.Size]byte
	copy(info[:], label)
	copy(info[len(label):], sum[:])
	dst = append(dst, make([]byte, stateSize)...)
	return dst, key.Expand(dst[len(dst)-stateSize:], info[:])
}

// rowContext encodes everything of a row that does not change in its life.
func rowContext(label string, rec *KeyRecord) []byte {
	return appendRowContext(make([]byte, 0, 256), label, rec)
}

func appendRowContext(b []byte, label string, rec *KeyRecord) []byte {
	b = appendField(b, label)
	b = appendField(b, rec.Meta.ID)
	b = binary.BigEndian.AppendUint64(b, uint64(rec.Meta.Created))
	if rec.Parent != nil {
		b = appendField(b, rec.Parent.ID)
		b = binary.BigEndian.AppendUint64(b, uint64(rec.Parent.Created))
	}
	return b
}

// encrypts reports whether new values may be sealed under the key of a row. A
// state that does not verify counts as revoked: a writer of the store can make
// us rotate, but not go back.
func (h *hierarchy) encrypts(sys *systemKey, rec *KeyRecord) (bool, error) {
	authentic, err := h.scheme.authentic(sys, rec)
	if err != nil {
		return false, err
	}
	if !authentic {
		h.obs.warn.Warn("sealsql: the state of a key row is not authentic; the key is treated as revoked",
			"key_id", rec.Meta.ID, "created", rec.Meta.Created)
	}
	if rec.Revoked || !authentic {
		if h.revoked.add(rec.Meta) {
			h.event(context.Background(), "revoked", rec.Meta, nil, nil)
			h.obs.rec.KeyRevoked()
			h.obs.warn.Warn("sealsql: a key was revoked; nothing more is sealed under it", "key_id", rec.Meta.ID, "created", rec.Meta.Created)
		}
	}
	now := h.now()
	created := time.Unix(rec.Meta.Created, 0)
	return !h.revoked.has(rec.Meta) &&
		now.Before(created.Add(h.policy.ExpireAfter)) &&
		!created.Before(h.policy.NotBefore) &&
		!created.After(now.Add(h.policy.Skew)), nil
}

// readable refuses keys that may not open: retired and destroyed ones. Whoever
// can write to the metastore can take a key away, but not make it look as if it
// had been destroyed on purpose.
func (h *hierarchy) readable(sys *systemKey, rec *KeyRecord) error {
	status := rec.Status()
	if status <= StatusRevoked || !h.scheme.hasStates() {
		return nil
	}
	authentic, err := h.scheme.authentic(sys, rec)
	switch {
	case err != nil:
		return err
	case !authentic:
		return rowFault(rec.Meta, "the state of the row is not authentic")
	case status == StatusRetired:
		return &KeyError{
			Op: "load", KeyID: rec.Meta.ID, Created: rec.Meta.Created, Err: ErrKeyRetired,
			Hint: "sealsql keys restore brings it back",
		}
	}
	return shredded(rec.Meta)
}

func shredded(meta KeyMeta) error {
	return &KeyError{Op: "load", KeyID: meta.ID, Created: meta.Created, Err: ErrShredded}
}

// dead reports whether a row is an authentic tombstone.
func (h *hierarchy) dead(ctx context.Context, rec *KeyRecord) (bool, error) {
	if rec.Meta.Created != Tombstone || rec.Status() != StatusDestroyed || !h.scheme.hasStates() || h.checkParent(rec) != nil {
		return false, nil
	}
	sys, err := h.system(ctx, *rec.Parent)
	if errors.Is(err, ErrKeyNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer sys.Release()
	return h.scheme.authentic(sys.Value(), rec)
}

// expiry returns the tick at which a key created then expires; t is now.
func (h *hierarchy) expiry(t, created int64) int64 {
	left := time.Unix(created, 0).Add(h.policy.ExpireAfter).Sub(h.now())
	return t + int64(left)
}

// stickySet remembers revoked keys, so that a row that is put back does not
// bring one back within the life of the process.
type stickySet struct {
	mu  sync.Mutex
	set map[KeyMeta]struct{}
}

// maxSticky bounds the set. Beyond it, any one is forgotten: only a row put back
// by a writer of the store could then make use of that.
const maxSticky = 1 << 16

// add reports whether the key is new to the set.
func (x *stickySet) add(m KeyMeta) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	if _, ok := x.set[m]; ok {
		return false
	}
	if x.set == nil {
		x.set = map[KeyMeta]struct{}{}
	}
	if len(x.set) >= maxSticky {
		for old := range x.set {
			delete(x.set, old)
			break
		}
	}
	x.set[m] = struct{}{}
	return true
}

func (x *stickySet) has(m KeyMeta) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	_, ok := x.set[m]
	return ok
}
