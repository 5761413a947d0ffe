package rewrite

import "strings"

// function decides whether a call is clear (threats T3).
func (a *analysis) function(c *Call) error {
	if done, err := a.setConfig(c); done || err != nil {
		return err
	}
	if a.cat.Declared(c.Name) {
		if a.cat.SetsSession(c.Name) {
			a.effects |= EffectSession
		}
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
