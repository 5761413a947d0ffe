package sealsql

import (
	"context"
	"errors"
	"net"

	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/rewrite"
)

// Further classes of error, for errors.Is.
var (
	// ErrKeyRetired: the key of a stored value was retired; it is still there and
	// may not be used.
	ErrKeyRetired = envelope.ErrKeyRetired

	// ErrStale: the state of the key could not be checked for longer than the
	// policy's max_stale, so that nothing is sealed. Stored values still open.
	ErrStale = envelope.ErrStale

	// ErrIndexKey: the secret of a search index is not in the metastore.
	ErrIndexKey = envelope.ErrIndexKey

	// ErrValue: a value is none of its column's logical type: of a Go type that
	// the plain driver would not take for it either, out of range, too long, not
	// in the type's syntax. errors.As with *ValueError says which. Nothing was
	// sent.
	ErrValue = logical.ErrValue

	// ErrCatalog: the database's user may not read the catalog, from which the
	// driver knows which statements leave encrypted columns alone.
	ErrCatalog = errors.New("sealsql: database catalog cannot be read")
)

// The types behind the classes, for errors.As.
type (
	// RefusedError is behind ErrRefused.
	RefusedError = rewrite.UnsupportedError
	// KeyError is behind what is said of keys: it names the key, what was tried
	// and what to do.
	KeyError = envelope.KeyError
	// RecordError is behind ErrTampered where a stored record is at fault.
	RecordError = envelope.RecordError
	// ValueError is behind ErrValue. It holds the types, not the value.
	ValueError = logical.TypeError
	// NormalizeError is behind ErrValue where a normalizer of a search index, phone
	// for one, does not take the value. It names the normalizer; the *ColumnError
	// around it names the column.
	NormalizeError = logical.NormalizeError
)

// final are the outcomes that trying again does not change.
var final = []error{
	ErrKeyNotFound, ErrTampered, ErrShredded, ErrKeyRetired, ErrIndexKey, ErrClosed, context.Canceled,
}

// Unavailable reports whether err comes from a key service or a metastore that
// did not answer, or not in time: the statement may be tried again. Nothing of
// it was sent if it seals, and no row was handed out if it opens. It is false
// for keys that are gone, forged or destroyed, and for the database's own errors.
func Unavailable(err error) bool {
	var k *KeyError
	if !errors.As(err, &k) || k.Provider == "" {
		return false
	}
	for _, f := range final {
		if errors.Is(k.Err, f) {
			return false
		}
	}
	var ne net.Error
	switch k.Op {
	case "load", "store", "check":
		return true
	}
	return errors.Is(k.Err, context.DeadlineExceeded) || errors.As(k.Err, &ne)
}
