package regional_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/internal/regional"
	"github.com/sealsql/sealsql/securemem"
)

// fakeRegion encrypts under a key of its own, or that of a replica.
type fakeRegion struct {
	name, arn string
	master    []byte

	mu    sync.Mutex
	fault envelope.Fault // what every call answers; 0 for none
	hang  bool

	generates, encrypts, decrypts atomic.Int32
}

func newRegion(name string) *fakeRegion {
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	return &fakeRegion{name: name, arn: "arn:" + name + ":key/1", master: key}
}

func (r *fakeRegion) set(f envelope.Fault) {
	r.mu.Lock()
	r.fault = f
	r.mu.Unlock()
}

func (r *fakeRegion) fail(ctx context.Context, op string) error {
	r.mu.Lock()
	fault, hang := r.fault, r.hang
	r.mu.Unlock()
	if hang {
		<-ctx.Done()
		return &envelope.ServiceError{Service: "fake", Region: r.name, Op: op, Fault: envelope.FaultUnreachable, Err: ctx.Err()}
	}
	if err := ctx.Err(); err != nil {
		return &envelope.ServiceError{Service: "fake", Region: r.name, Op: op, Fault: envelope.FaultUnreachable, Err: err}
	}
	if fault != 0 {
		return &envelope.ServiceError{Service: "fake", Region: r.name, Resource: r.arn, Op: op, Fault: fault}
	}
	return nil
}

func (r *fakeRegion) Name() string           { return r.name }
func (r *fakeRegion) Shares(arn string) bool { return arn == r.arn }
func flat(c map[string]string) (out []byte) {
	for _, k := range []string{"sealsql:purpose", "sealsql:service", "sealsql:product", "sealsql:key-id", "sealsql:created"} {
		out = fmt.Appendf(out, "%q=%q;", k, maps.Clone(c)[k])
	}
	return out
}

func (r *fakeRegion) cipher() *securemem.Cipher {
	c, err := securemem.NewTransientCipher(r.master)
	if err != nil {
		panic(err)
	}
	return c
}

func (r *fakeRegion) Generate(ctx context.Context, kc map[string]string) ([]byte, []byte, string, error) {
	r.generates.Add(1)
	if err := r.fail(ctx, "generate"); err != nil {
		return nil, nil, "", err
	}
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	blob, err := r.cipher().Seal(nil, key, flat(kc))
	return key, blob, r.arn, err
}

func (r *fakeRegion) Encrypt(ctx context.Context, kc map[string]string, key []byte) ([]byte, string, error) {
	r.encrypts.Add(1)
	if err := r.fail(ctx, "encrypt"); err != nil {
		return nil, "", err
	}
	blob, err := r.cipher().Seal(nil, key, flat(kc))
	return blob, r.arn, err
}

func (r *fakeRegion) Decrypt(ctx context.Context, kc map[string]string, blob []byte, _ string) ([]byte, error) {
	r.decrypts.Add(1)
	if err := r.fail(ctx, "decrypt"); err != nil {
		return nil, err
	}
	key, err := r.cipher().Open(nil, bytes.Clone(blob), flat(kc))
	if err != nil {
		return nil, &envelope.ServiceError{Service: "fake", Region: r.name, Resource: r.arn, Op: "decrypt", Fault: envelope.FaultRefused}
	}
	return key, nil
}

func open(t *testing.T, c regional.Config, regions ...*fakeRegion) *regional.Service {
	t.Helper()
	c.Name = "fake"
	for _, r := range regions {
		c.Regions = append(c.Regions, r)
	}
	s, err := regional.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}
