package rewrite

import "github.com/sealsql/sealsql/schema"

// Relations of which the catalog does not prove what they show are refused, and
// so is what reads them: a view over a foreign table shows what that shows.

// doubtful finds the views and the parents of relations that are doubtful, with
// the name of one of these. reach tells what leads to annotated tables, which
// is judged by its definition.
func doubtful(all []*SnapshotRelation, reach map[RelationID]reachKind, ann *schema.Catalog, key func(RelationID) RelationID) map[RelationID]string {
	users := map[RelationID][]*SnapshotRelation{}
	because := map[RelationID]string{}
	var queue []*SnapshotRelation
	byID := map[RelationID]*SnapshotRelation{}
	for _, r := range all {
		byID[key(r.ID)] = r
	}
	for _, r := range all {
		if r.Kind == RelView || r.Kind == RelMaterializedView {
			for _, d := range r.DependsOn {
				users[key(d)] = append(users[key(d)], r)
			}
		}
		for _, p := range r.Parents {
			if parent := byID[key(p)]; parent != nil {
				users[key(r.ID)] = append(users[key(r.ID)], parent)
			}
		}
		if r.unproven() && !ann.IsClearIn(r.ID.Schema, r.ID.Name) && reach[key(r.ID)] == reachNone {
			queue = append(queue, r)
		}
	}
	for len(queue) > 0 {
		r := queue[0]
		queue = queue[1:]
		for _, u := range users[key(r.ID)] {
			id := key(u.ID)
			if because[id] != "" || reach[id] != reachNone || ann.IsClearIn(u.ID.Schema, u.ID.Name) {
				continue
			}
			if because[id] = because[key(r.ID)]; because[id] == "" {
				because[id] = r.ID.Name
			}
			queue = append(queue, u)
		}
	}
	return because
}

// unproven reports a relation of which the catalog does not tell what it shows.
func (r *SnapshotRelation) unproven() bool {
	return r.OpaqueDefinition || r.Kind == RelForeign || r.Kind == RelOther
}
