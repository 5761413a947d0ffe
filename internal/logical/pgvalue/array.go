package pgvalue

import (
	"encoding/binary"
	"strings"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/schema"
)

// arrayOIDs maps the types of elements to those of their arrays.
var arrayOIDs = map[uint32]uint32{
	pgtype.TextOID: pgtype.TextArrayOID, pgtype.VarcharOID: pgtype.VarcharArrayOID, pgtype.BPCharOID: pgtype.BPCharArrayOID,
	pgtype.ByteaOID: pgtype.ByteaArrayOID, pgtype.Int2OID: pgtype.Int2ArrayOID, pgtype.Int4OID: pgtype.Int4ArrayOID, pgtype.Int8OID: pgtype.Int8ArrayOID,
	pgtype.Float4OID: pgtype.Float4ArrayOID, pgtype.Float8OID: pgtype.Float8ArrayOID, pgtype.BoolOID: pgtype.BoolArrayOID,
	pgtype.NumericOID: pgtype.NumericArrayOID, pgtype.DateOID: pgtype.DateArrayOID, pgtype.TimeOID: pgtype.TimeArrayOID,
	pgtype.TimestampOID: pgtype.TimestampArrayOID, pgtype.TimestamptzOID: pgtype.TimestamptzArrayOID, pgtype.UUIDOID: pgtype.UUIDArrayOID,
	pgtype.JSONOID: pgtype.JSONArrayOID, pgtype.JSONBOID: pgtype.JSONBArrayOID,
}

// array is an array as its column keeps it. Its payload (TagArray) is
//
//	+-----+------+----------------------+--------------------------+
//	| tag | ndim | ndim × (size, lower) | elements: length, payload |
//	| 1 B | 1 B  | 4 B + 4 B            | 4 B + length             |
//	+-----+------+----------------------+--------------------------+
//
// with the elements' tag and big-endian numbers; an element of length -1 is
// NULL. An empty array has no dimensions. The last varies fastest.
type array struct {
	dims     []dimension
	elements []any // string in text input, []byte on the wire and in payloads, nil for NULL
}

type dimension struct{ size, lower int32 }

// Limits of the server: dimensions (MAXDIM) and elements (MaxArraySize).
const (
	maxDims     = 6
	maxElements = 1<<27 - 1
)

const problemArray problem = "not written as an array: {a,\"b c\",NULL}"

// total returns the number of elements; ok is false for impossible sizes.
func (a *array) total() (n int, ok bool) {
	if len(a.dims) == 0 {
		return 0, true
	}
	if len(a.dims) > maxDims {
		return 0, false
	}
	n = 1
	for _, d := range a.dims {
		if d.size <= 0 || int64(d.lower)+int64(d.size) > 1<<31-1 || n > maxElements/int(d.size) {
			return 0, false
		}
		n *= int(d.size)
	}
	return n, true
}

// append writes the payload. one writes an element.
func (a *array) append(dst []byte, tag logical.Tag, one func(dst []byte, v any) ([]byte, problem)) ([]byte, problem) {
	dst = append(dst, byte(tag), byte(len(a.dims)))
	for _, d := range a.dims {
		dst = binary.BigEndian.AppendUint32(dst, uint32(d.size))
		dst = binary.BigEndian.AppendUint32(dst, uint32(d.lower))
	}
	for _, v := range a.elements {
		at := len(dst)
		dst = append(dst, 0xff, 0xff, 0xff, 0xff)
		if v == nil {
			continue
		}
		var why problem
		if dst, why = one(dst, v); why != "" {
			return nil, why
		}
		binary.BigEndian.PutUint32(dst[at:], uint32(len(dst)-at-4))
	}
	return dst, ""
}

// arrayFromText is array_in with the elements' input function.
func arrayFromText(dst []byte, t *schema.Type, s string) ([]byte, logical.Tag, problem) {
	a, ok := parseArray(s)
	if !ok {
		return nil, 0, problemArray
	}
	elem := t.Element()
	oid := oidOf(&elem)
	payload, why := a.append(dst, tags[oid], func(dst []byte, v any) ([]byte, problem) {
		out, _, why := fromText(dst, &elem, oid, v.(string))
		return out, why
	})
	return payload, logical.TagArray, why
}

// arrayFromBinary is array_recv with the elements' receive function: number of
// dimensions, a flag for NULLs, the elements' type, size and lower bound of each
// dimension, then length and bytes of each element.
func arrayFromBinary(dst []byte, t *schema.Type, w []byte) ([]byte, logical.Tag, problem) {
	elem := t.Element()
	oid := oidOf(&elem)
	r := wireReader{rest: w}
	n := r.number()
	r.number()
	if uint32(r.number()) != oid || r.bad || n < 0 || n > maxDims {
		return nil, 0, "the elements have another type"
	}
	a := array{dims: make([]dimension, n)}
	for i := range a.dims {
		a.dims[i] = dimension{r.number(), r.number()}
		if a.dims[i].size == 0 && len(r.rest) == 8*(int(n)-i-1) { // nothing follows: an empty array
			a.dims, r.rest = nil, nil
			break
		}
	}
	if !a.read(&r) {
		return nil, 0, logical.ProblemSyntax
	}
	payload, why := a.append(dst, tags[oid], func(dst []byte, v any) ([]byte, problem) {
		out, _, why := fromBinary(dst, &elem, oid, v.([]byte))
		return out, why
	})
	return payload, logical.TagArray, why
}

// wireReader reads numbers of four bytes; bad is set behind the end.
type wireReader struct {
	rest []byte
	bad  bool
}

func (r *wireReader) number() int32 {
	if len(r.rest) < 4 {
		r.rest, r.bad = nil, true
		return 0
	}
	n := int32(binary.BigEndian.Uint32(r.rest))
	r.rest = r.rest[4:]
	return n
}

// read reads as many elements as the dimensions say, and nothing else.
func (a *array) read(r *wireReader) bool {
	n, ok := a.total()
	if !ok || r.bad || len(r.rest) < 4*n {
		return false
	}
	a.elements = make([]any, n)
	for i := range a.elements {
		size := r.number()
		if size == -1 {
			continue
		}
		if r.bad || size < 0 || int(size) > len(r.rest) {
			return false
		}
		a.elements[i], r.rest = r.rest[:size:size], r.rest[size:]
	}
	return !r.bad && len(r.rest) == 0
}

// decodeArray returns the text that the server would send: pgx hands arrays to
// database/sql in text. Instants are written in UTC, whatever the session's time
// zone is.
func decodeArray(t *schema.Type, p []byte) (string, bool) {
	elem := t.Element()
	tag := tags[oidOf(&elem)]
	if len(p) < 2 || logical.Tag(p[0]) != tag || p[1] > maxDims {
		return "", false
	}
	a, r := array{dims: make([]dimension, p[1])}, wireReader{rest: p[2:]}
	for i := range a.dims {
		a.dims[i] = dimension{r.number(), r.number()}
	}
	if !a.read(&r) {
		return "", false
	}
	w := arrayWriter{a: &a, tag: tag}
	w.bounds()
	if len(a.dims) == 0 {
		return "{}", true
	}
	ok := w.write(0)
	return string(w.text), ok
}

// arrayWriter is array_out.
type arrayWriter struct {
	a    *array
	tag  logical.Tag
	next int
	text []byte
}

// bounds writes the dimensions where one does not begin with 1.
func (w *arrayWriter) bounds() {
	usual := true
	for _, d := range w.a.dims {
		usual = usual && d.lower == 1
	}
	if usual {
		return
	}
	for _, d := range w.a.dims {
		w.text = append(w.text, '[')
		w.text = appendDecimal(w.text, int64(d.lower))
		w.text = append(w.text, ':')
		w.text = appendDecimal(w.text, int64(d.lower)+int64(d.size)-1)
		w.text = append(w.text, ']')
	}
	w.text = append(w.text, '=')
}

func (w *arrayWriter) write(dim int) bool {
	w.text = append(w.text, '{')
	for i := range w.a.dims[dim].size {
		if i > 0 {
			w.text = append(w.text, ',')
		}
		if dim+1 < len(w.a.dims) {
			if !w.write(dim + 1) {
				return false
			}
			continue
		}
		v := w.a.elements[w.next]
		w.next++
		if v == nil {
			w.text = append(w.text, "NULL"...)
			continue
		}
		s, ok := elementText(w.tag, v.([]byte))
		if !ok {
			return false
		}
		w.quoted(s)
	}
	w.text = append(w.text, '}')
	return true
}

// quoted writes an element as array_out does.
func (w *arrayWriter) quoted(s string) {
	if s != "" && !strings.EqualFold(s, "NULL") && !strings.ContainsAny(s, "\"\\{}, \t\n\r\v\f") {
		w.text = append(w.text, s...)
		return
	}
	w.text = append(w.text, '"')
	for i := 0; i < len(s); i++ {
		if s[i] == '"' || s[i] == '\\' {
			w.text = append(w.text, '\\')
		}
		w.text = append(w.text, s[i])
	}
	w.text = append(w.text, '"')
}
