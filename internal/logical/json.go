package logical

import "strings"

// Escapes looks at the \u escapes of valid JSON text: nul is set for \u0000,
// lone for half a surrogate pair. Engines refuse what encoding/json takes.
func Escapes(text string) (nul, lone bool) {
	for i := 0; i+1 < len(text); i++ {
		if text[i] != '\\' {
			continue
		}
		i++
		if text[i] != 'u' {
			continue
		}
		code, ok := hex4(text[i+1:])
		if !ok {
			return nul, true
		}
		i += 4
		switch {
		case code == 0:
			nul = true
		case code >= 0xDC00 && code <= 0xDFFF:
			lone = true
		case code >= 0xD800 && code <= 0xDBFF:
			low, ok := 0, strings.HasPrefix(text[i+1:], `\u`)
			if ok {
				low, ok = hex4(text[i+3:])
			}
			if !ok || low < 0xDC00 || low > 0xDFFF {
				lone = true
				continue
			}
			i += 6
		}
	}
	return nul, lone
}

func hex4(s string) (n int, ok bool) {
	if len(s) < 4 {
		return 0, false
	}
	for i := range 4 {
		d := strings.IndexByte("0123456789abcdef", s[i]|0x20)
		if d < 0 || s[i] < '0' {
			return 0, false
		}
		n = n<<4 | d
	}
	return n, true
}
