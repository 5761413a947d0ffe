package rewrite

import "strings"

// hints says, per reason, what to write instead.
var hints = map[Reason]string{
	ReasonPredicate:     "an encrypted column can be compared only through a search index; compare a clear column, or open the rows and filter them in the application",
	ReasonOrder:         orderHint,
	ReasonGroup:         groupHint,
	ReasonFunction:      "select the column itself and compute in the application",
	ReasonExpression:    "select the column itself and compute in the application",
	ReasonSealedToClear: "select the value and write it with bound parameters",
	ReasonDomain:        "select the value and write it with bound parameters",
	ReasonComputed:      "bind the value as a parameter, or write it as a literal",
	ReasonSetOperation:  "use UNION ALL over the same encrypted columns, or run the queries separately",
	ReasonWholeRow:      "name the columns",
	ReasonStatement:     "run it on clear columns only",
}

var comparisons = map[string]bool{
	"=": true, "<>": true, "<": true, "<=": true, ">": true, ">=": true, "<=>": true,
	"IS": true, "IS NOT": true, "IS DISTINCT FROM": true, "IS NOT DISTINCT FROM": true,
	"LIKE": true, "NOT LIKE": true, "ILIKE": true, "NOT ILIKE": true, "BETWEEN": true, "NOT BETWEEN": true,
	"= ANY": true, "<> ALL": true, "<> ANY": true, "= ALL": true, "GLOB": true, "REGEXP": true, "MATCH": true,
}

// clear requires that nothing sealed stands in e, apart from the closed list
// of rules: NULL tests and COUNT of a column. why is the reason given for a
// column that stands directly in e.
func (a *analysis) clear(e Expr, sc *scope, why Reason) error {
	switch x := e.(type) {
	case nil:
	case *ColumnRef:
		return a.clearColumn(x, sc, why)
	case *Star:
		return a.clearStar(x, sc)
	case *Param:
		a.useParam(x, false)
	case *Literal:
		a.clears = append(a.clears, x)
	case *Call:
		return a.call(x, sc, why)
	case *Op:
		return a.op(x, sc, why)
	case *IsNull:
		return a.nullTest(x.X, sc, why)
	case *In:
		return a.in(x, sc)
	case *Subquery:
		return a.subquery(x, sc)
	case *Case:
		return a.caseExpr(x, sc, why)
	case *Cast:
		if err := a.castRuns(x); err != nil {
			return err
		}
		return a.clear(x.X, sc, inner(why, ReasonExpression))
	case *Row:
		return a.clearAll(x.Items, sc, inner(why, ReasonExpression))
	case *Default:
	case *ValuesRef:
		return a.clear(x.Column, sc, why)
	case *Opaque:
		if err := a.joinedTexts(x, sc); err != nil {
			return err
		}
		if err := a.clearAll(x.Kids, sc, inner(why, ReasonExpression)); err != nil {
			return err
		}
		return a.nested(x.Queries, sc)
	default:
		return a.refuse(e.Pos(), ReasonExpression, "", "")
	}
	return nil
}

// inner keeps the clauses' own reasons and replaces the others by what stands
// closer to the column.
func inner(why, closer Reason) Reason {
	switch why {
	case ReasonOrder, ReasonGroup, ReasonSealedToClear, ReasonComputed:
		return why
	}
	return closer
}

func (a *analysis) clearAll(es []Expr, sc *scope, why Reason) error {
	for _, e := range es {
		if err := a.clear(e, sc, why); err != nil {
			return err
		}
	}
	return nil
}

// column resolves a name that is used other than by handing its value on.
func (a *analysis) column(ref *ColumnRef, sc *scope) (hit, error) {
	h, err := a.lookUp(ref, sc)
	if err != nil || h.rel == nil || h.col < 0 {
		return h, err
	}
	if c := h.rel.cols[h.col].consts; c != nil {
		err = a.settleClear(c, false)
	}
	return h, err
}

// lookUp resolves a name; whole rows of annotated tables are refused.
func (a *analysis) lookUp(ref *ColumnRef, sc *scope) (hit, error) {
	h, row, found, err := a.resolve(ref, sc)
	if err != nil || found {
		if found && h.col < 0 && !h.rel.open {
			if err := a.attribute(ref); err != nil {
				return h, err
			}
			a.unresolved(ref, sc)
		}
		return h, err
	}
	if row != nil {
		if row.sensitive() {
			return hit{}, a.refuse(ref.Start, ReasonWholeRow, row.alias.Name, hints[ReasonWholeRow])
		}
		if err := a.noSealed(row.cols, ReasonWholeRow, ref.Start, hints[ReasonWholeRow]); err != nil {
			return hit{}, err
		}
	}
	last := ref.Path[len(ref.Path)-1]
	if a.dialect == SQLite && last.Quoted && len(ref.Path) == 1 && !a.strictlyQuoted(last.Span) {
		// SQLite reads a double-quoted name that is no column as a string.
		a.clears = append(a.clears, &Literal{Span: ref.Span, Kind: LitString, Value: last.Name, Odd: true})
		return hit{}, nil
	}
	if row == nil {
		a.unresolved(ref, sc)
	}
	return hit{}, nil
}

// strictlyQuoted reports a name in backticks or brackets, which SQLite never takes
// for a string.
func (a *analysis) strictlyQuoted(s Span) bool {
	return s.Known() && s.Start < len(a.script.Text) && (a.script.Text[s.Start] == '`' || a.script.Text[s.Start] == '[')
}

func (a *analysis) clearColumn(ref *ColumnRef, sc *scope, why Reason) error {
	if a.indexOn(ref) != nil || a.combined.refs[ref] != nil || a.ranges.refs[ref] != nil {
		return nil // its index stands there, which is what it was planned for
	}
	h, err := a.column(ref, sc)
	if err != nil {
		return err
	}
	if f := h.flow(); len(f) > 0 {
		return a.refuse(ref.Start, why, f[0].col.String(), hints[why])
	}
	return nil
}

// clearStar handles "*" inside an expression: count(u.*), ROW(u.*).
func (a *analysis) clearStar(s *Star, sc *scope) error {
	for ; sc != nil; sc = sc.up {
		for _, r := range sc.rels {
			if len(s.Path) > 0 && !a.matches(r, s.Path) {
				continue
			}
			if r.sensitive() {
				return a.refuse(s.Start, ReasonWholeRow, r.alias.Name, hints[ReasonWholeRow])
			}
			if err := a.noSealed(r.cols, ReasonWholeRow, s.Start, hints[ReasonWholeRow]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (a *analysis) call(c *Call, sc *scope, why Reason) error {
	if err := a.function(c); err != nil {
		return err
	}
	if err := a.partitionKeys(c.Extra, sc); err != nil {
		return err
	}
	if done, err := a.countDistinct(c, sc); done || err != nil {
		return err
	}
	if e := a.counted(c); e != nil {
		if err := a.nullTest(e, sc, inner(why, ReasonFunction)); err != nil {
			return err
		}
		return a.clearAll(c.Extra, sc, inner(why, ReasonFunction))
	}
	if err := a.clearAll(c.Args, sc, inner(why, ReasonFunction)); err != nil {
		return err
	}
	return a.clearAll(c.Extra, sc, inner(why, ReasonFunction))
}

// counted returns x in COUNT(x), the one aggregate that looks at nothing but
// NULL (COUNT(DISTINCT x) looks at the value), and in MySQL's ISNULL(x).
func (a *analysis) counted(c *Call) Expr {
	if len(c.Name) != 1 || c.Distinct || c.Star || len(c.Args) != 1 {
		return nil
	}
	name := c.Name[0].Name
	if !strings.EqualFold(name, "count") && (a.dialect != MySQL || !strings.EqualFold(name, "isnull")) || !a.handing(c.Args[0]) {
		return nil
	}
	return c.Args[0]
}

// nullComparisons compare with NULL as with a value.
var nullComparisons = map[string]bool{
	"<=>": true, "IS": true, "IS NOT": true, "IS DISTINCT FROM": true, "IS NOT DISTINCT FROM": true,
}

// testedForNull returns x in "x IS DISTINCT FROM NULL" and its kin.
func testedForNull(o *Op) Expr {
	if o.Name == "=" || len(o.Args) != 2 || !nullComparisons[o.Name] {
		return nil
	}
	for i := range o.Args {
		if isNull(o.Args[i]) {
			return o.Args[1-i]
		}
	}
	return nil
}

// operatorsOf are the operators that PostgreSQL runs for words of the grammar.
var operatorsOf = map[string][]string{
	"IN": {"="}, "IS DISTINCT FROM": {"="}, "IS NOT DISTINCT FROM": {"="}, "BETWEEN": {">=", "<="}, "NOT BETWEEN": {"<", ">"},
	"LIKE": {"~~"}, "NOT LIKE": {"!~~"}, "ILIKE": {"~~*"}, "NOT ILIKE": {"!~~*"}, "SIMILAR TO": {"~"}, "NOT SIMILAR TO": {"!~"},
}

// operator refuses operators that users defined: they run routines. A name may
// be qualified ("OPERATOR(public.===)") and quantified ("=== ANY").
func (a *analysis) operator(name string, pos int) error {
	if a.dialect != Postgres {
		return nil
	}
	symbol := strings.TrimSuffix(strings.TrimSuffix(name, " ANY"), " ALL")
	if inner, ok := strings.CutPrefix(symbol, "OPERATOR("); ok {
		path := strings.TrimSuffix(inner, ")")
		if strings.HasPrefix(path, "pg_catalog.") {
			return nil
		}
		symbol = path[strings.LastIndexByte(path[:max(0, len(path)-1)], '.')+1:]
	}
	symbols := operatorsOf[symbol]
	if symbols == nil {
		symbols = []string{symbol}
	}
	for _, s := range symbols {
		if a.cat.Routine([]Ident{{Name: "operator " + s}}) {
			return a.refuse(pos, ReasonRoutine, "operator "+s, "a user-defined operator runs a routine; write a built-in one")
		}
	}
	return nil
}

func (a *analysis) op(o *Op, sc *scope, why Reason) error {
	if err := a.operator(o.Name, o.Start); err != nil {
		return err
	}
	if e := testedForNull(o); e != nil {
		return a.nullTest(e, sc, why)
	}
	if o.Name == "=" || comparisons[o.Name] {
		a.opposite(o.Args, nil)
		if done, err := a.likeElsewhere(o, sc); done || err != nil {
			return err
		}
		if asksTruth(o) {
			if done, err := a.truthValue(o.Args[0], sc); done || err != nil {
				return err
			}
			return a.compare(o.Args, sc, inner(why, ReasonPredicate))
		}
		if done, err := a.combinedOperands(o.Args); done || err != nil {
			return err
		}
		if done, err := a.scalarCompare(o, sc); done || err != nil {
			return err
		}
		if err := a.adopt(o, sc); err != nil {
			return err
		}
		if done, err := a.rangeCompare(o, o.Name, o.Args, sc); done || err != nil {
			return err
		}
		if done, err := a.compareForms(o.Name, o.Args, sc); done || err != nil {
			return err
		}
		if done, err := a.indexCompare(o.Name, o.Args, sc); done || err != nil {
			return err
		}
		before, uses := len(a.clears), len(a.params)
		if err := a.compare(o.Args, sc, inner(why, ReasonPredicate)); err != nil {
			return err
		}
		if d := a.decidableIn(o); d != nil && len(a.params) == uses+1 {
			a.params[uses].decides = d
		}
		a.freeOperands(o.Name, o.Args, before)
		return nil
	}
	if o.Name == "AND" || o.Name == "OR" || o.Name == "NOT" {
		before := a.within(o, sc)
		err := a.allConditions(o.Args, sc, inner(why, ReasonPredicate))
		a.together = a.together[:before]
		return err
	}
	if truthTest(o) {
		return a.condition(o.Args[0], sc, inner(why, ReasonFunction))
	}
	return a.clearAll(o.Args, sc, inner(why, ReasonFunction))
}

// truthTest reports PostgreSQL's "x IS TRUE" and its kin, of a boolean.
func truthTest(o *Op) bool {
	switch o.Name {
	case "IS TRUE", "IS NOT TRUE", "IS FALSE", "IS NOT FALSE", "IS UNKNOWN", "IS NOT UNKNOWN":
		return len(o.Args) == 1
	}
	return false
}

// asksTruth reports "x IS TRUE" and its kin, which ask whether x is a number other
// than zero and not whether it equals TRUE.
func asksTruth(o *Op) bool {
	if o.Name != "IS" && o.Name != "IS NOT" || len(o.Args) != 2 {
		return false
	}
	lit, ok := unwrapped(o.Args[1]).(*Literal)
	return ok && lit.Kind == LitBool
}

// compare walks the operands of a comparison. A parameter compared with a
// clear column that is known may go out in clear even if it is sealed
// elsewhere (threats T4).
func (a *analysis) compare(args []Expr, sc *scope, why Reason) error {
	declared := false
	for _, e := range args {
		if ref, ok := e.(*ColumnRef); ok {
			h, err := a.column(ref, sc)
			if err != nil {
				return err
			}
			declared = declared || h.declared()
		}
	}
	for _, e := range args {
		switch v := e.(type) {
		case *Param:
			a.useParam(v, declared)
		case *Literal:
			if !declared {
				a.clears = append(a.clears, v)
			}
		default:
			if err := a.clear(e, sc, why); err != nil {
				return err
			}
		}
	}
	return nil
}

func (h hit) declared() bool {
	if h.rel == nil {
		return false
	}
	if h.col < 0 {
		return h.rel.base != nil
	}
	c := &h.rel.cols[h.col]
	return c.declared && len(c.flow) == 0
}

func (a *analysis) in(x *In, sc *scope) error {
	if err := a.operator("IN", x.Start); err != nil {
		return err
	}
	if err := a.inPlanned(x, sc); err != nil {
		return err
	}
	return a.lostByRightJoin(x, sc)
}

func (a *analysis) inPlanned(x *In, sc *scope) error {
	all := append([]Expr{x.X}, x.List...)
	a.opposite(all, x.Query)
	if x.Query == nil {
		if done, err := a.combinedOperands(all); done || err != nil {
			return err
		}
		if done, err := a.rangeCompare(x, "IN", all, sc); done || err != nil {
			return err
		}
		if done, err := a.compareForms("IN", all, sc); done || err != nil {
			return err
		}
		if done, err := a.indexCompare("IN", all, sc); done || err != nil {
			return err
		}
	}
	if x.Query != nil {
		return a.inQuery(x.X, x.Query, "IN", sc)
	}
	before := len(a.clears)
	if err := a.compare(all, sc, ReasonPredicate); err != nil {
		return err
	}
	a.freeOperands("IN", all, before)
	return nil
}

func (a *analysis) subquery(x *Subquery, sc *scope) error {
	if x.Kind == SubQuantified {
		return a.inQuery(x.X, x.Query, x.Op, sc)
	}
	if x.Kind == SubExists {
		_, err := a.query(x.Query, sc, false)
		return err
	}
	return a.nestedFor(x.Query, sc, true)
}

// nested analyses queries whose results are used as values: they must be clear.
func (a *analysis) nested(qs []*Query, sc *scope) error {
	for _, q := range qs {
		if err := a.nestedFor(q, sc, false); err != nil {
			return err
		}
	}
	return nil
}

// nestedFor analyses one of them; value says that it is one value, or a row that is
// compared.
func (a *analysis) nestedFor(q *Query, sc *scope, value bool) error {
	cols, err := a.query(q, sc, false)
	if err != nil {
		return err
	}
	if value {
		a.fits(q, cols)
	}
	return a.noSealed(cols, ReasonExpression, q.Start, "a subquery used as a value must yield clear columns")
}

func (a *analysis) caseExpr(x *Case, sc *scope, why Reason) error {
	a.noteGuards(x)
	compared, err := a.caseCompare(x, sc)
	if err != nil {
		return err
	}
	if x.Operand != nil && !compared {
		if err := a.clear(x.Operand, sc, inner(why, ReasonPredicate)); err != nil {
			return err
		}
	}
	for _, w := range x.Whens {
		if !compared {
			walk := a.condition
			if x.Operand != nil {
				walk = a.clear
			}
			if err := walk(w.Cond, sc, inner(why, ReasonPredicate)); err != nil {
				return err
			}
		}
		if err := a.clear(w.Then, sc, inner(why, ReasonExpression)); err != nil {
			return err
		}
	}
	if x.Else == nil {
		return nil
	}
	return a.clear(x.Else, sc, inner(why, ReasonExpression))
}

// caseCompare plans CASE c WHEN v over an encrypted column; false for any other
// operand.
func (a *analysis) caseCompare(x *Case, sc *scope) (bool, error) {
	if x.Operand == nil {
		return false, nil
	}
	all := []Expr{x.Operand}
	for _, w := range x.Whens {
		all = append(all, w.Cond)
	}
	done, err := a.indexCompare("=", all, sc)
	if done && err == nil && a.dialect == Postgres && isConstant(x.Operand) {
		a.carries(x.Operand)
	}
	return done, err
}

// carry locates the partition and the row of a value seen through its relation.
func (r *relation) carry(s sealed) sealed {
	s.part, s.row = r.locate(s.part, r.fixed), r.locate(s.row, r.row)
	return s
}

// locate turns a column of the relation into the value that a conjunct fixes it
// to, if one does.
func (r *relation) locate(p partRef, fixed *Value) partRef {
	if p.kind != partRow {
		return p
	}
	if fixed != nil {
		return partRef{kind: partValue, value: fixed}
	}
	p.rel = r
	return p
}
