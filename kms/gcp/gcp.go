// Package gcp wraps system keys under a key of Google Cloud KMS. Import it for
// its effect:
//
//	import _ "github.com/sealsql/sealsql/kms/gcp"
//
// and name the key in the configuration:
//
//	kms:
//	  gcp: {key: projects/P/locations/L/keyRings/R/cryptoKeys/K}
//
// The key's purpose must be symmetric encryption. KeyContext.AssociatedData is
// the additional authenticated data; what is stored is the service's ciphertext.
// Both ways are checked by CRC-32C, as the service recommends. A multi-region or
// global location is the service's own matter.
//
// Asherah's format has no such service; columns in it need another.
package gcp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"strings"
	"sync/atomic"
	"time"

	kms "cloud.google.com/go/kms/apiv1"
	"cloud.google.com/go/kms/apiv1/kmspb"
	"google.golang.org/api/option"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/sealsql/sealsql/envelope"
)

// Name is the name under which the package registers.
const Name = "gcp"

func init() { envelope.RegisterKMS(Name, open) }

// Options are the members of kms.gcp in the configuration.
type Options struct {
	// Key is projects/P/locations/L/keyRings/R/cryptoKeys/K.
	Key string `json:"key"`
	// CredentialsFile is a service account's key file; empty means the
	// environment's credentials, which are the better choice.
	CredentialsFile string `json:"credentials_file,omitempty"`
	// Endpoint is HOST:PORT instead of the public service.
	Endpoint string `json:"endpoint,omitempty"`
	// TimeoutMS bounds one call, in milliseconds; 0 means 5 s.
	TimeoutMS int `json:"timeout_ms,omitempty"`
}

type service struct {
	client  *kms.KeyManagementClient
	key     string
	timeout time.Duration
	closed  atomic.Bool
}

var _ envelope.KeyManagementService = (*service)(nil)

func open(ctx context.Context, raw json.RawMessage) (envelope.KeyManagementService, error) {
	var o Options
	d := json.NewDecoder(strings.NewReader(string(raw)))
	d.DisallowUnknownFields()
	if d.Decode(&o) != nil {
		return nil, errors.New("sealsql: options of kms gcp have an unknown member or a value of the wrong type")
	}
	return Open(ctx, o)
}

// Open makes the service. It looks for credentials and calls nothing. client
// options come after those of o.
func Open(ctx context.Context, o Options, client ...option.ClientOption) (envelope.KeyManagementService, error) {
	part := strings.Split(o.Key, "/")
	if len(part) != 8 || part[0] != "projects" || part[6] != "cryptoKeys" {
		return nil, errors.New("sealsql: kms gcp: key is not projects/P/locations/L/keyRings/R/cryptoKeys/K")
	}
	s := &service{key: o.Key, timeout: time.Duration(o.TimeoutMS) * time.Millisecond}
	if s.timeout <= 0 {
		s.timeout = 5 * time.Second
	}
	var all []option.ClientOption
	if o.CredentialsFile != "" {
		all = append(all, option.WithAuthCredentialsFile(option.ServiceAccount, o.CredentialsFile))
	}
	if o.Endpoint != "" {
		all = append(all, option.WithEndpoint(o.Endpoint))
	}
	var err error
	if s.client, err = kms.NewKeyManagementClient(ctx, append(all, client...)...); err != nil {
		return nil, fmt.Errorf("sealsql: kms gcp: %w", s.fault("open", envelope.FaultDenied, "no usable credentials"))
	}
	return s, nil
}

// Name names the service in messages.
func (*service) Name() string { return Name }

var table = crc32.MakeTable(crc32.Castagnoli)

func sum(b []byte) *wrapperspb.Int64Value {
	return wrapperspb.Int64(int64(crc32.Checksum(b, table)))
}

func intact(b []byte, want *wrapperspb.Int64Value) bool {
	return want != nil && want.Value == sum(b).Value
}

// EncryptKey implements envelope.KeyManagementService.
func (s *service) EncryptKey(ctx context.Context, kc envelope.KeyContext, key []byte) ([]byte, error) {
	ctx, cancel, err := s.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer cancel()
	ad := kc.AssociatedData()
	out, err := s.client.Encrypt(ctx, &kmspb.EncryptRequest{
		Name: s.key, Plaintext: key, PlaintextCrc32C: sum(key),
		AdditionalAuthenticatedData: ad, AdditionalAuthenticatedDataCrc32C: sum(ad),
	})
	if err != nil {
		return nil, s.failed(ctx, "encrypt", err)
	}
	if !out.VerifiedPlaintextCrc32C || !out.VerifiedAdditionalAuthenticatedDataCrc32C || !intact(out.Ciphertext, out.CiphertextCrc32C) {
		return nil, s.fault("encrypt", envelope.FaultMalformed, "checksums differ")
	}
	return out.Ciphertext, nil
}

// DecryptKey implements envelope.KeyManagementService.
func (s *service) DecryptKey(ctx context.Context, kc envelope.KeyContext, wrapped []byte) ([]byte, error) {
	ctx, cancel, err := s.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer cancel()
	if len(wrapped) == 0 || len(wrapped) > maxWrapped {
		return nil, s.fault("decrypt", envelope.FaultRefused, "")
	}
	ad := kc.AssociatedData()
	out, err := s.client.Decrypt(ctx, &kmspb.DecryptRequest{
		Name: s.key, Ciphertext: wrapped, CiphertextCrc32C: sum(wrapped),
		AdditionalAuthenticatedData: ad, AdditionalAuthenticatedDataCrc32C: sum(ad),
	})
	if err != nil {
		return nil, s.failed(ctx, "decrypt", err)
	}
	if !intact(out.Plaintext, out.PlaintextCrc32C) {
		clear(out.Plaintext)
		return nil, s.fault("decrypt", envelope.FaultMalformed, "checksums differ")
	}
	return out.Plaintext, nil
}

// maxWrapped bounds what is sent as a wrapped key, in bytes.
const maxWrapped = 4096

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

func (s *service) fault(op string, f envelope.Fault, detail string) *envelope.ServiceError {
	return &envelope.ServiceError{Service: Name, Resource: s.key, Op: op, Fault: f, Detail: detail}
}

// failed makes a fault of an error of the client. It keeps the status code; the
// text may hold anything.
func (s *service) failed(ctx context.Context, op string, err error) error {
	c := status.Code(err)
	e := s.fault(op, envelope.FaultUnknown, c.String())
	switch c {
	case codes.Unavailable, codes.DeadlineExceeded, codes.Canceled, codes.Aborted, codes.Internal:
		e.Fault, e.Err = envelope.FaultUnreachable, ctx.Err()
	case codes.ResourceExhausted:
		e.Fault = envelope.FaultThrottled
	case codes.PermissionDenied, codes.Unauthenticated:
		e.Fault = envelope.FaultDenied
	case codes.NotFound:
		e.Fault = envelope.FaultAbsent
	case codes.FailedPrecondition:
		e.Fault = envelope.FaultDisabled
	case codes.InvalidArgument:
		e.Fault = envelope.FaultRequest
		if op == "decrypt" {
			e.Fault = envelope.FaultRefused
		}
	case codes.Unknown:
		if err := ctx.Err(); err != nil {
			e.Fault, e.Err = envelope.FaultUnreachable, err
		}
	}
	return e
}

// Close ends the service.
func (s *service) Close() error {
	if s.closed.Swap(true) {
		return nil
	}
	return s.client.Close()
}
