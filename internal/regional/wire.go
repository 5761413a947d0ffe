package regional

import (
	"encoding/json"

	"github.com/sealsql/sealsql/envelope"
)

// A wrapped system key is JSON, the envelope that Asherah's AWS service writes:
//
//	{"encryptedKey":"<base64>","kmsKeks":[{"region":"…","arn":"…","encryptedKek":"<base64>"},…]}
//
// encryptedKey is the system key under a data key, AES-256-GCM; every element
// of kmsKeks is that data key as one region's master key encrypted it. In
// Asherah's format encryptedKey is ciphertext, tag, nonce, without associated
// data, and the master keys have no context. In ours
//
//	{"sealsql":1,"encryptedKey":…,"kmsKeks":[…]}
//
// it is nonce, ciphertext, tag with KeyContext.AssociatedData, and the master
// keys have KeyContext.Map as their encryption context. The member sealsql tells
// the two apart; that one is never taken for the other rests on the context.
type wire struct {
	Version      int    `json:"sealsql,omitempty"`
	EncryptedKey []byte `json:"encryptedKey"`
	Keks         []kek  `json:"kmsKeks"`
}

type kek struct {
	Region string `json:"region"`
	ARN    string `json:"arn"`
	Blob   []byte `json:"encryptedKek"`
}

const (
	wireVersion = 1
	maxWire     = 48 << 10 // of JSON, in bytes; a row has 64 KiB in base64
	maxKeks     = 64
)

// parse reads the envelope of one of the two formats.
func parse(b []byte, asherah bool) (*wire, error) {
	var w wire
	if len(b) > maxWire || json.Unmarshal(b, &w) != nil {
		return nil, errEnvelope
	}
	want := wireVersion
	if asherah {
		want = 0
	}
	if w.Version != want || len(w.EncryptedKey) == 0 || len(w.Keks) == 0 || len(w.Keks) > maxKeks {
		return nil, errEnvelope
	}
	return &w, nil
}

// of returns the data key's encryption for a region, or nil.
func (w *wire) of(region string) *kek {
	for i := range w.Keks {
		if k := &w.Keks[i]; k.Region == region && len(k.Blob) > 0 {
			return k
		}
	}
	return nil
}

func (w *wire) encode() ([]byte, error) {
	b, err := json.Marshal(w)
	if err == nil && len(b) > maxWire {
		return nil, errTooLarge
	}
	return b, err
}

// errEnvelope matches envelope.ErrTampered.
var errEnvelope error = forged("the wrapped key is not a multi-region envelope of this format")

// errForged is the answer to a data key that does not open the envelope.
var errForged error = forged("the wrapped key is not authentic")

type forged string

func (f forged) Error() string        { return string(f) }
func (f forged) Is(target error) bool { return target == envelope.ErrTampered }
