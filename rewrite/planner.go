package rewrite

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// Options say how a statement is about to be run.
type Options struct {
	// HasArgs: the caller passes arguments. Prepare: the text is prepared, so
	// that it cannot have holes.
	HasArgs bool
	Prepare bool
	// ContextPartition: the context carries a partition (sealsql.WithPartition).
	ContextPartition bool
	// Lookup: the statement is a lookup of KeysFirst, which may lock more rows
	// than it shows.
	Lookup bool
	// Spans is the number of places for each range over paths (Cover.Spans) where
	// it is known how many are needed; 0 makes as many as there may be.
	Spans int
	// filled counts the texts that led to this one: see filledPlan.
	filled int
}

// Planner makes plans and keeps them. It is safe for concurrent use.
type Planner struct {
	front Frontend
	size  int

	mu   sync.RWMutex
	hot  map[planKey]planned // newer generation
	cold map[planKey]planned // older generation: dropped when hot fills up
	// Templates by the form of their text, in two generations as well.
	hotForms, coldForms map[planKey][]*template

	hits, templates, misses atomic.Uint64
}

// planKey holds everything that a plan depends on (threats T6): the text, the
// state of the database, the session and how the statement is run.
type planKey struct {
	text    string
	cat     Catalog
	session Session
	opt     Options
}

type planned struct {
	plan *Plan
	err  error
}

// NewPlanner returns a planner that keeps at most size plans.
func NewPlanner(f Frontend, size int) *Planner {
	if size < 2 {
		size = 2
	}
	return &Planner{front: f, size: size, hot: map[planKey]planned{}}
}

// Dialect returns the front end's dialect.
func (p *Planner) Dialect() Dialect { return p.front.Dialect() }

// Frontend returns the planner's front end.
func (p *Planner) Frontend() Frontend { return p.front }

// maxCachedText bounds the texts that are kept: a batch of many rows is rarely
// sent twice to the letter, and would crowd out many small plans.
const maxCachedText = 64 << 10

// Plan returns the plan for a text, from the cache where it is known. Refusals
// are *UnsupportedError and are cached as well.
func (p *Planner) Plan(text string, c Catalog, s *Session, o Options) (*Plan, error) {
	plan, _, err := p.PlanTimed(text, c, s, o)
	return plan, err
}

// PlanTimed is Plan that also says when planning began: the zero time where the
// cache had the plan.
func (p *Planner) PlanTimed(text string, c Catalog, s *Session, o Options) (_ *Plan, began time.Time, _ error) {
	k := planKey{text, c, *s, o}
	p.mu.RLock()
	got, ok := p.hot[k]
	if !ok {
		got, ok = p.cold[k]
	}
	p.mu.RUnlock()
	if ok {
		p.hits.Add(1)
		return got.plan, began, got.err
	}
	return p.miss(k, text, c, s, o)
}

// miss plans a text that the cache does not have.
func (p *Planner) miss(k planKey, text string, c Catalog, s *Session, o Options) (plan *Plan, began time.Time, err error) {
	defer func() {
		if r := recover(); r != nil {
			plan, err = nil, Fault(r)
		}
	}()
	began = time.Now()
	if len(text) > maxCachedText {
		p.misses.Add(1)
		plan, err := PlanOnce(p.front, text, c, s, o)
		return plan, began, err
	}
	f := forms.Get().(*form)
	formed := f.read(p.front, text, s) && len(f.lits) > 0
	if formed {
		if plan := p.formed(f, c, s, o); plan != nil {
			f.release()
			p.templates.Add(1)
			return plan, time.Time{}, nil
		}
	}
	p.misses.Add(1)
	var r recording
	plan, err = planOnce(p.front, text, c, s, o, &r)
	p.keep(k, planned{plan, err})
	if formed && err == nil && plan.First == nil && plan.Sorted == nil {
		if t := newTemplate(p.front, s, plan, f, &r); t != nil {
			p.keepTemplate(planKey{string(f.key), c, *s, o}, t)
		}
	}
	f.release()
	return plan, began, err
}

// PlannerStats are the counters of a Planner.
type PlannerStats struct {
	// Hits found the text, Templates a text that differs in literals only, Misses
	// were planned.
	Hits, Templates, Misses uint64
	// Entries is the number of plans and refusals that are kept, and Size how
	// many there may be.
	Entries, Size int
}

// Stats returns the counters.
func (p *Planner) Stats() PlannerStats {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return PlannerStats{
		Hits: p.hits.Load(), Templates: p.templates.Load(), Misses: p.misses.Load(),
		Entries: len(p.hot) + len(p.cold), Size: p.size,
	}
}

// formed makes the plan of a text from a template of its form; nil without one.
func (p *Planner) formed(f *form, c Catalog, s *Session, o Options) *Plan {
	p.mu.RLock()
	list, ok := p.hotForms[planKey{string(f.key), c, *s, o}]
	if !ok {
		list = p.coldForms[planKey{string(f.key), c, *s, o}]
	}
	p.mu.RUnlock()
	for _, t := range list {
		if t.matches(f) {
			plan, _ := t.instance(f)
			return plan
		}
	}
	return nil
}

// maxVariants bounds the templates of one form: texts that differ in literals
// which matter.
const maxVariants = 8

// keepTemplate stores a template, in the place of the oldest of its form where
// there are too many.
func (p *Planner) keepTemplate(k planKey, t *template) {
	p.mu.Lock()
	defer p.mu.Unlock()
	list, ok := p.hotForms[k]
	if !ok {
		list = p.coldForms[k]
		if p.hotForms == nil || len(p.hotForms) >= p.size/2 {
			p.coldForms, p.hotForms = p.hotForms, make(map[planKey][]*template, p.size/8)
		}
	}
	list = append(list[max(0, len(list)-maxVariants+1):len(list):len(list)], t)
	p.hotForms[k] = list
}

// keep stores a plan. Two generations bound the cache without any bookkeeping
// on hits: when the newer one is full it becomes the older one, and what is
// still used comes back on its next miss.
func (p *Planner) keep(k planKey, v planned) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.hot) >= p.size/2 {
		p.cold, p.hot = p.hot, make(map[planKey]planned, p.size/2)
	}
	p.hot[k] = v
}

// PlanOnce plans one text without a cache: a pure function. A panic in it is a
// refusal (Fault).
func PlanOnce(f Frontend, text string, c Catalog, s *Session, o Options) (*Plan, error) {
	return planOnce(f, text, c, s, o, nil)
}

func planOnce(f Frontend, text string, c Catalog, s *Session, o Options, r *recording) (plan *Plan, err error) {
	defer func() {
		if thrown := recover(); thrown != nil {
			plan, err = nil, Fault(thrown)
		}
	}()
	prepared, err := f.Prepare(text, s)
	if err != nil {
		return nil, err
	}
	script, err := f.Parse(prepared, s)
	w := workspaces.Get().(*workspace)
	plan, err = planParsed(w, f, text, script, err, c, s, o, r)
	// Not reached behind a panic: memory of unknown state is left to the collector.
	script.release()
	w.release()
	return plan, err
}

// planParsed plans a text from what Parse made of it.
func planParsed(w *workspace, f Frontend, text string, script *Script, err error, c Catalog, s *Session, o Options, r *recording) (*Plan, error) {
	if err != nil {
		var syntax *SyntaxError
		if errors.As(err, &syntax) {
			return planUnparsed(w, f, text, script, syntax, c, s, o)
		}
		return nil, err
	}
	if s.Unsafe != "" && !onlySettings(script) {
		return nil, &UnsupportedError{Column: s.Unsafe, Pos: -1, Reason: ReasonSession, Hint: "set it back; nothing is read or stored reliably under it"}
	}
	return planScript(w, f, text, script, c, s, o, r)
}

func onlySettings(script *Script) bool {
	for _, st := range script.Statements {
		o, ok := st.(*Other)
		if !ok || o.Kind != OtherSession && o.Kind != OtherTransaction && o.Kind != OtherEmpty {
			return false
		}
	}
	return true
}

func newAnalysis(w *workspace, f Frontend, script *Script, c Catalog, s *Session, o Options) *analysis {
	a := w.analyses.One()
	a.work, a.front, a.dialect, a.cat, a.script, a.session, a.opt = w, f, f.Dialect(), c, script, s, o
	return a
}

// planUnparsed decides about a text that no parser accepts.
func planUnparsed(w *workspace, f Frontend, text string, script *Script, syntax *SyntaxError, c Catalog, s *Session, o Options) (*Plan, error) {
	if script == nil || s.Unsafe != "" || script.Tokens == nil {
		return nil, &UnsupportedError{Pos: syntax.Pos, Reason: ReasonSyntax, Hint: "correct the statement, or write it in a form that the parser understands"}
	}
	a := newAnalysis(w, f, script, c, s, o)
	if err := a.unknownTokens(script.Tokens, syntax.Pos); err != nil {
		return nil, err
	}
	return &Plan{Pass: true, Text: passText(text, script), ArgsSame: true, Params: -1, Effects: a.effects, Transacts: TransactsAnything}, nil
}

// passText is what goes out when a plan passes: the caller's own text unless
// executable comments were resolved.
func passText(text string, script *Script) string {
	if script.Text != text {
		return script.Text
	}
	return text
}
