package sqlite

import (
	"strings"

	"github.com/sqlc-dev/meyer/ast"

	"github.com/sealsql/sealsql/rewrite"
)

// with lowers a WITH clause as SQLite reads it. The word RECURSIVE means
// nothing to SQLite: any table of the clause may name itself, and any may name
// a later one. Recursive is therefore always set, and a table is moved behind
// those that it names, so that whoever resolves names from first to last finds
// what SQLite finds.
func (l *lowerer) with(n *ast.With) *rewrite.With {
	if n == nil {
		return nil
	}
	w := &rewrite.With{Span: span(n), Recursive: true, CTEs: make([]*rewrite.CTE, len(n.CTEs))}
	if len(n.CTEs) > maxDepth {
		l.fail(&rewrite.UnsupportedError{Pos: n.Start, Reason: rewrite.ReasonTooDeep})
		return w
	}
	if len(n.CTEs) == 1 {
		w.CTEs[0] = l.cte(n.CTEs[0])
		return w
	}
	l.watching++
	first := len(l.named)
	ends := make([]int, len(n.CTEs))
	for i, c := range n.CTEs {
		w.CTEs[i] = l.cte(c)
		ends[i] = len(l.named)
	}
	l.watching--
	order(w.CTEs, l.named[first:], ends, first)
	if l.watching == 0 {
		l.named = l.named[:0]
	}
	return w
}

// order sorts ctes so that each stands behind those that it names and else
// keeps its place. named holds the names that ctes[i] uses up to ends[i]-base.
// Tables that name each other in a circle, which SQLite rejects, keep their
// order.
func order(ctes []*rewrite.CTE, named []string, ends []int, base int) {
	place := make(map[string]int, len(ctes))
	for i, c := range ctes {
		place[fold(c.Name.Name)] = i
	}
	uses := func(i int) []string {
		from := 0
		if i > 0 {
			from = ends[i-1] - base
		}
		return named[from : ends[i]-base]
	}
	if !forward(place, len(ctes), uses) {
		return
	}
	v := visit{place: place, uses: uses, ctes: append([]*rewrite.CTE(nil), ctes...)}
	v.state = make([]bool, len(ctes))
	v.out = ctes[:0]
	for i := range v.ctes {
		v.cte(i)
	}
}

// forward reports whether any table names a later one, which is rare.
func forward(place map[string]int, n int, uses func(int) []string) bool {
	for i := range n {
		for _, name := range uses(i) {
			if j, ok := place[fold(name)]; ok && j > i {
				return true
			}
		}
	}
	return false
}

type visit struct {
	place map[string]int
	uses  func(int) []string
	ctes  []*rewrite.CTE
	state []bool
	out   []*rewrite.CTE
}

// cte writes the tables that i names, then i.
func (v *visit) cte(i int) {
	if v.state[i] {
		return
	}
	v.state[i] = true
	for _, name := range v.uses(i) {
		if j, ok := v.place[fold(name)]; ok {
			v.cte(j)
		}
	}
	v.out = append(v.out, v.ctes[i])
}

// fold folds a name as SQLite compares names: ASCII only.
func fold(s string) string {
	for i := 0; i < len(s); i++ {
		if 'A' <= s[i] && s[i] <= 'Z' {
			return strings.Map(func(r rune) rune {
				if 'A' <= r && r <= 'Z' {
					return r + 'a' - 'A'
				}
				return r
			}, s)
		}
	}
	return s
}
