package seldom_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/sealsql/sealsql/internal/seldom"
)

func TestAWarningComesOnceInAnIntervalAndSaysHowManyWereHeldBack(t *testing.T) {
	var out bytes.Buffer
	now := time.Unix(1e9, 0)
	l := seldom.New(slog.New(slog.NewTextHandler(&out, nil)), func() time.Time { return now })
	for range 1000 {
		l.Warn("down", "n", 1)
		l.Error("stale")
		now = now.Add(time.Millisecond)
	}
	if n := strings.Count(out.String(), "\n"); n != 2 || !strings.Contains(out.String(), "level=ERROR msg=stale") {
		t.Fatalf("%d lines: %s", n, &out)
	}
	out.Reset()
	now = now.Add(seldom.Interval)
	l.Warn("down", "n", 2)
	if got := out.String(); !strings.Contains(got, "msg=down n=2 held_back=999") {
		t.Errorf("%s", got)
	}
	out.Reset()
	now = now.Add(-time.Hour) // a clock that was set back must not silence it
	l.Warn("down")
	if !strings.Contains(out.String(), "msg=down") {
		t.Error("silent after the clock was set back")
	}
}
