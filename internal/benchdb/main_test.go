package main

import (
	"testing"
	"time"
)

func TestEveryModeRunsEveryOperation(t *testing.T) {
	results, err := run(options{rounds: 1, slice: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if len(results) != len(operations) {
		t.Errorf("%d results, want %d", len(results), len(operations))
	}
	for _, r := range results {
		if len(r.cpu) != len(modeNames) || r.base <= 0 {
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
		if got := exceeded([]result{c.r}); len(got) != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

func BenchmarkOperations(b *testing.B) {
	ms, err := openModes(b.TempDir(), true)
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
