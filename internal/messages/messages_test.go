package messages_test

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/types"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/tools/go/packages"
)

const module = "github.com/sealsql/sealsql"

// product is what programs link: the commands print statements and values on
// purpose, to who runs them.
var product = []string{
	".", "./audit", "./config", "./driver/...", "./envelope/...", "./internal/blind", "./internal/failover", "./internal/logical/...",
	"./internal/order", "./internal/regional", "./internal/seldom", "./internal/tokens", "./keycache", "./kms/...", "./lifecycle",
	"./observe/...", "./rewrite/...", "./schema", "./securemem", "./session",
}

// secretTypes hold values, keys, statements or passwords: a message may be told
// their type (%T) and nothing else.
var secretTypes = map[string]bool{
	"database/sql/driver.Value": true, "database/sql/driver.NamedValue": true, "database/sql.NamedArg": true,
	"net/url.Userinfo": true, "github.com/go-sql-driver/mysql.Config": true, "github.com/jackc/pgx/v5.ConnConfig": true,
	module + "/securemem.Secret": true, module + "/securemem.Cipher": true,
	module + "/internal/logical.Literal": true, module + "/rewrite.Literal": true, module + "/rewrite.Value": true,
	module + "/rewrite.Script": true, module + "/rewrite.Token": true, module + "/config.Metastore": true,
}

// secretNames are what strings, bytes and values of any type are called that a
// message must not hold.
var secretNames = regexp.MustCompile(`(?i)^(dsn|password|passwd|plain|plaintext|payload|query|sqltext|statement|args?|vals?|value|values|token|secretid|master|raw|row|record|bound)$`)

// formats are the functions that make messages, by the place of their format; -1
// is for those without one.
var formats = map[string]int{
	"fmt.Errorf": 0, "fmt.Sprintf": 0, "fmt.Fprintf": 1, "fmt.Appendf": 1, "fmt.Sprint": -1, "fmt.Sprintln": -1, "errors.New": -1,
	"log.Printf": 0, "log.Print": -1, "log.Println": -1, "log.Fatalf": 0, "log.Fatal": -1, "panic": -1,
}

// allowed are places that were looked at: what a secret's name stands for there is
// none.
var allowed = map[string]string{
	"seldom.Warn args":         "what the callers say, who are looked at themselves",
	"seldom.Error args":        "the same",
	"seldom.at args":           "the same",
	"rewrite.sqliteTokens row": "the name of a row in a trigger: NEW",
	"rewrite.mysqlTokens row":  "the same",
	"audit.Write a.value":      "fields of a line of the audit trail, which has no values of columns",
}

// finding is an argument that a message must not have.
type finding struct{ place, call, arg, why string }

func load(t *testing.T, patterns ...string) []*packages.Package {
	t.Helper()
	ps, err := packages.Load(&packages.Config{
		Mode: packages.NeedName | packages.NeedFiles | packages.NeedSyntax | packages.NeedTypes | packages.NeedTypesInfo | packages.NeedImports | packages.NeedExportFile,
		Dir:  "../..",
	}, patterns...)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range ps {
		for _, e := range p.Errors {
			t.Fatal(e)
		}
	}
	return ps
}

func TestNoMessageIsGivenAValue(t *testing.T) {
	ps := load(t, product...)
	calls, used := 0, map[string]bool{}
	for _, p := range ps {
		for _, f := range p.Syntax {
			n, found := inspect(p, f)
			calls += n
			for _, x := range found {
				key := x.place[strings.Index(x.place, ": ")+2:] + " " + x.arg
				if _, ok := allowed[key]; ok {
					used[key] = true
					continue
				}
				t.Errorf("%s: %s is given %s, %s", x.place, x.call, x.arg, x.why)
			}
		}
	}
	if len(ps) < 25 || calls < 400 {
		t.Errorf("only %d packages with %d messages were looked at", len(ps), calls)
	}
	for key := range allowed {
		if !used[key] {
			t.Errorf("%q is allowed and does not occur", key)
		}
	}
}

// The check finds what it is for.
func TestMessagesThatAreGivenValuesAreFound(t *testing.T) {
	ps := load(t, "./internal/messages/testdata/bad")
	var got []string
	for _, p := range ps {
		for _, f := range p.Syntax {
			_, found := inspect(p, f)
			for _, x := range found {
				got = append(got, x.arg)
			}
		}
	}
	want := "v nv dsn c.Password plaintext err.Value query lit string(payload) vals"
	if s := strings.Join(got, " "); s != want {
		t.Errorf("found %s\nwant  %s", s, want)
	}
}

// inspect returns the number of messages in a file, and what is wrong with them.
func inspect(p *packages.Package, f *ast.File) (calls int, out []finding) {
	in := ""
	ast.Inspect(f, func(n ast.Node) bool {
		if d, ok := n.(*ast.FuncDecl); ok {
			in = d.Name.Name
		}
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		name, at, ok := message(p, call)
		if !ok {
			return true
		}
		calls++
		for i, arg := range call.Args {
			if i <= at || verb(p, call, at, i) == 'T' {
				continue
			}
			if why := secret(p, arg); why != "" {
				place := p.Fset.Position(arg.Pos())
				out = append(out, finding{
					fmt.Sprintf("%s:%d: %s.%s", place.Filename, place.Line, p.Name, in), name, types.ExprString(arg), why,
				})
			}
		}
		return true
	})
	return calls, out
}

// message reports whether a call makes a message or logs, and where its format is.
func message(p *packages.Package, call *ast.CallExpr) (name string, format int, ok bool) {
	var id *ast.Ident
	switch f := call.Fun.(type) {
	case *ast.Ident:
		id = f
	case *ast.SelectorExpr:
		id = f.Sel
	default:
		return "", 0, false
	}
	switch obj := p.TypesInfo.Uses[id].(type) {
	case *types.Builtin:
		return obj.Name(), -1, obj.Name() == "panic"
	case *types.Func:
		full := obj.FullName()
		if at, ok := formats[full]; ok {
			return full, at, true
		}
		logs := strings.HasPrefix(full, "log/slog.") || strings.Contains(full, "slog.Logger)") || strings.Contains(full, "seldom.Logger)") || strings.HasPrefix(full, "(*log.Logger)")
		return full, -1, logs
	}
	return "", 0, false
}

// verb returns the verb for an argument of a call, 0 where that is not known.
func verb(p *packages.Package, call *ast.CallExpr, format, arg int) byte {
	if format < 0 {
		return 0
	}
	v := p.TypesInfo.Types[call.Args[format]].Value
	if v == nil || v.Kind() != constant.String {
		return 0
	}
	verbs := regexp.MustCompile(`%[-+# 0]*\d*(?:\.\d+)?([a-zA-Z%])`).FindAllStringSubmatch(constant.StringVal(v), -1)
	n := arg - format - 1
	for _, m := range verbs {
		if m[1] == "%" {
			continue
		}
		if n == 0 {
			return m[1][0]
		}
		n--
	}
	return 0
}

// secret says why an expression must not be in a message; "" for others.
func secret(p *packages.Package, e ast.Expr) string {
	tv, ok := p.TypesInfo.Types[e]
	if !ok || tv.Value != nil { // a constant is no secret
		return ""
	}
	if name := typeName(tv.Type); secretTypes[name] {
		return "a " + name
	}
	if !text(tv.Type) {
		return ""
	}
	switch x := e.(type) {
	case *ast.Ident:
		if secretNames.MatchString(x.Name) {
			return "called so"
		}
	case *ast.SelectorExpr:
		if secretNames.MatchString(x.Sel.Name) {
			return "called so"
		}
	case *ast.CallExpr: // a conversion
		if len(x.Args) == 1 && p.TypesInfo.Types[x.Fun].IsType() {
			return secret(p, x.Args[0])
		}
	case *ast.SliceExpr:
		return secret(p, x.X)
	case *ast.IndexExpr:
		return secret(p, x.X)
	}
	return ""
}

// typeName is the full name of a type, of what it points to or is made of.
func typeName(t types.Type) string {
	for {
		switch u := t.(type) {
		case *types.Pointer:
			t = u.Elem()
			continue
		case *types.Slice:
			t = u.Elem()
			continue
		case *types.Map:
			t = u.Elem()
			continue
		case *types.Named:
			if u.Obj().Pkg() == nil {
				return u.Obj().Name()
			}
			return u.Obj().Pkg().Path() + "." + u.Obj().Name()
		}
		return ""
	}
}

// text reports the types that may hold any text: strings, bytes, any.
func text(t types.Type) bool {
	switch u := t.Underlying().(type) {
	case *types.Basic:
		return u.Info()&types.IsString != 0
	case *types.Slice:
		return text(u.Elem()) || types.Identical(u.Elem(), types.Typ[types.Byte])
	case *types.Interface:
		return u.NumMethods() == 0
	}
	return false
}
