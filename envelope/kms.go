package envelope

import (
	"context"
	"encoding/binary"
	"strconv"
)

// KeyManagementService wraps system keys under a master key that this process
// may or may not see. Implementations are safe for concurrent use.
//
// DecryptKey must fail for anything but the bytes that EncryptKey returned, and
// where the service authenticates associated data, for any other kc. It fails
// with an error that matches [ErrTampered] when the service says that the bytes
// are not authentic, and with any other error when it cannot say. Errors hold no
// key bytes.
type KeyManagementService interface {
	// EncryptKey wraps key, 32 bytes, which it neither keeps nor changes.
	EncryptKey(ctx context.Context, kc KeyContext, key []byte) ([]byte, error)
	// DecryptKey unwraps. The caller owns the result and wipes it.
	DecryptKey(ctx context.Context, kc KeyContext, wrapped []byte) ([]byte, error)
	// Close gives up connections and wipes keys. It may be called twice.
	Close() error
}

// AsherahKMS is implemented by key management services that can also wrap
// system keys as Asherah does, so that the two read each other's key rows. That
// format has no associated data: nothing binds a wrapped key to the row in which
// it stands. It is therefore a way of its own, and never taken for the other.
type AsherahKMS interface {
	KeyManagementService
	// EncryptAsherahKey wraps key, 32 bytes, which it neither keeps nor changes.
	EncryptAsherahKey(ctx context.Context, key []byte) ([]byte, error)
	// DecryptAsherahKey unwraps, with errors as of DecryptKey. The caller owns
	// the result and wipes it.
	DecryptAsherahKey(ctx context.Context, wrapped []byte) ([]byte, error)
}

// Purpose says what a wrapped key is for.
type Purpose string

// PurposeSystemKey is the purpose of a system key of the compact format.
const PurposeSystemKey Purpose = "system-key"

// KeyContext names the key that a KeyManagementService wraps. Services bind it
// to the ciphertext (encryption context, additional authenticated data).
type KeyContext struct {
	Service string
	Product string
	KeyID   string
	Created int64 // Unix seconds
	Purpose Purpose
}

// AssociatedData encodes kc injectively, for services that take bytes.
func (kc KeyContext) AssociatedData() []byte {
	b := appendField(nil, "sealsql/v1/kms")
	b = appendField(b, string(kc.Purpose))
	b = appendField(b, kc.Service)
	b = appendField(b, kc.Product)
	b = appendField(b, kc.KeyID)
	return binary.BigEndian.AppendUint64(b, uint64(kc.Created))
}

// Map gives kc as names and values, for services that take those.
func (kc KeyContext) Map() map[string]string {
	return map[string]string{
		"sealsql:purpose": string(kc.Purpose),
		"sealsql:service": kc.Service,
		"sealsql:product": kc.Product,
		"sealsql:key-id":  kc.KeyID,
		"sealsql:created": strconv.FormatInt(kc.Created, 10),
	}
}

// appendField appends s with its length, so that a sequence of fields has one
// reading only.
func appendField(b []byte, s string) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(s)))
	return append(b, s...)
}
