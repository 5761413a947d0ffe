package vault_test

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sealsql/sealsql/conformance/kms"
	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/kms/vault"
)

var systemKey = []byte("thirty-two bytes of a system key")

func keyContext() envelope.KeyContext {
	return envelope.KeyContext{Service: "shop", Product: "orders", KeyID: "ss1/sk/shop/orders", Created: 1795310040, Purpose: envelope.PurposeSystemKey}
}

func options(t *testing.T, f *fake) vault.Options {
	t.Setenv("SEALSQL_TEST_TOKEN", "good")
	return vault.Options{Address: f.URL, Key: "orders", Auth: vault.Auth{TokenEnv: "SEALSQL_TEST_TOKEN"}, TimeoutMS: 2000}
}

func open(t *testing.T, o vault.Options) envelope.KeyManagementService {
	t.Helper()
	k, err := vault.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { k.Close() })
	return k
}

func wrap(t *testing.T, k envelope.KeyManagementService) []byte {
	t.Helper()
	b, err := k.EncryptKey(t.Context(), keyContext(), systemKey)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func unwrap(t *testing.T, k envelope.KeyManagementService, b []byte) {
	t.Helper()
	got, err := k.DecryptKey(t.Context(), keyContext(), b)
	if err != nil || !bytes.Equal(got, systemKey) {
		t.Fatalf("%d bytes, %v", len(got), err)
	}
}

func TestConforms(t *testing.T) {
	f := newFake(t)
	kms.Test(t, func(t *testing.T) envelope.KeyManagementService { return open(t, options(t, f)) })
}

func TestAServerWithoutAssociatedDataCannotMoveKeys(t *testing.T) {
	f := newFake(t)
	f.ignore = true
	kms.Test(t, func(t *testing.T) envelope.KeyManagementService { return open(t, options(t, f)) })
}

func TestAppRoleLogsInOnceAndAgainWhenTheTokenIsRefused(t *testing.T) {
	f := newFake(t)
	t.Setenv("SEALSQL_TEST_SECRET", "secret")
	o := options(t, f)
	o.Auth = vault.Auth{AppRole: &vault.AppRoleAuth{RoleID: "role", SecretIDEnv: "SEALSQL_TEST_SECRET"}}
	k := open(t, o)
	b := wrap(t, k)
	unwrap(t, k, b)
	if f.logins != 1 {
		t.Fatalf("%d logins", f.logins)
	}
	f.set(func() { f.tokens = map[string]bool{} }) // revoked
	unwrap(t, k, b)
	if f.logins != 2 {
		t.Fatalf("%d logins", f.logins)
	}
	t.Setenv("SEALSQL_TEST_SECRET", "wrong")
	f.set(func() { f.tokens = map[string]bool{} })
	wantFault(t, decryptError(t, k, b), envelope.FaultDenied)
}

func TestATokenIsRenewedBeforeItsLeaseEnds(t *testing.T) {
	f := newFake(t)
	f.lease = 1
	t.Setenv("SEALSQL_TEST_SECRET", "secret")
	o := options(t, f)
	o.Auth = vault.Auth{AppRole: &vault.AppRoleAuth{RoleID: "role", SecretIDEnv: "SEALSQL_TEST_SECRET"}}
	k := open(t, o)
	b := wrap(t, k)
	time.Sleep(700 * time.Millisecond)
	unwrap(t, k, b)
	if f.logins != 2 {
		t.Fatalf("%d logins", f.logins)
	}
}

func TestKubernetesLogsInWithTheAccountsToken(t *testing.T) {
	f := newFake(t)
	path := write(t, "account\n")
	o := options(t, f)
	o.Auth = vault.Auth{Kubernetes: &vault.KubernetesAuth{Role: "app", TokenFile: path}}
	k := open(t, o)
	unwrap(t, k, wrap(t, k))
	if !strings.Contains(f.seen[0], "role:app") {
		t.Fatalf("login %s", f.seen[0])
	}
}

func TestATokenFileIsReadAgain(t *testing.T) {
	f := newFake(t)
	path := write(t, "good")
	o := options(t, f)
	o.Auth = vault.Auth{TokenFile: path}
	k := open(t, o)
	b := wrap(t, k)
	f.set(func() { f.tokens = map[string]bool{"next": true} })
	wantFault(t, decryptError(t, k, b), envelope.FaultDenied)
	if err := os.WriteFile(path, []byte("next"), 0o600); err != nil {
		t.Fatal(err)
	}
	unwrap(t, k, b)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	wantFault(t, decryptError(t, k, b), envelope.FaultDenied)
}

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func decryptError(t *testing.T, k envelope.KeyManagementService, b []byte) error {
	t.Helper()
	got, err := k.DecryptKey(t.Context(), keyContext(), b)
	if err == nil || got != nil {
		t.Fatalf("%d bytes, %v", len(got), err)
	}
	return err
}

func wantFault(t *testing.T, err error, want envelope.Fault) {
	t.Helper()
	var e *envelope.ServiceError
	if !errors.As(err, &e) || e.Fault != want || e.Service != "vault" || e.Region == "" || e.Hint() == "" {
		t.Fatalf("%v; want %v", err, want)
	}
}

// What a server can answer, and what becomes of it. The bodies hold what must
// not be repeated.
func TestEveryAnswerIsAFaultWithARemedy(t *testing.T) {
	const secret = "dGhpcnR5LXR3byBieXRlcw"
	for name, c := range map[string]struct {
		status int
		body   string
		want   envelope.Fault
		calls  int
	}{
		"denied":            {403, `{"errors":["permission denied"]}`, envelope.FaultDenied, 1},
		"throttled":         {429, `{"errors":["rate limit"]}`, envelope.FaultThrottled, 3},
		"sealed":            {503, `{"errors":["Vault is sealed"]}`, envelope.FaultUnreachable, 3},
		"internal":          {500, `{"errors":["internal error"]}`, envelope.FaultUnreachable, 3},
		"standby":           {473, ``, envelope.FaultUnreachable, 3},
		"damaged":           {400, `{"errors":["cipher: message authentication failed"]}`, envelope.FaultRefused, 1},
		"other refusal":     {400, `{"errors":["whatever ` + secret + `"]}`, envelope.FaultRefused, 1},
		"version too old":   {400, `{"errors":["ciphertext or signature version is disallowed by policy (too old)"]}`, envelope.FaultDisabled, 1},
		"no such key":       {400, `{"errors":["encryption key not found"]}`, envelope.FaultAbsent, 1},
		"no such mount":     {404, `{"errors":["no handler for route"]}`, envelope.FaultAbsent, 1},
		"redirect":          {307, ``, envelope.FaultMalformed, 1},
		"not JSON":          {200, `<html>` + secret, envelope.FaultMalformed, 1},
		"no data":           {200, `{}`, envelope.FaultMalformed, 1},
		"another key's row": {200, `{"data":{"plaintext":"AAAA"}}`, envelope.FaultRefused, 1},
		"no base64":         {200, `{"data":{"plaintext":"` + secret + `!"}}`, envelope.FaultMalformed, 1},
		"teapot":            {418, secret, envelope.FaultUnknown, 1},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			k := open(t, options(t, f))
			b := wrap(t, k)
			f.set(func() { f.calls, f.status, f.body = 0, []int{c.status, c.status, c.status}, c.body })
			err := decryptError(t, k, b)
			wantFault(t, err, c.want)
			if f.calls != c.calls {
				t.Errorf("%d calls, want %d", f.calls, c.calls)
			}
			if strings.Contains(err.Error(), secret) {
				t.Errorf("repeats the answer: %v", err)
			}
		})
	}
}

func TestTroubleThatPassesIsRiddenOut(t *testing.T) {
	f := newFake(t)
	k := open(t, options(t, f))
	b := wrap(t, k)
	f.set(func() { f.status = []int{429, 503} })
	unwrap(t, k, b)
}

func TestNoConnectionIsUnreachable(t *testing.T) {
	f := newFake(t)
	k := open(t, options(t, f))
	b := wrap(t, k)
	f.Close()
	wantFault(t, decryptError(t, k, b), envelope.FaultUnreachable)
	if err := decryptError(t, k, b); strings.Contains(err.Error(), "good") {
		t.Errorf("names the token: %v", err)
	}
}

func TestTheCallersDeadlineIsKept(t *testing.T) {
	stop := make(chan struct{})
	s := httptest.NewServer(hang(stop))
	defer s.Close()
	defer close(stop)
	t.Setenv("SEALSQL_TEST_TOKEN", "good")
	k := open(t, vault.Options{Address: s.URL, Key: "orders", Auth: vault.Auth{TokenEnv: "SEALSQL_TEST_TOKEN"}})
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err := k.EncryptKey(ctx, keyContext(), systemKey)
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 30*time.Second {
		t.Fatalf("%v after %v", err, time.Since(start))
	}
}

func TestTheServersCertificateIsChecked(t *testing.T) {
	f := newFake(t)
	s := httptest.NewTLSServer(f)
	defer s.Close()
	o := options(t, f)
	o.Address = s.URL
	_, err := open(t, o).EncryptKey(t.Context(), keyContext(), systemKey)
	wantFault(t, err, envelope.FaultRequest)
	o.CAFile = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(o.CAFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	k := open(t, o)
	unwrap(t, k, wrap(t, k))
}

func TestNamespaceAndMountAreUsed(t *testing.T) {
	f := newFake(t)
	o := options(t, f)
	o.Namespace = "team"
	wrap(t, open(t, o))
	if f.headers.Get("X-Vault-Namespace") != "team" {
		t.Fatal("no namespace")
	}
	o.Mount = "elsewhere"
	_, err := open(t, o).EncryptKey(t.Context(), keyContext(), systemKey)
	wantFault(t, err, envelope.FaultAbsent)
}

func TestOptionsWithoutSenseAreRefused(t *testing.T) {
	for name, text := range map[string]string{
		"unknown member":  `{"address":"https://v","key":"k","auth":{"token_env":"A"},"x":1}`,
		"no way in":       `{"address":"https://v","key":"k","auth":{}}`,
		"two ways in":     `{"address":"https://v","key":"k","auth":{"token_env":"A","token_file":"b"}}`,
		"no key":          `{"address":"https://v","auth":{"token_env":"A"}}`,
		"key with a path": `{"address":"https://v","key":"a/../b","auth":{"token_env":"A"}}`,
		"plain http":      `{"address":"http://vault.example.com","key":"k","auth":{"token_env":"A"}}`,
		"password in it":  `{"address":"https://u:p@v","key":"k","auth":{"token_env":"A"}}`,
		"no address":      `{"key":"k","auth":{"token_env":"A"}}`,
		"no CA":           `{"address":"https://v","key":"k","auth":{"token_env":"A"},"ca_file":"absent"}`,
		"no role":         `{"address":"https://v","key":"k","auth":{"kubernetes":{}}}`,
		"no secret id":    `{"address":"https://v","key":"k","auth":{"approle":{"role_id":"r"}}}`,
	} {
		if k, err := envelope.OpenKMS(t.Context(), "vault", json.RawMessage(text)); err == nil {
			k.Close()
			t.Errorf("%s: accepted", name)
		}
	}
}
