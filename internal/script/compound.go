package script

import (
	"slices"
	"strings"

	"github.com/sealsql/sealsql/rewrite"
)

// compoundness says whether a statement may hold others between BEGIN and END.
type compoundness uint8

const (
	undecided compoundness = iota
	simple
	nested
)

// bodies are the objects whose definition may hold statements.
var bodies = []string{"TRIGGER", "PROCEDURE", "FUNCTION", "EVENT", "PACKAGE"}

// header bounds how far from CREATE the kind of object may stand.
const header = 16

// decide looks at one more token of the statement's beginning.
func decide(sofar []rewrite.Token, t rewrite.Token) compoundness {
	switch {
	case len(sofar) == 0 && !Word(t, "CREATE"), len(sofar) >= header, Is(t, "("), Is(t, ";"):
		return simple
	case slices.ContainsFunc(bodies, func(b string) bool { return Word(t, b) }):
		return nested
	}
	return undecided
}

// nest follows the blocks of a definition. What a token does to the nesting is
// told by its neighbours, so that it counts when the next one is there.
func (sp *splitter) nest(next rewrite.Token) {
	toks := sp.cur.Tokens
	if sp.compound == undecided {
		sp.compound = decide(toks, next)
	}
	if sp.compound == nested && len(toks) > 0 {
		before := rewrite.Token{}
		if len(toks) > 1 {
			before = toks[len(toks)-2]
		}
		sp.depth += step(before, toks[len(toks)-1], next)
	}
}

// loops are the words behind END that close what is not counted.
var loops = []string{"IF", "LOOP", "WHILE", "REPEAT", "FOR"}

// step says how the nesting of blocks changes at a token: BEGIN and CASE open,
// END closes.
func step(before, t, next rewrite.Token) int {
	switch {
	case Word(t, "BEGIN"):
		return 1
	case Word(t, "CASE") && !Word(before, "END"):
		return 1
	case Word(t, "END") && !slices.ContainsFunc(loops, func(w string) bool { return Word(next, w) }):
		return -1
	}
	return 0
}

// Is reports whether a token is the punctuation mark.
func Is(t rewrite.Token, punct string) bool { return t.Kind == rewrite.TokPunct && t.Text == punct }

// Word reports whether a token is the unquoted word, in any case.
func Word(t rewrite.Token, w string) bool {
	return t.Kind == rewrite.TokWord && strings.EqualFold(t.Text, w)
}
