package main

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/sealsql/sealsql/internal/testenv"
)

func TestEveryModeRunsEveryOperation(t *testing.T) {
	for _, e := range engines {
		t.Run(e.name, func(t *testing.T) {
			switch e.name { // skips, or fails, without servers
			case "postgres":
				testenv.Postgres(t)
			case "mysql":
				testenv.MySQL(t)
			}
			everyOperation(t, e, options{rounds: 1, slice: time.Millisecond})
			if e.name != "sqlite" { // where one connection writes at a time
				everyOperation(t, e, options{rounds: 1, slice: time.Millisecond, clients: 3})
			}
		})
	}
}

func everyOperation(t *testing.T, e *engine, o options) {
	results, err := run(e, o)
	if errors.Is(err, errServerElsewhere) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if len(results) != len(operations) {
		t.Errorf("%d results, want %d", len(results), len(operations))
	}
	for _, r := range results {
		if len(r.cpu) != len(e.modes()) || r.base <= 0 {
			t.Errorf("%s: %+v", r.op, r)
		}
	}
}

func TestALimitThatIsExceededIsReported(t *testing.T) {
	fine := []float64{1, 1, 1, 1}
	for _, c := range []struct {
		name string
		r    result
		want int
	}{
		{"nothing", result{op: "pass", cpu: fine, allocs: fine}, 0},
		{"time", result{op: "pass", cpu: []float64{1, 1, 1, 1.04}, allocs: fine}, 1},
		{"allocations", result{op: "pass", cpu: fine, allocs: []float64{1, 1, 1, 4}}, 1},
		{"no limit", result{op: "scan1000", cpu: []float64{1, 1, 1, 9}, allocs: fine}, 0},
	} {
		if got := exceeded(engines[0], []result{c.r}); len(got) != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

func TestWhatCostsMoreThanByHandIsReported(t *testing.T) {
	for _, c := range []struct {
		name string
		cpu  []float64
		want int
	}{
		{"less", []float64{1, 1, 1.3, 1.2}, 0},
		{"within the noise", []float64{1, 0.9, 1.3, 1.39}, 0},
		{"more", []float64{1, 1.05, 1.3, 1.36}, 1},
	} {
		if got := dearer(engines[1], []result{{op: "get_id", cpu: c.cpu}}); len(got) != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
	// The noise of a run is that of its noisiest operation.
	of := []result{{op: "pass", cpu: []float64{1, 0.9, 1, 1}}, {op: "get_id", cpu: []float64{1, 1, 1.3, 1.39}}, {op: "update1", cpu: []float64{1, 1.02, 1.1, 1.21}}}
	if got := dearer(engines[1], of); len(got) != 1 || !strings.Contains(got[0], "update1") {
		t.Errorf("%v", got)
	}
}

func BenchmarkOperations(b *testing.B) {
	ms, err := openModes(engines[0], b.TempDir(), 1)
	if err != nil {
		b.Fatal(err)
	}
	defer ms.close()
	for _, op := range operations {
		for _, m := range ms.list {
			if m.name == "A/A" {
				continue
			}
			b.Run(op.name+"/"+m.name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if err := repeat(m, op, 1); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
