package audit

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// readTrail verifies files in their order.
func readTrail(t *testing.T, v *Verifier, paths ...string) *Report {
	t.Helper()
	for _, p := range paths {
		b, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		if err := v.ReadAll(bg, bytes.NewReader(b)); err != nil {
			t.Fatal(err)
		}
	}
	return v.Report()
}

// faulty is a file that breaks off in the middle of a write, or cannot be forced
// to the disk, as often as it is told.
type faulty struct {
	file
	cutAfter  int // lines that the next write gets through, and half of one
	cut, sync int
}

var errFull = errors.New("no space left on device")

func (f *faulty) Write(b []byte) (int, error) {
	if f.cut == 0 {
		return f.file.Write(b)
	}
	f.cut--
	n := 0
	for range f.cutAfter {
		n += bytes.IndexByte(b[n:], '\n') + 1
	}
	n, err := f.file.Write(b[:n+10])
	return n, errors.Join(err, errFull)
}

func (f *faulty) Sync() error {
	if f.sync > 0 {
		f.sync--
		return errFull
	}
	return f.file.Sync()
}

func lines(t *testing.T, n int) []Written {
	t.Helper()
	var out []Written
	for _, l := range makeTrail(t, newSealer(t), 1, n) {
		out = append(out, Written{Text: []byte(l)})
	}
	return out
}

// A machine that went down, or a process that was killed, in the middle of a line
// costs that line, and not the first one of whoever writes next: that would look
// as if somebody had removed it.
func TestALineThatACrashCutCostsNoOther(t *testing.T) {
	s := newSealer(t)
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	first := makeTrail(t, s, 1, 3)
	torn := strings.Join(first, "\n")
	if err := os.WriteFile(path, []byte(torn[:len(torn)-40]), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		f, err := OpenFile(path)
		if err != nil {
			t.Fatal(err)
		}
		l := newLog(t, s, Options{Sinks: []Sink{f}})
		l.Record(bg, Event{Op: "read"})
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	r := readTrail(t, NewVerifier(s, nil), path)
	if len(r.Faults) != 1 || r.Faults[0].Line != len(first) || len(r.Open) != 1 || len(r.Heads) != 3 {
		t.Errorf("%+v", r)
	}
}

// A full disk, a file that is renamed while it is full, and one that cannot be
// forced to the disk: every line is there once in the end.
func TestALineIsWrittenOnceHoweverOftenItIsTried(t *testing.T) {
	for name, c := range map[string]struct {
		f      faulty
		rename bool
	}{
		"the disk is full":                    {faulty{cut: 3, cutAfter: 1}, false},
		"the disk is full, file renamed":      {faulty{cut: 1, cutAfter: 2}, true},
		"full in the first line":              {faulty{cut: 2}, false},
		"full in the first line, and renamed": {faulty{cut: 1}, true},
		"not forced to the disk":              {faulty{sync: 3}, false},
		"not forced to the disk, and renamed": {faulty{sync: 1}, true},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "audit.jsonl")
			s, err := OpenFile(path)
			if err != nil {
				t.Fatal(err)
			}
			c.f.file = s.f
			s.f = &c.f
			all := lines(t, 6)
			files := []string{path}
			for tries := 0; ; tries++ {
				if err = s.Write(bg, all); err == nil {
					break
				}
				if !errors.Is(err, errFull) || tries > 5 {
					t.Fatal(err)
				}
				if c.rename && tries == 0 {
					if err := os.Rename(path, path+".1"); err != nil {
						t.Fatal(err)
					}
					files = []string{path + ".1", path}
				}
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			got := map[string]int{}
			for _, p := range files {
				b, err := os.ReadFile(p)
				if errors.Is(err, os.ErrNotExist) {
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				for _, l := range strings.Split(string(b), "\n") {
					got[l]++
				}
			}
			for i, l := range all {
				if n := got[string(l.Text)]; n != 1 {
					t.Errorf("line %d is there %d times", i+1, n)
				}
			}
		})
	}
}
