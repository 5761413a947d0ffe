package interop

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/internal/regional"
	"github.com/sealsql/sealsql/securemem"
)

// newFakeAWS is the envelope of Asherah's AWS service over regions that are
// keys of a file: what KMS would do, AES-256-GCM does.
func newFakeAWS(keys map[string][]byte, down string) (envelope.AsherahKMS, error) {
	if len(keys) == 0 {
		return nil, errors.New("the set has no aws_fake_region_keys_b64")
	}
	var regions []regional.Region
	for _, name := range slices.Sorted(maps.Keys(keys)) {
		if len(keys[name]) != securemem.SecretSize {
			return nil, fmt.Errorf("the key of region %q has not 32 bytes", name)
		}
		regions = append(regions, fakeRegion{name, keys[name], name == down})
	}
	return regional.New(regional.Config{Name: fakeAWS, Regions: regions})
}

// fakeRegion is a key that stands for the master key of a region.
type fakeRegion struct {
	name string
	key  []byte
	down bool
}

func (r fakeRegion) arn() string { return "arn:aws:kms:" + r.name + ":111122223333:key/interop" }

func (r fakeRegion) Name() string       { return r.name }
func (r fakeRegion) Shares(string) bool { return false }

func (r fakeRegion) fault(op string, f envelope.Fault) error {
	return &envelope.ServiceError{Service: fakeAWS, Region: r.name, Resource: r.arn(), Op: op, Fault: f}
}

func (r fakeRegion) Generate(ctx context.Context, kc map[string]string) (key, blob []byte, arn string, err error) {
	key = make([]byte, securemem.SecretSize)
	_, _ = rand.Read(key) // documented never to fail
	blob, arn, err = r.Encrypt(ctx, kc, key)
	return key, blob, arn, err
}

func (r fakeRegion) Encrypt(_ context.Context, _ map[string]string, key []byte) (blob []byte, arn string, err error) {
	if r.down {
		return nil, "", r.fault("encrypt", envelope.FaultUnreachable)
	}
	c, err := securemem.NewTransientCipher(r.key)
	if err != nil {
		return nil, "", err
	}
	defer c.Destroy()
	blob, err = c.SealNonceLast(nil, key)
	return blob, r.arn(), err
}

func (r fakeRegion) Decrypt(_ context.Context, _ map[string]string, blob []byte, _ string) ([]byte, error) {
	c, err := securemem.NewTransientCipher(r.key)
	if err != nil {
		return nil, err
	}
	defer c.Destroy()
	key, err := c.OpenNonceLast(slices.Clone(blob))
	if err != nil {
		return nil, r.fault("decrypt", envelope.FaultRefused)
	}
	return key, nil
}
