// Package tour runs the same steps of an application on a plain and on an
// encrypting database and compares what comes back: what the programs and tests
// beside it have in common.
package tour

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/sealsql/sealsql"
)

// Step is one thing that an application does. What Do returns is compared as
// JSON; NULL, zero and absent are three different things there.
type Step struct {
	Name string
	// Refused is the reason for which the encrypting driver refuses the step, in
	// words of a document; empty means that it must work.
	Refused string
	Do      func(ctx context.Context) (any, error)
}

// App makes the steps of an application on a database whose tables are there.
type App func(db *sql.DB, e Engine) ([]Step, error)

// Line is how one step went.
type Line struct {
	Step            Step
	Plain, Sealed   string // JSON, or the error
	Equal, WasError bool
	Err             error // of the encrypting driver
}

// OK says whether the step did what it should: the same as on plain tables, or a
// typed refusal where one is announced.
func (l Line) OK() bool {
	if l.Step.Refused != "" {
		return errors.Is(l.Err, sealsql.ErrRefused)
	}
	return l.Equal && !l.WasError
}

// Outcome is a word for a table.
func (l Line) Outcome() string {
	switch {
	case l.OK() && l.Step.Refused != "":
		return "refused: " + l.Step.Refused
	case l.OK():
		return "runs"
	case l.Err != nil:
		return "FAILS: " + l.Err.Error()
	}
	return fmt.Sprintf("DIFFERS: %s instead of %s", l.Sealed, l.Plain)
}

// Run takes every step on both databases, one after the other.
func Run(ctx context.Context, app App, e Engine, plain, sealed *sql.DB) ([]Line, error) {
	p, err := app(plain, e)
	if err != nil {
		return nil, fmt.Errorf("plain: %w", err)
	}
	s, err := app(sealed, e)
	if err != nil {
		return nil, fmt.Errorf("encrypted: %w", err)
	}
	lines := make([]Line, len(p))
	for i := range p {
		want, perr := p[i].Do(ctx)
		got, serr := s[i].Do(ctx)
		l := Line{Step: p[i], Plain: render(want, perr), Sealed: render(got, serr), WasError: perr != nil, Err: serr}
		l.Equal = l.Plain == l.Sealed
		if perr != nil {
			return nil, fmt.Errorf("%s fails on the plain database: %w", p[i].Name, perr)
		}
		lines[i] = l
	}
	return lines, nil
}

func render(v any, err error) string {
	if err != nil {
		return "error: " + err.Error()
	}
	b, err := json.Marshal(v)
	if err != nil {
		return "not JSON: " + err.Error()
	}
	return string(b)
}

// Print writes the steps with their outcomes as a table.
func Print(w io.Writer, lines []Line) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, l := range lines {
		fmt.Fprintf(t, "  %s\t%s\n", l.Step.Name, l.Outcome())
	}
	t.Flush()
}

// Failed returns the names of the steps that did not do what they should.
func Failed(lines []Line) error {
	var names []string
	for _, l := range lines {
		if !l.OK() {
			names = append(names, l.Step.Name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	return fmt.Errorf("%d of %d steps failed: %s", len(names), len(lines), strings.Join(names, ", "))
}
