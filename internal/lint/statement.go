package lint

import "github.com/sealsql/sealsql/internal/script"

// Statement is a text that a program sends in one piece.
type Statement struct {
	Text script.Text
	// Query is the name of the query, where the file names it.
	Query string
	// Dialect is that of the statement; empty means that of the run.
	Dialect string
	// Defines is set for statements of scripts, which may define what those
	// behind them name.
	Defines bool
}

// Content is what was found in one file.
type Content struct {
	Statements []Statement
	// Faults are places that could not be read.
	Faults []Fault
	// Variable are calls whose text is not a constant, so that it is not known.
	Variable []script.Place
}

// Fault is a place that could not be read.
type Fault struct {
	Place   script.Place
	Message string
}
