package explain

import (
	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/schema"
)

// Leak is one thing that someone learns who sees what goes to the database or
// lies in it.
type Leak string

// The leaks. Beside these, every record shows its column, its logical type and
// the minute in which its key was made. Two records of one value are different,
// so that none of them shows equality or order.
const (
	// LeakValue: the value itself.
	LeakValue Leak = "value"
	// LeakLength: how long the value is, as it is stored.
	LeakLength Leak = "length"
	// LeakNull: whether there is a value.
	LeakNull Leak = "null"
	// LeakStorageClass: on SQLite whether it is an integer, a float, a text or
	// a blob.
	LeakStorageClass Leak = "storage-class"
	// LeakPartition: the id of the partition that the value belongs to.
	LeakPartition Leak = "partition"
)

// words say what a leak is to a reader.
var leakWords = map[Leak]string{
	LeakValue: "the value", LeakLength: "its length", LeakNull: "whether it is NULL",
	LeakStorageClass: "its storage class", LeakPartition: "its partition",
}

// Records returns what records of a column leak.
func Records(d rewrite.Dialect, c *schema.Column) []Leak {
	leaks := []Leak{LeakNull}
	if !oneLength(d, c.Type) {
		leaks = append(leaks, LeakLength)
	}
	if d == rewrite.SQLite {
		leaks = append(leaks, LeakStorageClass)
	}
	if c.Table.Partition.Kind != schema.PartitionConst {
		leaks = append(leaks, LeakPartition)
	}
	return leaks
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
