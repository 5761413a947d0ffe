package pgvalue

import (
	"encoding/binary"
	"encoding/hex"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/sealsql/sealsql/internal/logical"
)

// parseArray reads the text form of an array (documentation §8.15.2):
// [lower:upper]…={…} or {…} with nested braces for further dimensions.
func parseArray(s string) (*array, bool) {
	p := arrayParser{rest: trimSpace(s)}
	bounds, ok := p.bounds()
	if !ok || !p.list(0) || trimSpace(p.rest) != "" {
		return nil, false
	}
	a := &array{elements: p.elements}
	if len(a.elements) == 0 {
		return a, bounds == nil && len(p.sizes) == 1 // {}
	}
	for _, n := range p.sizes {
		a.dims = append(a.dims, dimension{int32(n), 1})
	}
	if bounds != nil {
		if len(bounds) != len(a.dims) {
			return nil, false
		}
		for i, b := range bounds {
			if b.size != a.dims[i].size {
				return nil, false
			}
			a.dims[i].lower = b.lower
		}
	}
	n, ok := a.total()
	return a, ok && n == len(a.elements)
}

type arrayParser struct {
	rest     string
	sizes    []int // of each dimension, where it has been met
	elements []any
	depth    int // of the elements, from 1
}

// bounds reads [lower:upper] or [upper] for each dimension, and the sign of
// equality; nil where there are none.
func (p *arrayParser) bounds() ([]dimension, bool) {
	var out []dimension
	for strings.HasPrefix(p.rest, "[") {
		inner, rest, ok := strings.Cut(p.rest[1:], "]")
		if !ok || len(out) == maxDims {
			return nil, false
		}
		low, high, both := strings.Cut(inner, ":")
		if !both {
			low, high = "1", inner
		}
		l, err := strconv.ParseInt(low, 10, 32)
		u, err2 := strconv.ParseInt(high, 10, 32)
		if err != nil || err2 != nil || u < l || u-l >= maxElements {
			return nil, false
		}
		out, p.rest = append(out, dimension{int32(u - l + 1), int32(l)}), trimSpace(rest)
	}
	if out == nil {
		return nil, true
	}
	if !strings.HasPrefix(p.rest, "=") {
		return nil, false
	}
	p.rest = trimSpace(p.rest[1:])
	return out, true
}

// list reads {…} at a depth from 0.
func (p *arrayParser) list(depth int) bool {
	if !strings.HasPrefix(p.rest, "{") || depth == maxDims {
		return false
	}
	p.rest = trimLeft(p.rest[1:])
	if len(p.sizes) == depth {
		p.sizes = append(p.sizes, -1)
	}
	n := 0
	if rest, ok := strings.CutPrefix(p.rest, "}"); ok && depth == 0 {
		p.rest = rest
		return true
	}
	for {
		if !p.item(depth) {
			return false
		}
		n++
		p.rest = trimLeft(p.rest)
		switch {
		case strings.HasPrefix(p.rest, ","):
			p.rest = trimLeft(p.rest[1:])
			continue
		case strings.HasPrefix(p.rest, "}"):
			p.rest = p.rest[1:]
		default:
			return false
		}
		if p.sizes[depth] == -1 {
			p.sizes[depth] = n
		}
		return p.sizes[depth] == n
	}
}

// item reads an element or, where all are, a list.
func (p *arrayParser) item(depth int) bool {
	if strings.HasPrefix(p.rest, "{") {
		return p.depth == 0 && p.list(depth+1) || p.depth > depth+1 && p.list(depth+1)
	}
	if p.depth == 0 {
		p.depth = depth + 1
	}
	return p.depth == depth+1 && p.element()
}

// element reads a quoted text, or one up to the next comma or brace, without the
// blanks around it. A backslash takes what follows as it is, in both.
func (p *arrayParser) element() bool {
	if strings.HasPrefix(p.rest, `"`) {
		return p.quotedElement()
	}
	var b strings.Builder
	end := 0 // of what is kept: blanks behind it are not, unless escaped
	escaped := false
	i := 0
	for ; i < len(p.rest); i++ {
		c := p.rest[i]
		if c == ',' || c == '}' {
			break
		}
		if c == '{' || c == '"' {
			return false
		}
		if c == '\\' {
			if i++; i == len(p.rest) {
				return false
			}
			b.WriteByte(p.rest[i])
			end, escaped = b.Len(), true
			continue
		}
		b.WriteByte(c)
		if trimSpace(string(c)) != "" {
			end = b.Len()
		}
	}
	text := b.String()[:end]
	p.rest = p.rest[i:]
	switch {
	case text == "":
		return false
	case !escaped && strings.EqualFold(text, "NULL"):
		p.elements = append(p.elements, nil)
	default:
		p.elements = append(p.elements, text)
	}
	return true
}

func (p *arrayParser) quotedElement() bool {
	var b strings.Builder
	for i := 1; i < len(p.rest); i++ {
		switch c := p.rest[i]; c {
		case '"':
			p.elements, p.rest = append(p.elements, b.String()), p.rest[i+1:]
			return true
		case '\\':
			if i++; i == len(p.rest) {
				return false
			}
			b.WriteByte(p.rest[i])
		default:
			b.WriteByte(c)
		}
	}
	return false
}

func trimLeft(s string) string { return strings.TrimLeft(s, " \t\n\v\f\r") }

func appendDecimal(b []byte, n int64) []byte { return strconv.AppendInt(b, n, 10) }

// elementText is the output function of a type: text, with dates in ISO 8601
// and bytes in hexadecimal, the server's defaults.
func elementText(tag logical.Tag, p []byte) (string, bool) {
	switch tag {
	case logical.TagText, logical.TagNumeric, logical.TagJSON:
		return string(p), true
	case logical.TagBytes:
		return `\x` + hex.EncodeToString(p), true
	case logical.TagInt64:
		i, ok := logical.Int64(p)
		return strconv.FormatInt(i, 10), ok
	case logical.TagFloat64:
		f, ok := logical.Float64(p)
		return floatText(f, 64), ok
	case logical.TagFloat32:
		f, ok := logical.Float32(p)
		return floatText(float64(f), 32), ok
	case logical.TagBool:
		b, ok := logical.Bool(p)
		if b {
			return "t", ok
		}
		return "f", ok
	case logical.TagUUID:
		if len(p) != 16 {
			return "", false
		}
		return string(logical.AppendUUID(nil, [16]byte(p))), true
	}
	return momentText(tag, p)
}

// floatText is float8out: the shortest digits that are read back as the number,
// with an exponent below -4 and from 15 on (from 6 on for real).
func floatText(f float64, bits int) string {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	}
	limit := 15
	if bits == 32 {
		limit = 6
	}
	s := strconv.FormatFloat(f, 'e', -1, bits)
	_, exponent, _ := strings.Cut(s, "e")
	if e, _ := strconv.Atoi(exponent); e >= -4 && e < limit {
		return strconv.FormatFloat(f, 'f', -1, bits)
	}
	return s
}

func momentText(tag logical.Tag, p []byte) (string, bool) {
	if tag == logical.TagDate {
		if len(p) != 4 {
			return "", false
		}
		days := int32(binary.BigEndian.Uint32(p))
		if days == math.MaxInt32 || days == math.MinInt32 {
			return infinityText(days > 0), true
		}
		return dayText(time.Unix(epoch+int64(days)*86400, 0).UTC(), ""), days >= firstDay && days < endDay
	}
	us, ok := logical.Int64(p)
	switch {
	case !ok:
		return "", false
	case tag == logical.TagTime:
		return timeText(us), us >= 0 && us <= microsPerDay
	case us == math.MaxInt64 || us == math.MinInt64:
		return infinityText(us > 0), true
	case us < firstMicros || us >= endMicros:
		return "", false
	}
	day := us / microsPerDay
	if us%microsPerDay < 0 {
		day--
	}
	clock := " " + timeText(us-day*microsPerDay)
	if tag == logical.TagTimestampTZ {
		clock += "+00"
	}
	return dayText(time.Unix(epoch+day*86400, 0).UTC(), clock), true
}

// dayText writes a day with what follows it, and BC behind all.
func dayText(d time.Time, more string) string {
	year, era := d.Year(), ""
	if year <= 0 {
		year, era = 1-year, " BC"
	}
	s := strconv.Itoa(year)
	for len(s) < 4 {
		s = "0" + s
	}
	return s + d.Format("-01-02") + more + era
}
