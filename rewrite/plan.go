package rewrite

import "github.com/sealsql/sealsql/schema"

// Source says where an outgoing value comes from.
type Source uint8

// The sources: the caller's argument N, a literal of the text, the partition
// of the context.
const (
	FromArg Source = iota + 1
	FromLiteral
	FromContextPartition
)

// Value names a value known when a statement is executed.
type Value struct {
	Source Source
	// Arg is the caller's ordinal (from 1) for FromArg.
	Arg int
	// Literal is set for FromLiteral.
	Literal *Literal
}

// PartitionSource says which partition a value is sealed or opened under.
type PartitionSource struct {
	// Known is false when only the record itself names the partition; allowed
	// for tables with partition_check: relaxed.
	Known bool
	// Const is used when the table's partition is constant.
	Const string
	// Value is the argument, literal or context that gives the partition.
	Value *Value
	// ResultColumn is the index (from 0, in the inner result) of the column
	// that holds the row's partition; -1 when Value or Const gives it.
	ResultColumn int
}

// RowSource says which row a value is opened in, where the column binds rows.
type RowSource struct {
	// Value is the argument or literal that gives the identity; nil for
	// ResultColumn, the index (from 0, in the inner result) of the column that
	// holds it.
	Value        *Value
	ResultColumn int
}

// Out is one value of the edited statement: an argument, or a hole in the text.
type Out struct {
	Value Value
	// Seal is the column to seal for; nil passes the value as it is.
	Seal *schema.Column
	// Index asks for the value's blind index instead.
	Index schema.Index
	// Combined are the values of a compound index, one for each of its columns;
	// Value is one of them.
	Combined *Combined
	// Cover, for an index that hides the order, asks for the hash of a node: the
	// Nth of a level, both from 0. Of paths (Cover.Spans) it asks for the first or
	// the last one of a span: Level is the number of the span, Nth 0 or 1.
	Cover      *Cover
	Level, Nth int
	Partition  PartitionSource
	// Row gives the identity of the row, where Seal binds rows.
	Row *Value
	// PartitionOf asks for the canonical partition value of the table to be
	// sent (the conjunct that the driver adds, threats T13).
	PartitionOf *schema.Table
	// Casts are left out of the text and applied by the driver.
	Casts Casts
	// NotNull: the record may not be NULL, in whose place the server would store an
	// empty value.
	NotNull bool
	// Like is the comparison that a Pattern is for, Token the number of a
	// PatternToken.
	Like  *Like
	Token int
	// Decide sends, instead of the value, the outcome of a comparison: a truth
	// value, or NULL.
	Decide *Decision
	// Guard is a comparison of the same argument behind which the value stands: NULL
	// takes its place where that is not true.
	Guard *Decision
	// Compared says that the index is for a comparison, where a value is not
	// rounded, cut or checked as it would be on its way into the column.
	Compared bool
	// Rounded says that it is one nevertheless, since a cast that was left out
	// did so.
	Rounded bool
	// Folded says that only a value in lower case is equal to any: another one
	// has an index that no value has.
	Folded bool
	// List says that the value is an array, of whose elements the indexes are
	// sent as one (PostgreSQL's ANY and ALL).
	List bool
	// Exact: the record is shown, not stored. The value must be one that the
	// column stores unchanged; where columns have no type of their own (SQLite)
	// it is taken as it is.
	Exact bool
	// Text takes bytes of a pattern for text, as a cast did that was left out.
	Text bool
	// Pattern asks for a part of the pattern that Value is, as Index, a
	// *schema.Fragments, has it.
	Pattern PatternPart
	// Limit sends, instead of the value, one that limits nothing.
	Limit LimitPart
	// Null sends, instead of the value, only whether it is NULL: NULL, or 1
	// (true on PostgreSQL).
	Null bool
}

// Sealed reports whether outgoing argument i, from 0, is a record or an index that the
// driver makes.
func (p *Plan) Sealed(i int) bool {
	if p.ArgsSame || i >= len(p.Args) {
		return false
	}
	o := &p.Args[i]
	return o.Seal != nil || o.Index != nil || o.Cover != nil
}

// Combined are values that one index is of.
type Combined struct {
	Values []Value
	// Casts are those around the values, parallel to them; nil for none.
	Casts []Casts
}

// Column is the encrypted column that the value belongs to, or nil.
func (o *Out) Column() *schema.Column {
	if o.Index != nil {
		return o.Index.Column()
	}
	return o.Seal
}

// Hole is a place in the text where a sealed literal is written inline.
type Hole struct {
	// At is the offset in Plan.Text.
	At  int
	Out Out
}

// Open describes one column of the inner result.
type Open struct {
	// Columns are the annotated columns whose records may appear; empty for a
	// clear column, which passes. The record's tag says which of them it is;
	// Partitions is parallel: what is expected depends on that column.
	Columns    []*schema.Column
	Partitions []PartitionSource
	// Rows is parallel too, with nil for columns that do not bind rows; nil
	// where none does.
	Rows []*RowSource
	// Hidden columns were added by the plan and are not shown to the caller.
	Hidden bool
	// Computed: the value comes out of an expression, to which engines give no
	// declared type (SQLite).
	Computed bool
}

// Effect tells the driver what to do after a statement succeeded.
type Effect uint8

// The effects.
const (
	// EffectCatalog: the schema may have changed; catalogs are read again.
	EffectCatalog Effect = 1 << iota
	// EffectSession: session settings may have changed; they are read again.
	EffectSession
)

// Check is a comparison that the driver makes before anything is sent.
type Check struct {
	// A and B must have equal canonical partition values (a partition written
	// by an INSERT against the partition of the context, for instance).
	A, B  Value
	Table *schema.Table
	Pos   int
}

// Filter lets rows pass whose value in an inner result column equals one of
// Values (threats T22).
type Filter struct {
	Column int
	Index  *schema.Equality
	Values []Value
}

// Plan is what to do with a statement. It is immutable and shared.
type Plan struct {
	// Pass: text and arguments go out as they came, rows come back as they are.
	Pass bool
	// Text is the edited text (the caller's own when Pass).
	Text string
	// Args lists the outgoing arguments in order; nil with ArgsSame when the
	// caller's arguments go out unchanged.
	Args     []Out
	ArgsSame bool
	// ArgNames are SQLite's names of the outgoing arguments, parallel to Args.
	ArgNames []string
	Holes    []Hole
	// Params is the number of arguments that the caller has to give.
	Params int
	// ParamNames maps SQLite's parameter names to ordinals.
	ParamNames map[string]int
	// Results has one entry per column of the inner result; nil when every
	// column passes. ResultNames are the names that the caller must see, ""
	// to keep the inner one.
	Results     []Open
	ResultNames []string
	// Defaults says that the result may hold marks of defaults: see DefaultsShown.
	Defaults bool
	// Labels are the names that the inner result's encrypted columns must
	// have, compared without case; "" where the engine makes one up. Another
	// name means that the text was read against another schema (threats T8).
	Labels []string
	// Sets takes the place of Results, ResultNames and Labels in the plan of a
	// text with several statements: the results that the inner driver shows, in
	// its order. It is not nil in such a plan. NoRows says that the text can be
	// executed but not queried: which result would be shown depends on rows.
	Sets   []ResultSet
	NoRows bool
	// Describes is the annotated table whose columns a statement that passes
	// lists, with the types of their carriers (DESCRIBE, SHOW COLUMNS, PRAGMA
	// table_info).
	Describes *schema.Table
	// DescribesView are the columns of the view over annotated tables that such a
	// statement lists.
	DescribesView []ViewColumn
	// Declares is the cursor that the statement makes, where its rows need to be
	// opened; Replaces are the cursors that it makes and that need nothing.
	// Fetches are those that it reads from; in a text with several statements
	// none of them may need opening unless rows are not asked for.
	Declares          *Cursor
	Replaces, Fetches []string
	// Prepares is what the statement prepares under a name. Executes is the
	// EXECUTE that it is: the plan is that of Execute, once the driver has found
	// what was prepared; by itself it must not be run. Releases are the names
	// that it deallocates, "" for all.
	Prepares *Prepared
	Executes *Executed
	Releases []string
	Effects  Effect
	// Transacts is what a statement that passes may do to the transaction.
	Transacts Transacts
	Checks    []Check
	// Tables are the annotated tables that the plan relies on.
	Tables []*schema.Table
	// Deleted are the annotated tables whose rows it deletes, by itself or through
	// foreign keys, and whose deletions are recorded (schema.Column.AuditDeletes):
	// it does not pass then.
	Deleted []Deletion
	// Filters are comparisons that an index answers with more rows than it
	// should: those that do not match are left out after opening.
	Filters []Filter
	// Likes are comparisons with patterns likewise.
	Likes []*Like
	// Verifies are comparisons of values with their indexes.
	Verifies []Verify
	// Limit is the LIMIT that the driver applies; nil for none.
	Limit *Limit
	// First is set for a statement that is run in two steps: the plan has no text
	// then, and nothing else but Params, ParamNames and Tables.
	First *KeysFirst
	// Sorted is set for a query whose rows the driver sorts; as with First, there
	// is no text then.
	Sorted *ClientSort
	// After are statements that complete the definition: what the engine has no
	// place for in it. They are run on the same connection once it has succeeded.
	After []string
	// Defines is set for a definition in its physical form: it moves no value,
	// and may be what makes an annotated table fit for encryption.
	Defines bool
	// Writes is set when the plan seals anything.
	Writes bool
}
