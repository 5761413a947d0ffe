package litevalue

import (
	"strings"

	"github.com/sealsql/sealsql/schema"
)

// affinity is the type affinity of a column, sqlite.org/datatype3.html §3.1.
type affinity uint8

const (
	affNumeric affinity = iota // NUMERIC and INTEGER: they differ only in CAST
	affReal
	affText
	affBlob
)

// declared returns the words of the column's declaration as SQLite sees them,
// in lower case.
func declared(t *schema.Type) string {
	d := t.Declared
	if d == "" {
		d = t.Name
	}
	if d == "bytes" {
		return "blob"
	}
	return strings.ToLower(d)
}

// affinityOf applies the rules of datatype3.html §3.1 in their order: INT wins
// over everything, then CHAR, CLOB and TEXT, then BLOB (or no type at all),
// then REAL, FLOA and DOUB.
func affinityOf(decl string) affinity {
	switch {
	case strings.Contains(decl, "int"):
		return affNumeric
	case strings.Contains(decl, "char"), strings.Contains(decl, "clob"), strings.Contains(decl, "text"):
		return affText
	case decl == "", strings.Contains(decl, "blob"):
		return affBlob
	case strings.Contains(decl, "real"), strings.Contains(decl, "floa"), strings.Contains(decl, "doub"):
		return affReal
	}
	return affNumeric
}

// isTime reports whether the driver turns text of a column so declared into
// time.Time: the whole declaration must be one of three words.
func isTime(decl string) bool {
	return decl == "date" || decl == "datetime" || decl == "timestamp"
}
