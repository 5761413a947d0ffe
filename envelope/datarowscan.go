package envelope

import (
	"bytes"
	"encoding/base64"
	"strings"
	"unicode/utf8"
)

// The scanner reads the JSON of data row records and key rows in one pass. It
// knows what such records look like in practice and gives up on everything
// else: duplicate members, names in another case, null where a value belongs,
// fractions, nested members that it does not know. encoding/json then reads the
// input again, and decides. Where the scanner does not give up, both agree
// (FuzzDataRow, FuzzKeyRecord).

// scannedKey is the object of a key, with its strings as they stand in the
// input, or unescaped.
type scannedKey struct {
	revoked       bool
	created       int64
	key           []byte // base64
	parent        bool
	parentID      []byte
	parentCreated int64
	state         []byte // base64; ours, in key rows only
	seen          uint8
}

// scannedRow is a data row record.
type scannedRow struct {
	key  scannedKey
	data []byte // base64
	seen uint8
}

// The members of an object, for telling duplicates.
const (
	seenKey = 1 << iota
	seenData
	seenCreated
	seenRevoked
	seenParent
	seenID
	seenState
)

type scanner struct {
	b  []byte
	at int
}

func scanDataRow(b []byte) (v scannedRow, ok bool) {
	s := scanner{b: b}
	ok = s.object(func(name []byte) bool {
		switch string(name) {
		case "Key":
			return once(&v.seen, seenKey) && s.key(&v.key, false)
		case "Data":
			return once(&v.seen, seenData) && s.base64(&v.data)
		}
		return s.skip(name, "Key", "Data")
	})
	return v, ok && s.end()
}

// scanUsual reads a record that is written exactly as Seal and Asherah for Go
// write it, for the partition whose part of it is given.
func scanUsual(b []byte, quoted string) (v scannedRow, ok bool) {
	s := scanner{b: b}
	const keyLen = wrappedKeySize / 3 * 4
	if !s.word(`{"Key":{"Created":`) || !s.integer(&v.key.created) || !s.word(`,"Key":"`) ||
		!s.bytes(keyLen, &v.key.key) || !s.word(`"`) || !s.word(quoted) ||
		!s.integer(&v.key.parentCreated) || !s.word(`}},"Data":"`) ||
		!s.bytes(len(b)-s.at-len(`"}`), &v.data) || !s.word(`"}`) {
		return v, false
	}
	return v, oneLine(v.key.key) && oneLine(v.data)
}

// bytes takes the next n bytes as they are.
func (s *scanner) bytes(n int, v *[]byte) bool {
	if n < 0 || len(s.b)-s.at < n {
		return false
	}
	*v = s.b[s.at : s.at+n]
	s.at += n
	return true
}

func scanKeyRow(b []byte) (v scannedKey, ok bool) {
	s := scanner{b: b}
	return v, s.key(&v, true) && s.end()
}

// key reads the object of a key; row says that it is a key row's.
func (s *scanner) key(v *scannedKey, row bool) bool {
	return s.object(func(name []byte) bool {
		switch string(name) {
		case "Created":
			return once(&v.seen, seenCreated) && s.integer(&v.created)
		case "Key":
			return once(&v.seen, seenKey) && s.base64(&v.key)
		case "ParentKeyMeta":
			v.parent = true
			return once(&v.seen, seenParent) && s.parent(v)
		case "Revoked":
			return once(&v.seen, seenRevoked) && s.boolean(&v.revoked)
		}
		if !row {
			return s.skip(name, "Created", "Key", "ParentKeyMeta", "Revoked")
		}
		if string(name) == "SealsqlState" {
			return once(&v.seen, seenState) && s.base64(&v.state)
		}
		return s.skip(name, "Created", "Key", "ParentKeyMeta", "Revoked", "SealsqlState")
	})
}

func (s *scanner) parent(v *scannedKey) bool {
	var seen uint8
	return s.object(func(name []byte) bool {
		switch string(name) {
		case "KeyId":
			return once(&seen, seenID) && s.text(&v.parentID)
		case "Created":
			return once(&seen, seenCreated) && s.integer(&v.parentCreated)
		}
		return s.skip(name, "KeyId", "Created")
	})
}

// once notes a member and reports whether it is the first of its name.
func once(seen *uint8, bit uint8) bool {
	first := *seen&bit == 0
	*seen |= bit
	return first
}

// object reads an object; member reads the value of each name.
func (s *scanner) object(member func(name []byte) bool) bool {
	if !s.take('{') {
		return false
	}
	if s.take('}') {
		return true
	}
	for {
		var name []byte
		if !s.space() || !s.plain(&name) || !s.take(':') || !member(name) {
			return false
		}
		if s.take('}') {
			return true
		}
		if !s.take(',') {
			return false
		}
	}
}

// space goes to the next byte that is not white space; false at the end.
func (s *scanner) space() bool {
	for s.at < len(s.b) {
		switch s.b[s.at] {
		case ' ', '\t', '\r', '\n':
			s.at++
		default:
			return true
		}
	}
	return false
}

func (s *scanner) take(c byte) bool {
	if !s.space() || s.b[s.at] != c {
		return false
	}
	s.at++
	return true
}

func (s *scanner) end() bool { return !s.space() }

// plain reads a string of ASCII without escapes, as a part of the input.
func (s *scanner) plain(v *[]byte) bool {
	if s.at >= len(s.b) || s.b[s.at] != '"' {
		return false
	}
	for i := s.at + 1; i < len(s.b); i++ {
		switch c := s.b[i]; {
		case c == '"':
			*v = s.b[s.at+1 : i]
			s.at = i + 1
			return true
		case c == '\\' || c < ' ' || c >= utf8.RuneSelf:
			return false
		}
	}
	return false
}

// text reads a string of any kind.
func (s *scanner) text(v *[]byte) bool { return s.str(v, printable) }

// base64 reads a string that is decoded next. Decoding refuses every byte that a
// JSON string must not hold, but for line ends, which it passes over.
func (s *scanner) base64(v *[]byte) bool { return s.str(v, oneLine) }

func oneLine(b []byte) bool {
	return bytes.IndexByte(b, '\n') < 0 && bytes.IndexByte(b, '\r') < 0
}

// str reads a string; fine is asked about one without escapes.
func (s *scanner) str(v *[]byte, fine func([]byte) bool) bool {
	if !s.space() || s.b[s.at] != '"' {
		return false
	}
	rest := s.b[s.at+1:]
	end := bytes.IndexByte(rest, '"')
	if end < 0 {
		return false
	}
	if part := rest[:end]; bytes.IndexByte(part, '\\') < 0 {
		*v, s.at = part, s.at+1+end+1
		return fine(part)
	}
	return s.escaped(v)
}

// printable reports whether a string without escapes stands for itself: no
// control characters, which JSON forbids, and valid UTF-8, which encoding/json
// would mend.
func printable(b []byte) bool {
	high := byte(0)
	for _, c := range b {
		if c < ' ' {
			return false
		}
		high |= c
	}
	return high < utf8.RuneSelf || utf8.Valid(b)
}

// escaped reads a string with escapes into memory of its own. Surrogates are
// left to encoding/json.
func (s *scanner) escaped(v *[]byte) bool {
	out := make([]byte, 0, 64)
	for i := s.at + 1; i < len(s.b); {
		c := s.b[i]
		switch {
		case c == '"':
			*v, s.at = out, i+1
			return utf8.Valid(out)
		case c < ' ':
			return false
		case c != '\\':
			out = append(out, c)
			i++
		default:
			r, n := unescape(s.b[i:])
			if n == 0 {
				return false
			}
			out = utf8.AppendRune(out, r)
			i += n
		}
	}
	return false
}

// unescape reads one escape and returns its length, or 0 for what is left to
// encoding/json.
func unescape(b []byte) (rune, int) {
	if len(b) < 2 {
		return 0, 0
	}
	if i := strings.IndexByte(`"\/bfnrt`, b[1]); i >= 0 {
		return rune("\"\\/\b\f\n\r\t"[i]), 2
	}
	if b[1] != 'u' || len(b) < 6 {
		return 0, 0
	}
	var r rune
	for _, c := range b[2:6] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, 0
		}
		r = r<<4 | rune(c)
	}
	if r >= 0xd800 && r < 0xe000 {
		return 0, 0
	}
	return r, 6
}

// integer reads a number of at most 18 digits without fraction and exponent.
func (s *scanner) integer(v *int64) bool {
	if !s.space() {
		return false
	}
	i, negative := s.at, false
	if s.b[i] == '-' {
		negative = true
		i++
	}
	start := i
	var n int64
	for i < len(s.b) && s.b[i] >= '0' && s.b[i] <= '9' {
		if i-start >= 18 {
			return false
		}
		n = n*10 + int64(s.b[i]-'0')
		i++
	}
	if i == start || s.b[start] == '0' && i > start+1 {
		return false
	}
	if i < len(s.b) && (s.b[i] == '.' || s.b[i] == 'e' || s.b[i] == 'E') {
		return false
	}
	if negative {
		n = -n
	}
	*v, s.at = n, i
	return true
}

// boolean reads true, false, or null, which leaves the value as it is.
func (s *scanner) boolean(v *bool) bool {
	if !s.space() {
		return false
	}
	switch {
	case s.word("true"):
		*v = true
	case s.word("false"):
		*v = false
	default:
		return s.word("null")
	}
	return true
}

// word takes the word if it is next.
func (s *scanner) word(w string) bool {
	if len(s.b)-s.at < len(w) || string(s.b[s.at:s.at+len(w)]) != w {
		return false
	}
	s.at += len(w)
	return true
}

// skip passes the simple value of a member that is not known. A name that
// encoding/json might take for a known one is left to it.
func (s *scanner) skip(name []byte, known ...string) bool {
	for _, k := range known {
		if strings.EqualFold(k, string(name)) {
			return false
		}
	}
	if !s.space() {
		return false
	}
	switch c := s.b[s.at]; {
	case c == '"':
		var ignored []byte
		return s.text(&ignored)
	case c == '-' || c >= '0' && c <= '9':
		var ignored int64
		return s.integer(&ignored)
	}
	var ignored bool
	return s.boolean(&ignored)
}

// record decodes what was scanned. ok is false where encoding/json is to say
// what is wrong.
func (v *scannedRow) record() (r DataRowRecord, ok bool) {
	if v.seen&seenKey != 0 {
		k := &EnvelopeKeyRecord{Revoked: v.key.revoked, Created: v.key.created}
		if k.EncryptedKey, ok = v.key.bytes(); !ok {
			return r, false
		}
		if v.key.parent {
			k.ParentKeyMeta = &KeyMeta{string(v.key.parentID), v.key.parentCreated}
		}
		r.Key = k
	}
	if v.seen&seenData != 0 {
		if r.Data, ok = decodeBase64(v.data); !ok {
			return r, false
		}
	}
	return r, true
}

// bytes decodes the key; it is nil where there is none.
func (v *scannedKey) bytes() ([]byte, bool) {
	if v.seen&seenKey == 0 {
		return nil, true
	}
	return decodeBase64(v.key)
}

func decodeBase64(text []byte) ([]byte, bool) {
	out := make([]byte, base64.StdEncoding.DecodedLen(len(text)))
	n, err := base64.StdEncoding.Decode(out, text)
	return out[:n], err == nil
}
