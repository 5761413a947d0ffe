package config

import (
	"cmp"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// parse is the state of one Parse.
type parse struct {
	name   string
	source *source
	found  Errors
	dec    *decoder
	// fallback is the format of tables that name none.
	fallback string
	// scans is limits.scan_rows.
	scans int
}

func newParse(name string, data []byte) *parse {
	p := &parse{name: name, source: newSource(data)}
	p.dec = &decoder{out: p.report, values: map[path]position{}, keys: map[path]position{}}
	return p
}

func (p *parse) report(line, col int, at path, message, suggestion string) {
	if len(p.found) >= maxErrors {
		return
	}
	p.found = append(p.found, &Error{
		File: p.name, Line: line, Column: col, Path: printable(string(at)),
		Message: message, Suggestion: suggestion, source: p.source,
	})
}

// printable keeps names of the file from breaking the line of a message.
func printable(s string) string {
	const longest = 200
	if len(s) > longest {
		s = strings.ToValidUTF8(s[:longest], "") + "…"
	}
	return strings.Map(func(r rune) rune {
		if r == '\t' || unprintable(r) {
			return '?'
		}
		return r
	}, s)
}

// errors returns what was found, in the order of the file.
func (p *parse) errors() Errors {
	slices.SortStableFunc(p.found, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return p.found
}

// decode reads the YAML; nil means that there is nothing to build from.
func (p *parse) decode(data []byte) (raw *file) {
	defer func() {
		// The YAML library is not ours; a panic of it is one more way to say
		// that the file is wrong.
		if recover() != nil {
			p.report(1, 1, "", "not valid YAML", "")
			raw = nil
		}
	}()
	root := readYAML(data, func(line, col int, message, suggestion string) {
		p.report(line, col, "", message, suggestion)
	})
	if root == nil {
		return nil
	}
	raw = &file{}
	v := reflect.ValueOf(raw).Elem()
	setDefaults(v)
	p.dec.fill(root, v, "", "")
	return raw
}

// build makes the Config. It runs also after errors of the decoder, to find
// more of them; what it returns then is not used.
func (p *parse) build(raw *file) *Config {
	p.identity("service", raw.Service)
	p.identity("product", raw.Product)
	return &Config{
		File:        p.name,
		Service:     raw.Service,
		Product:     raw.Product,
		KMS:         p.kms(&raw.KMS),
		KMSRetiring: p.kms(raw.Retiring),
		Metastore:   metastore(&raw.Metastore),
		Policy:      raw.Policy.durations(),
		Cache:       raw.Cache.sizes(),
		Memory:      raw.Memory,
		Eager:       raw.Eager,
		Catalog:     p.catalog(raw),
		CatalogMode: raw.Catalog.Read,
		MaxAge:      raw.Catalog.MaxAge.std(),
		Guards:      raw.Guards,

		Audit:        p.audit(raw.Audit),
		ShreddedNull: raw.Shredded == "as_null",
		Declarations: Declarations{
			Routines: p.declared("routines", raw.Routines),
			Triggers: p.declared("triggers", raw.Triggers),
		},
		Limits:    Limits{Plans: raw.Limits.Plans, Keys: raw.Limits.Keys, Scans: raw.Limits.Scans},
		Format:    raw.Defaults.Format,
		Algorithm: raw.Defaults.Algorithm,
		Asherah:   raw.asherah(),
	}
}

// maxIdentity bounds service and product, in bytes: both enter the ids of
// keys, beside the partition, in a column of 255 characters. There, blanks and
// the characters / % ~ take three bytes.
const (
	maxIdentity     = 64
	maxIdentityInID = 80
)

func (p *parse) identity(key path, s string) {
	if !p.dec.has(key) || p.reported(key) {
		return
	}
	switch {
	case s == "":
		p.dec.at(key, "the name is empty", "")
	case len(s) > maxIdentity:
		p.dec.at(key, fmt.Sprintf("the name is longer than %d bytes", maxIdentity), "")
	case escapedLen(s) > maxIdentityInID:
		p.dec.at(key, "the name holds too many of the characters / % ~ and blank", "use letters, digits, - and _")
	case strings.TrimSpace(s) != s || strings.ContainsFunc(s, unprintable) || strings.Contains(s, "\t"):
		p.dec.at(key, "the name begins or ends with a blank or holds control characters", "")
	}
}

func escapedLen(s string) int {
	n := len(s)
	for i := range len(s) {
		if strings.IndexByte(" /%~", s[i]) >= 0 {
			n += 2
		}
	}
	return n
}

func (p *parse) kms(k *kmsSection) Provider {
	switch {
	case k == nil:
		return Provider{}
	case k.Env != "":
		options := object("env", k.Env)
		return Provider{"env", options, options}
	case k.File != "":
		return Provider{"file", object("file", resolve(p.name, k.File)), object("file", k.File)}
	case k.Static != nil:
		options := object("key", k.Static.Key, "insecure", k.Static.Insecure)
		return Provider{"static", options, options}
	case k.AWS != nil:
		return Provider{"aws", k.AWS.options(), k.AWS.options()}
	case k.Vault != nil:
		return Provider{"vault", k.Vault.options(p.resolve), k.Vault.options(asWritten)}
	case k.GCP != nil:
		return Provider{"gcp", k.GCP.options(p.resolve), k.GCP.options(asWritten)}
	case k.Azure != nil:
		return Provider{"azure", k.Azure.options(), k.Azure.options()}
	}
	return Provider{}
}

// resolve makes a path of the file relative to the working directory.
func (p *parse) resolve(path string) string { return resolve(p.name, path) }

func asWritten(path string) string { return path }

func metastore(m *metastoreSection) Metastore {
	if m.DynamoDB != nil {
		return Metastore{Provider: "dynamodb", Options: m.DynamoDB.options()}
	}
	if m.Memory || m.SQL == nil {
		return Metastore{Provider: "memory", Options: object()}
	}
	out := Metastore{Provider: "sql", Same: m.SQL.Same, Table: m.SQL.Table}
	switch {
	case m.SQL.DSN != "":
		out.Options = object("dsn", m.SQL.DSN, "table", m.SQL.Table)
	case m.SQL.DSNEnv != "":
		out.Options = object("dsn_env", m.SQL.DSNEnv, "table", m.SQL.Table)
	default:
		out.Options = object("table", m.SQL.Table)
	}
	return out
}

// object makes a JSON object of keys and values.
func object(pairs ...any) json.RawMessage {
	m := map[string]any{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i].(string)] = pairs[i+1]
	}
	b, err := json.Marshal(m) // strings and bools: cannot fail
	if err != nil {
		panic(err)
	}
	return b
}

func (p *parse) declared(section path, d named[declaration]) map[string]bool {
	out := map[string]bool{}
	for _, e := range d {
		name := strings.ToLower(e.Key)
		if out[name] {
			p.dec.atKey(section.key(e.Key), "this name is here twice", "names are compared without case")
		}
		out[name] = bool(e.Value)
	}
	return out
}
