package envelope

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
)

type (
	kmsOpener       = func(ctx context.Context, options json.RawMessage) (KeyManagementService, error)
	metastoreOpener = func(ctx context.Context, options json.RawMessage) (Metastore, error)
)

// registry is write-once: names are added by the init functions of provider
// packages and never change.
type registry[F any] struct {
	kind, dir string
	mu        sync.RWMutex
	open      map[string]F
}

var (
	kmsRegistry       = registry[kmsOpener]{kind: "key management service", dir: "kms"}
	metastoreRegistry = registry[metastoreOpener]{kind: "metastore", dir: "metastore"}
)

// RegisterKMS makes a key management service available under the name that the
// configuration uses. options are the members under that name, as JSON. It
// panics when the name is taken: two packages are linked that cannot both be
// meant.
func RegisterKMS(name string, open func(ctx context.Context, options json.RawMessage) (KeyManagementService, error)) {
	kmsRegistry.add(name, open)
}

// RegisterMetastore is RegisterKMS for metastores.
func RegisterMetastore(name string, open func(ctx context.Context, options json.RawMessage) (Metastore, error)) {
	metastoreRegistry.add(name, open)
}

// OpenKMS opens the service registered under name. For a name that is not
// linked in, the error prints the import line.
func OpenKMS(ctx context.Context, name string, options json.RawMessage) (KeyManagementService, error) {
	open, err := kmsRegistry.get(name)
	if err != nil {
		return nil, err
	}
	return open(ctx, options)
}

// OpenMetastore is OpenKMS for metastores.
func OpenMetastore(ctx context.Context, name string, options json.RawMessage) (Metastore, error) {
	open, err := metastoreRegistry.get(name)
	if err != nil {
		return nil, err
	}
	return open(ctx, options)
}

func (r *registry[F]) add(name string, open F) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.open[name]; ok {
		panic("envelope: " + r.kind + " " + name + " is registered twice")
	}
	if r.open == nil {
		r.open = map[string]F{}
	}
	r.open[name] = open
}

// builtinNames are registered by envelope/builtin rather than a package of
// their own.
var builtinNames = []string{"static", "env", "file", "memory", "sql"}

// ownModules are providers with an SDK, which nobody should download who does
// not use it.
var ownModules = []string{"kms/aws", "kms/gcp", "kms/azure", "metastore/dynamodb"}

// ownModule says what to do besides importing a package that is a module of its
// own; the command that has them all is for those who ask by the command.
func ownModule(dir, name string) string {
	if !slices.Contains(ownModules, dir+"/"+name) {
		return ""
	}
	return ", a module of its own, and go get it; of the commands, sealsql-cloud has it"
}

func (r *registry[F]) get(name string) (F, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if open, ok := r.open[name]; ok {
		return open, nil
	}
	var names []string
	for n := range r.open {
		names = append(names, n)
	}
	slices.Sort(names)
	path := "github.com/sealsql/sealsql/" + r.dir + "/" + name
	if slices.Contains(builtinNames, name) {
		path = "github.com/sealsql/sealsql/envelope/builtin"
	}
	var none F
	return none, fmt.Errorf("sealsql: %s %q is not linked into this program: add import _ %q%s (linked in: %s)",
		r.kind, name, path, ownModule(r.dir, name), strings.Join(names, ", "))
}
