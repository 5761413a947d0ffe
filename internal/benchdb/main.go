// Benchdb compares the encrypted drivers with the plain ones in one run:
//
//	CGO_ENABLED=0 go run ./internal/benchdb -engine sqlite,postgres,mysql
//
// The servers are those of TEST_POSTGRES_DSN and TEST_MYSQL_DSN; make bench-db
// starts them. Every operation is run in interleaved rounds by five modes:
//
//	plain     the plain driver
//	A/A       the plain driver once more: what differs from 1 is noise
//	aesgcm    the plain driver and AES-256-GCM called by hand, one key a column,
//	          without key ids, rotation or KMS, and an HMAC-SHA256 by which
//	          e-mails are found: what a careful program would write
//	sealsql   the encrypted driver, on a table without guards
//	guarded   the encrypted driver, on the table that it makes: with the CHECK
//	          constraints that keep plaintext out, which the server evaluates
//	          and encrypting by hand has not
//	domain    the same where the schema has a domain of records, which is the guard
//	          then (PostgreSQL only)
//
// The values of a column have different lengths, from three to five quarters of the
// mean: with rows of one length the share of UPDATEs that stay in their page would
// hang on how many of these rows happen to fit into one. No row is so long that
// PostgreSQL would store values out of line (docs/ddl.md says what helps there).
// The two short columns are padded, so that records have one length: docs/ddl.md says
// what that does to UPDATE on InnoDB. By hand nothing is padded.
//
// Figures are CPU time: of all threads of the process, so that the collector's
// work counts and waiting does not, and of all threads of the server. Ratios are
// to plain of the same round; the table shows their median. Allocations are the
// process's, the mean of all rounds.
//
// With -check it ends with status 1 if a limit is exceeded; with -gate, too, if
// an operation of the mode sealsql costs more than by hand and the spread of A/A: how
// far A/A was from 1 in any operation of the same run.
//
// Where client and server share few CPUs, waking each other is most of the noise:
// it is less with one CPU for both (GOMAXPROCS=1 taskset -c 0), or with -clients 4.
package main

import (
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"runtime"
	"runtime/pprof"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"
)

// limits are the largest ratios of CPU time to plain on SQLite, for -check.
var limits = map[string]float64{"pass": 1.03, "get_id": 1.6}

// maxExtraAllocs is the limit for statements that touch nothing annotated.
const maxExtraAllocs = 2

func main() {
	var o options
	flag.IntVar(&o.rounds, "rounds", 60, "rounds of each operation")
	flag.DurationVar(&o.slice, "slice", 20*time.Millisecond, "time of one mode in one round")
	flag.StringVar(&o.only, "op", "", "run the operations with these names only, separated by commas")
	flag.StringVar(&o.profile, "cpuprofile", "", "write a CPU profile of the sealsql mode to this file")
	flag.BoolVar(&o.split, "split", false, "also show what the client and the server take, in µs of CPU an operation")
	flag.IntVar(&o.clients, "clients", 1, "connections that run operations at the same time")
	names := flag.String("engine", "sqlite", "databases, separated by commas: sqlite, postgres, mysql")
	flag.BoolVar(&o.best, "best", false, "compare the cheapest quarter of each mode's rounds in place of the median ratio: for machines with other work")
	check := flag.Bool("check", false, "exit with status 1 if a limit is exceeded")
	gate := flag.Bool("gate", false, "exit with status 1 if an operation costs more than encrypting by hand")
	flag.Parse()
	var broken []string
	for name := range strings.SplitSeq(*names, ",") {
		e, err := engineNamed(name)
		if err != nil {
			fail(err)
		}
		results, err := run(e, o)
		if err != nil {
			fail(fmt.Errorf("%s: %w", name, err))
		}
		print(e, results)
		if o.split {
			printSplit(e, results)
		}
		if *check {
			broken = append(broken, exceeded(e, results)...)
		}
		if *gate {
			broken = append(broken, dearer(e, results)...)
		}
	}
	if len(broken) > 0 {
		fmt.Fprintln(os.Stderr, strings.Join(broken, "\n"))
		os.Exit(1)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "benchdb:", err)
	os.Exit(1)
}

type options struct {
	rounds  int
	slice   time.Duration
	only    string
	profile string
	clients int
	// best compares cheap rounds; split shows both sides of the connection.
	best, split bool
}

// result holds one operation's figures by mode.
type result struct {
	op     string
	cpu    []float64 // median ratio to plain
	base   float64   // plain, µs of CPU an operation, best round
	allocs []float64
	// client and server are µs of CPU an operation by mode, medians.
	client, server []float64
}

func run(e *engine, o options) (out []result, err error) {
	dir, err := os.MkdirTemp("", "benchdb-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	ms, err := openModes(e, dir, o.clients)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, ms.close()) }()
	if o.profile != "" {
		f, err := os.Create(o.profile)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return nil, err
		}
		defer pprof.StopCPUProfile()
	}
	for _, op := range operations {
		if o.only != "" && !slices.Contains(strings.Split(o.only, ","), op.name) {
			continue
		}
		r, err := measure(ms, op, o)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", op.name, err)
		}
		out = append(out, r)
	}
	return out, nil
}

// measure runs one operation. The modes take turns in going first.
func measure(ms *modes, op operation, o options) (result, error) {
	list := ms.list
	if o.profile != "" {
		list = list[sealsql : sealsql+1] // alone, so that the profile shows nothing else
	}
	n, err := calibrate(list[0], op, o.slice)
	if err != nil {
		return result{}, err
	}
	perOp := make([][]float64, len(list)) // client and server
	server := make([][]float64, len(list))
	allocs := make([]float64, len(list))
	for round := range o.rounds {
		for i := range list {
			at := (i + round) % len(list)
			c, err := ms.spend(list[at], op, n)
			if err != nil {
				return result{}, fmt.Errorf("%s: %w", list[at].name, err)
			}
			perOp[at] = append(perOp[at], c.client+c.server)
			server[at] = append(server[at], c.server)
			allocs[at] += c.mallocs / float64(o.rounds)
		}
	}
	r := result{op: op.name, allocs: allocs, base: slices.Min(perOp[0])}
	for at, m := range perOp {
		r.server = append(r.server, median(server[at]))
		r.client = append(r.client, median(m)-median(server[at]))
		ratios := make([]float64, len(m))
		for i := range m {
			ratios[i] = m[i] / perOp[0][i]
		}
		if o.best {
			r.cpu = append(r.cpu, cheap(m)/cheap(perOp[0]))
			continue
		}
		r.cpu = append(r.cpu, median(ratios))
	}
	return r, nil
}

// calibrate finds how many operations fill a slice of time. The shorter of two
// times counts: a pause of the machine is not the operation's.
func calibrate(m *mode, op operation, slice time.Duration) (int, error) {
	for n := 1; ; n *= 2 {
		d := time.Duration(math.MaxInt64)
		for range 2 {
			start := time.Now()
			if err := repeat(m, op, n); err != nil {
				return 0, err
			}
			d = min(d, time.Since(start))
		}
		if d > slice/2 || n > 1<<20 {
			return max(1, int(float64(n)*float64(slice)/float64(d))), nil
		}
	}
}

// cost is what one operation takes: µs of CPU on both sides, and allocations.
type cost struct{ client, server, mallocs float64 }

// spend measures n operations.
func (ms *modes) spend(m *mode, op operation, n int) (cost, error) {
	var before, after runtime.MemStats
	serverStart, err := ms.serverTime()
	if err != nil {
		return cost{}, err
	}
	runtime.ReadMemStats(&before)
	start := cpuTime()
	if err := repeat(m, op, n); err != nil {
		return cost{}, err
	}
	client := cpuTime() - start
	runtime.ReadMemStats(&after)
	serverEnd, err := ms.serverTime()
	if err != nil {
		return cost{}, err
	}
	each := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 / float64(n) }
	return cost{each(client), each(serverEnd - serverStart), float64(after.Mallocs-before.Mallocs) / float64(n)}, nil
}

func (ms *modes) serverTime() (time.Duration, error) {
	if ms.server == nil {
		return 0, nil
	}
	return ms.server()
}

func repeat(m *mode, op operation, n int) error {
	if m.clients == 1 {
		return m.repeat(op, n)
	}
	errs := make([]error, m.clients)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() { errs[i] = m.repeat(op, max(1, n/m.clients)) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// repeat is one client's part of them.
func (m *mode) repeat(op operation, n int) error {
	for range n {
		if err := op.run(m, int(m.turn.Add(1))); err != nil {
			return err
		}
	}
	return nil
}

func median(v []float64) float64 {
	s := slices.Sorted(slices.Values(v))
	return s[len(s)/2]
}

// cheap is the mean of the cheapest quarter.
func cheap(v []float64) float64 {
	s := slices.Sorted(slices.Values(v))
	s = s[:max(1, len(s)/4)]
	sum := 0.0
	for _, x := range s {
		sum += x
	}
	return sum / float64(len(s))
}

func print(e *engine, results []result) {
	w := tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, e.name+"\tplain µs\t"+strings.Join(e.modes()[1:], "\t")+"\tallocs: "+strings.Join(e.modes(), "\t")+"\t")
	for _, r := range results {
		fmt.Fprintf(w, "%s\t%.1f\t", r.op, r.base)
		for _, c := range r.cpu[1:] {
			fmt.Fprintf(w, "%.3f\t", c)
		}
		for _, a := range r.allocs {
			fmt.Fprintf(w, "%.1f\t", a)
		}
		fmt.Fprintln(w)
	}
	w.Flush()
}

// printSplit prints what each side of the connection takes.
func printSplit(e *engine, results []result) {
	w := tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, e.name+"\tclient: "+strings.Join(e.modes(), "\t")+"\tserver: "+strings.Join(e.modes(), "\t")+"\t")
	for _, r := range results {
		fmt.Fprintf(w, "%s\t", r.op)
		for _, us := range slices.Concat(r.client, r.server) {
			fmt.Fprintf(w, "%.1f\t", us)
		}
		fmt.Fprintln(w)
	}
	w.Flush()
}

// exceeded lists the limits that the results exceed.
func exceeded(e *engine, results []result) []string {
	var out []string
	for _, r := range results {
		if limit := limits[r.op]; e.name == "sqlite" && limit > 0 && r.cpu[sealsql] > limit {
			out = append(out, fmt.Sprintf("%s: %.3f times the CPU of plain, limit %.2f (A/A %.3f)", r.op, r.cpu[sealsql], limit, r.cpu[1]))
		}
		if extra := r.allocs[sealsql] - r.allocs[0]; r.op == "pass" && extra > maxExtraAllocs+0.5 {
			out = append(out, fmt.Sprintf("%s: %.1f more allocations than plain, limit %d", r.op, extra, maxExtraAllocs))
		}
	}
	return out
}

// dearer lists the operations that cost more than by hand and the spread of A/A.
func dearer(e *engine, results []result) []string {
	var out []string
	noise := spread(results)
	for _, r := range results {
		hand, ours := r.cpu[2], r.cpu[sealsql]
		if ours > hand+noise {
			out = append(out, fmt.Sprintf("%s %s: %.3f times the CPU of plain, by hand %.3f (A/A within %.3f of 1)", e.name, r.op, ours, hand, noise))
		}
	}
	return out
}

// spread is how far from 1 the plain driver was beside itself in any operation of
// the run.
func spread(results []result) (most float64) {
	for _, r := range results {
		most = max(most, math.Abs(r.cpu[1]-1))
	}
	return most
}
