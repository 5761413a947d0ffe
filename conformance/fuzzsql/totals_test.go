package fuzzsql_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// tally counts what became of statements. Its form in JSON is a line of totals,
// which adds up with others.
type tally struct {
	Engine     string `json:"engine"`
	Commit     string `json:"commit,omitempty"`
	Seed       uint64 `json:"seed"`
	Next       uint64 `json:"next_seed"`
	Statements int    `json:"statements"`
	Executed   int    `json:"executed"`
	Failed     int    `json:"same_error"`
	// Asks are the executed statements that ask an index, by kind of question.
	Asks     map[string]int `json:"executed_asking"`
	Refused  map[string]int `json:"refused"`
	Failures int            `json:"failures"`
	Seconds  float64        `json:"seconds"`

	started time.Time
}

func newTally(engine string, seed uint64) *tally {
	return &tally{Engine: engine, Commit: *commit, Seed: seed, Next: seed, Refused: map[string]int{}, Asks: map[string]int{}, started: time.Now()}
}

func (n *tally) count(v verdict, asks ...string) {
	n.Statements++
	switch {
	case v.executed:
		n.Executed++
		for _, a := range asks {
			n.Asks[a]++
		}
	case v.failed:
		n.Failed++
	case v.refused != 0:
		n.Refused[v.refused.String()]++
	case v.typed != "":
		n.Refused["error: "+v.typed]++
	}
}

// add takes the counts of another run in.
func (n *tally) add(o *tally) {
	n.Next = max(n.Next, o.Next)
	n.Statements += o.Statements
	n.Executed += o.Executed
	n.Failed += o.Failed
	n.Failures += o.Failures
	n.Seconds += o.Seconds
	for r, c := range o.Refused {
		n.Refused[r] += c
	}
	for a, c := range o.Asks {
		n.Asks[a] += c
	}
}

func (n *tally) percent(count int) float64 {
	if n.Statements == 0 {
		return 0
	}
	return 100 * float64(count) / float64(n.Statements)
}

func (n *tally) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %d statements in %s (%.0f/s), executed %.1f %%, same error %.1f %%, refused:", n.Engine, n.Statements, time.Duration(n.Seconds*1e9).Round(time.Second),
		float64(n.Statements)/max(n.Seconds, 1e-9), n.percent(n.Executed), n.percent(n.Failed))
	n.list(&b, n.Refused)
	b.WriteString("\nexecuted and asking an index:")
	n.list(&b, n.Asks)
	return b.String()
}

func (n *tally) list(b *strings.Builder, counts map[string]int) {
	for _, k := range slices.SortedFunc(maps.Keys(counts), func(x, y string) int { return counts[y] - counts[x] }) {
		fmt.Fprintf(b, "\n  %6.2f %%  %s", n.percent(counts[k]), k)
	}
}

// record prints the line of a run, and adds it to the file of totals.
func (n *tally) record(t *testing.T) {
	n.Seconds = time.Since(n.started).Seconds()
	line, err := json.Marshal(n)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s\n%s", n, line)
	if *totals == "" {
		return
	}
	f, err := os.OpenFile(*totals, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Write(append(line, '\n')); err != nil {
		t.Fatal(err)
	}
	all, err := readTotals(*totals)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("with the runs before, %s", all[n.Engine])
}

// readTotals adds up the lines of a file of totals by engine; a file that is
// not there has none.
func readTotals(file string) (map[string]*tally, error) {
	out := map[string]*tally{}
	f, err := os.Open(file)
	if os.IsNotExist(err) {
		return out, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	sc := bufio.NewScanner(f)
	sc.Buffer(nil, 1<<20)
	for sc.Scan() {
		var line tally
		if err := json.Unmarshal(sc.Bytes(), &line); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		if out[line.Engine] == nil {
			out[line.Engine] = newTally(line.Engine, line.Seed)
		}
		out[line.Engine].add(&line)
	}
	return out, sc.Err()
}

// A run that ends goes on where it ended, and its counts add up.
func TestTotalsAddUpAndAreTakenUp(t *testing.T) {
	file := t.TempDir() + "/totals.jsonl"
	old := *totals
	defer func() { *totals = old }()
	*totals = file
	for i, next := range []uint64{3, 9} {
		n := newTally("sqlite", next-2)
		n.Next = next
		n.count(verdict{executed: true}, "pattern")
		n.count(verdict{typed: "seal"})
		n.Failures = i
		n.record(t)
	}
	all, err := readTotals(file)
	if err != nil {
		t.Fatal(err)
	}
	n := all["sqlite"]
	if n == nil || n.Statements != 4 || n.Executed != 2 || n.Asks["pattern"] != 2 || n.Refused["error: seal"] != 2 || n.Next != 9 || n.Failures != 1 {
		t.Errorf("added up: %+v", n)
	}
	if all["mysql"] != nil {
		t.Error("an engine without runs has totals")
	}
}
