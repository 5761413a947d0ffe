package lint

import (
	"go/ast"
	"go/token"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/sealsql/sealsql/internal/script"
)

// literal returns the text of a string literal, each byte with its place.
func (p *goPackage) literal(e *ast.BasicLit) (script.Text, bool) {
	f, off, ok := p.place(e.Pos())
	if !ok || e.Kind != token.STRING || len(e.Value) < 2 || off+len(e.Value) > len(f.Data) {
		return script.Text{}, false
	}
	if e.Value[0] == '`' {
		return rawLiteral(f, off)
	}
	return quotedLiteral(f, off, e.Value)
}

// rawLiteral reads from the file, because the parser's value lacks carriage
// returns.
func rawLiteral(f *script.File, off int) (script.Text, bool) {
	n := strings.IndexByte(f.Data[off+1:], '`')
	if n < 0 || f.Data[off] != '`' {
		return script.Text{}, false
	}
	var parts []script.Text
	from := off + 1
	for i := from; i < off+1+n; i++ {
		if f.Data[i] == '\r' {
			parts = append(parts, f.Text(from, i))
			from = i + 1
		}
	}
	return script.Join(append(parts, f.Text(from, off+1+n))...), true
}

func quotedLiteral(f *script.File, off int, value string) (script.Text, bool) {
	var parts []script.Text
	body := value[1 : len(value)-1]
	plain := 0
	for i := 0; i < len(body); {
		if body[i] != '\\' {
			i++
			continue
		}
		parts = append(parts, f.Text(off+1+plain, off+1+i))
		r, multibyte, rest, err := strconv.UnquoteChar(body[i:], '"')
		if err != nil {
			return script.Text{}, false
		}
		s := string([]byte{byte(r)})
		if multibyte && r >= utf8.RuneSelf {
			s = string(r)
		}
		parts = append(parts, f.At(s, off+1+i))
		i = len(body) - len(rest)
		plain = i
	}
	return script.Join(append(parts, f.Text(off+1+plain, off+1+len(body)))...), true
}
