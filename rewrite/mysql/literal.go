package mysql

import (
	"encoding/hex"
	"math/big"
	"strings"
	"unicode/utf8"

	"github.com/sqlc-dev/marino/ast"
	"github.com/sqlc-dev/marino/mysql"

	"github.com/sealsql/sealsql/rewrite"
)

// literal lowers a constant. The token decides what it is; where the token is
// a string the parser must have decoded the same value from it.
func (l *lowerer) literal(x *ast.ValueExprBase) rewrite.Expr {
	if l.lost {
		return lostLiteral(x)
	}
	from := l.mark()
	lit := &rewrite.Literal{}
	t := l.peek(0)
	switch t.Kind {
	case rewrite.TokString:
		l.stringLiteral(lit, x)
	case rewrite.TokNumber:
		l.i++
		l.number(lit, t.Text)
	case rewrite.TokWord:
		l.wordLiteral(lit, x)
	case rewrite.TokPunct:
		if t.Text != `\N` || x.Kind() != ast.KindNull {
			l.fail()
			return lostLiteral(x)
		}
		l.i++
	default:
		l.fail()
	}
	if l.lost {
		return lostLiteral(x)
	}
	lit.Span = l.span(from)
	return lit
}

// stringLiteral joins adjacent strings: 'a' 'b' is 'ab'.
func (l *lowerer) stringLiteral(lit *rewrite.Literal, x *ast.ValueExprBase) {
	lit.Kind = rewrite.LitString
	t := l.peek(0)
	lit.Value = t.Text
	national := l.text[t.Start] == 'N' || l.text[t.Start] == 'n'
	l.i++
	for !national && l.peek(0).Kind == rewrite.TokString && l.plainString(l.peek(0)) {
		lit.Value += l.peek(0).Text
		l.i++
	}
	// N'…' is text in utf8mb3, which has no characters of four bytes.
	lit.Odd = oddText(lit.Value) || national && strings.ContainsFunc(lit.Value, func(r rune) bool { return r > 0xFFFF })
	if x.Kind() != ast.KindString || x.GetString() != lit.Value {
		l.fail()
	}
}

// plainString reports whether a string token has no N before it.
func (l *lowerer) plainString(t *rewrite.Token) bool {
	return l.text[t.Start] == '\'' || l.text[t.Start] == '"'
}

// oddText reports whether a string may not mean the same to every setting.
func oddText(s string) bool { return strings.IndexByte(s, 0) >= 0 || !utf8.ValidString(s) }

// number fills lit from a numeric, hex or bit token.
func (l *lowerer) number(lit *rewrite.Literal, src string) {
	lit.Kind, lit.Value = rewrite.LitNumber, src
	if len(src) < 2 {
		return
	}
	switch {
	case src[0] == 'x' || src[0] == 'X':
		b, err := hex.DecodeString(src[2 : len(src)-1])
		lit.Kind, lit.Value, lit.Odd = rewrite.LitBytes, string(b), err != nil
	case src[:2] == "0x":
		digits := src[2:]
		if len(digits)%2 == 1 {
			digits = "0" + digits
		}
		b, _ := hex.DecodeString(digits)
		lit.Kind, lit.Value, lit.Odd = rewrite.LitBytes, string(b), true
	case src[0] == 'b' || src[0] == 'B':
		lit.Kind, lit.Value, lit.Odd = rewrite.LitBytes, bits(src[2:len(src)-1]), true
	case src[:2] == "0b":
		lit.Kind, lit.Value, lit.Odd = rewrite.LitBytes, bits(src[2:]), true
	}
}

// bits packs a string of binary digits into bytes, right aligned.
func bits(digits string) string {
	n, ok := new(big.Int).SetString(digits, 2)
	if !ok {
		return ""
	}
	return string(n.FillBytes(make([]byte, (len(digits)+7)/8)))
}

// wordLiteral lowers TRUE, FALSE, NULL and strings with an introducer.
func (l *lowerer) wordLiteral(lit *rewrite.Literal, x *ast.ValueExprBase) {
	switch {
	case l.accept("NULL"):
		lit.Kind = rewrite.LitNull
		if x.Kind() != ast.KindNull {
			l.fail()
		}
	case l.word("TRUE"), l.word("FALSE"):
		lit.Kind, lit.Value = rewrite.LitBool, strings.ToLower(l.peek(0).Text)
		l.i++
	case strings.HasPrefix(l.peek(0).Text, "_"):
		l.introduced(lit, x)
	default:
		l.fail()
	}
}

// introduced lowers _charset'…' and _charset X'…'.
func (l *lowerer) introduced(lit *rewrite.Literal, x *ast.ValueExprBase) {
	charset := strings.ToLower(l.peek(0).Text)
	l.i++
	t := l.peek(0)
	l.i++
	switch t.Kind {
	case rewrite.TokString:
		lit.Value = t.Text
		if x.GetString() != t.Text {
			l.fail()
		}
	case rewrite.TokNumber:
		l.number(lit, t.Text)
		if lit.Kind != rewrite.LitBytes {
			l.fail()
		}
	default:
		l.fail()
	}
	lit.Kind = rewrite.LitString
	switch charset {
	case "_utf8mb4", "_utf8", "_utf8mb3":
		lit.Odd = oddText(lit.Value)
	case "_binary":
		lit.Kind, lit.Odd = rewrite.LitBytes, false
	default:
		lit.Odd = true
	}
}

// lostLiteral makes a literal from the parser's value alone.
func lostLiteral(x *ast.ValueExprBase) *rewrite.Literal {
	lit := &rewrite.Literal{Kind: rewrite.LitString, Odd: true}
	switch x.Kind() {
	case ast.KindNull:
		lit.Kind, lit.Odd = rewrite.LitNull, false
	case ast.KindString:
		lit.Value, lit.Odd = x.GetString(), false
	case ast.KindBytes:
		lit.Value = x.GetString()
	case ast.KindBinaryLiteral:
		lit.Kind, lit.Value = rewrite.LitBytes, string(x.GetBytes())
	default:
		lit.Kind, lit.Odd = rewrite.LitNumber, false
		if x.Type.GetFlag()&mysql.IsBooleanFlag != 0 {
			lit.Kind, lit.Value = rewrite.LitBool, "false"
			if x.GetInt64() != 0 {
				lit.Value = "true"
			}
			return lit
		}
		lit.Value = restore(x)
	}
	return lit
}

// signed makes one literal of a sign and a number.
func signed(sign string, e rewrite.Expr, span rewrite.Span) (rewrite.Expr, bool) {
	lit, ok := e.(*rewrite.Literal)
	if !ok || lit.Kind != rewrite.LitNumber || lit.Odd || strings.IndexAny(lit.Value, "+-") == 0 {
		return nil, false
	}
	return &rewrite.Literal{Span: span, Kind: rewrite.LitNumber, Value: sign + lit.Value}, true
}
