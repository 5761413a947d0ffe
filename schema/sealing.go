package schema

import "slices"

// Suite says how the values of a column are encrypted; package envelope
// specifies the suites.
type Suite string

// The suites. The zero value is SuiteAES.
const (
	SuiteAES      Suite = "AES-256-GCM"
	SuiteWrapped  Suite = "AES-256-GCM-wrapped"
	SuiteChaCha20 Suite = "ChaCha20-Poly1305"
)

// Forms of records that Sealing.Read may name besides suites.
const (
	ReadUnbound    = "unbound"
	ReadPadded     = "padded"
	ReadUnpadded   = "unpadded"
	ReadCompressed = "compressed"
)

// ReadWords is the vocabulary of Sealing.Read.
func ReadWords() []string {
	return []string{
		string(SuiteAES), string(SuiteWrapped), string(SuiteChaCha20),
		ReadUnbound, ReadPadded, ReadUnpadded, ReadCompressed,
	}
}

// Bounds of Sealing, in bytes.
const (
	MinCompress = 16
	MaxCompress = 1 << 30
	MinPad      = 16
	MaxPad      = 65536
	// PadPadme is the padding to the lengths of PADMÉ.
	PadPadme = -1
)

// Sealing is the form of a column's records. Records in another form do not
// open, unless Read names it (threats T15).
type Sealing struct {
	Suite Suite
	// Compress is the size from which values are compressed, MinCompress to
	// MaxCompress; 0 is never.
	Compress int
	// Pad is 0, PadPadme, or a power of two from MinPad to MaxPad.
	Pad int
	// Read lists suites and forms that are opened besides the one that is
	// sealed.
	Read []string
}

// Reads reports whether the column's records may have a suite or form: it is
// the one that is sealed, or Read names it.
func (c *Column) Reads(word string) bool {
	if slices.Contains(c.Sealing.Read, word) {
		return true
	}
	switch word {
	case ReadUnbound:
		return !c.BindsRow()
	case ReadPadded:
		return c.Sealing.Pad != 0
	case ReadUnpadded:
		return c.Sealing.Pad == 0
	case ReadCompressed:
		return c.Sealing.Compress > 0
	}
	return word == string(c.Sealing.Suite)
}

// ReadsAll reports whether the column reads every record that another one may
// hold, as far as their form goes.
func (c *Column) ReadsAll(o *Column) bool {
	for _, word := range ReadWords() {
		if o.Reads(word) && !c.Reads(word) {
			return false
		}
	}
	return true
}

// BindsRow reports whether values of the column are bound to the row identity
// of the table.
func (c *Column) BindsRow() bool {
	return c.Table != nil && c.Table.Row.Column != "" && !c.Unbound
}

// RowIdentity names a clear column whose value enters the associated data of the
// table's encrypted values, so that they open in their own row only. It must not
// change and should be unique within a partition.
type RowIdentity struct {
	// Column is empty for tables that do not bind rows.
	Column string
	// Type decides the canonical form (threats T14).
	Type Type
}

// sealing completes and checks the form of a column's records.
func (b *builder) sealing(t *Table, c *Column) {
	s := &c.Sealing
	if s.Suite == "" {
		s.Suite = SuiteAES
	}
	if s.Suite != SuiteAES && s.Suite != SuiteWrapped && s.Suite != SuiteChaCha20 {
		b.report(t, c.Name, "algorithm", "unknown suite", "use AES-256-GCM")
	}
	if s.Compress != 0 && (s.Compress < MinCompress || s.Compress > MaxCompress) {
		b.report(t, c.Name, "compress", "the threshold is out of bounds", "16 bytes to 1 GiB, or none")
	}
	if p := s.Pad; p != 0 && p != PadPadme && (p < MinPad || p > MaxPad || p&(p-1) != 0) {
		b.report(t, c.Name, "pad", "unknown padding", "a power of two from 16 to 65536, padme or none")
	}
	for _, word := range s.Read {
		if !slices.Contains(ReadWords(), word) {
			b.report(t, c.Name, "read", "unknown suite or form", "")
		}
	}
	if c.Carrier == CarrierAsherah {
		b.plainSealing(t, c)
	}
	if slices.Contains(s.Read, ReadUnbound) && !c.BindsRow() {
		b.report(t, c.Name, "read", "unbound is read in a column that does not bind rows", "add bind_row to the table, or leave the word out")
	}
}

// plainSealing refuses what records in Asherah's format have no place for.
func (b *builder) plainSealing(t *Table, c *Column) {
	s := &c.Sealing
	if s.Suite != SuiteAES || s.Pad != 0 || s.Compress != 0 || len(s.Read) > 0 {
		b.report(t, c.Name, "format", "records in Asherah's format have one algorithm, and neither padding nor compression",
			"remove algorithm, data_key, pad, compress and read, or undo for this column what defaults and table say, as with pad: none and read: []; or use format: compact")
	}
	if c.BindsRow() {
		b.report(t, c.Name, "format", "records in Asherah's format are not bound to rows", "add bind_row: false to the column, or use format: compact")
	}
}

// row checks the row identity of a table.
func (b *builder) row(t *Table) {
	r := &t.Row
	if r.Column == "" {
		if r.Type != (Type{}) {
			b.report(t, "", "bind_row", "the row identity has a type and no column", "")
		}
		return
	}
	if fault := nameFault(r.Column); fault != "" {
		b.report(t, "", "bind_row.column", "column name "+fault, "")
	}
	switch {
	case t.Column(r.Column) != nil:
		b.report(t, "", "bind_row.column", "the column of the row identity is itself encrypted",
			"its value must be readable to open the others; use a clear key column")
	case t.Partition.Kind == PartitionColumn && equalFold(r.Column, t.Partition.Column):
		b.report(t, "", "bind_row.column", "the partition column tells partitions apart, not rows", "use the table's key column")
	}
	if !r.Type.complete() {
		b.report(t, "", "bind_row.type", "a row identity needs a type", "the type decides the form in which its values are bound")
		return
	}
	if reason := noCanonicalForm(r.Type); reason != "" {
		b.report(t, "", "bind_row.type", reason, "use a key column of type uuid, int64, text, numeric or date")
	}
}
