package envelope

import (
	"encoding/base64"
	"encoding/json"
	"strconv"
	"unicode/utf8"
)

// DataRowRecord is a value sealed in Asherah's format: what is stored, as JSON,
// in place of the value. Its fields are those of Asherah for Go.
//
//	{"Key":{"Created":1795310797,"Key":"<base64, 60 bytes>",
//	 "ParentKeyMeta":{"KeyId":"_IK_partition_service_product","Created":1795310760}},
//	 "Data":"<base64>"}
//
// Writing gives exactly that, without white space, byte for byte what Asherah
// for Go writes. Reading takes members in any order, white space, escapes,
// members that it does not know, names in other case and the last of several
// members of one name, as encoding/json does.
type DataRowRecord struct {
	// Key is the data row key, wrapped by the intermediate key that its
	// ParentKeyMeta names.
	Key *EnvelopeKeyRecord
	// Data is ciphertext, tag (16 bytes) and nonce (12) under the data row key.
	Data []byte
}

// EnvelopeKeyRecord is the wrapped key of a data row record.
type EnvelopeKeyRecord struct {
	// Revoked and Created (Unix seconds) say nothing that is authentic, and
	// nothing here depends on them.
	Revoked bool
	// ID is not part of the JSON.
	ID      string `json:"-"`
	Created int64
	// EncryptedKey is ciphertext (32 bytes), tag and nonce.
	EncryptedKey []byte
	// ParentKeyMeta names the intermediate key.
	ParentKeyMeta *KeyMeta
}

// The sizes of what AES-256-GCM makes in Asherah's layout: ciphertext, tag of 16
// bytes, nonce of 12.
const (
	asherahOverhead = 16 + 12
	wrappedKeySize  = keySize + asherahOverhead
)

// maxAsherahKeyID bounds key ids in this format, in bytes. Stores may have
// narrower columns (255 in a table of Asherah's definition) and say so.
const maxAsherahKeyID = 1024

// maxDataRow bounds a record's JSON: a plaintext of MaxPlaintext bytes, and
// room for members that we do not know.
const maxDataRow = (MaxPlaintext+asherahOverhead+2)/3*4 + 64<<10

// MarshalJSON writes the record as Asherah does.
func (r *DataRowRecord) MarshalJSON() ([]byte, error) {
	n := 128 + base64.StdEncoding.EncodedLen(len(r.Data))
	if r.Key != nil {
		n += base64.StdEncoding.EncodedLen(len(r.Key.EncryptedKey))
		if r.Key.ParentKeyMeta != nil {
			n += len(r.Key.ParentKeyMeta.ID)
		}
	}
	b := append(make([]byte, 0, n), `{"Key":`...)
	if r.Key == nil {
		b = append(b, "null"...)
	} else {
		b = appendKeyJSON(b, r.Key.Revoked, r.Key.Created, r.Key.EncryptedKey, r.Key.ParentKeyMeta)
		b = append(b, '}')
	}
	b = append(b, `,"Data":`...)
	return append(appendBase64JSON(b, r.Data), '}'), nil
}

// UnmarshalJSON reads a record. Whether it names a key and a parent is for
// Decrypt to say. The error is a *RecordError and holds nothing of the input.
func (r *DataRowRecord) UnmarshalJSON(b []byte) error {
	if len(b) > maxDataRow {
		return &RecordError{ReasonFormat}
	}
	if v, ok := scanDataRow(b); ok {
		if out, ok := v.record(); ok {
			*r = out
			return nil
		}
	}
	var j dataRowJSON
	if json.Unmarshal(b, &j) != nil {
		return &RecordError{ReasonFormat}
	}
	*r = j.record()
	return nil
}

// dataRowJSON is the record for encoding/json, which reads what the scanner
// leaves to it, and decides what is right where they differ.
type dataRowJSON struct {
	Key *struct {
		Revoked       bool
		Created       int64
		Key           []byte
		ParentKeyMeta *keyMetaJSON
	}
	Data []byte
}

func (j *dataRowJSON) record() DataRowRecord {
	r := DataRowRecord{Data: j.Data}
	if k := j.Key; k != nil {
		r.Key = &EnvelopeKeyRecord{Revoked: k.Revoked, Created: k.Created, EncryptedKey: k.Key}
		if p := k.ParentKeyMeta; p != nil {
			r.Key.ParentKeyMeta = &KeyMeta{p.ID, p.Created}
		}
	}
	return r
}

// appendKeyJSON appends a key as Asherah writes it, but for the closing brace.
func appendKeyJSON(b []byte, revoked bool, created int64, key []byte, parent *KeyMeta) []byte {
	b = append(b, '{')
	if revoked {
		b = append(b, `"Revoked":true,`...)
	}
	b = append(b, `"Created":`...)
	b = strconv.AppendInt(b, created, 10)
	b = append(b, `,"Key":`...)
	b = appendBase64JSON(b, key)
	if parent != nil {
		b = append(b, `,"ParentKeyMeta":{"KeyId":`...)
		b = appendStringJSON(b, parent.ID)
		b = append(b, `,"Created":`...)
		b = strconv.AppendInt(b, parent.Created, 10)
		b = append(b, '}')
	}
	return b
}

// appendBase64JSON writes a string of base64, or null for nil, as encoding/json
// does.
func appendBase64JSON(b, data []byte) []byte {
	if data == nil {
		return append(b, "null"...)
	}
	b = append(b, '"')
	return append(base64.StdEncoding.AppendEncode(b, data), '"')
}

// appendStringJSON writes a string with the escapes of encoding/json.
func appendStringJSON(b []byte, s string) []byte {
	if plainText(s) {
		b = append(b, '"')
		return append(append(b, s...), '"')
	}
	quoted, _ := json.Marshal(s) // a string never fails
	return append(b, quoted...)
}

// plainText reports whether encoding/json writes s without an escape.
func plainText(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c < ' ' || c >= utf8.RuneSelf, c == '"', c == '\\', c == '<', c == '>', c == '&', c == 0x7f:
			return false
		}
	}
	return true
}

// appendBase64 appends the base64 of raw, which may be the end of the space that
// the text will take: what is written never reaches what is not read yet.
func appendBase64(b, raw []byte) []byte {
	var part [3 << 8]byte
	for len(raw) > 0 {
		k := copy(part[:], raw)
		b = base64.StdEncoding.AppendEncode(b, part[:k])
		raw = raw[k:]
	}
	return b
}
