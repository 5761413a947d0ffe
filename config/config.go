// Package config reads sealsql.yaml.
//
// Call Load with the path that Find returns; what comes back is checked as a
// whole and complete with defaults. Nothing is guessed: a key or word that is
// not known, a value of another type, a key given twice are errors with line,
// column and the nearest correct word, and all of them are reported at once.
//
// The vocabulary is described in docs/configuration.md and, for editors, by
// the JSON Schema that JSONSchema returns. Both and the reader come from the
// same Go types.
//
// The package opens no database and no key store and looks at no environment
// variable but SEALSQL_CONFIG.
package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/sealsql/sealsql/schema"
)

// Config is a checked configuration. It is not changed after Parse.
type Config struct {
	// File is the name that Parse was given.
	File string

	// Service and Product name the owner of the data; both enter every key's
	// id and every record.
	Service, Product string

	KMS Provider
	// KMSRetiring is the service that KMS takes over from; its Provider is ""
	// where there is none.
	KMSRetiring Provider
	Metastore   Metastore
	Policy      Policy

	// Cache bounds the keys kept in memory.
	Cache Cache

	// Memory says whether keys must lie in locked memory: "require", "prefer"
	// or "off".
	Memory string

	// Eager asks for the system key when the database is opened.
	Eager bool

	// Catalog holds the annotated tables and clear_tables; never nil.
	Catalog *schema.Catalog

	// CatalogMode is "auto" (the database's catalog is read) or "none".
	CatalogMode string

	// MaxAge is the age at which the database's catalog is read again.
	MaxAge time.Duration

	// Guards says what a missing guard in the database is: "require", "warn"
	// or "off".
	Guards string

	// Audit says where the audit trail is.
	Audit Audit

	// ShreddedNull reads values whose keys were destroyed as NULL.
	ShreddedNull bool

	// Declarations are statements about code in the database.
	Declarations Declarations

	Limits Limits

	// Format and Algorithm are those of records written where a table or column
	// says nothing else: "compact" or "asherah"; "AES-256-GCM" or
	// "ChaCha20-Poly1305". Columns in Asherah's format have the carrier
	// schema.CarrierAsherah; what holds for the others is their schema.Column's
	// Sealing.
	Format, Algorithm string

	// Asherah is for columns in Asherah's format.
	Asherah Asherah
}

// Provider names an implementation that is registered with package envelope,
// and its options. It prints as its name only, for the options may be secret.
type Provider struct {
	// Provider is the name: "env", "file", "static", "aws", "vault", "gcp" or
	// "azure".
	Provider string
	// Options is a JSON object: {"env": NAME}, {"file": PATH} with the path
	// made relative to the working directory, {"key": …, "insecure": true}, or
	// what the package kms/<name> documents as its Options.
	Options json.RawMessage
	// written is Options with the path as it stands in the file, for Diff: two
	// copies of one file in two directories name the same key.
	written json.RawMessage
}

// String returns the name.
func (p Provider) String() string { return p.Provider }

// GoString returns the name.
func (p Provider) GoString() string { return p.Provider }

// Metastore says where wrapped keys are kept. It prints as its provider only.
type Metastore struct {
	// Provider is "sql", "dynamodb" or "memory".
	Provider string
	// Same is set for the sql metastore in the application's own database.
	Same bool
	// Table is the name of the sql metastore's table.
	Table string
	// Options is a JSON object for the registered provider: for sql
	// {"dsn": …} or {"dsn_env": NAME} unless Same, and always {"table": …}.
	Options json.RawMessage
}

// String returns the provider.
func (m Metastore) String() string { return m.Provider }

// GoString returns the provider.
func (m Metastore) GoString() string { return m.Provider }

// Policy is the life of keys; every field is set but NotBefore,
// RotateAhead and Watch, which may be zero.
type Policy struct {
	ExpireAfter      time.Duration
	RevokeCheck      time.Duration
	MaxStale         time.Duration
	CreatedPrecision time.Duration
	NotBefore        time.Time
	// RotateAhead is how long before their expiry keys are replaced in the
	// background; zero for not at all.
	RotateAhead time.Duration
	// Watch is the interval in which a process looks for announcements of
	// revoked keys; zero for not at all.
	Watch   time.Duration
	DataKey DataKey
}

// DataKey bounds the reuse of one data key. MaxUses 1 means a key a value.
type DataKey struct {
	MaxUses int
	MaxAge  time.Duration
}

// Cache bounds the keys kept in memory; every field is set.
type Cache struct {
	Intermediate KeyCache
	Data         KeyCache
}

// KeyCache bounds one kind of keys.
type KeyCache struct {
	// Size is the number of keys.
	Size int
	// Policy is "tinylfu", "clock", "lru" or "lfu"; for data keys "clock".
	Policy string
	// TTL is the time after which a key leaves memory, used or not.
	TTL time.Duration
}

// Declarations name code in the database that is declared not to touch
// encrypted columns. The names are in lower case.
type Declarations struct {
	Routines map[string]bool
	Triggers map[string]bool
}

// Limits bound memory.
type Limits struct {
	// Plans is the number of statements whose plan is kept.
	Plans int
	// Keys is the number of rows whose keys one statement may look up first.
	Keys int
	// Scans is the number of rows that a search by pattern without an index for
	// patterns may open in vain; 0 refuses such searches.
	Scans int
}

// DefaultFile is the file that Find looks for in the working directory.
const DefaultFile = "sealsql.yaml"

// EnvFile is the environment variable that names the file.
const EnvFile = "SEALSQL_CONFIG"

// ErrNoFile is returned by Find when no configuration is named and none is in
// the working directory.
var ErrNoFile = errors.New("no configuration: name it with the sealsql_config parameter of the data source name or the environment variable " + EnvFile + ", or create ./" + DefaultFile)

// Find returns the path of the configuration: explicit if it is not empty,
// else the value of SEALSQL_CONFIG, else ./sealsql.yaml if it exists, else
// ErrNoFile. Only the last is looked for; that the others exist is seen by Load.
func Find(explicit string) (path string, err error) {
	if explicit != "" {
		return explicit, nil
	}
	if path = os.Getenv(EnvFile); path != "" {
		return path, nil
	}
	_, err = os.Stat(DefaultFile)
	if errors.Is(err, fs.ErrNotExist) {
		return "", ErrNoFile
	}
	return DefaultFile, nil // whatever else is wrong with it, Load says
}

// Load reads and checks a file. Faults of its content are Errors; a file that
// cannot be read is an error that wraps fs.ErrNotExist and the like.
func Load(path string) (*Config, error) {
	data, err := readFile(path)
	if err != nil {
		if path == os.Getenv(EnvFile) {
			path += ", which " + EnvFile + " names"
		}
		return nil, fmt.Errorf("configuration %s: %w", path, cause(err))
	}
	return Parse(path, data)
}

// cause takes the path out of a file error; the caller names it.
func cause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// readFile reads one byte more than Parse accepts, at most.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return nil, errors.New("is a directory")
	}
	return io.ReadAll(io.LimitReader(f, maxFileBytes+1))
}

// Parse reads and checks the content of a file. name is for messages, and
// relative paths in the file are relative to its directory. The error is
// Errors: all faults found, in the order of the file.
func Parse(name string, data []byte) (*Config, error) {
	if len(data) > maxFileBytes {
		return nil, plainError(name, fmt.Sprintf("the file is longer than %d bytes", maxFileBytes), "split the configuration by service")
	}
	p := newParse(name, data)
	raw := p.decode(data)
	if raw == nil {
		return nil, p.errors()
	}
	c := p.build(raw)
	if errs := p.errors(); len(errs) > 0 {
		return nil, errs
	}
	return c, nil
}

// resolve makes a path of the file relative to the working directory.
func resolve(name, path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(name), path)
}
