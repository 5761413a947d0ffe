package lint

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/sealsql/sealsql/internal/script"
)

// readJSONLines reads objects with the members "sql" and, if it is not that of
// the run, "dialect", one a line. Other members are left alone.
func readJSONLines(f *script.File) Content {
	var c Content
	for at := 0; at < len(f.Data); {
		end := len(f.Data)
		if n := strings.IndexByte(f.Data[at:], '\n'); n >= 0 {
			end = at + n
		}
		if line := f.Data[at:end]; strings.TrimSpace(line) != "" {
			st, err := jsonLine(f, line, at)
			if err != nil {
				c.Faults = append(c.Faults, Fault{f.Place(at), err.Error()})
			} else {
				c.Statements = append(c.Statements, st)
			}
		}
		at = end + 1
	}
	return c
}

var (
	errNotObject = errors.New("not an object of JSON in one line")
	errNotUTF8   = errors.New("not valid UTF-8")
	errNoSQL     = errors.New(`the object has no string "sql"`)
)

// jsonLine reads one object, keeping the place of its text. The messages of the
// JSON decoder may quote the line and are not used.
func jsonLine(f *script.File, line string, at int) (st Statement, err error) {
	if !utf8.ValidString(line) {
		return st, errNotUTF8
	}
	d := json.NewDecoder(strings.NewReader(line))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return st, errNotObject
	}
	found := false
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return st, errNotObject
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return st, errNotObject
		}
		from := at + int(d.InputOffset()) - len(value)
		switch key {
		case "sql":
			if !bytes.HasPrefix(value, []byte{'"'}) {
				return st, errNoSQL
			}
			st.Text, found = jsonString(f, from+1, from+len(value)-1), true
		case "dialect":
			if err := json.Unmarshal(value, &st.Dialect); err != nil {
				return st, errors.New(`the member "dialect" is not a string`)
			}
		}
	}
	if _, err := d.Token(); err != nil {
		return st, errNotObject
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return st, errNotObject
	}
	if !found {
		return st, errNoSQL
	}
	return st, nil
}

// jsonString undoes the escapes of a string that the decoder has accepted,
// between its quotes.
func jsonString(f *script.File, from, to int) script.Text {
	var parts []script.Text
	plain := from
	for i := from; i < to; {
		if f.Data[i] != '\\' {
			i++
			continue
		}
		parts = append(parts, f.Text(plain, i))
		s, n := jsonEscape(f.Data[i:to])
		parts = append(parts, f.At(s, i))
		i += n
		plain = i
	}
	return script.Join(append(parts, f.Text(plain, to))...)
}

var jsonEscapes = map[byte]string{'b': "\b", 'f': "\f", 'n': "\n", 'r': "\r", 't': "\t"}

// jsonEscape undoes the escape at the beginning of s and returns its length.
func jsonEscape(s string) (string, int) {
	if len(s) < 2 {
		return "", len(s)
	}
	if s[1] != 'u' {
		if e, ok := jsonEscapes[s[1]]; ok {
			return e, 2
		}
		return s[1:2], 2
	}
	r, n := hex4(s), 6
	if utf16.IsSurrogate(r) && len(s) >= 12 {
		if pair := utf16.DecodeRune(r, hex4(s[6:])); pair != utf8.RuneError {
			return string(pair), 12
		}
	}
	return string(r), min(n, len(s))
}

func hex4(s string) rune {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return utf8.RuneError
	}
	v, err := strconv.ParseUint(s[2:6], 16, 32)
	if err != nil {
		return utf8.RuneError
	}
	return rune(v)
}
