package envelope

import (
	"bytes"
	"encoding/base64"
)

const armourMark = "ss1."

var armourEncoding = base64.RawURLEncoding.Strict()

// IsArmoured reports whether text begins with the mark of an armoured record,
// "ss1.".
func IsArmoured(text []byte) bool { return bytes.HasPrefix(text, []byte(armourMark)) }

// ArmouredLen returns the length of the armour of a record of n bytes.
func ArmouredLen(n int) int { return len(armourMark) + armourEncoding.EncodedLen(n) }

// AppendArmour appends the text form of a record: "ss1." and base64url without
// padding (RFC 4648 §5).
func AppendArmour(dst, record []byte) []byte {
	return armourEncoding.AppendEncode(append(dst, armourMark...), record)
}

// Dearmour appends the record in text to dst. Text without the mark is
// ErrNotSealed; text with it that is not exactly the armour of a record is a
// *RecordError, and dst is returned as it was. Exactly one text is the armour
// of a record: line breaks, padding and stray bits are refused.
func Dearmour(dst, text []byte) ([]byte, error) {
	if !IsArmoured(text) {
		return dst, ErrNotSealed
	}
	body := text[len(armourMark):]
	if bytes.ContainsAny(body, "\r\n") { // the decoder would skip them
		return dst, &RecordError{ReasonArmour}
	}
	out, err := armourEncoding.AppendDecode(dst, body)
	if err != nil || !IsRecord(out[len(dst):]) {
		return dst, &RecordError{ReasonArmour}
	}
	return out, nil
}
