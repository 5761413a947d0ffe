package order

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/big"

	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/schema"
)

// integer orders the integers of a type, from its smallest on.
func integer(t schema.Type) *Encoding {
	bits := t.Bits
	if bits == 0 {
		bits = 64
	}
	low, span := new(big.Int), new(big.Int).Lsh(big.NewInt(1), uint(bits))
	if !t.Unsigned {
		low.Neg(new(big.Int).Rsh(span, 1))
	}
	size := (bits + 7) / 8
	last := new(big.Int).Sub(span, big.NewInt(1))
	return &Encoding{
		name: fmt.Sprintf("integer/%d/%t", bits, t.Unsigned), size: size,
		encode: func(dst []byte, tag logical.Tag, payload []byte) ([]byte, Place, error) {
			n, exact, err := whole(tag, payload, 0)
			if err != nil {
				return dst, 0, err
			}
			if n == nil {
				return edge(dst, size, exact)
			}
			place := At
			if !exact {
				place = Above
			}
			return appendBetween(dst, size, n.Sub(n, low), last, place)
		},
	}
}

// edge is the place of an infinity.
func edge(dst []byte, size int, positive bool) ([]byte, Place, error) {
	if positive {
		return pad(dst, size), Over, nil
	}
	return pad(dst, size), Under, nil
}

func pad(dst []byte, n int) []byte { return append(dst, make([]byte, n)...) }

// appendBetween writes a number from 0 to last, or says that it is not there.
func appendBetween(dst []byte, size int, n, last *big.Int, place Place) ([]byte, Place, error) {
	switch {
	case n.Sign() < 0:
		return pad(dst, size), Under, nil
	case n.Cmp(last) > 0, n.Cmp(last) == 0 && place == Above:
		return pad(dst, size), Over, nil
	}
	at := len(dst)
	dst = pad(dst, size)
	n.FillBytes(dst[at:])
	return dst, place, nil
}

// whole returns the largest integer that is not above value × 10^scale, and
// whether it is that value. For infinities and NaN n is nil, and exact is set
// for those above all numbers.
func whole(tag logical.Tag, payload []byte, scale int) (n *big.Int, exact bool, err error) {
	switch tag {
	case logical.TagInt64:
		if v, ok := logical.Int64(payload); ok {
			return shifted(big.NewInt(v), scale), true, nil
		}
	case logical.TagUint64:
		if v, ok := logical.Uint64(payload); ok {
			return shifted(new(big.Int).SetUint64(v), scale), true, nil
		}
	case logical.TagFloat64:
		if v, ok := logical.Float64(payload); ok {
			return wholeFloat(v, scale)
		}
	case logical.TagNumeric:
		return wholeDecimal(string(payload), scale)
	}
	return nil, false, errKind
}

func shifted(n *big.Int, scale int) *big.Int {
	if scale == 0 {
		return n
	}
	return n.Mul(n, tenTo(scale))
}

func tenTo(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }

func wholeFloat(v float64, scale int) (*big.Int, bool, error) {
	if math.IsInf(v, 0) || math.IsNaN(v) {
		return nil, !math.IsInf(v, -1), nil
	}
	f := new(big.Rat).SetFloat64(v)
	f.Mul(f, new(big.Rat).SetInt(tenTo(scale)))
	return floor(f.Num(), f.Denom())
}

// floor divides by a positive number.
func floor(num, denom *big.Int) (*big.Int, bool, error) {
	q, m := new(big.Int).DivMod(num, denom, new(big.Int))
	return q, m.Sign() == 0, nil
}

func wholeDecimal(s string, scale int) (*big.Int, bool, error) {
	switch s {
	case "NaN", "Infinity":
		return nil, true, nil
	case "-Infinity":
		return nil, false, nil
	}
	d, problem := logical.ParseDecimal(s)
	if problem != "" {
		return nil, false, errKind
	}
	n := new(big.Int)
	if len(d.Digits) > 0 {
		if _, ok := n.SetString(string(d.Digits), 10); !ok {
			return nil, false, errKind
		}
	}
	if d.Negative {
		n.Neg(n)
	}
	if d.Scale <= scale {
		return n.Mul(n, tenTo(scale-d.Scale)), true, nil
	}
	return floor(n, tenTo(d.Scale-scale))
}

// maxPrecision bounds the digits of a numeric: MySQL's limit, and more than
// money needs. Each digit costs.
const maxPrecision = 65

// numeric orders numeric(p,s) as whole numbers of the last digit: -Infinity,
// the numbers, Infinity, NaN, which is PostgreSQL's order; MySQL has the numbers
// only.
func numeric(t schema.Type) (*Encoding, error) {
	if !t.HasPrecision || t.Scale < 0 || t.Precision < 1 || t.Precision > maxPrecision || t.Scale > maxPrecision {
		return nil, fmt.Errorf("a range over a numeric column needs its precision and scale, as in numeric(12,2), of at most %d digits", maxPrecision)
	}
	end := tenTo(t.Precision) // no value reaches it
	infinity := new(big.Int).Lsh(end, 1)
	nan := new(big.Int).Add(infinity, big.NewInt(1))
	size := (nan.BitLen() + 7) / 8
	return &Encoding{
		name: fmt.Sprintf("numeric/%d/%d", t.Precision, t.Scale), size: size,
		encode: func(dst []byte, tag logical.Tag, payload []byte) ([]byte, Place, error) {
			n, exact, err := whole(tag, payload, t.Scale)
			if err != nil {
				return dst, 0, err
			}
			if n == nil {
				return appendBetween(dst, size, special(tag, payload, infinity, nan), nan, At)
			}
			switch {
			case n.Cmp(end) >= 0: // above the numbers, below Infinity
				return appendBetween(dst, size, n.Sub(infinity, big.NewInt(1)), nan, Above)
			case n.CmpAbs(end) >= 0: // above -Infinity, below the numbers
				return appendBetween(dst, size, new(big.Int), nan, Above)
			case exact:
				return appendBetween(dst, size, n.Add(n, end), nan, At)
			}
			return appendBetween(dst, size, n.Add(n, end), nan, Above)
		},
	}, nil
}

// special is the rank of what is no number.
func special(tag logical.Tag, payload []byte, infinity, nan *big.Int) *big.Int {
	if tag == logical.TagFloat64 {
		switch f, _ := logical.Float64(payload); {
		case math.IsInf(f, 1):
			return infinity
		case math.IsNaN(f):
			return nan
		}
		return new(big.Int)
	}
	switch string(payload) {
	case "Infinity":
		return infinity
	case "NaN":
		return nan
	}
	return new(big.Int)
}

// float orders IEEE 754 numbers: -0 is 0. With nan, NaN is one value above all
// others, as PostgreSQL has it.
func float(nan bool) *Encoding {
	return &Encoding{
		name: "float", size: 8,
		encode: func(dst []byte, tag logical.Tag, payload []byte) ([]byte, Place, error) {
			f, ok := float64Of(tag, payload)
			if !ok || math.IsNaN(f) && !nan {
				return dst, 0, errKind
			}
			return appendFloat(dst, f), At, nil
		},
	}
}

func float64Of(tag logical.Tag, payload []byte) (f float64, ok bool) {
	switch tag {
	case logical.TagFloat64:
		return logical.Float64(payload)
	case logical.TagFloat32:
		g, ok := logical.Float32(payload)
		return float64(g), ok
	}
	return 0, false
}

func appendFloat(dst []byte, f float64) []byte {
	if math.IsNaN(f) {
		return binary.BigEndian.AppendUint64(dst, math.MaxUint64)
	}
	bits := math.Float64bits(f + 0) // -0 + 0 is 0
	if f < 0 {
		return binary.BigEndian.AppendUint64(dst, ^bits)
	}
	return binary.BigEndian.AppendUint64(dst, bits|1<<63)
}
