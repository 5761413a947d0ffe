package rewrite

import (
	"errors"
	"strings"
)

// PREPARE name FROM 'text', EXECUTE name USING @v and DEALLOCATE PREPARE name of MySQL
// and MariaDB. The text is planned as a statement of its own. Its values are user
// variables, which the server has in clear: so nothing that is sealed or hashed may
// take one, and the text may not do more than a statement that the driver sends as
// it is, but for edits, and results that are opened.

const textHint = "the text of PREPARE is written as one literal in single quotes, without control characters, backslashes and letters beyond ASCII in it; " + dynamicHint

const variableHint = "the values of EXECUTE are user variables, which the server has in clear by then: no encrypted column takes them, nor is compared with them; " + dynamicHint

// planText plans PREPARE and EXECUTE of MySQL; done is false for everything else.
func planText(f Frontend, text string, script *Script, c Catalog, s *Session, o Options) (p *Plan, done bool, err error) {
	if f.Dialect() != MySQL || len(script.Statements) != 1 || script.Params > 0 {
		return nil, false, nil
	}
	if other, ok := script.Statements[0].(*Other); !ok || other.Kind != OtherDynamic {
		return nil, false, nil
	}
	toks := script.Tokens
	if n := len(toks); n > 0 && isPunct(toks[n-1], ";") {
		toks = toks[:n-1]
	}
	if len(toks) < 2 || toks[1].Kind != TokWord && toks[1].Kind != TokQuoted {
		return nil, false, nil
	}
	switch {
	case isWord(&toks[0], "PREPARE") && len(toks) == 4 && isWord(&toks[2], "FROM"):
		p, err = prepareText(f, text, script, toks, c, s, o)
		return p, true, err
	case isWord(&toks[0], "EXECUTE") && !isWord(&toks[1], "IMMEDIATE"):
		x := executedVariables(toks)
		if x == nil {
			return nil, true, &UnsupportedError{Pos: toks[1].End, Reason: ReasonDynamic, Hint: "the values of EXECUTE are user variables: USING @a, @b"}
		}
		return &Plan{Pass: true, Text: passText(text, script), ArgsSame: true, Executes: x}, true, nil
	}
	return nil, false, nil
}

func prepareText(f Frontend, text string, script *Script, toks []Token, c Catalog, s *Session, o Options) (*Plan, error) {
	lit := &toks[3]
	if lit.Kind != TokString || script.Text[lit.Start] != '\'' || !strings.HasPrefix(f.StringLiteral(lit.Text), "'") {
		return nil, &UnsupportedError{Pos: lit.Start, Reason: ReasonDynamic, Hint: textHint}
	}
	inner, err := PlanOnce(f, lit.Text, c, s, Options{HasArgs: strings.Contains(lit.Text, "?"), ContextPartition: o.ContextPartition})
	if err != nil {
		var u *UnsupportedError
		if errors.As(err, &u) { // its place is one of the text inside
			err = &UnsupportedError{Column: u.Column, Pos: lit.Start, Reason: u.Reason, Hint: u.Hint}
		}
		return nil, err
	}
	if !sentAsItIs(inner) {
		return nil, &UnsupportedError{Pos: lit.Start, Reason: ReasonDynamic, Hint: variableHint}
	}
	p := &Plan{
		Pass: inner.Pass, Text: passText(text, script), ArgsSame: true, Tables: inner.Tables,
		Prepares: &Prepared{Name: strings.ToLower(toks[1].Text), Params: inner.Params, ResultSet: inner.takeResults()},
	}
	if inner.Text == lit.Text {
		return p, nil
	}
	written := f.StringLiteral(inner.Text)
	p.Text = script.Text[:lit.Start] + written + script.Text[lit.End:]
	if !strings.HasPrefix(written, "'") || !sayThe(f, p.Text, s, script.Tokens, lit, inner.Text) {
		return nil, &UnsupportedError{Pos: lit.Start, Reason: ReasonVerify, Hint: dynamicHint}
	}
	return p, nil
}

// sayThe reports whether the tokens of the edited text are those of the caller's, but
// for one literal, which says inner.
func sayThe(f Frontend, text string, s *Session, want []Token, lit *Token, inner string) bool {
	edited, err := f.Parse(text, s)
	if err != nil || len(edited.Tokens) != len(want) {
		return false
	}
	defer edited.release()
	for i := range want {
		t, says := &edited.Tokens[i], want[i].Text
		if want[i].Span == lit.Span {
			says = inner
		}
		if t.Kind != want[i].Kind || t.Text != says {
			return false
		}
	}
	return true
}

// sentAsItIs reports a plan of which a prepared statement can stand for every
// execution: it seals nothing, asks nothing of its arguments, and leaves names,
// settings and transactions alone.
func sentAsItIs(p *Plan) bool {
	plain := p.Params >= 0 && p.ArgsSame && len(p.Holes) == 0 && len(p.Checks) == 0 && !p.Writes && !p.Defines &&
		p.Effects == 0 && p.Transacts == 0 && len(p.After) == 0 && len(p.Deleted) == 0
	whole := p.First == nil && p.Sorted == nil && p.Limit == nil && len(p.Filters) == 0 && len(p.Likes) == 0 && len(p.Verifies) == 0
	alone := p.Sets == nil && p.Describes == nil && p.DescribesView == nil && p.Declares == nil && len(p.Replaces) == 0 && len(p.Fetches) == 0 &&
		p.Prepares == nil && p.Executes == nil && len(p.Releases) == 0
	return plain && whole && alone
}

// executedVariables reads EXECUTE name [USING @a, @b]; nil where it is not that.
func executedVariables(toks []Token) *Executed {
	x := &Executed{Name: strings.ToLower(toks[1].Text), Rest: Span{toks[1].End, toks[1].End}}
	if len(toks) == 2 {
		return x
	}
	if !isWord(&toks[2], "USING") || len(toks)%2 != 0 {
		return nil
	}
	for i := 3; i < len(toks); i++ {
		t := &toks[i]
		if i%2 == 0 {
			if !isPunct(*t, ",") {
				return nil
			}
			continue
		}
		if t.Kind != TokPunct || len(t.Text) < 2 || t.Text[0] != '@' || t.Text[1] == '@' {
			return nil
		}
		x.Values = append(x.Values, ExecutedValue{Span: t.Span})
	}
	x.Rest.End = toks[len(toks)-1].End
	return x
}

// released is the name that DEALLOCATE takes away, "" for all.
func (a *analysis) released(o *Other) string {
	toks := a.tokens(o.Range())
	if a.dialect == MySQL && len(toks) > 2 && isWord(&toks[1], "PREPARE") {
		return strings.ToLower(toks[2].Text)
	}
	return o.Name
}
