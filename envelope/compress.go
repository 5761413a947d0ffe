package envelope

import (
	"encoding/binary"
	"slices"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// A compressed payload is the length of the plaintext in four bytes and one
// Zstandard frame (RFC 8878) of exactly that many bytes.
const lengthSize = 4

// maxRatio bounds what a frame can claim to hold before memory is asked for: a
// block takes 4 bytes or more and yields at most 128 KiB (RFC 8878 §3.1.1.2).
const maxRatio = 128 << 10 / 4

// The compressors are made at the first use, and shared.
var (
	encoder = sync.OnceValue(func() *zstd.Encoder {
		e, err := zstd.NewWriter(nil,
			zstd.WithEncoderLevel(zstd.SpeedDefault),
			zstd.WithEncoderCRC(false), // the record is authenticated
			zstd.WithLowerEncoderMem(true),
			zstd.WithWindowSize(1<<20))
		if err != nil {
			panic(err) // constant options
		}
		return e
	})
	decoder = sync.OnceValue(func() *zstd.Decoder {
		d, err := zstd.NewReader(nil,
			zstd.WithDecoderConcurrency(0),
			zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxMemory(MaxPlaintext),
			zstd.WithDecodeAllCapLimit(true))
		if err != nil {
			panic(err) // constant options
		}
		return d
	})
)

// appendShaped appends what is encrypted for plaintext: compressed, where the
// column compresses and that makes it shorter, then padded.
func appendShaped(b []byte, c *Column, plaintext []byte) (payload []byte, compressed bool) {
	start := len(b)
	// Room for all of it: a buffer that grows leaves its content behind.
	b = slices.Grow(b, c.pad.padded(len(plaintext)+len(plaintext)/64+256))
	if c.compress > 0 && len(plaintext) >= c.compress {
		b = binary.BigEndian.AppendUint32(b, uint32(len(plaintext)))
		b = encoder().EncodeAll(plaintext, b)
		compressed = len(b)-start < len(plaintext)
	}
	if !compressed {
		b = append(b[:start], plaintext...)
	}
	if c.pad != PadNone {
		b = c.pad.appendPad(b, start)
	}
	return b, compressed
}

// appendUnshaped appends the plaintext of a payload to dst. What it finds is
// authentic; that it may be wrong all the same is the fault of whoever holds the
// key, and bounded: no more memory is taken than the frame can fill, and never
// more than MaxPlaintext.
func appendUnshaped(dst, payload []byte, flags byte) ([]byte, error) {
	wrong := &RecordError{ReasonPayload}
	if flags&flagPadded != 0 {
		text, ok := unpad(payload)
		if !ok {
			return dst, wrong
		}
		payload = text
	}
	if flags&flagCompressed == 0 {
		return append(dst, payload...), nil
	}
	if len(payload) < lengthSize {
		return dst, wrong
	}
	size, frame := binary.BigEndian.Uint32(payload), payload[lengthSize:]
	if size == 0 || size > MaxPlaintext || int64(size) > int64(len(frame))*maxRatio {
		return dst, wrong
	}
	return inflate(dst, frame, int(size))
}

// inflate appends the n bytes of a frame to dst. The decoder writes no further
// than that: what it is given has room for n bytes.
func inflate(dst, frame []byte, n int) (out []byte, err error) {
	grown := slices.Grow(dst, n)
	room := grown[len(dst) : len(dst) : len(dst)+n]
	defer func() {
		if recover() != nil || err != nil {
			clear(room[:n])
			out, err = dst, &RecordError{ReasonPayload}
		}
	}()
	text, err := decoder().DecodeAll(frame, room)
	if err != nil || len(text) != n {
		return dst, &RecordError{ReasonPayload}
	}
	return grown[:len(dst)+n], nil
}
