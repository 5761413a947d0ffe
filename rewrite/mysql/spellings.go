package mysql

import (
	"strings"

	"github.com/sqlc-dev/marino/charset"

	"github.com/sealsql/sealsql/rewrite"
)

// Spellings of the servers that the parser does not know, shown to it in one
// that it does. What is shown has the length of the text; edits are made in the
// text itself, whose every token is accounted for.

// writable returns out, or a copy of the text where there is none yet.
func writable(lx *lexed, out []byte) []byte {
	if out == nil {
		return []byte(lx.text)
	}
	return out
}

// reports shows MariaDB's ANALYZE of a statement, which runs it and explains it,
// as EXPLAIN, and takes EXTENDED and PARTITIONS out of EXPLAIN.
func reports(lx *lexed, out []byte) []byte {
	switch {
	case lx.isWord(0, "ANALYZE") && !lx.isWord(1, "TABLE") && (statementWord(lx, 1) || lx.isWord(1, "FORMAT")):
		out = writable(lx, out)
		copy(out[lx.tokens[0].Start:], "EXPLAIN")
	case (lx.isWord(0, "EXPLAIN") || lx.isWord(0, "DESCRIBE") || lx.isWord(0, "DESC")) &&
		(lx.isWord(1, "EXTENDED") || lx.isWord(1, "PARTITIONS")) && statementWord(lx, 2):
		out = writable(lx, out)
		blankBytes(out, lx.tokens[1].Start, lx.tokens[1].End)
	}
	return out
}

// waits takes out what MariaDB allows behind LOCK IN SHARE MODE.
func waits(lx *lexed, out []byte) []byte {
	for i := range lx.tokens {
		if !lx.isWord(i, "MODE") || !lx.isWord(i-1, "SHARE") || !lx.isWord(i-2, "IN") || !lx.isWord(i-3, "LOCK") {
			continue
		}
		if n := wait(lx, i+1); n > 0 {
			out = writable(lx, out)
			blankBytes(out, lx.tokens[i+1].Start, lx.tokens[i+n].End)
		}
	}
	return out
}

// wait returns how many tokens from i on say how long a lock is waited for.
func wait(lx *lexed, i int) int {
	switch {
	case lx.isWord(i, "NOWAIT"):
		return 1
	case lx.isWord(i, "SKIP") && lx.isWord(i+1, "LOCKED"),
		lx.isWord(i, "WAIT") && i+1 < len(lx.tokens) && lx.tokens[i+1].Kind == rewrite.TokNumber:
		return 2
	}
	return 0
}

// stoodIn is a collation that the parser knows; no name of one that it does not
// know is shorter.
const stoodIn = "binary"

// collations puts a collation that the parser knows in place of those that it
// does not: MariaDB has hundreds of its own. Which one it is matters to the
// server alone.
func collations(lx *lexed, out []byte) []byte {
	for i := range lx.tokens {
		if !lx.isWord(i, "COLLATE") || lx.isPunct(i-1, ".") {
			continue
		}
		k := i + 1
		if lx.isPunct(k, "=") {
			k++
		}
		if k >= len(lx.tokens) || !unknownCollation(&lx.tokens[k]) {
			continue
		}
		at := lx.tokens[k].Span
		out = writable(lx, out)
		blankBytes(out, at.Start, at.End)
		copy(out[at.Start:at.End], stoodIn)
	}
	return out
}

// unknownCollation reports the name of a collation that the parser lacks.
func unknownCollation(t *rewrite.Token) bool {
	if t.Kind != rewrite.TokWord && t.Kind != rewrite.TokQuoted && t.Kind != rewrite.TokString || len(t.Text) <= len(stoodIn) {
		return false
	}
	for i := 0; i < len(t.Text); i++ {
		if c := t.Text[i] | 0x20; (c < 'a' || c > 'z') && (t.Text[i] < '0' || t.Text[i] > '9') && t.Text[i] != '_' {
			return false
		}
	}
	_, err := charset.GetCollationByName(t.Text)
	return err != nil && strings.IndexByte(t.Text, '_') > 0
}
