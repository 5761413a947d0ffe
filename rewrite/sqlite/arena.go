package sqlite

import "github.com/sealsql/sealsql/rewrite"

// slab hands out values from chunks that double in size, so that a statement
// of hundreds of nodes costs a handful of allocations. A chunk is bounded
// because a cached plan may keep one literal of it alive.
type slab[T any] struct {
	free []T
	size int
}

const (
	slabFirst = 2
	slabMax   = 64
)

func (s *slab[T]) grow(n int) {
	s.size = min(max(2*s.size, slabFirst), slabMax)
	s.free = make([]T, max(n, s.size))
}

func (s *slab[T]) one() *T {
	if len(s.free) == 0 {
		s.grow(1)
	}
	p := &s.free[0]
	s.free = s.free[1:]
	return p
}

// many returns n zero values that share nothing with any other result; nil for
// none.
func (s *slab[T]) many(n int) []T {
	if n == 0 {
		return nil
	}
	if len(s.free) < n {
		s.grow(n)
	}
	out := s.free[:n:n]
	s.free = s.free[n:]
	return out
}

// arena holds the slabs of the nodes that occur in numbers; rare ones are
// allocated one by one.
type arena struct {
	idents   slab[rewrite.Ident]
	exprs    slab[rewrite.Expr]
	columns  slab[rewrite.ColumnRef]
	literals slab[rewrite.Literal]
	ops      slab[rewrite.Op]
	calls    slab[rewrite.Call]
	items    slab[rewrite.SelectItem]
	tables   slab[rewrite.Table]
	froms    slab[rewrite.TableExpr]
	queries  slab[rewrite.Query]
	selects  slab[rewrite.Select]
}

// starter is the first chunk of the slabs that nearly every statement uses, in
// one allocation: for a short statement allocating is most of the work.
// Literals are not in it, since plans keep them.
type starter struct {
	script     rewrite.Script
	statements [1]rewrite.Statement
	queries    [1]rewrite.Query
	selects    [1]rewrite.Select
	idents     [10]rewrite.Ident
	exprs      [10]rewrite.Expr
	columns    [8]rewrite.ColumnRef
	ops        [3]rewrite.Op
	items      [6]rewrite.SelectItem
	tables     [1]rewrite.Table
	froms      [1]rewrite.TableExpr
}

// start fills the slabs from st. The next chunks follow the length of a text
// of n tokens, about a third of which are names.
func (a *arena) start(st *starter, n int) {
	a.queries.free, a.selects.free = st.queries[:], st.selects[:]
	a.idents.free, a.exprs.free = st.idents[:], st.exprs[:]
	a.columns.free, a.ops.free = st.columns[:], st.ops[:]
	a.items.free, a.tables.free, a.froms.free = st.items[:], st.tables[:], st.froms[:]
	a.idents.size, a.exprs.size, a.columns.size = n/6, n/6, n/10
}
