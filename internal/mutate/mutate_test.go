package mutate

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sealsql/sealsql/internal/testenv"
)

var rules = flag.String("rules", "", "take out those alone whose name or place matches")

// source is the package that is changed.
const source = "../../rewrite"

// backstops are files whose refusals stand behind proofs made elsewhere, so that
// no statement is known that reaches them.
var backstops = []string{"edit.go", "number.go", "proof.go", "verify.go", "verifyindex.go", "carried.go"}

// flow are the files of the flow rules: names, values, queries, DML. In these
// the forms are rules as well; elsewhere they are spellings (of types, of
// definitions), which have tests of their own.
var flow = []string{
	"analysis.go", "assignorder.go", "compound.go", "compoundwrite.go", "constants.go", "cursor.go", "decide.go", "dml.go", "domain.go",
	"equalities.go", "expr.go", "formcompare.go", "from.go", "grouped.go", "index.go", "indexform.go", "indexselect.go", "inquery.go",
	"insertselect.go", "join.go", "joinusing.go", "listed.go", "lists.go", "lossy.go", "merge.go", "misfit.go", "narrow.go", "nullif.go",
	"orderby.go", "orderforms.go", "ordinal.go", "other.go", "otherrows.go", "query.go", "range.go", "returned.go", "row.go", "rowcompare.go",
	"scope.go", "setops.go", "together.go", "truth.go", "union.go", "value.go", "view.go", "viewcreate.go", "viewdeclared.go", "viewlacks.go",
	"windowkeys.go",
}

// checks are methods whose errors are rules.
var checks = []string{
	"clear", "clearAll", "noSealed", "settleClear", "sortKey", "castRuns", "outputNames", "defaulted", "omitted", "writable", "beyond", "assign",
	"partitionWrites", "conflict", "lossy", "ordinal", "castConstants", "forward", "reserved", "condition", "allConditions", "compare", "found",
	"sharedPartition", "withinPartition", "rangeTerm", "term", "keyIndex", "refIndex", "useIndex", "settleSealed", "settleCompared", "patternCalls",
	"function", "operator", "operators", "noMention", "distinctSorts", "dropType", "unseen",
}

// mutant is one change. Its name holds for as long as the function does.
type mutant struct{ name, place string }

// insertion is text that is put into a file.
type insertion struct {
	at   int
	text string
}

// mutator collects the mutants of a file.
type mutator struct {
	fset    *token.FileSet
	src     []byte
	list    *[]mutant
	edits   []insertion
	forms   bool // the file's forms are rules
	fn      string
	counter map[string]int
}

func (m *mutator) offset(p token.Pos) int { return m.fset.Position(p).Offset }

// add makes a mutant and returns its number.
func (m *mutator) add(kind string, at token.Pos) int {
	key := m.fn + " " + kind
	m.counter[key]++
	pos := m.fset.Position(at)
	*m.list = append(*m.list, mutant{fmt.Sprintf("%s %d", key, m.counter[key]), fmt.Sprintf("%s:%d", filepath.Base(pos.Filename), pos.Line)})
	return len(*m.list)
}

func (m *mutator) insert(at token.Pos, format string, args ...any) {
	m.edits = append(m.edits, insertion{m.offset(at), fmt.Sprintf(format, args...)})
}

func (m *mutator) text(n ast.Node) string {
	return string(m.src[m.offset(n.Pos()):m.offset(n.End())])
}

// method is the name of the method that an expression calls, or "".
func method(e ast.Expr) string {
	if call, ok := e.(*ast.CallExpr); ok {
		if sel, ok := call.Fun.(*ast.SelectorExpr); ok {
			return sel.Sel.Name
		}
	}
	return ""
}

func (m *mutator) function(f *ast.FuncDecl) {
	m.fn = f.Name.Name
	if f.Recv != nil && len(f.Recv.List) == 1 {
		m.fn = strings.TrimPrefix(m.text(f.Recv.List[0].Type), "*") + "." + m.fn
	}
	last := f.Body.List
	ast.Inspect(f.Body, func(n ast.Node) bool {
		switch x := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.ReturnStmt:
			m.refusal(x)
		case *ast.IfStmt:
			m.check(x)
		case *ast.SwitchStmt:
			m.clauses(x.Body, f.Type.Results != nil && last[len(last)-1] == ast.Stmt(x), x)
		case *ast.TypeSwitchStmt:
			m.clauses(x.Body, f.Type.Results != nil && last[len(last)-1] == ast.Stmt(x), x)
		}
		return true
	})
}

// refusal lets a statement go on that would be refused.
func (m *mutator) refusal(x *ast.ReturnStmt) {
	if len(x.Results) == 0 || method(x.Results[len(x.Results)-1]) != "refuse" {
		return
	}
	var results []string
	for _, r := range x.Results[:len(x.Results)-1] {
		results = append(results, m.text(r))
	}
	n := m.add("refusal", x.Pos())
	m.insert(x.Pos(), "if mutant == %d { return %s }; ", n, strings.Join(append(results, "nil"), ", "))
}

// check does not look at an error.
func (m *mutator) check(x *ast.IfStmt) {
	init, ok := x.Init.(*ast.AssignStmt)
	if !ok || len(init.Rhs) != 1 || !slices.Contains(checks, method(init.Rhs[0])) {
		return
	}
	if cond, ok := x.Cond.(*ast.BinaryExpr); ok && cond.Op == token.NEQ {
		m.insert(x.Cond.End(), " && mutant != %d", m.add("check "+method(init.Rhs[0]), x.Pos()))
	}
}

// clauses leaves the clauses of a switch. A function that ends in the switch gets
// an end behind it.
func (m *mutator) clauses(body *ast.BlockStmt, ends bool, x ast.Stmt) {
	if !m.forms {
		return
	}
	made := false
	for _, s := range body.List {
		c := s.(*ast.CaseClause)
		if len(c.List) == 0 || len(c.Body) == 0 {
			continue
		}
		made = true
		m.insert(c.Colon+1, " if mutant == %d { break };", m.add("form "+shorten(m.text(c.List[0])), c.Pos()))
	}
	if made && ends {
		m.insert(x.End(), "; panic(`left`)")
	}
}

func shorten(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > 40 {
		s = s[:40]
	}
	return s
}

// build makes the test binary with all mutants in it.
func build(t *testing.T) (binary string, list []mutant) {
	t.Helper()
	dir := t.TempDir()
	root, err := filepath.Abs(source)
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(root, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	sort.Strings(files)
	overlay := map[string]string{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") || slices.Contains(backstops, filepath.Base(file)) {
			continue
		}
		if changed := change(t, file, &list); changed != nil {
			to := filepath.Join(dir, filepath.Base(file))
			write(t, to, changed)
			overlay[file] = to
		}
	}
	write(t, filepath.Join(dir, "mutant.go"), []byte("package rewrite\n\nimport (\n\t\"os\"\n\t\"strconv\"\n)\n\nvar mutant = func() int { n, _ := strconv.Atoi(os.Getenv(\"SEALSQL_MUTANT\")); return n }()\n"))
	overlay[filepath.Join(root, "zz_mutant.go")] = filepath.Join(dir, "mutant.go")
	raw, err := json.Marshal(map[string]any{"Replace": overlay})
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "overlay.json"), raw)
	binary = filepath.Join(dir, "rewrite.test")
	cmd := exec.Command("go", "test", "-vet=off", "-c", "-o", binary, "-overlay", filepath.Join(dir, "overlay.json"), ".")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return binary, list
}

func write(t *testing.T, file string, content []byte) {
	t.Helper()
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// change puts the mutants into one file; nil where it has none.
func change(t *testing.T, file string, list *[]mutant) []byte {
	t.Helper()
	src, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	m := &mutator{fset: token.NewFileSet(), src: src, list: list, forms: slices.Contains(flow, filepath.Base(file)), counter: map[string]int{}}
	tree, err := parser.ParseFile(m.fset, file, src, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range tree.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Body != nil && len(f.Body.List) > 0 {
			m.function(f)
		}
	}
	if len(m.edits) == 0 {
		return nil
	}
	sort.SliceStable(m.edits, func(i, j int) bool { return m.edits[i].at < m.edits[j].at })
	var out bytes.Buffer
	last := 0
	for _, e := range m.edits {
		out.Write(src[last:e.at])
		out.WriteString(e.text)
		last = e.at
	}
	out.Write(src[last:])
	return out.Bytes()
}

// passes reports whether the cases pass with a mutant on.
func passes(t *testing.T, binary string, n int) bool {
	cmd := exec.Command(binary, "-test.run", "^TestCases$", "-test.failfast", "-test.timeout", "60s")
	cmd.Dir = source
	cmd.Env = append(os.Environ(), fmt.Sprintf("SEALSQL_MUTANT=%d", n))
	cmd.WaitDelay = time.Second
	return cmd.Run() == nil
}

// TestEveryRuleHasACase takes every rule out, one at a time.
func TestEveryRuleHasACase(t *testing.T) {
	if !testenv.Long() {
		t.Skip("builds the planner once and runs its cases once for each rule: make long")
	}
	binary, list := build(t)
	if len(list) < 200 {
		t.Errorf("only %d rules found", len(list))
	}
	if !passes(t, binary, 0) {
		t.Fatal("the cases fail without any change")
	}
	excused := excuses(t)
	wanted := regexp.MustCompile(*rules)
	var mu sync.Mutex
	var survivors []mutant
	var wg sync.WaitGroup
	numbers := make(chan int)
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for n := range numbers {
				if passes(t, binary, n) {
					mu.Lock()
					survivors = append(survivors, list[n-1])
					mu.Unlock()
				}
			}
		})
	}
	tried := 0
	for n := 1; n <= len(list); n++ {
		if !wanted.MatchString(list[n-1].name + " " + list[n-1].place) {
			delete(excused, list[n-1].name)
			continue
		}
		numbers <- n
		tried++
	}
	close(numbers)
	wg.Wait()
	sort.Slice(survivors, func(i, j int) bool { return survivors[i].place < survivors[j].place })
	unexcused := 0
	for _, s := range survivors {
		if excused[s.name] == "" {
			unexcused++
			t.Errorf("%s: no case fails without %s", s.place, s.name)
		}
		delete(excused, s.name)
	}
	for name := range excused {
		t.Errorf("survivors.txt excuses %s, which a case does notice, or which is gone", name)
	}
	t.Logf("%d of %d rules taken out, %d noticed, %d excused, %d not noticed", tried, len(list), tried-len(survivors), len(survivors)-unexcused, unexcused)
}

// excuses reads survivors.txt: "name: reason" on each line.
func excuses(t *testing.T) map[string]string {
	t.Helper()
	raw, err := os.ReadFile("survivors.txt")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for line := range strings.Lines(string(raw)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, reason, ok := strings.Cut(line, ": ")
		if !ok || strings.TrimSpace(reason) == "" {
			t.Fatalf("survivors.txt: %q gives no reason", line)
		}
		out[name] = reason
	}
	return out
}
