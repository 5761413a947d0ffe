package rewrite

import (
	"sort"
	"strings"

	"github.com/sealsql/sealsql/schema"
)

// analysis plans one statement. It collects what must change in the maps
// below; edit.go turns them into text, verify.go checks the text against them.
type analysis struct {
	work    *workspace
	front   Frontend
	dialect Dialect
	cat     Catalog
	script  *Script
	session *Session
	opt     Options
	emptied emptying
	record  *recording // nil where no template is made
	// positive are the first operands of comparisons that find rows.
	positive []Expr

	space   *planSpace          // memory of the plan
	touched []*schema.Table     // annotated tables that the statement names
	deleted []Deletion          // of which deletions are recorded
	seals   notes[Expr, Out]    // Param and Literal nodes that are sealed
	casts   map[*Cast]Expr      // casts around sealed values that are dropped
	retyped map[*Cast]string    // those of them, around NULL, that become casts to another type
	typed   map[*Literal]string // NULLs that get a type
	params  []paramUse          // every use of a parameter
	clears  []*Literal          // literals used in clear outside declared columns
	freed   []*Literal          // literals whose value does not matter to the plan
	stars   notes[*Star, expansion]
	widths  notes[*Star, int] // columns of stars, where they are known
	// openStar marks stars over relations whose columns are not all known.
	openStar map[*Star]bool
	kept     map[*Star]int           // width of stars that stay as they are
	hidden   notes[any, []hiddenCol] // by *Select, or the statement whose RETURNING list grows
	columns  notes[*Insert, []string]
	narrowed []narrowed // tables that show the context's partition alone
	// own is the SELECT whose list is the statement's.
	own    *Select
	shaped map[*Table]string // relations of the engine's catalog that show the logical shape
	// shapedCalls are table functions that do.
	shapedCalls map[*FuncTable]callShape
	ddl         []edit // physical form of a CREATE TABLE
	behind      int    // statements that it adds behind
	// Search indexes: references that become their index column, values that
	// are written beside others, and where these belong.
	indexed notes[*ColumnRef, *schema.Equality]
	// truths are references that are conditions by themselves.
	truths map[*ColumnRef]*truth
	// decided are comparisons that the driver answers.
	decided map[*Op]*decidable
	guards  []guard
	eq      equalities
	ranges  ranging
	// combined is what it does with compound indexes.
	combined combining
	adds     []*addition
	grown    notes[*Insert, growth]
	assigns  map[*Assign][]*addition
	// filterable is the one SELECT whose rows can be filtered after opening;
	// filters are its comparisons through lossy indexes.
	filterable *Select
	filters    []lossy
	// liked are its comparisons with patterns.
	liked []*liked
	// verified are the comparisons of values with their indexes.
	verified []Verify
	// sorted are the items of ORDER BY that the driver sorts by.
	sorted []sortedKey
	// distinctBy is its DISTINCT, and extremed its calls of MIN and MAX, that the
	// driver answers.
	distinctBy *sortedDistinct
	// unrolled are comparisons of rows that are written out.
	unrolled []*Op
	// nameless is set within what a result's column is named after.
	nameless bool
	// hoisted is an ORDER BY that is moved out of a query in FROM.
	hoisted  *hoist
	extremed []extremed
	// keyed are comparisons whose rows are looked up first.
	keyed []keyed
	// after are the statements that complete a definition.
	after []string
	// limited is its LIMIT, where the driver applies it.
	limited *Limit
	checks  []Check
	results []column // of the statement's own result; nil when it has none
	top     any      // the node whose select list is the result's
	effects Effect
	named   int // hidden columns named so far
	// arm is set while an arm of UNION ALL is entered that can show the
	// partition of its rows: both arms then do, instead of relying on
	// conditions that may differ.
	arm           bool
	unknown       *ColumnRef    // the first name that no column in scope has
	absent        bool          // one of them is behind the name of an annotated table
	uneven        int           // from 1, the place of a list whose rows differ in length; 0 for none
	misfit        int           // from 1, the place of a query with another number of columns than it needs; 0 for none
	rows          []rowQuery    // queries that are compared with rows
	skipRes       bool          // the result is not rows of the statement (EXPLAIN)
	describes     *schema.Table // the annotated table that the statement shows
	describedView []ViewColumn  // the columns of the view that it shows
	// The cursors that the statement declares and fetches from.
	declares, fetches []string
	declaring         bool // the query of a cursor is analysed
	// fills are defaults that are to be written into the text.
	fills []fill
	// prepares is the statement's PREPARE, executes its EXECUTE.
	prepares *preparation
	executes *Executed
	releases []string
	// undecided are constants that await what takes them, byAlias those that a
	// name has met, carried the sealed ones that need the column's type beside
	// them in the text; late is an error of these.
	undecided []*constants
	byAlias   map[Expr]bool
	pins      []*Literal // what the plan rests on
	carried   map[Expr]bool
	listed    map[*Select][]*addition // indexes behind a select list
	lists     lists
	// captured are names whose index would be another column's.
	captured map[*ColumnRef]bool
	// together are relations whose partitions the conditions around say are equal.
	together [][2]*relation
	late     error
	depth    int                  // of views over views
	defined  map[*Select][]column // result columns of the SELECTs of a definition
}

// paramUse is one occurrence of a parameter.
type paramUse struct {
	param *Param
	seal  *schema.Column
	// declared: compared with or assigned to a clear column that is known.
	declared bool
	// null: only tested for NULL, under cast if that is set.
	null bool
	cast *Cast
	// tested: part of the condition of a form that hands values on.
	tested bool
	// decides is the comparison with a literal that the parameter stands in.
	decides *decidable
	// flag: a condition by itself, under cast if that is set.
	flag bool
}

// expanded returns what a star that is written out shows; nil for others.
func (a *analysis) expanded(s *Star) []visible {
	if x := a.stars.at(s); x != nil {
		return x.visible(a)
	}
	return nil
}

// hiddenOf returns the columns that are added to the list of a node.
func (a *analysis) hiddenOf(owner any) []hiddenCol {
	if cols := a.hidden.at(owner); cols != nil {
		return *cols
	}
	return nil
}

// hiddenCol is a select item that the plan adds.
type hiddenCol struct {
	rel  *relation
	col  int
	name string // alias; "" for none
}

func (a *analysis) refuse(pos int, why Reason, column, hint string) error {
	return &UnsupportedError{Column: column, Pos: pos, Reason: why, Hint: hint}
}

// statement analyses one statement and sets results.
func (a *analysis) statement(st Statement) error {
	a.lists.on = listing(st)
	switch s := st.(type) {
	case *Query:
		a.filterable = a.filterableIn(s)
		a.own, _ = s.Body.(*Select)
		cols, err := a.query(s, nil, true)
		if err != nil {
			return err
		}
		a.results, a.top = cols, s
		return nil
	case *Insert:
		cols, err := a.insert(s, nil, true)
		a.results, a.top = cols, s
		return err
	case *Update:
		cols, err := a.update(s, nil, true)
		a.results, a.top = cols, s
		return err
	case *Delete:
		cols, err := a.delete(s, nil, true)
		a.results, a.top = cols, s
		return err
	case *Merge:
		cols, err := a.merge(s, nil, true)
		a.results, a.top = cols, s
		return err
	case *Other:
		return a.other(s)
	}
	return a.refuse(st.Pos(), ReasonStatement, "", "")
}

// needsWork reports whether the driver has anything to do for the statement.
func (a *analysis) needsWork() bool { return len(a.deleted) > 0 || a.differs() }

// differs reports whether the statement differs from what the caller wrote or
// what the server answers from what the caller must see.
func (a *analysis) differs() bool {
	edits := len(a.seals.list) + len(a.casts) + len(a.typed) + len(a.stars.list) + len(a.hidden.list) + len(a.columns.list) + len(a.narrowed) +
		len(a.ddl) + len(a.indexed.list) + len(a.combined.refs) + len(a.adds) + len(a.shaped) + len(a.shapedCalls) + len(a.liked)
	sets := len(a.eq.placed) + len(a.eq.picks) + len(a.eq.distinct) + len(a.eq.unions) + len(a.eq.joins)
	if edits+sets+len(a.checks) > 0 || a.ranges.any() {
		return true
	}
	if a.skipRes {
		return false
	}
	for i := range a.results {
		if len(a.results[i].flow) > 0 {
			return true
		}
	}
	return false
}

// planSpace is the memory of a plan with its short lists, in one piece: allocating
// is much of the work for a short text.
type planSpace struct {
	plan   Plan
	tables [1]*schema.Table
}

func (a *analysis) touch(t *schema.Table) {
	for _, x := range a.touched {
		if x == t {
			return
		}
	}
	if a.touched == nil && a.space == nil {
		a.space = new(planSpace)
		a.touched = a.space.tables[:0]
	}
	a.touched = append(a.touched, t)
}

// finish enforces threats T4 over the whole statement: what is sealed
// somewhere goes out in clear only where a declared clear column takes it.
func (a *analysis) finish() error {
	if err := a.settle(); err != nil {
		return err
	}
	if a.late != nil {
		return a.late
	}
	if err := a.visitedAll(); err != nil {
		return err
	}
	for i := range a.params {
		u := &a.params[i]
		if u.seal != nil || u.declared || u.null && a.nullOnly(u) {
			continue
		}
		for j := range a.params {
			o := &a.params[j]
			if o.seal != nil && o.param.N == u.param.N {
				if a.decide(u, o.seal) {
					break
				}
				return a.refuse(u.param.Start, ReasonClearUse, o.seal.String(),
					"the same argument is also bound to an encrypted column; bind it a second time under another number")
			}
		}
	}
	if err := a.testedValues(); err != nil {
		return err
	}
	a.guardValues()
	if len(a.clears) == 0 || len(a.seals.list) == 0 {
		return nil
	}
	for i := range a.seals.list {
		out := &a.seals.list[i].value
		l, ok := a.seals.list[i].node.(*Literal)
		if !ok || !telling(l) || out.Limit != 0 {
			continue
		}
		for _, c := range a.clears {
			if c.Value == l.Value && telling(c) && !a.answered(c) {
				return a.refuse(c.Start, ReasonClearUse, out.Column().String(), "the same literal is also bound to an encrypted column")
			}
		}
	}
	return nil
}

// namesKnown refuses a name that no column has in a statement on an annotated
// table, or behind the name of one that the statement does not read.
func (a *analysis) namesKnown() error {
	if a.uneven > 0 && len(a.touched) > 0 {
		// The server would refuse it, and keep values of an encrypted column that
		// stand in the wrong place in its log.
		return a.refuse(a.uneven-1, ReasonAmbiguous, "", "the rows of the list have different numbers of values")
	}
	if a.misfit > 0 && len(a.touched) > 0 {
		return a.refuse(a.misfit-1, ReasonAmbiguous, "", misfitHint)
	}
	if a.unknown == nil || len(a.touched) == 0 && !a.absent {
		return nil
	}
	return a.refuse(a.unknown.Start, ReasonUnknownColumn, shown(a.unknown.Path[len(a.unknown.Path)-1]), "no table of the statement has a column of that name")
}

// nullOnly plans a parameter that is tested for NULL: where the same argument
// is sealed elsewhere the record takes its place, which is NULL exactly when
// the value is (threats T4). A placeholder of its own in a statement that
// seals may still be the value once more (CASE WHEN ? IS NULL THEN ssn ELSE ?
// END): what goes out says only whether it is NULL.
func (a *analysis) nullOnly(u *paramUse) bool {
	alone := true
	for i := range a.params {
		o := &a.params[i]
		if o.param.N != u.param.N || o.param == u.param {
			continue
		}
		if o.seal != nil {
			return a.sealNull(u, *a.seals.at(o.param))
		}
		alone = alone && o.null
	}
	if !alone || len(a.seals.list) == 0 {
		return false
	}
	return a.sealNull(u, Out{Value: Value{Source: FromArg, Arg: u.param.N}, Null: true})
}

// sealNull binds a NULL test to what takes the argument's place.
func (a *analysis) sealNull(u *paramUse, out Out) bool {
	if !u.param.Known() || u.cast != nil && !u.cast.Known() {
		return false
	}
	if u.cast != nil {
		a.dropCast(u.cast)
	}
	if a.carried == nil {
		a.carried = map[Expr]bool{}
	}
	a.seals.set(u.param, out)
	a.carried[u.param] = true
	return true
}

// visitedAll is a check on ourselves: a placeholder of the text that the
// analysis has not met stands in a part of the statement that it knows nothing
// about.
func (a *analysis) visitedAll() error {
	if len(a.touched) == 0 || len(a.script.Markers) == 0 {
		return nil
	}
	met := make([]bool, len(a.script.Markers))
	for i := range a.params {
		if k := a.marker(a.params[i].param.Start); k >= 0 {
			met[k] = true
		}
	}
	for k, ok := range met {
		if !ok {
			return a.refuse(a.script.Markers[k].Start, ReasonParameters, "", "the parameter stands in a part of the statement that is not understood; write it in a plainer form")
		}
	}
	return nil
}

// marker returns the index of the placeholder at an offset, or -1. Markers are
// in text order.
func (a *analysis) marker(at int) int {
	ms := a.script.Markers
	k := sort.Search(len(ms), func(i int) bool { return ms[i].Start >= at })
	if k < len(ms) && ms[k].Start == at {
		return k
	}
	return -1
}

// telling says whether a literal's text could give away a value: short
// numbers occur everywhere.
func telling(l *Literal) bool {
	switch l.Kind {
	case LitString, LitBytes:
		return l.Value != ""
	case LitNumber:
		return len(l.Value) >= 4
	}
	return false
}

// useParam notes a parameter that goes out in clear.
func (a *analysis) useParam(p *Param, declared bool) {
	a.use(paramUse{param: p, declared: declared})
}

func (a *analysis) use(u paramUse) {
	if a.params == nil {
		a.params = a.work.uses.Many(len(a.script.Markers))[:0]
	}
	a.params = append(a.params, u)
}

// seal plans the sealing of a parameter or literal.
func (a *analysis) seal(e Expr, c *schema.Column, part PartitionSource, row *Value) error {
	out := Out{Seal: c, Partition: part, Row: row}
	switch v := e.(type) {
	case *Param:
		out.Value = Value{Source: FromArg, Arg: v.N}
		a.use(paramUse{param: v, seal: c})
	case *Literal:
		if v.Odd {
			return a.refuse(v.Start, ReasonLiteral, c.String(), "bind the value as a parameter")
		}
		out.Value = Value{Source: FromLiteral, Literal: v}
	}
	if !e.Range().Known() {
		return a.refuse(e.Pos(), ReasonExpression, c.String(), "bind the value as a plain parameter")
	}
	a.seals.set(e, out)
	return nil
}

// constant returns the value of a literal or parameter that can name a
// partition or a row; nil for anything else.
func constant(e Expr) *Value {
	switch v := e.(type) {
	case *Param:
		return &Value{Source: FromArg, Arg: v.N}
	case *Literal:
		if v.Kind != LitNull && !v.Odd {
			return &Value{Source: FromLiteral, Literal: v}
		}
	case *Cast:
		// N'…' is how the engine spells a string; other casts may change it.
		l, ok := v.X.(*Literal)
		if ok && v.Type == "nchar" && !l.Odd && !strings.HasSuffix(l.Value, " ") {
			return &Value{Source: FromLiteral, Literal: l}
		}
		// 'a'::text is how PostgreSQL prints a string in a definition.
		if ok && l.Kind == LitString && !l.Odd && (v.Type == "text" || v.Type == "character varying") {
			return &Value{Source: FromLiteral, Literal: l}
		}
	}
	return nil
}

// partition turns what is known at a relation into what the plan records.
func (a *analysis) partition(t *schema.Table, fixed *Value) (PartitionSource, bool) {
	switch t.Partition.Kind {
	case schema.PartitionConst:
		return PartitionSource{Known: true, Const: t.Partition.Const, ResultColumn: -1}, true
	case schema.PartitionContext:
		return PartitionSource{Known: true, Value: &contextPartition, ResultColumn: -1}, true
	}
	if fixed != nil {
		return PartitionSource{Known: true, Value: fixed, ResultColumn: -1}, true
	}
	if a.opt.ContextPartition {
		return PartitionSource{Known: true, Value: &contextPartition, ResultColumn: -1}, true
	}
	return PartitionSource{ResultColumn: -1}, false
}

// contextPartition is the partition of the context; nobody changes it.
var contextPartition = Value{Source: FromContextPartition}
