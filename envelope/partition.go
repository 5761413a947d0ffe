package envelope

import (
	"hash/maphash"
	"unicode/utf8"
)

// maxPartition is the longest partition id in bytes; its length is one byte in
// a record.
const maxPartition = 200

// Partition names the tenant, customer or other part whose values have keys of
// their own. It is comparable; make one with PartitionID.
type Partition struct {
	id  string
	any bool
	h   uint64
}

// PartitionID returns the partition with the given id: 1 to 200 bytes of valid
// UTF-8, compared byte by byte. Anything else is ErrPartition.
func PartitionID(id string) (Partition, error) {
	if !validPartition(id) {
		return Partition{}, ErrPartition
	}
	return Partition{id: id, h: maphash.String(seeds.hash, id)}, nil
}

func validPartition(id string) bool {
	return id != "" && len(id) <= maxPartition && utf8.ValidString(id)
}

// AnyPartition, given to Open, accepts the partition that the record names
// instead of demanding one. That lets a writer of the database show one
// partition's value in place of another's: it is for tables that are configured
// so (partition_check: relaxed). Seal refuses it.
var AnyPartition = Partition{any: true}

// ID returns the id; it is empty for AnyPartition.
func (p Partition) ID() string { return p.id }
