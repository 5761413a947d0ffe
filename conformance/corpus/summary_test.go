package corpus_test

import (
	"cmp"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/sealsql/sealsql/rewrite"
)

var update = flag.Bool("update", false, "write the figures of docs/corpus.md")

// target is the share of application statements that must be planned where
// encrypted columns are only projected or assigned.
const target = 0.97

// tolerance is how far the checked-in figures may be off, in percentage points
// and, for counts, in percent.
const tolerance = 1.0

// shapes are what refusals of application statements look like, by reason.
var shapes = map[rewrite.Reason]string{
	rewrite.ReasonPredicate:      "`WHERE email = $1`, `ON a.code = b.code`, without an index for searching",
	rewrite.ReasonOrder:          "`ORDER BY created_at`",
	rewrite.ReasonGroup:          "`GROUP BY rating`, `SELECT DISTINCT name`, `count(DISTINCT id)`",
	rewrite.ReasonFunction:       "`SELECT max(id)`, `lower(email)`, `count(*) + n`",
	rewrite.ReasonExpression:     "`SELECT id::int`, `COALESCE(a, b)` with only one of them encrypted",
	rewrite.ReasonComputed:       "`SET n = n + 1`, `updated_at = now()`, `$1::jsonb`",
	rewrite.ReasonSealedToClear:  "`INSERT INTO t (a, b) SELECT a, b FROM s`",
	rewrite.ReasonDomain:         "the same between two encrypted columns",
	rewrite.ReasonConflictTarget: "`ON CONFLICT (email) DO UPDATE …`, without a unique index",
	rewrite.ReasonSetOperation:   "`SELECT name FROM a UNION SELECT name FROM b`",
	rewrite.ReasonJoin:           "`JOIN b USING (id)`",
	rewrite.ReasonRoutine:        "`similarity(name, $1)`, `crypt($1, password)`, functions of the application: declare them",
	rewrite.ReasonWholeRow:       "`row_to_json(r)`, `json_agg(t)`",
	rewrite.ReasonClearUse:       "`SET name = CASE WHEN $1 <> '' THEN $1 ELSE name END`",
	rewrite.ReasonUnknownColumn:  "`RETURNING old.name` before PostgreSQL 18",
	rewrite.ReasonAmbiguous:      "`SELECT * FROM t AS x (a, b)` over a table with fewer columns",
	rewrite.ReasonView:           "a view that cannot be read through",
	rewrite.ReasonDDL:            "`ALTER TABLE … ALTER COLUMN … TYPE`",
}

// cell is one share: so many of all.
type cell struct{ part, all int }

func (c cell) percent() float64 {
	if c.all == 0 {
		return 0
	}
	return 100 * float64(c.part) / float64(c.all)
}

func (c cell) String() string {
	if c.all == 0 {
		return "–"
	}
	return fmt.Sprintf("%d of %d, %.1f %%", c.part, c.all, c.percent())
}

func share(list []outcome, class string, keep func(*outcome) bool) (c cell) {
	for i := range list {
		if o := &list[i]; o.line.class() == class && keep(o) {
			if c.all++; o.planned {
				c.part++
			}
		}
	}
	return c
}

// rows of the two tables of docs/corpus.md.
func (r *results) figures(dialect string) (out []string) {
	for _, class := range classes {
		lines, unparsed := 0, 0
		for i := range r.clear {
			if r.clear[i].line.class() == class {
				lines++
			}
		}
		for _, l := range r.unparsed {
			if l.class() == class {
				unparsed++
			}
		}
		out = append(out, fmt.Sprintf("| %s | %s | %d | %d | %s | %s | %s | %s |", dialect, class, lines, unparsed,
			share(r.clear, class, func(*outcome) bool { return true }),
			share(r.outcomes, class, func(o *outcome) bool { return o.wanted(plain) }),
			share(r.outcomes, class, func(o *outcome) bool { return o.wanted(wide) && !o.wanted(plain) }),
			share(r.outcomes, class, func(o *outcome) bool { return !o.wanted(wide) })))
	}
	return out
}

// refusals are the shares of application DML that each reason refuses, over all
// runs with an encrypted column.
func refusals(all map[string]*results) []string {
	return reasonRows(all, func(r *results) []outcome { return r.outcomes }, func(*outcome) bool { return true }, shapes, 0.5)
}

// reasonRows are the reasons that refuse over so many percent of the outcomes of
// application DML that keep says.
func reasonRows(all map[string]*results, list func(*results) []outcome, keep func(*outcome) bool, shapes map[rewrite.Reason]string, over float64) (out []string) {
	total := map[string]int{}
	by := map[rewrite.Reason]map[string]int{}
	for d, r := range all {
		for _, o := range list(r) {
			if o.line.class() != "application DML" || !keep(&o) {
				continue
			}
			if total[d]++; !o.planned {
				if by[o.reason] == nil {
					by[o.reason] = map[string]int{}
				}
				by[o.reason][d]++
			}
		}
	}
	type row struct {
		text string
		most float64
	}
	var rows []row
	for reason, n := range by {
		x := row{text: fmt.Sprintf("| %s |", reason)}
		for _, d := range dialects {
			p := cell{n[d], total[d]}.percent()
			x.most = max(x.most, p)
			x.text += fmt.Sprintf(" %.1f %% |", p)
		}
		shape := shapes[reason]
		if x.most <= over {
			continue
		}
		if shape == "" {
			shape = "MISSING"
		}
		x.text += " " + shape + " |"
		rows = append(rows, x)
	}
	slices.SortFunc(rows, func(a, b row) int { return cmp.Or(cmp.Compare(b.most, a.most), strings.Compare(a.text, b.text)) })
	for _, x := range rows {
		out = append(out, x.text)
	}
	return out
}

var dialects = []string{"postgres", "mysql", "sqlite"}

// page compares the figures with docs/corpus.md, or writes them.
func page(t *testing.T, all map[string]*results) {
	t.Helper()
	file := filepath.Join("..", "..", "docs", "corpus.md")
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var figures []string
	for _, d := range dialects {
		figures = append(figures, all[d].figures(d)...)
	}
	var indexed []string
	for _, d := range dialects {
		indexed = append(indexed, all[d].searchedFigures(d)...)
	}
	blocks := map[string][]string{"figures": figures, "refusals": refusals(all), "indexed": indexed, "indexed refusals": searchedRefusals(all)}
	content := string(raw)
	for name, lines := range blocks {
		begin, end := "<!-- "+name+" -->\n", "<!-- end of "+name+" -->"
		head, rest, ok := strings.Cut(content, begin)
		old, tail, ok2 := strings.Cut(rest, end)
		if !ok || !ok2 {
			t.Fatalf("%s has no block %s", file, name)
		}
		oldLines := strings.Split(strings.TrimRight(old, "\n"), "\n")
		titles := oldLines[:min(2, len(oldLines))]
		if !*update {
			compareBlock(t, name, oldLines[len(titles):], lines)
			continue
		}
		content = head + begin + strings.Join(slices.Concat(titles, lines), "\n") + "\n" + end + tail
	}
	if *update {
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

var number = regexp.MustCompile(`\d+(\.\d+)?( %)?`)

// compareBlock compares line by line: words exactly, numbers within tolerance.
func compareBlock(t *testing.T, name string, have, want []string) {
	t.Helper()
	if len(have) != len(want) {
		t.Errorf("docs/corpus.md, %s: %d lines, the run gives %d; run with -update", name, len(have), len(want))
		return
	}
	for i := range have {
		if number.ReplaceAllString(have[i], "#") != number.ReplaceAllString(want[i], "#") || !near(number.FindAllString(have[i], -1), number.FindAllString(want[i], -1)) {
			t.Errorf("docs/corpus.md, %s:\nhave %s\nwant %s\nrun with -update", name, have[i], want[i])
		}
	}
}

func near(have, want []string) bool {
	return slices.EqualFunc(have, want, func(a, b string) bool {
		x, _ := strconv.ParseFloat(strings.TrimSuffix(a, " %"), 64)
		y, _ := strconv.ParseFloat(strings.TrimSuffix(b, " %"), 64)
		if strings.HasSuffix(a, " %") {
			return math.Abs(x-y) <= tolerance
		}
		return math.Abs(x-y) <= max(5, y*tolerance/100)
	})
}

func TestFiguresAreComparedWithinTolerance(t *testing.T) {
	for _, c := range []struct {
		have, want string
		same       bool
	}{
		{"1000 of 1010, 99.0 %", "1004 of 1014, 99.0 %", true},
		{"1000 of 1010, 99.0 %", "900 of 1010, 89.1 %", false},
		{"99.0 %", "98.2 %", true},
		{"99.0 %", "97.5 %", false},
	} {
		if got := near(number.FindAllString(c.have, -1), number.FindAllString(c.want, -1)); got != c.same {
			t.Errorf("%q and %q: %v", c.have, c.want, got)
		}
	}
}
