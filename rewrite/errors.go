package rewrite

import (
	"fmt"
	"strings"
)

// Reason says why a statement was refused. The set is closed.
type Reason uint8

// The reasons of refusal.
const (
	ReasonSyntax            Reason = iota + 1 // no parser understands the text and it may touch an annotated table
	ReasonTooLong                             // text longer than MaxTextBytes
	ReasonTooDeep                             // nesting deeper than MaxNesting
	ReasonParser                              // the parser failed on the text
	ReasonExecutableComment                   // /*! … */ that cannot be resolved
	ReasonSession                             // session settings make the text unreadable, or the statement would set such
	ReasonUnknownRelation                     // a relation that is not known to be clear
	ReasonView                                // a view (rule, synonym, foreign table) that reaches an annotated table
	ReasonInheritance                         // a partition, parent or child of an annotated table
	ReasonShadowed                            // a temporary or other relation stands where an annotated table is expected
	ReasonRoutine                             // a function or procedure that is not known to be clear
	ReasonTrigger                             // a trigger that may touch an annotated table
	ReasonDynamic                             // SQL built or prepared in the server
	ReasonComputed                            // a value computed by the server would be stored in an encrypted column
	ReasonDefault                             // a DEFAULT would fill an encrypted column
	ReasonSealedToClear                       // an encrypted value would be stored in a clear column
	ReasonDomain                              // an encrypted value would be stored in another encrypted column
	ReasonPredicate                           // an encrypted column is compared
	ReasonOrder                               // an encrypted column is sorted by
	ReasonGroup                               // an encrypted column is grouped by or made distinct
	ReasonFunction                            // an encrypted column is an argument of a function or operator
	ReasonExpression                          // an encrypted column stands in an expression without a rule
	ReasonClearUse                            // a value bound to an encrypted column is also used in clear
	ReasonWholeRow                            // a whole row of an annotated table is used as a value
	ReasonHiddenColumn                        // a column that belongs to sealsql is named
	ReasonPartition                           // the partition of a value cannot be told
	ReasonPartitionWrite                      // the partition column would be changed
	ReasonConflictTarget                      // an encrypted column is part of a conflict target
	ReasonSetOperation                        // a set operation compares encrypted values, or mixes them with clear ones
	ReasonJoin                                // NATURAL or USING over an encrypted column
	ReasonAmbiguous                           // a name that cannot be resolved
	ReasonStatement                           // a kind of statement that is not supported on annotated tables
	ReasonDDL                                 // a change of an annotated table's definition
	ReasonMultiStatement                      // several statements in one text where one of them is annotated
	ReasonLiteral                             // a literal whose value depends on settings
	ReasonCatalog                             // the database's catalog cannot be read now
	ReasonMetastore                           // the key table is named
	ReasonVerify                              // the edited text did not parse to what was planned
	ReasonParameters                          // parameters cannot be numbered, or too many
	ReasonUnknownColumn                       // a name that no column has, in a statement on an annotated table
	ReasonRow                                 // the row that a value is bound to cannot be told
	ReasonRowWrite                            // the row identity would be changed
	ReasonFault                               // sealsql failed on the statement
)

var reasonText = map[Reason]string{
	ReasonSyntax:            "statement not understood",
	ReasonTooLong:           "statement too long",
	ReasonTooDeep:           "statement nested too deeply",
	ReasonParser:            "parser failed on the statement",
	ReasonExecutableComment: "executable comment",
	ReasonSession:           "session setting",
	ReasonUnknownRelation:   "relation not known to be clear",
	ReasonView:              "view over an annotated table",
	ReasonInheritance:       "partition or inheritance relative of an annotated table",
	ReasonShadowed:          "relation shadows an annotated table",
	ReasonRoutine:           "routine not known to be clear",
	ReasonTrigger:           "trigger may touch an annotated table",
	ReasonDynamic:           "SQL built in the server",
	ReasonComputed:          "value computed by the server",
	ReasonDefault:           "value filled in by the server",
	ReasonSealedToClear:     "encrypted value into a clear column",
	ReasonDomain:            "encrypted value into another encrypted column",
	ReasonPredicate:         "comparison of an encrypted column",
	ReasonOrder:             "ordering by an encrypted column",
	ReasonGroup:             "grouping by an encrypted column",
	ReasonFunction:          "function or operator over an encrypted column",
	ReasonExpression:        "expression over an encrypted column",
	ReasonClearUse:          "value of an encrypted column used in clear",
	ReasonWholeRow:          "whole row of an annotated table",
	ReasonHiddenColumn:      "column reserved by sealsql",
	ReasonPartition:         "partition not known",
	ReasonPartitionWrite:    "partition column changed",
	ReasonConflictTarget:    "encrypted column in a conflict target",
	ReasonSetOperation:      "set operation over encrypted values",
	ReasonJoin:              "join by name over an encrypted column",
	ReasonAmbiguous:         "name not resolved",
	ReasonStatement:         "statement not supported on annotated tables",
	ReasonDDL:               "definition of an annotated table",
	ReasonMultiStatement:    "several statements in one text",
	ReasonLiteral:           "literal depends on settings",
	ReasonCatalog:           "catalog not readable",
	ReasonMetastore:         "key table named",
	ReasonVerify:            "edited statement failed its check",
	ReasonParameters:        "parameters",
	ReasonUnknownColumn:     "column not known",
	ReasonRow:               "row not known",
	ReasonRowWrite:          "row identity changed",
	ReasonFault:             "sealsql failed on the statement",
}

func (r Reason) String() string {
	if s, ok := reasonText[r]; ok {
		return s
	}
	return fmt.Sprintf("reason %d", uint8(r))
}

// UnsupportedError refuses a statement before anything was sent. It never
// holds statement text (threats T12): Pos points into the caller's text.
type UnsupportedError struct {
	// Column is the annotated column ("users.ssn") or relation that the
	// refusal is about; "" where there is none.
	Column string
	// Pos is the byte offset in the caller's text, from 0; -1 when unknown.
	Pos    int
	Reason Reason
	// Hint says how to write it instead.
	Hint string
}

func (e *UnsupportedError) Error() string {
	var b strings.Builder
	b.WriteString("sealsql: refused: ")
	b.WriteString(e.Reason.String())
	if e.Column != "" {
		fmt.Fprintf(&b, " (%s)", e.Column)
	}
	if e.Pos >= 0 {
		fmt.Fprintf(&b, " at byte %d", e.Pos)
	}
	if e.Hint != "" {
		b.WriteString("; ")
		b.WriteString(e.Hint)
	}
	return b.String()
}

// shown is a name as a message may hold it. A quoted name that nothing is known
// by may be a value in the wrong quotes (threats T12); its place says enough.
func shown(id Ident) string {
	if id.Quoted {
		return ""
	}
	return id.Name
}
