package corpus_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sealsql/sealsql/internal/testenv"
	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/rewrite/mysql"
	"github.com/sealsql/sealsql/rewrite/postgres"
	"github.com/sealsql/sealsql/rewrite/sqlite"
	"github.com/sealsql/sealsql/schema"
)

// line is a statement of the corpus.
type line struct {
	Dialect, Kind, SQL, Source string
}

// app tells statements of applications and object mappers from those of the
// test suites of engines and parsers.
func (l *line) app() bool {
	switch strings.SplitN(l.Source, "/", 2)[0] {
	case "pg17-regress", "mariadb-test", "sqlite-tests":
		return false
	case "vitess":
		return strings.Contains(l.Source, "django") || strings.Contains(l.Source, "lobsters")
	}
	return true
}

func (l *line) class() string {
	class := "suite"
	if l.app() {
		class = "application"
	}
	if l.Kind == "ddl" {
		return class + " DDL"
	}
	return class + " DML"
}

// corpus reads the statements of a dialect; nil where the corpus is not there.
func corpus(t testing.TB, dialect string) []line {
	t.Helper()
	dir := testenv.Shared(t)
	if dir == "" {
		return nil
	}
	f, err := os.Open(filepath.Join(dir, "sql-corpus", dialect+".jsonl"))
	if err != nil {
		t.Logf("no corpus of %s statements: %v", dialect, err)
		return nil
	}
	defer f.Close()
	var out []line
	sc := bufio.NewScanner(f)
	sc.Buffer(nil, 1<<24)
	for sc.Scan() {
		var l line
		if err := json.Unmarshal(sc.Bytes(), &l); err != nil {
			t.Fatal(err)
		}
		out = append(out, l)
	}
	if err := sc.Err(); err != nil || len(out) < 1000 {
		t.Fatalf("%d statements, %v", len(out), err)
	}
	return out
}

// language is what the run needs to know of a dialect.
type language struct {
	front   rewrite.Frontend
	facts   func(string) ([]*facts, error)
	session rewrite.Session
	home    string
	// carrier is the physical type of encrypted columns.
	carrier     string
	carrierKind schema.Carrier
	// enums are the enumerated types of the applications.
	enums map[rewrite.RelationID][]string
}

var languages = map[string]*language{
	"postgres": {front: postgres.New(), facts: postgresFacts, home: "public", carrier: "bytea"},
	"mysql":    {front: mysql.New(), facts: mysqlFacts, session: rewrite.Session{MariaDB: true, Version: 101119, ModeKnown: true}, home: "app", carrier: "varbinary(2000)"},
	"sqlite":   {front: sqlite.New(), facts: sqliteFacts, home: "main", carrier: "blob"},
}

// outcome of planning one statement under one annotation.
type outcome struct {
	line      *line
	all       bool // every column annotated at once
	columns   string
	positions position
	mixed     bool // encrypted beside clear values in one UNION ALL
	planned   bool
	typ       string // of the columns, where it was chosen
	pass      bool
	reason    rewrite.Reason
	hint      string
}

// wanted reports whether the target applies: the annotated columns stand only
// where one of the positions of mask is.
func (o *outcome) wanted(mask position) bool {
	return o.positions&^mask == 0 && o.positions&mask != 0 && !o.mixed
}

// world makes the catalog of a statement: its tables with their columns as
// text, those of set encrypted.
func (l *language) world(tables []*table, set map[bound]bool) (rewrite.Catalog, error) {
	snap := &rewrite.Snapshot{Enums: l.enums}
	var ann []*schema.Table
	for _, t := range tables {
		rel := rewrite.SnapshotRelation{ID: rewrite.RelationID{Schema: t.schema, Name: t.name}, Kind: rewrite.RelTable}
		a := &schema.Table{Schema: t.schema, Name: t.name}
		for _, c := range t.cols {
			typ := "text"
			if set[bound{t, c}] {
				typ = l.carrier
				logical, _ := t.columnType(l, c)
				a.Columns = append(a.Columns, &schema.Column{Name: c, Type: logical, Carrier: l.carrierKind})
			}
			rel.Columns = append(rel.Columns, rewrite.CatalogColumn{Name: c, Type: typ, BytewiseEqual: true})
		}
		if len(rel.Columns) == 0 {
			rel.Columns = []rewrite.CatalogColumn{{Name: "c1", Type: "text", BytewiseEqual: true}}
		}
		snap.Relations = append(snap.Relations, rel)
		if a.Columns != nil {
			ann = append(ann, a)
		}
	}
	// There is always an annotated table, so that nothing passes for want of one.
	snap.Relations = append(snap.Relations, rewrite.SnapshotRelation{
		ID: rewrite.RelationID{Schema: l.home, Name: "sealed_elsewhere"}, Kind: rewrite.RelTable,
		Columns: []rewrite.CatalogColumn{{Name: "sealed_secret", Type: l.carrier}},
	})
	ann = append(ann, &schema.Table{Name: "sealed_elsewhere", Columns: []*schema.Column{{Name: "sealed_secret"}}})
	annotations, err := schema.New(ann, schema.Options{})
	if err != nil {
		return nil, err
	}
	path := []string{l.home}
	return rewrite.NewCatalog(l.front.Dialect(), snap, rewrite.Names{SearchPath: path}, annotations, rewrite.Declarations{}), nil
}

// columnType is the logical type of a column: text, or that of the casts under
// which values are assigned to it.
func (t *table) columnType(l *language, col string) (schema.Type, error) {
	if t.types[col] == "" {
		return schema.Type{}, nil
	}
	return l.typeOf(t.types[col])
}

// plan plans one statement with the columns of set encrypted, and checks what
// must hold whatever the outcome.
func (l *language) plan(t *testing.T, ln *line, tables []*table, set map[bound]bool) (*rewrite.Plan, *rewrite.UnsupportedError) {
	cat, err := l.world(tables, set)
	if err != nil {
		return nil, nil
	}
	plan, err := rewrite.PlanOnce(l.front, ln.SQL, cat, &l.session, rewrite.Options{HasArgs: true})
	var u *rewrite.UnsupportedError
	switch {
	case err == nil:
		return plan, nil
	case !errors.As(err, &u):
		t.Errorf("error of type %T: %v\n%s", err, err, ln.SQL)
		return nil, &rewrite.UnsupportedError{}
	}
	if strings.HasPrefix(u.Reason.String(), "reason ") {
		t.Errorf("a reason outside of the enumeration: %v\n%s", err, ln.SQL)
	}
	if u.Pos < -1 || u.Pos > len(ln.SQL) {
		t.Errorf("position %d outside the text\n%s", u.Pos, ln.SQL)
	}
	return nil, u
}

// run plans a statement with nothing, each column and all columns encrypted.
func (l *language) run(t *testing.T, ln *line, got *results) {
	if l.unparsed(ln) {
		got.unparsed = append(got.unparsed, ln)
	}
	list, err := l.facts(ln.SQL)
	if err != nil {
		got.unread = append(got.unread, ln)
	}
	var tables []*table
	for _, f := range list {
		tables = mergeTables(tables, f.tables)
	}
	plan, u := l.plan(t, ln, tables, nil)
	clear := outcome{line: ln, planned: u == nil, pass: plan != nil && plan.Pass}
	if u != nil {
		clear.reason, clear.hint = u.Reason, u.Hint
	}
	got.clear = append(got.clear, clear)
	if len(list) != 1 {
		return
	}
	f := list[0]
	every := map[bound]bool{}
	for _, tab := range tables {
		for _, c := range tab.cols {
			set := map[bound]bool{{tab, c}: true}
			every[bound{tab, c}] = true
			l.annotated(t, ln, f, tables, set, got)
		}
	}
	if len(every) > 1 {
		l.annotated(t, ln, f, tables, every, got)
	}
	l.runSearched(t, ln, f, tables, got)
}

// unparsed reports whether the front end could not read a text.
func (l *language) unparsed(ln *line) bool {
	text, err := l.front.Prepare(ln.SQL, &l.session)
	if err != nil {
		return false
	}
	_, err = l.front.Parse(text, &l.session)
	var syntax *rewrite.SyntaxError
	return errors.As(err, &syntax)
}

func mergeTables(a, b []*table) []*table {
	for _, t := range b {
		if !slices.ContainsFunc(a, func(x *table) bool { return x.schema == t.schema && x.name == t.name }) {
			a = append(a, t)
		}
	}
	return a
}

func (l *language) annotated(t *testing.T, ln *line, f *facts, tables []*table, set map[bound]bool, got *results) {
	o := outcome{line: ln, all: len(set) > 1, mixed: f.mixed(set)}
	for b := range set {
		o.positions |= b.table.use[b.col]
		o.columns = b.table.name + "." + b.col
		if _, err := b.table.columnType(l, b.col); err != nil && b.table.use[b.col]&assigned != 0 {
			o.positions |= computed // a cast to a type that no encrypted column can have
		}
	}
	if f.broken {
		got.broken++
		return
	}
	if o.positions == 0 {
		return // filled in to make up a row
	}
	if o.all {
		o.columns = "all"
	}
	plan, u := l.plan(t, ln, tables, set)
	switch {
	case plan != nil:
		o.planned, o.pass = true, plan.Pass
		l.compare(t, ln, f, set, plan)
	case u != nil:
		o.reason, o.hint = u.Reason, u.Hint
	default:
		return // names that cannot be annotated
	}
	got.outcomes = append(got.outcomes, o)
}

// compare holds a plan against what the walk of the parser's tree says.
func (l *language) compare(t *testing.T, ln *line, f *facts, set map[bound]bool, plan *rewrite.Plan) {
	opened, sealed := map[string]bool{}, map[string]bool{}
	for _, r := range plan.Results {
		for _, c := range r.Columns {
			opened[c.Table.Name+"."+c.Name] = true
		}
	}
	for _, o := range plan.Args {
		if o.Seal != nil {
			sealed[o.Seal.Table.Name+"."+o.Seal.Name] = true
		}
	}
	for _, h := range plan.Holes {
		sealed[h.Out.Seal.Table.Name+"."+h.Out.Seal.Name] = true
	}
	for b := range set {
		use, name := b.table.use[b.col], b.table.name+"."+b.col
		if use&projected != 0 && !opened[name] {
			t.Errorf("%s reaches the caller, but the plan does not open it\n%s", name, ln.SQL)
		}
		if use&moved != 0 && use&(computed|kept) != 0 {
			use &^= computed | moved // on its way into itself, perhaps
		}
		if use&(predicate|ordered|grouped|computed|moved|keyed|joined|whole) != 0 {
			t.Errorf("%s is %s, but the statement is planned\n%s", name, use, ln.SQL)
		}
	}
}

// results are the outcomes of one dialect.
type results struct {
	lines    int
	clear    []outcome
	outcomes []outcome
	searched []searched
	unparsed []*line
	unread   []*line
	broken   int // outcomes of statements that no engine takes
}

// TestCorpus plans every statement of the corpus, compares the plans with the
// walk of the parser's own tree, and the figures with docs/corpus.md.
func TestCorpus(t *testing.T) {
	all := map[string]*results{}
	for _, d := range dialects {
		all[d] = &results{}
	}
	t.Run("dialects", func(t *testing.T) {
		for _, d := range dialects {
			t.Run(d, func(t *testing.T) {
				t.Parallel()
				languages[d].corpus(t, d, all[d])
			})
		}
	})
	if all["postgres"].lines > 0 && !testenv.Sampled() {
		page(t, all)
	}
}

func (l *language) corpus(t *testing.T, dialect string, got *results) {
	lines := corpus(t, dialect)
	l.enums = enumsOf(lines, l.home)
	for _, ln := range testenv.Sample(t, lines, len(lines)/10) {
		got.lines++
		l.run(t, &ln, got)
	}
	if got.lines == 0 || testenv.Sampled() {
		return // the repository is alone, or this is no share of anything
	}
	t.Logf("%s", got.summary())
	c := share(got.outcomes, "application DML", func(o *outcome) bool { return o.wanted(plain) })
	if c.percent() < 100*target {
		t.Errorf("application DML, encrypted columns only projected or assigned: %s planned", c)
	}
	if c = share(got.indexed(), "application DML", (*outcome).served); c.percent() < 100*searchTarget[dialect] {
		t.Errorf("application DML, indexed columns where indexes answer: %s planned", c)
	}
	if *report != "" {
		if err := os.WriteFile(*report+"."+dialect, []byte(got.long()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func (r *results) summary() string {
	return fmt.Sprintf("%d statements, %d unparsed, %d not walked, %d outcomes, %d left out of statements that name what is not there", r.lines, len(r.unparsed), len(r.unread), len(r.outcomes), r.broken)
}
