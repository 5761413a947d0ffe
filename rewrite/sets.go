package rewrite

import "strings"

// Triggers, and declared routines in defaults and policies, may change what the driver
// knows of a session: its search path, its temporary tables. After a statement that may run
// such code the session is read again.

// setting marks the relations that are not written to without perhaps running a trigger
// that changes the session: by triggers of their own or of their parts, by those of tables
// into which their triggers write or foreign keys lead, and by those of what a view shows.
func (n *namespace) setting(all []*SnapshotRelation) {
	sets, names := map[RelationID]bool{}, map[string]bool{}
	mark := func(id RelationID) (isNew bool) {
		if id = n.key(id); sets[id] {
			return false
		}
		sets[id], names[strings.ToLower(id.Name)] = true, true
		return true
	}
	for _, r := range all {
		if n.setsByTrigger(r, nil) {
			mark(r.ID)
		}
		if rel := n.byID[n.key(r.ID)]; rel != nil && !r.Temp {
			rel.readSets = n.callsSet(r, true)
		}
	}
	for grown := len(sets) > 0; grown; {
		grown = false
		for _, r := range all {
			if n.setsByTrigger(r, names) {
				grown = mark(r.ID) || grown
			}
			if r.Kind == RelView || len(r.Rules) > 0 {
				for _, id := range r.DependsOn {
					if sets[n.key(id)] {
						grown = mark(r.ID) || grown
					}
				}
			}
			if !sets[n.key(r.ID)] {
				continue
			}
			for _, p := range r.Parents {
				grown = mark(p) || grown
			}
			for _, x := range r.References {
				if x.Cascades || len(x.Changes) > 0 || len(x.Clears) > 0 {
					grown = mark(x.To) || grown
				}
			}
		}
	}
	for id := range sets {
		if rel := n.byID[id]; rel != nil {
			rel.writeSets = true
		}
		if rel := n.temp[id.Name]; rel != nil {
			rel.writeSets = true
		}
	}
}

// setsByTrigger reports a trigger that changes the session itself, calls a routine that
// may, or names one of the relations; or a definition that calls such a routine.
func (n *namespace) setsByTrigger(r *SnapshotRelation, names map[string]bool) bool {
	if n.callsSet(r, false) {
		return true
	}
	for _, t := range r.Triggers {
		if t.Sets {
			return true
		}
		for _, w := range t.Words {
			if names[w] || n.routines["session "+w] || w == "*" && len(names) > 0 {
				return true
			}
		}
	}
	return false
}

// callsSet reports a definition that calls a routine which may change the session.
func (n *namespace) callsSet(r *SnapshotRelation, onRead bool) bool {
	for _, c := range r.Calls {
		if (c.OnRead || !onRead) && n.routines["session "+c.Routine] {
			return true
		}
	}
	return false
}

// fetchSets reports whether rows of a cursor may be computed by a declared routine that
// changes the session: it runs when they are fetched.
func (n *namespace) fetchSets() bool {
	for name := range n.decl.Routines {
		if n.SetsSession([]Ident{{Name: name}}) {
			return true
		}
	}
	return false
}
