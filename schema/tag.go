package schema

import "crypto/sha256"

// tagDomain separates this use of SHA-256 from every other. It is part of the
// record format.
const tagDomain = "sealsql column tag v1\x00"

// Tag returns the four bytes by which a record names the column it belongs to:
// the start of SHA-256 over tagDomain and the stable id. Four bytes tell the
// columns of one configuration apart (New refuses two ids with one tag); they
// prove nothing by themselves, the whole id is in the associated data.
func Tag(id string) [4]byte {
	sum := sha256.Sum256([]byte(tagDomain + id))
	return [4]byte(sum[:4])
}
