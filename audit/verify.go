package audit

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/sealsql/sealsql/envelope"
)

// Head is the last line of a writer at some time. Kept elsewhere, it shows that
// later the trail lacks nothing up to it.
type Head struct {
	Writer string `json:"writer"`
	Seq    int64  `json:"seq"`
	MAC    string `json:"mac"`
}

// Fault is something that is wrong with a trail.
type Fault struct {
	// Line counts the lines that were read, from 1; 0 where the fault is that
	// there is none.
	Line   int
	Writer string
	Seq    int64
	What   string
}

// Report is what Verify found.
type Report struct {
	Lines int
	// Heads are the last authentic lines of the writers.
	Heads []Head
	// Open are the writers without a closing line: they run, were killed, or
	// their last lines were removed.
	Open   []string
	Faults []Fault
}

// Verifier checks trails.
type Verifier struct {
	keys   func(ctx context.Context, created int64) (key, error)
	cache  map[int64]key
	report Report
	chains map[string]*chain
	heads  map[string]Head
}

// chain is what is known of a writer.
type chain struct {
	seq    int64
	mac    string
	closed bool
	seen   map[int64]string // MAC by seq, of lines that heads name
}

// NewVerifier makes a Verifier with the keys of a Sealer. heads were kept
// elsewhere; there may be none.
func NewVerifier(s *envelope.Sealer, heads []Head) *Verifier {
	return newVerifier(func(ctx context.Context, created int64) (key, error) {
		return s.MACKey(ctx, KeyName, created)
	}, heads)
}

func newVerifier(keys func(context.Context, int64) (key, error), heads []Head) *Verifier {
	v := &Verifier{keys: keys, cache: map[int64]key{}, chains: map[string]*chain{}, heads: map[string]Head{}}
	for _, h := range heads {
		if old, ok := v.heads[h.Writer]; !ok || old.Seq < h.Seq {
			v.heads[h.Writer] = h
		}
	}
	return v
}

// ReadAll reads lines, of which those of one writer are in order. An error is
// one of reading, or says that a key cannot be had; what is wrong with the lines
// is in the report.
func (v *Verifier) ReadAll(ctx context.Context, r io.Reader) error {
	in := bufio.NewReaderSize(r, MaxLine+2)
	for {
		b, err := in.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			v.report.Lines++
			v.fault(nil, "a line is too long")
			for errors.Is(err, bufio.ErrBufferFull) {
				_, err = in.ReadSlice('\n')
			}
			b = nil
		}
		if len(bytes.TrimSpace(b)) > 0 {
			if err := v.Line(ctx, b); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// Line checks the next line.
func (v *Verifier) Line(ctx context.Context, b []byte) error {
	v.report.Lines++
	l, err := ParseLine(b)
	if err != nil {
		v.fault(nil, "this is not a line of an audit trail: it was changed, or cut")
		return nil
	}
	created, ok := l.macKey()
	if !ok {
		v.fault(l, "the line was changed")
		return nil
	}
	k, err := v.key(ctx, created)
	if errors.Is(err, envelope.ErrKeyNotFound) {
		v.fault(l, "the key that authenticates the line does not exist: the line was changed, or the key removed")
		return nil
	}
	if err != nil {
		return err
	}
	authentic, err := l.authentic(k)
	if err != nil {
		return err
	}
	if !authentic || l.MACKey != keyName(k.Meta()) {
		v.fault(l, "the line was changed")
		return nil
	}
	v.follow(l)
	return nil
}

func (v *Verifier) key(ctx context.Context, created int64) (key, error) {
	if k, ok := v.cache[created]; ok {
		return k, nil
	}
	k, err := v.keys(ctx, created)
	if err == nil {
		v.cache[created] = k
	}
	return k, err
}

// follow holds an authentic line against the one before it.
func (v *Verifier) follow(l *Line) {
	c := v.chains[l.Writer]
	if c == nil {
		c = &chain{}
		v.chains[l.Writer] = c
	}
	switch {
	case l.Seq <= c.seq:
		v.fault(l, "the line stands behind later ones, or twice")
		v.note(l)
		return
	case l.Seq > c.seq+1:
		v.fault(l, fmt.Sprintf("%d lines before this one are missing, changed, or stand elsewhere", l.Seq-c.seq-1))
	case l.Prev != c.mac:
		v.fault(l, "the line before this one is not the one that it was written after")
	}
	if c.closed {
		v.fault(l, "the line stands behind the end of its writer's trail")
	}
	c.seq, c.mac, c.closed = l.Seq, l.MAC, l.Op == "close"
	v.note(l)
}

// note remembers the lines that heads name.
func (v *Verifier) note(l *Line) {
	if h, ok := v.heads[l.Writer]; ok && h.Seq == l.Seq {
		c := v.chains[l.Writer]
		if c.seen == nil {
			c.seen = map[int64]string{}
		}
		c.seen[l.Seq] = l.MAC
	}
}

func (v *Verifier) fault(l *Line, what string) {
	f := Fault{Line: v.report.Lines, What: what}
	if l != nil {
		f.Writer, f.Seq = l.Writer, l.Seq
	}
	v.report.Faults = append(v.report.Faults, f)
}

// Report ends the check, and wipes the keys.
func (v *Verifier) Report() *Report {
	for _, k := range v.cache {
		k.Close()
	}
	v.cache = nil
	r := v.report
	for _, writer := range slices.Sorted(maps.Keys(v.chains)) {
		c := v.chains[writer]
		r.Heads = append(r.Heads, Head{writer, c.seq, c.mac})
		if !c.closed {
			r.Open = append(r.Open, writer)
		}
	}
	for _, writer := range slices.Sorted(maps.Keys(v.heads)) {
		h := v.heads[writer]
		c := v.chains[writer]
		switch {
		case c == nil:
			r.Faults = append(r.Faults, Fault{Writer: writer, Seq: h.Seq, What: "all lines of this writer are missing"})
		case c.seq < h.Seq:
			r.Faults = append(r.Faults, Fault{Writer: writer, Seq: h.Seq, What: fmt.Sprintf("the last %d lines of this writer are missing", h.Seq-c.seq)})
		case c.seen[h.Seq] != h.MAC:
			r.Faults = append(r.Faults, Fault{Writer: writer, Seq: h.Seq, What: "the line is not the one of the head"})
		}
	}
	slices.SortStableFunc(r.Faults, func(a, b Fault) int { return cmp.Compare(a.Line, b.Line) })
	return &r
}
