package gcp_test

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/json"
	"errors"
	"hash/crc32"
	"net"
	"sync"
	"testing"
	"time"

	"cloud.google.com/go/kms/apiv1/kmspb"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"

	kmstest "github.com/sealsql/sealsql/conformance/kms"
	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/kms/gcp"
)

const keyName = "projects/p/locations/global/keyRings/r/cryptoKeys/k"

// fake answers the official client as the documentation of the service says. It
// proves nothing about the real one.
type fake struct {
	kmspb.UnimplementedKeyManagementServiceServer
	gcm cipher.AEAD

	mu    sync.Mutex
	err   error
	bad   bool // wrong checksums
	hang  bool
	calls int
}

func sum(b []byte) *wrapperspb.Int64Value {
	return wrapperspb.Int64(int64(crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli))))
}

func (f *fake) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

func (f *fake) fault(ctx context.Context, name string) error {
	f.mu.Lock()
	err, hang := f.err, f.hang
	f.calls++
	f.mu.Unlock()
	if hang {
		<-ctx.Done()
		return ctx.Err()
	}
	if err == nil && name != keyName {
		err = status.Error(codes.NotFound, "no such key")
	}
	return err
}

func (f *fake) Encrypt(ctx context.Context, r *kmspb.EncryptRequest) (*kmspb.EncryptResponse, error) {
	if err := f.fault(ctx, r.Name); err != nil {
		return nil, err
	}
	box := f.gcm.Seal(nil, nil, r.Plaintext, r.AdditionalAuthenticatedData)
	out := &kmspb.EncryptResponse{
		Name: r.Name + "/cryptoKeyVersions/1", Ciphertext: box, CiphertextCrc32C: sum(box),
		VerifiedPlaintextCrc32C:                   r.PlaintextCrc32C.GetValue() == sum(r.Plaintext).Value,
		VerifiedAdditionalAuthenticatedDataCrc32C: r.AdditionalAuthenticatedDataCrc32C.GetValue() == sum(r.AdditionalAuthenticatedData).Value,
	}
	if f.bad {
		out.CiphertextCrc32C = sum(nil)
	}
	return out, nil
}

func (f *fake) Decrypt(ctx context.Context, r *kmspb.DecryptRequest) (*kmspb.DecryptResponse, error) {
	if err := f.fault(ctx, r.Name); err != nil {
		return nil, err
	}
	text, err := f.gcm.Open(nil, nil, r.Ciphertext, r.AdditionalAuthenticatedData)
	if err != nil {
		return nil, status.Error(codes.InvalidArgument, "Decryption failed: the ciphertext is invalid.")
	}
	out := &kmspb.DecryptResponse{Plaintext: text, PlaintextCrc32C: sum(text)}
	if f.bad {
		out.PlaintextCrc32C = nil
	}
	return out, nil
}

func newFake(t *testing.T) (*fake, func(t *testing.T, o gcp.Options) envelope.KeyManagementService) {
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	f := &fake{}
	if f.gcm, err = cipher.NewGCMWithRandomNonce(block); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := grpc.NewServer()
	kmspb.RegisterKeyManagementServiceServer(s, f)
	go func() { _ = s.Serve(l) }()
	t.Cleanup(s.Stop)
	return f, func(t *testing.T, o gcp.Options) envelope.KeyManagementService {
		t.Helper()
		if o.Key == "" {
			o.Key = keyName
		}
		o.Endpoint = l.Addr().String()
		k, err := gcp.Open(t.Context(), o, option.WithoutAuthentication(), option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { k.Close() })
		return k
	}
}

var (
	systemKey  = []byte("thirty-two bytes of a system key")
	keyContext = envelope.KeyContext{Service: "shop", Product: "orders", KeyID: "ss1/sk/shop/orders", Created: 1795310040, Purpose: envelope.PurposeSystemKey}
)

func TestConforms(t *testing.T) {
	_, open := newFake(t)
	kmstest.Test(t, func(t *testing.T) envelope.KeyManagementService { return open(t, gcp.Options{}) })
}

func TestEveryAnswerIsAFaultWithARemedy(t *testing.T) {
	for name, c := range map[string]struct {
		code codes.Code
		want envelope.Fault
	}{
		"throttled":   {codes.ResourceExhausted, envelope.FaultThrottled},
		"denied":      {codes.PermissionDenied, envelope.FaultDenied},
		"no identity": {codes.Unauthenticated, envelope.FaultDenied},
		"absent":      {codes.NotFound, envelope.FaultAbsent},
		"disabled":    {codes.FailedPrecondition, envelope.FaultDisabled},
		"refused":     {codes.InvalidArgument, envelope.FaultRefused},
		"internal":    {codes.Internal, envelope.FaultUnreachable},
		"strange":     {codes.DataLoss, envelope.FaultUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			f, open := newFake(t)
			k := open(t, gcp.Options{TimeoutMS: 500})
			b, err := k.EncryptKey(t.Context(), keyContext, systemKey)
			if err != nil {
				t.Fatal(err)
			}
			f.set(func() { f.err = status.Error(c.code, "secret words") })
			_, err = k.DecryptKey(t.Context(), keyContext, b)
			wantFault(t, err, c.want)
			if bytes.Contains([]byte(err.Error()), []byte("secret")) {
				t.Error("repeats the service's text")
			}
		})
	}
}

func wantFault(t *testing.T, err error, want envelope.Fault) {
	t.Helper()
	var e *envelope.ServiceError
	if !errors.As(err, &e) || e.Fault != want || e.Service != "gcp" || e.Resource == "" || e.Hint() == "" {
		t.Fatalf("%v; want %v", err, want)
	}
}

func TestAnotherKeyIsAbsent(t *testing.T) {
	_, open := newFake(t)
	_, err := open(t, gcp.Options{Key: keyName + "2"}).EncryptKey(t.Context(), keyContext, systemKey)
	wantFault(t, err, envelope.FaultAbsent)
}

func TestWrongChecksumsAreRefused(t *testing.T) {
	f, open := newFake(t)
	k := open(t, gcp.Options{})
	b, err := k.EncryptKey(t.Context(), keyContext, systemKey)
	if err != nil {
		t.Fatal(err)
	}
	f.set(func() { f.bad = true })
	got, err := k.DecryptKey(t.Context(), keyContext, b)
	wantFault(t, err, envelope.FaultMalformed)
	if got != nil {
		t.Error("bytes beside an error")
	}
	_, err = k.EncryptKey(t.Context(), keyContext, systemKey)
	wantFault(t, err, envelope.FaultMalformed)
}

func TestTheCallersDeadlineIsKept(t *testing.T) {
	f, open := newFake(t)
	k := open(t, gcp.Options{})
	f.set(func() { f.hang = true })
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err := k.EncryptKey(ctx, keyContext, systemKey)
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 30*time.Second {
		t.Fatalf("%v after %v", err, time.Since(start))
	}
}

func TestOptionsWithoutSenseAreRefused(t *testing.T) {
	for name, text := range map[string]string{
		"unknown member": `{"key":"` + keyName + `","x":1}`,
		"a version":      `{"key":"` + keyName + `/cryptoKeyVersions/1"}`,
		"no key":         `{}`,
		"no credentials": `{"key":"` + keyName + `","credentials_file":"absent.json"}`,
	} {
		if k, err := envelope.OpenKMS(t.Context(), "gcp", json.RawMessage(text)); err == nil {
			k.Close()
			t.Errorf("%s: accepted", name)
		}
	}
}
