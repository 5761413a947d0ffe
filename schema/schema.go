// Package schema describes which columns of which tables are encrypted.
//
// A Catalog is built by package config from sealsql.yaml, or by hand with New.
// It names no keys and does not look at a database; what the database holds is
// read by the driver and compared with it.
//
// Names are compared without ASCII case, everywhere and on every engine: a
// name that the database would tell apart from an annotated one by case alone
// is treated as the annotated one, which at worst refuses a statement.
package schema

// Table is an annotated table.
type Table struct {
	// Schema is empty when the configuration names the table without one; the
	// table then matches in every schema, database and attached file (threats T2).
	Schema string
	Name   string
	// Columns are the encrypted columns, in the order of the configuration.
	Columns []*Column
	// Partition says where the partition of a row comes from. The zero value
	// is the constant DefaultPartition.
	Partition Partition
	// Relaxed opens records by the partition that they name instead of
	// demanding that it equals the expected one (partition_check: relaxed). A
	// writer of the database can then show one partition's value to another.
	Relaxed bool
	// Compounds are the indexes over several columns.
	Compounds []*Compound
	// Row is the identity to which encrypted values of a row are bound.
	Row RowIdentity
	// Rebuilds is the table for which this one stands while a migrator rebuilds
	// it; Rebuilt sets it.
	Rebuilds *Table
}

// String returns the name as the configuration writes it: "table" or
// "schema.table".
func (t *Table) String() string {
	if t.Schema == "" {
		return t.Name
	}
	return t.Schema + "." + t.Name
}

// Column returns the annotated column of that name (compared without ASCII
// case), or nil.
func (t *Table) Column(name string) *Column {
	for _, c := range t.Columns {
		if c != nil && equalFold(c.Name, name) {
			return c
		}
	}
	return nil
}

// Column is an encrypted column.
type Column struct {
	// Table is set by New.
	Table *Table
	Name  string
	// ID is the stable id that is bound into every record. New sets an empty
	// one to "table.column" in lower case, without the schema, so that moving
	// a table between schemas or changing the case of its name keeps stored
	// data readable (threats T31). Changing it orphans stored data.
	ID string
	// Type is the logical type. New sets the zero value to text.
	Type Type
	// Carrier is the kind of physical column.
	Carrier Carrier
	// Default is what the driver stores where an INSERT gives the column no value, or
	// DEFAULT: a constant as the configuration spells it; nil for NULL.
	Default *string
	// Equality is the column's blind index, or nil.
	Equality *Equality
	// Prefix, Suffix and Contains are its indexes for LIKE, or nil.
	Prefix, Suffix, Contains *Fragments
	// Range is the column's index for comparisons by order, or nil.
	Range *Range
	// Next are the definitions to which they are being moved.
	Next Next
	// Accepted is what the configuration accepts that the server learns
	// (accept_leakage).
	Accepted Leakage
	// Verify says whether values are compared with their indexes where a SELECT
	// finds rows by these.
	Verify Verification
	// ClientSort is the number of rows up to which the driver sorts by the column
	// where the server cannot; 0 for none.
	ClientSort int
	// Scan is the number of rows that a search by pattern may open in vain where
	// the column is searched by equality alone, so that all are read; 0 refuses
	// such searches.
	Scan int
	// Sealing is the form of the records.
	Sealing Sealing
	// AuditReads and AuditWrites have statements that show, or seal, values of
	// the column recorded in the audit trail; AuditSearches those that compare it
	// through an index, and AuditDeletes those that delete rows.
	AuditReads, AuditWrites, AuditSearches, AuditDeletes bool
	// Unbound takes the column out of the table's row identity.
	Unbound bool

	indexes []Index
	// retired are indexes that are not written any more, unborn those that are
	// not yet; their columns may be there.
	retired, unborn []Index
}

// String returns "table.column".
func (c *Column) String() string {
	if c.Table == nil {
		return c.Name
	}
	return c.Table.Name + "." + c.Name
}

// Verification says what becomes of a row whose value has another index than
// the one that is stored beside it.
type Verification uint8

// The verifications: nothing is compared; the row is an error; it is counted,
// logged and handed out.
const (
	VerifyNever Verification = iota
	VerifyAlways
	VerifyReport
)

// Verifications are the words of the configuration.
var Verifications = map[string]Verification{"never": VerifyNever, "always": VerifyAlways, "report": VerifyReport}

// Carrier says what kind of physical column holds the records.
type Carrier uint8

// The carriers: raw records in bytea, VARBINARY, BLOB; "ss1." armour in text;
// data row records of Asherah's format, as JSON in text or a JSON type.
const (
	CarrierBinary Carrier = iota
	CarrierText
	CarrierAsherah
)

// String returns the word that the configuration uses.
func (c Carrier) String() string {
	switch c {
	case CarrierText:
		return "text"
	case CarrierAsherah:
		return "asherah"
	}
	return "binary"
}

// DefaultPartition is the constant partition of tables that say nothing else.
const DefaultPartition = "default"

// PartitionKind says where a row's partition comes from.
type PartitionKind uint8

// The sources of a partition.
const (
	// PartitionConst: every row of the table is in one named partition.
	PartitionConst PartitionKind = iota
	// PartitionContext: the caller names it (sealsql.WithPartition).
	PartitionContext
	// PartitionColumn: a clear column of the same row.
	PartitionColumn
)

// String returns the word that the configuration uses.
func (k PartitionKind) String() string {
	switch k {
	case PartitionConst:
		return "const"
	case PartitionContext:
		return "context"
	case PartitionColumn:
		return "column"
	}
	return "invalid"
}

// Partition is the rule by which rows find their partition.
type Partition struct {
	Kind PartitionKind
	// Const is the id for PartitionConst.
	Const string
	// Column and Type are set for PartitionColumn. Type decides the canonical
	// form that enters keys and associated data (threats T14).
	Column string
	Type   Type
}
