package lint

import (
	"errors"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/scanner"
	"go/token"
	"go/types"

	"github.com/sealsql/sealsql/internal/script"
)

// goPackage is the files of one package, with what the type checker knows
// without seeing any other package: constants, and what names mean.
type goPackage struct {
	fset  *token.FileSet
	files map[string]*script.File // by name
	trees []*ast.File
	info  *types.Info
	// values are the expressions that constants and variables are defined by;
	// assigned are variables that get another value anywhere.
	values   map[types.Object]ast.Expr
	assigned map[types.Object]bool
	steps    int // left to the folding of one argument
}

// parseGo reads the files of one directory. Files that are not Go are faults;
// what the parser could read of them is read.
func parseGo(files []*script.File) (packages []*goPackage, faults []Fault) {
	fset := token.NewFileSet()
	byName := map[string]*goPackage{}
	for _, f := range files {
		tree, err := parser.ParseFile(fset, f.Name, f.Data, parser.SkipObjectResolution)
		if err != nil {
			faults = append(faults, goFault(f, err))
		}
		if tree == nil || tree.Name == nil {
			continue
		}
		p := byName[tree.Name.Name]
		if p == nil {
			p = &goPackage{fset: fset, files: map[string]*script.File{}}
			byName[tree.Name.Name] = p
			packages = append(packages, p)
		}
		p.files[f.Name] = f
		p.trees = append(p.trees, tree)
	}
	for _, p := range packages {
		p.check()
	}
	return packages, faults
}

// goFault keeps the place of the parser's first error; its message may quote
// the source.
func goFault(f *script.File, err error) Fault {
	at := 0
	var list scanner.ErrorList
	if errors.As(err, &list) && len(list) > 0 {
		at = list[0].Pos.Offset
	}
	return Fault{f.Place(at), "not understood as Go"}
}

// noImports makes every import an error, which the checker goes on behind.
type noImports struct{}

var errNoImport = errors.New("not imported")

func (noImports) Import(string) (*types.Package, error) { return nil, errNoImport }

func (p *goPackage) check() {
	p.info = &types.Info{
		Types: map[ast.Expr]types.TypeAndValue{}, Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{},
	}
	conf := types.Config{Importer: noImports{}, Error: func(error) {}, DisableUnusedImportCheck: true, FakeImportC: true}
	func() {
		// Faulty source must not end the run; without types less is found.
		defer func() { _ = recover() }()
		// The error says that imports are missing.
		_, _ = conf.Check("p", p.fset, p.trees, p.info)
	}()
	p.values, p.assigned = map[types.Object]ast.Expr{}, map[types.Object]bool{}
	for _, tree := range p.trees {
		ast.Inspect(tree, p.learn)
	}
}

// learn notes how names get their values.
func (p *goPackage) learn(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.ValueSpec:
		for i, name := range n.Names {
			if obj := p.info.Defs[name]; obj != nil && len(n.Values) == len(n.Names) {
				p.values[obj] = n.Values[i]
			} else if obj != nil && len(n.Values) > 0 {
				p.assigned[obj] = true
			}
		}
	case *ast.AssignStmt:
		p.assign(n)
	case *ast.UnaryExpr:
		if id, ok := ast.Unparen(n.X).(*ast.Ident); ok && n.Op == token.AND {
			p.assigned[p.info.Uses[id]] = true
		}
	case *ast.RangeStmt:
		for _, e := range []ast.Expr{n.Key, n.Value} {
			if id, ok := e.(*ast.Ident); ok {
				p.assigned[p.object(id)] = true
			}
		}
	}
	return true
}

func (p *goPackage) assign(n *ast.AssignStmt) {
	for i, lhs := range n.Lhs {
		id, ok := ast.Unparen(lhs).(*ast.Ident)
		if !ok {
			continue
		}
		obj := p.info.Defs[id]
		if n.Tok == token.DEFINE && obj != nil && len(n.Lhs) == len(n.Rhs) {
			p.values[obj] = n.Rhs[i]
			continue
		}
		p.assigned[p.object(id)] = true
	}
}

func (p *goPackage) object(id *ast.Ident) types.Object {
	if obj := p.info.Defs[id]; obj != nil {
		return obj
	}
	return p.info.Uses[id]
}

// Bounds of folding: the depth of an expression, the number of its parts with
// every use of a constant counted, the length of its text.
const (
	maxFolding  = 1000
	maxSteps    = 20_000
	maxConstant = 1 << 20
)

// text returns the constant text of an expression: of literals, constants and
// variables that are never assigned again, and of their sums.
func (p *goPackage) text(e ast.Expr) (script.Text, bool) {
	p.steps = maxSteps
	return p.fold(e, 0)
}

func (p *goPackage) fold(e ast.Expr, depth int) (script.Text, bool) {
	if p.steps--; depth > maxFolding || p.steps < 0 {
		return script.Text{}, false
	}
	switch e := e.(type) {
	case *ast.ParenExpr:
		return p.fold(e.X, depth+1)
	case *ast.BasicLit:
		return p.literal(e)
	case *ast.BinaryExpr:
		return p.sum(e, depth)
	case *ast.Ident:
		return p.named(e, depth)
	case *ast.CallExpr:
		if id, ok := e.Fun.(*ast.Ident); ok && id.Name == "string" && len(e.Args) == 1 {
			return p.fold(e.Args[0], depth+1)
		}
	}
	return script.Text{}, false
}

func (p *goPackage) sum(e *ast.BinaryExpr, depth int) (script.Text, bool) {
	if e.Op != token.ADD {
		return script.Text{}, false
	}
	x, ok := p.fold(e.X, depth+1)
	if !ok {
		return x, false
	}
	y, ok := p.fold(e.Y, depth+1)
	if !ok || len(x.SQL)+len(y.SQL) > maxConstant {
		return y, false
	}
	return script.Join(x, y), true
}

// named follows a name to what defines it.
func (p *goPackage) named(id *ast.Ident, depth int) (script.Text, bool) {
	obj := p.info.Uses[id]
	if obj == nil || p.assigned[obj] {
		return script.Text{}, false
	}
	value, known := p.values[obj]
	if c, ok := obj.(*types.Const); ok && c.Val().Kind() == constant.String {
		want := constant.StringVal(c.Val())
		if known {
			if t, ok := p.fold(value, depth+1); ok && t.SQL == want {
				return t, true
			}
		}
		return p.at(want, id.Pos())
	}
	if _, ok := obj.(*types.Var); !ok || !known {
		return script.Text{}, false
	}
	return p.fold(value, depth+1)
}

// at is a text whose bytes have no places of their own.
func (p *goPackage) at(sql string, pos token.Pos) (script.Text, bool) {
	f, off, ok := p.place(pos)
	if !ok || len(sql) > maxConstant {
		return script.Text{}, false
	}
	return f.At(sql, off), true
}

// place ignores //line comments: what is read is the file.
func (p *goPackage) place(pos token.Pos) (*script.File, int, bool) {
	tf := p.fset.File(pos)
	if tf == nil {
		return nil, 0, false
	}
	f := p.files[tf.Name()]
	return f, tf.Offset(pos), f != nil
}
