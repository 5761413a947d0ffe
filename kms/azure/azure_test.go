package azure_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azkeys"

	kmstest "github.com/sealsql/sealsql/conformance/kms"
	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/kms/azure"
)

// fake answers the official client as the documentation of the service says. It
// proves nothing about the real one. Keys of type RSA wrap by RSA-OAEP-256; what
// it calls A256KW is AES-GCM, for the standard library has no key wrap.
type fake struct {
	*httptest.Server
	gcm cipher.AEAD

	mu      sync.Mutex
	rsa     map[string]*rsa.PrivateKey // by version
	current string
	status  int
	body    string
	hang    bool
	calls   int
}

type token struct{}

func (token) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: "token", ExpiresOn: time.Now().Add(time.Hour)}, nil
}

var rsaKeys = sync.OnceValue(func() [2]*rsa.PrivateKey {
	var keys [2]*rsa.PrivateKey
	for i := range keys {
		var err error
		if keys[i], err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
			panic(err)
		}
	}
	return keys
})

func newFake(t *testing.T) *fake {
	secret := make([]byte, 32)
	_, _ = rand.Read(secret)
	block, err := aes.NewCipher(secret)
	if err != nil {
		t.Fatal(err)
	}
	f := &fake{rsa: map[string]*rsa.PrivateKey{"v1": rsaKeys()[0]}, current: "v1"}
	if f.gcm, err = cipher.NewGCMWithRandomNonce(block); err != nil {
		t.Fatal(err)
	}
	f.Server = httptest.NewTLSServer(f)
	t.Cleanup(f.Close)
	return f
}

func (f *fake) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") == "" {
		w.Header().Set("WWW-Authenticate", `Bearer authorization="https://login.microsoftonline.com/t", resource="https://vault.azure.net"`)
		w.WriteHeader(401)
		return
	}
	f.mu.Lock()
	f.calls++
	status, body, hang := f.status, f.body, f.hang
	f.mu.Unlock()
	switch {
	case hang:
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	case status != 0:
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	default:
		f.operate(w, r)
	}
}

// operate serves /keys/orders[/version]/wrapkey and …/unwrapkey.
func (f *fake) operate(w http.ResponseWriter, r *http.Request) {
	var q struct{ Alg, Value string }
	_ = json.NewDecoder(r.Body).Decode(&q)
	value, err := base64.RawURLEncoding.DecodeString(q.Value)
	part := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	if err != nil || len(part) < 3 || part[1] != "orders" {
		fail(w, 404, "KeyNotFound")
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	version := f.current
	if len(part) == 4 {
		version = part[2]
	}
	key := f.rsa[version]
	if key == nil {
		fail(w, 404, "KeyNotFound")
		return
	}
	out, err := f.crypt(part[len(part)-1], q.Alg, key, value)
	if err != nil {
		fail(w, 400, "BadParameter")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]string{"kid": f.URL + "/keys/orders/" + version, "value": base64.RawURLEncoding.EncodeToString(out)})
}

func (f *fake) crypt(op, alg string, key *rsa.PrivateKey, value []byte) ([]byte, error) {
	switch op + " " + alg {
	case "wrapkey RSA-OAEP-256":
		return rsa.EncryptOAEP(sha256.New(), rand.Reader, &key.PublicKey, value, nil)
	case "unwrapkey RSA-OAEP-256":
		return key.Decrypt(nil, value, &rsa.OAEPOptions{Hash: crypto.SHA256})
	case "wrapkey A256KW":
		return f.gcm.Seal(nil, nil, value, nil), nil
	case "unwrapkey A256KW":
		return f.gcm.Open(nil, nil, value, nil)
	}
	return nil, errors.New("no")
}

func fail(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"error":{"code":%q,"message":"secret words"}}`, code)
}

func (f *fake) open(t *testing.T, change func(*azure.Options)) envelope.KeyManagementService {
	t.Helper()
	o := azure.Options{Vault: f.URL, Key: "orders"}
	if change != nil {
		change(&o)
	}
	c := &azkeys.ClientOptions{DisableChallengeResourceVerification: true}
	c.Transport = f.Client()
	c.Retry = policy.RetryOptions{MaxRetries: 1, RetryDelay: time.Millisecond}
	k, err := azure.Open(o, token{}, c)
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

func wrap(t *testing.T, k envelope.KeyManagementService) []byte {
	t.Helper()
	b, err := k.EncryptKey(t.Context(), keyContext, systemKey)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func unwrap(t *testing.T, k envelope.KeyManagementService, b []byte) {
	t.Helper()
	got, err := k.DecryptKey(t.Context(), keyContext, b)
	if err != nil || !bytes.Equal(got, systemKey) {
		t.Fatalf("%d bytes, %v", len(got), err)
	}
}

func TestRSAConforms(t *testing.T) {
	f := newFake(t)
	kmstest.Test(t, func(t *testing.T) envelope.KeyManagementService { return f.open(t, nil) })
}

func TestSymmetricKeysConform(t *testing.T) {
	f := newFake(t)
	kmstest.Test(t, func(t *testing.T) envelope.KeyManagementService {
		return f.open(t, func(o *azure.Options) { o.Algorithm = azure.A256KW })
	})
}

func TestKeysOfAnOlderVersionUnwrapAfterRotation(t *testing.T) {
	f := newFake(t)
	k := f.open(t, nil)
	b := wrap(t, k)
	f.set(func() { f.rsa["v2"], f.current = rsaKeys()[1], "v2" })
	unwrap(t, k, b)
	if young := wrap(t, k); !bytes.Contains(young, []byte(":v2:")) {
		t.Fatalf("%s", young)
	}
	if pinned := wrap(t, f.open(t, func(o *azure.Options) { o.Version = "v1" })); !bytes.Contains(pinned, []byte(":v1:")) {
		t.Fatalf("%s", pinned)
	}
	f.set(func() { delete(f.rsa, "v1") })
	_, err := k.DecryptKey(t.Context(), keyContext, b)
	wantFault(t, err, envelope.FaultAbsent)
}

func TestTheRowDoesNotChooseTheAlgorithm(t *testing.T) {
	f := newFake(t)
	b := wrap(t, f.open(t, nil))
	_, err := f.open(t, func(o *azure.Options) { o.Algorithm = azure.A256KW }).DecryptKey(t.Context(), keyContext, b)
	wantFault(t, err, envelope.FaultRefused)
}

func wantFault(t *testing.T, err error, want envelope.Fault) {
	t.Helper()
	var e *envelope.ServiceError
	if !errors.As(err, &e) || e.Fault != want || e.Service != "azure" || e.Resource == "" || e.Hint() == "" {
		t.Fatalf("%v; want %v", err, want)
	}
	if strings.Contains(err.Error(), "secret") {
		t.Errorf("repeats the service's text: %v", err)
	}
}

func TestEveryAnswerIsAFaultWithARemedy(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		body   string
		want   envelope.Fault
	}{
		"throttled": {429, `{"error":{"code":"Throttled","message":"secret"}}`, envelope.FaultThrottled},
		"denied":    {403, `{"error":{"code":"Forbidden","message":"secret"}}`, envelope.FaultDenied},
		"disabled":  {403, `{"error":{"code":"Forbidden","message":"Operation unwrapKey is not allowed on a disabled key.","innererror":{"code":"KeyDisabled"}}}`, envelope.FaultDisabled},
		"absent":    {404, `{"error":{"code":"KeyNotFound","message":"secret"}}`, envelope.FaultAbsent},
		"deleted":   {409, `{"error":{"code":"Conflict","message":"secret"}}`, envelope.FaultDisabled},
		"damaged":   {400, `{"error":{"code":"BadParameter","message":"secret"}}`, envelope.FaultRefused},
		"outage":    {503, ``, envelope.FaultUnreachable},
		"not JSON":  {200, `<html>secret`, envelope.FaultMalformed},
		"no value":  {200, `{}`, envelope.FaultRefused},
		"teapot":    {418, `secret`, envelope.FaultUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			k := f.open(t, nil)
			b := wrap(t, k)
			f.set(func() { f.status, f.body = c.status, c.body })
			got, err := k.DecryptKey(t.Context(), keyContext, b)
			wantFault(t, err, c.want)
			if got != nil {
				t.Error("bytes beside an error")
			}
		})
	}
}

func TestAnAnswerWithoutAKeyIsMalformed(t *testing.T) {
	f := newFake(t)
	k := f.open(t, nil)
	for _, body := range []string{`{}`, `{"kid":"https://v/keys/other/v1","value":"AAAA"}`, `{"kid":"https://v/keys/orders","value":"AAAA"}`, `{"kid":"https://v/keys/orders/v1"}`} {
		f.set(func() { f.status, f.body = 200, body })
		_, err := k.EncryptKey(t.Context(), keyContext, systemKey)
		wantFault(t, err, envelope.FaultMalformed)
	}
}

func TestTheCallersDeadlineIsKept(t *testing.T) {
	f := newFake(t)
	k := f.open(t, nil)
	wrap(t, k)
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
		"unknown member": `{"vault":"https://v","key":"k","x":1}`,
		"plain http":     `{"vault":"http://v","key":"k"}`,
		"no key":         `{"vault":"https://v"}`,
		"path":           `{"vault":"https://v","key":"a/b"}`,
		"algorithm":      `{"vault":"https://v","key":"k","algorithm":"RSA1_5"}`,
	} {
		if k, err := envelope.OpenKMS(t.Context(), "azure", json.RawMessage(text)); err == nil {
			k.Close()
			t.Errorf("%s: accepted", name)
		}
	}
}
