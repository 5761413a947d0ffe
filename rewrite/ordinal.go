package rewrite

import (
	"strconv"
	"strings"
)

// ordinal checks a sort key that an engine may read as the number of a result
// column. done means that the key is such a number and names a clear column, or
// none.
func (a *analysis) ordinal(e Expr, sc *scope, why Reason) (done bool, err error) {
	inner, _ := peelSign(e)
	switch x := inner.(type) {
	case *Literal:
		if x.Kind != LitNumber {
			return false, nil
		}
		n := ordinalValue(x.Value)
		if n < 1 {
			return true, nil
		}
		if n > shownOutputs(sc) {
			return true, a.beyond(e, sc)
		}
		return true, a.noSealed(sc.outputs[n-1:n], why, e.Pos(), hints[why])
	case *Param:
		// MariaDB takes an integer argument for the number of a column.
		if a.dialect != MySQL {
			return false, nil
		}
		return false, a.noSealed(sc.outputs, why, e.Pos(), "an argument may be read as the number of a result column; name the column")
	}
	return false, nil
}

// shownOutputs is the number of result columns that the caller knows of.
func shownOutputs(sc *scope) (n int) {
	for i := range sc.outputs {
		if !sc.outputs[i].hidden {
			n++
		}
	}
	return n
}

// beyond refuses the number of a column that is not there where one may be added
// behind the last: the engine would sort by it instead of reporting the fault.
func (a *analysis) beyond(e Expr, sc *scope) error {
	for i := range sc.outputs {
		if f := sc.outputs[i].flow; len(f) > 0 {
			return a.refuse(e.Pos(), ReasonAmbiguous, f[0].col.String(), "the result has no column of that number")
		}
	}
	return nil
}

// peelSign takes signs and COLLATE off, under which SQLite and MariaDB still see
// a number: - -2, 2 COLLATE NOCASE.
func peelSign(e Expr) (inner Expr, peeled bool) {
	for {
		op, ok := e.(*Op)
		if !ok || len(op.Args) != 1 || op.Name != "-" && op.Name != "+" && op.Name != "COLLATE" {
			return e, peeled
		}
		e, peeled = op.Args[0], true
	}
}

// ordinalValue reads a whole number as the engines spell them (2, +2, 0x2,
// 0_2); 0 for any other. The sign is dropped: two make none.
func ordinalValue(s string) int {
	s = strings.ToLower(strings.ReplaceAll(strings.TrimLeft(s, "+- "), "_", ""))
	base := 10
	for _, p := range []struct {
		prefix string
		base   int
	}{{"0x", 16}, {"0o", 8}, {"0b", 2}} {
		if rest, ok := strings.CutPrefix(s, p.prefix); ok {
			s, base = rest, p.base
			break // 0x0b1 is a number of 16
		}
	}
	n, err := strconv.ParseInt(s, base, 32)
	if err != nil {
		return 0
	}
	return int(n)
}
