package rewrite

// Span is the half-open byte range [Start, End) of a node in the statement's
// text. The zero Span means that the range is not known; a plan that would
// have to edit such a node is refused.
type Span struct{ Start, End int }

// Pos returns the byte offset at which the node begins.
func (s Span) Pos() int { return s.Start }

// Range returns the span itself; it makes every node answer for its range.
func (s Span) Range() Span { return s }

// Known reports whether the span covers any text.
func (s Span) Known() bool { return s.End > s.Start }

// Ident is one name as the engine resolves it: unquoted, with escapes undone,
// and on PostgreSQL folded to lower case where it was not quoted.
type Ident struct {
	Name   string
	Quoted bool
	Span
}

// Node is anything with a place in the text.
type Node interface {
	Pos() int
	Range() Span
}

// Statement is one statement of a script: *Query, *Insert, *Update, *Delete,
// *Merge or *Other.
type Statement interface {
	Node
	statement()
}

// Expr is a scalar expression, or a form that stands where one may.
type Expr interface {
	Node
	expr()
}

// TableExpr is an item of a FROM list: *Table, *Derived, *Join or *FuncTable.
type TableExpr interface {
	Node
	tableExpr()
}

// Body is what a query is made of: *Select, *SetOp, *Values or a
// parenthesised *Query.
type Body interface {
	Node
	body()
}

// ---- expressions ----

// ColumnRef is a possibly qualified column name: c, t.c, s.t.c. Path's last
// element is the column. (PostgreSQL's "(t).c" and "c.field" on composite
// values are Opaque.)
type ColumnRef struct {
	Span
	Path []Ident
}

// Star is "*" or "t.*" as an item of a select or RETURNING list. Path holds
// the qualifier. The span covers qualifier and star exactly. Keyword is set for
// TABLE t, which is SELECT * FROM t: the span is that of the word.
type Star struct {
	Span
	Path    []Ident
	Keyword bool
}

// Param is a placeholder. N is the ordinal (from 1) of the caller's argument:
// PostgreSQL's $N, MySQL's position, SQLite's parameter number as SQLite
// itself would assign it. Name is SQLite's name without sigil. Source is the
// text of the placeholder as written.
type Param struct {
	Span
	N      int
	Name   string
	Source string
}

// LiteralKind tells what a literal is.
type LiteralKind uint8

// The kinds of literal. Number covers every numeric spelling; Value is then
// the source text without blanks, with its sign. String is decoded text
// (escapes undone, adjacent parts joined). Bytes are decoded bytes of hex,
// blob and bit literals whose type is binary. Bool's Value is "true" or
// "false".
const (
	LitNull LiteralKind = iota
	LitString
	LitNumber
	LitBytes
	LitBool
)

// Literal is a constant written in the text. Span covers it exactly, with
// sign, prefix (E, N, X, B, introducer) and adjacent parts.
//
// Odd is set for spellings whose meaning depends on context or settings
// (character-set introducers other than utf8mb4/utf8/_binary, MySQL hex
// numbers, SQLite's double-quoted strings, strings with a NUL, numbers that
// are hex): where such a literal would be sealed the plan is refused.
type Literal struct {
	Span
	Kind  LiteralKind
	Value string
	Odd   bool
}

// Call is a function call. Extra holds the expressions of FILTER, WITHIN
// GROUP, ORDER BY inside the call and the OVER clause; Attr the rest of what
// distinguishes it (for instance OVER's frame text).
type Call struct {
	Span
	Name     []Ident
	Args     []Expr
	Star     bool
	Distinct bool
	Over     bool
	Extra    []Expr
	Attr     string
}

// Op is an operator with its operands. Name is upper case for words: AND, OR,
// NOT, =, <>, <, <=, >, >=, +, ||, LIKE, NOT LIKE, IS, IS NOT, IS DISTINCT
// FROM, IS NOT DISTINCT FROM, <=>, BETWEEN, NOT BETWEEN, COLLATE … . "!=" and
// "==" are written as "<>" and "=". AND and OR may be n-ary.
type Op struct {
	Span
	Name string
	Args []Expr
	Attr string
}

// IsNull is X IS [NOT] NULL in any spelling.
type IsNull struct {
	Span
	X   Expr
	Not bool
}

// In is X [NOT] IN (list | query).
type In struct {
	Span
	X     Expr
	Not   bool
	List  []Expr
	Query *Query
}

// SubqueryKind tells how a subquery is used as an expression.
type SubqueryKind uint8

// The uses of a subquery: a value, EXISTS, ARRAY(…), op ANY/SOME/ALL.
const (
	SubScalar SubqueryKind = iota
	SubExists
	SubArray
	SubQuantified
)

// Subquery is a query inside an expression; X and Op are set for
// SubQuantified (x op ANY (query)).
type Subquery struct {
	Span
	Kind  SubqueryKind
	X     Expr
	Op    string
	Query *Query
}

// When is one arm of a CASE.
type When struct{ Cond, Then Expr }

// Case is CASE [operand] WHEN … THEN … [ELSE …] END.
type Case struct {
	Span
	Operand Expr
	Whens   []When
	Else    Expr
}

// Cast is a conversion in any spelling ("x::t", CAST(x AS t), "DATE '…'").
// Type is lower case, with modifiers, blanks collapsed.
type Cast struct {
	Span
	X    Expr
	Type string
}

// Row is a row value (a, b) or ROW(a, b); a parenthesised single expression
// is that expression itself.
type Row struct {
	Span
	Items []Expr
}

// Default is the keyword DEFAULT where a value may stand.
type Default struct{ Span }

// ValuesRef is MySQL's VALUES(c) (and MariaDB's VALUE(c)) in ON DUPLICATE KEY
// UPDATE.
type ValuesRef struct {
	Span
	Column *ColumnRef
}

// Opaque is everything that the planner has no rule for. It is clear only if
// everything under it is, and nothing sealed may stand in it. What names the
// construct in the user's words ("ARRAY[…]", "JSON_TABLE"), Attr holds
// whatever distinguishes it from another of its kind.
type Opaque struct {
	Span
	What    string
	Attr    string
	Kids    []Expr
	Queries []*Query
}

func (*ColumnRef) expr() {}
func (*Star) expr()      {}
func (*Param) expr()     {}
func (*Literal) expr()   {}
func (*Call) expr()      {}
func (*Op) expr()        {}
func (*IsNull) expr()    {}
func (*In) expr()        {}
func (*Subquery) expr()  {}
func (*Case) expr()      {}
func (*Cast) expr()      {}
func (*Row) expr()       {}
func (*Default) expr()   {}
func (*ValuesRef) expr() {}
func (*Opaque) expr()    {}

// ---- queries ----

// Query is a SELECT, VALUES or set operation with its outer clauses.
type Query struct {
	Span
	With    *With
	Body    Body
	OrderBy []Expr
	Limit   []Expr
	// Attr holds what distinguishes the outer clauses otherwise: directions,
	// NULLS FIRST, locking clauses, FETCH … WITH TIES.
	Attr string
	// Lock is set when the query locks rows (FOR UPDATE, FOR SHARE).
	Lock bool
}

// Select is one SELECT core.
type Select struct {
	Span
	Distinct   bool
	DistinctOn []Expr
	Items      []SelectItem
	// ItemsEnd is the offset just behind the last item, before blanks: hidden
	// columns are added there; behind the word in TABLE t. Negative where none can
	// be.
	ItemsEnd int
	From     []TableExpr
	Where    Expr
	// WhereSpan covers the condition behind WHERE exactly; zero without one.
	WhereSpan Span
	GroupBy   []Expr
	Having    Expr
	Windows   []Expr
	// Into is set for SELECT … INTO (a table, a variable or a file).
	Into bool
	Attr string
}

// SelectItem is one item of a select or RETURNING list. Span covers the item
// with its alias. Label is set where the engine derives the result's name
// from the item's text (MySQL and SQLite) and holds that text.
type SelectItem struct {
	Span
	Expr  Expr
	Alias *Ident
}

// SetOp is UNION, INTERSECT or EXCEPT of two bodies. Name is upper case
// without ALL.
type SetOp struct {
	Span
	Name        string
	All         bool
	Left, Right Body
}

// Values is a VALUES list, as a body of its own or as the source of an INSERT.
type Values struct {
	Span
	Rows [][]Expr
	// RowSpans covers each row with its parentheses, same length as Rows.
	RowSpans []Span
}

// With is a WITH clause.
type With struct {
	Span
	Recursive bool
	CTEs      []*CTE
}

// CTE is one common table expression: a query, or a statement that changes
// data (PostgreSQL).
type CTE struct {
	Span
	Name    Ident
	Columns []Ident
	Query   *Query
	DML     Statement
	Attr    string
}

func (*Select) body() {}
func (*SetOp) body()  {}
func (*Values) body() {}
func (*Query) body()  {}

// ---- tables ----

// Table is a named relation. Path is [name], [schema, name] or [catalog,
// schema, name]. Span covers the name, not the alias.
type Table struct {
	Span
	Path          []Ident
	Alias         *Ident
	ColumnAliases []Ident
	// Only is PostgreSQL's ONLY.
	Only bool
	// Attr holds index hints, TABLESAMPLE, PARTITION (…), FOR SYSTEM_TIME.
	Attr  string
	Extra []Expr
}

// Derived is a subquery in FROM.
type Derived struct {
	Span
	Query         *Query
	Alias         *Ident
	ColumnAliases []Ident
	Lateral       bool
}

// Join is a join of two table expressions. Kind is upper case: INNER, LEFT,
// RIGHT, FULL, CROSS, STRAIGHT (comma joins are separate FROM items).
type Join struct {
	Span
	Kind        string
	Left, Right TableExpr
	On          Expr
	Using       []Ident
	Natural     bool
	Alias       *Ident
	// ColumnAliases belongs to Alias.
	ColumnAliases []Ident
}

// FuncTable is a function or another construct that yields rows in FROM
// (generate_series, json_each, JSON_TABLE, ROWS FROM).
type FuncTable struct {
	Span
	Calls         []Expr
	Alias         *Ident
	ColumnAliases []Ident
	Lateral       bool
	Attr          string
}

func (*Table) tableExpr()     {}
func (*Derived) tableExpr()   {}
func (*Join) tableExpr()      {}
func (*FuncTable) tableExpr() {}

// ---- statements ----

// Assign is c = v, or (a, b) = v with several columns.
type Assign struct {
	Span
	Columns []*ColumnRef
	Value   Expr
}

// Insert is INSERT or REPLACE. Exactly one of Values, Query and DefaultValues
// is set. INSERT … SET c = v is lowered to Columns and one row with SetForm.
type Insert struct {
	Span
	With    *With
	Target  *Table
	Columns []Ident
	// HasColumns tells "()" from no list at all.
	HasColumns bool
	// ColumnsAt is the offset where a column list can be inserted when there
	// is none; negative where it cannot.
	ColumnsAt int
	// EmptyList covers "()" where the rows have values for all columns (MySQL);
	// HasColumns is false then.
	EmptyList     Span
	Values        *Values
	Query         *Query
	DefaultValues bool
	SetForm       bool
	Replace       bool
	Ignore        bool
	RowAlias      *Ident
	RowColumns    []Ident
	Upserts       []*Upsert
	Returning     []SelectItem
	// ReturningEnd is the offset behind the last RETURNING item.
	ReturningEnd int
	Attr         string
}

// Upsert is ON CONFLICT … or ON DUPLICATE KEY UPDATE (Duplicate).
type Upsert struct {
	Span
	Duplicate   bool
	Target      []Expr
	TargetWhere Expr
	Constraint  string
	DoNothing   bool
	Set         []Assign
	Where       Expr
}

// Update is UPDATE. Targets has one *Table on PostgreSQL and SQLite; on MySQL
// it may hold joins.
type Update struct {
	Span
	With    *With
	Targets []TableExpr
	Set     []Assign
	From    []TableExpr
	Where   Expr
	// WhereSpan covers the condition exactly; WhereAt is where " WHERE …" can
	// be inserted when there is none (negative where it cannot).
	WhereSpan    Span
	WhereAt      int
	OrderBy      []Expr
	Limit        []Expr
	Returning    []SelectItem
	ReturningEnd int
	Ignore       bool
	Replace      bool // SQLite's UPDATE OR REPLACE
	Attr         string
}

// Delete is DELETE. Targets are the tables rows are deleted from (MySQL's
// multi-table form may name aliases of From); From and Using are joined in.
type Delete struct {
	Span
	With         *With
	Targets      []TableExpr
	From         []TableExpr
	Multi        bool
	Where        Expr
	WhereSpan    Span
	WhereAt      int
	OrderBy      []Expr
	Limit        []Expr
	Returning    []SelectItem
	ReturningEnd int
	Attr         string
}

// OtherKind classifies statements that are not DML.
type OtherKind uint8

// The kinds of other statements.
const (
	// OtherUnknown is anything without a kind of its own. It is refused unless
	// nothing in it can name an annotated table.
	OtherUnknown OtherKind = iota
	// OtherTransaction: BEGIN, COMMIT, ROLLBACK, SAVEPOINT, RELEASE, SET TRANSACTION.
	OtherTransaction
	// OtherSession: SET, RESET, USE, PRAGMA that sets, DISCARD, ATTACH, DETACH.
	OtherSession
	// OtherShow: SHOW, DESCRIBE, PRAGMA that reads, EXPLAIN is OtherExplain.
	OtherShow
	// OtherCreateTable: Relations[0] is the table; Query is set for CREATE
	// TABLE AS; Exprs hold defaults and checks; further Relations are
	// referenced tables (REFERENCES, LIKE, INHERITS, PARTITION OF).
	OtherCreateTable
	// OtherAlterTable: Relations[0] is the table.
	OtherAlterTable
	// OtherDrop: DROP TABLE, VIEW, INDEX …; Relations are what is dropped where
	// these are relations.
	OtherDrop
	// OtherTruncate: TRUNCATE.
	OtherTruncate
	// OtherCreateIndex: Relations[0] is the table; Exprs the keys and predicate.
	OtherCreateIndex
	// OtherCreateView: Relations[0] is the view; Query its definition.
	OtherCreateView
	// OtherCreateCode: CREATE FUNCTION, PROCEDURE, TRIGGER, RULE, EVENT.
	OtherCreateCode
	// OtherDDL: every other change of the schema (types, schemas, sequences,
	// grants, comments, databases).
	OtherDDL
	// OtherMaintenance: VACUUM, ANALYZE, REINDEX, OPTIMIZE, LOCK TABLES, CHECKPOINT.
	OtherMaintenance
	// OtherCall: CALL; Exprs hold the call.
	OtherCall
	// OtherDynamic: DO, PREPARE, EXECUTE, EXECUTE IMMEDIATE, HANDLER.
	OtherDynamic
	// OtherDeallocate: DEALLOCATE, CLOSE.
	OtherDeallocate
	// OtherCopy: COPY, LOAD DATA, IMPORT; Relations[0] is the table if named.
	OtherCopy
	// OtherExplain: EXPLAIN; Inner is the explained statement.
	OtherExplain
	// OtherCursor: DECLARE (Query), FETCH, MOVE.
	OtherCursor
	// OtherListen: LISTEN, UNLISTEN, NOTIFY.
	OtherListen
	// OtherEmpty: nothing but comments and semicolons.
	OtherEmpty
)

// Other is a statement that is not a query, INSERT, UPDATE, DELETE or MERGE. Front
// ends fill Relations, Exprs and Queries with everything that the statement
// names, so that "touches nothing annotated" can be proven for it.
type Other struct {
	Span
	Kind      OtherKind
	Verb      string // first words in upper case, for messages: "CREATE TRIGGER"
	Relations []*Table
	Exprs     []Expr
	Query     *Query
	Inner     Statement
	// Settings are the names that an OtherSession statement sets, lower case;
	// "*" for RESET ALL, DISCARD ALL.
	Settings []string
	// Temp is set for CREATE TEMPORARY.
	Temp bool
	// Name is the cursor's, of DECLARE, FETCH, MOVE and CLOSE, or the prepared
	// statement's, of PREPARE, EXECUTE and DEALLOCATE ("" for all); Fetches is set
	// for FETCH.
	Name    string
	Fetches bool
	Attr    string
}

func (*Query) statement()  {}
func (*Insert) statement() {}
func (*Update) statement() {}
func (*Delete) statement() {}
func (*Other) statement()  {}
