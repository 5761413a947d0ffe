package pgvalue

import (
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/sealsql/sealsql/internal/logical"
	"github.com/sealsql/sealsql/schema"
)

// oids maps the canonical names of types to PostgreSQL's. Types of the other
// engines are not in it.
var oids = map[string]uint32{
	"text": pgtype.TextOID, "varchar": pgtype.VarcharOID, "char": pgtype.BPCharOID,
	"bytea": pgtype.ByteaOID, "bytes": pgtype.ByteaOID,
	"smallint": pgtype.Int2OID, "int": pgtype.Int4OID, "bigint": pgtype.Int8OID,
	"real": pgtype.Float4OID, "float4": pgtype.Float4OID, "float": pgtype.Float8OID, "double": pgtype.Float8OID,
	"boolean": pgtype.BoolOID, "numeric": pgtype.NumericOID,
	"date": pgtype.DateOID, "time": pgtype.TimeOID, "timestamp": pgtype.TimestampOID, "timestamptz": pgtype.TimestamptzOID,
	"uuid": pgtype.UUIDOID, "json": pgtype.JSONOID, "jsonb": pgtype.JSONBOID,
}

// oidOf returns 0 for a type that PostgreSQL does not have.
func oidOf(t *schema.Type) uint32 {
	if t.Unsigned {
		return 0
	}
	if t.Kind == schema.KindArray {
		return arrayOIDs[oids[t.Element().Base]]
	}
	switch t.Base { // most columns, for which the map takes three times as long
	case "text":
		return pgtype.TextOID
	case "varchar":
		return pgtype.VarcharOID
	}
	return oids[t.Base]
}

func errNoType(t *schema.Type) error {
	return &logical.TypeError{Type: t.Name, GoType: "type", Problem: "PostgreSQL has no such type"}
}

// Limits of modifiers, documentation §8.1 and §8.3.
const (
	maxLength    = 10_485_760
	maxPrecision = 1000
)

// Check reports whether PostgreSQL has the type with its modifiers.
func (c *Codec) Check(t *schema.Type) error {
	if elem := t.Element(); t.Kind == schema.KindArray {
		return c.Check(&elem)
	}
	oid := oidOf(t)
	if oid == 0 {
		return errNoType(t)
	}
	bad := t.Length < 0 || t.Length > maxLength || t.Fraction < 0 || t.Fraction > 6 ||
		oid == pgtype.BPCharOID && t.Length == 0 ||
		t.HasPrecision && (t.Precision < 1 || t.Precision > maxPrecision || t.Scale < -maxPrecision || t.Scale > maxPrecision)
	if bad {
		return &logical.TypeError{Type: t.Name, GoType: "type", Problem: "modifier out of range"}
	}
	return nil
}

// integerRange returns the limits of an integer type.
func integerRange(oid uint32) (low, high int64) {
	switch oid {
	case pgtype.Int2OID:
		return -1 << 15, 1<<15 - 1
	case pgtype.Int4OID:
		return -1 << 31, 1<<31 - 1
	}
	return -1 << 63, 1<<63 - 1
}
