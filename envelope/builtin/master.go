package builtin

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/sealsql/sealsql/envelope"
)

func init() {
	envelope.RegisterKMS("static", openStatic)
	envelope.RegisterKMS("env", openEnv)
	envelope.RegisterKMS("file", openFile)
	envelope.RegisterMetastore("memory", openMemory)
}

// NewInsecureStatic makes a service of a master key of 32 bytes in the program. The key
// is wiped. It is for tests: whoever reads the program or its configuration has
// the key; hence the name that a search finds.
func NewInsecureStatic(key []byte) (envelope.KeyManagementService, error) {
	k, err := newLocal("static", key)
	if err != nil {
		return nil, fmt.Errorf("sealsql: static master key: %w", err)
	}
	return k, nil
}

// NewEnv makes a service of the master key in an environment variable: 32 bytes
// in base64 (standard or URL alphabet) or hexadecimal. The variable stays
// readable for the process and for those who may inspect it.
func NewEnv(name string) (envelope.KeyManagementService, error) {
	text, ok := os.LookupEnv(name)
	if name == "" || !ok || text == "" {
		return nil, fmt.Errorf("sealsql: environment variable %q with the master key is not set", name)
	}
	key, err := decodeMaster([]byte(text))
	if err == nil {
		var k *local
		if k, err = newLocal("env", key); err == nil {
			return k, nil
		}
	}
	return nil, fmt.Errorf("sealsql: master key in environment variable %q: %w", name, err)
}

// NewFile makes a service of the master key in a file, as GenerateKeyFile writes
// it. On Unix the file must belong to the user of the process or root, and
// nobody else may have access (mode 0600 or 0400), also not through a symbolic
// link.
func NewFile(path string) (envelope.KeyManagementService, error) {
	key, err := readKeyFile(path)
	if err == nil {
		var k *local
		if k, err = newLocal("file", key); err == nil {
			return k, nil
		}
	}
	return nil, fmt.Errorf("sealsql: master key file %q: %w", path, err)
}

// decodeMaster reads a key of 32 bytes from its text and wipes text. Errors
// hold nothing of it.
func decodeMaster(text []byte) ([]byte, error) {
	defer clear(text)
	t := bytes.TrimSpace(text)
	if len(t) == hex.EncodedLen(masterSize) {
		key := make([]byte, masterSize)
		if _, err := hex.Decode(key, t); err == nil {
			return key, nil
		}
		clear(key)
	}
	for _, e := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding, base64.RawStdEncoding, base64.RawURLEncoding} {
		key := make([]byte, e.DecodedLen(len(t)))
		n, err := e.Strict().Decode(key, t)
		if err == nil && n == masterSize {
			return key[:n], nil
		}
		clear(key)
	}
	return nil, errors.New("want 32 bytes in base64 or hexadecimal")
}

// decodeOptions decodes strictly; errors of encoding/json can quote input, and
// the input can be a key.
func decodeOptions(name string, raw json.RawMessage, into any) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if d.Decode(into) != nil {
		return fmt.Errorf("sealsql: options of %q have an unknown member or a value of the wrong type", name)
	}
	return nil
}

func openStatic(_ context.Context, raw json.RawMessage) (envelope.KeyManagementService, error) {
	var o struct {
		Key      string `json:"key"`
		Insecure bool   `json:"insecure"`
	}
	if err := decodeOptions("static", raw, &o); err != nil {
		return nil, err
	}
	if !o.Insecure {
		return nil, errors.New("sealsql: a static master key is readable for everybody who reads the configuration: for tests say insecure: true, otherwise use env, file or a key management service")
	}
	key := []byte(o.Key)
	if len(key) != masterSize {
		var err error
		if key, err = decodeMaster(key); err != nil {
			return nil, fmt.Errorf("sealsql: static master key: %w", err)
		}
	}
	return NewInsecureStatic(key)
}

func openEnv(_ context.Context, raw json.RawMessage) (envelope.KeyManagementService, error) {
	var o struct {
		Env string `json:"env"`
	}
	if err := decodeOptions("env", raw, &o); err != nil {
		return nil, err
	}
	return NewEnv(o.Env)
}

func openFile(_ context.Context, raw json.RawMessage) (envelope.KeyManagementService, error) {
	var o struct {
		File string `json:"file"`
	}
	if err := decodeOptions("file", raw, &o); err != nil {
		return nil, err
	}
	return NewFile(o.File)
}

func openMemory(_ context.Context, raw json.RawMessage) (envelope.Metastore, error) {
	if len(raw) > 0 && string(raw) != "null" {
		var o struct{}
		if err := decodeOptions("memory", raw, &o); err != nil {
			return nil, err
		}
	}
	return NewMemory(), nil
}
