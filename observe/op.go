package observe

import (
	"context"
	"time"
)

// Kind says what an operation is.
type Kind uint8

// The kinds. New ones may be added.
const (
	// Encrypt and Decrypt are of one value each, sampled.
	Encrypt Kind = iota
	Decrypt
	// KeyLoad brings a key that no cache had: of the tier that Op.Name says.
	KeyLoad
	// KMS is a request to the key management service, with all that it tries.
	KMS
	// KMSRegion is one attempt in one region of it.
	KMSRegion
	// Metastore is a request to the metastore, with all that it tries.
	Metastore
	// MetastoreRegion is one attempt in one region of it.
	MetastoreRegion
	// Plan makes a plan that the cache did not have.
	Plan
	// Statement is a call of database/sql: planning, sealing, and the database's
	// answer, up to the first row.
	Statement

	kinds = iota
)

var kindNames = [kinds]string{"encrypt", "decrypt", "key_load", "kms", "kms_region", "metastore", "metastore_region", "plan", "statement"}

// String returns the kind in a word.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "unknown"
}

// Kinds is a set of kinds.
type Kinds uint32

// Of returns the set of the kinds given.
func Of(ks ...Kind) (s Kinds) {
	for _, k := range ks {
		s |= 1 << k
	}
	return s
}

// Has reports whether a kind is in the set.
func (s Kinds) Has(k Kind) bool { return s>>k&1 != 0 }

// Op is an operation. Apart from KeyID, its fields have few values: they may be
// labels of metrics.
type Op struct {
	Kind Kind
	// Provider is the registered name of the key service or metastore; of a
	// statement, the dialect.
	Provider string
	// Region is set where one region was asked.
	Region string
	// Name is what is done: "wrap", "unwrap", "generate", "load", "load_latest",
	// "store"; of a KeyLoad the tier of the cache; of a Statement "exec", "query"
	// or "prepare".
	Name string
	// KeyID is the id of the key that it is about, which may hold the id of a
	// partition. Empty where there is none.
	KeyID string
	// Digest is, of a Statement, a hash of its text without values and comments,
	// where that was asked for (Recorder.Attach) and the text could be read.
	Digest string
}

// Outcome says in a word how an operation ended: one of the constants below, or
// the reason of a refusal.
type Outcome = string

// The outcomes. New ones may be added.
const (
	OK          Outcome = "ok"
	Absent      Outcome = "absent"      // no such row: an answer like any other
	Exists      Outcome = "exists"      // somebody else had stored the row before
	Destroyed   Outcome = "destroyed"   // the key was destroyed on purpose
	Retired     Outcome = "retired"     // the key is retired
	Tampered    Outcome = "tampered"    // an answer that is not authentic
	Canceled    Outcome = "canceled"    // the caller gave up
	Timeout     Outcome = "timeout"     // no answer in time
	Unreachable Outcome = "unreachable" // no answer, or one of trouble
	Throttled   Outcome = "throttled"
	Denied      Outcome = "denied"
	Missing     Outcome = "missing" // the master key or the table does not exist
	Disabled    Outcome = "disabled"
	Malformed   Outcome = "malformed"
	BadRequest  Outcome = "bad_request"
	LeftOut     Outcome = "left_out" // a region that was not asked after failures
	Refused     Outcome = "refused"  // a statement that was not run
	Failed      Outcome = "failed"   // whatever else
)

// answers are the outcomes with which a service has answered.
func answered(o Outcome) bool {
	switch o {
	case OK, Absent, Exists, Destroyed, Retired, Tampered:
		return true
	}
	return false
}

// Observer is told of operations as they happen, on the goroutines that do them.
// Its methods must not wait, panic, or use the Recorder's owner.
type Observer interface {
	// Begin is called when an operation of a kind that was asked for begins. The
	// context that it returns is that of the operation and what it brings about,
	// and must be derived from ctx. end, which may be nil, is called once when
	// the operation is over.
	Begin(ctx context.Context, op Op) (_ context.Context, end func(took time.Duration, how Outcome))
	// Sampled is called with the duration of one of SampleEvery values, of kind
	// Encrypt or Decrypt.
	Sampled(ctx context.Context, k Kind, took time.Duration)
}
