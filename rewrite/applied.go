package rewrite

import (
	"strings"

	"github.com/sealsql/sealsql/schema"
)

// Casts are the types of casts that the plan left out around a constant, the
// innermost first, each as Cast.Type spells it and with a NUL behind it. The
// driver converts the value as they would before it is sealed or indexed. Empty:
// there is none, or none that changes what the column stores.
type Casts string

// List returns the types, the innermost first; nil for none.
func (c Casts) List() []string {
	if c == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(string(c), "\x00"), "\x00")
}

// unwrapped is what stands under casts.
func unwrapped(e Expr) Expr {
	for {
		c, ok := e.(*Cast)
		if !ok {
			return e
		}
		e = c.X
	}
}

const comparedCastHint = "compare with the value that the cast gives"

const castHint = "the cast may change the value before it is sealed: cast to the column's own type, or bind the value that the cast gives"

// casting says what becomes of the casts around a constant whose value an
// encrypted column of this type takes: they are left out, and what is returned
// is what the driver does in their place. ok is false where neither is known to
// give the value that the server would store.
func (a *analysis) casting(e Expr, t *schema.Type) (casts Casts, ok bool) {
	c, isCast := e.(*Cast)
	if !isCast {
		return "", true
	}
	if a.dropsCast(c, t) {
		return "", true
	}
	if casts, ok := a.enumerates(c, t); ok {
		return casts, true
	}
	for ; isCast; c, isCast = c.X.(*Cast) {
		if !c.Known() || !c.X.Range().Known() || strings.IndexByte(c.Type, 0) >= 0 {
			return "", false
		}
		casts = Casts(c.Type) + "\x00" + casts
	}
	return casts, a.converts(unwrapped(e), casts.List(), t)
}

// converts reports whether the driver knows what a chain of casts around a
// constant gives in a column: on SQLite every type means one of five conversions.
func (a *analysis) converts(x Expr, casts []string, t *schema.Type) bool {
	switch a.dialect {
	case SQLite:
		return true
	case Postgres:
		return a.convertsOnPostgres(x, casts, t)
	}
	return convertsOnMySQL(casts, t)
}

// compares reports whether the server compares the value of a cast with a column
// as it compares two values of the column.
func (a *analysis) compares(c *Cast, col *schema.Type) bool {
	switch a.dialect {
	case SQLite:
		// The cast gives its value an affinity, which may convert the column.
		cast := liteAffinity(c.Type)
		switch liteAffinity(col.Declared) {
		case affinityNumeric:
			return true
		case affinityText:
			return cast != affinityNumeric
		}
		return cast == affinityNone
	case MySQL:
		return false
	}
	t, err := schema.ParseType(c.Type)
	return err == nil && t.Kind == col.Kind && t.Fixed == col.Fixed && (!t.Fixed || t.Name == col.Name) && t.Kind != schema.KindArray && (t.Kind != schema.KindFloat || pgFloat(t).Name == pgFloat(*col).Name)
}

// affinity is what SQLite makes of a declared type, as far as comparisons tell
// (sqlite.org/datatype3.html §3.1, §4.2).
type affinity uint8

const (
	affinityNumeric affinity = iota
	affinityText
	affinityNone
)

// liteReal reports a column that makes floats of numbers.
func liteReal(declared string) bool {
	d := strings.ToLower(declared)
	return liteAffinity(d) == affinityNumeric && !strings.Contains(d, "int") &&
		(strings.Contains(d, "real") || strings.Contains(d, "floa") || strings.Contains(d, "doub"))
}

func liteAffinity(declared string) affinity {
	d := strings.ToLower(declared)
	has := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(d, w) {
				return true
			}
		}
		return false
	}
	switch {
	case has("int"):
		return affinityNumeric
	case has("char", "clob", "text"):
		return affinityText
	case d == "" || d == "bytes" || has("blob"):
		return affinityNone
	}
	return affinityNumeric
}
