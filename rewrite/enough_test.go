package rewrite_test

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/sealsql/sealsql/rewrite"
)

// writtenCase is a case as it stands in its file.
type writtenCase struct{ path, input, err string }

func writtenCases(t *testing.T) []writtenCase {
	t.Helper()
	list, err := readCases()
	if err != nil || len(list) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	return list
}

var readCases = sync.OnceValues(func() (out []writtenCase, err error) {
	files, err := filepath.Glob("testdata/*/*/*.txtar")
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		ar, err := txtar.ParseFile(f)
		if err != nil {
			return nil, err
		}
		c := writtenCase{path: filepath.ToSlash(f)}
		for _, s := range ar.Files {
			switch s.Name {
			case "input.sql":
				c.input = string(s.Data)
			case "error":
				c.err = string(s.Data)
			}
		}
		out = append(out, c)
	}
	return out, nil
})

// fewestOfAReason is how many cases a reason has at least, fewestOfARule how many
// a rule has that are planned.
const (
	fewestOfAReason = 3
	fewestOfARule   = 5
)

// testedElsewhere are reasons for which there is no text that a case could hold.
var testedElsewhere = map[rewrite.Reason]string{
	rewrite.ReasonTooLong: "a text of 16 MiB: the tests of each front end",
	rewrite.ReasonParser:  "a fault of a parser: the fuzz targets of each front end know none",
	rewrite.ReasonVerify:  "an edit that is wrong: TestTokensProveNothingThatParsingRejects",
	rewrite.ReasonFault:   "a fault of the analysis: TestAPanicWhilePlanningIsARefusal",
}

func TestEveryReasonHasCases(t *testing.T) {
	count := map[string]int{}
	for _, c := range writtenCases(t) {
		if reason, _, ok := strings.Cut(c.err, " column="); ok {
			count[reason]++
		}
	}
	for _, r := range rewrite.Reasons() {
		if n := count[r.String()]; n < fewestOfAReason && testedElsewhere[r] == "" {
			t.Errorf("%d cases are refused for %q, want %d", n, r, fewestOfAReason)
		}
		delete(count, r.String())
	}
	for reason := range count {
		t.Errorf("cases are refused for %q, which is no reason", reason)
	}
}

// ruleCases tell by the text of a statement, or the topic of the case, which rule of
// docs/rewriting.md it is about. The rules are named by their first words.
var ruleCases = map[string]string{
	"be selected as a column":                     `(?i)(LATERAL|WITH|JOIN|FROM \().*`,
	"stand in the arms of UNION ALL":              `(?i)UNION ALL|(FROM|JOIN) \(VALUES`,
	"be the result of a form":                     `(?i)SELECT.*\b(CASE|COALESCE|IFNULL|IF|IIF|NVL2?) ?\(?`,
	"be picked by a window":                       `(?i)(FIRST_VALUE|LAST_VALUE|NTH_VALUE|LAG|LEAD|ANY_VALUE)\(`,
	"be the value of a scalar subquery":           `(?i)SELECT [^;]*\(SELECT`,
	"be cast to its own type":                     `(?i)SELECT.*(::|CAST\()`,
	"be tested for NULL":                          `(?i)IS (NOT )?NULL|ISNULL|NOTNULL|<=> NULL|FROM NULL`,
	"be counted":                                  `(?i)\bCOUNT\((DISTINCT )?\w*\.?(ssn|email|phone|age|mail|tel|points)\)`,
	"be shown by a view":                          `/(views|viewscreate|viewsindexed|viewsdeclared)/`,
	"be copied into a column with the same `id:`": `/(copies|lists)/`,
	"be returned by INSERT":                       `(?i)RETURNING|FETCH`,
	"be kept by an upsert":                        `(?i)excluded\.|= ?VALUES?\(`,
	"a parameter or a literal":                    `(?is)^(INSERT|UPDATE|MERGE|REPLACE).*(\$\d|\?|')`,
	"the same under":                              `(?i)^(INSERT|UPDATE|MERGE|REPLACE).*(::|CAST\()`,
	"the forms above over parameters":             `(?i)(SET|VALUES|UPDATE).*\b(CASE|COALESCE|IFNULL|IF|IIF)\b`,
	"parameters and literals of a query":          `(?i)(INSERT.*SELECT|UPDATE.*FROM \(?(VALUES|SELECT)|= \(SELECT).*(\$\d|\?|')`,
	"DEFAULT or omission where the configuration": `/defaults/`,
	"NULL, and DEFAULT or omission":               `(?i)^(INSERT|UPDATE|MERGE|REPLACE).*\b(NULL|DEFAULT)\b`,
}

// documentedRules are the first cells of the tables of a section.
func documentedRules(t *testing.T, section string) (out [][]string) {
	t.Helper()
	raw, err := os.ReadFile("../docs/rewriting.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(raw), "\n## "+section+"\n")
	if !ok {
		t.Fatalf("docs/rewriting.md has no section %q", section)
	}
	rest, _, _ = strings.Cut(rest, "\n## ")
	for line := range strings.Lines(rest) {
		line = strings.TrimSpace(line)
		cells := strings.Split(strings.Trim(strings.ReplaceAll(line, `\|`, "\x00"), "|"), "|")
		if !strings.HasPrefix(line, "|") || strings.HasPrefix(line, "|---") || len(cells) < 2 {
			continue
		}
		for i := range cells {
			cells[i] = strings.TrimSpace(strings.ReplaceAll(cells[i], "\x00", "|"))
		}
		if cells[0] != "rule" && !strings.HasPrefix(cells[0], "reason (") {
			out = append(out, cells)
		}
	}
	return out
}

func TestEveryRuleHasCases(t *testing.T) {
	count := map[string]int{}
	patterns := map[string]*regexp.Regexp{}
	for rule, p := range ruleCases {
		patterns[rule] = regexp.MustCompile(p)
	}
	for _, c := range writtenCases(t) {
		for rule, p := range patterns {
			if c.err == "" && p.MatchString(map[bool]string{true: c.path, false: c.input}[strings.HasPrefix(ruleCases[rule], "/")]) {
				count[rule]++
			}
		}
	}
	left := maps.Clone(ruleCases)
	for _, cells := range documentedRules(t, "Rules") {
		found := false
		for rule := range ruleCases {
			if !strings.HasPrefix(cells[0], rule) {
				continue
			}
			found = true
			delete(left, rule)
			if count[rule] < fewestOfARule {
				t.Errorf("%d cases are planned by the rule %q, want %d", count[rule], rule, fewestOfARule)
			}
		}
		if !found {
			t.Errorf("nothing says which cases are about the rule %q", cells[0])
		}
	}
	for rule := range left {
		t.Errorf("the rule %q is not documented", rule)
	}
}

// documentedWorld is the database of the examples in docs/rewriting.md.
const documentedWorld = `table users
  id int
  name text
  ssn bytea sealed text
  email bytea sealed text
  note text
  unique id
table docs
  tenant text
  id int
  title text
  body bytea sealed text
  partition column tenant text
  unique tenant, id
table orders
  id int
  user_id int
table staging
  id int
  ssn text
table watched
  id int
trigger log on watched words users insert
routine add_user
`

// notesWorld is that of the examples of bind_row.
const notesWorld = `table notes
  id int
  title text
  v bytea sealed text
  row id int
  unique id
`

// statementInDocs finds the examples that are whole statements.
var statementInDocs = regexp.MustCompile("`((?:SELECT|INSERT|UPDATE|DELETE|CREATE|ALTER|COPY|LOAD|DO|CALL|SET|PRAGMA|SELEC) [^`]*)`")

// TestDocumentedExamplesAreRefusedForTheirReason plans the statements that the table of
// reasons has as examples.
func TestDocumentedExamplesAreRefusedForTheirReason(t *testing.T) {
	byConstant := map[string]rewrite.Reason{}
	for _, r := range rewrite.Reasons() {
		byConstant[strings.ToLower(strings.ReplaceAll(r.Name(), "-", ""))] = r
	}
	constant := regexp.MustCompile("`(\\w+)`")
	tried, seen := 0, map[rewrite.Reason]bool{}
	for _, cells := range documentedRules(t, "Reasons of refusal") {
		var reasons []rewrite.Reason
		for _, m := range constant.FindAllStringSubmatch(cells[0], -1) {
			r, ok := byConstant[strings.ToLower(m[1])]
			if !ok {
				t.Errorf("%q is no reason", m[1])
			}
			reasons, seen[r] = append(reasons, r), true
		}
		for _, m := range statementInDocs.FindAllStringSubmatch(cells[1], -1) {
			if strings.Contains(m[1], "…") {
				continue // a part of a statement
			}
			tried++
			got := refusals(t, m[1])
			if strings.HasPrefix(m[1], "SET ") {
				got = append(got, refusals(t, "UPDATE users "+m[1])...)
			}
			if !slices.ContainsFunc(reasons, func(r rewrite.Reason) bool { return slices.Contains(got, r) }) {
				t.Errorf("%s\nis refused for %v, and documented under %v", m[1], got, reasons)
			}
		}
	}
	for _, r := range rewrite.Reasons() {
		if !seen[r] {
			t.Errorf("the reason %q is not documented", r)
		}
	}
	if tried < 30 {
		t.Errorf("only %d examples found", tried)
	}
}

// refusals are the reasons for which the engines refuse a text.
func refusals(t *testing.T, text string) (out []rewrite.Reason) {
	for _, dialect := range []string{"postgres", "mysql", "sqlite"} {
		front := frontends[dialect]
		for _, described := range []string{documentedWorld, notesWorld, documentedWorld + "blind\n", strings.Replace(documentedWorld, "email bytea sealed text", "email bytea sealed text index email_bidx\n  email_bidx bytea", 1)} {
			w := parseWorld(t, front.Dialect(), described)
			opt, session := parseOptions(t, front.Dialect(), "")
			var u *rewrite.UnsupportedError
			if _, err := rewrite.PlanOnce(front, text, w.catalog(session), &session, opt); errors.As(err, &u) {
				out = append(out, u.Reason)
			}
		}
	}
	return out
}
