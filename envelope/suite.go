package envelope

import (
	"crypto/fips140"
	"errors"
	"fmt"
)

// Suite says how a value is encrypted and where its data key comes from. It is
// the low half of a record's fourth byte; the package documentation shows the
// layouts.
type Suite uint8

// The suites of version 1.
const (
	// SuiteDerived: AES-256-GCM under a data key derived from the intermediate
	// key. The default; 70 bytes more than the value.
	SuiteDerived Suite = 1
	// SuiteWrapped: AES-256-GCM under a random data key, which lies in the
	// record wrapped by the intermediate key: Rewrap puts it under another one
	// without touching the value. 118 bytes more than the value.
	SuiteWrapped Suite = 2
	// SuiteChaCha20: ChaCha20-Poly1305 (RFC 8439) under a derived data key, for
	// machines without AES instructions; 70 bytes more than the value. Not in
	// FIPS 140-3 mode.
	SuiteChaCha20 Suite = 3
)

// ErrFIPS is returned by Sealer.Column for a suite that FIPS 140-3 mode
// (crypto/fips140.Enabled) does not allow.
var ErrFIPS = errors.New("sealsql: ChaCha20-Poly1305 is not approved in FIPS 140-3 mode; use AES-256-GCM")

// String returns the name that the configuration gives the suite.
func (x Suite) String() string {
	switch x {
	case SuiteDerived:
		return "AES-256-GCM"
	case SuiteWrapped:
		return "AES-256-GCM-wrapped"
	case SuiteChaCha20:
		return "ChaCha20-Poly1305"
	}
	return fmt.Sprintf("Suite(%d)", uint8(x))
}

// known reports whether the suite is one of version 1.
func (x Suite) known() bool { return SuiteDerived <= x && x <= SuiteChaCha20 }

// allowed returns why values can neither be sealed nor opened with the suite.
func (x Suite) allowed() error {
	switch {
	case !x.known():
		return errors.New("sealsql: unknown suite")
	case x == SuiteChaCha20 && fips140.Enabled():
		return ErrFIPS
	}
	return nil
}

// version1 is the high half of the suite byte.
const version1 = 0x10

// wire is the suite byte.
func (x Suite) wire() byte { return version1 | byte(x) }

// keyBlock is the length of what a record holds of its data key between the
// header and the commitment: a salt, or the wrapped key.
func (x Suite) keyBlock() int {
	if x == SuiteWrapped {
		return boxSize + keySize
	}
	return saltSize
}
