package rewrite

import (
	"maps"
	"slices"
)

// reasonNames are the names of the reasons in reports of tools: those of the
// constants in lower case. They do not change.
var reasonNames = map[Reason]string{
	ReasonSyntax:            "syntax",
	ReasonTooLong:           "too-long",
	ReasonTooDeep:           "too-deep",
	ReasonParser:            "parser",
	ReasonExecutableComment: "executable-comment",
	ReasonSession:           "session",
	ReasonUnknownRelation:   "unknown-relation",
	ReasonView:              "view",
	ReasonInheritance:       "inheritance",
	ReasonShadowed:          "shadowed",
	ReasonRoutine:           "routine",
	ReasonTrigger:           "trigger",
	ReasonDynamic:           "dynamic",
	ReasonComputed:          "computed",
	ReasonDefault:           "default",
	ReasonSealedToClear:     "sealed-to-clear",
	ReasonDomain:            "domain",
	ReasonPredicate:         "predicate",
	ReasonOrder:             "order",
	ReasonGroup:             "group",
	ReasonFunction:          "function",
	ReasonExpression:        "expression",
	ReasonClearUse:          "clear-use",
	ReasonWholeRow:          "whole-row",
	ReasonHiddenColumn:      "hidden-column",
	ReasonPartition:         "partition",
	ReasonPartitionWrite:    "partition-write",
	ReasonConflictTarget:    "conflict-target",
	ReasonSetOperation:      "set-operation",
	ReasonJoin:              "join",
	ReasonAmbiguous:         "ambiguous",
	ReasonStatement:         "statement",
	ReasonDDL:               "ddl",
	ReasonMultiStatement:    "multi-statement",
	ReasonLiteral:           "literal",
	ReasonCatalog:           "catalog",
	ReasonMetastore:         "metastore",
	ReasonVerify:            "verify",
	ReasonParameters:        "parameters",
	ReasonUnknownColumn:     "unknown-column",
	ReasonRow:               "row",
	ReasonRowWrite:          "row-write",
	ReasonFault:             "fault",
}

// Name is the reason in one lower-case word with hyphens, for reports that
// programs read: "clear-use" of ReasonClearUse. It is empty for no reason.
func (r Reason) Name() string { return reasonNames[r] }

// Reasons returns every reason, in order.
func Reasons() []Reason { return slices.Sorted(maps.Keys(reasonText)) }
