package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/envelope/builtin"
)

var bg = context.Background()

func newSealer(t testing.TB) *envelope.Sealer {
	t.Helper()
	kms, err := builtin.NewInsecureStatic([]byte("0123456789abcdef0123456789ABCDEF"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := envelope.New(bg, envelope.Config{Service: "shop", Product: "orders", KMS: kms, Metastore: builtin.NewMemory()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// memory is a sink that can fail.
type memory struct {
	mu    sync.Mutex
	lines []string
	fail  error
}

func (m *memory) set(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fail = err
}

func (m *memory) Write(_ context.Context, lines []Written) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return m.fail
	}
	for _, l := range lines {
		m.lines = append(m.lines, string(l.Text))
	}
	return nil
}

func (m *memory) Close() error { return nil }

func newLog(t testing.TB, s *envelope.Sealer, o Options) *Log {
	t.Helper()
	l, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	l.Use(s)
	t.Cleanup(func() { l.Close() })
	return l
}

// trail writes the events of some writers, each closed, and returns the lines.
func makeTrail(t testing.TB, s *envelope.Sealer, writers, events int) []string {
	t.Helper()
	m := &memory{}
	for w := range writers {
		l := newLog(t, s, Options{Sinks: []Sink{m}})
		for i := range events {
			n := int64(i)
			l.Record(bg, Event{Op: "read", Table: "users", Columns: []string{"ssn"}, Actor: fmt.Sprintf("actor %d", w), Rows: &n})
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return m.lines
}

func verify(t testing.TB, s *envelope.Sealer, heads []Head, lines ...string) *Report {
	t.Helper()
	v := NewVerifier(s, heads)
	if err := v.ReadAll(bg, strings.NewReader(strings.Join(lines, "\n")+"\n")); err != nil {
		t.Fatal(err)
	}
	return v.Report()
}

func TestATrailVerifiesAsItWasWritten(t *testing.T) {
	s := newSealer(t)
	lines := makeTrail(t, s, 2, 3)
	r := verify(t, s, nil, lines...)
	if len(lines) != 10 || r.Lines != 10 || len(r.Faults) != 0 || len(r.Open) != 0 || len(r.Heads) != 2 {
		t.Errorf("%d lines: %+v", len(lines), r)
	}
	if r := verify(t, s, r.Heads, lines...); len(r.Faults) != 0 {
		t.Errorf("with heads: %+v", r)
	}
	if r := verify(t, s, nil, lines[:3]...); len(r.Open) != 1 || len(r.Faults) != 0 {
		t.Errorf("without its end: %+v", r)
	}
}

func TestEveryChangedByteIsFound(t *testing.T) {
	s := newSealer(t)
	lines := makeTrail(t, s, 1, 2)
	at := 1
	for i := range len(lines[at]) {
		for _, bit := range []byte{1, 0x20} {
			changed := []byte(lines[at])
			changed[i] ^= bit
			if changed[i] == '\n' || changed[i] == '\r' {
				continue
			}
			all := slices.Clone(lines)
			all[at] = string(changed)
			if r := verify(t, s, nil, all...); len(r.Faults) == 0 {
				t.Fatalf("byte %d: %s is not found", i, changed)
			}
		}
	}
}

func TestRemovedReorderedAndRepeatedLinesAreFound(t *testing.T) {
	s := newSealer(t)
	lines := makeTrail(t, s, 2, 4)
	for i := range lines {
		last := i == len(lines)-1 || i == len(lines)/2-1
		if r := verify(t, s, nil, slices.Delete(slices.Clone(lines), i, i+1)...); len(r.Faults) == 0 && !last {
			t.Errorf("line %d is removed and not missed", i)
		}
		if r := verify(t, s, nil, slices.Insert(slices.Clone(lines), i, lines[i])...); len(r.Faults) == 0 {
			t.Errorf("line %d stands twice and nobody sees it", i)
		}
		if j := i + 1; j < len(lines)/2 {
			swapped := slices.Clone(lines)
			swapped[i], swapped[j] = swapped[j], swapped[i]
			if r := verify(t, s, nil, swapped...); len(r.Faults) == 0 {
				t.Errorf("lines %d and %d are exchanged and nobody sees it", i, j)
			}
		}
	}
	// Lines of two writers may stand among each other.
	half := len(lines) / 2
	var mixed []string
	for i := range half {
		mixed = append(mixed, lines[i], lines[half+i])
	}
	if r := verify(t, s, nil, mixed...); len(r.Faults) != 0 {
		t.Errorf("two writers: %+v", r.Faults)
	}
}

func TestATailThatIsCutShowsAgainstAHead(t *testing.T) {
	s := newSealer(t)
	lines := makeTrail(t, s, 2, 4)
	half := len(lines) / 2
	heads := verify(t, s, nil, lines...).Heads
	for n := range half {
		kept := append(slices.Clone(lines[:n]), lines[half:]...)
		if r := verify(t, s, heads, kept...); len(r.Faults) != 1 || !strings.Contains(r.Faults[0].What, "missing") {
			t.Errorf("%d lines of a writer are left: %+v", n, r.Faults)
		}
		if r := verify(t, s, nil, kept...); len(r.Faults) != 0 {
			t.Errorf("without a head it cannot be seen: %+v", r.Faults)
		}
	}
	heads[0].MAC = heads[1].MAC
	if r := verify(t, s, heads, lines...); len(r.Faults) != 1 {
		t.Errorf("a head of something else: %+v", r.Faults)
	}
}

// Somebody who has no key, or that of another service, cannot write a line.
func TestLinesOfAnotherKeyAreFound(t *testing.T) {
	s, other := newSealer(t), newSealer(t)
	lines := makeTrail(t, other, 1, 1)
	if r := verify(t, s, nil, lines...); len(r.Faults) != len(lines) {
		t.Errorf("%d faults in %d lines", len(r.Faults), len(lines))
	}
	for _, bad := range []string{"x", "{}", `{"mac":"` + strings.Repeat("A", 43) + `="}`, strings.Repeat("x", MaxLine+10), strings.Repeat(lines[0], 2)} {
		if r := verify(t, s, nil, bad); len(r.Faults) != 1 {
			t.Errorf("%.60q: %+v", bad, r.Faults)
		}
	}
}

func TestBlockingHoldsStatementsBackUntilTheTrailIsWritten(t *testing.T) {
	m := &memory{fail: errors.New("disk full")}
	l := newLog(t, newSealer(t), Options{Sinks: []Sink{m}, Queue: 2})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 2 + batch + 10 {
			l.Record(bg, Event{Op: "read"})
		}
	}()
	ctx, cancel := context.WithTimeout(bg, 300*time.Millisecond)
	defer cancel()
	var err error
	for err == nil {
		err = l.Ready(ctx)
		if ctx.Err() == nil {
			time.Sleep(time.Millisecond)
		}
	}
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("Ready: %v", err)
	}
	select {
	case <-done:
		t.Fatal("events were taken that nobody wrote")
	default:
	}
	m.set(nil)
	<-done
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if n := len(m.lines); n != 2+2+batch+10 {
		t.Errorf("%d lines", n)
	}
	if err := l.Ready(bg); !errors.Is(err, ErrClosed) {
		t.Errorf("Ready after Close: %v", err)
	}
}

func TestDroppingCountsWhatIsLeftOut(t *testing.T) {
	s := newSealer(t)
	m := &memory{fail: errors.New("disk full")}
	l := newLog(t, s, Options{Sinks: []Sink{m}, Queue: 2, Policy: Drop})
	const events = 1000
	for range events {
		if err := l.Ready(bg); err != nil {
			t.Fatal(err)
		}
		l.Record(bg, Event{Op: "read"})
	}
	m.set(nil)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	var reads, dropped int64
	for _, text := range m.lines {
		line, err := ParseLine([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		dropped += line.Dropped
		if line.Op == "read" {
			reads++
		}
	}
	if reads+dropped != events || dropped == 0 {
		t.Errorf("%d written, %d dropped, of %d", reads, dropped, events)
	}
	if r := verify(t, s, nil, m.lines...); len(r.Faults) != 0 {
		t.Errorf("%+v", r.Faults)
	}
}

func TestATrailThatCannotBeWrittenSaysSoAtClose(t *testing.T) {
	m := &memory{fail: errors.New("disk full")}
	l := newLog(t, newSealer(t), Options{Sinks: []Sink{m}})
	l.wait = 2 * time.Second
	l.Record(bg, Event{Op: "read"})
	if err := l.Close(); err == nil || !strings.Contains(err.Error(), "disk full") {
		t.Errorf("Close: %v", err)
	}
}

func TestALogThatHeardNothingWritesNothing(t *testing.T) {
	m := &memory{}
	l := newLog(t, newSealer(t), Options{Sinks: []Sink{m}})
	for range 2 {
		if err := l.Close(); err != nil || len(m.lines) != 0 {
			t.Errorf("%d lines, %v", len(m.lines), err)
		}
	}
	if _, err := New(Options{}); err == nil {
		t.Error("a trail without a place is made")
	}
}

func TestAFileIsSharedAndFollowedWhenItIsRenamed(t *testing.T) {
	s := newSealer(t)
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	var logs []*Log
	for range 2 {
		f, err := OpenFile(path)
		if err != nil {
			t.Fatal(err)
		}
		logs = append(logs, newLog(t, s, Options{Sinks: []Sink{f}}))
	}
	for i := range 40 {
		logs[i%2].Record(bg, Event{Op: "read"})
		if i == 20 {
			time.Sleep(50 * time.Millisecond)
			if err := os.Rename(path, path+".1"); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, l := range logs {
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	v := NewVerifier(s, nil)
	for _, p := range []string{path + ".1", path} {
		info, err := os.Stat(p)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Fatalf("%s: %v, %v", p, info.Mode(), err)
		}
		b, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		if err := v.ReadAll(bg, bytes.NewReader(b)); err != nil {
			t.Fatal(err)
		}
	}
	if r := v.Report(); len(r.Faults) != 0 || r.Lines != 44 || len(r.Open) != 0 {
		t.Errorf("%+v", r)
	}
}

func TestTheKeyMayBeRotatedInTheMiddle(t *testing.T) {
	s := newSealer(t)
	lines := makeTrail(t, s, 1, 1)
	k, err := s.Keys()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.RotateNamed(bg, KeyName); err != nil {
		t.Fatal(err)
	}
	lines = append(lines, makeTrail(t, s, 1, 1)...)
	if r := verify(t, s, nil, lines...); len(r.Faults) != 0 || lines[0] == lines[3] {
		t.Errorf("%+v", r.Faults)
	}
}

func TestLongTextsOfProgramsAreCut(t *testing.T) {
	s := newSealer(t)
	m := &memory{}
	l := newLog(t, s, Options{Sinks: []Sink{m}})
	columns := make([]string, 1000)
	for i := range columns {
		columns[i] = "column"
	}
	l.Record(bg, Event{Op: "read", Actor: strings.Repeat("ü", 100_000), Purpose: "\xff\n\"", Columns: columns})
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if r := verify(t, s, nil, m.lines...); len(r.Faults) != 0 || r.Lines != 3 {
		t.Errorf("%+v", r.Faults)
	}
}

func TestAQueryFindsWhatItNames(t *testing.T) {
	at := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	r := &Record{Time: at, Event: Event{Op: "read", Key: "ss1/ik/a/b/p@60", Actor: "ann", Purpose: "support", Table: "Users", Columns: []string{"ssn"}, Partition: "p"}}
	for name, c := range map[string]struct {
		q    Query
		want bool
	}{
		"nothing":       {Query{}, true},
		"key":           {Query{Key: "ss1/ik/a/b/p"}, true},
		"key version":   {Query{Key: "ss1/ik/a/b/p@60"}, true},
		"other version": {Query{Key: "ss1/ik/a/b/p@61"}, false},
		"beginning":     {Query{Key: "ss1/ik/a/b"}, false},
		"from then":     {Query{From: at}, true},
		"from later":    {Query{From: at.Add(1)}, false},
		"until then":    {Query{To: at}, false},
		"until later":   {Query{To: at.Add(1)}, true},
		"actor":         {Query{Actor: "ann", Purpose: "support", Op: "read", Partition: "p"}, true},
		"other actor":   {Query{Actor: "bob"}, false},
		"table, column": {Query{Table: "users", Column: "SSN"}, true},
		"other column":  {Query{Column: "fax"}, false},
		"other op":      {Query{Op: "write"}, false},
		"other purpose": {Query{Purpose: "x"}, false},
		"other part":    {Query{Partition: "q"}, false},
	} {
		if got := c.q.Matches(r); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

func FuzzParseLine(f *testing.F) {
	for _, l := range makeTrail(f, newSealer(f), 1, 1) {
		f.Add([]byte(l))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		l, err := ParseLine(b)
		if err == nil && (l.Seq < 1 || l.Writer == "" || len(b) > MaxLine+2) {
			t.Errorf("%q gives %+v", b, l)
		}
	})
}

func BenchmarkRecord(b *testing.B) {
	l := newLog(b, newSealer(b), Options{Sinks: []Sink{discard{}}, Queue: 1 << 16})
	n := int64(1)
	e := Event{Op: "read", Table: "users", Columns: []string{"ssn"}, Actor: "ann", Rows: &n}
	b.ReportAllocs()
	for b.Loop() {
		l.Record(bg, e)
	}
}

type discard struct{}

func (discard) Write(context.Context, []Written) error { return nil }
func (discard) Close() error                           { return nil }
