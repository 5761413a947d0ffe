package rewrite_test

import (
	"errors"
	"testing"

	"github.com/sealsql/sealsql/rewrite"
)

// blindFront is a front end that loses a part of every statement: its last
// placeholder is in the list of markers and not in the tree.
type blindFront struct{ rewrite.Frontend }

func (f blindFront) Parse(text string, s *rewrite.Session) (*rewrite.Script, error) {
	sc, err := f.Frontend.Parse(text, s)
	if err != nil {
		return sc, err
	}
	last := sc.Markers[len(sc.Markers)-1]
	sc.Markers = append(sc.Markers, &rewrite.Param{Span: rewrite.Span{Start: last.End, End: last.End + 1}, N: last.N + 1})
	sc.Params++
	return sc, nil
}

// A value that stands where the analysis has not looked would go out in clear.
func TestAParameterThatTheAnalysisHasNotMetRefusesTheStatement(t *testing.T) {
	f := blindFront{frontends["sqlite"]}
	_, err := rewrite.PlanOnce(f, "UPDATE users SET note = ? WHERE id = ?", benchCatalog(rewrite.SQLite), &rewrite.Session{}, rewrite.Options{HasArgs: true})
	var u *rewrite.UnsupportedError
	if !errors.As(err, &u) || u.Reason != rewrite.ReasonParameters {
		t.Fatalf("error is %v", err)
	}
}
