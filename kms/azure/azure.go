// Package azure wraps system keys under a key of Azure Key Vault or Managed HSM.
// Import it for its effect:
//
//	import _ "github.com/sealsql/sealsql/kms/azure"
//
// and name the key in the configuration:
//
//	kms:
//	  azure: {vault: "https://NAME.vault.azure.net", key: orders}
//
// The service's operations wrapKey and unwrapKey know no associated data. What
// is wrapped is therefore
//
//	random (16 bytes) | SHA-256 of KeyContext.AssociatedData (32 bytes) | key (32 bytes)
//
// and what does not begin so for the row at hand is refused. That keeps a key in
// its row, but says nothing of who wrapped it: with RSA-OAEP-256 anybody who has
// the public key can wrap. A writer of the metastore who has it can plant a
// system key that he knows. A256KW, on a managed HSM, does not have that
// weakness. What is stored is
//
//	sealsql-azure:1:<algorithm>:<version of the key>:<base64url>
//
// Asherah's format has no such service; columns in it need another.
package azure

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azkeys"

	"github.com/sealsql/sealsql/envelope"
)

// Name is the name under which the package registers.
const Name = "azure"

func init() { envelope.RegisterKMS(Name, open) }

// The algorithms.
const (
	RSAOAEP256 = "RSA-OAEP-256"
	A256KW     = "A256KW"
)

// Options are the members of kms.azure in the configuration.
type Options struct {
	// Vault is the address, https://NAME.vault.azure.net.
	Vault string `json:"vault"`
	Key   string `json:"key"`
	// Version wraps; empty means the newest. Unwrapping uses the one that
	// wrapped.
	Version string `json:"version,omitempty"`
	// Algorithm is RSA-OAEP-256 or A256KW; empty means the first.
	Algorithm string `json:"algorithm,omitempty"`
	// TimeoutMS bounds one call, in milliseconds; 0 means 5 s.
	TimeoutMS int `json:"timeout_ms,omitempty"`
}

type service struct {
	client  *azkeys.Client
	o       Options
	timeout time.Duration
	closed  atomic.Bool
}

var _ envelope.KeyManagementService = (*service)(nil)

func open(_ context.Context, raw json.RawMessage) (envelope.KeyManagementService, error) {
	var o Options
	d := json.NewDecoder(strings.NewReader(string(raw)))
	d.DisallowUnknownFields()
	if d.Decode(&o) != nil {
		return nil, errors.New("sealsql: options of kms azure have an unknown member or a value of the wrong type")
	}
	cred, err := azidentity.NewDefaultAzureCredential(nil)
	if err != nil {
		return nil, fmt.Errorf("sealsql: kms azure: %w", &envelope.ServiceError{Service: Name, Op: "open", Fault: envelope.FaultDenied, Detail: "no usable credentials"})
	}
	return Open(o, cred, nil)
}

// Open makes the service. It calls nothing. client may be nil.
func Open(o Options, cred azcore.TokenCredential, client *azkeys.ClientOptions) (envelope.KeyManagementService, error) {
	if o.Algorithm == "" {
		o.Algorithm = RSAOAEP256
	}
	u, err := url.Parse(o.Vault)
	switch {
	case err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil:
		return nil, errors.New("sealsql: kms azure: vault is not https://NAME.vault.azure.net")
	case !isName(o.Key) || o.Version != "" && !isName(o.Version):
		return nil, errors.New("sealsql: kms azure: key and version must be plain names")
	case o.Algorithm != RSAOAEP256 && o.Algorithm != A256KW:
		return nil, errors.New("sealsql: kms azure: algorithm must be " + RSAOAEP256 + " or " + A256KW)
	}
	s := &service{o: o, timeout: time.Duration(o.TimeoutMS) * time.Millisecond}
	if s.timeout <= 0 {
		s.timeout = 5 * time.Second
	}
	if s.client, err = azkeys.NewClient(o.Vault, cred, client); err != nil {
		return nil, fmt.Errorf("sealsql: kms azure: %w", err)
	}
	return s, nil
}

func isName(s string) bool {
	return s != "" && len(s) <= 127 && !strings.ContainsFunc(s, func(c rune) bool {
		return c != '-' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z')
	})
}

// Name names the service in messages.
func (*service) Name() string { return Name }

const (
	saltSize = 16
	headSize = saltSize + sha256.Size
	mark     = "sealsql-azure:1:"
)

// EncryptKey implements envelope.KeyManagementService.
func (s *service) EncryptKey(ctx context.Context, kc envelope.KeyContext, key []byte) ([]byte, error) {
	ctx, cancel, err := s.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer cancel()
	hash := sha256.Sum256(kc.AssociatedData())
	text := make([]byte, saltSize, headSize+len(key))
	_, _ = rand.Read(text) // documented never to fail
	text = append(append(text, hash[:]...), key...)
	defer clear(text)
	out, err := s.client.WrapKey(ctx, s.o.Key, s.o.Version, s.parameters(s.o.Algorithm, text), nil)
	if err != nil {
		return nil, s.failed(ctx, "wrap", err)
	}
	if out.KID == nil || out.KID.Name() != s.o.Key || !isName(out.KID.Version()) || len(out.Result) == 0 {
		return nil, s.fault("wrap", envelope.FaultMalformed, "")
	}
	return []byte(mark + s.o.Algorithm + ":" + out.KID.Version() + ":" + base64.RawURLEncoding.EncodeToString(out.Result)), nil
}

func (s *service) parameters(algorithm string, value []byte) azkeys.KeyOperationParameters {
	a := azkeys.EncryptionAlgorithm(algorithm)
	return azkeys.KeyOperationParameters{Algorithm: &a, Value: value}
}

// maxWrapped bounds the text of a wrapped key, in bytes.
const maxWrapped = 4096

// parse reads what EncryptKey returned. Only the version is taken from there;
// vault and name are those of the configuration, and so is the algorithm.
func (s *service) parse(wrapped []byte) (version string, value []byte, ok bool) {
	if len(wrapped) > maxWrapped {
		return "", nil, false
	}
	rest, ok := strings.CutPrefix(string(wrapped), mark+s.o.Algorithm+":")
	version, text, found := strings.Cut(rest, ":")
	value, err := base64.RawURLEncoding.Strict().DecodeString(text)
	return version, value, ok && found && isName(version) && err == nil && len(value) > 0
}

// DecryptKey implements envelope.KeyManagementService.
func (s *service) DecryptKey(ctx context.Context, kc envelope.KeyContext, wrapped []byte) ([]byte, error) {
	ctx, cancel, err := s.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer cancel()
	version, value, ok := s.parse(wrapped)
	if !ok {
		return nil, s.fault("unwrap", envelope.FaultRefused, "not wrapped by this service and algorithm")
	}
	out, err := s.client.UnwrapKey(ctx, s.o.Key, version, s.parameters(s.o.Algorithm, value), nil)
	if err != nil {
		return nil, s.failed(ctx, "unwrap", err)
	}
	defer clear(out.Result)
	hash := sha256.Sum256(kc.AssociatedData())
	if len(out.Result) <= headSize || subtle.ConstantTimeCompare(out.Result[saltSize:headSize], hash[:]) != 1 {
		return nil, s.fault("unwrap", envelope.FaultRefused, "wrapped for another key row")
	}
	return append([]byte(nil), out.Result[headSize:]...), nil
}

func (s *service) begin(ctx context.Context) (context.Context, context.CancelFunc, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, nil, err
	}
	if s.closed.Load() {
		return nil, nil, envelope.ErrClosed
	}
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	return ctx, cancel, nil
}

// Close ends the service.
func (s *service) Close() error {
	s.closed.Store(true)
	return nil
}
