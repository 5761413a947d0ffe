package sealsql

import (
	"errors"
	"strconv"
	"strings"

	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/rewrite"
)

// The classes of error, for errors.Is. Errors of the inner driver and of the
// database pass unwrapped and belong to none of them.
var (
	// ErrRefused: a statement was not run because it could have sent a value
	// in clear, or because its result could not be right. Nothing was sent.
	// errors.As with *rewrite.UnsupportedError gives column, position, reason
	// and hint.
	ErrRefused = rewrite.ErrRefused

	// ErrTampered: a stored record was changed, or moved from another
	// partition or column, or, where the table binds rows, another row.
	ErrTampered = envelope.ErrTampered

	// ErrNotSealed: a column that holds only records holds something else.
	ErrNotSealed = envelope.ErrNotSealed

	// ErrKeyNotFound: the key of a stored record is not in the metastore.
	ErrKeyNotFound = envelope.ErrKeyNotFound

	// ErrShredded: the key of a stored record was destroyed on purpose, or the
	// partition is one whose keys were.
	ErrShredded = envelope.ErrShredded

	// ErrClosed: the database handle was closed and its keys are wiped.
	ErrClosed = envelope.ErrClosed

	// ErrPartitionMissing: the statement reads or writes partitioned values
	// and neither it nor its context says of which partition.
	ErrPartitionMissing = errors.New("sealsql: partition missing")

	// ErrPartitionMismatch: two sources name different partitions, for
	// instance an inserted row and the context. Nothing was sent.
	ErrPartitionMismatch = errors.New("sealsql: partitions differ")

	// ErrTooLong: the sealed value does not fit the physical column, which
	// would cut it. Nothing was sent.
	ErrTooLong = errors.New("sealsql: sealed value longer than its column")

	// ErrPlaintextBlocked: the guard in the database stopped a write of
	// plaintext into an encrypted column.
	ErrPlaintextBlocked = errors.New("sealsql: plaintext blocked by the database's guard")

	// ErrCatalogChanged: the result has not the columns that the plan
	// expects, because the tables were changed by others. The catalog has been
	// marked for reading again; a SELECT may be repeated.
	ErrCatalogChanged = errors.New("sealsql: table definitions changed")

	// ErrTooManyRows: the driver has to hold rows, or their keys, to answer the
	// statement exactly, and there are more than the configuration allows. Nothing
	// was changed.
	ErrTooManyRows = errors.New("sealsql: more rows than the configured limit")

	// ErrSetup: the database's annotated tables are not fit for encryption: a
	// default, a trigger, an index expression or a column type is in the way.
	ErrSetup = errors.New("sealsql: database not set up for encryption")
)

// IndexMismatchError says that a value is not the one that its search index was
// made of: the cells of two rows were exchanged, or one was changed by other
// means than this driver (verify: always). errors.Is finds ErrTampered. It does
// not hold the value.
type IndexMismatchError struct {
	// Column is "table.column".
	Column string
	// Row is the place of the row among those that the server returned, from 1.
	Row int
}

func (e *IndexMismatchError) Error() string {
	return "sealsql: verify " + e.Column + ": row " + strconv.Itoa(e.Row) + " of the result was found by a search index that is not that of its value; write the value again, or restore the row from a backup"
}

// Is makes the error an ErrTampered.
func (e *IndexMismatchError) Is(target error) bool { return target == ErrTampered }

// IndexDefinitionError says that a search index was filled under another
// definition than the one that is configured, so that a search by it would find
// nothing: its setting was changed in the configuration, or the program has an old
// one. errors.Is finds ErrSetup. Nothing was sent.
type IndexDefinitionError struct {
	// Column is "table.column", Index the physical column of the index.
	Column, Index string
	// Stored and Configured are what differs: "form=nodes" and "form=path".
	Stored, Configured string
}

func (e *IndexDefinitionError) Error() string {
	return "sealsql: search index " + e.Index + " of " + e.Column + " was filled with " + e.Stored + ", and the configuration has " + e.Configured +
		": a search would find nothing; write into the configuration what is stored, or declare the new definition as next: and run sealsql reindex"
}

// Is makes the error an ErrSetup.
func (e *IndexDefinitionError) Is(target error) bool { return target == ErrSetup }

// ColumnError is a failure to seal or open a value of one column. It holds
// neither the value nor any key.
type ColumnError struct {
	// Column is "table.column", or the columns that a result column may come
	// from, separated by "|".
	Column string
	// Op is "seal", "open", "index", "sort", "partition", "row" or "guard".
	Op string
	// Err is the cause; errors.Is and errors.As see it.
	Err error
	// Hint says what to do; it may be empty.
	Hint string
}

func (e *ColumnError) Error() string {
	var b strings.Builder
	b.WriteString("sealsql: ")
	b.WriteString(e.Op)
	b.WriteByte(' ')
	b.WriteString(e.Column)
	b.WriteString(": ")
	b.WriteString(strings.TrimPrefix(e.Err.Error(), "sealsql: "))
	if e.Hint != "" {
		b.WriteString("; ")
		b.WriteString(e.Hint)
	}
	return b.String()
}

func (e *ColumnError) Unwrap() error { return e.Err }
