// Package interop reads and writes files of records in Asherah's format, by
// which two implementations check each other: key rows, a master key that
// protects nothing, records, and what must come of opening each.
package interop

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// File is such a file. Members that are not known are passed over.
type File struct {
	// Format describes the file for people.
	Format []string `json:"format,omitempty"`
	// Source says what wrote it.
	Source string `json:"source,omitempty"`
	Sets   []Set  `json:"sets"`
}

// Set is a world of its own: one service with its key store.
type Set struct {
	Name string `json:"name"`
	// KMS says what wraps system keys: "static" is AES-256-GCM under
	// StaticMasterKey; "aws-fake" is the envelope of Asherah's AWS service, in
	// which AES-256-GCM under RegionKeys stands for the service.
	KMS string `json:"kms"`
	// StaticMasterKey has 32 bytes, which are used as they are.
	StaticMasterKey string `json:"static_master_key,omitempty"`
	// RegionKeys are the keys of the regions, 32 bytes each.
	RegionKeys map[string][]byte `json:"aws_fake_region_keys_b64,omitempty"`
	Service    string            `json:"service"`
	Product    string            `json:"product"`
	// RegionSuffix is empty where there is none.
	RegionSuffix string `json:"region_suffix"`
	Metastore    []Row  `json:"metastore"`
	Cases        []Case `json:"cases"`
	Note         string `json:"note,omitempty"`

	down string // a region that fails while keys are made
}

// Row is a row of the key store.
type Row struct {
	ID      string `json:"id"`
	Created int64  `json:"created"` // Unix seconds
	// Record is the JSON of the key_record column.
	Record string `json:"key_record"`
}

// Case is a record and what must come of opening it.
type Case struct {
	Name string `json:"name"`
	// Partition is the one that the opener expects.
	Partition string `json:"partition"`
	// Plaintext is what comes out; absent means zero bytes.
	Plaintext []byte `json:"plaintext_b64,omitempty"`
	// Record is the JSON of the data row record.
	Record string `json:"drr"`
	// Expect is "ok" or "error".
	Expect string `json:"expect"`
	Note   string `json:"note,omitempty"`
}

// The words of Case.Expect.
const (
	expectOK    = "ok"
	expectError = "error"
)

// maxFile bounds a file in bytes.
const maxFile = 256 << 20

// Read reads a file. One without cases is an error: it would pass unseen.
func Read(r io.Reader) (*File, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(b) > maxFile {
		return nil, fmt.Errorf("the file is larger than %d MiB", maxFile>>20)
	}
	var f File
	if err := json.Unmarshal(b, &f); err != nil {
		return nil, fmt.Errorf("not a file of interop cases: %w", err)
	}
	n := 0
	for i := range f.Sets {
		n += len(f.Sets[i].Cases)
	}
	if n == 0 {
		return nil, errors.New("not a file of interop cases: there is none in it")
	}
	return &f, nil
}

// Write writes the file, indented.
func (f *File) Write(w io.Writer) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(f); err != nil {
		return err
	}
	_, err := w.Write(b.Bytes())
	return err
}
