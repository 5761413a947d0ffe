package rewrite

import "sync/atomic"

// starLists keeps, with a table of the catalog, the lists of its columns that
// plans write in the place of "*", one for each way in which the table is
// named. Each has been proven alone by its tokens, so that an edited text that
// holds one need not be scanned there again. Names are quoted, which reads the
// same in every session.
type starLists struct {
	known   atomic.Pointer[[]starList]
	results [2]atomic.Pointer[starResults] // by prepared form
}

type starList struct{ prefix, text string }

// maxStarLists bounds the lists of one table: aliases are the callers' choice.
const maxStarLists = 8

func (l *starLists) find(prefix []byte) string {
	if known := l.known.Load(); known != nil {
		for i := range *known {
			if (*known)[i].prefix == string(prefix) {
				return (*known)[i].text
			}
		}
	}
	return ""
}

func (l *starLists) keep(s starList) {
	known := l.known.Load()
	next := []starList{s}
	if known != nil {
		if len(*known) >= maxStarLists {
			return
		}
		next = append(next, *known...)
	}
	l.known.CompareAndSwap(known, &next) // whoever loses the race makes it again
}

// expansion is what is written for a star: all that some relations show, one
// after the other, or single columns.
type expansion struct {
	rels []*relation
	vis  []visible
}

// visible lists the columns.
func (x *expansion) visible(a *analysis) []visible {
	if x.rels == nil {
		return x.vis
	}
	return listed(a.starOf(x.rels...))
}

// owns reports whether cols are the table's columns as the catalog has them.
func (rel *Relation) owns(cols []column) bool {
	for i := range rel.prepared {
		if p := rel.prepared[i].cols; len(p) == len(cols) && len(p) > 0 && &p[0] == &cols[0] {
			return true
		}
	}
	return false
}

// list returns the proven list of what a table of the catalog shows, or "" where
// there is none.
func (b *builder) list(r *relation) string {
	if r.base == nil || r.base.lists == nil || !r.base.owns(r.cols) {
		return ""
	}
	if r.listed != "" {
		return r.listed
	}
	b.scratch = b.writeQualifier(b.scratch[:0], r)
	if r.listed = r.base.lists.find(b.scratch); r.listed != "" {
		return r.listed
	}
	prefix := string(b.scratch)
	text := []byte(nil)
	for i := range r.cols {
		if !r.cols[i].shown() {
			continue
		}
		if len(text) > 0 {
			text = append(text, ", "...)
		}
		text = b.a.front.AppendIdent(append(text, prefix...), r.cols[i].name)
	}
	p := b.a.work.proofs.One()
	p.b, p.out = b, string(text)
	if p.read(b.a.front.Tokens(p.out, b.a.session)); p.head.Start != 0 || !p.tableColumns(r) || p.last != len(p.out) || !p.done() {
		return ""
	}
	r.base.lists.keep(starList{prefix, p.out})
	r.listed = p.out
	return p.out
}

// starResults is what a plan says of the result columns of a table's star.
type starResults struct {
	results []Open
	names   []string
	labels  []string
}

// sharedResults fills in the results of a statement whose list is a table's
// star and nothing else, from what an earlier plan said of it; plans are
// immutable, and share it.
func (b *builder) sharedResults() bool {
	rel, at := b.tableOfResults()
	if rel == nil {
		return false
	}
	if s := rel.lists.results[at].Load(); s != nil {
		b.plan.Results, b.plan.ResultNames, b.plan.Labels = s.results, s.names, s.labels
		return true
	}
	return false
}

// shareResults keeps what a plan says of its results for later ones.
func (b *builder) shareResults() {
	if rel, at := b.tableOfResults(); rel != nil {
		rel.lists.results[at].Store(&starResults{b.plan.Results, b.plan.ResultNames, b.plan.Labels})
	}
}

// tableOfResults returns the table whose columns, as the catalog has them, are
// the results of the statement, and which of its prepared forms they are.
func (b *builder) tableOfResults() (*Relation, int) {
	if len(b.a.filters)+len(b.a.verified) > 0 || len(b.a.script.Statements) != 1 || len(b.a.stars.list) != 1 || len(b.a.results) == 0 {
		return nil, 0
	}
	x := &b.a.stars.list[0].value
	if len(x.rels) != 1 || x.rels[0].base == nil || x.rels[0].base.lists == nil {
		return nil, 0
	}
	rel := x.rels[0].base
	for at := range rel.prepared {
		if p := rel.prepared[at].shown; len(p) == len(b.a.results) && &p[0] == &b.a.results[0] {
			return rel, at
		}
	}
	return nil, 0
}
