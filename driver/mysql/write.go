package mysql

import (
	"database/sql/driver"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"

	"github.com/go-sql-driver/mysql"

	sealdriver "github.com/sealsql/sealsql/driver"
	"github.com/sealsql/sealsql/rewrite"
)

var _ sealdriver.WritingEngine = (*engine)(nil)

// With interpolateParams go-sql-driver writes bytes as _binary'…', with nearly all of
// them as they are. MariaDB reads these as characters first, which they are not: a
// statement with 1100 random bytes takes it 34 µs, and 22 with the same bytes as
// X'…', in spite of the length. So the driver writes what it has sealed itself, and with
// it what is written alike by both: the inner driver looks at each character of a text
// that has arguments.

const (
	// maxWritten is the size of the largest value that is written, in bytes: of longer
	// ones twice the bytes may cost more on the way than they spare.
	maxWritten = 16 << 10
	// maxText is the length of the longest text that is made.
	maxText = 4 << 20
)

// Write writes sealed bytes of up to 16 KiB into a text as hexadecimal literals, where
// the inner driver would write arguments into it.
func (e *engine) Write(inner driver.Conn, p *rewrite.Plan, text string, args []driver.NamedValue) (string, []driver.NamedValue, bool) {
	s := e.settings.Load()
	if s == nil || s.prepares || e.vitess.Load() || !e.Fresh(inner) || strings.Count(text, "?") != len(args) {
		return "", nil, false // a question mark that is no parameter: the inner driver knows it
	}
	size, any, all := len(text), false, true
	for i := range args {
		n := writtenLen(args[i].Value, p.Sealed(i))
		size, any, all = size+n, any || n > 0 && isBytes(args[i].Value), all && n > 0
	}
	if !any && !all || size > maxText || int64(size) > e.packets.Load()/2 {
		return "", nil, false
	}
	var b strings.Builder
	b.Grow(size)
	var left []driver.NamedValue
	for i, a := range args {
		at := strings.IndexByte(text, '?')
		b.WriteString(text[:at])
		text = text[at+1:]
		if writtenLen(a.Value, p.Sealed(i)) == 0 {
			b.WriteByte('?')
			left = append(left, driver.NamedValue{Ordinal: len(left) + 1, Value: a.Value})
			continue
		}
		writeValue(&b, a.Value)
	}
	b.WriteString(text)
	return b.String(), left, true
}

// Unsent reports a text that is longer than maxAllowedPacket.
func (e *engine) Unsent(err error) bool { return errors.Is(err, mysql.ErrPktTooLarge) }

func isBytes(v driver.Value) bool {
	_, ok := v.([]byte)
	return ok
}

// writtenLen is the most that a value takes in a text, 0 for one that is left to the
// inner driver: bytes of the caller's, which a server may tell from X'…', and whatever
// has more than one spelling.
func writtenLen(v driver.Value, sealed bool) int {
	switch v := v.(type) {
	case nil:
		return len("NULL")
	case int64:
		return len("-9223372036854775808")
	case string:
		if len(v) <= maxWritten && !strings.ContainsAny(v, "\x00\n\r\x1a'\"\\") {
			return len(v) + len("''")
		}
	case []byte:
		if sealed && len(v) <= maxWritten {
			return 2*len(v) + len("X''")
		}
	}
	return 0
}

func writeValue(b *strings.Builder, v driver.Value) {
	switch v := v.(type) {
	case nil:
		b.WriteString("NULL")
	case int64:
		var digits [20]byte
		b.Write(strconv.AppendInt(digits[:0], v, 10))
	case string:
		b.WriteByte('\'')
		b.WriteString(v)
		b.WriteByte('\'')
	case []byte:
		b.WriteString("X'")
		var part [512]byte
		for len(v) > 0 {
			n := min(len(v), len(part)/2)
			b.Write(part[:hex.Encode(part[:], v[:n])])
			v = v[n:]
		}
		b.WriteByte('\'')
	}
}
