package postgres

// word is what the front end needs to know about a token: which keyword or
// punctuation mark it is. Every word that neither ends a clause nor takes part
// in finding the end of a node is wordNone.
type word uint8

const (
	wordNone word = iota
	// Punctuation.
	pLParen
	pRParen
	pLBracket
	pRBracket
	pComma
	pSemicolon
	pDot
	pCast // ::
	pOp   // every other operator
	// Keywords that begin a statement or the core of a query.
	kwSelect
	kwValues
	kwTable
	kwWith
	kwInsert
	kwUpdate
	kwDelete
	kwMerge
	// Keywords that begin a clause; all are reserved.
	kwInto
	kwFrom
	kwWhere
	kwGroup
	kwHaving
	kwWindow
	kwUnion
	kwIntersect
	kwExcept
	kwOrder
	kwLimit
	kwOffset
	kwFetch
	kwFor
	kwReturning
	kwOn
	// Joins.
	kwJoin
	kwUsing
	kwCross
	kwNatural
	kwLateral
	kwOnly
	// Parts of expressions.
	kwAnd
	kwOr
	kwNot
	kwIs
	kwIsNull
	kwNotNull
	kwIn
	kwBetween
	kwLike
	kwIlike
	kwSimilar
	kwSymmetric
	kwAsymmetric
	kwDistinct
	kwAll
	kwAny
	kwSome
	kwCase
	kwEnd
	kwAs
	kwNull
	kwOperator
	kwCollate
	kwAt
	kwEscape
	kwCastWord // CAST
	kwUescape
	kwSubstring
	kwOverlay
	kwJSONObject
	// Parts of calls.
	kwFilter
	kwWithin
	kwOver
	// Parts of type names.
	kwArray
	kwSetof
	kwDouble
	kwPrecision
	kwCharacter
	kwChar
	kwNchar
	kwNational
	kwVarying
	kwBit
	kwTimestamp
	kwTime
	kwWithout
	kwZone
	kwInterval
	kwYear
	kwMonth
	kwDay
	kwHour
	kwMinute
	kwSecond
	kwTo
	// Parts of statements.
	kwSet
	kwMaterialized
	kwDefault
	kwOverriding
	kwConflict
	kwDo
	kwConstraint
	kwNulls
	kwFormat
	kwUnique
	kwCollation
)

var keywords = map[string]word{
	"select": kwSelect, "values": kwValues, "table": kwTable, "with": kwWith,
	"insert": kwInsert, "update": kwUpdate, "delete": kwDelete, "merge": kwMerge,
	"into": kwInto, "from": kwFrom, "where": kwWhere, "group": kwGroup,
	"having": kwHaving, "window": kwWindow, "union": kwUnion,
	"intersect": kwIntersect, "except": kwExcept, "order": kwOrder,
	"limit": kwLimit, "offset": kwOffset, "fetch": kwFetch, "for": kwFor,
	"returning": kwReturning, "on": kwOn,
	"join": kwJoin, "using": kwUsing, "cross": kwCross, "natural": kwNatural,
	"lateral": kwLateral, "only": kwOnly,
	"and": kwAnd, "or": kwOr, "not": kwNot, "is": kwIs, "isnull": kwIsNull,
	"notnull": kwNotNull, "in": kwIn, "between": kwBetween, "like": kwLike,
	"ilike": kwIlike, "similar": kwSimilar, "symmetric": kwSymmetric,
	"asymmetric": kwAsymmetric, "distinct": kwDistinct, "all": kwAll,
	"any": kwAny, "some": kwSome, "case": kwCase, "end": kwEnd, "as": kwAs,
	"null": kwNull, "operator": kwOperator, "collate": kwCollate, "at": kwAt,
	"escape": kwEscape, "cast": kwCastWord, "uescape": kwUescape,
	"substring": kwSubstring, "overlay": kwOverlay, "json_object": kwJSONObject,
	"filter": kwFilter, "within": kwWithin, "over": kwOver,
	"array": kwArray, "setof": kwSetof, "double": kwDouble,
	"precision": kwPrecision, "character": kwCharacter, "char": kwChar,
	"nchar": kwNchar, "national": kwNational, "varying": kwVarying,
	"bit": kwBit, "timestamp": kwTimestamp, "time": kwTime,
	"without": kwWithout, "zone": kwZone, "interval": kwInterval,
	"year": kwYear, "month": kwMonth, "day": kwDay, "hour": kwHour,
	"minute": kwMinute, "second": kwSecond, "to": kwTo,
	"set": kwSet, "materialized": kwMaterialized, "default": kwDefault,
	"overriding": kwOverriding, "conflict": kwConflict, "do": kwDo,
	"constraint": kwConstraint, "nulls": kwNulls, "format": kwFormat,
	"unique": kwUnique, "collation": kwCollation,
}

const maxKeyword = 12 // len("materialized")

// keywordOf looks up an unquoted word; PostgreSQL folds ASCII only.
func keywordOf(s string) word {
	if len(s) > maxKeyword || len(s) < 2 {
		return wordNone
	}
	var b [maxKeyword]byte
	for i := 0; i < len(s); i++ {
		c := s[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		b[i] = c
	}
	return keywords[string(b[:len(s)])]
}
