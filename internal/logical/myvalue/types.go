package myvalue

import (
	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/schema"
)

// column is a type as the server knows it.
type column struct {
	name   string // as the driver reports it
	tag    logical.Tag
	bytes  int // limit in bytes of text and blob types, 0 for none
	fixed  bool
	chars  int // limit in characters
	single bool
	low    int64
	high   uint64
	// precision and scale of decimal; scale is also the fraction of times.
	precision, scale int
	zone             bool // timestamp: a range of its own
}

// Limits of the server's types.
const (
	maxTiny   = 1<<8 - 1
	maxText   = 1<<16 - 1
	maxMedium = 1<<24 - 1
	maxLong   = 1<<32 - 1

	maxPrecision = 65
	maxScale     = 30
	// defaultPrecision is that of DECIMAL without modifiers.
	defaultPrecision = 10
)

// texts and blobs are the types with a limit in bytes.
var (
	texts = map[string]column{
		"text": {name: "TEXT", bytes: maxText}, "tinytext": {name: "TEXT", bytes: maxTiny},
		"mediumtext": {name: "TEXT", bytes: maxMedium}, "longtext": {name: "TEXT", bytes: maxLong},
	}
	blobs = map[string]column{
		"blob": {name: "BLOB", bytes: maxText}, "tinyblob": {name: "BLOB", bytes: maxTiny},
		"mediumblob": {name: "BLOB", bytes: maxMedium}, "longblob": {name: "BLOB", bytes: maxLong},
		"bytes": {name: "BLOB", bytes: maxLong},
	}
	integers = map[string]string{
		"tinyint": "TINYINT", "smallint": "SMALLINT", "mediumint": "MEDIUMINT", "int": "INT", "bigint": "BIGINT",
	}
)

// columnOf returns what the server makes of the declaration; ok is false for
// types of the other engines and modifiers out of range.
func columnOf(t *schema.Type) (c column, ok bool) {
	switch t.Kind {
	case schema.KindText:
		return textColumn(t)
	case schema.KindBytes:
		return bytesColumn(t)
	case schema.KindInt:
		return integerColumn(t)
	case schema.KindBool:
		return column{name: "TINYINT", tag: logical.TagInt64, low: -128, high: 127}, true
	case schema.KindFloat:
		if t.Bits == 32 || t.Base == "float" {
			return column{name: "FLOAT", tag: logical.TagFloat32, single: true}, true
		}
		return column{name: "DOUBLE", tag: logical.TagFloat64}, true
	case schema.KindNumeric:
		c = column{name: "DECIMAL", tag: logical.TagNumeric, precision: t.Precision, scale: t.Scale}
		if !t.HasPrecision {
			c.precision = defaultPrecision
		}
		return c, c.precision >= 1 && c.precision <= maxPrecision && c.scale >= 0 && c.scale <= maxScale && c.scale <= c.precision
	case schema.KindUUID:
		return column{name: "CHAR", tag: logical.TagUUID}, true
	case schema.KindJSON:
		return column{name: "TEXT", tag: logical.TagJSON, bytes: maxLong}, t.Base == "json"
	}
	return timeColumn(t)
}

func textColumn(t *schema.Type) (c column, ok bool) {
	switch t.Base {
	case "char":
		return column{name: "CHAR", tag: logical.TagText, chars: t.Length, fixed: true}, t.Length >= 1 && t.Length <= 255
	case "varchar":
		return column{name: "VARCHAR", tag: logical.TagText, chars: t.Length}, t.Length >= 1 && t.Length <= maxText
	}
	c, ok = texts[t.Base]
	c.tag = logical.TagText
	return c, ok
}

func bytesColumn(t *schema.Type) (c column, ok bool) {
	switch t.Base {
	case "binary":
		return column{name: "BINARY", tag: logical.TagBytes, bytes: t.Length, fixed: true}, t.Length >= 1 && t.Length <= 255
	case "varbinary":
		return column{name: "VARBINARY", tag: logical.TagBytes, bytes: t.Length}, t.Length >= 1 && t.Length <= maxText
	}
	c, ok = blobs[t.Base]
	c.tag = logical.TagBytes
	return c, ok
}

func integerColumn(t *schema.Type) (c column, ok bool) {
	name, ok := integers[t.Base]
	if !ok || t.Bits < 8 || t.Bits > 64 {
		return c, false
	}
	bits := uint(t.Bits)
	c = column{name: name, tag: logical.TagInt64, low: -1 << (bits - 1), high: 1<<(bits-1) - 1}
	if t.Unsigned {
		c.name, c.low, c.high = "UNSIGNED "+name, 0, 1<<bits-1
		if bits == 64 {
			c.tag = logical.TagUint64
		}
	}
	return c, true
}

func timeColumn(t *schema.Type) (c column, ok bool) {
	c.scale = t.Fraction
	ok = t.Fraction >= 0 && t.Fraction <= 6
	switch t.Base {
	case "date":
		c.name, c.tag = "DATE", logical.TagDate
	case "time":
		c.name, c.tag = "TIME", logical.TagTime
	case "datetime":
		c.name, c.tag = "DATETIME", logical.TagTimestamp
	case "timestamp":
		c.name, c.tag, c.zone = "TIMESTAMP", logical.TagTimestamp, true
	default:
		ok = false
	}
	return c, ok
}

func errNoType(t *schema.Type) error {
	return &logical.TypeError{Type: t.Name, GoType: "type", Problem: "MySQL and MariaDB have no such type"}
}

// Check reports whether the server has the type with its modifiers.
func (*Codec) Check(t *schema.Type) error {
	if _, ok := columnOf(t); !ok {
		return errNoType(t)
	}
	return nil
}
