package rewrite

import "strconv"

// INTERSECT and EXCEPT over encrypted columns. As for UNION the arms are united
// with all their rows and indexes, and every row says which arm it comes from. A
// group stays if the operations say so of the arms that it has rows of:
//
//	SELECT c FROM t EXCEPT SELECT d FROM u
//	SELECT (array_agg("c"))[1] AS "c" FROM (SELECT c, 1 AS "sealsql_p2", t.c_bidx AS "sealsql_p1" FROM t
//	UNION ALL SELECT d, 2 AS "sealsql_p2", u.d_bidx AS "sealsql_p3" FROM u) AS "sealsql_u" GROUP BY "sealsql_p1"
//	HAVING max(CASE WHEN "sealsql_p2" = 1 THEN 1 ELSE 0 END) = 1 AND NOT max(CASE WHEN "sealsql_p2" = 2 …) = 1
//
// With ALL the rows of each side are numbered among their equals, and the number
// is one more key: the nth row of the left side meets the nth of the right.

// counts reports an operation in which it matters how often a row occurs: with
// ALL, but for INTERSECT ALL and EXCEPT ALL of a left side of which every row
// occurs once. Then the result has it once, too, or not at all.
func (s *SetOp) counts() bool { return s.All && (s.Name == "UNION" || !distinctRows(s.Left)) }

func distinctRows(b Body) bool {
	switch x := b.(type) {
	case *Query:
		return distinctRows(x.Body)
	case *SetOp:
		return !x.counts()
	}
	return false
}

// mark plans which groups stay, and has every arm say which it is. All of them
// have room for a column, since they show their indexes.
func (a *analysis) mark(s *SetOp, u *union) {
	plain := true
	for _, op := range u.ops {
		plain = plain && op.Name == "UNION"
	}
	if plain {
		return
	}
	a.named++
	u.marker = hiddenName(a.named)
	numbers := u.numbers(s)
	for _, arm := range u.arms {
		add := &addition{
			at: arm.ItemsEnd, lead: ", ", text: strconv.Itoa(numbers[arm]), name: u.marker, alias: u.marker,
			trail: " AS " + a.front.QuoteIdent(u.marker),
		}
		if a.listed == nil {
			a.listed = map[*Select][]*addition{}
		}
		a.listed[arm] = append(a.listed[arm], add)
		a.adds = append(a.adds, add)
	}
	u.formula = u.holds(s, a.front.QuoteIdent(u.marker), numbers)
	if s.counts() {
		a.named++
		u.nth = hiddenName(a.named)
	}
}

// numbers are what the arms say: with ALL 1 on the left side and 2 on the right,
// else each its own.
func (u *union) numbers(s *SetOp) map[*Select]int {
	out := map[*Select]int{}
	for i, arm := range u.arms {
		out[arm] = i + 1
	}
	if !s.counts() {
		return out
	}
	var left union
	left.arm(s.Left, true)
	for _, arm := range u.arms {
		out[arm] = 2
	}
	for _, arm := range left.arms {
		out[arm] = 1
	}
	return out
}

// holds writes the condition under which a group is in the result.
func (u *union) holds(b Body, marker string, numbers map[*Select]int) string {
	switch x := b.(type) {
	case *Query:
		return u.holds(x.Body, marker, numbers)
	case *SetOp:
		op := map[string]string{"UNION": " OR ", "INTERSECT": " AND ", "EXCEPT": " AND NOT "}[x.Name]
		return "(" + u.holds(x.Left, marker, numbers) + op + u.holds(x.Right, marker, numbers) + ")"
	case *Select:
		return "(max(CASE WHEN " + marker + " = " + strconv.Itoa(numbers[x]) + " THEN 1 ELSE 0 END) = 1)"
	}
	return ""
}

// keptFlow is what a column may hold: of the arms whose rows may be in a group
// that stays.
func (a *analysis) keptFlow(s *SetOp, u *union, at int) flow {
	var out flow
	for i, arm := range u.arms {
		if !u.stays(s, i) {
			continue
		}
		for _, f := range a.eq.outputsOf(arm)[at].flow {
			merge(&out, f)
		}
	}
	return out
}

// maxTried bounds the arms of which all combinations are tried.
const maxTried = 12

// stays reports whether a group with rows of arm i can be in the result.
func (u *union) stays(s *SetOp, i int) bool {
	if len(u.arms) > maxTried {
		return true
	}
	numbers := map[*Select]int{}
	for k, arm := range u.arms {
		numbers[arm] = k
	}
	for has := 0; has < 1<<len(u.arms); has++ {
		if has>>i&1 == 1 && inResult(s, func(arm *Select) bool { return has>>numbers[arm]&1 == 1 }) {
			return true
		}
	}
	return false
}

// inResult evaluates a set operation for a row that is in some of its arms.
func inResult(b Body, has func(*Select) bool) bool {
	switch x := b.(type) {
	case *Query:
		return inResult(x.Body, has)
	case *SetOp:
		left, right := inResult(x.Left, has), inResult(x.Right, has)
		switch x.Name {
		case "INTERSECT":
			return left && right
		case "EXCEPT":
			return left && !right
		}
		return left || right
	case *Select:
		return has(x)
	}
	return false
}
