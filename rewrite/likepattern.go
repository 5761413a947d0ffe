package rewrite

import (
	"strings"
	"unicode"
)

// The forms of a pattern: a parameter or a literal; between literals that are put
// around it ('%' || $1 || '%', concat('%', ?, '%')); in lower or upper case; cast to
// a text.

// letterCase takes lower(x) and upper(x) apart; x is nil for anything else.
func letterCase(e Expr) (LetterCase, Expr) {
	c, ok := e.(*Call)
	if !ok || len(c.Name) != 1 || len(c.Args) != 1 || c.Star || c.Distinct || c.Over || len(c.Extra) > 0 {
		return AnyCase, nil
	}
	switch strings.ToLower(c.Name[0].Name) {
	case "lower", "lcase":
		return LowerCase, c.Args[0]
	case "upper", "ucase":
		return UpperCase, c.Args[0]
	}
	return AnyCase, nil
}

// patternCalls refuses users' functions of the names that patterns may hold.
func (a *analysis) patternCalls(e Expr) error {
	if c, ok := e.(*Call); ok {
		if err := a.function(c); err != nil {
			return err
		}
	}
	if o, ok := e.(*Op); ok {
		if err := a.operator(o.Name, o.Start); err != nil {
			return err
		}
	}
	es, _ := kids(e)
	for _, k := range es {
		if err := a.patternCalls(k); err != nil {
			return err
		}
	}
	return nil
}

// likePattern takes the pattern; false where it is of another form.
func (a *analysis) likePattern(l *liked) bool {
	e := uncastText(l.op.Args[1], l.like)
	if f, x := letterCase(e); x != nil {
		l.like.PatternMapped, e = f, uncastText(x, l.like)
	}
	parts, empty := a.concatenated(e)
	if parts == nil {
		return l.takePattern(e)
	}
	l.like.Empty = empty
	for _, p := range parts {
		p = uncastText(p, l.like)
		if f, x := letterCase(p); x != nil && l.like.PatternMapped == AnyCase {
			l.like.PatternMapped, p = f, uncastText(x, l.like)
			if _, ok := p.(*Param); !ok {
				return false
			}
		}
		lit, ok := p.(*Literal)
		switch {
		case !ok && (l.pattern != nil || !l.takePattern(p)):
			return false
		case !ok:
		case lit.Odd || lit.Kind != LitString:
			return false
		case l.pattern == nil:
			l.like.Before += lit.Value
		default:
			l.like.After += lit.Value
		}
	}
	// What is mapped with the parameter must not change.
	plain := l.like.PatternMapped == AnyCase || strings.IndexFunc(l.like.Before+l.like.After, unicode.IsLetter) < 0
	_, param := l.pattern.(*Param)
	return param && plain
}

// takePattern takes the parameter or literal.
func (l *liked) takePattern(e Expr) bool {
	switch x := e.(type) {
	case *Param:
		l.like.Pattern = Value{Source: FromArg, Arg: x.N}
	case *Literal:
		if x.Odd || x.Kind != LitString && x.Kind != LitNull {
			return false
		}
		l.like.Pattern = Value{Source: FromLiteral, Literal: x}
	default:
		return false
	}
	l.pattern = e
	return e.Range().Known()
}

func uncastText(e Expr, l *Like) Expr {
	if c, ok := e.(*Cast); ok && isTextType(c.Type) {
		l.Text = true
		return c.X
	}
	return e
}

// concatenated lists what || or concat puts together, nil for anything else.
// empty says that a NULL among it counts as an empty text.
func (a *analysis) concatenated(e Expr) (parts []Expr, empty bool) {
	switch x := e.(type) {
	case *Op:
		if x.Name != "||" || a.dialect == MySQL {
			return nil, false
		}
		for _, arg := range x.Args {
			if more, _ := a.concatenated(arg); more != nil {
				if _, call := arg.(*Call); call {
					return nil, false
				}
				parts = append(parts, more...)
				continue
			}
			parts = append(parts, arg)
		}
	case *Call:
		if len(x.Name) != 1 || !strings.EqualFold(x.Name[0].Name, "concat") || x.Star || x.Distinct || x.Over || len(x.Extra) > 0 {
			return nil, false
		}
		return x.Args, a.dialect != MySQL
	}
	return parts, false
}
