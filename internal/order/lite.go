package order

import (
	"encoding/binary"
	"math"

	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/schema"
)

// SQLite orders values by their storage class first: numbers, texts, blobs
// (sqlite.org/datatype3.html §4). A column with a range index holds one class;
// beside it values of another lie under or over all of them.

// liteInteger orders integers.
func liteInteger() *Encoding {
	return &Encoding{
		name: "liteinteger", size: 8,
		encode: func(dst []byte, tag logical.Tag, payload []byte) ([]byte, Place, error) {
			if tag == logical.TagText || tag == logical.TagBytes {
				return pad(dst, 8), Over, nil
			}
			n, exact, err := whole(tag, payload, 0)
			switch {
			case err != nil:
				return dst, 0, err
			case n == nil:
				return edge(dst, 8, exact)
			case !n.IsInt64():
				return edge(dst, 8, n.Sign() > 0)
			case exact:
				return appendInt(dst, n.Int64()), At, nil
			}
			return appendInt(dst, n.Int64()), Above, nil
		},
	}
}

func appendInt(dst []byte, n int64) []byte {
	return binary.BigEndian.AppendUint64(dst, uint64(n)^1<<63)
}

// liteFloat orders doubles. An integer beside them is the largest double that
// is not above it, or a little more.
func liteFloat() *Encoding {
	return &Encoding{
		name: "litefloat", size: 8,
		encode: func(dst []byte, tag logical.Tag, payload []byte) ([]byte, Place, error) {
			f, rest, ok := liteDouble(tag, payload)
			switch {
			case tag == logical.TagText || tag == logical.TagBytes:
				return pad(dst, 8), Over, nil
			case !ok:
				return dst, 0, errKind
			case rest > 0:
				return appendFloat(dst, f), Above, nil
			}
			return appendFloat(dst, f), At, nil
		},
	}
}

// liteNumber orders integers among doubles: by the largest double that is not
// above the number, and what is left of it.
func liteNumber() *Encoding {
	return &Encoding{
		name: "litenumber", size: 10,
		encode: func(dst []byte, tag logical.Tag, payload []byte) ([]byte, Place, error) {
			f, rest, ok := liteDouble(tag, payload)
			switch {
			case tag == logical.TagText || tag == logical.TagBytes:
				return pad(dst, 10), Over, nil
			case !ok:
				return dst, 0, errKind
			}
			return binary.BigEndian.AppendUint16(appendFloat(dst, f), rest), At, nil
		},
	}
}

// liteDouble returns the largest double that is not above a number, and how far
// below it is: less than 1024, the distance of doubles at 2^63.
func liteDouble(tag logical.Tag, payload []byte) (f float64, rest uint16, ok bool) {
	if tag == logical.TagFloat64 {
		f, ok = logical.Float64(payload)
		return f, 0, ok && !math.IsNaN(f)
	}
	n, ok := logical.Int64(payload)
	if tag != logical.TagInt64 || !ok {
		return 0, 0, false
	}
	if f = float64(n); f >= 1<<63 || int64(f) > n {
		f = math.Nextafter(f, math.Inf(-1))
	}
	return f, uint16(n - int64(f)), true
}

// liteText orders texts or blobs; numbers lie under them, blobs over texts.
func liteText(t schema.Type, prefix int, short bool) *Encoding {
	e := text(schema.Type{Kind: schema.KindText}, prefix, short)
	if t.Kind == schema.KindBytes {
		e = text(schema.Type{Kind: schema.KindBytes}, prefix, short)
	}
	inner := e.encode
	e.name = "lite" + e.name
	e.encode = func(dst []byte, tag logical.Tag, payload []byte) ([]byte, Place, error) {
		switch {
		case tag == logical.TagInt64 || tag == logical.TagFloat64,
			tag == logical.TagText && t.Kind == schema.KindBytes:
			return pad(dst, e.size), Under, nil
		case tag == logical.TagBytes && t.Kind != schema.KindBytes:
			return pad(dst, e.size), Over, nil
		}
		return inner(dst, tag, payload)
	}
	return e
}
