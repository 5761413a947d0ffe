// Package indexmove keeps how far the moves of search indexes to other
// definitions have come, as notes in the metastore that a writer of it cannot
// make (envelope.IndexNote).
package indexmove

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sealsql/sealsql/envelope"
	"github.com/sealsql/sealsql/schema"
)

// Step is what is being done, or was done last.
type Step string

// The steps, in their order; Aborted may follow all before Live.
const (
	Announced Step = "announced" // the column may be there, nobody writes it
	Filling   Step = "filling"   // both indexes are written
	Guarded   Step = "guarded"   // the server refuses rows without the next index
	Verified  Step = "verified"  // no row lacks it, or has another value's
	Live      Step = "live"      // searches use it
	Finished  Step = "finished"  // the other is not written any more
	Aborted   Step = "aborted"
)

var steps = map[Step]struct {
	stage schema.Stage
	order int
}{
	Announced: {schema.StageNone, 1},
	Filling:   {schema.StageFilling, 2},
	Guarded:   {schema.StageFilling, 3},
	Verified:  {schema.StageFilling, 4},
	Live:      {schema.StageLive, 5},
	Finished:  {schema.StageFinished, 6},
	Aborted:   {schema.StageAborted, 7},
}

// Stage is what the step means for statements.
func (s Step) Stage() schema.Stage { return steps[s].stage }

// Before reports whether the step comes before another one. No step is before
// all.
func (s Step) Before(o Step) bool { return steps[s].order < steps[o].order }

// State is how far a move has come.
type State struct {
	Step Step `json:"step"`
	// Since is when the step was reached, in Unix seconds by the clock of who
	// made the move.
	Since int64 `json:"since"`
	// Progress is where filling goes on after it was stopped.
	Progress json.RawMessage `json:"progress,omitempty"`
	// Seq numbers the states of a move, from 1; 0 is none.
	Seq int `json:"-"`
}

// At is Since as a time.
func (s *State) At() time.Time { return time.Unix(s.Since, 0) }

// ErrAltered matches the error of a state that is not one, or went back.
var ErrAltered = fmt.Errorf("sealsql: the metastore's state of an index that is being moved was taken away, changed or put back: %w", envelope.ErrTampered)

// Load returns the state of a move, with the zero Step where there is none.
// Errors are those of Sealer.LatestIndexNote, and ErrAltered.
func Load(ctx context.Context, s *envelope.Sealer, m schema.Move) (*State, error) {
	n, err := s.LatestIndexNote(ctx, Subject(m))
	if errors.Is(err, envelope.ErrKeyNotFound) && !errors.Is(err, envelope.ErrTampered) {
		return &State{}, nil
	}
	if err != nil {
		return nil, err
	}
	var st State
	if json.Unmarshal(n.Payload, &st) != nil || steps[st.Step].order == 0 {
		return nil, ErrAltered
	}
	st.Seq = n.Seq
	return &st, nil
}

// ErrBusy is returned where another process moves the same index.
var ErrBusy = errors.New("sealsql: another process is moving this index; run it again when that has ended")

// Store adds the state that follows old.
func Store(ctx context.Context, s *envelope.Sealer, m schema.Move, old *State, next State) (*State, error) {
	b, err := json.Marshal(&next)
	if err != nil {
		return nil, err
	}
	next.Seq = old.Seq + 1
	ok, err := s.AddIndexNote(ctx, Subject(m), next.Seq, b)
	switch {
	case err != nil:
		return nil, err
	case !ok:
		return nil, ErrBusy
	}
	return &next, nil
}

// Subject names a move for the metastore: the column, the kind, and both
// definitions, so that another move of the column starts anew.
func Subject(m schema.Move) string {
	c := m.Column()
	var b strings.Builder
	for _, part := range []string{c.Table.Schema, c.Table.Name, c.Name, c.ID, m.Kind, definition(m.From), definition(m.To)} {
		fmt.Fprintf(&b, "%d:%s", len(part), strings.ToLower(part))
	}
	return b.String()
}

// definition is everything that decides what an index holds, and its name.
func definition(x schema.Index) string {
	switch x := x.(type) {
	case *schema.Equality:
		return fmt.Sprintf("%q %q %d %d %t %q %d", x.Name, x.Steps(), x.Bits, x.Unique, x.TableScope, x.Group, x.Version)
	case *schema.Fragments:
		return fmt.Sprintf("%q %q %d %d %t %d", x.Name, x.Normalize, x.Lengths, x.Collation, x.TableScope, x.Version)
	case *schema.Range:
		order := fmt.Sprint(x.Order)
		if x.Order == schema.OrderHidden {
			order += fmt.Sprintf("/%d", x.Form)
		}
		return fmt.Sprintf("%q %s %d %t %t %q %d", x.Name, order, x.Prefix, x.RefuseLonger, x.TableScope, x.Group, x.Version)
	case *schema.Compound:
		return fmt.Sprintf("%q %q %q %d %t %t %d", x.Key, x.Name, x.Steps(), x.Bits, x.Unique, x.TableScope, x.Version)
	}
	return ""
}
