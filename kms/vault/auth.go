package vault

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/sealsql/sealsql/envelope"
)

// Auth says how to log in; exactly one member, TokenEnv to Kubernetes, is set.
type Auth struct {
	// TokenEnv names an environment variable that holds a token.
	TokenEnv string `json:"token_env,omitempty"`
	// TokenFile is a file that holds a token, read for every request, for agents
	// write new ones there.
	TokenFile  string          `json:"token_file,omitempty"`
	AppRole    *AppRoleAuth    `json:"approle,omitempty"`
	Kubernetes *KubernetesAuth `json:"kubernetes,omitempty"`
}

// AppRoleAuth logs in with a role's id and a secret id.
type AppRoleAuth struct {
	RoleID string `json:"role_id"`
	// SecretIDEnv or SecretIDFile holds the secret id; read at every login.
	SecretIDEnv  string `json:"secret_id_env,omitempty"`
	SecretIDFile string `json:"secret_id_file,omitempty"`
	// Mount is where the login is mounted; empty means approle.
	Mount string `json:"mount,omitempty"`
}

// KubernetesAuth logs in with the pod's service account.
type KubernetesAuth struct {
	Role string `json:"role"`
	// TokenFile holds the account's token; empty means where Kubernetes puts it.
	TokenFile string `json:"token_file,omitempty"`
	// Mount is where the login is mounted; empty means kubernetes.
	Mount string `json:"mount,omitempty"`
}

// login gives tokens. again is set when the last one was refused; renewed says
// that this one is new, so that asking again is no use.
type login interface {
	token(ctx context.Context, c *client, again bool) (token string, renewed bool, err error)
}

const kubernetesToken = "/var/run/secrets/kubernetes.io/serviceaccount/token"

func (a *Auth) login() (login, error) {
	n := 0
	for _, given := range []bool{a.TokenEnv != "", a.TokenFile != "", a.AppRole != nil, a.Kubernetes != nil} {
		if given {
			n++
		}
	}
	if n != 1 {
		return nil, errors.New("exactly one way to log in must be given")
	}
	switch {
	case a.TokenEnv != "":
		return fromEnv(a.TokenEnv), nil
	case a.TokenFile != "":
		return fromFile(a.TokenFile), nil
	case a.AppRole != nil:
		r := *a.AppRole
		if r.RoleID == "" || (r.SecretIDEnv == "") == (r.SecretIDFile == "") {
			return nil, errors.New("approle needs role_id and one of secret_id_env and secret_id_file")
		}
		return newExchange(or(r.Mount, "approle"), r.body), nil
	}
	k := *a.Kubernetes
	if k.Role == "" {
		return nil, errors.New("kubernetes needs a role")
	}
	k.TokenFile = or(k.TokenFile, kubernetesToken)
	return newExchange(or(k.Mount, "kubernetes"), k.body), nil
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

type fromEnv string

func (name fromEnv) token(_ context.Context, c *client, _ bool) (string, bool, error) {
	t, err := readEnv(string(name))
	return t, true, c.noLogin(err)
}

type fromFile string

func (path fromFile) token(_ context.Context, c *client, again bool) (string, bool, error) {
	t, err := readSecret(string(path))
	return t, again, c.noLogin(err)
}

func readEnv(name string) (string, error) {
	if t := strings.TrimSpace(os.Getenv(name)); t != "" {
		return t, nil
	}
	return "", fmt.Errorf("environment variable %s is not set", name)
}

// readSecret reads a file of at most 64 KiB, the longest that a token is.
func readSecret(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, 64<<10))
	if err != nil {
		return "", err
	}
	t := strings.TrimSpace(string(b))
	if t == "" || strings.ContainsFunc(t, func(r rune) bool { return r < '!' || r > '~' }) {
		return "", fmt.Errorf("%s holds no token", path)
	}
	return t, nil
}

// noLogin makes a fault of what keeps this process from logging in.
func (c *client) noLogin(err error) error {
	if err == nil {
		return nil
	}
	return c.fault("login", envelope.FaultDenied, err.Error())
}

func (r *AppRoleAuth) body() (any, error) {
	read, from := readEnv, r.SecretIDEnv
	if from == "" {
		read, from = readSecret, r.SecretIDFile
	}
	secret, err := read(from)
	return map[string]string{"role_id": r.RoleID, "secret_id": secret}, err
}

func (k *KubernetesAuth) body() (any, error) {
	token, err := readSecret(k.TokenFile)
	return map[string]string{"role": k.Role, "jwt": token}, err
}

// exchange logs in for a token that lives for a while, and again when two
// thirds of that are over or the token is refused. Others wait for the one that
// does so.
type exchange struct {
	mount string
	body  func() (any, error)

	turn    chan struct{} // holds one, for the one that logs in
	mu      sync.Mutex
	current string
	until   time.Time // zero for a token that does not end
}

func newExchange(mount string, body func() (any, error)) *exchange {
	return &exchange{mount: mount, body: body, turn: make(chan struct{}, 1)}
}

func (x *exchange) have() (string, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.current, x.current != "" && (x.until.IsZero() || time.Now().Before(x.until))
}

func (x *exchange) token(ctx context.Context, c *client, again bool) (string, bool, error) {
	before, ok := x.have()
	if ok && !again {
		return before, false, nil
	}
	select {
	case x.turn <- struct{}{}:
	case <-ctx.Done():
		return "", true, c.unreachable(ctx, "login", ctx.Err())
	}
	defer func() { <-x.turn }()
	if t, ok := x.have(); ok && t != before {
		return t, true, nil // another request was first
	}
	body, err := x.body()
	if err != nil {
		return "", true, c.noLogin(err)
	}
	var out struct {
		Auth struct {
			Token string `json:"client_token"`
			Lease int64  `json:"lease_duration"` // seconds
		} `json:"auth"`
	}
	if err := c.post(ctx, "login", "/v1/auth/"+strings.Trim(x.mount, "/")+"/login", "", body, &out); err != nil {
		return "", true, err
	}
	if out.Auth.Token == "" {
		return "", true, c.fault("login", envelope.FaultMalformed, "")
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.current, x.until = out.Auth.Token, time.Time{}
	if lease := time.Duration(min(out.Auth.Lease, 1<<31)) * time.Second; lease > 0 {
		x.until = time.Now().Add(lease * 2 / 3)
	}
	return x.current, true, nil
}
