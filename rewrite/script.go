package rewrite

// ResultSet describes one of the results of a text with several statements, as
// the fields of Plan with the same names describe the one of a single statement.
// Results is nil where every column passes.
type ResultSet struct {
	Results     []Open
	ResultNames []string
	Labels      []string
	Filters     []Filter
}

// takeResults moves what a plan says of its result into a ResultSet.
func (p *Plan) takeResults() ResultSet {
	s := ResultSet{p.Results, p.ResultNames, p.Labels, p.Filters}
	p.Results, p.ResultNames, p.Labels, p.Filters = nil, nil, nil, nil
	return s
}

// With returns the plan with the result of a set as its own.
func (p *Plan) With(s *ResultSet) *Plan {
	out := *p
	out.Results, out.ResultNames, out.Labels, out.Filters = s.Results, s.ResultNames, s.Labels, s.Filters
	return &out
}

// part is what the analysis of one statement of a script leaves for its
// result.
type part struct {
	results []column
	top     any
	skipRes bool
	filters []lossy
	rows    bool
}

// planScript plans every statement of a text. Those of a text with several are
// analysed one after the other into one plan, so that either all of them are
// sent or none: what one statement binds to an encrypted column is not used in
// clear by another (threats T4), and a placeholder that none of them accounts
// for refuses all.
func planScript(w *workspace, f Frontend, text string, script *Script, c Catalog, s *Session, o Options, r *recording) (*Plan, error) {
	if p, done, err := planText(f, text, script, c, s, o); done {
		return p, err
	}
	a := newAnalysis(w, f, script, c, s, o)
	a.record = r
	parts := w.parts.Many(len(script.Statements))[:0]
	var effects Effect
	for _, st := range script.Statements {
		p, err := a.part(st, effects)
		if err != nil && len(a.fills) > 0 {
			return a.filledPlan() // it may be for want of them
		}
		if err != nil {
			return nil, err
		}
		effects |= a.effects
		parts = append(parts, p)
	}
	a.effects = effects
	if len(a.fills) > 0 {
		return a.filledPlan()
	}
	if len(a.unrolled) > 0 {
		return a.unrolledPlan()
	}
	if len(a.keyed) > 0 {
		return a.keysFirst()
	}
	if a.hoisted != nil {
		return a.hoistedPlan()
	}
	if len(a.sorted) > 0 || a.distinctBy != nil {
		return a.clientSort()
	}
	if len(a.extremed) > 0 {
		return a.clientExtremes()
	}
	if err := a.finish(); err != nil {
		return nil, err
	}
	r.take(a)
	if !a.needsParts(parts) {
		return &Plan{
			Pass: true, Text: passText(text, script), ArgsSame: true, Params: script.Params, Effects: effects, Transacts: a.transacts(),
			Prepares: a.prepares.passing(script.Params), Executes: a.executes, Releases: a.releases,
			Describes: a.describes, DescribesView: a.describedView, Replaces: a.declares, Fetches: a.fetches, NoRows: len(parts) > 1 && len(a.fetches) > 0,
		}, nil
	}
	if len(parts) == 1 {
		return a.build()
	}
	return a.buildScript(parts)
}

// part analyses one statement of a script. before are the effects of those in
// front of it.
func (a *analysis) part(st Statement, before Effect) (part, error) {
	touched := a.touched
	a.touched, a.unknown, a.absent, a.uneven, a.misfit, a.rows, a.effects = nil, nil, false, 0, 0, nil, 0
	a.results, a.top, a.skipRes, a.filterable, a.filters, a.liked, a.keyed, a.sorted, a.verified, a.limited = nil, nil, false, nil, nil, nil, nil, nil, nil, nil
	if a.cat.AnySets() {
		a.effects = EffectSession
	}
	if err := a.attributes(a.script.Tokens); err != nil {
		return part{}, err
	}
	if err := a.statement(st); err != nil {
		return part{}, err
	}
	if err := a.namesKnown(); err != nil {
		return part{}, err
	}
	if before != 0 && !changesOnly(st) {
		return part{}, &UnsupportedError{Pos: st.Pos(), Reason: ReasonMultiStatement, Hint: "an earlier statement of the text changes what names mean; send them one by one"}
	}
	for _, t := range touched {
		a.touch(t)
	}
	return part{results: a.results, top: a.top, skipRes: a.skipRes, filters: a.filters, rows: a.returnsRows(st)}, nil
}

// needsParts is needsWork for all statements of a script.
func (a *analysis) needsParts(parts []part) bool {
	for _, p := range parts {
		a.results, a.skipRes = p.results, p.skipRes
		if a.needsWork() {
			return true
		}
	}
	return false
}

// silentKinds never answer with rows.
var silentKinds = map[OtherKind]bool{
	OtherTransaction: true, OtherEmpty: true, OtherCreateTable: true, OtherAlterTable: true, OtherDrop: true,
	OtherTruncate: true, OtherCreateIndex: true, OtherCreateView: true, OtherCreateCode: true, OtherDDL: true,
}

// returnsRows reports whether a statement answers with rows, or may.
func (a *analysis) returnsRows(st Statement) bool {
	switch s := st.(type) {
	case *Query:
		return !intoBody(s.Body)
	case *Other:
		return !silentKinds[s.Kind] && !(a.dialect == MySQL && s.Kind == OtherSession)
	}
	items, _ := topItems(st)
	return len(items) > 0
}

func intoBody(b Body) bool {
	switch x := b.(type) {
	case *Select:
		return x.Into
	case *SetOp:
		return intoBody(x.Left) || intoBody(x.Right)
	case *Query:
		return intoBody(x.Body)
	}
	return false
}

const oneByOne = "send the statements of this text one by one"

// buildScript makes the plan of several statements of which some need one.
func (a *analysis) buildScript(parts []part) (*Plan, error) {
	if a.opt.Prepare && a.dialect != SQLite {
		return nil, a.refuse(-1, ReasonMultiStatement, "", "only one statement can be prepared; "+oneByOne)
	}
	for i, st := range a.script.Statements {
		if o, ok := st.(*Other); ok && (parts[i].skipRes || !plainBeside(a.dialect, o)) {
			return nil, a.refuse(o.Start, ReasonMultiStatement, "", "this kind of statement is planned alone; "+oneByOne)
		}
	}
	if len(a.ddl) > 0 {
		return nil, a.refuse(-1, ReasonMultiStatement, "", "the definition of an annotated table is sent alone; "+oneByOne)
	}
	b, err := a.edited()
	if err != nil {
		return nil, err
	}
	sets := make([]ResultSet, len(parts))
	for i, p := range parts {
		a.results, a.top, a.skipRes, a.filters = p.results, p.top, p.skipRes, p.filters
		if err := b.results(); err != nil {
			return nil, err
		}
		sets[i] = b.plan.takeResults()
	}
	b.plan.Sets, b.plan.NoRows = shownSets(a.dialect, parts, sets)
	return b.checked()
}

// plainBeside reports other statements that may stand beside planned ones: it
// is known how many results they have, and they are not edited.
func plainBeside(d Dialect, o *Other) bool {
	return silentKinds[o.Kind] || o.Kind == OtherSession || o.Kind == OtherShow && d != MySQL
}

// shownSets are the results that the inner driver hands out, in order.
//
//   - pgx shows the first statement's, whether it has rows or not.
//   - go-sql-driver/mysql shows one after the other those that have columns.
//   - modernc.org/sqlite shows one, and which depends on the rows that are
//     there: where more than one statement may have some, the text can only be
//     executed (noRows).
func shownSets(d Dialect, parts []part, sets []ResultSet) (shown []ResultSet, noRows bool) {
	if d == Postgres {
		return sets[:1], false
	}
	shown = []ResultSet{}
	for i, p := range parts {
		if p.rows {
			shown = append(shown, sets[i])
		}
	}
	if d != SQLite || len(shown) < 2 {
		return shown, false
	}
	for _, s := range shown {
		noRows = noRows || s.Results != nil
	}
	return shown, noRows
}

// inlines says that what is added to a text with several statements must not be
// an argument: arguments would have it prepared, which only takes one.
func (a *analysis) inlines() bool {
	return len(a.script.Statements) > 1 && a.dialect != SQLite && !a.opt.HasArgs
}

// changesOnly reports statements that read and write no rows, so that it does
// not matter what an earlier statement of the text did to names.
func changesOnly(st Statement) bool {
	o, ok := st.(*Other)
	if !ok {
		return false
	}
	switch o.Kind {
	case OtherCopy, OtherExplain, OtherCursor, OtherCall, OtherUnknown, OtherDynamic:
		return false
	case OtherCreateTable, OtherCreateView:
		return o.Query == nil
	}
	return true
}
