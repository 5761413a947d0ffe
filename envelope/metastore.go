package envelope

import (
	"context"
	"encoding/json"
)

// Metastore keeps wrapped keys. Rows are only ever added by this package.
// Implementations are safe for concurrent use, compare ids byte by byte, and
// report an error of the store as it is, never as an absent row. They use
// connections of their own: a row must survive the rollback of whatever
// transaction the application is in.
type Metastore interface {
	// Load returns the row, or ErrKeyNotFound.
	Load(ctx context.Context, meta KeyMeta) (*KeyRecord, error)
	// LoadLatest returns the row of id with the highest Created, or
	// ErrKeyNotFound.
	LoadLatest(ctx context.Context, id string) (*KeyRecord, error)
	// Store adds the row if there is none with its id and Created, and reports
	// whether it did. false, nil means that there was one, which is unchanged.
	Store(ctx context.Context, rec *KeyRecord) (stored bool, err error)
	// Close gives up connections. It may be called twice.
	Close() error
}

// BoundedLoader is implemented by metastores that can look past rows from the
// future, which never encrypt (clock errors, forged rows). Without it a new key
// is made instead.
type BoundedLoader interface {
	// LoadLatestBefore returns the row of id with the highest Created that is at
	// most notAfter, or ErrKeyNotFound.
	LoadLatestBefore(ctx context.Context, id string, notAfter int64) (*KeyRecord, error)
}

// KeyMeta names a key row.
type KeyMeta struct {
	ID      string
	Created int64 // Unix seconds, positive
}

// KeyRecord is a key row. Key is ciphertext; nothing in a record is secret.
type KeyRecord struct {
	Meta    KeyMeta
	Revoked bool
	// Key is the wrapped key.
	Key []byte
	// Parent names the system key that wraps an intermediate key; nil for a
	// system key.
	Parent *KeyMeta
	// State authenticates Meta, Parent and Revoked under the system key, so that
	// a writer of the store cannot bring a revoked key back (32 bytes). A row
	// whose State does not verify still decrypts; it never encrypts.
	State []byte
	// Replica says that the row was read from a copy that may lag behind, because
	// what is written to did not answer. It is not stored. Such a row opens; that
	// it is active does not count as a check of its state.
	Replica bool
}

// Clone returns a deep copy, in as few pieces as it can.
func (r *KeyRecord) Clone() *KeyRecord {
	c := &struct {
		rec    KeyRecord
		parent KeyMeta
	}{rec: *r}
	both := make([]byte, 0, len(r.Key)+len(r.State))
	both = append(append(both, r.Key...), r.State...)
	n := len(r.Key)
	if r.Key != nil {
		c.rec.Key = both[:n:n]
	}
	if r.State != nil {
		c.rec.State = both[n:]
	}
	if r.Parent != nil {
		c.parent = *r.Parent
		c.rec.Parent = &c.parent
	}
	return &c.rec
}

// maxKeyRecord bounds the JSON of a row in bytes. The largest in use, a system
// key wrapped by a cloud service in many regions, has some thousands.
const maxKeyRecord = 64 << 10

// errKeyRecord is the cause of every refusal of a stored row. It matches
// ErrTampered.
var errKeyRecord = &rowError{"key row is not a key record"}

// rowError is a fault in a stored key row.
type rowError struct{ text string }

func (e *rowError) Error() string        { return e.text }
func (e *rowError) Is(target error) bool { return target == ErrTampered }

// keyRecordJSON has the members of Asherah's EnvelopeKeyRecord in its order,
// and ours, for encoding/json.
type keyRecordJSON struct {
	Revoked       bool         `json:"Revoked,omitempty"`
	Created       int64        `json:"Created"`
	Key           []byte       `json:"Key"`
	ParentKeyMeta *keyMetaJSON `json:"ParentKeyMeta,omitempty"`
	State         []byte       `json:"SealsqlState,omitempty"`
}

type keyMetaJSON struct {
	ID      string `json:"KeyId"`
	Created int64  `json:"Created"`
}

// MarshalJSON returns what stores keep: all of the record but its id. A row of
// Asherah's hierarchy, which has no State, is byte for byte what Asherah for Go
// writes.
func (r *KeyRecord) MarshalJSON() ([]byte, error) {
	b := appendKeyJSON(make([]byte, 0, 320), r.Revoked, r.Meta.Created, r.Key, r.Parent)
	if len(r.State) > 0 {
		b = appendBase64JSON(append(b, `,"SealsqlState":`...), r.State)
	}
	return append(b, '}'), nil
}

// UnmarshalJSON reads what MarshalJSON or Asherah wrote, in any order and with
// members that it does not know. Meta.ID stays as it was. An error matches
// ErrTampered and holds nothing of the input.
func (r *KeyRecord) UnmarshalJSON(b []byte) error {
	if len(b) > maxKeyRecord {
		return errKeyRecord
	}
	out := KeyRecord{Meta: KeyMeta{ID: r.Meta.ID}}
	if v, ok := scanKeyRow(b); !ok || !out.scanned(&v) {
		var j keyRecordJSON
		if json.Unmarshal(b, &j) != nil {
			return errKeyRecord
		}
		out.Meta.Created, out.Revoked, out.Key, out.State, out.Parent = j.Created, j.Revoked, j.Key, j.State, nil
		if p := j.ParentKeyMeta; p != nil {
			out.Parent = &KeyMeta{p.ID, p.Created}
		}
	}
	if out.Meta.Created <= 0 || len(out.Key) == 0 {
		return errKeyRecord
	}
	if p := out.Parent; p != nil && (p.Created <= 0 || p.ID == "") {
		return errKeyRecord
	}
	*r = out
	return nil
}

// scanned takes over what the scanner read; false leaves it to encoding/json.
func (r *KeyRecord) scanned(v *scannedKey) (ok bool) {
	if r.Key, ok = v.bytes(); !ok {
		return false
	}
	if v.seen&seenState != 0 {
		if r.State, ok = decodeBase64(v.state); !ok {
			return false
		}
	}
	r.Meta.Created, r.Revoked = v.created, v.revoked
	if v.parent {
		r.Parent = &KeyMeta{string(v.parentID), v.parentCreated}
	}
	return true
}

// ParseKeyRecord reads the stored JSON of the row named by meta. A row whose
// JSON says another creation time than its key column is refused.
func ParseKeyRecord(meta KeyMeta, b []byte) (*KeyRecord, error) {
	r := &KeyRecord{Meta: KeyMeta{ID: meta.ID}}
	if err := r.UnmarshalJSON(b); err != nil {
		return nil, err
	}
	if r.Meta.Created != meta.Created {
		return nil, &rowError{"key row says another creation time than its key"}
	}
	return r, nil
}
