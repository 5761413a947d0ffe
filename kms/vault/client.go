package vault

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/sealsql/sealsql/envelope"
)

// client speaks to one server.
type client struct {
	http      *http.Client
	address   string
	namespace string
	resource  string
	timeout   time.Duration
	auth      login
}

// maxAnswer bounds what is read of an answer, in bytes.
const maxAnswer = 64 << 10

func newClient(o *Options) (*client, error) {
	u, err := url.Parse(o.Address)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" {
		return nil, errors.New("address is not https://HOST:PORT")
	}
	if host := u.Hostname(); u.Scheme != "https" && (u.Scheme != "http" || host != "localhost" && host != "127.0.0.1" && host != "::1") {
		return nil, errors.New("keys travel by https only")
	}
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	if o.CAFile != "" {
		pem, err := os.ReadFile(o.CAFile)
		if err != nil {
			return nil, err
		}
		t.TLSClientConfig.RootCAs = x509.NewCertPool()
		if !t.TLSClientConfig.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s holds no certificate", o.CAFile)
		}
	}
	timeout := time.Duration(o.TimeoutMS) * time.Millisecond
	if timeout <= 0 {
		timeout = 5 * time.Second
	}
	auth, err := o.Auth.login()
	if err != nil {
		return nil, err
	}
	return &client{
		// A redirect would take the token to another host.
		http:    &http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
		address: strings.TrimRight(u.String(), "/"), namespace: o.Namespace, resource: o.Key, timeout: timeout, auth: auth,
	}, nil
}

// call asks with a token, and with a new one when that is refused.
func (c *client) call(ctx context.Context, op, path string, in, out *transit) error {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	for fresh := false; ; fresh = true {
		token, renewed, err := c.auth.token(ctx, c, fresh)
		if err != nil {
			return err
		}
		var answer struct {
			Data *transit `json:"data"`
		}
		err = c.post(ctx, op, path, token, in, &answer)
		var e *envelope.ServiceError
		if errors.As(err, &e) && e.Fault == envelope.FaultDenied && !fresh && !renewed {
			continue
		}
		if err == nil && answer.Data == nil {
			err = c.fault(op, envelope.FaultMalformed, "")
		}
		if err == nil {
			*out = *answer.Data
		}
		return err
	}
}

// post sends in as JSON and reads the answer into out. Both may hold keys: what
// is ours of them is wiped, copies in buffers of the standard library are not.
func (c *client) post(ctx context.Context, op, path, token string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	defer clear(body)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.address+path, bytes.NewReader(body))
	if err != nil {
		return c.fault(op, envelope.FaultRequest, "")
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Vault-Request", "true")
	if token != "" {
		r.Header.Set("X-Vault-Token", token)
	}
	if c.namespace != "" {
		r.Header.Set("X-Vault-Namespace", c.namespace)
	}
	res, err := c.http.Do(r)
	if err != nil {
		return c.unreachable(ctx, op, err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	defer clear(text)
	if err != nil {
		return c.unreachable(ctx, op, err)
	}
	if res.StatusCode != http.StatusOK {
		f, why := statusFault(op, res.StatusCode, string(text))
		return c.fault(op, f, strings.TrimSpace(fmt.Sprintf("HTTP %d %s", res.StatusCode, why)))
	}
	if json.Unmarshal(text, out) != nil {
		return c.fault(op, envelope.FaultMalformed, "")
	}
	return nil
}

func (c *client) fault(op string, f envelope.Fault, detail string) *envelope.ServiceError {
	return &envelope.ServiceError{Service: Name, Region: c.address, Resource: "key " + c.resource, Op: op, Fault: f, Detail: detail}
}

func (c *client) unreachable(ctx context.Context, op string, err error) error {
	e := c.fault(op, envelope.FaultUnreachable, "no connection")
	var cert *tls.CertificateVerificationError
	switch {
	case ctx.Err() != nil:
		e.Detail, e.Err = "", ctx.Err()
	case errors.As(err, &cert):
		e.Fault, e.Detail = envelope.FaultRequest, "the server's certificate is not trusted: see ca_file"
	}
	return e
}

// phrases are parts of the messages of the transit engine that tell why it
// refused; what else a message holds is not repeated.
var phrases = []struct {
	text  string
	fault envelope.Fault
	why   string
}{
	{"message authentication failed", envelope.FaultRefused, ""},
	{"invalid ciphertext", envelope.FaultRefused, ""},
	{"illegal base64", envelope.FaultRefused, ""},
	{"too old", envelope.FaultDisabled, "version below min_decryption_version"},
	{"disallowed by policy", envelope.FaultDisabled, "version not allowed"},
	{"key not found", envelope.FaultAbsent, ""},
	{"no handler for route", envelope.FaultAbsent, "no engine is mounted there"},
	{"soft deleted", envelope.FaultDisabled, ""},
}

// statusFault reads an HTTP status and the message beside it.
func statusFault(op string, status int, text string) (envelope.Fault, string) {
	for _, p := range phrases {
		if status < 500 && status != http.StatusForbidden && strings.Contains(text, p.text) {
			return p.fault, p.why
		}
	}
	switch {
	case status == http.StatusBadRequest && op == "login":
		return envelope.FaultDenied, ""
	case status == http.StatusBadRequest && op == "decrypt":
		return envelope.FaultRefused, ""
	case status == http.StatusBadRequest:
		return envelope.FaultRequest, ""
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return envelope.FaultDenied, ""
	case status == http.StatusNotFound:
		return envelope.FaultAbsent, ""
	case status == http.StatusTooManyRequests:
		return envelope.FaultThrottled, ""
	case status == http.StatusServiceUnavailable:
		return envelope.FaultUnreachable, "sealed, standby or in maintenance"
	case status >= 500, status == http.StatusPreconditionFailed, status == 472, status == 473:
		return envelope.FaultUnreachable, ""
	case status >= 300 && status < 400:
		return envelope.FaultMalformed, "redirects are not followed: name the active server"
	}
	return envelope.FaultUnknown, ""
}

// pause before another attempt: 50 to 100 ms, then twice that.
func pause(attempt int) time.Duration {
	d := 100 * time.Millisecond << attempt
	return d/2 + rand.N(d/2)
}
