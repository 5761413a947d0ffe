//go:build cgo

package pgquerycheck

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"sort"
	"strings"
	"testing"

	pg "github.com/pganalyze/pg_query_go/v6/parser"

	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/rewrite/postgres"
)

// corpus reads the statements that lie beside the repository, or those of the
// rewrite cases where they are not there.
func corpus(t *testing.T) []string {
	t.Helper()
	dir := os.Getenv("SEALSQL_SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared")
	}
	out := cases(t)
	f, err := os.Open(filepath.Join(dir, "sql-corpus", "postgres.jsonl"))
	if err != nil {
		t.Logf("no statement corpus, the rewrite cases only: %v", err)
		return out
	}
	defer f.Close()
	sc := bufio.NewScanner(f)
	sc.Buffer(nil, 1<<24)
	for sc.Scan() {
		var l struct{ SQL string }
		if err := json.Unmarshal(sc.Bytes(), &l); err != nil {
			t.Fatal(err)
		}
		out = append(out, l.SQL)
	}
	return out
}

// cases are the inputs of the rewrite cases.
func cases(t *testing.T) (out []string) {
	t.Helper()
	files, err := filepath.Glob("../../rewrite/testdata/postgres/*/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(string(raw), "-- input.sql --\n")
		text, _, _ := strings.Cut(rest, "\n-- ")
		out = append(out, text)
	}
	return out
}

// misplaced has an INTO where the grammar takes one and the server does not.
const misplaced = "INSERT INTO int4_tbl SELECT 1 INTO f"

// reading is what a parser finds in a text.
type reading struct {
	kinds, relations, columns []string
	params, strings           []string
	seen                      map[*rewrite.Table]bool // one node may stand in two places
}

func (r *reading) sort() {
	for _, l := range [][]string{r.relations, r.columns, r.params, r.strings} {
		sort.Strings(l)
	}
}

// TestPostgresReadsTheSame compares kinds of statements, names of relations,
// parameters and, apart from definitions, names of columns and strings, with
// repetitions, of every statement.
func TestPostgresReadsTheSame(t *testing.T) {
	compared, refused, named, values := 0, 0, 0, 0
	for _, text := range corpus(t) {
		raw, err := pg.ParseToJSON(text)
		if err != nil {
			continue // not PostgreSQL 17
		}
		var tree node
		if err := json.Unmarshal([]byte(raw), &tree); err != nil {
			t.Fatal(err)
		}
		front := postgres.New()
		script, err := front.Parse(text, &rewrite.Session{})
		if err != nil {
			refused++
			continue
		}
		theirs, ours := readTheirs(tree), readOurs(script)
		compared++
		named += len(theirs.relations) + len(theirs.columns)
		values += len(theirs.params) + len(theirs.strings)
		if !slices.Equal(theirs.kinds, ours.kinds) {
			t.Errorf("kinds %v, PostgreSQL's %v\n%s", ours.kinds, theirs.kinds, text)
		}
		if d := difference(theirs.relations, ours.relations); d != "" && text != misplaced {
			t.Errorf("relations: %s\n%s", d, text)
		}
		if d := difference(theirs.params, ours.params); d != "" {
			t.Errorf("parameters: %s\n%s", d, text)
		}
		if d := difference(theirs.strings, ours.strings); d != "" && !slices.Contains(theirs.kinds, "other") {
			t.Errorf("strings: %s\n%s", d, text)
		}
		if d := difference(theirs.columns, ours.columns); d != "" && !slices.Contains(theirs.kinds, "other") {
			t.Errorf("columns: %s\n%s", d, text)
		}
	}
	t.Logf("%d statements compared, %d names, %d parameters and strings; %d statements read by PostgreSQL's parser only", compared, named, values, refused)
	if compared < 200 || refused*100 > compared {
		t.Error("too few statements were compared")
	}
}

// difference says what only one of two sorted lists has.
func difference(theirs, ours []string) string {
	count := map[string]int{}
	for _, s := range theirs {
		count[s]++
	}
	for _, s := range ours {
		count[s]--
	}
	var out []string
	for s, n := range count {
		switch {
		case n > 0:
			out = append(out, fmt.Sprintf("%s missing %d times", s, n))
		case n < 0:
			out = append(out, fmt.Sprintf("%s too often by %d", s, -n))
		}
	}
	sort.Strings(out)
	return strings.Join(out, "; ")
}

// ---- PostgreSQL's tree ----

// The tree comes as JSON: the Go types of both parsers' trees would register
// under one name.

// node is an object of the tree.
type node = map[string]any

func readTheirs(tree node) *reading {
	r := &reading{}
	list, _ := tree["stmts"].([]any)
	for _, s := range list {
		stmt, _ := s.(node)["stmt"].(node)
		r.kinds = append(r.kinds, kindOf(stmt))
		r.walk(stmt)
	}
	r.sort()
	return r
}

func kindOf(stmt node) string {
	for name, body := range stmt {
		switch name {
		case "SelectStmt":
			s, _ := body.(node)
			for s["larg"] != nil {
				s, _ = s["larg"].(node)
			}
			if s["intoClause"] != nil {
				return "other"
			}
			return "query"
		case "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt":
			if s, _ := body.(node); splits(s) {
				return "other"
			}
			return strings.ToLower(strings.TrimSuffix(name, "Stmt"))
		}
	}
	return "other"
}

// splits reports an INSERT … SELECT into parts of columns, which is not
// understood on purpose.
func splits(insert node) bool {
	cols, _ := insert["cols"].([]any)
	source, _ := insert["selectStmt"].(node)
	query, _ := source["SelectStmt"].(node)
	return query["valuesLists"] == nil && slices.ContainsFunc(cols, func(c any) bool {
		target, _ := c.(node)["ResTarget"].(node)
		return target["indirection"] != nil
	})
}

// walk collects relations, which are the objects with a relname, and columns.
func (r *reading) walk(v any) {
	switch x := v.(type) {
	case []any:
		for _, e := range x {
			r.walk(e)
		}
	case node:
		if name, ok := x["relname"].(string); ok {
			catalog, _ := x["catalogname"].(string)
			schema, _ := x["schemaname"].(string)
			r.relations = append(r.relations, join(catalog, schema, name))
		}
		for key, e := range x {
			switch key {
			case "ColumnRef":
				r.column(e.(node))
				continue
			case "ParamRef":
				r.params = append(r.params, fmt.Sprint("$", e.(node)["number"]))
				continue
			case "A_Const":
				if s, ok := e.(node)["sval"].(node); ok {
					r.strings = append(r.strings, fmt.Sprintf("%q", s["sval"]))
				}
				continue
			}
			child, _ := e.(node)
			switch {
			case key == "lockedRels", key == "exclusions":
				continue // aliases of FROM; columns of a definition, which only names matter of
			case key == "MultiAssignRef" && child["colno"] != 1.0:
				continue // the source of several columns stands in each of them
			}
			r.targets(key, child)
			r.walk(e)
		}
	}
}

// targets collects the columns that are named otherwise than by a reference:
// those that are assigned, and those of indexes and conflict targets.
func (r *reading) targets(key string, n node) {
	switch key {
	case "IndexElem":
		if name, ok := n["name"].(string); ok {
			r.columns = append(r.columns, name)
		}
		return
	case "MergeWhenClause":
		if n["commandType"] != "CMD_UPDATE" {
			return
		}
	case "DropStmt":
		r.dropped(n)
		return
	case "UpdateStmt", "onConflictClause":
	default:
		return
	}
	list, _ := n["targetList"].([]any)
	for _, t := range list {
		target, _ := t.(node)["ResTarget"].(node)
		if name, ok := target["name"].(string); ok {
			r.columns = append(r.columns, name)
		}
	}
}

// dropped collects the relations of DROP, whose names are lists of words.
func (r *reading) dropped(n node) {
	kind, _ := n["removeType"].(string)
	list, _ := n["objects"].([]any)
	for _, o := range list {
		items, _ := o.(node)["List"].(node)
		var path []string
		words, _ := items["items"].([]any)
		for _, w := range words {
			s, _ := w.(node)["String"].(node)
			name, _ := s["sval"].(string)
			path = append(path, name)
		}
		switch kind {
		case "OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_MATVIEW", "OBJECT_INDEX", "OBJECT_SEQUENCE", "OBJECT_FOREIGN_TABLE":
		case "OBJECT_POLICY", "OBJECT_RULE", "OBJECT_TRIGGER":
			path = path[:max(len(path)-1, 0)]
		default:
			continue
		}
		r.relations = append(r.relations, strings.Join(path, "."))
	}
}

func (r *reading) column(ref node) {
	var path []string
	list, _ := ref["fields"].([]any)
	for _, f := range list {
		if s, ok := f.(node)["String"].(node); ok {
			name, _ := s["sval"].(string)
			path = append(path, name)
		} else {
			path = append(path, "*")
		}
	}
	r.columns = append(r.columns, strings.Join(path, "."))
}

func join(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), ".")
}

// ---- our tree ----

func readOurs(s *rewrite.Script) *reading {
	r := &reading{seen: map[*rewrite.Table]bool{}}
	for _, st := range s.Statements {
		switch st.(type) {
		case *rewrite.Query:
			r.kinds = append(r.kinds, "query")
		case *rewrite.Insert:
			r.kinds = append(r.kinds, "insert")
		case *rewrite.Update:
			r.kinds = append(r.kinds, "update")
		case *rewrite.Delete:
			r.kinds = append(r.kinds, "delete")
		case *rewrite.Merge:
			r.kinds = append(r.kinds, "merge")
		default:
			r.kinds = append(r.kinds, "other")
		}
		r.value(reflect.ValueOf(st))
	}
	r.sort()
	return r
}

// value walks any node: what is not known by name is walked into, so that no
// field that is added later is forgotten.
func (r *reading) value(v reflect.Value) {
	switch v.Kind() {
	case reflect.Interface:
		if !v.IsNil() {
			r.value(v.Elem())
		}
	case reflect.Pointer:
		if v.IsNil() {
			return
		}
		switch x := v.Interface().(type) {
		case *rewrite.Table:
			if r.seen[x] {
				return
			}
			r.seen[x] = true
			r.relations = append(r.relations, path(x.Path))
		case *rewrite.ColumnRef:
			r.columns = append(r.columns, path(x.Path))
			return
		case *rewrite.Param:
			r.params = append(r.params, fmt.Sprint("$", x.N))
			return
		case *rewrite.Literal:
			if x.Kind == rewrite.LitString {
				r.strings = append(r.strings, fmt.Sprintf("%q", x.Value))
			}
			return
		case *rewrite.Star:
			r.columns = append(r.columns, join(path(x.Path), "*"))
			return
		}
		r.value(v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			r.value(v.Field(i))
		}
	case reflect.Slice:
		for i := range v.Len() {
			r.value(v.Index(i))
		}
	}
}

func path(ids []rewrite.Ident) string {
	var out []string
	for _, id := range ids {
		out = append(out, id.Name)
	}
	return strings.Join(out, ".")
}
