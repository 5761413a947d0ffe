package envelope

import "context"

// Keeper is a Metastore whose rows can be listed and changed. Programs that seal
// and open need none of it, and their database role should be allowed SELECT and
// INSERT only; it is for those who look after keys.
type Keeper interface {
	Metastore
	// List returns rows whose id begins with prefix and which come after the one
	// named, by the bytes of the id and then by creation time: at most limit, and
	// fewer only at the end. The zero KeyMeta begins. A row that cannot be read
	// is returned with its fault.
	List(ctx context.Context, prefix string, after KeyMeta, limit int) ([]StoredKey, error)
	// Replace puts rec, whose Meta is that of old, in the place of a row that
	// still is as old says, in one step; false, nil means that it is not.
	Replace(ctx context.Context, old, rec *KeyRecord) (replaced bool, err error)
	// Remove deletes a row that still is as rec says; false, nil means that it is
	// not, or not there.
	Remove(ctx context.Context, rec *KeyRecord) (removed bool, err error)
}

// VersionLister is implemented by Keepers that find the rows of one id faster
// than those of all ids that begin alike.
type VersionLister interface {
	// Versions returns all rows of an id, the oldest first, as List does.
	Versions(ctx context.Context, id string) ([]StoredKey, error)
}

// Overwriter is implemented by Keepers that can replace a row which cannot be read,
// so that a damaged one can be destroyed. Replace cannot: it compares with what was
// read.
type Overwriter interface {
	// Overwrite puts rec in the place of the row with its Meta, whatever that holds;
	// false, nil means that there is none, or that it was changed meanwhile.
	Overwrite(ctx context.Context, rec *KeyRecord) (overwritten bool, err error)
}

// StoredKey is a row of a metastore. Either Record or Err is nil.
type StoredKey struct {
	Meta   KeyMeta
	Record *KeyRecord
	Err    error
}

// Tombstone is the creation time (the last second of which a record can tell,
// in the year 2106) of the row that says that an id's keys are destroyed. While
// there is one, Store of a Keeper adds no other row of the id, checked in the
// statement that adds, and returns ErrShredded where it would have.
const Tombstone int64 = 1<<32 - 1

// Status is the state of a key that its row says. Whether a key has expired is
// not a part of it; that is a matter of time.
type Status uint8

// The states. Only an active key seals, until it expires. Active and revoked
// keys open for ever, whether expired or not.
const (
	StatusActive     Status = iota
	StatusRevoked           // never seals again
	StatusRetired           // neither seals nor opens; the key is still there
	StatusDestroying        // as StatusRetired, on its way to StatusDestroyed
	StatusDestroyed         // the row is there, the key is not
)

var statusText = [...]string{"active", "revoked", "retired", "destroying", "destroyed"}

// String returns the word.
func (s Status) String() string {
	if int(s) < len(statusText) {
		return statusText[s]
	}
	return "unknown"
}

// Status returns the state that the row says. It is authentic only where State
// verifies.
func (r *KeyRecord) Status() Status {
	switch {
	case !r.Revoked:
		return StatusActive
	case len(r.State) != 1+stateSize:
		return StatusRevoked
	}
	return Status(r.State[0])
}

// setStatus prepares the row for State to be computed.
func (r *KeyRecord) setStatus(s Status) {
	r.Revoked = s != StatusActive
	if s <= StatusRevoked {
		r.State = make([]byte, stateSize)
		return
	}
	r.State = make([]byte, 1+stateSize)
	r.State[0] = byte(s)
}
