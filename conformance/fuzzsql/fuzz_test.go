package fuzzsql_test

import (
	"context"
	"database/sql"
	"flag"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sealsql/sealsql/internal/testenv"
	"github.com/sealsql/sealsql/rewrite"
)

var (
	seed       = flag.Uint64("seed", 1, "seed of the first world")
	statements = flag.Int("statements", 0, "statements for each engine; 0 goes by -for")
	duration   = flag.Duration("for", 0, "time for each engine; 0 is a number of statements that is the same on every machine")
	only       = flag.String("engine", "", "run one engine only: sqlite, postgres, mysql")
	keepGoing  = flag.Int("failures", 1, "stop after so many differences")
	totals     = flag.String("totals", "", "add up in this file (JSON lines), and go on behind the seeds in it")
	commit     = flag.String("commit", "", "noted with the totals")
)

// perWorld is how many statements a world sees, perFill how many until its
// tables are filled anew.
const (
	perWorld    = 4000
	perFill     = 250
	rowsAtFirst = 8
)

// fewStatements take some seconds. Going by time, a faster machine would run
// others than the slower one on which the change was made.
const fewStatements = 1500

// TestPlainAndSealedAnswerTheSame is the differential fuzzer.
func TestPlainAndSealedAnswerTheSame(t *testing.T) {
	for _, e := range engines {
		t.Run(e.name, func(t *testing.T) {
			if *only != "" && *only != e.name {
				t.Skip("left out by -engine")
			}
			dsn := e.fresh(t)
			n := newTally(e.name, e.first(t))
			for ; !n.done(); n.Next++ {
				e.world(t, n.Next, dsn, n)
			}
			n.record(t)
			if n.Executed*100 < n.Statements*30 {
				t.Errorf("only %d of %d statements were executed", n.Executed, n.Statements)
			}
		})
	}
}

// first is the seed of the first world.
func (e *engine) first(t *testing.T) uint64 {
	if *totals == "" {
		return *seed
	}
	all, err := readTotals(*totals)
	if err != nil {
		t.Fatal(err)
	}
	if all[e.name] == nil {
		return *seed
	}
	return max(*seed, all[e.name].Next)
}

func (n *tally) done() bool {
	if n.Failures >= *keepGoing {
		return true
	}
	if *statements > 0 {
		return n.Statements >= *statements
	}
	limit := *duration
	if limit == 0 && !testenv.Long() {
		return n.Statements >= fewStatements
	}
	if limit == 0 {
		limit = 10 * time.Minute
	}
	return time.Since(n.started) > limit
}

// world runs statements over one schema.
func (e *engine) world(t *testing.T, s uint64, dsn [2]string, n *tally) {
	d := newDice(s, 1)
	w := newWorld(d, e.dialect)
	mode := e.modes[int(s)%len(e.modes)]
	plans := []int{4096, 1}[s%2]
	p := e.open(t, w, dsn, mode, plans)
	defer p.shut()
	defer p.watched()()
	h := &history{}
	var last []uint16
	for i := range perWorld {
		if n.done() {
			return
		}
		if i%perFill == 0 {
			h.end(p)
			p.fill(rowsAtFirst)
			h.begin(p)
		}
		sd := newDice(s, uint64(i)+2)
		if last != nil && i%3 == 0 {
			sd.replay = last // the same statement with other values
		}
		g := newGenerator(w, sd, rand.New(rand.NewPCG(s, uint64(i)<<32)))
		st := g.statement()
		last = g.end()
		v := p.check(st)
		n.count(v, slices.Collect(maps.Keys(st.asks))...)
		if v.diverged {
			h.end(p)
			p.fill(rowsAtFirst)
			h.begin(p)
			continue
		}
		if v.problem == "" && i%perFill == perFill-1 {
			v.problem = p.compareTables(func(v verdict) { n.count(v, "sweep") })
		}
		if v.problem != "" {
			n.Failures++
			f := &failure{p: p, seed: s, number: i, plans: plans, problem: v.problem, before: h.list, choices: last, st: st}
			f.shrink()
			t.Errorf("%s", f)
			return
		}
		h.list = append(h.list, st)
	}
	h.end(p)
	if e.dialect == rewrite.SQLite {
		e.scanFiles(t, dsn[1])
	}
}

// history is what was run since the tables were filled.
type history struct{ list []statement }

// begin opens a transaction on both sides where that is what makes writes
// cheap; a statement that fails undoes only itself on SQLite and MariaDB.
func (h *history) begin(p *pair) {
	h.list = nil
	if p.w.dialect != rewrite.Postgres {
		p.must(p.plain, "BEGIN")
		p.must(p.sealed, "BEGIN")
	}
}

func (h *history) end(p *pair) {
	if p.w.dialect != rewrite.Postgres {
		for _, c := range []*sql.Conn{p.plain, p.sealed} {
			_, _ = c.ExecContext(context.Background(), "COMMIT")
		}
	}
}

// scanFiles looks for marks in the files of the encrypted SQLite database.
func (e *engine) scanFiles(t *testing.T, dsn string) {
	file := strings.TrimPrefix(dsn[:strings.IndexByte(dsn, '?')], "file:")
	for _, name := range []string{file, file + "-wal", file + ".keys"} {
		content, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		if m := leaked(content); m != "" {
			t.Fatalf("the mark %s stands in a file of the database", m)
		}
	}
}
