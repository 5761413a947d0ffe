package rewrite

import "strings"

// ALTER VIEW of PostgreSQL changes what a view is called, whose it is and what its
// clear columns have where nothing is given. What it shows stays.

const alterViewHint = "the owner, names, options and constant defaults of clear columns can be changed; for anything else make the view anew"

// alterView judges ALTER VIEW of a view over annotated tables; done is false for
// every other statement.
func (a *analysis) alterView(o *Other) (done bool, err error) {
	toks := words(a.tokens(o.Range()))
	if a.dialect != Postgres || !toks.is("ALTER", "VIEW") {
		return false, nil
	}
	toks = toks[2:].skip("IF", "EXISTS")
	var path []Ident
	for len(toks) > 0 && isName(toks[0]) {
		path = append(path, Ident{Name: a.foldToken(toks[0]), Quoted: toks[0].Kind == TokQuoted, Span: toks[0].Span})
		if toks = toks[1:]; len(toks) == 0 || !isPunct(toks[0], ".") {
			break
		}
		toks = toks[1:]
	}
	if len(path) == 0 {
		return false, nil
	}
	rel := a.cat.Relation(path)
	if rel.Verdict != VerdictView {
		return false, nil
	}
	if n := len(toks); n > 0 && isPunct(toks[n-1], ";") {
		toks = toks[:n-1]
	}
	a.effects |= EffectCatalog | EffectSession
	if hint := a.viewAction(rel, path, toks); hint != "" {
		return true, a.refuse(o.Start, ReasonView, path[len(path)-1].Name, hint)
	}
	return true, nil
}

// viewAction returns "" for what changes nothing that is encrypted.
func (a *analysis) viewAction(rel *Relation, path []Ident, act words) string {
	const named = "the configuration declares the view by its names; make the view anew under others"
	short := len(act) == 3 && isName(act[2])
	switch {
	case act.is("OWNER", "TO") && short:
		return ""
	case act.is("RENAME", "TO") && short, act.is("SET", "SCHEMA") && short:
		to := append([]Ident(nil), path...)
		if act.is("RENAME") {
			to[len(to)-1].Name = a.foldToken(act[2])
		} else {
			to = []Ident{{Name: a.foldToken(act[2])}, path[len(path)-1]}
		}
		if rel.declared != nil {
			return named
		}
		if a.cat.Annotated(to) != nil || a.cat.Mentions(to[len(to)-1].Name) && act.is("RENAME") {
			return "another name: this one belongs to an annotated table, or to what shows one"
		}
		return ""
	case act.is("RENAME"):
		act = act[1:].skip("COLUMN")
		switch {
		case len(act) != 3 || !isName(act[0]) || !act[1:].is("TO") || !isName(act[2]):
		case rel.declared != nil:
			return named
		case a.viewColumn(rel, act[0]) != nil && !a.viewColumn(rel, act[0]).Hidden:
			return ""
		}
	case act.is("SET") && options(act[1:]), act.is("RESET") && options(act[1:]):
		return ""
	case act.is("ALTER"):
		act = act[1:].skip("COLUMN")
		if len(act) < 3 || !isName(act[0]) {
			return alterViewHint
		}
		c := a.viewColumn(rel, act[0])
		if len(act) == 3 && act[1:].is("DROP", "DEFAULT") || c != nil && c.Column == nil && !c.Hidden && act[1:].is("SET", "DEFAULT") && constantWord(act[3:]) {
			return ""
		}
	}
	return alterViewHint
}

// viewColumn is what is known of a column of a view.
func (a *analysis) viewColumn(rel *Relation, name Token) *ViewColumn {
	cols := a.look(rel).cols
	for i := range cols {
		if cols[i].Name == a.foldToken(name) {
			return &cols[i]
		}
	}
	return nil
}

// options reports a list of names, each with a constant or without.
func options(w words) bool {
	if len(w) < 3 || !isPunct(w[0], "(") || !isPunct(w[len(w)-1], ")") {
		return false
	}
	for _, t := range w[1 : len(w)-1] {
		if isPunct(t, "(") || isPunct(t, ")") || t.Kind == TokParam {
			return false
		}
	}
	return true
}

// constantWord reports a constant: NULL, TRUE, FALSE, a string or a number.
func constantWord(w words) bool {
	if len(w) == 2 && (isPunct(w[0], "-") || w[0].Text == "-") {
		w = w[1:]
	}
	if len(w) != 1 {
		return false
	}
	switch w[0].Kind {
	case TokString, TokNumber:
		return true
	case TokWord:
		return strings.EqualFold(w[0].Text, "NULL") || strings.EqualFold(w[0].Text, "TRUE") || strings.EqualFold(w[0].Text, "FALSE")
	}
	return false
}
