package sealsql_test

import (
	"errors"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/sealsql/sealsql"

// External modules by the word that the tables below use for them.
var external = map[string]string{
	"cobra":      "github.com/spf13/cobra",
	"go-mysql":   "github.com/go-sql-driver/mysql",
	"golang-lru": "github.com/hashicorp/golang-lru/v2",
	"go-yaml":    "github.com/goccy/go-yaml",
	"jsonschema": "github.com/google/jsonschema-go",
	"marino":     "github.com/sqlc-dev/marino",
	"memcall":    "github.com/awnumar/memcall",
	"memguard":   "github.com/awnumar/memguard",
	"meyer":      "github.com/sqlc-dev/meyer",
	"oliphant":   "github.com/sqlc-dev/oliphant",
	"phone":      "github.com/nyaruka/phonenumbers",
	"zstd":       "github.com/klauspost/compress/zstd",
	"pgx":        "github.com/jackc/pgx/v5",
	"protobuf":   "google.golang.org/protobuf",
	"ristretto":  "github.com/dgraph-io/ristretto/v2",
	"testscript": "github.com/rogpeppe/go-internal",
	"x/crypto":   "golang.org/x/crypto/chacha20poly1305",
	"x/sync":     "golang.org/x/sync",
	"x/sys":      "golang.org/x/sys",
	"x/text":     "golang.org/x/text",
	"x/tools":    "golang.org/x/tools",
	"modernc":    "modernc.org/sqlite",
}

// rule lists what a package may import besides the standard library: packages
// of this module ("." is its root, "*" any of them) and words of external.
// What is in tests is allowed to test files in addition.
type rule struct{ imports, tests string }

// layers is the import table. A package that is not in it fails the test;
// loosening a line is a change of the design and deserves its own commit.
// A key that ends in /* stands for every package directly below.
var layers = map[string]rule{
	// The bottom: secrets in memory; what is encrypted.
	"securemem": {imports: "memguard memcall x/sys x/crypto"},
	"schema":    {},

	// What everything may count with; warnings that are not repeated.
	"observe":         {},
	"observe/vars":    {imports: "observe"},
	"internal/seldom": {},

	// Keys come without SQL, SQL comes without keys.
	"keycache":           {imports: "securemem ristretto golang-lru"},
	"envelope":           {imports: "keycache securemem observe internal/seldom zstd", tests: "envelope/builtin internal/memscan x/crypto"},
	"envelope/builtin":   {imports: "envelope securemem x/sys", tests: "conformance/kms conformance/metastore"},
	"internal/slab":      {},
	"internal/synclog":   {},
	"internal/hatch":     {},
	"internal/readahead": {},

	// Key services: what several have in common, and those that need no SDK.
	// Those that do are modules of their own.
	"internal/failover": {},
	"internal/awsfault": {imports: "envelope"},
	"internal/regional": {imports: "envelope securemem observe internal/failover", tests: "conformance/kms envelope/builtin"},
	"kms/vault":         {imports: "envelope", tests: "conformance/kms"},

	"rewrite":          {imports: "schema internal/slab", tests: "rewrite/postgres rewrite/mysql rewrite/sqlite oliphant marino meyer"},
	"rewrite/postgres": {imports: "rewrite schema internal/slab oliphant protobuf"},
	"rewrite/mysql":    {imports: "rewrite schema internal/slab marino"},
	"rewrite/sqlite":   {imports: "rewrite schema internal/slab meyer"},

	// What a database must hold, as text.
	"internal/script":   {imports: "rewrite", tests: "rewrite/postgres rewrite/mysql rewrite/sqlite"},
	"internal/physical": {imports: "rewrite schema internal/script", tests: "rewrite/postgres rewrite/mysql rewrite/sqlite"},

	// Statements that are looked at before they run.
	"internal/offline": {imports: "rewrite schema internal/script", tests: "rewrite/postgres rewrite/mysql rewrite/sqlite"},
	"internal/explain": {imports: "rewrite schema internal/script", tests: "internal/offline rewrite/postgres rewrite/mysql rewrite/sqlite"},
	"internal/leakage": {imports: "rewrite schema", tests: "config driver driver/sqlite driver/postgres driver/mysql rewrite/postgres rewrite/mysql rewrite/sqlite"},
	"internal/lint":    {imports: "rewrite internal/script internal/offline internal/explain", tests: "schema rewrite/postgres rewrite/mysql rewrite/sqlite"},

	// Values: one engine each.
	"internal/logical":           {imports: "schema", tests: "internal/logical/pgvalue internal/logical/myvalue internal/logical/litevalue"},
	"internal/blind":             {imports: "internal/logical schema x/text"},
	"normalize/phone":            {imports: "internal/blind phone", tests: "internal/logical schema"},
	"internal/tokens":            {imports: "schema x/text"},
	"internal/order":             {imports: "internal/logical schema"},
	"internal/logical/pgvalue":   {imports: "internal/logical schema pgx"},
	"internal/logical/myvalue":   {imports: "internal/logical schema go-mysql"},
	"internal/logical/litevalue": {imports: "internal/logical schema"},

	// The file, and the names that programs use.
	"config": {imports: "schema envelope go-yaml jsonschema"},
	".":      {imports: "envelope rewrite internal/logical"},

	// The wrapper, then one package per engine so that nobody links a driver or
	// a parser that they do not use.
	"driver":          {imports: ". audit lifecycle rewrite schema envelope config observe internal/seldom internal/script internal/logical internal/blind internal/hatch internal/indexmove internal/order internal/tokens securemem", tests: "envelope/builtin rewrite/sqlite internal/logical/litevalue internal/logical/pgvalue"},
	"driver/postgres": {imports: ". driver rewrite rewrite/postgres schema envelope envelope/builtin config internal/logical internal/logical/pgvalue internal/hatch internal/readahead pgx", tests: "conformance/driver"},
	"driver/mysql":    {imports: ". driver rewrite rewrite/mysql schema envelope envelope/builtin config internal/logical internal/logical/myvalue internal/hatch go-mysql", tests: "conformance/driver"},
	"driver/sqlite":   {imports: ". driver rewrite rewrite/sqlite schema envelope envelope/builtin config internal/logical internal/logical/litevalue modernc", tests: "conformance/driver"},

	// How far the moves of search indexes have come.
	"internal/indexmove": {imports: "envelope schema", tests: "envelope/builtin"},
	"internal/reindex":   {imports: "driver envelope schema rewrite lifecycle internal/indexmove internal/physical", tests: ". config driver/sqlite driver/postgres driver/mysql rewrite/sqlite rewrite/postgres rewrite/mysql"},

	// Tests and measurements of the whole, imported by nothing.
	"driver/endtoend":  {tests: "*"},
	"internal/benchdb": {imports: "* pgx go-mysql modernc", tests: "*"},

	// Suites for those who implement an interface of ours.
	"conformance/kms":       {imports: "envelope"},
	"conformance/metastore": {imports: "envelope"},
	"conformance/driver":    {imports: ". driver rewrite envelope config schema", tests: "driver/postgres driver/mysql driver/sqlite rewrite/postgres rewrite/mysql rewrite/sqlite"},
	"internal/ownsuites":    {tests: ""},
	"internal/mutate":       {tests: "internal/testenv"},
	"internal/messages":     {tests: ""},
	"internal/killtest":     {tests: ". internal/cli driver/postgres driver/mysql driver/sqlite"},
	"conformance/corpus":    {tests: "rewrite rewrite/postgres rewrite/mysql rewrite/sqlite schema oliphant marino meyer protobuf driver/postgres"},
	"conformance/fuzzsql":   {tests: ". config conformance/driver driver/postgres driver/mysql driver/sqlite rewrite"},

	// Keys over time.
	"audit":     {imports: "envelope", tests: "envelope/builtin"},
	"lifecycle": {imports: "envelope schema", tests: "envelope/builtin driver/sqlite driver/postgres driver/mysql config"},

	// Records without a driver: Asherah's interface.
	"session": {imports: "envelope keycache securemem observe", tests: "envelope/builtin"},

	// Programs.
	"cmd/sealsql":          {imports: "internal/cli kms/vault"},
	"examples/*":           {imports: "* pgx go-mysql modernc"},
	"internal/cli":         {imports: "* cobra pgx go-mysql modernc"},
	"internal/interop":     {imports: "envelope securemem internal/regional"},
	"internal/memscan":     {},
	"internal/freeport":    {},
	"internal/testenv":     {imports: "internal/freeport pgx go-mysql x/sys"},
	"internal/testenv/cmd": {imports: "internal/freeport internal/testenv pgx go-mysql"},
}

// everyTest is what any test file may import: databases to compare with, and
// forms of test data.
const everyTest = "internal/testenv pgx go-mysql modernc testscript x/tools internal/synclog"

// unreachable lists what a package must not link in, over any number of steps
// and outside its tests. An entry is a prefix of import paths of this module,
// of the standard library, or a word of external.
var unreachable = map[string]string{
	"schema":            "database/sql envelope keycache securemem",
	"observe":           "database/sql net expvar testing",
	"rewrite":           "envelope keycache securemem database/sql oliphant marino meyer testing",
	"rewrite/postgres":  "envelope keycache securemem database/sql marino meyer testing",
	"rewrite/mysql":     "envelope keycache securemem database/sql oliphant meyer testing",
	"rewrite/sqlite":    "envelope keycache securemem database/sql oliphant marino testing",
	"envelope":          "rewrite schema driver config internal/logical database/sql testing",
	"envelope/builtin":  "rewrite schema driver config internal/logical pgx go-mysql modernc testing",
	"kms/vault":         "rewrite schema driver config database/sql testing",
	"internal/regional": "rewrite schema driver config database/sql testing net/http",
	"session":           "rewrite schema driver config internal/logical envelope/builtin database/sql testing",
	"driver":            "pgx go-mysql modernc oliphant marino meyer envelope/builtin testing",
	"driver/postgres":   "go-mysql modernc marino meyer testing",
	"driver/mysql":      "pgx modernc oliphant meyer testing",
	"driver/sqlite":     "pgx go-mysql oliphant marino testing",
	"cmd/sealsql":       "testing internal/testenv",
}

// imports holds, per package, import path → a file that has it.
type imports struct{ code, tests map[string]string }

func TestPackagesImportOnlyWhatTheTableAllows(t *testing.T) {
	for name, p := range packages(t) {
		r, ok := ruleFor(name)
		if !ok {
			t.Errorf("package %s is not in the table of deps_test.go", name)
			continue
		}
		for imp, file := range p.code {
			if !allowed(imp, r.imports) {
				t.Errorf("%s imports %s, which the table does not allow %s", file, imp, name)
			}
		}
		for imp, file := range p.tests {
			if imp != qualify(name) && !allowed(imp, r.imports+" "+r.tests+" "+everyTest) {
				t.Errorf("%s imports %s, which the table does not allow the tests of %s", file, imp, name)
			}
		}
	}
}

func TestPackagesDoNotReachWhatTheyMustNotLink(t *testing.T) {
	all := packages(t)
	for name, forbidden := range unreachable {
		for imp, way := range reach(all, name) {
			for word := range strings.FieldsSeq(forbidden) {
				if within(imp, expand(word)) {
					t.Errorf("%s reaches %s by %s", name, imp, way)
				}
			}
		}
	}
}

func TestTheTableUsesKnownWords(t *testing.T) {
	words := everyTest
	for _, r := range layers {
		words += " " + r.imports + " " + r.tests
	}
	for word := range strings.FieldsSeq(words) {
		_, isExternal := external[word]
		_, isLayer := ruleFor(word)
		if !isExternal && !isLayer && word != "*" {
			t.Errorf("%q is neither a package of the table nor a word of external", word)
		}
	}
}

func ruleFor(name string) (rule, bool) {
	if r, ok := layers[name]; ok {
		return r, true
	}
	r, ok := layers[path.Dir(name)+"/*"]
	return r, ok
}

// allowed reports whether the list covers the import path.
func allowed(imp, list string) bool {
	if isStandard(imp) {
		return true
	}
	for word := range strings.FieldsSeq(list) {
		ext, isExternal := external[word]
		switch {
		case word == "*" && within(imp, module),
			isExternal && within(imp, ext),
			!isExternal && imp == qualify(word):
			return true
		}
	}
	return false
}

// expand turns a word of unreachable into a prefix of import paths.
func expand(word string) string {
	if ext, ok := external[word]; ok {
		return ext
	}
	if _, ok := ruleFor(word); ok {
		return qualify(word)
	}
	return word // standard library
}

func qualify(name string) string { return path.Join(module, name) }

func within(imp, prefix string) bool {
	return imp == prefix || strings.HasPrefix(imp, prefix+"/")
}

// isStandard: only the standard library has no dot in the first element.
func isStandard(imp string) bool {
	first, _, _ := strings.Cut(imp, "/")
	return !strings.Contains(first, ".")
}

// reach returns every import path that code of the package needs, with the way
// to it. It follows this module's packages; what external modules import is
// theirs to say.
func reach(all map[string]imports, name string) map[string]string {
	ways := map[string]string{}
	var visit func(name, way string)
	visit = func(name, way string) {
		for _, imp := range slices.Sorted(maps.Keys(all[name].code)) {
			if _, seen := ways[imp]; seen {
				continue
			}
			ways[imp] = way + " → " + imp
			if imp == module {
				visit(".", ways[imp])
			} else if below, ok := strings.CutPrefix(imp, module+"/"); ok {
				visit(below, ways[imp])
			}
		}
	}
	visit(name, name)
	return ways
}

// packages parses the import clauses of every Go file of this module, for all
// platforms and build tags alike. It reads the files itself: what `go list`
// reads is unknown to the cache of `go test`, which would then not notice a new
// import.
func packages(t *testing.T) map[string]imports {
	t.Helper()
	all := map[string]imports{}
	err := filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return skipDirectory(file)
		}
		if strings.HasSuffix(file, ".go") && !strings.HasPrefix(d.Name(), "_") && !strings.HasPrefix(d.Name(), ".") {
			return addImports(all, file)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all["."].code) == 0 || len(all) < 5 {
		t.Fatalf("found only %d packages: the test does not look where the module is", len(all))
	}
	return all
}

// skipDirectory leaves out what the go command leaves out: hidden directories,
// test data and nested modules.
func skipDirectory(dir string) error {
	base := filepath.Base(dir)
	if dir == "." {
		return nil
	}
	if base == "testdata" || strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") {
		return fs.SkipDir
	}
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	if err == nil {
		return fs.SkipDir
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func addImports(all map[string]imports, file string) error {
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
	if err != nil {
		return err
	}
	name := filepath.ToSlash(filepath.Dir(file))
	if _, ok := all[name]; !ok {
		all[name] = imports{code: map[string]string{}, tests: map[string]string{}}
	}
	into := all[name].code
	if strings.HasSuffix(file, "_test.go") {
		into = all[name].tests
	}
	for _, spec := range f.Imports {
		imp, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return err
		}
		into[imp] = file
	}
	return nil
}
