// Package double is a stand-in for AWS KMS in tests: the JSON protocol of the
// operations that package aws uses, for the official client, in several regions
// with throttling, outages and disabled keys. It is written from the service's
// documentation and proves nothing about the real one.
package double

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
)

// Key is a master key. Two servers that hold one Key with an id beginning mrk-
// hold replicas of a multi-region key.
type Key struct {
	ID       string
	Alias    string // "alias/…", empty for none
	material [32]byte

	mu       sync.Mutex
	disabled bool
}

// NewKey makes a key.
func NewKey(id, alias string) *Key {
	k := &Key{ID: id, Alias: alias}
	_, _ = rand.Read(k.material[:])
	return k
}

// Disable disables or enables the key.
func (k *Key) Disable(on bool) {
	k.mu.Lock()
	k.disabled = on
	k.mu.Unlock()
}

// Server is one region.
type Server struct {
	*httptest.Server
	Region string

	mu     sync.Mutex
	keys   []*Key
	calls  map[string]int
	script []Answer
	always *Answer
	seen   []string
}

// Answer is what the server says instead of doing what it is asked.
type Answer struct {
	Status int
	Code   string
	Body   string // replaces the whole body where it is not empty
	Hang   bool   // no answer until the client goes away
}

// Account is the account of every key.
const Account = "111122223333"

// New starts a region. Close ends it.
func New(region string, keys ...*Key) *Server {
	s := &Server{Region: region, keys: keys, calls: map[string]int{}}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	return s
}

// ARN returns the name of a key in this region.
func (s *Server) ARN(k *Key) string {
	return "arn:aws:kms:" + s.Region + ":" + Account + ":key/" + k.ID
}

// Next has the next requests answered so, in order.
func (s *Server) Next(a ...Answer) {
	s.mu.Lock()
	s.script = append(s.script, a...)
	s.mu.Unlock()
}

// Always has all requests answered so; nil ends that.
func (s *Server) Always(a *Answer) {
	s.mu.Lock()
	s.always = a
	s.mu.Unlock()
}

// Calls returns how often an operation was asked for.
func (s *Server) Calls(op string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[op]
}

// Contexts returns the encryption contexts that were seen, as JSON.
func (s *Server) Contexts() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.seen)
}

func (s *Server) answer(op string) *Answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[op]++
	if len(s.script) > 0 {
		a := s.script[0]
		s.script = s.script[1:]
		return &a
	}
	return s.always
}

// request has the members of all operations.
type request struct {
	KeyID             string `json:"KeyId"`
	KeySpec           string
	Plaintext         []byte
	CiphertextBlob    []byte
	EncryptionContext map[string]string
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	op := strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "TrentService.")
	if a := s.answer(op); a != nil {
		s.say(w, r, a)
		return
	}
	if !strings.Contains(r.Header.Get("Authorization"), "/"+s.Region+"/kms/aws4_request") {
		fail(w, 400, "InvalidSignatureException")
		return
	}
	var q request
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&q); err != nil {
		fail(w, 400, "SerializationException")
		return
	}
	if c, err := json.Marshal(q.EncryptionContext); err == nil {
		s.mu.Lock()
		s.seen = append(s.seen, string(c))
		s.mu.Unlock()
	}
	k, code := s.key(q.KeyID)
	if code != "" {
		fail(w, 400, code)
		return
	}
	s.do(w, op, k, &q)
}

func (s *Server) say(w http.ResponseWriter, r *http.Request, a *Answer) {
	switch {
	case a.Hang: // the end of the connection is noticed once the body is read
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	case a.Body != "":
		w.WriteHeader(max(a.Status, 200))
		_, _ = w.Write([]byte(a.Body))
	default:
		fail(w, a.Status, a.Code)
	}
}

// key finds a key by id, ARN or alias.
func (s *Server) key(name string) (*Key, string) {
	prefix := "arn:aws:kms:" + s.Region + ":" + Account + ":"
	local := strings.TrimPrefix(strings.TrimPrefix(name, prefix), "key/")
	for _, k := range s.keys {
		if local != k.ID && (k.Alias == "" || local != k.Alias) {
			continue
		}
		k.mu.Lock()
		defer k.mu.Unlock()
		if k.disabled {
			return nil, "DisabledException"
		}
		return k, ""
	}
	return nil, "NotFoundException"
}

func (s *Server) do(w http.ResponseWriter, op string, k *Key, q *request) {
	switch op {
	case "GenerateDataKey":
		key := make([]byte, 32)
		_, _ = rand.Read(key)
		reply(w, map[string]any{"KeyId": s.ARN(k), "Plaintext": key, "CiphertextBlob": k.seal(key, q.EncryptionContext)})
	case "Encrypt":
		reply(w, map[string]any{"KeyId": s.ARN(k), "CiphertextBlob": k.seal(q.Plaintext, q.EncryptionContext)})
	case "Decrypt":
		if other := s.owner(q.CiphertextBlob); other != nil && other != k {
			fail(w, 400, "IncorrectKeyException")
			return
		}
		key, err := k.open(q.CiphertextBlob, q.EncryptionContext)
		if err != nil {
			fail(w, 400, "InvalidCiphertextException")
			return
		}
		reply(w, map[string]any{"KeyId": s.ARN(k), "Plaintext": key})
	default:
		fail(w, 400, "UnknownOperationException")
	}
}

// owner finds the key whose id a ciphertext begins with.
func (s *Server) owner(blob []byte) *Key {
	for _, k := range s.keys {
		if strings.HasPrefix(string(blob), k.ID+"\x00") {
			return k
		}
	}
	return nil
}

func (k *Key) gcm() cipher.AEAD {
	block, err := aes.NewCipher(k.material[:])
	if err != nil {
		panic(err)
	}
	g, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err)
	}
	return g
}

func (k *Key) seal(key []byte, context map[string]string) []byte {
	return k.gcm().Seal([]byte(k.ID+"\x00"), nil, key, flat(context))
}

func (k *Key) open(blob []byte, context map[string]string) ([]byte, error) {
	body, ok := strings.CutPrefix(string(blob), k.ID+"\x00")
	if !ok {
		return nil, fmt.Errorf("not ours")
	}
	return k.gcm().Open(nil, nil, []byte(body), flat(context))
}

func flat(context map[string]string) []byte {
	var b []byte
	for _, k := range slices.Sorted(maps.Keys(context)) {
		b = fmt.Appendf(b, "%q=%q;", k, context[k])
	}
	return b
}

func reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	_ = json.NewEncoder(w).Encode(v)
}

func fail(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.Header().Set("X-Amzn-Errortype", code)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"__type": code, "message": "as told by the test"})
}
