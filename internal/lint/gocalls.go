package lint

import (
	"go/ast"
	"go/types"
	"strings"

	"github.com/sealsql/sealsql/internal/script"
	"github.com/sealsql/sealsql/rewrite"
)

// call says where a function takes the text of a statement.
type call struct {
	// args are the places that may hold the text; the first that does is it.
	args []int
	// weak names are those of other things, too: a call counts only if its
	// argument looks like SQL.
	weak bool
	// named texts have :name for parameters, as sqlx has them; questions are
	// texts with ? on every engine.
	named, questions bool
}

// calls are the functions and methods of database/sql, sqlx, pgx, and of what
// is shaped like them, by name.
var calls = map[string]call{
	"Query":    {args: []int{0, 1}},
	"QueryRow": {args: []int{0, 1}},
	"Exec":     {args: []int{0, 1}},
	"Prepare":  {args: []int{0, 1, 2}},
	"Queue":    {args: []int{0}, weak: true},
	"Raw":      {args: []int{0}, weak: true, questions: true},

	"QueryContext":    {args: []int{1}},
	"QueryRowContext": {args: []int{1}},
	"ExecContext":     {args: []int{1}},
	"PrepareContext":  {args: []int{1}},

	"Queryx":    {args: []int{0, 1}},
	"QueryRowx": {args: []int{0, 1}},
	"MustExec":  {args: []int{0, 1}},
	"Preparex":  {args: []int{0, 1}},

	"QueryxContext":    {args: []int{1, 2}},
	"QueryRowxContext": {args: []int{1, 2}},
	"MustExecContext":  {args: []int{1, 2}},
	"PreparexContext":  {args: []int{1, 2}},

	"Get":           {args: []int{1, 2}, weak: true},
	"Select":        {args: []int{1, 2}, weak: true},
	"GetContext":    {args: []int{2, 3}, weak: true},
	"SelectContext": {args: []int{2, 3}, weak: true},
	"In":            {args: []int{0}, weak: true, questions: true},
	"Rebind":        {args: []int{0, 1}, weak: true, questions: true},

	"Named":               {args: []int{0}, weak: true, named: true},
	"NamedExec":           {args: []int{0, 1}, named: true},
	"NamedQuery":          {args: []int{0, 1}, named: true},
	"PrepareNamed":        {args: []int{0, 1}, named: true},
	"NamedExecContext":    {args: []int{1, 2}, named: true},
	"NamedQueryContext":   {args: []int{1, 2}, named: true},
	"PrepareNamedContext": {args: []int{1, 2}, named: true},
}

// readGo reads the Go files of one directory. only, if not nil, says from which
// of them calls are wanted; the others are read for their constants.
func readGo(files []*script.File, only map[string]bool, front rewrite.Frontend, s *rewrite.Session) Content {
	packages, faults := parseGo(files)
	var c Content
	for _, f := range faults {
		if only == nil || only[f.Place.File] {
			c.Faults = append(c.Faults, f)
		}
	}
	for _, p := range packages {
		r := &goReader{p: p, front: front, session: s, out: &c}
		for _, tree := range p.trees {
			if f, _, ok := p.place(tree.Name.Pos()); ok && (only == nil || only[f.Name]) {
				ast.Inspect(tree, r.visit)
			}
		}
	}
	return c
}

type goReader struct {
	p       *goPackage
	front   rewrite.Frontend
	session *rewrite.Session
	out     *Content
}

func (r *goReader) visit(n ast.Node) bool {
	e, ok := n.(*ast.CallExpr)
	if !ok {
		return true
	}
	sel, ok := e.Fun.(*ast.SelectorExpr)
	if !ok {
		return true
	}
	if c, known := calls[sel.Sel.Name]; known {
		r.call(e, c)
	}
	return true
}

// call takes the text out of one call.
func (r *goReader) call(e *ast.CallExpr, c call) {
	variable := false
	for _, i := range c.args {
		if i >= len(e.Args) {
			break
		}
		if text, ok := r.p.text(e.Args[i]); ok {
			if looksLikeSQL(text.SQL) {
				r.add(text, c)
				return
			}
			continue
		}
		if r.inner(e.Args[i]) {
			return // the call inside is a call of its own
		}
		variable = variable || !c.weak && r.isText(e.Args[i])
	}
	if variable {
		if f, off, ok := r.p.place(e.Pos()); ok {
			r.out.Variable = append(r.out.Variable, f.Place(off))
		}
	}
}

// inner reports whether an argument is a call that takes a constant text
// itself, like Rebind and Sprintf-free wrappers of it.
func (r *goReader) inner(e ast.Expr) bool {
	call, ok := ast.Unparen(e).(*ast.CallExpr)
	if !ok {
		return false
	}
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	c, known := calls[sel.Sel.Name]
	if !known {
		return false
	}
	for _, i := range c.args {
		if i < len(call.Args) {
			if text, ok := r.p.text(call.Args[i]); ok && looksLikeSQL(text.SQL) {
				return true
			}
		}
	}
	return false
}

// isText reports whether an expression is known to be a string, or is the sum
// or the formatting of one.
func (r *goReader) isText(e ast.Expr) bool {
	if t := r.p.info.Types[e].Type; t != nil {
		b, ok := t.Underlying().(*types.Basic)
		if ok && b.Kind() != types.Invalid {
			return b.Info()&types.IsString != 0
		}
	}
	call, ok := ast.Unparen(e).(*ast.CallExpr)
	if !ok {
		return false
	}
	sel, ok := call.Fun.(*ast.SelectorExpr)
	return ok && (sel.Sel.Name == "Sprintf" || sel.Sel.Name == "Sprint" || sel.Sel.Name == "Join" || sel.Sel.Name == "String")
}

func (r *goReader) add(text script.Text, c call) {
	switch {
	case c.named:
		text = namedParameters(text, r.front)
	case c.questions:
		text = questionMarks(text, r.front, r.session)
	case r.front.Dialect() == rewrite.Postgres:
		text = atNames(text, r.front, r.session)
	}
	r.out.Statements = append(r.out.Statements, Statement{Text: text})
}

// verbs begin statements.
var verbs = wordSet(`ALTER ANALYZE ATTACH BEGIN CALL CHECKPOINT CLOSE CLUSTER COMMENT COMMIT COPY CREATE DEALLOCATE DECLARE
	DELETE DESC DESCRIBE DETACH DISCARD DO DROP END EXECUTE EXPLAIN FETCH FLUSH GRANT HANDLER IMPORT INSERT KILL LISTEN
	LOAD LOCK MERGE MOVE NOTIFY OPTIMIZE PRAGMA PREPARE REASSIGN REFRESH REINDEX RELEASE RENAME REPLACE RESET REVOKE
	ROLLBACK SAVEPOINT SELECT SET SHOW START TABLE TRUNCATE UNLISTEN UNLOCK UPDATE USE VACUUM VALUES WITH XA`)

func wordSet(words string) map[string]bool {
	set := map[string]bool{}
	for w := range strings.FieldsSeq(words) {
		set[w] = true
	}
	return set
}

// looksLikeSQL reports whether a text begins with a verb, behind blanks,
// comments and parentheses.
func looksLikeSQL(s string) bool {
	for {
		s = strings.TrimLeft(s, " \t\r\n\f\v(;")
		switch {
		case strings.HasPrefix(s, "--"), strings.HasPrefix(s, "#"):
			n := strings.IndexByte(s, '\n')
			if n < 0 {
				return false
			}
			s = s[n:]
		case strings.HasPrefix(s, "/*"):
			n := strings.Index(s, "*/")
			if n < 0 {
				return false
			}
			s = s[n+2:]
		default:
			n := 0
			for n < len(s) && (s[n]|0x20 >= 'a' && s[n]|0x20 <= 'z') {
				n++
			}
			return verbs[strings.ToUpper(s[:n])]
		}
	}
}
