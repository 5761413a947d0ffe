package fuzzsql_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/sealsql/sealsql/rewrite"
)

// Marks of values of encrypted columns. No clear value holds one.
const (
	markText   = "Kq7zXw4vJmB2"
	markNumber = "770770770"
	markUUID   = "decafbad-cafe-4bad"
)

// needles are the forms in which a mark could travel.
var needles = func() [][]byte {
	out := [][]byte{[]byte(markText), []byte(strings.ToLower(markText)), []byte(strings.ToUpper(markText)), []byte(markNumber), []byte(markUUID)}
	for _, m := range []string{markText, markNumber} {
		h := hex.EncodeToString([]byte(m))
		out = append(out, []byte(h), []byte(strings.ToUpper(h)))
	}
	for shift := range 3 {
		s := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("-", shift) + markText))
		from := (shift*8 + 5) / 6
		out = append(out, []byte(s[from:len(s)-2]))
	}
	return out
}()

// leaked reports the mark that is found in what was sent, or "".
func leaked(sent []byte) string {
	for _, n := range needles {
		if bytes.Contains(sent, n) {
			return string(n)
		}
	}
	return ""
}

// marked returns a value for an encrypted column; with the same number the same.
func marked(k kind, n int) any {
	switch k {
	case kindInt:
		v, _ := strconv.ParseInt(fmt.Sprintf("%s%06d", markNumber, n), 10, 64)
		return v
	case kindNumeric:
		return fmt.Sprintf("%s%d.%d", markNumber, n%100, n%10)
	case kindBytes:
		return []byte(fmt.Sprintf("\x00\xff%s%d", markText, n))
	case kindUUID:
		return fmt.Sprintf("%s-8bad-%012d", markUUID, n)
	case kindJSON:
		return fmt.Sprintf(`{"m": "%s", "n": %d}`, markText, n)
	case kindText:
		return fmt.Sprintf(textForms[n%len(textForms)], markText+strconv.Itoa(n))
	}
	return plainValue(k, n)
}

var textForms = []string{"%s", "%s'x", "%s \\ ", "ü€😀 %s", " %s ", "%s--/*", "%s?$1:a", "100%% %s_x"}

// marked returns a value for an encrypted column. Where some column is compared
// without case, texts come in several spellings, of ASCII letters alone, which
// SQLite goes by.
func (w *world) marked(k kind, n int) any {
	if k != kindText || !w.ci {
		return marked(k, n)
	}
	s := marked(k, n%20).(string)
	switch n / 20 % 3 {
	case 1:
		return ascii(s, 'a', 'z', 'A'-'a')
	case 2:
		return ascii(s, 'A', 'Z', 'a'-'A')
	}
	return s
}

// ascii moves the letters from a to b.
func ascii(s string, a, b byte, by int) string {
	out := []byte(s)
	for i, c := range out {
		if a <= c && c <= b {
			out[i] = byte(int(c) + by)
		}
	}
	return string(out)
}

// plainValue returns a value for a clear column. There are few, so that
// conditions find rows.
func plainValue(k kind, n int) any {
	switch k {
	case kindInt:
		return int64(n % 9)
	case kindNumeric:
		return fmt.Sprintf("%d.%d", n%9, n%4*25)
	case kindBytes:
		return []byte{byte('a' + n%3), 0xfe, byte(n % 3)}
	case kindDate:
		return fmt.Sprintf("20%02d-%02d-%02d", n%30, 1+n%12, 1+n%28)
	case kindTimestamp:
		return fmt.Sprintf("20%02d-%02d-%02d 0%d:00:0%d.%d", n%30, 1+n%12, 1+n%28, n%10, n%10, n%10)
	case kindBool:
		return n%2 == 0
	case kindUUID:
		return fmt.Sprintf("00000000-0000-4000-8000-%012d", n%9)
	case kindJSON:
		return fmt.Sprintf(`{"a": %d}`, n%9)
	}
	return []string{"red", "blue", "green", "it's", "", "a\\b"}[n%6]
}

// literal writes a value as a constant.
func literal(d rewrite.Dialect, k kind, v any, alternative int) string {
	switch x := v.(type) {
	case nil:
		return "NULL"
	case int64:
		return strconv.FormatInt(x, 10)
	case bool:
		return strings.ToUpper(strconv.FormatBool(x))
	case []byte:
		if d == rewrite.Postgres {
			return fmt.Sprintf(`'\x%x'`, x)
		}
		return fmt.Sprintf("x'%x'", x)
	case string:
		if k == kindNumeric {
			return x
		}
		return textLiteral(d, x, alternative)
	}
	panic("fuzzsql: a value without a literal") // programmer error
}

func textLiteral(d rewrite.Dialect, s string, alternative int) string {
	quoted := "'" + strings.ReplaceAll(s, "'", "''") + "'"
	switch {
	case d == rewrite.MySQL:
		quoted = strings.ReplaceAll(quoted, `\`, `\\`)
		if alternative == 1 {
			return "N" + quoted
		}
	case d == rewrite.Postgres && alternative == 1:
		return "E" + strings.ReplaceAll(quoted, `\`, `\\`)
	case d == rewrite.Postgres && alternative == 2 && !strings.Contains(s, "$"):
		return "$q$" + s + "$q$"
	}
	return quoted
}
