package rewrite

// NULL without a type, on PostgreSQL. Beside a value it is of that value's type; a form,
// a query or a set operation in which nothing has a type is a text, and nothing but texts
// may stand beside it. The arms of a set operation are united two by two:
//
//	SELECT NULL UNION ALL SELECT NULL UNION ALL SELECT c FROM t
//	SELECT CAST(NULL AS bytea) UNION ALL SELECT CAST(NULL AS bytea) UNION ALL SELECT c FROM t
//
// Such NULLs are constants (constants.go) that await what takes them: what is encrypted
// gives them the type of its carrier, anything else leaves them as they are.

// bareNull is the one NULL without a type that a column is; nil for others.
func (c *column) bareNull() *Literal {
	if !c.null || c.consts != nil || c.konst == nil {
		return nil
	}
	l, _ := c.konst.(*Literal)
	return l
}

// textNulls makes the columns of a query that is read as a relation or a value, which are
// texts where they are NULL, constants.
func (a *analysis) textNulls(cols []column) []column {
	if a.dialect != Postgres {
		return cols
	}
	copied := false
	for i := range cols {
		if cols[i].bareNull() == nil {
			continue
		}
		if !copied {
			cols, copied = append([]column(nil), cols...), true
		}
		a.textNullOf(&cols[i], cols[i:i+1])
	}
	return cols
}

// textNullOf makes out, of which all parts are NULL, constants of those that have no type.
func (a *analysis) textNullOf(out *column, parts []column) {
	var list []fixed
	for i := range parts {
		l := parts[i].bareNull()
		if l == nil || !l.Known() {
			return // out is joined with constants, or not edited
		}
		list = append(list, fixed{expr: l})
	}
	out.consts = &constants{list: list}
	a.undecided = append(a.undecided, out.consts)
}

// nothing reports constants that are nothing but NULL without a type: they need no
// partition, and say nothing.
func (c *constants) nothing() bool {
	for _, f := range c.root().list {
		if f.cast != nil || !isNull(f.expr) {
			return false
		}
	}
	return true
}

// typeNull gives a NULL a type.
func (a *analysis) typeNull(l *Literal, typ string) {
	if a.typed == nil {
		a.typed = map[*Literal]string{}
	}
	a.typed[l] = typ
}

// typedText is a NULL of a type.
func typedText(typ string) string { return "CAST(NULL AS " + typ + ")" }

// typedNull compares a NULL with one that has got a type.
func typedNull(typ string, y Expr) bool {
	c, ok := y.(*Cast)
	return ok && c.Type == typ && isNull(c.X)
}
