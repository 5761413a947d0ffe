package sqlite

import (
	"strconv"

	"github.com/sqlc-dev/meyer/ast"

	"github.com/sealsql/sealsql/rewrite"
)

// maxVariable is SQLITE_MAX_VARIABLE_NUMBER of the build.
const maxVariable = 32766

// numbering assigns the parameters of one statement their numbers as
// sqlite3ExprAssignVarNumber does, and from these the caller's ordinals as
// modernc.org/sqlite binds them.
type numbering struct {
	last int // the highest number so far
	// spelled maps a name with its sigil to its number, numbered a number to
	// what its name makes of it, bare a name without sigil to its ordinal.
	spelled  map[string]int
	numbered map[int]binding
	bare     map[string]int
}

// binding is how the driver finds the argument of a parameter.
type binding struct {
	ordinal int
	name    string
}

// number fills script.Markers, script.Params and script.NoEdit. Parameters in
// the arguments of a virtual table's module are text to SQLite and are left
// out.
func (l *lowerer) number(script *rewrite.Script, stmts []ast.Stmt, count int) {
	params := l.arena.params.Many(count)[:0]
	contradiction := crossing{}
	i := 0
	for _, s := range stmts {
		to := l.index(s.End())
		if isVirtualTable(s) {
			i = to
			continue
		}
		var n numbering
		for ; i < to; i++ {
			t := &l.toks[i]
			if t.Kind != rewrite.TokParam {
				continue
			}
			b, err := n.assign(t)
			if err != nil {
				l.fail(err)
				return
			}
			params = append(params, rewrite.Param{
				Span: t.Span, N: b.ordinal, Name: b.name, Source: t.Text,
			})
			script.Params = max(script.Params, b.ordinal)
			if len(stmts) > 1 && contradiction.found(b) {
				script.NoEdit = "named parameters of several statements"
			}
		}
	}
	script.Markers = l.markers.Many(len(params))
	for i := range params {
		script.Markers[i] = &params[i]
	}
	l.params = script.Markers
}

func isVirtualTable(s ast.Stmt) bool {
	if e, ok := s.(*ast.ExplainStmt); ok {
		s = e.Stmt
	}
	_, ok := s.(*ast.CreateVirtualTableStmt)
	return ok
}

func (n *numbering) assign(t *rewrite.Token) (binding, error) {
	switch {
	case t.Text == "?":
		n.last++
		return n.bound(n.last, t)
	case t.Text[0] == '?':
		x, err := strconv.Atoi(t.Text[1:])
		if err != nil || x < 1 {
			return binding{}, &rewrite.SyntaxError{Pos: t.Start}
		}
		n.last = max(n.last, x)
		return n.bound(x, t)
	}
	x, ok := n.spelled[t.Text]
	if !ok {
		x = n.introduce(t.Text)
	}
	return n.bound(x, t)
}

// bound returns the binding of number x, unless SQLite would reject it.
func (n *numbering) bound(x int, t *rewrite.Token) (binding, error) {
	if x > maxVariable {
		return binding{}, &rewrite.SyntaxError{Pos: t.Start}
	}
	b, ok := n.numbered[x]
	if !ok {
		return binding{ordinal: x}, nil
	}
	if b.ordinal > maxVariable {
		return binding{}, &rewrite.UnsupportedError{Pos: t.Start, Reason: rewrite.ReasonParameters}
	}
	return b, nil
}

// introduce gives a named parameter the next number.
func (n *numbering) introduce(text string) int {
	if n.spelled == nil {
		n.spelled, n.numbered, n.bare = map[string]int{}, map[int]binding{}, map[string]int{}
	}
	n.last++
	x, name := n.last, text[1:]
	n.spelled[text] = x
	if k, ok := ordinalName(text); ok {
		n.numbered[x] = binding{ordinal: k}
		return x
	}
	if _, ok := n.bare[name]; !ok {
		n.bare[name] = x
	}
	n.numbered[x] = binding{ordinal: n.bare[name], name: name}
	return x
}

// ordinalName reads $NNN, which modernc.org/sqlite binds by position.
func ordinalName(text string) (int, bool) {
	if text[0] != '$' || text[1] < '1' || text[1] > '9' {
		return 0, false
	}
	for i := 1; i < len(text); i++ {
		if text[i] < '0' || text[i] > '9' {
			return 0, false
		}
	}
	k, err := strconv.Atoi(text[1:])
	if err != nil {
		return maxVariable + 1, true
	}
	return k, true
}

// crossing finds parameters of several statements that have one ordinal and
// different names, or one name and different ordinals.
type crossing struct {
	ordinals map[string]int
	names    map[int]string
}

func (c *crossing) found(b binding) bool {
	if c.names == nil {
		c.names, c.ordinals = map[int]string{}, map[string]int{}
	}
	name, seen := c.names[b.ordinal]
	c.names[b.ordinal] = b.name
	if seen && name != b.name {
		return true
	}
	if b.name == "" {
		return false
	}
	n, seen := c.ordinals[b.name]
	c.ordinals[b.name] = b.ordinal
	return seen && n != b.ordinal
}

// param returns the parameter that begins at pos.
func (l *lowerer) param(pos int) *rewrite.Param {
	lo, hi := 0, len(l.params)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if l.params[mid].Start < pos {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo == len(l.params) || l.params[lo].Start != pos {
		l.fail(&rewrite.UnsupportedError{Pos: pos, Reason: rewrite.ReasonParameters})
		return &rewrite.Param{}
	}
	return l.params[lo]
}
