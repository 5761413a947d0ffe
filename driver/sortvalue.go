package driver

import (
	"bytes"
	"cmp"
	"database/sql/driver"
	"errors"
	"math/big"
	"strconv"

	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/internal/order"
	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/schema"
)

// sortValue is a value in the form in which it is sorted: by class, then by
// number, then by bytes. NULL has its place from the key.
type sortValue struct {
	null   bool
	class  uint8
	number *big.Rat // nil where bytes say all
	bytes  []byte
}

// The classes of numbers that no fraction stands for, in their order: on SQLite
// texts follow numbers, and blobs texts.
const (
	classBelow uint8 = iota // -Infinity
	classNumber
	classAbove // Infinity
	classNaN
	classText
	classBlob
)

func (a *sortValue) compare(b *sortValue) int {
	if c := cmp.Compare(a.class, b.class); c != 0 {
		return c
	}
	if a.number != nil && b.number != nil {
		return a.number.Cmp(b.number)
	}
	return bytes.Compare(a.bytes, b.bytes)
}

func (a *sortValue) wipe() { clear(a.bytes) }

// sorter makes sort values of one key.
type sorter struct {
	key rewrite.SortKey
	// enc is the form of numbers of a fixed size, dates and times; nil for what
	// its payload sorts.
	enc *order.Encoding
}

func newSorter(d rewrite.Dialect, k rewrite.SortKey) (*sorter, error) {
	s := &sorter{key: k}
	if k.Column == nil || d == rewrite.SQLite {
		return s, nil
	}
	var err error
	switch t := k.Column.Type; t.Kind {
	case schema.KindText, schema.KindBytes, schema.KindUUID, schema.KindBool, schema.KindNumeric:
	default:
		s.enc, err = order.New(d.String(), t, 0, false)
	}
	return s, err
}

var errUnsorted = errors.New("a value of this type cannot be sorted outside of the server")

// rank reads what the server says of a clear key.
func rank(v driver.Value) (sortValue, error) {
	var n int64
	var err error
	switch v := v.(type) {
	case int64:
		n = v
	case uint64:
		n = int64(v)
	case []byte:
		n, err = strconv.ParseInt(string(v), 10, 64)
	case string:
		n, err = strconv.ParseInt(v, 10, 64)
	default:
		err = errUnsorted
	}
	return sortValue{class: classNumber, number: new(big.Rat).SetInt64(n)}, err
}

// value makes the sort value of an opened one.
func (s *sorter) value(x *call, v driver.Value) (sortValue, error) {
	if s.key.Column == nil {
		return rank(v)
	}
	if v == nil {
		return sortValue{null: true}, nil
	}
	payload, tag, null, err := x.codec.Encode(x.take(), &s.key.Column.Type, v)
	if err != nil {
		return sortValue{}, err
	}
	if null {
		return sortValue{null: true}, nil
	}
	x.keep(payload)
	if s.enc != nil {
		b, place, err := s.enc.Append(nil, tag, payload)
		if err == nil && place != order.At {
			err = errUnsorted
		}
		return sortValue{bytes: b}, err
	}
	return plainSortValue(tag, payload, v)
}

// plainSortValue sorts by the payload, and numbers by their value.
func plainSortValue(tag logical.Tag, payload []byte, v driver.Value) (sortValue, error) {
	switch tag {
	case logical.TagText:
		return sortValue{class: classText, bytes: bytes.Clone(payload)}, nil
	case logical.TagBytes:
		return sortValue{class: classBlob, bytes: bytes.Clone(payload)}, nil
	case logical.TagNumeric:
		return decimal(string(payload))
	case logical.TagBool, logical.TagUUID:
		return sortValue{bytes: bytes.Clone(payload)}, nil
	}
	switch n := v.(type) {
	case int64:
		return sortValue{class: classNumber, number: new(big.Rat).SetInt64(n)}, nil
	case float64:
		return decimal(strconv.FormatFloat(n, 'g', -1, 64))
	}
	return sortValue{}, errUnsorted
}

// decimal reads a number; NaN is the greatest, as on PostgreSQL.
func decimal(text string) (sortValue, error) {
	switch text {
	case "NaN":
		return sortValue{class: classNaN}, nil
	case "Infinity", "+Inf":
		return sortValue{class: classAbove}, nil
	case "-Infinity", "-Inf":
		return sortValue{class: classBelow}, nil
	}
	n, ok := new(big.Rat).SetString(text)
	if !ok {
		return sortValue{}, errUnsorted
	}
	return sortValue{class: classNumber, number: n}, nil
}
