package sqlite

import (
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/sealsql/sealsql/rewrite"
)

// QuoteIdent writes name in double quotes. name must not hold a NUL byte,
// which no SQLite name can.
func (frontend) QuoteIdent(name string) string {
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
}

// AppendIdent appends what QuoteIdent returns.
func (frontend) AppendIdent(dst []byte, name string) []byte {
	return rewrite.AppendQuoted(dst, '"', name)
}

// Placeholder writes "?3", whatever stands in front of it.
func (frontend) Placeholder(n int) string { return "?" + strconv.Itoa(n) }

// AppendPlaceholder appends what Placeholder returns.
func (frontend) AppendPlaceholder(dst []byte, n int) []byte {
	return strconv.AppendInt(append(dst, '?'), int64(n), 10)
}

// BytesLiteral writes x'…'.
func (frontend) BytesLiteral(b []byte) string {
	return "x'" + hex.EncodeToString(b) + "'"
}

// StringLiteral writes '…'. SQLite has no escape but the doubled quote. A text
// with a NUL byte, where SQLite would stop reading, is written as a cast of
// its bytes.
func (f frontend) StringLiteral(s string) string {
	if strings.IndexByte(s, 0) >= 0 {
		return "CAST(" + f.BytesLiteral([]byte(s)) + " AS TEXT)"
	}
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}
