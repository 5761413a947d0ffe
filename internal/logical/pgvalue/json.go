package pgvalue

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/sealsql/sealsql/internal/logical"
)

// appendJSON keeps json as it is written and puts jsonb into the form of
// jsonb_out. encoding/json checks the syntax: RFC 8259 as on the server, with
// at most 10000 levels.
func appendJSON(dst []byte, oid uint32, s string) ([]byte, problem) {
	if !json.Valid([]byte(s)) {
		return nil, "invalid JSON"
	}
	if oid == pgtype.JSONOID {
		return append(dst, s...), ""
	}
	p := jsonb{in: s}
	out := p.value(dst)
	if p.why != "" {
		return nil, p.why
	}
	return out, ""
}

// jsonb rewrites valid JSON as the server prints jsonb: members ordered by the
// length of the key and then by its bytes, the last of equal keys kept, one
// blank behind comma and colon, numbers as numeric, only the needed escapes.
type jsonb struct {
	in  string
	why problem
}

func (p *jsonb) value(dst []byte) []byte {
	p.blank()
	switch c := p.in[0]; c {
	case '{':
		return p.object(dst)
	case '[':
		return p.array(dst)
	case '"':
		return appendQuoted(dst, p.text())
	case 't', 'n', 'f':
		n := 4
		if c == 'f' {
			n = 5
		}
		dst = append(dst, p.in[:n]...)
		p.in = p.in[n:]
		return dst
	}
	return p.number(dst)
}

func (p *jsonb) blank() { p.in = strings.TrimLeft(p.in, " \t\n\r") }

// next skips blanks and takes one punctuation mark.
func (p *jsonb) next() byte {
	p.blank()
	c := p.in[0]
	p.in = p.in[1:]
	return c
}

func (p *jsonb) array(dst []byte) []byte {
	p.next()
	dst = append(dst, '[')
	if p.blank(); p.in[0] == ']' {
		p.next()
		return append(dst, ']')
	}
	for {
		dst = p.value(dst)
		if p.next() == ']' {
			return append(dst, ']')
		}
		dst = append(dst, ", "...)
	}
}

type member struct {
	key   string
	value []byte
}

func (p *jsonb) object(dst []byte) []byte {
	p.next()
	var members []member
	if p.blank(); p.in[0] == '}' {
		p.next()
		return append(dst, "{}"...)
	}
	for {
		p.blank()
		key := p.text()
		p.next()
		members = append(members, member{key, p.value(nil)})
		if p.next() == '}' {
			break
		}
	}
	return appendMembers(dst, members)
}

func appendMembers(dst []byte, members []member) []byte {
	slices.SortStableFunc(members, func(a, b member) int {
		if len(a.key) != len(b.key) {
			return len(a.key) - len(b.key)
		}
		return strings.Compare(a.key, b.key)
	})
	dst = append(dst, '{')
	first := true
	for i, m := range members {
		if i+1 < len(members) && members[i+1].key == m.key {
			continue
		}
		if !first {
			dst = append(dst, ", "...)
		}
		first = false
		dst = appendQuoted(dst, m.key)
		dst = append(dst, ": "...)
		dst = append(dst, m.value...)
	}
	return append(dst, '}')
}

// text takes a string and undoes its escapes. jsonb refuses \u0000 and lone
// surrogates; encoding/json would replace the latter.
func (p *jsonb) text() string {
	end, escaped := 1, false
	for p.in[end] != '"' {
		if p.in[end] == '\\' {
			escaped = true
			end++
		}
		end++
	}
	raw := p.in[:end+1]
	p.in = p.in[end+1:]
	if !escaped {
		return raw[1:end]
	}
	if nul, lone := logical.Escapes(raw); nul || lone {
		p.why = "jsonb cannot hold \\u0000 or half a surrogate pair"
	}
	var s string
	if err := json.Unmarshal([]byte(raw), &s); err != nil {
		p.why = "invalid JSON"
	}
	return s
}

func (p *jsonb) number(dst []byte) []byte {
	n := 0
	for n < len(p.in) && strings.IndexByte("+-.0123456789eE", p.in[n]) >= 0 {
		n++
	}
	d, why := logical.ParseDecimal(p.in[:n])
	p.in = p.in[n:]
	if why != "" {
		p.why = why
		return dst
	}
	return d.Append(dst)
}

// appendQuoted is the server's escape_json.
func appendQuoted(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c >= ' ':
			dst = append(dst, c)
		default:
			dst = appendControl(dst, c)
		}
	}
	return append(dst, '"')
}

func appendControl(dst []byte, c byte) []byte {
	if i := strings.IndexByte("\b\f\n\r\t", c); i >= 0 {
		return append(dst, '\\', "bfnrt"[i])
	}
	const digits = "0123456789abcdef"
	return append(dst, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
}
