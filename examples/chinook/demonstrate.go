package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sealsql/sealsql/rewrite"
)

// report is what a run found.
type report struct {
	engine  string
	loads   []load
	results []result
	refused []refusal
	blocked []bypass
	found   []searched
	unseen  string    // environment variable that should name the server's files, and does not
	sample  [2]string // the same value as the two drivers show it
}

type load struct {
	title string
	took  time.Duration
	note  string
}

// result compares the answers to one query.
type result struct {
	name    string
	rows    int
	took    [3]time.Duration // plain, constant partition, partitioned
	problem error
}

type refusal struct{ text, message, hint string }

type searched struct {
	title   string
	finding *finding
}

// demonstrate does everything. The report is there as far as it went even when
// there is an error.
func demonstrate(ctx context.Context, e engine, data, server string) (r *report, err error) {
	s, err := readScript(e, data)
	if err != nil {
		return nil, err
	}
	m, err := newMarks()
	if err != nil {
		return nil, err
	}
	w, err := newWorkspace(e, server)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	r = &report{engine: e.name}

	// The encrypted databases come first, and are searched before the plain one
	// exists: a server's log is common to all.
	sealed, err := r.sealed(ctx, w, s, m)
	if err != nil {
		return r, err
	}
	start := time.Now()
	plain, err := w.loadPlain(ctx, s)
	if err != nil {
		return r, err
	}
	r.loads = append(r.loads, load{plain.title, time.Since(start), "through the plain driver"})
	if err := write(ctx, plain.db, m.writes(e)); err != nil {
		return r, fmt.Errorf("plain: %w", err)
	}
	for _, q := range append(queries[:len(queries):len(queries)], afterwards()...) {
		r.compare(ctx, e, q, plain, sealed)
	}
	for _, d := range sealed {
		f, err := w.searchOwn(ctx, d, plain)
		if err != nil {
			return r, err
		}
		r.find(e, d, f)
	}
	return r, r.err()
}

// sealed loads, changes and searches both encrypted databases.
func (r *report) sealed(ctx context.Context, w *workspace, s script, m marks) ([]*database, error) {
	var all []*database
	for _, kind := range []struct {
		title       string
		partitioned bool
	}{{"constant", false}, {"partitioned", true}} {
		start := time.Now()
		d, err := w.loadSealed(ctx, s, kind.title, kind.partitioned)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", kind.title, err)
		}
		r.loads = append(r.loads, load{d.title, time.Since(start), w.engine.partitioning(kind.partitioned)})
		if err := write(ctx, d.db, m.writes(w.engine)); err != nil {
			return nil, fmt.Errorf("%s: %w", kind.title, err)
		}
		if err := r.refuse(ctx, w.engine, d); err != nil {
			return nil, err
		}
		if r.blocked, err = w.bypass(ctx, d); err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	for _, d := range all {
		f, err := w.searchEverything(ctx, d, m)
		if err != nil {
			return nil, err
		}
		r.find(w.engine, d, f)
	}
	return all, r.look(ctx, w, all[0])
}

// find notes the result of a search; nil means that the files are out of reach.
func (r *report) find(e engine, d *database, f *finding) {
	if f == nil {
		r.unseen = e.dataDir
		return
	}
	r.found = append(r.found, searched{d.title, f})
}

// refuse asks what cannot be answered and expects a refusal each time.
func (r *report) refuse(ctx context.Context, e engine, d *database) error {
	r.refused = nil
	for _, q := range refusals {
		text := e.spell(q.text)
		_, err := d.db.ExecContext(ctx, text)
		var refused *rewrite.UnsupportedError
		if !errors.As(err, &refused) {
			return fmt.Errorf("%s: %s: want a refusal, got %v", d.title, q.name, err)
		}
		message := strings.TrimSuffix(refused.Error(), "; "+refused.Hint)
		r.refused = append(r.refused, refusal{text, message, refused.Hint})
	}
	return nil
}

// look reads one value through both drivers.
func (r *report) look(ctx context.Context, w *workspace, d *database) error {
	const text = `SELECT Email FROM Customer WHERE CustomerId = 1`
	plain := &database{}
	if err := w.open(plain, w.engine.plain, d.dsn); err != nil {
		return err
	}
	for i, db := range []*database{d, plain} {
		a, err := ask(ctx, db.db, w.engine.spell(text), nil)
		if err != nil {
			return err
		}
		if len(a.rows) != 1 {
			return fmt.Errorf("customer 1: %d rows", len(a.rows))
		}
		r.sample[i] = show(a.rows[0][0])
	}
	return nil
}

// show cuts long values; bytes are shown in hexadecimal.
func show(v any) string {
	const most = 48
	s := fmt.Sprint(v)
	if b, ok := v.([]byte); ok {
		s = string(b)
		for _, c := range b {
			if c >= 0x7f || c < ' ' {
				s = fmt.Sprintf("%x", b)
				break
			}
		}
	}
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}

func (r *report) compare(ctx context.Context, e engine, q query, plain *database, sealed []*database) {
	res := result{name: q.name}
	for i, d := range sealed {
		want, got, err := compareQuery(ctx, plain, d, e.spell(q.text), q.args)
		res.rows, res.took[0], res.took[i+1] = len(want.rows), want.took, got.took
		if err != nil {
			res.problem = errors.Join(res.problem, fmt.Errorf("%s: %w", d.title, err))
		}
	}
	if res.problem == nil && res.rows == 0 {
		res.problem = errors.New("no rows: the query compares nothing")
	}
	r.results = append(r.results, res)
}

// err collects what went wrong.
func (r *report) err() error {
	var all []error
	for _, res := range r.results {
		if res.problem != nil {
			all = append(all, fmt.Errorf("%s: %w", res.name, res.problem))
		}
	}
	for _, s := range r.found {
		if err := s.finding.err(); err != nil {
			all = append(all, fmt.Errorf("%s: %w", s.title, err))
		}
	}
	return errors.Join(all...)
}
