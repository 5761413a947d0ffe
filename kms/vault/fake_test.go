package vault_test

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// fake is a server with the part of the transit engine's protocol that the
// package uses, two logins, and faults. What the real engine answers is tested
// in the module transit.
type fake struct {
	*httptest.Server
	gcm    cipher.AEAD
	ignore bool // knows no associated data, like servers of old

	mu      sync.Mutex
	tokens  map[string]bool
	logins  int
	status  []int // of the next requests; 0 does what is asked
	body    string
	calls   int
	seen    []string // bodies
	headers http.Header
	lease   int
	hang    bool
}

func newFake(t *testing.T) *fake {
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	f := &fake{tokens: map[string]bool{"good": true}, lease: 3600}
	if f.gcm, err = cipher.NewGCMWithRandomNonce(block); err != nil {
		t.Fatal(err)
	}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f
}

func (f *fake) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var q map[string]string
	_ = json.NewDecoder(r.Body).Decode(&q)
	f.mu.Lock()
	f.calls++
	f.headers = r.Header.Clone()
	f.seen = append(f.seen, fmt.Sprint(q))
	status, body := 0, f.body
	if len(f.status) > 0 {
		status, f.status = f.status[0], f.status[1:]
	}
	known, hang := f.tokens[r.Header.Get("X-Vault-Token")], f.hang
	f.mu.Unlock()
	if hang {
		<-r.Context().Done()
		return
	}
	if status != 0 {
		if status >= 300 && status < 400 {
			w.Header().Set("Location", "http://127.0.0.1:1/stolen")
		}
		w.WriteHeader(status)
		fmt.Fprint(w, body)
		return
	}
	if strings.HasPrefix(r.URL.Path, "/v1/auth/") {
		f.login(w, q)
		return
	}
	if !known {
		fail(w, 403, "permission denied")
		return
	}
	f.transit(w, r, q)
}

func (f *fake) login(w http.ResponseWriter, q map[string]string) {
	if q["secret_id"] != "secret" && q["jwt"] != "account" {
		fail(w, 400, "invalid role or secret ID")
		return
	}
	f.mu.Lock()
	f.logins++
	token := fmt.Sprintf("token-%d", f.logins)
	f.tokens[token] = true
	lease := f.lease
	f.mu.Unlock()
	reply(w, map[string]any{"auth": map[string]any{"client_token": token, "lease_duration": lease}})
}

func (f *fake) transit(w http.ResponseWriter, r *http.Request, q map[string]string) {
	ad, _ := base64.StdEncoding.DecodeString(q["associated_data"])
	if f.ignore {
		ad = nil
	}
	switch r.URL.Path {
	case "/v1/transit/encrypt/orders":
		text, _ := base64.StdEncoding.DecodeString(q["plaintext"])
		box := f.gcm.Seal(nil, nil, text, ad)
		reply(w, map[string]any{"data": map[string]any{"ciphertext": "vault:v1:" + base64.StdEncoding.EncodeToString(box), "key_version": 1}})
	case "/v1/transit/decrypt/orders":
		text, ok := strings.CutPrefix(q["ciphertext"], "vault:v1:")
		box, err := base64.StdEncoding.DecodeString(text)
		if !ok || err != nil {
			fail(w, 400, "invalid ciphertext: no prefix")
			return
		}
		out, err := f.gcm.Open(nil, nil, box, ad)
		if err != nil {
			fail(w, 400, "cipher: message authentication failed")
			return
		}
		reply(w, map[string]any{"data": map[string]any{"plaintext": out}})
	default:
		fail(w, 400, "encryption key not found")
	}
}

func reply(w http.ResponseWriter, v any) { _ = json.NewEncoder(w).Encode(v) }

func fail(w http.ResponseWriter, status int, text string) {
	w.WriteHeader(status)
	reply(w, map[string][]string{"errors": {text}})
}

// hang answers nothing until stop is closed.
func hang(stop chan struct{}) http.Handler {
	return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-stop:
		case <-r.Context().Done():
		}
	})
}
