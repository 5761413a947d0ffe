package securemem

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// What memguard offers beyond pages is not for a library: Purge destroys the
// keys of everybody in the process, CatchSignal takes the host's handlers away,
// SafeExit and SafePanic end it, an enclave panics where memory is short.
func TestMemguardIsUsedForPagesOnly(t *testing.T) {
	allowed := map[string]bool{"NewBuffer": true, "LockedBuffer": true}
	seen := 0
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != ".." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata") {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, ".go") {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		name := memguardName(t, path, f)
		if name == "" {
			return nil
		}
		seen++
		ast.Inspect(f, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if x, ok := sel.X.(*ast.Ident); ok && x.Name == name && !allowed[sel.Sel.Name] {
				t.Errorf("%s uses memguard.%s", path, sel.Sel.Name)
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen == 0 {
		t.Fatal("no file imports memguard: the test looks in the wrong place")
	}
}

// memguardName returns the name under which a file imports memguard, "" if it
// does not. Its package core, and dot imports, would get round this test.
func memguardName(t *testing.T, path string, f *ast.File) string {
	t.Helper()
	for _, imp := range f.Imports {
		p := strings.Trim(imp.Path.Value, `"`)
		rest, ok := strings.CutPrefix(p, "github.com/awnumar/memguard")
		switch {
		case !ok:
		case rest != "":
			t.Errorf("%s imports %s", path, p)
		case imp.Name == nil:
			return "memguard"
		case imp.Name.Name != "_" && imp.Name.Name != ".":
			return imp.Name.Name
		default:
			t.Errorf("%s imports memguard as %s", path, imp.Name.Name)
		}
	}
	return ""
}
