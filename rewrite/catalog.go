package rewrite

import "github.com/sealsql/sealsql/schema"

// RelationKind is what a relation is in the database.
type RelationKind uint8

// The kinds of relation. RelSystem is a catalog relation of the engine
// (pg_catalog, information_schema, sqlite_master), RelOther everything without
// a kind of its own (foreign tables, synonyms, virtual tables, sequences).
const (
	RelTable RelationKind = iota + 1
	RelView
	RelMaterializedView
	RelPartitioned
	RelForeign
	RelSystem
	RelSequence
	RelOther
)

// RelationID names a relation in a snapshot.
type RelationID struct{ Schema, Name string }

// CatalogColumn is a physical column as the engine describes it.
type CatalogColumn struct {
	Name string
	// Type is the engine's spelling, lower case ("bytea", "varbinary(2000)"); of a
	// column of RecordDomain the type under it.
	Type string
	// Base is the type under the domain that Type names; empty for all other types and of
	// columns of RecordDomain (PostgreSQL).
	Base string
	// Domain is the domain of records that the column has, quoted and with its
	// schema; empty for all others (PostgreSQL).
	Domain  string
	NotNull bool
	// RowID is set for another name of the rowid, which is never NULL, whatever NotNull
	// says (SQLite's INTEGER PRIMARY KEY).
	RowID bool
	// Default is the expression text; empty for none and for NULL.
	Default string
	// Generated is set for generated and identity columns.
	Generated bool
	// Invisible columns are not meant by "*" and by an INSERT without column
	// list (MySQL, MariaDB).
	Invisible bool
	// Collation is the engine's collation name, for text columns.
	Collation string
	// BytewiseEqual says that equality of this column is equality of bytes
	// (deterministic, case-sensitive, no padding), threats T14.
	BytewiseEqual bool
}

// stored is the type of the values: that under a domain.
func (c *CatalogColumn) stored() string {
	if c.Base != "" {
		return c.Base
	}
	return c.Type
}

// SnapshotRelation is what a catalog reader reports of one relation.
type SnapshotRelation struct {
	ID      RelationID
	Kind    RelationKind
	Temp    bool
	Columns []CatalogColumn
	// Strict is set where the table stores values of its columns' types alone (SQLite).
	Strict bool
	// Versioned is set where the table keeps its rows of before (MariaDB's system
	// versions), which a query reads that asks FOR SYSTEM_TIME.
	Versioned bool
	// DependsOn lists what a view (or rule) reads or writes, the parents and
	// the children of a partition or inheritance tree, the table of a synonym.
	DependsOn []RelationID
	// Definition is the text of a view, as the engine prints it: its query, or
	// the whole CREATE VIEW. Empty where it is not known.
	Definition string
	// OpaqueDefinition is set when DependsOn could not be established; the
	// relation is then never clear.
	OpaqueDefinition bool
	// Children and parents of inheritance and partitioning, also in DependsOn.
	Relatives []RelationID
	// Parents are those of them that this relation's rows are also rows of.
	Parents  []RelationID
	Triggers []SnapshotTrigger
	// Calls are the user-defined routines in constraints, defaults, generated
	// columns, index expressions and policies.
	Calls []SnapshotCall
	Rules []string
	// Checks are CHECK constraint texts; ExpressionIndexes the index
	// expressions; both lower case.
	Checks            []string
	ExpressionIndexes []string
	// Computed are the expressions of generated columns, lower case.
	Computed []string
	// Policies are the columns that the conditions of row security read.
	Policies []SnapshotPolicy
	// Unique lists the column sets of the primary key, unique constraints and
	// unique indexes.
	Unique [][]string
	// Conflicts are, of each unique index that Unique does not tell the whole of, the
	// columns in which rows that conflict are equal byte by byte: without expressions,
	// columns of which it has the beginning, and those that it compares loosely. One with
	// a condition is among them.
	Conflicts [][]string
	// References are its foreign keys.
	References []SnapshotReference
	// Source is the CREATE TABLE, where the engine keeps its text (SQLite).
	Source string
}

// SnapshotCall is a routine that a relation's definition calls: on writes, and
// where OnRead is set on reads too. Routine is spelt as in Snapshot.Routines.
type SnapshotCall struct {
	Routine string
	OnRead  bool
}

// SnapshotPolicy is a column of a relation that a policy reads, of this relation or of
// another.
type SnapshotPolicy struct{ Name, Column string }

// SnapshotTrigger is a trigger with what its body names.
type SnapshotTrigger struct {
	Name string
	// Words are the names in the body, lower case; a body that builds SQL
	// dynamically has the word "*".
	Words []string
	// Sets says that the body itself may change the session: its settings, role or
	// temporary tables.
	Sets bool
	// Text is TriggerText of a trigger that IsTokenTrigger names.
	Text string
}

// Snapshot is the state of a database's catalog at one moment, as an engine's
// reader reports it. It says nothing about sessions; Resolve does.
type Snapshot struct {
	Relations []SnapshotRelation
	// Routines are the names of user-defined functions, procedures and
	// aggregates, lower case, of user-defined operators ("operator ==="), and of
	// types to which such code converts values ("type email"); "session go_to" is
	// a function that may change settings, and "session *" says that types, casts or
	// operators run such.
	Routines []string
	// System are the columns of relations of the engine's own catalog, by lower
	// case schema and name, in order: of those that show columns of users.
	System map[RelationID][]string
	// Enums are the labels of enumerated types, in their order, by schema and name
	// as the engine keeps them: of those that alone have their name in the database,
	// and to which no cast of a user's converts (PostgreSQL).
	Enums map[RelationID][]string
	// Domains are the domains of records by their schemas, quoted and with the
	// schema (PostgreSQL).
	Domains map[string]string
	// UTF16 is set where texts are stored, and so sorted, by their UTF-16 (SQLite).
	UTF16 bool
}

// Verdict says what a statement may do with a relation.
type Verdict uint8

// The verdicts. Only VerdictClear and VerdictAnnotated let a statement go on,
// and VerdictView where the view's definition would.
const (
	VerdictUnknown Verdict = iota
	VerdictClear
	VerdictAnnotated
	VerdictRefused
	VerdictView
)

// Relation is a resolved relation name.
type Relation struct {
	ID      RelationID
	Kind    RelationKind
	Verdict Verdict
	// Reason and Hint explain VerdictRefused and VerdictUnknown.
	Reason Reason
	Hint   string
	// WriteReason refuses INSERT, UPDATE and DELETE on a relation that may be
	// read (triggers); zero when writes are fine.
	WriteReason Reason
	WriteHint   string
	// writeSets says that writing may run code that changes the session, readSets that
	// reading may, by a policy or a view.
	writeSets, readSets bool
	// Lacks is the hint for statements that bring values to an annotated table
	// which does not have one of its columns yet; empty where it has all.
	Lacks string
	// Columns is the physical order; nil with Open when it is not known.
	Columns []CatalogColumn
	Open    bool
	// Annotation is set for VerdictAnnotated.
	Annotation *schema.Table
	Unique     [][]string
	Conflicts  [][]string
	// Source is the CREATE TABLE, where the engine keeps its text.
	Source string

	// dependents are relations whose rows may be deleted with its own.
	dependents []dependent

	// sides are the tables of tokens of its contains indexes.
	sides map[*schema.Fragments]*side

	// view is the definition of a VerdictView, writes what changes writing to
	// it.
	view   *definition
	writes string
	// declared is the view's declaration in the configuration, or nil.
	declared *schema.View
	// look is what reports of the catalog show of a VerdictView.
	look *viewLook

	// lists are kept for relations of the catalog.
	lists *starLists
	// prepared are the columns as scopes see them, without and with a
	// partition in the context.
	prepared [2]struct {
		cols []column
		// shown are those that "*" shows, distinct says that no two of them have
		// one name.
		shown    []column
		distinct bool
		part     int
		rowAt    int
	}
}

// Catalog answers what names mean for one session. It is immutable; a new one
// is made when the database's or the session's state changes.
type Catalog interface {
	// Relation resolves a relation name of one to three parts.
	Relation(path []Ident) *Relation
	// Routine reports whether calls of the routine are refused: user-defined
	// ones that are not declared clear.
	Routine(path []Ident) (refused bool)
	// Declared reports whether the configuration declares the routine clear.
	Declared(path []Ident) bool
	// SetsSession reports a routine that may change the session's settings.
	SetsSession(path []Ident) bool
	// Defines reports a routine that may change the catalog.
	Defines(path []Ident) bool
	// AnySets reports whether any statement may, by the code of a type, a cast or
	// an operator.
	AnySets() bool
	// WritesSet reports whether writing to some relation may, which a deferred trigger
	// does only when the transaction ends.
	WritesSet() bool
	// FetchSets reports whether fetching from a cursor may change them, by a
	// declared routine or a view that computes its rows.
	FetchSets() bool
	// Annotated returns the annotation of a table by that name, whether it
	// exists or not.
	Annotated(path []Ident) *schema.Table
	// Mentions reports whether word, as an identifier or a word in a string or
	// body, names an annotated table or a relation that reaches one.
	Mentions(word string) bool
	// Taken reports whether a new table may not have the name, because it is
	// annotated or its name means a relation that reaches an annotated table.
	Taken(path []Ident) bool
}
