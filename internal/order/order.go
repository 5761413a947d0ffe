package order

import (
	"errors"
	"fmt"

	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/schema"
)

// Limits and defaults of the prefix of texts, in bytes.
const (
	MaxPrefix  = 64
	TimePrefix = 40 // what SQLite keeps of a time, as its driver writes it
)

// Place says where a value lies beside the bytes that stand for it.
type Place uint8

// The places: the value itself; between it and the next one that the column can
// hold; below and above everything that the column can hold.
const (
	At Place = iota
	Above
	Under
	Over
)

// Encoding is the form of one column's values. It is immutable.
type Encoding struct {
	encode func(dst []byte, tag logical.Tag, payload []byte) ([]byte, Place, error)
	size   int
	name   string
	// prefixed: texts. ties: some are longer than the prefix.
	prefixed, ties bool
}

// Size is the number of bytes that Append writes.
func (e *Encoding) Size() int { return e.size }

// Name distinguishes encodings: two columns whose values are compared have one.
func (e *Encoding) Name() string { return e.name }

// Ties reports that some values of the column that differ are encoded alike.
func (e *Encoding) Ties() bool { return e.ties }

// New returns the encoding of a column. dialect is "postgres", "mysql" or
// "sqlite"; prefix is for texts and bytes. refuseLonger says that the column
// takes no value longer than the prefix; the caller sees to it (Longer). The error
// says in words what cannot be ordered.
func New(dialect string, t schema.Type, prefix int, refuseLonger bool) (*Encoding, error) {
	switch t.Kind {
	case schema.KindText, schema.KindBytes:
		if prefix < 1 || prefix > MaxPrefix {
			return nil, fmt.Errorf("a range over text or bytes needs prefix: the number of bytes, 1 to %d, that are compared", MaxPrefix)
		}
		if dialect == "sqlite" {
			return liteText(t, prefix, refuseLonger), nil
		}
		return text(t, prefix, refuseLonger || bounded(t, prefix)), nil
	}
	if prefix != 0 && (dialect != "sqlite" || !isTime(t.Kind)) {
		return nil, errors.New("only ranges over text and bytes have a prefix")
	}
	switch dialect {
	case "postgres":
		return postgres(t)
	case "mysql":
		return mysql(t)
	case "sqlite":
		return sqlite(t, prefix)
	}
	return nil, errors.New("engine without an order")
}

func isTime(k schema.Kind) bool {
	return k == schema.KindDate || k == schema.KindTime || k == schema.KindTimestamp || k == schema.KindTimestampTZ
}

// bounded reports that no value of the type is longer than the prefix.
func bounded(t schema.Type, prefix int) bool {
	if t.Kind == schema.KindBytes {
		return t.Length > 0 && t.Length <= prefix
	}
	return t.Length > 0 && 4*t.Length <= prefix // characters, in UTF-8
}

// Append appends the bytes of a payload (package logical) to dst. A Place other
// than At is for values that are compared and cannot be stored; the error is for
// payloads that have no place. It holds no value.
func (e *Encoding) Append(dst []byte, tag logical.Tag, payload []byte) ([]byte, Place, error) {
	return e.encode(dst, tag, payload)
}

var errKind = errors.New("a value of this type has no place in the order of the column")

func postgres(t schema.Type) (*Encoding, error) {
	switch t.Kind {
	case schema.KindInt:
		return integer(t), nil
	case schema.KindNumeric:
		return numeric(t)
	case schema.KindFloat:
		return float(true), nil
	case schema.KindDate:
		return micros("pgdate", logical.TagDate, 4), nil
	case schema.KindTime:
		return micros("pgtime", logical.TagTime, 5), nil
	case schema.KindTimestamp, schema.KindTimestampTZ:
		tag := logical.TagTimestamp
		if t.Kind == schema.KindTimestampTZ {
			tag = logical.TagTimestampTZ
		}
		return micros("pgtimestamp", tag, 8), nil
	}
	return nil, noOrder(t)
}

func mysql(t schema.Type) (*Encoding, error) {
	switch t.Kind {
	case schema.KindInt:
		return integer(t), nil
	case schema.KindNumeric:
		return numeric(t)
	case schema.KindFloat:
		return float(false), nil
	case schema.KindDate, schema.KindTime, schema.KindTimestamp, schema.KindTimestampTZ:
		return clock(t.Kind), nil
	}
	return nil, noOrder(t)
}

func sqlite(t schema.Type, prefix int) (*Encoding, error) {
	switch t.Kind {
	case schema.KindInt:
		return liteInteger(), nil
	case schema.KindFloat:
		return liteFloat(), nil
	case schema.KindNumeric:
		return liteNumber(), nil
	}
	if isTime(t.Kind) {
		if prefix == 0 {
			prefix = TimePrefix
		}
		if prefix < 1 || prefix > MaxPrefix {
			return nil, fmt.Errorf("the prefix of a range has 1 to %d bytes", MaxPrefix)
		}
		return liteText(t, prefix, true), nil
	}
	return nil, noOrder(t)
}

func noOrder(t schema.Type) error {
	return fmt.Errorf("columns of type %s have no range index", t.Name)
}
