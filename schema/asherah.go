package schema

// asherah checks a column in Asherah's format. Its records hold a payload and
// nothing that says of which type or partition it is: the type must be one whose
// payload is what other programs store, and the partition must be known.
func (b *builder) asherah(t *Table, c *Column) {
	switch c.Type.Kind {
	case KindText, KindBytes, KindJSON:
	default:
		b.report(t, c.Name, "type", "records in Asherah's format hold text, bytes or json", "use one of these types, or format: compact")
	}
	if t.Relaxed {
		b.report(t, c.Name, "format", "partition_check is relaxed, and records in Asherah's format do not open without their partition", "use partition_check: strict, or format: compact")
	}
}
