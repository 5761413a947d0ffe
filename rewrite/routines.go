package rewrite

import "strings"

// function decides whether a call is clear (threats T3).
func (a *analysis) function(c *Call) error {
	if done, err := a.setConfig(c); done || err != nil {
		return err
	}
	if a.cat.Declared(c.Name) {
		a.runs(c.Name)
		return nil
	}
	name := c.Name[len(c.Name)-1]
	builtin := a.front.Function(strings.ToLower(name.Name))
	if len(c.Name) > 1 {
		q := strings.ToLower(c.Name[len(c.Name)-2].Name)
		builtin = builtin && a.dialect == Postgres && q == "pg_catalog"
	} else if a.cat.Routine(c.Name) {
		builtin = false
	}
	if builtin {
		return nil
	}
	return a.refuse(c.Start, ReasonRoutine, shown(name),
		"if the routine touches no annotated table declare it under routines: ("+strings.ToLower(shown(name))+": clear)")
}

// runs notes what a routine may change.
func (a *analysis) runs(name []Ident) {
	if a.cat.SetsSession(name) {
		a.effects |= EffectSession
	}
	if a.cat.Defines(name) {
		a.effects |= EffectCatalog | EffectSession
	}
}

// attributes looks at names behind a dot, which PostgreSQL takes for functions where no
// column has them: o.f and (o).f are f(o). What a name behind an expression is an
// attribute of is not known; behind a relation see attribute.
func (a *analysis) attributes(toks []Token) error {
	if a.dialect != Postgres {
		return nil
	}
	for i := 1; i+1 < len(toks); i++ {
		t := toks[i+1]
		if !isPunct(toks[i], ".") || !isName(t) || i+2 < len(toks) && isPunct(toks[i+2], "(") {
			continue
		}
		path := []Ident{{Name: a.foldToken(t)}}
		a.runs(path)
		if of := toks[i-1]; (isPunct(of, ")") || isPunct(of, "]")) && a.cat.Routine(path) {
			return a.undeclaredAttribute(path[0], t.Start)
		}
	}
	return nil
}

// attribute refuses a name behind that of a relation without such a column, if it is a
// routine's.
func (a *analysis) attribute(ref *ColumnRef) error {
	if name := ref.Path[len(ref.Path)-1]; a.dialect == Postgres && len(ref.Path) > 1 && a.cat.Routine([]Ident{name}) {
		return a.undeclaredAttribute(name, ref.Start)
	}
	return nil
}

func (a *analysis) undeclaredAttribute(name Ident, pos int) error {
	return a.refuse(pos, ReasonRoutine, shown(name), "the server may take the name for a call of the routine; if it touches no annotated table declare it under routines:")
}

// setConfig plans PostgreSQL's set_config('name', value, local) like SET of that
// setting. A setting of the application's own has a dot in its name, and means nothing
// to the server. done is false for every other call, and where the name is computed.
func (a *analysis) setConfig(c *Call) (done bool, err error) {
	name := c.Name[len(c.Name)-1]
	if a.dialect != Postgres || name.Name != "set_config" || len(c.Args) != 3 ||
		len(c.Name) > 1 && c.Name[len(c.Name)-2].Name != "pg_catalog" || len(c.Name) == 1 && a.cat.Routine(c.Name) {
		return false, nil
	}
	of, ok := c.Args[0].(*Literal)
	if !ok || of.Kind != LitString || of.Odd {
		return false, nil
	}
	setting := strings.ToLower(of.Value)
	if strings.Contains(setting, ".") {
		return true, nil
	}
	if a.declaring {
		return true, a.refuse(c.Start, ReasonSession, setting, "it would change when rows of the cursor are fetched; call set_config in a statement of its own")
	}
	a.effects |= EffectSession
	if why, bad := unsafeSettings[setting]; bad {
		return true, a.refuse(c.Start, ReasonSession, setting, why)
	}
	return true, nil
}
