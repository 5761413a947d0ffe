// Package logical defines how Go values and SQL literals become canonical
// payloads, and payloads the Go values that the plain driver would return.
//
// Each engine has its own Codec (internal/logical/pgvalue, myvalue,
// litevalue); what they share of rounding and canonical forms is here.
package logical

import (
	"database/sql/driver"
	"errors"
	"reflect"

	"github.com/sealsql/sealsql/schema"
)

// Tag is the logical type written into a record's header. Values are part of
// the record format and never change.
type Tag byte

// The tags and their payloads; numbers are big-endian.
const (
	TagText        Tag = 1  // the database's bytes as they are; UTF-8 but on SQLite
	TagBytes       Tag = 2  // bytes as they are
	TagInt64       Tag = 3  // 8 bytes, two's complement
	TagUint64      Tag = 4  // 8 bytes
	TagFloat64     Tag = 5  // 8 bytes, IEEE 754
	TagFloat32     Tag = 6  // 4 bytes, IEEE 754
	TagBool        Tag = 7  // 1 byte, 0 or 1
	TagNumeric     Tag = 8  // the engine's decimal text: [-]digits[.digits], NaN, Infinity, -Infinity
	TagDate        Tag = 9  // see the engine's codec, also for the next three
	TagTime        Tag = 10 //
	TagTimestamp   Tag = 11 //
	TagTimestampTZ Tag = 12 //
	TagUUID        Tag = 13 // 16 bytes, RFC 9562 order
	TagJSON        Tag = 14 // text as the engine keeps it
	TagArray       Tag = 15 // PostgreSQL: the elements' tag, dimensions, elements; see pgvalue
)

// Literal is a constant of the statement's text, as the front ends decode it.
type Literal struct {
	Kind LiteralKind
	Text string
}

// LiteralKind is the kind of a literal.
type LiteralKind uint8

// The kinds: NULL is never passed to a codec.
const (
	LiteralString LiteralKind = iota + 1
	LiteralNumber
	LiteralBytes
	LiteralBool
)

// ColumnType answers database/sql's questions about a result column as the
// plain driver would for the logical type. A Has… field that is false means
// that the driver does not say.
type ColumnType struct {
	DatabaseTypeName  string
	ScanType          reflect.Type
	Length            int64
	HasLength         bool
	Precision, Scale  int64
	HasPrecisionScale bool
}

// Codec converts for one engine and one connection's settings. Implementations
// are safe for concurrent use.
//
// Errors are *TypeError; they never hold the value.
type Codec interface {
	// Check reports whether the engine knows the type.
	Check(t *schema.Type) error

	// Encode converts what the plain driver accepts as an argument for a
	// column of type t, with the engine's rounding, padding and range errors,
	// and appends the canonical payload to dst. null is true for every form of
	// NULL; dst is then returned as it was. v is not changed nor kept.
	Encode(dst []byte, t *schema.Type, v any) (payload []byte, tag Tag, null bool, err error)

	// EncodeLiteral does the same for a constant of the text.
	EncodeLiteral(dst []byte, t *schema.Type, lit Literal) (payload []byte, tag Tag, err error)

	// Decode returns the Go value that the plain driver would hand to
	// database/sql for a column of type t. The value does not alias payload.
	Decode(t *schema.Type, tag Tag, payload []byte) (driver.Value, error)

	// Canonical converts a partition or row-identity value (argument, or a
	// value as read from the database) to its canonical text (threats T14).
	Canonical(t *schema.Type, v any) (string, error)
	CanonicalLiteral(t *schema.Type, lit Literal) (string, error)

	// Column describes a result column of type t.
	Column(t *schema.Type) ColumnType
}

// Caster is implemented by codecs that apply the casts written around a value.
// casts are their types, the innermost first, in lower case with modifiers.
type Caster interface {
	// EncodeCast is Codec.Encode of the value that the casts give of v. A
	// conversion that the codec does not know to be the engine's is a
	// *TypeError.
	EncodeCast(dst []byte, t *schema.Type, casts []string, v any) (payload []byte, tag Tag, null bool, err error)

	// EncodeLiteralCast does the same for a constant of the text.
	EncodeLiteralCast(dst []byte, t *schema.Type, casts []string, lit Literal) (payload []byte, tag Tag, null bool, err error)
}

// ProblemCast is the problem of a cast whose outcome a codec does not know.
const ProblemCast = "what the cast makes of this value is not known here: bind the value that it gives"

// Outcome says of a value that is compared what no payload says.
type Outcome uint8

// The outcomes: none, NULL, and a value that equals none that the column can hold.
const (
	OutcomeNull Outcome = iota + 1
	OutcomeNever
)

// Comparer is implemented by codecs that know what their engine makes of a value
// that is compared with a column: it may convert either of the two, where storing
// would convert the value alone.
type Comparer interface {
	// EncodeCompared is Codec.Encode for a value whose equality with values of a
	// column of type t is asked for. wide is t without the length, precision and
	// scale that a comparison does not apply; bytewise says that texts are
	// compared byte by byte. A comparison that equality of payloads does not
	// answer is a *TypeError.
	EncodeCompared(dst []byte, t, wide *schema.Type, bytewise bool, v any) (payload []byte, tag Tag, outcome Outcome, err error)

	// EncodeLiteralCompared does the same for a constant of the text.
	EncodeLiteralCompared(dst []byte, t, wide *schema.Type, bytewise bool, lit Literal) (payload []byte, tag Tag, outcome Outcome, err error)
}

// ColumnByTag is implemented by codecs whose driver describes a column by the
// value of the current row (SQLite). Tag 0 stands for NULL and for no row.
type ColumnByTag interface {
	ColumnOf(t *schema.Type, tag Tag) ColumnType
}

// ColumnByNull is implemented by codecs whose driver describes a column that
// cannot be NULL otherwise than one that can (MySQL); Column describes the
// latter.
type ColumnByNull interface {
	ColumnNotNull(t *schema.Type) ColumnType
}

// IntoScanner is implemented by codecs whose driver scans some destinations
// itself (Go 1.27, pgx: slices and pgtype's values), past database/sql.
type IntoScanner interface {
	// ScansInto reports whether the driver would scan a column of type t into
	// a destination of this type, which is that of a pointer.
	ScansInto(t *schema.Type, dest reflect.Type) bool

	// ScanInto copies a value that Decode returned, or nil for NULL, into dest
	// as the driver would. Its error may hold the value.
	ScanInto(t *schema.Type, v driver.Value, dest any) error
}

// TypeError says that a value does not fit a logical type. It holds no value.
type TypeError struct {
	// Type is the logical type's name, GoType the argument's Go type, or
	// "literal", or "stored value" for a payload that cannot be read.
	Type   string
	GoType string
	// Problem says what is wrong in words: "out of range", "invalid syntax",
	// "too long (limit 40 characters)".
	Problem string
	// Err is the cause where a caller may branch on it (a Valuer's error), or
	// nil. It is reachable by errors.Is and errors.As and is not printed (see
	// Quiet): its text may hold the value.
	Err error
}

func (e *TypeError) Error() string {
	return "sealsql: " + e.GoType + " for " + e.Type + ": " + e.Problem
}

func (e *TypeError) Unwrap() error { return e.Err }

// ErrValue matches every *TypeError.
var ErrValue = errors.New("sealsql: value does not fit its column's type")

// Is matches ErrValue.
func (e *TypeError) Is(target error) bool { return target == ErrValue }
