package rewrite

import (
	"sync"

	"github.com/sealsql/sealsql/internal/slab"
)

// workspace is the memory in which one statement is planned. Nothing of it may
// be reachable from the plan: the next statement uses it again
// (TestPlansKeepNothingOfTheirMaking).
type workspace struct {
	analyses     slab.Slab[analysis]
	builders     slab.Slab[builder]
	scopes       slab.Slab[scope]
	uses         slab.Slab[paramUse]
	ordinals     slab.Slab[int]
	names        slab.Slab[string]
	relations    slab.Slab[relation]
	hiddens      slab.Slab[hiddenCol]
	columns      slab.Slab[column]
	flows        slab.Slab[sealed]
	visibles     slab.Slab[visible]
	slots        slab.Slab[slot]
	slotRefs     slab.Slab[*slot]
	additions    slab.Slab[addition]
	additionRefs slab.Slab[*addition]
	edits        slab.Slab[edit]
	parts        slab.Slab[part]
	inScope      slab.Slab[*relation]
	insertions   slab.Slab[insertion]
	proofs       slab.Slab[tokenProof]
	newRows      slab.Slab[newRow]
	changedRows  slab.Slab[changedRow]
	exprs        slab.Slab[Expr]
	literals     slab.Slab[*Literal]
	columnRefs   slab.Slab[*ColumnRef]
	hits         slab.Slab[hit]
	grown        slab.Slab[[]*addition]
	text         []byte // the edited text while it is written
	scratch      []byte // names and placeholders
}

var workspaces = sync.Pool{New: func() any { return new(workspace) }}

// few is the room for lists that are short in most statements.
const few = 4

// maxWorkspaceText bounds the buffer that a workspace keeps.
const maxWorkspaceText = 64 << 10

// release gives the memory back.
func (w *workspace) release() {
	w.analyses.Reset()
	w.builders.Reset()
	w.scopes.Reset()
	w.uses.Reset()
	w.ordinals.Reset()
	w.names.Reset()
	w.relations.Reset()
	w.columns.Reset()
	w.flows.Reset()
	w.hiddens.Reset()
	w.visibles.Reset()
	w.slots.Reset()
	w.slotRefs.Reset()
	w.additions.Reset()
	w.additionRefs.Reset()
	w.edits.Reset()
	w.parts.Reset()
	w.inScope.Reset()
	w.insertions.Reset()
	w.proofs.Reset()
	w.newRows.Reset()
	w.changedRows.Reset()
	w.exprs.Reset()
	w.literals.Reset()
	w.columnRefs.Reset()
	w.hits.Reset()
	w.grown.Reset()
	// Literals of the caller's text may stand in it.
	clear(w.text)
	if w.text = w.text[:0]; cap(w.text) > maxWorkspaceText {
		w.text = nil
	}
	workspaces.Put(w)
}

// scope returns a scope inside up.
func (w *workspace) scope(up *scope) *scope {
	sc := w.scopes.One()
	sc.up = up
	return sc
}
