package postgres

import (
	"errors"
	"strings"

	sealdriver "github.com/sealsql/sealsql/driver"
)

// registeredPrefix begins the names that stdlib.RegisterConnConfig returns.
const registeredPrefix = "registeredConnConfig"

var errDSN = errors.New("sealsql: the data source name is not a URL and not a list of key=value settings")

// cutConfig takes sealsql_config out of a data source name.
func cutConfig(dsn string) (rest, file string, err error) {
	switch {
	case strings.HasPrefix(dsn, registeredPrefix):
		return dsn, "", nil
	case strings.HasPrefix(dsn, "postgres://"), strings.HasPrefix(dsn, "postgresql://"):
		return sealdriver.CutDSN(dsn, strings.IndexByte(dsn, '?'))
	}
	return cutSettings(dsn)
}

const blanks = " \t\n\r\v\f"

// cutSettings takes one setting out of a key=value string as libpq reads it
// (PostgreSQL documentation, 34.1.1.1): values end at a blank, or are in single
// quotes; a backslash takes the next character as it is.
func cutSettings(dsn string) (rest, file string, err error) {
	var kept strings.Builder
	found := false
	for s := dsn; ; {
		blank := len(s) - len(strings.TrimLeft(s, blanks))
		if blank == len(s) {
			kept.WriteString(s)
			break
		}
		key, value, next, err := setting(s[blank:])
		if err != nil {
			return "", "", err
		}
		end := blank + next
		if key != sealdriver.ConfigParameter {
			kept.WriteString(s[:end])
		} else if found {
			return "", "", errors.New("sealsql: the data source name has " + sealdriver.ConfigParameter + " twice")
		} else {
			found, file = true, value
		}
		s = s[end:]
	}
	if !found {
		return dsn, "", nil
	}
	return kept.String(), file, nil
}

// setting reads one key=value at the start of s and returns where it ends.
func setting(s string) (key, value string, end int, err error) {
	eq := strings.IndexByte(s, '=')
	if eq < 0 {
		return "", "", 0, errDSN
	}
	key = strings.Trim(s[:eq], blanks)
	i := eq + 1
	for i < len(s) && strings.IndexByte(blanks, s[i]) >= 0 {
		i++
	}
	quoted := i < len(s) && s[i] == '\''
	if quoted {
		i++
	}
	var b strings.Builder
	for ; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
			continue
		case quoted && c == '\'':
			return key, b.String(), i + 1, nil
		case !quoted && strings.IndexByte(blanks, c) >= 0:
			return key, b.String(), i, nil
		}
		b.WriteByte(s[i])
	}
	if quoted {
		return "", "", 0, errDSN
	}
	return key, b.String(), len(s), nil
}
