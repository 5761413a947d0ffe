package schema

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits of names and ids, in bytes. Ids and partitions enter key ids, which
// the key table holds in 255 characters.
const (
	MaxName      = 255
	MaxID        = 200
	MaxPartition = 200
)

// Problem is one fault of an annotation.
type Problem struct {
	// Table is the table's name as Table.String gives it; empty for a fault of
	// the options.
	Table string
	// Column is set for faults of one column.
	Column string
	// Field is the part at fault in the configuration's words: "id", "type",
	// "carrier", "algorithm", "compress", "pad", "read", "columns", "partition",
	// "partition.column", "partition.type", "partition.const", "bind_row",
	// "bind_row.column", "bind_row.type", "clear_tables.N", "views.NAME" and what
	// is below it, or empty for the whole.
	Field string
	// Message says what is wrong, Hint what to do (or is empty).
	Message string
	Hint    string
}

func (p *Problem) Error() string {
	where := p.Table
	if p.Column != "" {
		where += "." + p.Column
	}
	if p.Field != "" {
		where = strings.TrimSpace(where + " " + p.Field)
	}
	s := where + ": " + p.Message
	if p.Hint != "" {
		s += "; " + p.Hint
	}
	return s
}

// Problems is the error of New: every fault that it found.
type Problems []*Problem

func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.Error()
	}
	return "schema: " + strings.Join(lines, "\n")
}

// New checks annotations and makes a Catalog of them. It takes the tables over
// and completes them: the columns' Table, empty IDs, zero Types and a zero
// Partition get their defaults. A catalog without tables is valid.
//
// The error is Problems. New refuses what would make two things one or leave
// a row without a partition: names, ids and tags that occur twice, a partition
// column that is itself encrypted or whose type has no canonical form, a
// clear_tables entry that covers an annotated table.
//
// Columns may share an id on purpose, by giving it with ID: values then open
// in each of them. That takes equal types, and at most one of them may have
// the id by default; two tables of one name in two schemas must therefore say
// what they want.
func New(tables []*Table, o Options) (*Catalog, error) {
	b := builder{
		cat:  &Catalog{byName: map[string][]*Table{}, clear: map[clearTable]bool{}},
		ids:  map[string]*Column{},
		tags: map[[4]byte]string{},
	}
	for _, t := range tables {
		b.table(t)
	}
	b.groupsMove()
	for i, name := range o.ClearTables {
		b.clearTable(fmt.Sprintf("clear_tables.%d", i), name)
	}
	for _, v := range o.Views {
		b.view(v)
	}
	if len(b.problems) > 0 {
		return nil, b.problems
	}
	return b.cat, nil
}

type builder struct {
	cat      *Catalog
	ids      map[string]*Column
	implicit map[string]bool // ids that one column has by default
	tags     map[[4]byte]string
	problems Problems
}

func (b *builder) report(t *Table, column, field, message, hint string) {
	p := &Problem{Column: column, Field: field, Message: message, Hint: hint}
	if t != nil {
		p.Table = t.String()
	}
	b.problems = append(b.problems, p)
}

func (b *builder) table(t *Table) {
	if t == nil {
		b.report(nil, "", "", "a table is nil", "")
		return
	}
	if fault := nameFault(t.Name); fault != "" {
		b.report(t, "", "", "table name "+fault, "")
		return
	}
	if fault := nameFault(t.Schema); t.Schema != "" && fault != "" {
		b.report(t, "", "", "schema name "+fault, "")
		return
	}
	key := lower(t.Name)
	for _, other := range b.cat.byName[key] {
		if equalFold(other.Schema, t.Schema) {
			b.report(t, "", "", "table is annotated twice", "names are compared without case; merge the two entries")
			return
		}
	}
	b.cat.byName[key] = append(b.cat.byName[key], t)
	b.cat.tables = append(b.cat.tables, t)
	if len(t.Columns) == 0 {
		b.report(t, "", "columns", "table has no encrypted column", "name one, or remove the table")
	}
	for i, c := range t.Columns {
		b.column(t, i, c)
	}
	b.partition(t)
	b.collectIndexes(t)
	b.equality(t)
	b.fragments(t)
	b.ranges(t)
	b.next(t)
	b.row(t)
	b.compounds(t)
}

func (b *builder) column(t *Table, i int, c *Column) {
	if c == nil {
		b.report(t, "", "", "a column is nil", "")
		return
	}
	if fault := nameFault(c.Name); fault != "" {
		b.report(t, c.Name, "", "column name "+fault, "")
		return
	}
	for _, other := range t.Columns[:i] {
		if other != nil && equalFold(other.Name, c.Name) {
			b.report(t, c.Name, "", "column is annotated twice", "names are compared without case; merge the two entries")
			return
		}
	}
	c.Table = t
	if c.Carrier > CarrierAsherah {
		b.report(t, c.Name, "carrier", "unknown carrier", "use binary or text")
	}
	if c.Type == (Type{}) {
		c.Type.Name = "text"
	}
	if !c.Type.complete() {
		b.report(t, c.Name, "type", "type was not made by ParseType", "")
		return
	}
	b.sealing(t, c)
	if c.Carrier == CarrierAsherah {
		b.asherah(t, c)
	}
	b.id(t, c)
}

// id completes and checks the column's id, and that its tag is its own.
func (b *builder) id(t *Table, c *Column) {
	byDefault := c.ID == ""
	if byDefault {
		c.ID = lower(t.Name + "." + c.Name)
	}
	if fault := idFault(c.ID, MaxID); fault != "" {
		b.report(t, c.Name, "id", "column id "+fault, "give a shorter one with id:")
		return
	}
	first, shared := b.ids[c.ID]
	if !shared {
		b.tag(t, c)
		b.ids[c.ID] = c
		b.note(c.ID, byDefault)
		return
	}
	if byDefault && b.implicit[c.ID] {
		b.report(t, c.Name, "id", "column id is the same as that of "+first.Table.String()+"."+first.Name,
			"give one of the two an id of its own with id:, or both the same one on purpose")
		return
	}
	b.note(c.ID, byDefault)
	if !first.Type.Same(c.Type) {
		b.report(t, c.Name, "id", "column shares the id of "+first.Table.String()+"."+first.Name+" but not its type",
			"columns with one id need one type")
	}
}

func (b *builder) note(id string, byDefault bool) {
	if !byDefault {
		return
	}
	if b.implicit == nil {
		b.implicit = map[string]bool{}
	}
	b.implicit[id] = true
}

// tag refuses two ids whose tags are equal: a record could then not tell to
// which of the columns it belongs (threats T15, T31).
func (b *builder) tag(t *Table, c *Column) {
	tag := Tag(c.ID)
	if other, taken := b.tags[tag]; taken {
		b.report(t, c.Name, "id", fmt.Sprintf("column id has the same tag as the id %q", other),
			"give the newer of the two columns another id with id:")
		return
	}
	b.tags[tag] = c.ID
}

func (b *builder) partition(t *Table) {
	p := &t.Partition
	switch p.Kind {
	case PartitionConst:
		if p.Const == "" {
			p.Const = DefaultPartition
		}
		if fault := idFault(p.Const, MaxPartition); fault != "" {
			b.report(t, "", "partition.const", "partition "+fault, "")
		}
		if p.Column != "" {
			b.report(t, "", "partition", "a constant partition has no column", "")
		}
	case PartitionContext:
		if p.Const != "" || p.Column != "" {
			b.report(t, "", "partition", "a partition from the context has neither a constant nor a column", "")
		}
	case PartitionColumn:
		b.partitionColumn(t)
	default:
		b.report(t, "", "partition", "unknown kind of partition", "use column, context or const")
	}
}

func (b *builder) partitionColumn(t *Table) {
	p := &t.Partition
	if fault := nameFault(p.Column); fault != "" {
		b.report(t, "", "partition.column", "column name "+fault, "")
	}
	if p.Const != "" {
		b.report(t, "", "partition", "a partition from a column has no constant", "")
	}
	if t.Column(p.Column) != nil {
		b.report(t, "", "partition.column", "the partition column is itself encrypted",
			"its value must be readable to find the key; use a clear column")
	}
	if !p.Type.complete() {
		b.report(t, "", "partition.type", "a partition column needs a type", "the type decides the form in which its values name keys")
		return
	}
	if reason := noCanonicalForm(p.Type); reason != "" {
		b.report(t, "", "partition.type", reason, "use a column of type text, int64, uuid, numeric or date")
	}
}

// noCanonicalForm says why values of a type cannot name a partition or a row: equal
// values must have one form on every way in and out of the database (T14).
func noCanonicalForm(t Type) string {
	switch t.Kind {
	case KindText:
		if t.Fixed {
			return "char(n) cannot name a partition or a row: the engines pad and cut its blanks"
		}
		return ""
	case KindInt, KindUUID, KindNumeric, KindDate, KindBytes:
		return ""
	}
	return t.Kind.String() + " cannot name a partition or a row: its values have no single form"
}

func (b *builder) clearTable(field, entry string) {
	schemaName, name, qualified := strings.Cut(entry, ".")
	if !qualified {
		schemaName, name = "", entry
	}
	if fault := nameFault(name); fault != "" || qualified && nameFault(schemaName) != "" {
		b.report(nil, "", field, fmt.Sprintf("%q is not a table name", entry), "write table or schema.table")
		return
	}
	for _, t := range b.cat.byName[lower(name)] {
		if schemaName == "" || t.Schema == "" || equalFold(t.Schema, schemaName) {
			b.report(nil, "", field, fmt.Sprintf("%q covers the annotated table %s", entry, t),
				"a table is either annotated or clear")
			return
		}
	}
	b.cat.clear[clearTable{lower(schemaName), lower(name)}] = true
}

// nameFault says what is wrong with a name of the database.
func nameFault(s string) string {
	switch {
	case s == "":
		return "is empty"
	case len(s) > MaxName:
		return fmt.Sprintf("is longer than %d bytes", MaxName)
	}
	return textFault(s)
}

// idFault says what is wrong with an id that enters keys and records.
func idFault(s string, limit int) string {
	switch {
	case s == "":
		return "is empty"
	case len(s) > limit:
		return fmt.Sprintf("is longer than %d bytes", limit)
	case strings.TrimSpace(s) != s:
		return "begins or ends with a blank"
	}
	return textFault(s)
}

func textFault(s string) string {
	if !utf8.ValidString(s) {
		return "is not valid UTF-8"
	}
	for _, r := range s {
		if unicode.IsControl(r) {
			return "holds a control character"
		}
	}
	return ""
}

// complete reports whether t is what ParseType made of its spelling. A type
// that has only a Name is completed from it.
func (t *Type) complete() bool {
	if *t == (Type{Name: t.Name}) {
		t.Declared = t.Name
	}
	parsed, err := ParseType(t.Declared)
	if err != nil || *t != parsed && *t != (Type{Name: t.Name, Declared: t.Name}) {
		return false
	}
	*t = parsed
	return true
}
