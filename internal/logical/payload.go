package logical

import (
	"encoding/binary"
	"math"
)

// Payloads of fixed size. All numbers are big-endian; what has another length
// is refused when read.
//
//	TagInt64    8 bytes, two's complement
//	TagUint64   8 bytes
//	TagFloat64  8 bytes, IEEE 754 binary64
//	TagFloat32  4 bytes, IEEE 754 binary32
//	TagBool     1 byte, 0 or 1
//	TagUUID     16 bytes, RFC 9562 order

// AppendInt64 appends the payload of TagInt64.
func AppendInt64(dst []byte, v int64) []byte {
	return binary.BigEndian.AppendUint64(dst, uint64(v))
}

// AppendUint64 appends the payload of TagUint64.
func AppendUint64(dst []byte, v uint64) []byte {
	return binary.BigEndian.AppendUint64(dst, v)
}

// AppendFloat64 appends the payload of TagFloat64.
func AppendFloat64(dst []byte, v float64) []byte {
	return binary.BigEndian.AppendUint64(dst, math.Float64bits(v))
}

// AppendFloat32 appends the payload of TagFloat32.
func AppendFloat32(dst []byte, v float32) []byte {
	return binary.BigEndian.AppendUint32(dst, math.Float32bits(v))
}

// AppendBool appends the payload of TagBool.
func AppendBool(dst []byte, v bool) []byte {
	if v {
		return append(dst, 1)
	}
	return append(dst, 0)
}

// Int64 reads the payload of TagInt64; ok is false for another length.
func Int64(p []byte) (v int64, ok bool) {
	if len(p) != 8 {
		return 0, false
	}
	return int64(binary.BigEndian.Uint64(p)), true
}

// Uint64 reads the payload of TagUint64; ok is false for another length.
func Uint64(p []byte) (v uint64, ok bool) {
	if len(p) != 8 {
		return 0, false
	}
	return binary.BigEndian.Uint64(p), true
}

// Float64 reads the payload of TagFloat64; ok is false for another length.
func Float64(p []byte) (v float64, ok bool) {
	if len(p) != 8 {
		return 0, false
	}
	return math.Float64frombits(binary.BigEndian.Uint64(p)), true
}

// Float32 reads the payload of TagFloat32; ok is false for another length.
func Float32(p []byte) (v float32, ok bool) {
	if len(p) != 4 {
		return 0, false
	}
	return math.Float32frombits(binary.BigEndian.Uint32(p)), true
}

// Bool reads the payload of TagBool; ok is false for anything but one byte 0 or 1.
func Bool(p []byte) (v, ok bool) {
	if len(p) != 1 || p[0] > 1 {
		return false, false
	}
	return p[0] == 1, true
}
