package cli

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// progress is a line on a terminal that says how far a long command is. On
// anything else it prints nothing.
type progress struct {
	out   io.Writer
	label string
	total int // 0 where it is not known
	began time.Time
	shown time.Time
	width int
}

// newProgress begins a line on out, if that is a terminal.
func newProgress(out io.Writer, label string, total int) *progress {
	p := &progress{label: label, total: total, began: time.Now()}
	if f, ok := out.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
			p.out = out
		}
	}
	return p
}

// at shows that n steps are done; at most ten times a second.
func (p *progress) at(n int) {
	if p.out == nil || time.Since(p.shown) < 100*time.Millisecond {
		return
	}
	p.shown = time.Now()
	p.print(p.line(n, time.Since(p.began)))
}

func (p *progress) line(n int, took time.Duration) string {
	rate := float64(n) / max(took.Seconds(), 0.001)
	if p.total <= 0 {
		return fmt.Sprintf("%s: %d (%.0f/s)", p.label, n, rate)
	}
	const cells = 24
	share := min(float64(n)/float64(p.total), 1)
	full := int(share * cells)
	left := "-"
	if rate > 0 {
		left = time.Duration(float64(max(p.total-n, 0)) / rate * float64(time.Second)).Round(time.Second).String()
	}
	return fmt.Sprintf("%s [%s%s] %3.0f%% %d of about %d, %s left",
		p.label, strings.Repeat("#", full), strings.Repeat(".", cells-full), share*100, n, p.total, left)
}

func (p *progress) print(line string) {
	pad := max(p.width-len(line), 0)
	p.width = len(line)
	fmt.Fprintf(p.out, "\r%s%s", line, strings.Repeat(" ", pad))
}

// end takes the line away.
func (p *progress) end() {
	if p.out != nil && p.width > 0 {
		fmt.Fprintf(p.out, "\r%s\r", strings.Repeat(" ", p.width))
	}
}
