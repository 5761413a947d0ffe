// Package vault wraps system keys by the transit engine of HashiCorp Vault or
// OpenBao. Import it for its effect:
//
//	import _ "github.com/sealsql/sealsql/kms/vault"
//
// and name the key in the configuration:
//
//	kms:
//	  vault:
//	    address: https://vault.example.com:8200
//	    key: orders
//	    auth: {approle: {role_id: ID, secret_id_env: VAULT_SECRET_ID}}
//
// The key must be of a type that authenticates (aes128-gcm96, aes256-gcm96,
// chacha20-poly1305). What is wrapped is
//
//	SHA-256 of KeyContext.AssociatedData (32 bytes) | key (32 bytes)
//
// with KeyContext.AssociatedData as associated data; the hash keeps a key in its
// row where a server does not know associated data and ignores it. What is
// stored is the ciphertext as the engine returns it, "vault:v<version>:<base64>".
//
// Asherah's format has no such service; columns in it need another.
package vault

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/sealsql/sealsql/envelope"
)

// Name is the name under which the package registers.
const Name = "vault"

func init() { envelope.RegisterKMS(Name, open) }

// Options are the members of kms.vault in the configuration.
type Options struct {
	// Address is the server, https://HOST:PORT.
	Address string `json:"address"`
	// Key names the key in the transit engine, mounted at Mount; empty means
	// transit.
	Key   string `json:"key"`
	Mount string `json:"mount,omitempty"`
	// Namespace is that of engine and login; empty for none.
	Namespace string `json:"namespace,omitempty"`
	// Auth says how to log in.
	Auth Auth `json:"auth"`
	// CAFile holds certificates (PEM) instead of the system's.
	CAFile string `json:"ca_file,omitempty"`
	// TimeoutMS bounds one request, in milliseconds; 0 means 5 s.
	TimeoutMS int `json:"timeout_ms,omitempty"`
}

// service is the transit engine with one key.
type service struct {
	*client
	path   string // mount
	key    string
	closed atomic.Bool
}

var _ envelope.KeyManagementService = (*service)(nil)

func open(_ context.Context, raw json.RawMessage) (envelope.KeyManagementService, error) {
	var o Options
	d := json.NewDecoder(strings.NewReader(string(raw)))
	d.DisallowUnknownFields()
	if d.Decode(&o) != nil {
		return nil, errors.New("sealsql: options of kms vault have an unknown member or a value of the wrong type")
	}
	return Open(o)
}

// Open makes the service. It reads the files that o names and asks no server.
func Open(o Options) (envelope.KeyManagementService, error) {
	if o.Mount == "" {
		o.Mount = "transit"
	}
	if o.Key == "" || strings.ContainsAny(o.Key, "/?#%") || strings.ContainsAny(o.Mount, "?#%") {
		return nil, errors.New("sealsql: kms vault: key and mount must be plain names")
	}
	c, err := newClient(&o)
	if err != nil {
		return nil, fmt.Errorf("sealsql: kms vault: %w", err)
	}
	return &service{client: c, path: strings.Trim(o.Mount, "/"), key: o.Key}, nil
}

// Name names the service in messages.
func (*service) Name() string { return Name }

// maxWrapped bounds the text of a wrapped key, in bytes: that of 64 bytes has
// about 140.
const maxWrapped = 1024

// transit has the members of requests and answers.
type transit struct {
	Plaintext      []byte `json:"plaintext,omitempty"`
	Ciphertext     string `json:"ciphertext,omitempty"`
	AssociatedData []byte `json:"associated_data,omitempty"`
}

// EncryptKey implements envelope.KeyManagementService.
func (s *service) EncryptKey(ctx context.Context, kc envelope.KeyContext, key []byte) ([]byte, error) {
	if err := s.ready(ctx); err != nil {
		return nil, err
	}
	ad := kc.AssociatedData()
	hash := sha256.Sum256(ad)
	text := append(append(make([]byte, 0, len(hash)+len(key)), hash[:]...), key...)
	defer clear(text)
	var out transit
	if err := s.transit(ctx, "encrypt", &transit{Plaintext: text, AssociatedData: ad}, &out); err != nil {
		return nil, err
	}
	if !isCiphertext(out.Ciphertext) {
		return nil, s.fault("encrypt", envelope.FaultMalformed, "")
	}
	return []byte(out.Ciphertext), nil
}

func isCiphertext(s string) bool {
	return len(s) <= maxWrapped && strings.HasPrefix(s, "vault:v") && strings.Count(s, ":") == 2
}

// DecryptKey implements envelope.KeyManagementService.
func (s *service) DecryptKey(ctx context.Context, kc envelope.KeyContext, wrapped []byte) ([]byte, error) {
	if err := s.ready(ctx); err != nil {
		return nil, err
	}
	if !isCiphertext(string(wrapped)) {
		return nil, s.fault("decrypt", envelope.FaultRefused, "not a ciphertext of the transit engine")
	}
	ad := kc.AssociatedData()
	hash := sha256.Sum256(ad)
	var out transit
	if err := s.transit(ctx, "decrypt", &transit{Ciphertext: string(wrapped), AssociatedData: ad}, &out); err != nil {
		return nil, err
	}
	defer clear(out.Plaintext)
	if len(out.Plaintext) <= len(hash) || subtle.ConstantTimeCompare(out.Plaintext[:len(hash)], hash[:]) != 1 {
		return nil, s.fault("decrypt", envelope.FaultRefused, "wrapped for another key row")
	}
	return append([]byte(nil), out.Plaintext[len(hash):]...), nil
}

// transit asks the engine, again while it is in trouble: nothing that is asked
// here changes anything there.
func (s *service) transit(ctx context.Context, op string, in, out *transit) error {
	for attempt := 0; ; attempt++ {
		err := s.call(ctx, op, "/v1/"+s.path+"/"+op+"/"+s.key, in, out)
		var e *envelope.ServiceError
		if err == nil || attempt == 2 || !errors.As(err, &e) || !e.Fault.Temporary() || ctx.Err() != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause(attempt)):
		}
	}
}

func (s *service) ready(ctx context.Context) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	if s.closed.Load() {
		return envelope.ErrClosed
	}
	return nil
}

// Close ends the service. Tokens are left to expire.
func (s *service) Close() error {
	if !s.closed.Swap(true) {
		s.http.CloseIdleConnections()
	}
	return nil
}
