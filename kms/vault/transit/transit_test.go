package transit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	log "github.com/hashicorp/go-hclog"
	engine "github.com/hashicorp/vault/builtin/logical/transit"
	"github.com/hashicorp/vault/sdk/logical"

	kmstest "github.com/sealsql/sealsql/conformance/kms"
	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/kms/vault"
)

// server is Vault's transit engine at /v1/transit. One token is good; logins,
// policies, leases and sealing are not Vault's.
type server struct {
	*httptest.Server
	backend logical.Backend
	storage logical.Storage
}

func newServer(t *testing.T) *server {
	t.Helper()
	c := logical.TestBackendConfig()
	c.StorageView = &logical.InmemStorage{}
	c.Logger = log.NewNullLogger()
	b, err := engine.Factory(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	s := &server{backend: b, storage: c.StorageView}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *server) do(ctx context.Context, path string, data map[string]any) (*logical.Response, error) {
	return s.backend.HandleRequest(ctx, &logical.Request{
		Operation: logical.UpdateOperation, Path: path, Storage: s.storage, Data: data,
		MountPoint: "transit/", ClientToken: "good",
	})
}

func (s *server) must(t *testing.T, path string, data map[string]any) {
	t.Helper()
	res, err := s.do(t.Context(), path, data)
	if err != nil || res != nil && res.IsError() {
		t.Fatalf("%s: %v, %v", path, res, err)
	}
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path, ok := strings.CutPrefix(r.URL.Path, "/v1/transit/")
	if r.Header.Get("X-Vault-Token") != "good" || !ok {
		fail(w, http.StatusForbidden, "permission denied")
		return
	}
	data := map[string]any{}
	if err := json.NewDecoder(r.Body).Decode(&data); err != nil {
		fail(w, http.StatusBadRequest, err.Error())
		return
	}
	res, err := s.do(r.Context(), path, data)
	status, err := logical.RespondErrorCommon(&logical.Request{Operation: logical.UpdateOperation, Path: path}, res, err)
	if err != nil {
		fail(w, max(status, 400), err.Error())
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"data": res.Data})
}

func fail(w http.ResponseWriter, status int, text string) {
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"errors": []string{text}})
}

func (s *server) open(t *testing.T, key string) envelope.KeyManagementService {
	t.Helper()
	t.Setenv("SEALSQL_TEST_TOKEN", "good")
	k, err := vault.Open(vault.Options{Address: s.URL, Key: key, Auth: vault.Auth{TokenEnv: "SEALSQL_TEST_TOKEN"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { k.Close() })
	return k
}

var (
	systemKey  = []byte("thirty-two bytes of a system key")
	keyContext = envelope.KeyContext{Service: "shop", Product: "orders", KeyID: "ss1/sk/shop/orders", Created: 1795310040, Purpose: envelope.PurposeSystemKey}
)

func TestEveryTypeOfKeyThatAuthenticatesConforms(t *testing.T) {
	s := newServer(t)
	for _, kind := range []string{"aes256-gcm96", "aes128-gcm96", "chacha20-poly1305"} {
		t.Run(kind, func(t *testing.T) {
			s.must(t, "keys/"+kind, map[string]any{"type": kind})
			kmstest.Test(t, func(t *testing.T) envelope.KeyManagementService { return s.open(t, kind) })
		})
	}
}

func wrap(t *testing.T, k envelope.KeyManagementService) []byte {
	t.Helper()
	b, err := k.EncryptKey(t.Context(), keyContext, systemKey)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func unwrap(t *testing.T, k envelope.KeyManagementService, b []byte) error {
	t.Helper()
	got, err := k.DecryptKey(t.Context(), keyContext, b)
	if err == nil && !bytes.Equal(got, systemKey) {
		t.Fatal("another key")
	}
	return err
}

func wantFault(t *testing.T, err error, want envelope.Fault) {
	t.Helper()
	var e *envelope.ServiceError
	if !errors.As(err, &e) || e.Fault != want {
		t.Errorf("%v; want %v", err, want)
	}
}

func TestRotationAndMinimumVersions(t *testing.T) {
	s := newServer(t)
	s.must(t, "keys/orders", nil)
	k := s.open(t, "orders")
	first := wrap(t, k)
	s.must(t, "keys/orders/rotate", nil)
	second := wrap(t, k)
	if !bytes.HasPrefix(first, []byte("vault:v1:")) || !bytes.HasPrefix(second, []byte("vault:v2:")) {
		t.Fatalf("%s, %s", first, second)
	}
	for _, b := range [][]byte{first, second} {
		if err := unwrap(t, k, b); err != nil {
			t.Error(err)
		}
	}
	s.must(t, "keys/orders/config", map[string]any{"min_decryption_version": 2})
	wantFault(t, unwrap(t, k, first), envelope.FaultDisabled)
	if err := unwrap(t, k, second); err != nil {
		t.Error(err)
	}
}

// What the engine answers is told apart.
func TestTheEnginesRefusalsAreFaults(t *testing.T) {
	s := newServer(t)
	s.must(t, "keys/orders", nil)
	s.must(t, "keys/other", nil)
	b := wrap(t, s.open(t, "orders"))
	wantFault(t, unwrap(t, s.open(t, "other"), b), envelope.FaultRefused)
	wantFault(t, unwrap(t, s.open(t, "absent"), b), envelope.FaultAbsent)
	for i, bad := range []string{"vault:v1:AAAA", "vault:v1:!", "vault:v9:" + strings.Repeat("AAAA", 40), "vault:vx:AAAA"} {
		err := unwrap(t, s.open(t, "orders"), []byte(bad))
		if !errors.Is(err, envelope.ErrTampered) {
			t.Errorf("case %d: %v", i, err)
		}
	}
	s.must(t, "keys/rsa", map[string]any{"type": "rsa-2048"})
	if _, err := s.open(t, "rsa").EncryptKey(t.Context(), keyContext, systemKey); err == nil {
		t.Error("a key that does not authenticate is taken")
	} else {
		wantFault(t, err, envelope.FaultRequest)
	}
}
