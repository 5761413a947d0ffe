package rewrite

import (
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"

	"github.com/sealsql/sealsql/schema"
)

// Record sizes as the physical types must allow for them: what a record adds
// to its payload at most, with the id of a partition where it is carried. They
// are upper bounds of what package envelope writes; a test there and here
// keeps them so.
const (
	recordOverhead    = 72
	partitionOverhead = 204
	// recordMagic begins every record, armourPrefix every armoured one.
	recordMagic    = "F95351"
	recordMagicEnd = "F95352" // the first three bytes that sort behind a record's
	armourPrefix   = "ss1."
)

// maxGuardName is the length of a name that every engine keeps, in bytes:
// PostgreSQL cuts longer ones without an error, MySQL refuses more than 64
// characters.
const maxGuardName = 63

const guardPrefix = "sealsql_guard_"

// GuardName is the name of the CHECK constraint that keeps anything but
// records out of a column (threats T10), at most 63 bytes long: the end of a
// longer one gives way to a hash of the whole.
func GuardName(c *schema.Column) string {
	return guardName(c.Table.Name, c.Name)
}

func guardName(table, column string) string {
	name := guardPrefix + strings.ToLower(table) + "_" + strings.ToLower(column)
	if len(name) <= maxGuardName {
		return name
	}
	h := fnv.New64a()
	h.Write([]byte(name))
	return strings.ToValidUTF8(name[:maxGuardName-17], "") + fmt.Sprintf("_%016x", h.Sum64())
}

// Guard is the condition of the constraint, with the column quoted. It leaks
// nothing: it looks at the length and the first bytes of the record. Lengths
// are tested first, so that no engine reads past a short value.
//
// PostgreSQL reads the constraints of a table anew for every statement that writes,
// each part of them for half a microsecond: its guard of a binary column is one
// comparison, which is NULL for NULL and holds then, as it does for the others. LIKE
// has the fewest parts, but reads the whole of a value that is stored out of line,
// also for an UPDATE of other columns: long values are cut first.
func Guard(f Frontend, c *schema.Column) string {
	q := f.QuoteIdent(c.Name)
	if f.Dialect() == Postgres && c.Carrier == schema.CarrierBinary {
		if short(&c.Type) {
			return q + " LIKE '\\x" + recordMagic + "25'::bytea" // 25 is %
		}
		return "substring(" + q + " FROM 1 FOR 3) = '\\x" + recordMagic + "'::bytea"
	}
	test := map[Dialect]string{
		MySQL: "octet_length(%[1]s) > 20 AND hex(substr(%[1]s, 1, 3)) = '" + recordMagic + "'",
		// Blobs sort behind numbers and text, so that the range alone admits
		// blobs with the mark only. SQLite compiles the check with every
		// statement: without function calls it costs half as much.
		SQLite: "length(%[1]s) > 20 AND %[1]s > x'" + recordMagic + "' AND %[1]s < x'" + recordMagicEnd + "'",
	}[f.Dialect()]
	if c.Carrier == schema.CarrierText {
		test = map[Dialect]string{
			Postgres: "length(%[1]s) > 20 AND substr(%[1]s, 1, 4) = '" + armourPrefix + "'",
			MySQL:    "length(%[1]s) > 20 AND substr(%[1]s, 1, 4) = '" + armourPrefix + "'",
			SQLite:   "typeof(%[1]s) = 'text' AND length(%[1]s) > 20 AND substr(%[1]s, 1, 4) = '" + armourPrefix + "'",
		}[f.Dialect()]
	}
	if c.Carrier == schema.CarrierAsherah {
		test = asherahGuard[f.Dialect()]
	}
	return q + " IS NULL OR (" + fmt.Sprintf(test, q) + ")"
}

// shortText is the length of texts, in characters, whose records PostgreSQL reads as
// quickly whole as in part.
const shortText = 1000

// short reports a type of which no value is long.
func short(t *schema.Type) bool {
	switch t.Kind {
	case schema.KindText:
		return 0 < t.Length && t.Length <= shortText
	case schema.KindNumeric:
		return t.HasPrecision
	case schema.KindBytes, schema.KindJSON, schema.KindArray:
		return false
	}
	return true
}

// MissingGuards lists the annotated columns of the snapshot whose guard is not
// there.
func MissingGuards(snap *Snapshot, annotations *schema.Catalog) []*schema.Column {
	var out []*schema.Column
	for i := range snap.Relations {
		r := &snap.Relations[i]
		t := annotations.Lookup(r.ID.Schema, r.ID.Name)
		if t == nil || r.Temp || r.Kind != RelTable && r.Kind != RelPartitioned {
			continue
		}
		for _, c := range t.Columns {
			if r.has(c.Name) && !guarded(r, c) {
				out = append(out, c)
			}
		}
	}
	return out
}

func guarded(r *SnapshotRelation, c *schema.Column) bool {
	for _, chk := range r.Checks {
		if hasWord(chk, c.Name) && isGuardOf(chk, c.Carrier) {
			return true
		}
	}
	return false
}

// CarrierType is the physical type that holds the records of a column.
func CarrierType(d Dialect, c *schema.Column) string {
	if c.Carrier == schema.CarrierAsherah {
		return asherahType(d, c)
	}
	if c.Carrier == schema.CarrierText {
		if d == MySQL {
			return mysqlText(4 + (carrierBytes(c)+2)/3*4)
		}
		return "text"
	}
	switch d {
	case Postgres:
		return "bytea"
	case MySQL:
		return mysqlBinary(carrierBytes(c))
	}
	return "blob"
}

// carrierBytes is the size of the longest record of a column; 0 where the type
// has no limit of its own.
func carrierBytes(c *schema.Column) int {
	over := recordOverhead
	if c.Table.Partition.Kind != schema.PartitionConst {
		over += partitionOverhead
	}
	n := 0
	switch c.Type.Kind {
	case schema.KindText:
		n = 4 * c.Type.Length
		if c.Type.Length == 0 {
			n = familyBytes(c.Type.Base)
		}
	case schema.KindBytes:
		n = c.Type.Length
		if n == 0 {
			n = familyBytes(c.Type.Base)
		}
	case schema.KindNumeric:
		n = 80
	case schema.KindJSON:
		n = familyBytes("longtext")
	default:
		n = 40
	}
	return n + over
}

// familyBytes is what MySQL's unsized types hold.
func familyBytes(base string) int {
	switch {
	case strings.HasPrefix(base, "tiny"):
		return 255
	case strings.HasPrefix(base, "medium"):
		return 1<<24 - 1
	case strings.HasPrefix(base, "long"):
		return 1<<32 - 1
	}
	return 1<<16 - 1
}

// varLimit keeps sized columns away from MySQL's limit of 65,535 bytes a row.
const varLimit = 2048

func mysqlBinary(n int) string {
	switch {
	case n <= varLimit:
		return "varbinary(" + strconv.Itoa(n) + ")"
	case n < 1<<16:
		return "blob"
	case n < 1<<24:
		return "mediumblob"
	}
	return "longblob"
}

func mysqlText(n int) string {
	const bytewise = " CHARACTER SET ascii COLLATE ascii_bin"
	switch {
	case n <= varLimit:
		return "varchar(" + strconv.Itoa(n) + ")" + bytewise
	case n < 1<<16:
		return "text" + bytewise
	case n < 1<<24:
		return "mediumtext" + bytewise
	}
	return "longtext" + bytewise
}

// tableWords begin the elements of a CREATE TABLE that are not columns.
var tableWords = map[string]bool{
	"CONSTRAINT": true, "PRIMARY": true, "UNIQUE": true, "CHECK": true, "FOREIGN": true, "KEY": true,
	"INDEX": true, "FULLTEXT": true, "SPATIAL": true, "EXCLUDE": true, "LIKE": true, "PERIOD": true,
}

// typeEnds are the words that end the type of a column.
var typeEnds = map[string]bool{
	"NOT": true, "NULL": true, "DEFAULT": true, "PRIMARY": true, "UNIQUE": true, "CHECK": true, "REFERENCES": true,
	"COLLATE": true, "GENERATED": true, "AS": true, "CONSTRAINT": true, "COMMENT": true, "AUTO_INCREMENT": true,
	"KEY": true, "ON": true, "CHARSET": true, "VISIBLE": true, "INVISIBLE": true, "STORAGE": true, "COMPRESSION": true,
}

// physicalTable plans the edits that turn the CREATE TABLE of an annotated
// table into its physical form: carriers for types, a guard a column.
func (a *analysis) physicalTable(o *Other, t *schema.Table) error {
	toks := a.tokens(o.Range())
	name := o.Relations[0]
	open := -1
	for i, tok := range toks {
		if tok.Start >= name.End && name.Known() && isPunct(tok, "(") {
			open = i
			break
		}
		if !name.Known() && isPunct(tok, "(") {
			open = i
			break
		}
	}
	if open < 0 || o.Query != nil {
		return a.refuse(o.Start, ReasonDDL, t.Name, "write the table's columns out")
	}
	d := &tableDefinition{a: a, t: t, names: map[*schema.Column]string{}}
	if n := len(name.Path); n > 1 {
		d.schema = name.Path[n-2].Name
	}
	end, err := d.elements(toks, open)
	if err != nil {
		return err
	}
	if err := d.rest(toks[end+1:]); err != nil {
		return err
	}
	if err := d.finish(toks[end]); err != nil {
		return err
	}
	a.after = d.patternIndexes(name)
	return nil
}

// tableDefinition walks one CREATE TABLE.
type tableDefinition struct {
	a *analysis
	t *schema.Table
	// schema is that of the table; empty where the session's path says which.
	schema string
	seen   []*schema.Column
	// defined are the names of all columns.
	defined []string
	names   map[*schema.Column]string // as the statement spells them
	// unique are the columns with a UNIQUE or PRIMARY KEY of their own, keyed
	// those of the primary key.
	unique map[*schema.Column]bool
	own    *schema.Column // with PRIMARY KEY in its definition
	keyed  []*schema.Column
	places map[*schema.Column]place
	part   bool
	edits  []edit
}

// elements walks the comma-separated list behind toks[open] and returns the
// index of the closing parenthesis.
func (d *tableDefinition) elements(toks []Token, open int) (int, error) {
	depth, from := 0, open+1
	for i := open; i < len(toks); i++ {
		switch {
		case isPunct(toks[i], "("):
			depth++
		case isPunct(toks[i], ")"):
			if depth--; depth == 0 {
				return i, d.element(toks[from:i])
			}
		case isPunct(toks[i], ",") && depth == 1:
			if err := d.element(toks[from:i]); err != nil {
				return 0, err
			}
			from = i + 1
		}
	}
	return 0, d.a.refuse(toks[open].Start, ReasonDDL, d.t.Name, "close the list of columns")
}

// rest looks at what stands behind the list.
func (d *tableDefinition) rest(toks []Token) error {
	for _, t := range toks {
		if t.Kind == TokWord {
			switch strings.ToUpper(t.Text) {
			case "INHERITS", "AS", "SELECT", "LIKE", "OF":
				return d.a.refuse(t.Start, ReasonDDL, d.t.Name, "write the table's columns out")
			}
		}
	}
	return nil
}

func (d *tableDefinition) element(toks []Token) error {
	if len(toks) == 0 {
		return nil
	}
	if toks[0].Kind == TokWord && tableWords[strings.ToUpper(toks[0].Text)] {
		return d.constraint(toks)
	}
	name := d.a.foldToken(toks[0])
	d.defined = append(d.defined, name)
	if d.t.Partition.Kind == schema.PartitionColumn && strings.EqualFold(name, d.t.Partition.Column) {
		d.part = true
		return d.partitionColumn(toks)
	}
	if c := d.t.Column(name); c != nil {
		if err := d.column(c, toks); err != nil {
			return err
		}
		d.indexColumn(c, toks[len(toks)-1].End, ", ")
		return nil
	}
	if d.t.IndexColumn(name) != nil {
		return d.a.refuse(toks[0].Start, ReasonHiddenColumn, d.t.Name, indexColumnHint)
	}
	return d.constraint(toks[1:])
}

// indexColumn defines the index columns behind the column that they belong to.
func (d *tableDefinition) indexColumn(c *schema.Column, at int, lead string) {
	for _, x := range c.Indexes() {
		text := lead + d.a.front.QuoteIdent(x.Physical()) + " " + IndexType(d.a.dialect, x)
		switch {
		case x != schema.Index(c.Equality):
		case d.own == c:
			text += " PRIMARY KEY"
		case d.unique[c] && d.standalone(c):
			text += d.uniqueOf(c)
		}
		d.edits = append(d.edits, edit{span: Span{at, at}, text: text})
	}
}

// uniqueOf is the unique key of an index column, with the name that the key of
// the column itself would have had, by which migrators know it.
func (d *tableDefinition) uniqueOf(c *schema.Column) string {
	q := d.a.front.QuoteIdent
	switch d.a.dialect {
	case Postgres:
		if name := strings.ToLower(d.t.Name + "_" + d.names[c] + "_key"); len(name) <= maxGuardName {
			return " CONSTRAINT " + q(name) + " UNIQUE"
		}
	case MySQL:
		return ", UNIQUE KEY " + q(d.names[c]) + " (" + q(c.Equality.Name) + ")"
	}
	return " UNIQUE"
}

// standalone reports whether the index is unique by itself: one that is kept
// for each partition of the rows is unique together with the partition.
func (d *tableDefinition) standalone(c *schema.Column) bool {
	return c.Equality.TableScope || d.t.Partition.Kind != schema.PartitionColumn
}

// constraint refuses constraints and expressions that name an encrypted
// column.
func (d *tableDefinition) constraint(toks []Token) error {
	if isForeignKey(toks) {
		edits, err := d.a.foreignKey(d.t, toks)
		d.edits = append(d.edits, edits...)
		return err
	}
	keyed := keyWords(toks)
	if isPrimaryKey(toks) {
		if err := d.primary(toks); err != nil {
			return err
		}
	}
	var together map[int]bool
	if keyed != "" && !isPrimaryKey(toks) {
		edits, done, err := d.a.compoundKey(d.t, toks, keyed == "UNIQUE")
		if err != nil {
			return err
		}
		d.edits, together = append(d.edits, edits...), done
	}
	depth := 0
	for i, t := range toks {
		switch {
		case isPunct(t, "("):
			depth++
		case isPunct(t, ")"):
			depth--
		}
		if !isName(t) || together[i] || keyed != "" && depth == 0 {
			continue // a key may have the name of a column
		}
		c := d.t.Column(d.a.foldToken(t))
		switch {
		case d.t.IndexColumn(d.a.foldToken(t)) != nil:
			return d.a.refuse(t.Start, ReasonHiddenColumn, d.t.Name, indexColumnHint)
		case c == nil:
		case keyed == "" || c.Equality == nil:
			return d.a.refuse(t.Start, ReasonDDL, c.String(), "a constraint or index would look at ciphertext; leave the encrypted column out of it, or add search: equality to the column")
		case keyed == "UNIQUE" && c.Equality.Unique == schema.NotUnique:
			return d.a.refuse(t.Start, ReasonDDL, c.String(), uniqueHint)
		default:
			d.edits = append(d.edits, edit{span: Span{t.Start, t.End}, text: d.a.front.QuoteIdent(c.Equality.Name)})
		}
	}
	return nil
}

const (
	indexColumnHint = "the column belongs to sealsql, which defines it beside the encrypted one"
	uniqueHint      = "declare search: {equality: {unique: exact}} on the column: the unique key is over its index"
)

// keyWords tells a key over columns from other constraints: "UNIQUE", "KEY" or
// "" for the rest. A key in which anything but names, a name of the key and an
// order stands is of the rest.
func keyWords(toks words) string {
	toks = uncommented(toks)
	if toks.is("CONSTRAINT") && len(toks) > 1 {
		if toks = toks[1:]; !toks.is("UNIQUE") && !toks.is("PRIMARY", "KEY") {
			toks = toks[1:]
		}
	}
	kind := ""
	switch {
	case toks.is("UNIQUE"), toks.is("PRIMARY", "KEY"):
		kind = "UNIQUE"
	case toks.is("KEY"), toks.is("INDEX"):
		kind = "KEY"
	default:
		return ""
	}
	depth := 0
	for _, t := range toks {
		switch {
		case isPunct(t, "("):
			depth++
		case isPunct(t, ")"):
			depth--
		case depth > 1, t.Kind != TokWord && t.Kind != TokQuoted && !isPunct(t, ","):
			return "" // an expression, or a prefix of a column
		}
	}
	if toks.any("WHERE", "REFERENCES", "CHECK") {
		return ""
	}
	return kind
}

// uncommented leaves the comment of a key out (MySQL), which stands behind its
// columns.
func uncommented(toks words) words {
	depth := 0
	for i, t := range toks {
		switch {
		case isPunct(t, "("):
			depth++
		case isPunct(t, ")"):
			depth--
		case depth > 0 || i == 0 || t.Kind != TokString:
		case toks[i-1:].is("COMMENT"):
			return append(toks[:i-1:i-1], toks[i+1:]...)
		}
	}
	return toks
}

func (d *tableDefinition) partitionColumn(toks []Token) error {
	for _, t := range toks[1:] {
		if t.Kind == TokWord && (strings.EqualFold(t.Text, "DEFAULT") || strings.EqualFold(t.Text, "GENERATED")) {
			return d.a.refuse(t.Start, ReasonDDL, d.t.Name+"."+d.t.Partition.Column, "the application gives the partition of every row; leave out the default")
		}
	}
	return d.constraint(toks[1:])
}

// column replaces the type of an encrypted column and looks at what follows.
func (d *tableDefinition) column(c *schema.Column, toks []Token) error {
	end := 1
	for end < len(toks) && !d.typeEnds(toks, end) {
		end++
	}
	if err := d.typeAgrees(c, toks[1:end]); err != nil {
		return err
	}
	span := Span{toks[0].End, toks[0].End}
	typ, _ := d.a.newCarrier(d.schema, c)
	text := " " + typ
	if end > 1 {
		span, text = Span{toks[1].Start, toks[end-1].End}, text[1:]
	}
	if d.places == nil {
		d.places = map[*schema.Column]place{}
	}
	d.places[c] = place{edit: len(d.edits)}
	d.edits = append(d.edits, edit{span: span, text: text})
	d.seen = append(d.seen, c)
	d.names[c] = d.a.foldToken(toks[0])
	return d.columnConstraints(c, toks[end:])
}

func (d *tableDefinition) typeEnds(toks []Token, i int) bool {
	if toks[i].Kind != TokWord {
		return false
	}
	w := strings.ToUpper(toks[i].Text)
	if w == "CHARACTER" && i+1 < len(toks) && strings.EqualFold(toks[i+1].Text, "SET") {
		return true
	}
	return typeEnds[w]
}

// typeAgrees compares the type of the statement with the configuration's: a
// difference of kind means that one of them is wrong.
func (d *tableDefinition) typeAgrees(c *schema.Column, toks []Token) error {
	if len(toks) == 0 {
		return nil
	}
	text := d.a.script.Text[toks[0].Start:toks[len(toks)-1].End]
	t, err := schema.ParseType(text)
	if err != nil || t.Kind != c.Type.Kind {
		return d.a.refuse(toks[0].Start, ReasonDDL, c.String(), "the configuration says "+c.Type.Name+"; make them agree")
	}
	if d.t.Rebuilds != nil && !d.a.sameSize(t, c.Type) {
		// A migrator means to change it, which would have no effect.
		return d.a.refuse(toks[0].Start, ReasonDDL, c.String(), "the configuration says "+c.Type.Name+": change it there, which is all that is needed")
	}
	return nil
}

// columnConstraints keeps NULL, NOT NULL and COMMENT, drops character sets and
// collations, which ciphertext has none of, and refuses the rest.
func (d *tableDefinition) columnConstraints(c *schema.Column, toks []Token) error {
	for i := 0; i < len(toks); i++ {
		t := toks[i]
		switch w := strings.ToUpper(t.Text); {
		case t.Kind != TokWord:
			return d.refuseConstraint(c, t)
		case w == "NULL", w == "NOT" && i+1 < len(toks) && strings.EqualFold(toks[i+1].Text, "NULL"):
			if w == "NOT" {
				i++
				d.places[c] = place{d.places[c].edit, true}
			}
		case w == "DEFAULT" && i+1 < len(toks) && toks[i+1].Kind == TokWord && strings.EqualFold(toks[i+1].Text, "NULL") && i+2 == len(toks):
			i++
		case w == "DEFAULT":
			n := d.a.sameDefault(c, toks[i+1:])
			if n == 0 && c.Default != nil {
				return d.a.refuse(t.Start, ReasonDDL, c.String(), otherDefault)
			}
			if n == 0 {
				return d.a.refuse(t.Start, ReasonDDL, c.String(), undeclared)
			}
			d.drop(t, toks[i+n])
			i += n
		case w == "COMMENT" && i+1 < len(toks) && toks[i+1].Kind == TokString:
			i++
		case w == "UNIQUE" && c.Equality != nil && c.Equality.Unique != schema.NotUnique:
			end := t
			if words(toks[i+1:]).is("KEY") {
				i++
				end = toks[i]
			}
			d.drop(t, end)
			if d.unique == nil {
				d.unique = map[*schema.Column]bool{}
			}
			d.unique[c] = true
		case w == "PRIMARY" && words(toks[i:]).is("PRIMARY", "KEY") && d.ownKey(c):
			d.drop(t, toks[i+1])
			d.own, d.keyed = c, append(d.keyed, c)
			i++
		case (w == "UNIQUE" || w == "PRIMARY") && c.Equality != nil && c.Equality.Unique == schema.NotUnique:
			return d.a.refuse(t.Start, ReasonDDL, c.String(), uniqueHint)
		case w == "COLLATE" && i+1 < len(toks):
			d.drop(t, toks[i+1])
			i++
		case w == "CHARSET" && i+1 < len(toks):
			d.drop(t, toks[i+1])
			i++
		case w == "CHARACTER" && i+2 < len(toks):
			d.drop(t, toks[i+2])
			i += 2
		default:
			return d.refuseConstraint(c, t)
		}
	}
	return nil
}

func (d *tableDefinition) drop(from, to Token) {
	d.edits = append(d.edits, edit{span: Span{from.Start, to.End}, text: " "})
}

func (d *tableDefinition) refuseConstraint(c *schema.Column, t Token) error {
	return d.a.refuse(t.Start, ReasonDDL, c.String(),
		"an encrypted column takes NULL, NOT NULL and COMMENT only: the server cannot compare, check or fill in its values")
}

// finish checks that every annotated column was there and adds the guards in
// front of the closing parenthesis.
func (d *tableDefinition) finish(closing Token) error {
	for _, c := range d.t.Columns {
		if count(d.seen, c) > 1 {
			return d.a.refuse(closing.Start, ReasonDDL, c.String(), "define the column once")
		}
	}
	if err := d.partsDefined(closing); err != nil {
		return err
	}
	d.notNull()
	if d.t.Partition.Kind == schema.PartitionColumn && !d.part {
		return d.a.refuse(closing.Start, ReasonDDL, d.t.Name+"."+d.t.Partition.Column, "define the partition column")
	}
	var text strings.Builder
	for _, c := range d.t.Columns {
		if d.names[c] == "" {
			continue // added later
		}
		spelt := *c
		spelt.Name = d.names[c]
		if _, guards := d.a.newCarrier(d.schema, c); !guards {
			fmt.Fprintf(&text, ",\n  CONSTRAINT %s CHECK (%s)", d.a.front.QuoteIdent(GuardName(c)), Guard(d.a.front, &spelt))
		}
		for _, x := range c.Indexes() {
			fmt.Fprintf(&text, ",\n  CONSTRAINT %s CHECK (%s)", d.a.front.QuoteIdent(IndexGuardName(x)), spelledGuard(d.a.front, spelt.Name, x))
		}
		if d.unique[c] && !d.standalone(c) {
			fmt.Fprintf(&text, ",\n  UNIQUE (%s, %s)", d.a.front.QuoteIdent(d.t.Partition.Column), d.a.front.QuoteIdent(c.Equality.Name))
		}
		d.patternKeys(&text, c)
	}
	text.WriteByte('\n')
	d.edits = append(d.edits, edit{span: Span{closing.Start, closing.Start}, text: text.String()})
	d.a.ddl = d.edits
	d.a.touch(d.t)
	return nil
}

func count(cs []*schema.Column, c *schema.Column) int {
	n := 0
	for _, x := range cs {
		if x == c {
			n++
		}
	}
	return n
}
