package config

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"time"
)

// The sections of key management services and metastores that live in packages
// of their own. What they mean is checked here; options leave as the JSON that
// those packages take.

type awsSection struct {
	Preferred  string        `yaml:"preferred_region" doc:"The region that is asked first; the first of regions unless given."`
	Regions    named[string] `yaml:"regions" required:"true" secret:"true" doc:"The master key of each region: its ARN, id or alias."`
	Former     []string      `yaml:"former_keys" secret:"true" doc:"ARNs of keys that were used before and still decrypt."`
	MinRegions int           `yaml:"min_regions" default:"1" min:"1" max:"16" doc:"Regions that must have wrapped a new key for it to be used."`
	Endpoints  named[string] `yaml:"endpoints" doc:"Addresses of regions instead of their public ones, as of VPC endpoints."`
	Profile    string        `yaml:"profile" doc:"Profile of the AWS configuration files."`
	Timeout    duration      `yaml:"timeout" default:"5s" min:"100ms" max:"1m" doc:"Time for one request to one region."`
}

func (*awsSection) instead() map[string]string {
	return map[string]string{"region": "write regions: {REGION: KEY}", "key": "write regions: {REGION: KEY}", "arn": "write regions: {REGION: ARN}"}
}

func (s *awsSection) check(d *decoder, p path) {
	var names []string
	for _, e := range s.Regions {
		at := p.key("regions").key(e.Key)
		switch arn := strings.Split(e.Value, ":"); {
		case e.Value == "":
			d.at(at, "the key is empty", "write the key's ARN, id or alias")
		case strings.HasPrefix(e.Value, "arn:") && (len(arn) < 6 || arn[2] != "kms"):
			d.at(at, "this is not the ARN of a key", "arn:aws:kms:REGION:ACCOUNT:key/ID")
		case strings.HasPrefix(e.Value, "arn:") && arn[3] != e.Key:
			d.at(at, "the ARN is of a key in another region", "write the key under its own region")
		}
		names = append(names, e.Key)
	}
	switch {
	case len(names) == 0:
		d.at(p.key("regions"), "a region is needed", "regions: {us-west-2: ARN}")
	case s.Preferred != "" && !slices.Contains(names, s.Preferred):
		d.at(p.key("preferred_region"), "this is not one of regions", "its regions: "+strings.Join(names, ", "))
	case s.MinRegions > len(names):
		d.at(p.key("min_regions"), "more regions are demanded than there are", "")
	}
	checkEndpoints(d, p.key("endpoints"), s.Endpoints, names)
	for _, f := range s.Former {
		if a := strings.SplitN(f, ":", 6); len(a) != 6 || a[0] != "arn" || a[2] != "kms" || !strings.HasPrefix(a[5], "key/") {
			d.at(p.key("former_keys"), "a former key must be the ARN of a key", "arn:aws:kms:REGION:ACCOUNT:key/ID")
		}
	}
}

func checkEndpoints(d *decoder, p path, endpoints named[string], regions []string) {
	for _, e := range endpoints {
		if !slices.Contains(regions, e.Key) {
			d.at(p.key(e.Key), "this is not one of the regions", "")
		}
		checkAddress(d, p.key(e.Key), e.Value)
	}
}

// checkAddress demands https, but for the machine itself.
func checkAddress(d *decoder, p path, text string) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		d.at(p, "this is not an address", "https://HOST:PORT")
	case u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())):
		d.at(p, "keys travel by https only", "https://HOST:PORT")
	}
}

func loopback(host string) bool {
	return host == "localhost" || host == "127.0.0.1" || host == "::1"
}

func (s *awsSection) options() json.RawMessage {
	var regions []map[string]string
	for _, e := range s.Regions {
		k := map[string]string{"region": e.Key, "key": e.Value}
		if u := s.Endpoints.find(e.Key); u != "" {
			k["endpoint"] = u
		}
		regions = append(regions, k)
	}
	return given("preferred_region", s.Preferred, "regions", regions, "former_keys", s.Former,
		"min_regions", s.MinRegions, "profile", s.Profile, "timeout_ms", s.Timeout.ms())
}

// find returns the value of a key, or the zero value.
func (n named[V]) find(key string) (v V) {
	for _, e := range n {
		if e.Key == key {
			return e.Value
		}
	}
	return v
}

func (d duration) ms() int { return int(d.std() / time.Millisecond) }

// given is object without members that have the zero value.
func given(pairs ...any) json.RawMessage {
	kept := pairs[:0:0]
	for i := 0; i < len(pairs); i += 2 {
		switch v := pairs[i+1].(type) {
		case string:
			if v == "" {
				continue
			}
		case []string:
			if len(v) == 0 {
				continue
			}
		case bool:
			if !v {
				continue
			}
		case json.RawMessage:
			if v == nil {
				continue
			}
		}
		kept = append(kept, pairs[i], pairs[i+1])
	}
	return object(kept...)
}

type vaultSection struct {
	Address   string           `yaml:"address" required:"true" doc:"Address of the server, https://HOST:PORT."`
	Key       string           `yaml:"key" required:"true" secret:"true" doc:"Name of the key in the transit engine."`
	Mount     string           `yaml:"mount" default:"transit" doc:"Where the transit engine is mounted."`
	Namespace string           `yaml:"namespace" doc:"Namespace of engine and login."`
	Auth      vaultAuthSection `yaml:"auth" required:"true" doc:"How this process logs in: exactly one way."`
	CAFile    string           `yaml:"ca_file" doc:"File with the certificates (PEM) that the server's is checked by, instead of the system's. Relative to this file."`
	Timeout   duration         `yaml:"timeout" default:"5s" min:"100ms" max:"1m" doc:"Time for one request."`
}

type vaultAuthSection struct {
	TokenEnv   string            `yaml:"token_env" secret:"true" doc:"Name of the environment variable that holds a token."`
	TokenFile  string            `yaml:"token_file" secret:"true" doc:"Path of a file that holds a token, read again when it changes, as Vault Agent writes it. Relative to this file."`
	AppRole    *appRoleSection   `yaml:"approle" doc:"Login by AppRole."`
	Kubernetes *kubernetesSecton `yaml:"kubernetes" doc:"Login by the service account of the pod."`
}

type appRoleSection struct {
	RoleID   string `yaml:"role_id" required:"true" secret:"true" doc:"The role's id."`
	SecretIn string `yaml:"secret_id_env" secret:"true" doc:"Name of the environment variable that holds the secret id."`
	File     string `yaml:"secret_id_file" secret:"true" doc:"Path of a file that holds the secret id. Relative to this file."`
	Mount    string `yaml:"mount" default:"approle" doc:"Where the login is mounted."`
}

type kubernetesSecton struct {
	Role  string `yaml:"role" required:"true" doc:"The role's name."`
	File  string `yaml:"token_file" default:"/var/run/secrets/kubernetes.io/serviceaccount/token" secret:"true" doc:"Path of the service account's token. Relative to this file."`
	Mount string `yaml:"mount" default:"kubernetes" doc:"Where the login is mounted."`
}

func (*vaultSection) instead() map[string]string {
	const how = "write auth: {token_env: NAME}, or another way to log in"
	return map[string]string{"token": how, "token_env": how, "token_file": how, "role_id": how}
}

func (*vaultAuthSection) instead() map[string]string {
	return map[string]string{"token": "write token_env: NAME_OF_VARIABLE, or token_file: PATH"}
}

func (s *vaultSection) check(d *decoder, p path) {
	checkAddress(d, p.key("address"), s.Address)
	for key, name := range map[string]string{"key": s.Key, "mount": s.Mount} {
		if !isVaultPath(name) || key == "key" && strings.Contains(name, "/") {
			d.at(p.key(key), "this is not a name in Vault", "letters, digits, - _ and .")
		}
	}
}

// isVaultPath reports whether s is a path of names.
func isVaultPath(s string) bool {
	for part := range strings.SplitSeq(s, "/") {
		if part == "" || part == "." || part == ".." || strings.ContainsFunc(part, func(c rune) bool {
			return c != '-' && c != '_' && c != '.' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z')
		}) {
			return false
		}
	}
	return true
}

func (s *vaultAuthSection) check(d *decoder, p path) {
	n := 0
	for _, key := range []string{"token_env", "token_file", "approle", "kubernetes"} {
		if d.has(p.key(key)) {
			n++
		}
	}
	switch {
	case n != 1:
		d.at(p, "exactly one of token_env, token_file, approle and kubernetes must be here", "token_env: NAME_OF_VARIABLE")
	case d.has(p.key("token_env")) && !isVariable(s.TokenEnv):
		d.at(p.key("token_env"), "this is not the name of an environment variable", "letters, digits and _, as in VAULT_TOKEN")
	case d.has(p.key("token_file")) && s.TokenFile == "":
		d.at(p.key("token_file"), "the path is empty", "")
	}
}

func (s *appRoleSection) check(d *decoder, p path) {
	switch {
	case (s.SecretIn == "") == (s.File == ""):
		d.at(p, "exactly one of secret_id_env and secret_id_file must be here", "")
	case s.SecretIn != "" && !isVariable(s.SecretIn):
		d.at(p.key("secret_id_env"), "this is not the name of an environment variable", "letters, digits and _, as in VAULT_SECRET_ID")
	}
}

func (s *vaultSection) options(in func(string) string) json.RawMessage {
	auth := given("token_env", s.Auth.TokenEnv, "token_file", in(s.Auth.TokenFile))
	if a := s.Auth.AppRole; a != nil {
		auth = given("approle", given("role_id", a.RoleID, "secret_id_env", a.SecretIn, "secret_id_file", in(a.File), "mount", a.Mount))
	}
	if k := s.Auth.Kubernetes; k != nil {
		auth = given("kubernetes", given("role", k.Role, "token_file", in(k.File), "mount", k.Mount))
	}
	return given("address", s.Address, "key", s.Key, "mount", s.Mount, "namespace", s.Namespace, "auth", auth,
		"ca_file", in(s.CAFile), "timeout_ms", s.Timeout.ms())
}

type gcpSection struct {
	Key         string   `yaml:"key" required:"true" secret:"true" doc:"Full name of the key: projects/P/locations/L/keyRings/R/cryptoKeys/K."`
	Credentials string   `yaml:"credentials_file" secret:"true" doc:"File of credentials; those of the environment unless given. Relative to this file."`
	Endpoint    string   `yaml:"endpoint" doc:"HOST:PORT of the service instead of its public one."`
	Timeout     duration `yaml:"timeout" default:"5s" min:"100ms" max:"1m" doc:"Time for one request."`
}

func (s *gcpSection) check(d *decoder, p path) {
	part := strings.Split(s.Key, "/")
	ok := len(part) == 8
	for i, word := range []string{"projects", "locations", "keyRings", "cryptoKeys"} {
		ok = ok && part[2*i] == word && part[2*i+1] != ""
	}
	if !ok {
		d.at(p.key("key"), "this is not the full name of a key", "projects/P/locations/L/keyRings/R/cryptoKeys/K, without a version")
	}
}

func (s *gcpSection) options(in func(string) string) json.RawMessage {
	return given("key", s.Key, "credentials_file", in(s.Credentials), "endpoint", s.Endpoint, "timeout_ms", s.Timeout.ms())
}

type azureSection struct {
	Vault     string   `yaml:"vault" required:"true" doc:"Address of the key vault or managed HSM, https://NAME.vault.azure.net."`
	Key       string   `yaml:"key" required:"true" secret:"true" doc:"Name of the key."`
	Version   string   `yaml:"version" doc:"Version of the key that wraps; the newest unless given. Every version goes on unwrapping."`
	Algorithm string   `yaml:"algorithm" enum:"RSA-OAEP-256 A256KW" default:"RSA-OAEP-256" doc:"RSA-OAEP-256 for keys of type RSA; A256KW for symmetric keys of a managed HSM, which alone say who wrapped."`
	Timeout   duration `yaml:"timeout" default:"5s" min:"100ms" max:"1m" doc:"Time for one request."`
}

func (s *azureSection) check(d *decoder, p path) {
	checkAddress(d, p.key("vault"), s.Vault)
	for key, name := range map[string]string{"key": s.Key, "version": s.Version} {
		if name == "" && key == "version" {
			continue
		}
		if name == "" || strings.ContainsFunc(name, func(c rune) bool {
			return c != '-' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z')
		}) {
			d.at(p.key(key), "this is not a name in Key Vault", "letters, digits and -")
		}
	}
}

func (s *azureSection) options() json.RawMessage {
	return given("vault", s.Vault, "key", s.Key, "version", s.Version, "algorithm", s.Algorithm, "timeout_ms", s.Timeout.ms())
}

type dynamoSection struct {
	Table        string        `yaml:"table" default:"EncryptionKey" doc:"Name of the table."`
	Region       string        `yaml:"region" required:"true" doc:"Region of the table: new keys are written there and nowhere else."`
	Replicas     []string      `yaml:"replicas" doc:"Further regions of a global table, in the order in which they are read while the first does not answer."`
	RegionSuffix bool          `yaml:"region_suffix" default:"false" doc:"Appends the region to the key ids of columns in Asherah's format, as Asherah does where regions write at the same time."`
	Endpoints    named[string] `yaml:"endpoints" doc:"Addresses of regions instead of their public ones."`
	Profile      string        `yaml:"profile" doc:"Profile of the AWS configuration files."`
	Timeout      duration      `yaml:"timeout" default:"3s" min:"100ms" max:"1m" doc:"Time for one request to one region."`
}

func (s *dynamoSection) check(d *decoder, p path) {
	bad := func(c rune) bool {
		return c != '-' && c != '_' && c != '.' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z')
	}
	if len(s.Table) < 3 || len(s.Table) > 255 || strings.ContainsFunc(s.Table, bad) {
		d.at(p.key("table"), "this is not the name of a table", "3 to 255 letters, digits, - _ and .")
	}
	if s.Region == "" {
		d.at(p.key("region"), "the region is empty", "region: us-west-2")
	}
	seen := map[string]bool{s.Region: true}
	for _, r := range s.Replicas {
		if r == "" || seen[r] {
			d.at(p.key("replicas"), "a region is here twice, or empty", "leave region itself out of replicas")
		}
		seen[r] = true
	}
	checkEndpoints(d, p.key("endpoints"), s.Endpoints, append([]string{s.Region}, s.Replicas...))
}

func (s *dynamoSection) options() json.RawMessage {
	endpoints := map[string]string{}
	for _, e := range s.Endpoints {
		endpoints[e.Key] = e.Value
	}
	pairs := []any{"table", s.Table, "region", s.Region, "replicas", s.Replicas, "profile", s.Profile, "timeout_ms", s.Timeout.ms(), "region_suffix", s.RegionSuffix}
	if len(endpoints) > 0 {
		pairs = append(pairs, "endpoints", endpoints)
	}
	return given(pairs...)
}
