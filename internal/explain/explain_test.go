package explain_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/sealsql/sealsql/internal/explain"
	"github.com/sealsql/sealsql/internal/offline"
	"github.com/sealsql/sealsql/internal/script"
	"github.com/sealsql/sealsql/internal/testenv"
	"github.com/sealsql/sealsql/rewrite"
	"github.com/sealsql/sealsql/rewrite/mysql"
	"github.com/sealsql/sealsql/rewrite/postgres"
	"github.com/sealsql/sealsql/rewrite/sqlite"
	"github.com/sealsql/sealsql/schema"
)

var (
	frontends = map[string]rewrite.Frontend{"postgres": postgres.New(), "mysql": mysql.New(), "sqlite": sqlite.New()}
	session   = rewrite.Session{ModeKnown: true}
)

func world(t testing.TB, annotations string) *offline.World {
	t.Helper()
	tables, err := offline.ParseAnnotations(annotations)
	if err != nil {
		t.Fatal(err)
	}
	w := &offline.World{Known: offline.KnownInferred, Session: session}
	w.Tables = tables
	return w
}

// describe explains one text with an inferred catalog.
func describe(t testing.TB, w *offline.World, f rewrite.Frontend, sql string) explain.Report {
	t.Helper()
	v, err := w.View(f)
	if err != nil {
		t.Fatal(err)
	}
	parsed := explain.Parse(f, sql, &session)
	verdict := explain.Judge(f, sql, parsed, v.Catalog(parsed), &session, false)
	return explain.Describe(verdict, script.NewFile("", sql).Text(0, len(sql)), explain.Masker{Front: f, Session: &session, Known: v.KnowsName})
}

// everything is the report in all its forms.
func everything(t testing.TB, r explain.Report) string {
	t.Helper()
	var b strings.Builder
	if err := r.Write(&b); err != nil {
		t.Fatal(err)
	}
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// The cases of the planner mark their values.
func TestNoValueOfThePlannersCasesIsShown(t *testing.T) {
	files, err := filepath.Glob("../../rewrite/testdata/*/*/*.txtar")
	if err != nil || len(files) < 300 {
		t.Fatalf("%d cases: %v", len(files), err)
	}
	w := world(t, "users.ssn,users.email,docs.body,notes.v")
	for _, name := range files {
		dialect := strings.Split(filepath.ToSlash(name), "/")[4]
		ar, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range ar.Files {
			if f.Name != "input.sql" {
				continue
			}
			r := describe(t, w, frontends[dialect], strings.TrimSuffix(string(f.Data), "\n"))
			if out := everything(t, r); strings.Contains(out, "SECRET") {
				t.Errorf("%s: %s", name, out)
			}
			checkPlace(t, name, r)
		}
	}
}

func checkPlace(t *testing.T, name string, r explain.Report) {
	t.Helper()
	f := r.Refusal
	if f == nil {
		return
	}
	if f.Line < 1 || f.Column < 1 || f.Caret < 0 || f.Caret > len([]rune(f.Excerpt)) || f.Rule == "" {
		t.Errorf("%s: %+v", name, f)
	}
}

// Statements of real programs and of the engines' own tests: whatever a string
// of the statement says is not in the report, unless a name says the same.
func TestNoStringOfTheCorpusIsShown(t *testing.T) {
	dir := testenv.Shared(t)
	if dir == "" {
		return
	}
	every := 7
	if testenv.Long() {
		every = 1
	}
	for dialect, front := range frontends {
		f, err := os.Open(filepath.Join(dir, "sql-corpus", dialect+".jsonl"))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		w := world(t, "users.email,users.name,t1.b,t2.b,authors.bio,posts.title")
		lines := bufio.NewScanner(f)
		lines.Buffer(nil, 64<<20)
		n := 0
		for lines.Scan() {
			if n++; n%every != 0 {
				continue
			}
			var c struct{ SQL string }
			if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
				t.Fatal(err)
			}
			r := describe(t, w, front, c.SQL)
			checkPlace(t, c.SQL, r)
			out := everything(t, r)
			for _, s := range values(front, c.SQL) {
				if strings.Contains(out, s) {
					t.Errorf("%s:%d: %q is in the report\n%s", dialect, n, s, out)
				}
			}
		}
		if n < 1000 {
			t.Errorf("%s: only %d statements", dialect, n)
		}
	}
}

// values returns the longer strings of a text that are not in the rest of it,
// nor in what reports say themselves.
func values(front rewrite.Frontend, text string) []string {
	var found []string
	rest, at := strings.Builder{}, 0
	front.(rewrite.Tokenizer).EachToken(text, 0, &session, func(t rewrite.Token) bool {
		if t.Kind == rewrite.TokString {
			found = append(found, t.Text)
			rest.WriteString(text[at:t.Start])
			at = t.End
		}
		return true
	})
	rest.WriteString(text[at:])
	rest.WriteString(" parameter passed in clear the database sees value column planned partition statement constant default")
	said := strings.ToLower(rest.String())
	var out []string
	for _, s := range found {
		if len(s) >= 6 && strings.TrimSpace(s) == s && !strings.Contains(said, strings.ToLower(s)) {
			out = append(out, s)
		}
	}
	return out
}

func TestRecordsLeakWhatTheirTypeAndPartitionSay(t *testing.T) {
	column := func(typ string, p schema.PartitionKind) *schema.Column {
		parsed, err := schema.ParseType(typ)
		if err != nil {
			t.Fatal(err)
		}
		return &schema.Column{Name: "c", Type: parsed, Table: &schema.Table{Name: "t", Partition: schema.Partition{Kind: p}}}
	}
	for _, c := range []struct {
		dialect   rewrite.Dialect
		typ       string
		partition schema.PartitionKind
		want      string
	}{
		{rewrite.Postgres, "text", schema.PartitionConst, "[null length]"},
		{rewrite.Postgres, "bigint", schema.PartitionConst, "[null]"},
		{rewrite.Postgres, "uuid", schema.PartitionColumn, "[null partition]"},
		{rewrite.Postgres, "date", schema.PartitionConst, "[null]"},
		{rewrite.Postgres, "numeric(10,2)", schema.PartitionContext, "[null length partition]"},
		{rewrite.MySQL, "date", schema.PartitionConst, "[null length]"},
		{rewrite.MySQL, "double", schema.PartitionConst, "[null]"},
		{rewrite.SQLite, "int", schema.PartitionConst, "[null length storage-class]"},
	} {
		if got := fmt.Sprint(explain.Records(c.dialect, column(c.typ, c.partition))); got != c.want {
			t.Errorf("%v %s: %s, want %s", c.dialect, c.typ, got, c.want)
		}
	}
}

func TestFormsOfRecordsChangeWhatTheyLeak(t *testing.T) {
	for want, s := range map[string]schema.Sealing{
		"[null padded-length]":                 {Pad: 32},
		"[null length compressibility]":        {Compress: 100},
		"[null padded-length compressibility]": {Pad: schema.PadPadme, Compress: 100},
		"[null length]":                        {Suite: schema.SuiteWrapped},
	} {
		c := &schema.Column{Name: "c", Sealing: s, Table: &schema.Table{Name: "t"}}
		if got := fmt.Sprint(explain.Records(rewrite.Postgres, c)); got != want {
			t.Errorf("%+v: %s, want %s", s, got, want)
		}
	}
}

func TestTheRowOfBoundValuesIsSaid(t *testing.T) {
	uuid, err := schema.ParseType("uuid")
	if err != nil {
		t.Fatal(err)
	}
	tables, err := schema.New([]*schema.Table{{
		Name: "users", Row: schema.RowIdentity{Column: "id", Type: uuid}, Columns: []*schema.Column{{Name: "ssn"}},
	}}, schema.Options{})
	if err != nil {
		t.Fatal(err)
	}
	w := world(t, "users.ssn")
	w.Tables = tables
	for sql, want := range map[string]string{
		"UPDATE users SET ssn = $1 WHERE id = $2":   "row: $2",
		"SELECT ssn FROM users WHERE id = 'SECRET'": "row: a literal of the statement",
		"SELECT ssn FROM users":                     "row: result column 2",
	} {
		if got := everything(t, describe(t, w, frontends["postgres"], sql)); !strings.Contains(got, want) || strings.Contains(got, "SECRET") {
			t.Errorf("%s: %s", sql, got)
		}
	}
}

func TestRecordsOfAsherahLeakTheirPartitionAndTime(t *testing.T) {
	tables, err := schema.New([]*schema.Table{{Name: "users", Columns: []*schema.Column{{Name: "ssn", Carrier: schema.CarrierAsherah}}}}, schema.Options{})
	if err != nil {
		t.Fatal(err)
	}
	w := world(t, "users.ssn")
	w.Tables = tables
	r := describe(t, w, frontends["postgres"], "UPDATE users SET ssn = $1 WHERE id = $2")
	if r.Status != explain.StatusPlanned || fmt.Sprint(r.Parameters[0].Leaks) != "[null length partition time]" || r.Parameters[0].Uses[0].Format != "asherah" {
		t.Errorf("%+v", r)
	}
	notes := fmt.Sprint(explain.Footnotes([]explain.Report{r}))
	if !strings.Contains(notes, "Asherah") || strings.Contains(notes, "their column") {
		t.Error(notes)
	}
	if notes := explain.Footnotes([]explain.Report{describe(t, w, frontends["postgres"], "SELECT 1")}); notes != nil {
		t.Error(notes)
	}
}

func TestEveryArgumentIsAccountedFor(t *testing.T) {
	w := world(t, "users.ssn:text")
	for dialect, sql := range map[string]string{
		"postgres": "UPDATE users SET ssn = $2, name = $1, note = $2 WHERE id = $3",
		"mysql":    "UPDATE users SET ssn = ?, name = ? WHERE id = ?",
		"sqlite":   "UPDATE users SET ssn = :a, name = ?2, note = :a WHERE id = @c",
	} {
		r := describe(t, w, frontends[dialect], sql)
		var got []string
		for i, p := range r.Parameters {
			if p.Number != i+1 {
				t.Errorf("%s: %+v", dialect, p)
			}
			got = append(got, p.Name+" "+p.Action+" "+strings.Join(p.SentAs, " "))
		}
		want := map[string]string{
			"postgres": "[$1 clear  $2 split $2 $4 $3 clear ]",
			"mysql":    "[parameter 1 sealed  parameter 2 clear  parameter 3 clear ]",
			"sqlite":   "[:a split ?1 ?4 ?2 clear  @c clear ]",
		}[dialect]
		if fmt.Sprint(got) != want {
			t.Errorf("%s: %v, want %s (%s)", dialect, got, want, r.Text)
		}
	}
}

func TestQuotedLabelsAreShownIfTheyAreNames(t *testing.T) {
	r := describe(t, world(t, "users.ssn"), frontends["sqlite"], `SELECT ssn AS "Label", "CANARY", "ssn" FROM users`)
	var names []string
	for _, l := range r.Results {
		names = append(names, l.Name)
	}
	if fmt.Sprintf("%q", names) != `["Label" "" "ssn"]` {
		t.Errorf("%q in %s", names, r.Text)
	}
}

// FuzzExplain explains any text without a panic and shows no value of it.
func FuzzExplain(f *testing.F) {
	for _, seed := range []string{
		"SELECT ssn FROM users WHERE id = %s", "INSERT INTO users VALUES (1, %s)", "SELECT 1 -- %s\n", "SELECT \"a\", [b] /* %s */",
		"UPDATE users SET ssn = %s WHERE %s", "CREATE TABLE users (ssn text DEFAULT %s)", "SELECT E%s, X%s, N%s, $$ %s $$", "%s", "",
	} {
		f.Add(seed)
	}
	w := world(f, "users.ssn")
	f.Fuzz(func(t *testing.T, text string) {
		const canary = "qCANARYq"
		if strings.Contains(text, canary) {
			return
		}
		// A value in quotes is hidden wherever it stands, unless the text around
		// it makes it a name.
		sql := strings.ReplaceAll(text, "%s", "'"+canary+"'")
		for _, front := range frontends {
			out := everything(t, describe(t, w, front, sql))
			if !strings.Contains(out, canary) {
				continue
			}
			isValue := true
			front.(rewrite.Tokenizer).EachToken(sql, 0, &session, func(tok rewrite.Token) bool {
				if strings.Contains(sql[tok.Start:tok.End], canary) && tok.Kind != rewrite.TokString {
					isValue = false
				}
				return true
			})
			if isValue {
				t.Fatalf("%v shows a value of %q\n%s", front.Dialect(), sql, out)
			}
		}
	})
}

func TestIndexesForPatternsAreNamedWithWhatTheyLeak(t *testing.T) {
	col := &schema.Column{
		Name: "ssn", Prefix: &schema.Fragments{}, Suffix: &schema.Fragments{}, Contains: &schema.Fragments{},
	}
	tables, err := schema.New([]*schema.Table{{Name: "users", Columns: []*schema.Column{col}}}, schema.Options{})
	if err != nil {
		t.Fatal(err)
	}
	w := world(t, "users.ssn")
	w.Tables = tables
	r := describe(t, w, frontends["sqlite"], "SELECT id FROM users WHERE ssn LIKE ?")
	var got []string
	for _, l := range r.Searches {
		got = append(got, fmt.Sprint(l.Name, l.Leaks))
	}
	want := "[users.ssn_pfx[shared-prefixes] users.ssn_sfx[shared-suffixes] users.ssn_sub[shared-pieces]]"
	if r.Status != explain.StatusPlanned || fmt.Sprint(got) != want || len(r.Filters) != 1 || !strings.Contains(r.Filters[0], "does not match") {
		t.Errorf("%s %v, left out %v", r.Status, got, r.Filters)
	}
}

// The rows of a cursor are opened by who fetches them: DECLARE says so.
func TestACursorsColumnsAreOpened(t *testing.T) {
	w := world(t, "t.c")
	for _, r := range []explain.Report{
		describe(t, w, postgres.New(), "DECLARE x CURSOR FOR SELECT c, d FROM t"),
		describe(t, w, postgres.New(), "SELECT c, d FROM t"),
	} {
		if len(r.Results) != 2 || r.Results[0].Action != "opened" || r.Results[1].Action != "clear" {
			t.Errorf("%s: %+v", r.Text, r.Results)
		}
	}
}
