package logical

import (
	"encoding/json"
	"slices"
	"strings"
)

// JSONForm is how a server prints the documents that it keeps parsed:
// PostgreSQL's jsonb, and MySQL's json. Both order members by the length of the
// key and then by its bytes, keep the last of equal keys, put one blank behind
// comma and colon, and write only the needed escapes.
type JSONForm struct {
	// Number appends a number of a document, given as it is written there, or
	// returns what is wrong with it.
	Number func(dst []byte, digits string) ([]byte, string)
	// NoNUL refuses \u0000.
	NoNUL bool
	// Depth is the number of levels of arrays and objects, 0 for that of
	// encoding/json, 10000.
	Depth int
}

// Append appends text, which need not be valid JSON (RFC 8259), in the form, or
// returns what is wrong with it.
func (f *JSONForm) Append(dst []byte, text string) (_ []byte, problem string) {
	if !json.Valid([]byte(text)) {
		return nil, "invalid JSON"
	}
	p := document{JSONForm: f, in: text}
	out := p.value(dst)
	if p.why != "" {
		return nil, p.why
	}
	return out, ""
}

// document is valid JSON while it is put into a form.
type document struct {
	*JSONForm
	in    string
	level int
	why   string
}

func (p *document) value(dst []byte) []byte {
	p.blank()
	switch c := p.in[0]; c {
	case '{', '[':
		if p.level++; p.Depth > 0 && p.level > p.Depth {
			p.why = "too many levels"
		}
		defer func() { p.level-- }()
		if c == '[' {
			return p.array(dst)
		}
		return p.object(dst)
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

func (p *document) blank() { p.in = strings.TrimLeft(p.in, " \t\n\r") }

// next skips blanks and takes one punctuation mark.
func (p *document) next() byte {
	p.blank()
	c := p.in[0]
	p.in = p.in[1:]
	return c
}

func (p *document) array(dst []byte) []byte {
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

func (p *document) object(dst []byte) []byte {
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

// text takes a string and undoes its escapes. Lone surrogates are refused;
// encoding/json would replace them.
func (p *document) text() string {
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
	if nul, lone := Escapes(raw); nul && p.NoNUL || lone {
		p.why = "the type cannot hold \\u0000 or half a surrogate pair"
	}
	var s string
	if err := json.Unmarshal([]byte(raw), &s); err != nil {
		p.why = "invalid JSON"
	}
	return s
}

func (p *document) number(dst []byte) []byte {
	n := 0
	for n < len(p.in) && strings.IndexByte("+-.0123456789eE", p.in[n]) >= 0 {
		n++
	}
	out, why := p.Number(dst, p.in[:n])
	p.in = p.in[n:]
	if why != "" {
		p.why = why
		return dst
	}
	return out
}

// appendQuoted writes a string with the escapes that JSON demands.
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
