package schema

import (
	"crypto/sha256"
	"encoding/binary"
)

// tagDomain separates this use of SHA-256 from every other. It is part of the
// record format: package envelope writes the same tags into records, which a
// test of package driver checks.
const tagDomain = "sealsql/v1/column"

// Tag returns the four bytes by which a record names the column it belongs to:
// the start of SHA-256 over tagDomain and the stable id, each behind its length
// in four bytes. Four bytes tell the columns of one configuration apart (New
// refuses two ids with one tag); they prove nothing by themselves, the whole id
// is in the associated data.
func Tag(id string) [4]byte {
	b := make([]byte, 0, 8+len(tagDomain)+len(id))
	for _, f := range []string{tagDomain, id} {
		b = binary.BigEndian.AppendUint32(b, uint32(len(f)))
		b = append(b, f...)
	}
	sum := sha256.Sum256(b)
	return [4]byte(sum[:4])
}
