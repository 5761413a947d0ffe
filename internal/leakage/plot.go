package leakage

import (
	"fmt"
	"html/template"
	"math"
	"strings"
)

// The plots' size, and the room for their labels, in units of their view box.
const (
	plotWidth, plotHeight   = 420, 190
	plotLeft, plotRight     = 46, 14
	plotTop, plotBottom     = 14, 34
	plotInnerW, plotInnerH  = plotWidth - plotLeft - plotRight, plotHeight - plotTop - plotBottom
	plotBase, plotRightEdge = plotHeight - plotBottom, plotWidth - plotRight
)

// plot draws what an index shows: the curve of its groups, or its levels as
// bars. It is made of numbers alone, so that it needs no escaping.
func plot(x *Index) template.HTML {
	switch {
	case x.Classes.Rows == 0:
		return ""
	case len(x.Levels) > 1:
		return bars(x)
	}
	return curvePlot(x)
}

func openPlot(b *strings.Builder, title string) {
	fmt.Fprintf(b, `<svg viewBox="0 0 %d %d" role="img" aria-label="%s"><rect class="ground" x="%d" y="%d" width="%d" height="%d"/>`,
		plotWidth, plotHeight, title, plotLeft, plotTop, plotInnerW, plotInnerH)
}

// curvePlot is a rank-frequency plot, both axes logarithmic. A flat line tells
// nothing; a steep one names its first ranks.
func curvePlot(x *Index) template.HTML {
	var b strings.Builder
	openPlot(&b, "size of the groups of equal values by rank")
	points := x.Classes.Curve
	decadesX, decadesY := decades(x.Classes.Distinct), decades(x.Classes.Largest)
	at := func(p Point) (float64, float64) {
		return plotLeft + plotInnerW*math.Log10(float64(p.Rank))/decadesX, plotBase - plotInnerH*math.Log10(float64(p.Rows))/decadesY
	}
	for d := range int(decadesX) + 1 {
		px := plotLeft + plotInnerW*float64(d)/decadesX
		fmt.Fprintf(&b, `<line class="grid" x1="%.1f" y1="%d" x2="%.1f" y2="%d"/><text x="%.1f" y="%d" text-anchor="middle">%s</text>`,
			px, plotTop, px, plotBase, px, plotBase+13, power(d))
	}
	for d := range int(decadesY) + 1 {
		py := plotBase - plotInnerH*float64(d)/decadesY
		fmt.Fprintf(&b, `<line class="grid" x1="%d" y1="%.1f" x2="%d" y2="%.1f"/><text x="%d" y="%.1f" text-anchor="end">%s</text>`,
			plotLeft, py, plotRightEdge, py, plotLeft-5, py+3, power(d))
	}
	b.WriteString(`<polyline class="line" points="`)
	for _, p := range points {
		px, py := at(p)
		fmt.Fprintf(&b, "%.1f,%.1f ", px, py)
	}
	b.WriteString(`"/>`)
	for _, p := range points {
		px, py := at(p)
		fmt.Fprintf(&b, `<circle class="dot" cx="%.1f" cy="%.1f" r="2.2"/>`, px, py)
	}
	what := "rows in the group"
	if x.Tokens != nil {
		what = "rows with the piece"
	}
	fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="middle">rank of the group</text><text class="unit" x="%d" y="%d">%s</text></svg>`,
		plotLeft+plotInnerW/2, plotHeight-6, plotLeft+4, plotTop+10, what)
	return template.HTML(b.String())
}

// decades is the length of a logarithmic axis from 1, at least one.
func decades(n int64) float64 { return max(1, math.Ceil(math.Log10(float64(max(n, 1))))) }

func power(d int) string {
	if d > 6 {
		return fmt.Sprintf("1e%d", d)
	}
	return number(int64(math.Pow10(d)))
}

// bars are the shares of the largest group at each level.
func bars(x *Index) template.HTML {
	var b strings.Builder
	openPlot(&b, "share of the largest group at each level")
	for _, p := range []int{0, 50, 100} {
		py := plotBase - plotInnerH*float64(p)/100
		fmt.Fprintf(&b, `<line class="grid" x1="%d" y1="%.1f" x2="%d" y2="%.1f"/><text x="%d" y="%.1f" text-anchor="end">%d %%</text>`,
			plotLeft, py, plotRightEdge, py, plotLeft-5, py+3, p)
	}
	step := plotInnerW / float64(len(x.Levels))
	for i := range x.Levels {
		l := &x.Levels[i]
		h := plotInnerH * float64(l.Classes.Largest) / float64(max(x.Classes.Rows, 1))
		px := plotLeft + step*(float64(i)+0.15)
		fmt.Fprintf(&b, `<rect class="bar" x="%.1f" y="%.1f" width="%.1f" height="%.1f"/><text x="%.1f" y="%d" text-anchor="middle">%d</text>`,
			px, plotBase-h, step*0.7, h, px+step*0.35, plotBase+13, l.Depth)
	}
	unit := "leading bits"
	if x.Kind != "range" {
		unit = "letters"
	}
	fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="middle">%s</text><text class="unit" x="%d" y="%d">share of the largest group</text></svg>`,
		plotLeft+plotInnerW/2, plotHeight-6, unit, plotLeft+4, plotTop+10)
	return template.HTML(b.String())
}
