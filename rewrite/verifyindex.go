package rewrite

// columns compares the column list of an INSERT, which index columns may have
// been added to.
func (v verifier) columns(x *Insert, g *growth, y []Ident) bool {
	if g == nil {
		return idents(x.Columns, y)
	}
	n := len(g.names)
	if len(y) != len(x.Columns)+n {
		return false
	}
	if x.SetForm { // the index columns come first
		return v.names(g.names, y[:n]) && idents(x.Columns, y[n:])
	}
	return idents(x.Columns, y[:len(x.Columns)]) && v.names(g.names, y[len(x.Columns):])
}

// grownRows compares the rows of an INSERT with the values added to each.
func (v verifier) grownRows(x *Insert, g *growth, y [][]Expr) bool {
	if g == nil {
		return v.rows(x.Values.Rows, y)
	}
	if len(x.Values.Rows) != len(y) || len(g.rows) != len(y) {
		return false
	}
	for i, row := range x.Values.Rows {
		n := len(g.rows[i])
		if len(y[i]) != len(row)+n {
			return false
		}
		own, added := y[i][:len(row)], y[i][len(row):]
		if x.SetForm {
			own, added = y[i][n:], y[i][:n]
		}
		if !v.exprs(row, own) {
			return false
		}
		for k, add := range g.rows[i] {
			if !v.added(add, added[k]) {
				return false
			}
		}
	}
	return true
}

// added holds an expression of the edited text against what was added there.
func (v verifier) added(add *addition, y Expr) bool {
	if add.form != nil {
		return verifier{b: v.b, copy: add.form}.expr(add.form.expr, y)
	}
	if add.slot != nil {
		return v.slot(add.slot, y)
	}
	switch y := y.(type) {
	case *Literal:
		return add.text == "NULL" && y.Kind == LitNull || y.Kind == LitNumber && y.Value == add.text
	case *Cast:
		return add.null != "" && y.Type == add.null && isNull(y.X)
	case *Default:
		return add.text == "DEFAULT"
	case *ValuesRef:
		return y.Column != nil && v.names(add.ref, y.Column.Path)
	case *ColumnRef:
		return v.names(add.ref, y.Path)
	}
	return false
}

// addedAssigns compares the assignments of indexes in front of the one of their
// column, or behind it, with those of the edited text from at on. It returns
// where the next one stands, -1 where they differ.
func (v verifier) addedAssigns(x *Assign, ahead bool, y []Assign, at int) int {
	for _, add := range v.b.a.assigns[x] {
		if add.ahead != ahead {
			continue
		}
		if at >= len(y) || !v.addedAssign(add, &y[at]) {
			return -1
		}
		at++
	}
	return at
}

// addedAssign compares the assignment of an index with what was planned.
func (v verifier) addedAssign(add *addition, y *Assign) bool {
	if len(y.Columns) != 1 {
		return false
	}
	path := y.Columns[0].Path
	n := len(path) - 1
	return path[n].Name == add.name && v.names(add.path, path[:n]) && v.added(add, y.Value)
}
