package config

import (
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/token"
)

// withinBounds limits what the parser gets to see.
func withinBounds(tokens token.Tokens, report func(line, col int, message, suggestion string)) bool {
	if len(tokens) > maxTokens {
		t := tokens[maxTokens].Position
		report(t.Line, t.Column, fmt.Sprintf("more than %d YAML tokens", maxTokens), "split the configuration by service")
		return false
	}
	flow, line, onLine := 0, 0, 0
	for _, t := range tokens {
		if t.Position == nil {
			continue
		}
		if t.Position.Line != line {
			line, onLine = t.Position.Line, 0
		}
		switch t.Type {
		case token.MappingStartType, token.SequenceStartType:
			flow++
		case token.MappingEndType, token.SequenceEndType:
			flow--
		case token.SequenceEntryType, token.MappingKeyType, token.AnchorType, token.TagType:
			onLine++
		}
		if flow > maxDepth || onLine > maxTokens/100 || t.Position.Column > 8*1024 && t.Type != token.CommentType {
			report(t.Position.Line, t.Position.Column, "nested too deeply, or a line too long", "")
			return false
		}
	}
	return true
}

// translations give the YAML library's complaints in our words; its own may
// quote the file.
var translations = []struct{ has, message, suggestion string }{
	{"cannot start any token", "tabs cannot indent YAML", "use blanks"},
	{"tab", "tabs cannot indent YAML", "use blanks"},
	{"end character of", "a quoted text does not end", "close the quote on this line"},
	{"unknown escape", "unknown escape in a double-quoted text", "use single quotes"},
	{"escape", "wrong escape in a double-quoted text", "use single quotes"},
	{"reserved character", "a value cannot begin with this character", "put it in quotes"},
	{"mapping value is not allowed", "a mapping cannot begin here", "check the indentation, or put a value with a colon in quotes"},
	{"'}'", "a flow mapping is not well formed", "check the commas and the closing }"},
	{"flow map", "a flow mapping is not well formed", "check the commas and the closing }"},
	{"']'", "a flow list is not well formed", "check the commas and the closing ]"},
	{"'['", "a closing ] has no opening one", ""},
	{"'{'", "a closing } has no opening one", ""},
	{"sequence element", "a list is not well formed", "check the commas"},
	{"key name", "a key stands without its colon and value", "write key: value"},
	{"non-map value", "a value stands where a key is expected", "write key: value, indented like the keys beside it"},
	{"value is not allowed", "a value cannot stand here", "check the indentation"},
	{"invalid key", "a key stands in the wrong place", "check the indentation"},
	{"map key", "a key stands in the wrong place", "check the indentation"},
	{"document", "only one YAML document is allowed", "remove the separator"},
	{"anchor", "an anchor is not well formed", ""},
	{"alias", "an alias is not well formed", ""},
	{"directive", "YAML directives are not allowed", "remove the line"},
	{"YAML version", "YAML directives are not allowed", "remove the line"},
	{"tag", "YAML tags are not allowed", "remove the word that begins with !"},
}

// translate gives the place of a YAML error and a message of ours.
func translate(err error) (line, col int, message, suggestion string) {
	line, col = 1, 1
	message = "not valid YAML here"
	var y yaml.Error
	if !asYAML(err, &y) {
		return line, col, message, ""
	}
	if t := y.GetToken(); t != nil && t.Position != nil {
		line, col = max(1, t.Position.Line), max(1, t.Position.Column)
	}
	said := y.GetMessage()
	for _, t := range translations {
		if strings.Contains(said, t.has) {
			return line, col, t.message, t.suggestion
		}
	}
	return line, col, message, ""
}

func asYAML(err error, y *yaml.Error) bool {
	e, ok := err.(yaml.Error)
	*y = e
	return ok
}
