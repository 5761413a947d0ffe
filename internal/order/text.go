package order

import (
	"bytes"
	"fmt"

	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/schema"
)

// text orders texts and bytes by the first bytes, filled up with zero, and one
// byte more: their number, or the prefix and one for longer texts. It tells
// "a" from "a\x00", and orders texts that are no longer than the prefix as
// memcmp and their length do.
func text(t schema.Type, prefix int, short bool) *Encoding {
	want := logical.TagText
	if t.Kind == schema.KindBytes {
		want = logical.TagBytes
	}
	return &Encoding{
		name: fmt.Sprintf("text/%d", prefix), size: prefix + 1, ties: !short, prefixed: true,
		encode: func(dst []byte, tag logical.Tag, payload []byte) ([]byte, Place, error) {
			if tag != want {
				return dst, 0, errKind
			}
			if t.Fixed && t.Kind == schema.KindText {
				payload = bytes.TrimRight(payload, " ")
			}
			return appendText(dst, payload, prefix), At, nil
		},
	}
}

func appendText(dst, s []byte, prefix int) []byte {
	n := min(len(s), prefix+1)
	at := len(dst)
	dst = pad(dst, prefix+1)
	copy(dst[at:at+prefix], s)
	dst[at+prefix] = byte(n)
	return dst
}

// Longer reports that encoded bytes are those of texts longer than the prefix.
// Where the encoding has no ties, no such text may be stored, and any can be
// compared with those that are; where it has, none can be compared.
func (e *Encoding) Longer(encoded []byte) bool {
	return e.prefixed && len(encoded) == e.size && int(encoded[e.size-1]) == e.size
}
