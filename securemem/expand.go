package securemem

import (
	"crypto/fips140"
	"errors"
)

// Expand is Secret.Expand for a key that lives no longer than one call of its
// owner, who wipes it: a random data key on its way to being wrapped.
func Expand(out []byte, key *[SecretSize]byte, info []byte) error {
	if len(info) > MaxInfo || len(out) > MaxExpand {
		return errors.New("securemem: argument of Expand is too long")
	}
	ReserveStack()
	defer scrub()
	return expandBy(out, key, info)
}

// expandBy computes it as the mode demands.
func expandBy(out []byte, key *[SecretSize]byte, info []byte) error {
	if fips140.Enabled() {
		return expandModule(out, key[:], info)
	}
	expand(out, key, info)
	return nil
}
