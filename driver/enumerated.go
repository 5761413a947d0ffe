package driver

import (
	"slices"

	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/schema"
)

// labelType is the text that an enumerated type reads.
var labelType, _ = schema.ParseType("text")

const problemLabel = "is no label of the enumerated type"

// encodeLabel is encodeAs of a value that was cast to an enumerated type: it must
// be one of the labels, byte by byte, as the server reads them.
func (x *call) encodeLabel(dst []byte, o *rewrite.Out, typ *schema.Type, name string, labels []string) (payload []byte, tag logical.Tag, null bool, err error) {
	one := *o
	one.Casts = ""
	payload, tag, null, err = x.encodeAs(dst, &one, &labelType)
	if err != nil || null {
		return payload, tag, null, err
	}
	// Compared where it lies, and wiped there: dst may have been too short for it.
	text := payload[len(dst):]
	known := slices.ContainsFunc(labels, func(l string) bool { return l == string(text) })
	clear(text)
	if !known {
		return dst, 0, false, &logical.TypeError{Type: name, GoType: "value", Problem: problemLabel}
	}
	return x.encodeAs(dst, &one, typ)
}
