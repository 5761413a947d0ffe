package builtin

import (
	"context"
	"crypto/subtle"
	"errors"
	"sync"

	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/securemem"
)

// A wrapped key is
//
//	off len
//	0   1   version, 0x01
//	1   8   id of the master key: HKDF-Expand(master, "sealsql/v1/local-kms/id", 8)
//	9   12  nonce
//	21  32  ciphertext
//	53  16  tag
//
// under AES-256-GCM with the key HKDF-Expand(master, "sealsql/v1/local-kms/wrap",
// 32). Version, id and the KeyContext are associated data. The id tells a wrong
// master key from a damaged row; it reveals nothing of the key.
const (
	localVersion = 1
	masterIDSize = 8
	masterSize   = 32
	localHead    = 1 + masterIDSize
)

// errOtherMaster is the answer to a key that another master key wrapped.
var errOtherMaster = otherMaster{}

type otherMaster struct{}

func (otherMaster) Error() string {
	return "the key was wrapped by another master key than the configured one"
}

func (otherMaster) Hint() string {
	return "configure the master key that was in use at that time; to go over to another one, name the old one under kms_retiring and run sealsql keys rewrap"
}

// errForged matches envelope.ErrTampered.
var errForged = forged{}

type forged struct{}

func (forged) Error() string        { return "the wrapped key is not authentic" }
func (forged) Is(target error) bool { return target == envelope.ErrTampered }

// local wraps under a master key in memory.
type local struct {
	name  string
	id    [masterIDSize]byte
	arena *securemem.Arena

	mu   sync.RWMutex // held for reading while the ciphers are used
	wrap *securemem.Cipher
	raw  *securemem.Cipher // the master key itself, for Asherah's format
}

var _ envelope.AsherahKMS = (*local)(nil)

// newLocal makes a service of a master key of 32 bytes, which it wipes.
func newLocal(name string, master []byte) (*local, error) {
	defer clear(master)
	if err := checkMaster(master); err != nil {
		return nil, err
	}
	arena, err := securemem.Open(securemem.Prefer, securemem.Config{MaxBytes: 16 << 10})
	if err != nil {
		return nil, err
	}
	k := &local{name: name, arena: arena}
	if err := k.derive(master); err != nil {
		arena.Close()
		return nil, err
	}
	return k, nil
}

func (k *local) derive(master []byte) error {
	root, err := k.arena.NewSecret(master)
	if err != nil {
		return err
	}
	defer root.Destroy()
	if err := root.Expand(k.id[:], []byte("sealsql/v1/local-kms/id")); err != nil {
		return err
	}
	var key [masterSize]byte
	defer clear(key[:])
	if err := root.Expand(key[:], []byte("sealsql/v1/local-kms/wrap")); err != nil {
		return err
	}
	if k.raw, err = root.NewCipher(); err != nil {
		return err
	}
	k.wrap, err = k.arena.NewCipher(key[:])
	return err
}

// checkMaster refuses keys that anybody knows.
func checkMaster(key []byte) error {
	if len(key) != masterSize {
		return errors.New("a master key has 32 bytes")
	}
	if subtle.ConstantTimeCompare(key, make([]byte, masterSize)) == 1 {
		return errors.New("the master key is all zeros")
	}
	// The key of Asherah's documentation and tests, which has reached production
	// before.
	if subtle.ConstantTimeCompare(key, []byte("thisIsAStaticMasterKeyForTesting")) == 1 {
		return errors.New("the master key is the published test key of Asherah")
	}
	return nil
}

// Name names the service in messages.
func (k *local) Name() string { return k.name }

// EncryptKey implements envelope.KeyManagementService.
func (k *local) EncryptKey(ctx context.Context, kc envelope.KeyContext, key []byte) ([]byte, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	k.mu.RLock()
	defer k.mu.RUnlock()
	if k.wrap == nil {
		return nil, envelope.ErrClosed
	}
	head := append([]byte{localVersion}, k.id[:]...)
	return k.wrap.Seal(head, key, append(head[:localHead:localHead], kc.AssociatedData()...))
}

// DecryptKey implements envelope.KeyManagementService.
func (k *local) DecryptKey(ctx context.Context, kc envelope.KeyContext, wrapped []byte) ([]byte, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	k.mu.RLock()
	defer k.mu.RUnlock()
	if k.wrap == nil {
		return nil, envelope.ErrClosed
	}
	if len(wrapped) < localHead || wrapped[0] != localVersion {
		return nil, errForged
	}
	if [masterIDSize]byte(wrapped[1:localHead]) != k.id {
		return nil, errOtherMaster
	}
	ad := append(wrapped[:localHead:localHead], kc.AssociatedData()...)
	key, err := k.wrap.Open(make([]byte, 0, masterSize), wrapped[localHead:], ad)
	if err != nil {
		return nil, errForged
	}
	return key, nil
}

// EncryptAsherahKey implements envelope.AsherahKMS: AES-256-GCM under the master
// key itself, as ciphertext, tag, nonce, as Asherah's static service does. The
// other keys of the master key are derived by HMAC, which AES under the same key
// tells nothing of.
func (k *local) EncryptAsherahKey(ctx context.Context, key []byte) ([]byte, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	k.mu.RLock()
	defer k.mu.RUnlock()
	if k.wrap == nil {
		return nil, envelope.ErrClosed
	}
	return k.raw.SealNonceLast(nil, key)
}

// DecryptAsherahKey implements envelope.AsherahKMS.
func (k *local) DecryptAsherahKey(ctx context.Context, wrapped []byte) ([]byte, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	k.mu.RLock()
	defer k.mu.RUnlock()
	if k.wrap == nil {
		return nil, envelope.ErrClosed
	}
	if len(wrapped) != masterSize+securemem.Overhead {
		return nil, errForged
	}
	box := append(make([]byte, 0, len(wrapped)), wrapped...)
	key, err := k.raw.OpenNonceLast(box)
	if err != nil {
		return nil, errForged
	}
	return key, nil
}

// Close wipes the master key.
func (k *local) Close() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.wrap != nil {
		k.wrap.Destroy()
		k.raw.Destroy()
		k.wrap = nil
		k.arena.Close()
	}
	return nil
}
