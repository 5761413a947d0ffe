package envelope

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

var (
	// ErrTampered matches every *RecordError, and a *KeyError for a key row that
	// is not what was stored. It is never returned for outages.
	ErrTampered = errors.New("sealsql: sealed value is damaged, forged or in the wrong place")

	// ErrNotSealed is returned by Open and Dearmour for bytes without the mark of
	// a record.
	ErrNotSealed = errors.New("sealsql: value is not sealed")

	// ErrKeyNotFound is returned by a Metastore for an absent row, and matches
	// the *KeyError of Open when the key that sealed a record does not exist.
	ErrKeyNotFound = errors.New("sealsql: key not found")

	// ErrIndexKey matches the *KeyError of an index whose secret is not in the
	// metastore. It is never replaced by a new one unasked: look-ups would find
	// nothing, and unique keys let duplicates in.
	ErrIndexKey = errors.New("sealsql: secret of a search index not found")

	// ErrShredded matches the *KeyError of a value whose key was destroyed on
	// purpose, and of sealing for a partition that was: there is nothing to
	// restore. It is returned only where the metastore's row is authentic.
	ErrShredded = errors.New("sealsql: key was destroyed")

	// ErrKeyRetired matches the *KeyError of a value whose key was retired: it is
	// still there, and may not be used.
	ErrKeyRetired = errors.New("sealsql: key is retired")

	// ErrWrongColumn matches the *RecordError of a record that was sealed for
	// none of the columns given to Open.
	ErrWrongColumn = errors.New("sealsql: value was sealed for another column")

	// ErrWrongPartition matches the *RecordError of a record that names another
	// partition than the one given to Open, or names none where it must.
	ErrWrongPartition = errors.New("sealsql: value was sealed for another partition")

	// ErrStale matches the *KeyError of Seal when the state of the key could not
	// be checked for longer than Policy.MaxStale. Opening goes on.
	ErrStale = errors.New("sealsql: key state could not be checked for too long")

	// ErrTooLarge is returned by Seal for more than MaxPlaintext bytes.
	ErrTooLarge = errors.New("sealsql: value is too large to seal")

	// ErrClosed is returned by everything after Sealer.Close.
	ErrClosed = errors.New("sealsql: sealer is closed")

	// ErrPartition is returned by PartitionID for an id that cannot be one, and
	// by Seal and Open for the zero Partition.
	ErrPartition = errors.New("sealsql: partition id must be 1 to 200 bytes of valid UTF-8")
)

// Reason says, for operators, what is wrong with a record. It holds nothing of
// the value.
type Reason uint8

// The reasons. New ones may be added.
const (
	ReasonTruncated  Reason = iota + 1 // shorter than its header says
	ReasonVersion                      // unknown version or suite: damaged, or written by a later release
	ReasonFlags                        // unknown flag bits
	ReasonColumn                       // column tag of none of the expected columns
	ReasonPartition                    // names another partition, or none
	ReasonCommitment                   // sealed under another key, or header damaged
	ReasonAuth                         // value damaged
	ReasonArmour                       // text after "ss1." is not base64url of a record
	ReasonFormat                       // not a data row record (Asherah's format)
	ReasonSuite                        // suite that the column does not read
	ReasonForm                         // row binding, padding or compression that the column does not accept
	ReasonPayload                      // authentic, but padding or compression are not what Seal writes
)

var reasonText = [...]string{
	ReasonTruncated:  "truncated",
	ReasonVersion:    "unknown version or suite",
	ReasonFlags:      "unknown flags",
	ReasonColumn:     "other column",
	ReasonPartition:  "other partition",
	ReasonCommitment: "other key or damaged header",
	ReasonAuth:       "damaged value",
	ReasonArmour:     "damaged armour",
	ReasonFormat:     "not a data row record",
	ReasonSuite:      "suite not accepted",
	ReasonForm:       "form not accepted",
	ReasonPayload:    "damaged padding or compression",
}

func (r Reason) String() string {
	if int(r) < len(reasonText) && reasonText[r] != "" {
		return reasonText[r]
	}
	return fmt.Sprintf("Reason(%d)", uint8(r))
}

// RecordError is returned by Open for something that carries the mark of a
// record and cannot be opened. Its text is the same for every reason that an
// attacker could learn from; Reason is for logs and metrics.
type RecordError struct {
	Reason Reason
}

func (e *RecordError) Error() string {
	switch e.Reason {
	case ReasonColumn:
		return ErrWrongColumn.Error()
	case ReasonPartition:
		return ErrWrongPartition.Error()
	case ReasonSuite, ReasonForm:
		return "sealsql: sealed value is in a form that its column does not read"
	case ReasonVersion:
		return "sealsql: sealed value has an unknown version: damaged, or written by a later release"
	}
	return ErrTampered.Error()
}

// Is matches ErrTampered always, ErrWrongColumn and ErrWrongPartition by reason.
func (e *RecordError) Is(target error) bool {
	return target == ErrTampered ||
		target == ErrWrongColumn && e.Reason == ReasonColumn ||
		target == ErrWrongPartition && e.Reason == ReasonPartition
}

// KeyError says which key could not be had and what to do. Nothing was written
// when it is returned by Seal or Open.
type KeyError struct {
	// Op is what was tried: "load", "store", "wrap", "unwrap", "check".
	Op string
	// KeyID and Created name the key row; Created is in Unix seconds, 0 when the
	// newest row was asked for.
	KeyID   string
	Created int64
	// Provider is "kms" or "metastore" with its name where it has one, or empty.
	Provider string
	Err      error
	// Hint says what the operator can do.
	Hint string
}

func (e *KeyError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "sealsql: %s key %q", e.Op, e.KeyID)
	if e.Created != 0 {
		fmt.Fprintf(&b, " created %s (%d)", time.Unix(e.Created, 0).UTC().Format(time.RFC3339), e.Created)
	}
	if e.Provider != "" {
		b.WriteString(" by " + e.Provider)
	}
	if e.Err != nil {
		b.WriteString(": " + strings.TrimPrefix(e.Err.Error(), "sealsql: "))
	}
	if e.Hint != "" {
		b.WriteString("; " + e.Hint)
	}
	return b.String()
}

func (e *KeyError) Unwrap() error { return e.Err }
