package logical

import (
	"database/sql/driver"
	"unsafe"

	"github.com/sealsql/sealsql/schema"
)

// OwnDecoder is implemented by codecs that can leave a value where its payload
// lies.
type OwnDecoder interface {
	// DecodeOwn is Decode for a payload whose memory is given away: nobody writes
	// to it again. kept reports that the value is in that memory; else the caller
	// may do with it what it likes, as after an error.
	DecodeOwn(t *schema.Type, tag Tag, payload []byte) (v driver.Value, kept bool, err error)
}

// BytesDecoder is an OwnDecoder of a driver that shows bytes.
type BytesDecoder interface {
	OwnDecoder
	// IsBytes reports whether DecodeOwn shows a payload, unless it is empty, as a
	// []byte that is the payload itself.
	IsBytes(t *schema.Type, tag Tag) bool
}

// minOwn is the length below which texts are copied: a value that a program
// holds on to holds its record, which is longer by some 70 bytes, and a program
// that keeps many short values should not keep several times their memory.
const minOwn = 64

// OwnText returns a payload that was given away as a text, and whether it is
// still in the payload's memory.
func OwnText(p []byte) (s string, kept bool) {
	if len(p) < minOwn {
		return string(p), false
	}
	return unsafe.String(unsafe.SliceData(p), len(p)), true
}

// TextLender is implemented by codecs whose payload of a text is mostly the text
// itself.
type TextLender interface {
	// Lend is Codec.Encode without a copy, for values of which it can be told
	// without: payload is then in the memory of s, which nobody writes to. Of the
	// others, and of those that Encode would refuse, ok is false.
	Lend(t *schema.Type, s string) (payload []byte, tag Tag, ok bool)
}

// LentText returns the bytes of a text, in its memory, and never nil.
func LentText(s string) []byte {
	if s == "" {
		return []byte{}
	}
	return unsafe.Slice(unsafe.StringData(s), len(s))
}
