package sqlite

import (
	"sync"

	"github.com/sealsql/sealsql/internal/slab"
	"github.com/sealsql/sealsql/rewrite"
)

// arena is the memory of one parsed text: the script itself, its tokens and
// the nodes that occur in numbers; rare ones are allocated one by one. It is
// used again once the planner has released it.
type arena struct {
	script      rewrite.Script
	tokens      []rewrite.Token
	params      slab.Slab[rewrite.Param]
	markers     slab.Slab[*rewrite.Param]
	idents      slab.Slab[rewrite.Ident]
	exprs       slab.Slab[rewrite.Expr]
	columns     slab.Slab[rewrite.ColumnRef]
	ops         slab.Slab[rewrite.Op]
	calls       slab.Slab[rewrite.Call]
	items       slab.Slab[rewrite.SelectItem]
	tables      slab.Slab[rewrite.Table]
	froms       slab.Slab[rewrite.TableExpr]
	queries     slab.Slab[rewrite.Query]
	selects     slab.Slab[rewrite.Select]
	updates     slab.Slab[rewrite.Update]
	assignments slab.Slab[rewrite.Assign]
	targets     slab.Slab[*rewrite.ColumnRef]
	inserts     slab.Slab[rewrite.Insert]
	values      slab.Slab[rewrite.Values]
	rows        slab.Slab[[]rewrite.Expr]
	spans       slab.Slab[rewrite.Span]
	programs    slab.Slab[rewrite.Statement]
	stars       slab.Slab[rewrite.Star]
	nulls       slab.Slab[rewrite.IsNull]
	joins       slab.Slab[rewrite.Join]
	reader      reader
	// literals are not among what is used again: plans keep them.
	literals slab.Slab[rewrite.Literal]
}

var arenas = sync.Pool{New: func() any { return new(arena) }}

// maxTokens bounds the list of tokens that an arena keeps.
const maxTokens = 1 << 12

// Release gives the memory back; see [rewrite.Script].
func (a *arena) Release() {
	a.script = rewrite.Script{}
	clear(a.tokens)
	if a.tokens = a.tokens[:0]; cap(a.tokens) > maxTokens {
		a.tokens = nil
	}
	a.params.Reset()
	a.markers.Reset()
	a.idents.Reset()
	a.exprs.Reset()
	a.columns.Reset()
	a.ops.Reset()
	a.calls.Reset()
	a.items.Reset()
	a.tables.Reset()
	a.froms.Reset()
	a.queries.Reset()
	a.selects.Reset()
	a.updates.Reset()
	a.assignments.Reset()
	a.targets.Reset()
	a.inserts.Reset()
	a.values.Reset()
	a.rows.Reset()
	a.spans.Reset()
	a.programs.Reset()
	a.stars.Reset()
	a.nulls.Reset()
	a.joins.Reset()
	a.reader = reader{}
	a.literals = slab.Slab[rewrite.Literal]{}
	arenas.Put(a)
}
