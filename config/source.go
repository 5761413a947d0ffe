package config

import (
	"fmt"
	"reflect"
	"strings"
	"unicode/utf8"
)

// source is the text of a file, for excerpts.
type source struct {
	lines []string
	// section is, per line, the top-level key that the line belongs to, as far
	// as its looks tell; empty when they do not.
	section []string
}

// secretSections may hold what must not be printed.
var secretSections = map[string]bool{"kms": true, "metastore": true}

func newSource(data []byte) *source {
	s := &source{lines: strings.Split(string(data), "\n")}
	s.section = make([]string, len(s.lines))
	current := ""
	for i, line := range s.lines {
		line = strings.TrimSuffix(line, "\r")
		s.lines[i] = line
		if line != "" && line[0] != ' ' && line[0] != '\t' && line[0] != '#' {
			current = topKey(line)
		}
		s.section[i] = current
	}
	return s
}

// topKey returns the key that a line in the first column begins, or "".
func topKey(line string) string {
	key, _, ok := strings.Cut(line, ":")
	if !ok {
		return ""
	}
	return strings.Trim(strings.TrimSpace(key), `"'`)
}

// excerpt shows a line only when its section is known and harmless, so that a
// misspelled "kms:" or a file in one line shows nothing.
func (s *source) excerpt(line, column int) string {
	if s == nil || line < 1 || line > len(s.lines) {
		return ""
	}
	section := s.section[line-1]
	if secretSections[section] || !isTopKey(section) {
		return ""
	}
	const widest = 160
	text := s.lines[line-1]
	if utf8.RuneCountInString(text) > widest || strings.ContainsFunc(text, unprintable) {
		return ""
	}
	caret := strings.Repeat(" ", max(0, column-1))
	gutter := fmt.Sprintf("%5d | ", line)
	blank := strings.Repeat(" ", len(gutter)-2) + "| "
	return gutter + strings.ReplaceAll(text, "\t", " ") + "\n" + blank + caret + "^\n"
}

// unprintable finds what could move a terminal's cursor or its mind.
func unprintable(r rune) bool {
	return r != '\t' && (r < ' ' || r >= 0x7f && r < 0xa0 || r >= 0x200b && r <= 0x200f ||
		r >= 0x2028 && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0xfeff || r == utf8.RuneError)
}

// isTopKey reports whether key is a top-level key of the vocabulary.
func isTopKey(key string) bool {
	_, ok := fieldOf(reflect.TypeFor[file](), key)
	return ok
}
