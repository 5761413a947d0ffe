package lint

import (
	"encoding/json"
	"go/ast"
	"go/constant"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/sealsql/sealsql/internal/script"
	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/rewrite/mysql"
	"github.com/sealsql/sealsql/rewrite/postgres"
	"github.com/sealsql/sealsql/rewrite/sqlite"
)

var (
	fronts      = []rewrite.Frontend{postgres.New(), mysql.New(), sqlite.New()}
	fuzzSession = rewrite.Session{ModeKnown: true}
)

// FuzzGo reads any source without a panic, and folds constants to what the
// type checker folds them to.
func FuzzGo(f *testing.F) {
	for _, seed := range []string{
		"package p\nconst a = \"SELECT \" + `1`\nfunc f() { db.Query(a + \"\\t\\x41\\u00e4\") }",
		"package p\nconst (a = \"SELECT\"; b = a + a; c = b + b)\nfunc f() { db.Exec(c) }",
		"package p\nvar a = a + \"x\"\nfunc f() { q := `SELECT 1`; q = q; db.QueryContext(ctx, q) }",
		"package p\nfunc f() { db.NamedExec(`SELECT :a ::x :=`, 1); db.Rebind(`SELECT ?`) }",
		"package p\nfunc f() { for a, b := range x { db.Query(a); db.Query(b) } }",
		"package p\r\nfunc f() { db.Query(`SELECT\r\n1`) }",
		"package", "package p\nfunc f( {", "",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, source string) {
		file := script.NewFile("a.go", source)
		for _, front := range fronts {
			for _, st := range readGo([]*script.File{file}, nil, front, &fuzzSession).Statements {
				st.Text.Place(len(st.Text.SQL) / 2)
			}
		}
		if !utf8.ValidString(source) {
			return // not Go; the checker reads other bytes for those that are not valid
		}
		packages, _ := parseGo([]*script.File{file})
		for _, p := range packages {
			for e, tv := range p.info.Types {
				if _, isCall := e.(*ast.CallExpr); isCall || tv.Value == nil || tv.Value.Kind() != constant.String {
					continue
				}
				if got, ok := p.text(e); ok && got.SQL != constant.StringVal(tv.Value) {
					t.Fatalf("folded to %q, the checker says %q", got.SQL, constant.StringVal(tv.Value))
				}
			}
		}
	})
}

// FuzzJSONLine reads any line without a panic, and texts as encoding/json does.
func FuzzJSONLine(f *testing.F) {
	for _, seed := range []string{
		`{"sql":"SELECT 1"}`, `{"sql":"\u00e4\ud83d\ude00\ud800\\\/\"\b\f\n\r\t"}`, `{"dialect":"mysql","sql":"a","sql":"b"}`,
		`{"sql":1}`, `{`, `[]`, `{"sql":"\ud800\u0041"}`, `{"sql":"`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		if strings.Contains(line, "\n") {
			return
		}
		c := readJSONLines(script.NewFile("a.jsonl", line))
		for _, st := range c.Statements {
			var want struct{ SQL string }
			members := map[string]json.RawMessage{}
			if err := json.Unmarshal([]byte(line), &members); err != nil {
				t.Fatalf("accepted %q: %v", line, err)
			}
			if err := json.Unmarshal(members["sql"], &want.SQL); err != nil {
				t.Fatal(err)
			}
			if st.Text.SQL != want.SQL {
				t.Fatalf("read %q, want %q", st.Text.SQL, want.SQL)
			}
			for i := range st.Text.SQL {
				if p := st.Text.Place(i); p.Line != 1 || p.Column < 1 || p.Column > len(line) {
					t.Fatalf("byte %d is at %+v", i, p)
				}
			}
		}
	})
}

// FuzzMacros reads any script of sqlc without a panic.
func FuzzMacros(f *testing.F) {
	f.Add("-- name: A :one\nSELECT sqlc.arg(a), @b, sqlc.slice('c'), sqlc.embed(t), sqlc.arg(")
	f.Add("-- name: A :one\nSELECT $1, @x @> @y; -- name: B :exec\nDELETE FROM t WHERE a = sqlc.narg(\"b\")")
	f.Fuzz(func(t *testing.T, source string) {
		file := script.NewFile("a.sql", source)
		for _, front := range fronts {
			for _, st := range readSQL(file, front, &fuzzSession).Statements {
				st.Text.Place(len(st.Text.SQL) / 2)
				namedParameters(st.Text, front)
				questionMarks(st.Text, front, &fuzzSession)
				atNames(st.Text, front, &fuzzSession)
			}
		}
	})
}
