package config

import (
	"fmt"
	"strings"
)

// Error is one fault of a configuration file. It holds names, positions and
// sentences of this package, never a value of the file.
type Error struct {
	// File is the name given to Load or Parse.
	File string
	// Line and Column are 1-based; Column counts characters. Both are 0 when
	// the fault is of the file as a whole.
	Line, Column int
	// Path names the place in the file: "tables.users.columns.ssn.type".
	Path string
	// Message says what is wrong, Suggestion what to write instead (a key, a
	// word or a sentence), or is empty.
	Message    string
	Suggestion string

	source *source
}

// Error returns "file:line:column: path: message (suggestion)".
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", e.Line, e.Column)
	}
	b.WriteString(": ")
	if e.Path != "" {
		b.WriteString(e.Path + ": ")
	}
	b.WriteString(e.Message)
	if e.Suggestion != "" {
		b.WriteString(" (" + e.Suggestion + ")")
	}
	return b.String()
}

// Excerpt returns the line of the file with a caret under the place, ending in
// a newline; or "" where there is none to show. Lines of the sections kms and
// metastore, and lines that are not certain to be outside them, are never
// shown: they may hold a password or, wrongly, a key.
func (e *Error) Excerpt() string { return e.source.excerpt(e.Line, e.Column) }

// Errors are all faults that one reading found, in the order of the file.
type Errors []*Error

// Error returns one line for each fault.
func (es Errors) Error() string {
	lines := make([]string, len(es))
	for i, e := range es {
		lines[i] = e.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives errors.As the single faults.
func (es Errors) Unwrap() []error {
	out := make([]error, len(es))
	for i, e := range es {
		out[i] = e
	}
	return out
}

// plainError is a fault of the file as a whole.
func plainError(file, message, suggestion string) Errors {
	return Errors{{File: file, Message: message, Suggestion: suggestion}}
}
