package envelope

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"time"
)

// KMSCheck is what CheckKMS found.
type KMSCheck struct {
	// Wrapped is the size of a wrapped key in bytes.
	Wrapped int
	// Wrap and Unwrap are how long one request took.
	Wrap, Unwrap time.Duration
	// Missing names the regions that are configured and did not wrap.
	Missing []string
	// Asherah is set when the service has Asherah's format and did a round trip
	// in that, too.
	Asherah bool
}

// CheckKMS proves that a key management service wraps and unwraps system keys
// of a service and product, and that it refuses one in another's place. The key
// is made for this and kept nowhere.
func CheckKMS(ctx context.Context, kms KeyManagementService, service, product string) (*KMSCheck, error) {
	ids, err := newKeyIDs(service, product)
	if err != nil {
		return nil, err
	}
	kc := KeyContext{Service: service, Product: product, KeyID: ids.system, Created: time.Now().Unix(), Purpose: PurposeSystemKey}
	key := make([]byte, keySize)
	defer clear(key)
	_, _ = rand.Read(key) // documented never to fail
	x := &KMSCheck{}
	wrapped, err := x.round(key,
		func() ([]byte, error) { return kms.EncryptKey(ctx, kc, key) },
		func(w []byte) ([]byte, error) { return kms.DecryptKey(ctx, kc, w) })
	if err != nil {
		return nil, err
	}
	kc.KeyID += "/other"
	other, err := kms.DecryptKey(ctx, kc, wrapped)
	clear(other)
	if err == nil {
		return nil, errors.New("the service unwraps a key in another's place: it does not bind keys to their rows")
	}
	if r, ok := kms.(KeyRepairer); ok {
		x.Missing = r.Incomplete(wrapped)
	}
	a, ok := kms.(AsherahKMS)
	if !ok {
		return x, nil
	}
	x.Asherah = true
	_, err = (&KMSCheck{}).round(key,
		func() ([]byte, error) { return a.EncryptAsherahKey(ctx, key) },
		func(w []byte) ([]byte, error) { return a.DecryptAsherahKey(ctx, w) })
	if err != nil {
		return nil, fmt.Errorf("in Asherah's format: %w", err)
	}
	return x, nil
}

// round wraps and unwraps.
func (x *KMSCheck) round(key []byte, wrap func() ([]byte, error), unwrap func([]byte) ([]byte, error)) ([]byte, error) {
	start := time.Now()
	wrapped, err := wrap()
	if err != nil {
		return nil, checkError("wrap", err)
	}
	x.Wrap, x.Wrapped = time.Since(start), len(wrapped)
	start = time.Now()
	back, err := unwrap(wrapped)
	defer clear(back)
	if err != nil {
		return nil, checkError("unwrap", err)
	}
	x.Unwrap = time.Since(start)
	if subtle.ConstantTimeCompare(back, key) != 1 {
		return nil, errors.New("the service does not return the key that it wrapped")
	}
	return wrapped, nil
}

func checkError(op string, err error) error {
	if hint := serviceHint(err, ""); hint != "" {
		return fmt.Errorf("%s: %w; %s", op, err, hint)
	}
	return fmt.Errorf("%s: %w", op, err)
}
