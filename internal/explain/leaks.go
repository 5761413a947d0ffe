package explain

import (
	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/schema"
)

// Leak is one thing that someone learns who sees what goes to the database or
// lies in it.
type Leak string

// The leaks. Beside these, every compact record shows its column, its logical
// type and the minute in which its key was made, one in Asherah's format the
// service, the product and the minute in which its key was made. Two records of
// one value are different, so that none of them shows equality or order; that is
// for search indexes.
const (
	// LeakValue: the value itself.
	LeakValue Leak = "value"
	// LeakLength: how long the value is, as it is stored.
	LeakLength Leak = "length"
	// LeakPaddedLength: how long it is after padding.
	LeakPaddedLength Leak = "padded-length"
	// LeakCompressed: how well it compresses, by its length.
	LeakCompressed Leak = "compressibility"
	// LeakNull: whether there is a value.
	LeakNull Leak = "null"
	// LeakStorageClass: on SQLite whether it is an integer, a float, a text or
	// a blob.
	LeakStorageClass Leak = "storage-class"
	// LeakPartition: the id of the partition that the value belongs to.
	LeakPartition Leak = "partition"
	// LeakTime: the second in which the value was sealed (Asherah's format).
	LeakTime Leak = "time"
	// LeakEquality: which other values in its partition it is equal to, and so
	// how often it occurs; with a group, among all columns of the group.
	LeakEquality Leak = "equality"
	// LeakEqualityEverywhere: the same among all partitions of the table.
	LeakEqualityEverywhere Leak = "equality-across-partitions"
	// LeakCombination: which rows in its partition are equal in all columns of a
	// compound index; LeakCombinationEverywhere the same among all partitions.
	LeakCombination           Leak = "equality-of-combination"
	LeakCombinationEverywhere Leak = "equality-of-combination-across-partitions"
	// LeakPrefix, LeakSuffix and LeakPieces: which other texts in its partition
	// it shares beginnings, ends or any pieces with. The last tells about how long
	// it is, and from many values much of natural text.
	LeakPrefix Leak = "shared-prefixes"
	LeakSuffix Leak = "shared-suffixes"
	LeakPieces Leak = "shared-pieces"
	// LeakOrder: which other values in its partition are smaller, equal and
	// greater, and about how far away; LeakOrderEverywhere the same among all
	// partitions of the table.
	LeakOrder           Leak = "order"
	LeakOrderEverywhere Leak = "order-across-partitions"
	// LeakNear: which other values share its leading bits, four by four; to who
	// sees queries, also which of these groups lie beside each other.
	LeakNear Leak = "shared-leading-bits"
	// LeakOutcome: how it compares with a literal of the statement.
	LeakOutcome Leak = "outcome-of-comparison"
)

// words say what a leak is to a reader.
var leakWords = map[Leak]string{
	LeakValue: "the value", LeakLength: "its length", LeakPaddedLength: "its padded length", LeakCompressed: "how well it compresses", LeakNull: "whether it is NULL",
	LeakStorageClass: "its storage class", LeakPartition: "its partition", LeakTime: "when it was sealed",
	LeakPrefix: "which texts begin like it", LeakSuffix: "which texts end like it", LeakPieces: "which texts share pieces with it, and about how many it has",
	LeakEquality: "which values it is equal to", LeakEqualityEverywhere: "which values of all partitions it is equal to",
	LeakCombination: "which rows are equal in all of these columns", LeakCombinationEverywhere: "which rows of all partitions are equal in all of these columns",
	LeakNear:    "which values are near it",
	LeakOutcome: "how it compares with a literal of the statement",
	LeakOrder:   "how it compares with other values, and about how far away they are", LeakOrderEverywhere: "how it compares with the values of all partitions, and about how far away they are",
}

// Records returns what records of a column leak.
func Records(d rewrite.Dialect, c *schema.Column) []Leak {
	leaks := []Leak{LeakNull}
	if c.Carrier == schema.CarrierAsherah {
		return append(leaks, LeakLength, LeakPartition, LeakTime)
	}
	switch {
	case oneLength(d, c.Type):
	case c.Sealing.Pad != 0:
		leaks = append(leaks, LeakPaddedLength)
	default:
		leaks = append(leaks, LeakLength)
	}
	if c.Sealing.Compress > 0 {
		leaks = append(leaks, LeakCompressed)
	}
	if d == rewrite.SQLite {
		leaks = append(leaks, LeakStorageClass)
	}
	if c.Table.Partition.Kind != schema.PartitionConst {
		leaks = append(leaks, LeakPartition)
	}
	return leaks
}

// Searchable returns what the values of a search index leak.
func Searchable(e schema.Index) []Leak {
	if f, ok := e.(*schema.Fragments); ok {
		return []Leak{map[schema.FragmentKind]Leak{
			schema.PrefixFragments: LeakPrefix, schema.SuffixFragments: LeakSuffix, schema.ContainsFragments: LeakPieces,
		}[f.Kind]}
	}
	everywhere := e.AllPartitions() && e.Column().Table.Partition.Kind != schema.PartitionConst
	r, ranged := e.(*schema.Range)
	switch _, compound := e.(*schema.Compound); {
	case compound && everywhere:
		return []Leak{LeakCombinationEverywhere}
	case compound:
		return []Leak{LeakCombination}
	case ranged && r.Order == schema.OrderHidden:
		return []Leak{LeakNear}
	case ranged && everywhere:
		return []Leak{LeakOrderEverywhere}
	case ranged:
		return []Leak{LeakOrder}
	case everywhere:
		return []Leak{LeakEqualityEverywhere}
	}
	return []Leak{LeakEquality}
}

// oneLength reports whether all values of a type have the same length. A
// column of SQLite may hold values of any storage class, so that there only the
// classes have one.
func oneLength(d rewrite.Dialect, t schema.Type) bool {
	switch t.Kind {
	case schema.KindInt, schema.KindFloat, schema.KindBool, schema.KindUUID:
		return d != rewrite.SQLite
	case schema.KindDate, schema.KindTime, schema.KindTimestamp, schema.KindTimestampTZ:
		return d == rewrite.Postgres
	}
	return false
}
