package rewrite

import "strings"

// Triggers, and routines in defaults, policies and views, may change what the driver
// knows of a session: its search path, its temporary tables. After a statement that may run
// such code the session is read again.

// setting marks the relations that are not written to without perhaps running code that
// changes the session: by triggers of their own or of their parts, by those of tables into
// which their triggers write or foreign keys lead, and by those of what a view shows. And
// those that are not read without: of a policy or a view that calls it, and the views of
// these.
func (n *namespace) setting(all []*SnapshotRelation) {
	sets, reads, names := map[RelationID]bool{}, map[RelationID]bool{}, map[string]bool{}
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
		if n.callsSet(r, true) {
			reads[n.key(r.ID)] = true
		}
	}
	for grown := len(sets) > 0; grown; {
		grown = false
		for _, r := range all {
			if n.setsByTrigger(r, names) {
				grown = mark(r.ID) || grown
			}
			for _, id := range r.DependsOn {
				if id := n.key(id); reads[id] && r.Kind == RelView && !reads[n.key(r.ID)] {
					reads[n.key(r.ID)], grown = true, true
				}
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
	for id, rel := range n.byID {
		rel.writeSets, rel.readSets = sets[id], reads[id]
	}
	for _, rel := range n.temp {
		id := n.key(rel.ID)
		rel.writeSets, rel.readSets = sets[id], reads[id]
	}
	n.fetching = len(reads) > 0 || n.fetchSets()
	n.calling = len(sets) > 0
}

// setsByTrigger reports a trigger that changes the session itself, calls a routine that
// may, or names one of the relations; or a definition that calls such a routine. Where
// there are such relations any routine may write to one.
func (n *namespace) setsByTrigger(r *SnapshotRelation, names map[string]bool) bool {
	if n.callsSet(r, false) {
		return true
	}
	for _, t := range r.Triggers {
		if t.Sets {
			return true
		}
		for _, w := range t.Words {
			if names[w] || n.routines["session "+w] || len(names) > 0 && (w == "*" || n.routines[w]) {
				return true
			}
		}
	}
	return false
}

// callsSet reports a definition that calls a routine which may change the session.
func (n *namespace) callsSet(r *SnapshotRelation, onRead bool) bool {
	for _, c := range r.Calls {
		if (c.OnRead || !onRead) && n.SetsSession([]Ident{{Name: c.Routine}}) {
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
