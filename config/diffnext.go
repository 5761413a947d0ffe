package config

import "github.com/sealsql/sealsql/schema"

// finishFirst says when a configuration may name an index alone to which
// another was moved.
const finishFirst = "only after sealsql reindex --finish: until then it is not complete, or other processes do not search it yet"

func movedTo(kind string) string { return "its " + kind + " is the one to which it was moved" }

// sameIndex reports an index of the same column of the table with the same
// content.
func sameIndex(a, b schema.Index) bool {
	return schema.EqualNames(a.Physical(), b.Physical()) && a.Copies(b)
}

// orNil makes an interface of a pointer, nil of nil.
func orNil[T any, P interface {
	*T
	schema.Index
}](p P) schema.Index {
	if p == nil {
		return nil
	}
	return p
}

// next reports what becomes of a move of an index that stays.
func (d *differ) next(c *schema.Column, kind string, before, now schema.Index) {
	switch {
	case before == nil && now == nil:
	case before == nil:
		d.add(c.String(), Harmless, "its "+kind+" is to be moved to "+now.Physical(), "give every process this configuration, then run sealsql reindex")
	case now == nil:
		d.add(c.String(), Harmless, "its "+kind+" is no longer to be moved", "run sealsql reindex --abort first; once the next index is in use, what this configuration writes is refused")
	case !sameIndex(before, now):
		d.add(c.String(), Orphans, "the definition to which its "+kind+" is moved changed; rows that are filled would not be found", "run sealsql reindex --abort under the old configuration first, then name another column")
	}
}
