package session

import (
	"context"
	"sort"
	"testing"
	"time"

	"github.com/sealsql/sealsql/envelope/builtin"
)

// BenchmarkObservedRatio measures what counting costs: rounds with and without
// take turns, and the median of their ratios is reported.
func BenchmarkObservedRatio(b *testing.B) {
	kms, err := builtin.NewInsecureStatic([]byte("0123456789abcdef0123456789ABCDEF"))
	if err != nil {
		b.Fatal(err)
	}
	for _, format := range []Format{Asherah, Compact} {
		f, err := NewSessionFactory(&Config{Service: "s", Product: "p", Format: format}, builtin.NewMemory(), kms)
		if err != nil {
			b.Fatal(err)
		}
		s, err := f.GetSession("tenant")
		if err != nil {
			b.Fatal(err)
		}
		ctx, buf, rec := context.Background(), make([]byte, 0, 1024), f.rec
		record, err := s.Seal(ctx, nil, make([]byte, 64))
		if err != nil {
			b.Fatal(err)
		}
		for name, op := range map[string]func(){
			"seal": func() { _, err = s.Seal(ctx, buf, buf[:64]) },
			"open": func() { _, err = s.Open(ctx, buf, record) },
		} {
			b.Run(format.String()+"/"+name, func(b *testing.B) {
				b.ReportAllocs()
				round := func() float64 {
					start := time.Now()
					for range 2000 {
						op()
					}
					return float64(time.Since(start))
				}
				var ratios []float64
				for i := 0; b.Loop(); i++ {
					times := map[bool]float64{}
					for _, with := range []bool{i%2 == 0, i%2 != 0} {
						if f.rec = nil; with {
							f.rec = rec
						}
						times[with] = round()
					}
					ratios = append(ratios, times[true]/times[false])
				}
				f.rec = rec
				if err != nil {
					b.Fatal(err)
				}
				sort.Float64s(ratios)
				b.ReportMetric(ratios[len(ratios)/2], "with/without")
			})
		}
		if err := f.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
