package aws

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/sealsql/sealsql/internal/regional"
)

// region is one region's master key.
type region struct {
	client    *kms.Client
	name, key string
	former    []string
}

var _ regional.Region = (*region)(nil)

func (r *region) Name() string { return r.name }

// Shares implements regional.Region.
func (r *region) Shares(arn string) bool {
	if replicas(arn, r.key) {
		return true
	}
	return slices.ContainsFunc(r.former, func(f string) bool { return replicas(arn, f) })
}

// Generate implements regional.Region.
func (r *region) Generate(ctx context.Context, kc map[string]string) (key, blob []byte, arn string, err error) {
	out, err := r.client.GenerateDataKey(ctx, &kms.GenerateDataKeyInput{
		KeyId: &r.key, KeySpec: types.DataKeySpecAes256, EncryptionContext: kc,
	})
	if err != nil {
		return nil, nil, "", r.fault("generate", r.key, err)
	}
	return out.Plaintext, out.CiphertextBlob, aws.ToString(out.KeyId), nil
}

// Encrypt implements regional.Region.
func (r *region) Encrypt(ctx context.Context, kc map[string]string, key []byte) (blob []byte, arn string, err error) {
	out, err := r.client.Encrypt(ctx, &kms.EncryptInput{KeyId: &r.key, Plaintext: key, EncryptionContext: kc})
	if err != nil {
		return nil, "", r.fault("encrypt", r.key, err)
	}
	return out.CiphertextBlob, aws.ToString(out.KeyId), nil
}

// Decrypt implements regional.Region. KMS is told which key to use, so that a
// row cannot make it use one of somebody else's.
func (r *region) Decrypt(ctx context.Context, kc map[string]string, blob []byte, arn string) ([]byte, error) {
	key := r.keyFor(arn)
	out, err := r.client.Decrypt(ctx, &kms.DecryptInput{KeyId: &key, CiphertextBlob: blob, EncryptionContext: kc})
	if err != nil {
		return nil, r.fault("decrypt", key, err)
	}
	return out.Plaintext, nil
}

// keyFor chooses among the configured keys: the current one, unless the row
// names a former one. A former multi-region key is used by its replica here.
func (r *region) keyFor(rowARN string) string {
	if rowARN == r.key || replicas(rowARN, r.key) {
		return r.key
	}
	for _, f := range r.former {
		if f == rowARN {
			return f
		}
	}
	for _, f := range r.former {
		if a, ok := parseARN(f); ok && a.region == r.name && replicas(f, rowARN) {
			return f
		}
	}
	return r.key
}
