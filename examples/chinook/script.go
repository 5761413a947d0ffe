package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// script is a Chinook script, cut into statements.
type script struct {
	ddl  []string // CREATE TABLE, ALTER TABLE, CREATE INDEX
	data []string // INSERT
}

func readScript(e engine, dir string) (script, error) {
	text, err := os.ReadFile(filepath.Join(dir, e.script))
	if err != nil {
		return script{}, err
	}
	var s script
	for _, stmt := range split(string(text), e.backslash) {
		switch verb, object := firstWords(stmt); {
		case verb == "INSERT":
			s.data = append(s.data, stmt)
		case object == "DATABASE", verb == "USE", verb == "DROP":
			// This program brings its own, empty database.
		case verb == "CREATE", verb == "ALTER":
			s.ddl = append(s.ddl, stmt)
		default:
			return script{}, fmt.Errorf("%s: unexpected %s statement", e.script, verb)
		}
	}
	if len(s.ddl) == 0 || len(s.data) == 0 {
		return script{}, fmt.Errorf("%s holds no Chinook database", e.script)
	}
	return s, nil
}

func firstWords(stmt string) (verb, object string) {
	words := strings.Fields(strings.ToUpper(stmt))
	if len(words) < 2 {
		return stmt, ""
	}
	return words[0], words[1]
}

// split cuts a script into statements without comments before them and without
// the closing semicolon. It knows strings, quoted names, comments, and the
// lines that are for psql and not for the server.
func split(text string, backslash bool) []string {
	var stmts []string
	start := -1 // of the current statement
	for i := 0; i < len(text); {
		if n := skipComment(text[i:]); n > 0 {
			i += n
			continue
		}
		c := text[i]
		switch {
		case c == '\\' && start < 0:
			i += lineLength(text[i:])
			continue
		case c == ';':
			if start >= 0 {
				stmts = append(stmts, strings.TrimSpace(text[start:i]))
			}
			start = -1
			i++
			continue
		case start < 0 && c > ' ':
			start = i
		}
		i += tokenLength(text[i:], backslash)
	}
	if start >= 0 {
		stmts = append(stmts, strings.TrimSpace(text[start:]))
	}
	return stmts
}

func skipComment(text string) int {
	switch {
	case strings.HasPrefix(text, "--"):
		return lineLength(text)
	case strings.HasPrefix(text, "/*"):
		if end := strings.Index(text, "*/"); end >= 0 {
			return end + 2
		}
		return len(text)
	}
	return 0
}

func lineLength(text string) int {
	if end := strings.IndexByte(text, '\n'); end >= 0 {
		return end + 1
	}
	return len(text)
}

// tokenLength is the length of a string or quoted name, or 1. A doubled quote
// reads as two strings, one after the other, which is as good here.
func tokenLength(text string, backslash bool) int {
	if !strings.ContainsRune("'\"`", rune(text[0])) {
		return 1
	}
	for i := 1; i < len(text); i++ {
		switch {
		case text[i] == '\\' && backslash && text[0] != '`':
			i++
		case text[i] == text[0]:
			return i + 1
		}
	}
	return len(text)
}
