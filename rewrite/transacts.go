package rewrite

import "slices"

// Transacts says what a text may do to the connection's transaction, past the
// methods of the driver.
type Transacts uint8

// What a text may do: nothing; something inside a transaction, which outside of
// one may begin one (SAVEPOINT); end it; anything.
const (
	TransactsNot Transacts = iota
	TransactsInside
	TransactsEnd
	TransactsAnything
)

// transacts looks at a script that was parsed.
func (a *analysis) transacts() Transacts {
	var t Transacts
	for _, st := range a.script.Statements {
		o, ok := st.(*Other)
		if !ok {
			continue
		}
		switch o.Kind {
		case OtherTransaction:
			t = max(t, a.transaction())
		case OtherCall, OtherDynamic, OtherUnknown:
			t = TransactsAnything
		}
	}
	return t
}

// runsDeferred notes what deferred triggers may change: they run at the end of the
// transaction, or at SET CONSTRAINTS. And what COMMIT PREPARED may, of which definitions
// are made by a transaction of before.
func (a *analysis) runsDeferred(o *Other) {
	if a.dialect != Postgres {
		return
	}
	i := slices.IndexFunc(a.script.Tokens, func(t Token) bool { return t.Start >= o.Start })
	if i < 0 {
		return
	}
	toks := a.script.Tokens[i:]
	switch first := &toks[0]; {
	case len(toks) > 1 && isWord(first, "COMMIT") && isWord(&toks[1], "PREPARED"):
		a.effects |= EffectCatalog | EffectSession
	case !a.cat.WritesSet():
	case isWord(first, "COMMIT"), isWord(first, "END"), isWord(first, "SET"), isWord(first, "PREPARE"):
		a.effects |= EffectSession
	}
}

func (a *analysis) transaction() Transacts {
	var words []Token
	for _, t := range a.script.Tokens {
		if t.Kind != TokPunct {
			words = append(words, t)
		}
	}
	switch {
	case len(a.script.Statements) > 1, len(words) == 0:
	case a.dialect == Postgres && isWord(&words[0], "SET"): // TRANSACTION, CONSTRAINTS
		return TransactsNot
	case isWord(&words[0], "SAVEPOINT"), isWord(&words[0], "RELEASE"), isWord(&words[0], "ROLLBACK") && a.wordIn(Span{}, "TO"):
		return TransactsInside
	case len(words) == 1 && (isWord(&words[0], "COMMIT") || isWord(&words[0], "ROLLBACK") || isWord(&words[0], "END")):
		return TransactsEnd
	}
	return TransactsAnything
}
