package config

import "github.com/sealsql/sealsql/schema"

// finishFirst says when a configuration may name an index alone to which
// another was moved.
const finishFirst = "only after sealsql reindex --finish: until then it is not complete, or other processes do not search it yet"

// What stands at changes of indexes that are added or dropped.
const (
	addFirst    = "declare it with state: adding and run sealsql reindex; or declare it before values are stored"
	addedFirst  = "only after sealsql reindex --cut-over: until then rows are missing in it"
	dropFirst   = "only after sealsql reindex --finish: until then the table demands the index"
	dropInstead = "the table demands the index: declare it with state: dropping and run sealsql reindex --finish first"
	abortFirst  = "run sealsql reindex --abort first; once the next index is in use, what this configuration writes is refused"
)

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
		d.add(c.String(), Harmless, "its "+kind+" is no longer to be moved", abortFirst)
	case !sameIndex(before, now):
		d.add(c.String(), Orphans, "the definition to which its "+kind+" is moved changed; rows that are filled would not be found", "run sealsql reindex --abort under the old configuration first, then name another column")
	}
}

// transit reports an index that came or goes, or is one that does. done is false
// for changes of settled indexes. a and b are the searched definitions, next and
// nowNext those beside them.
func (d *differ) transit(c *schema.Column, kind string, a, b, next, nowNext schema.Index) (done bool) {
	before, now := next, nowNext
	if before != nil && schema.TransitOf(before) == schema.Settled {
		before = nil
	}
	if now != nil && schema.TransitOf(now) == schema.Settled {
		now = nil
	}
	name := c.String()
	switch {
	case before == nil && now == nil:
		return false
	case before == nil && schema.TransitOf(now) == schema.Adding && a == nil:
		d.add(name, Harmless, "its "+kind+" is to be added", "give every process this configuration, then run sealsql reindex")
	case before == nil && schema.TransitOf(now) == schema.Dropping && a != nil && sameIndex(a, now):
		d.add(name, Harmless, "its "+kind+" is to be dropped; statements that search by it are refused", "give every process this configuration, then run sealsql reindex --finish")
	case before != nil && now != nil && sameIndex(before, now) && schema.TransitOf(before) == schema.TransitOf(now):
	case before != nil && schema.TransitOf(before) == schema.Adding && b != nil && sameIndex(before, b):
		d.add(name, Harmless, "can be searched by its "+kind, addedFirst)
	case before != nil && schema.TransitOf(before) == schema.Adding && b == nil && now == nil:
		d.add(name, Harmless, "its "+kind+" is no longer to be added", abortFirst)
	case before != nil && schema.TransitOf(before) == schema.Dropping && b == nil && now == nil:
		d.add(name, Harmless, "its "+kind+" is dropped", dropFirst)
	case before != nil && schema.TransitOf(before) == schema.Dropping && b != nil && sameIndex(before, b):
		d.add(name, Harmless, "its "+kind+" is no longer to be dropped", "run sealsql reindex --abort first; after --finish it is not complete")
	default:
		d.add(name, Orphans, "its "+kind+" changed while it was added or dropped; rows that are stored are not found", "run sealsql reindex --abort under the old configuration first")
	}
	return true
}

// kindOf is the kind of the first index that there is.
func kindOf(fs ...*schema.Fragments) string {
	for _, f := range fs {
		if f != nil {
			return f.Kind.String()
		}
	}
	return ""
}
