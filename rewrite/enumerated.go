package rewrite

import (
	"slices"
	"strings"

	"github.com/sealsql/sealsql/schema"
)

// Casts to enumerated types (PostgreSQL): an application whose column is of such
// a type writes "$1::status". The encrypted column is a text, whose values are the
// labels; the cast is left out, and the driver holds the value against the labels
// that the catalog has, as the server would. Their order is not that of texts, so
// that only equality is asked of an index in that way.

// enumMark begins the cast of Casts that is one to an enumerated type; its name and
// labels follow, each behind another.
const enumMark = "\x01"

const enumHint = "values of an enumerated type are compared by an exact search index for equality under collation: binary: the order of the type is not that of texts"

// Labels returns the name and the labels of the enumerated type to which the value
// is cast; ok is false for every other cast.
func (c Casts) Labels() (name string, labels []string, ok bool) {
	list := c.List()
	if len(list) != 1 || !strings.HasPrefix(list[0], enumMark) {
		return "", nil, false
	}
	parts := strings.Split(list[0], enumMark)
	return parts[1], parts[2:], true
}

// enumerations is a catalog that knows enumerated types.
type enumerations interface {
	// Enumeration returns the labels of the type that a name of one or two parts
	// means; nil where it is not one, or not known to be.
	Enumeration(path []string) []string
}

// enumerates returns what becomes of the cast of a constant to an enumerated type,
// whose label a column of this type takes.
func (a *analysis) enumerates(c *Cast, t *schema.Type) (Casts, bool) {
	known, ok := a.cat.(enumerations)
	if !ok || a.dialect != Postgres || t.Kind != schema.KindText || t.Fixed || strings.EqualFold(t.Declared, "citext") || !c.Known() {
		return "", false
	}
	x := c.X
	for inner, cast := x.(*Cast); cast; inner, cast = x.(*Cast) {
		if u, err := schema.ParseType(inner.Type); err != nil || u.Kind != schema.KindText || u.Fixed || u.Length > 0 || !inner.Known() {
			return "", false
		}
		x = inner.X
	}
	switch x := x.(type) {
	case *Param:
	case *Literal:
		if x.Kind != LitString && x.Kind != LitNull || x.Odd {
			return "", false
		}
	default:
		return "", false
	}
	path := typePath(c.Type)
	labels := known.Enumeration(path)
	if !x.Range().Known() || len(labels) == 0 || slices.ContainsFunc(labels, func(l string) bool { return strings.ContainsAny(l, enumMark+"\x00") }) {
		return "", false
	}
	return Casts(enumMark + strings.Join(path, ".") + enumMark + strings.Join(labels, enumMark) + "\x00"), true
}

// typePath takes the spelling of a type apart: a name, or a schema and a name, as
// the front end writes them; nil for all others (arrays, modifiers).
func typePath(spelling string) (path []string) {
	for rest := spelling; ; {
		name := ""
		if quoted, ok := strings.CutPrefix(rest, `"`); ok {
			end := strings.IndexByte(quoted, '"')
			if end <= 0 {
				return nil
			}
			name, rest = quoted[:end], quoted[end+1:]
		} else {
			end := strings.IndexFunc(rest, func(r rune) bool { return r < 0x80 && !wordByte(byte(r)) })
			if end < 0 {
				end = len(rest)
			}
			name, rest = rest[:end], rest[end:]
		}
		if path = append(path, name); name == "" || len(path) > 2 {
			return nil
		}
		if rest == "" {
			return path
		}
		if rest[0] != '.' {
			return nil
		}
		rest = rest[1:]
	}
}

// Enumeration finds an enumerated type as the session's search path does. A type
// has one name in all schemas, or is not among those of a snapshot.
func (n *namespace) Enumeration(path []string) []string {
	if n.snap == nil || len(path) == 0 {
		return nil
	}
	schemas := n.path
	if len(path) == 2 {
		schemas = path[:1]
	}
	for _, s := range schemas {
		if labels := n.snap.Enums[RelationID{s, path[len(path)-1]}]; labels != nil {
			return labels
		}
	}
	return nil
}

// tellsLabels reports an index that tells values apart as an enumerated type does.
func tellsLabels(x schema.Index) bool {
	e, ok := x.(*schema.Equality)
	return ok && e.Exact() && (e.Collation == schema.CollationNone || e.Collation == schema.CollationBytes)
}
